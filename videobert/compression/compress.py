"""From a model's folder and the examples it learnt from to the folder of a smaller model."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from videobert.compression.distilling import DistilLearner
from videobert.compression.layers import chosen_layers
from videobert.compression.options import REPLACING, CompressOptions
from videobert.compression.replacing import ReplacingLearner
from videobert.compression.student import make_student
from videobert.data.work import DATA_DIGEST
from videobert.finetune.captions.captioner import FOLDER as CAPTIONER
from videobert.finetune.captions.captioner import model_digest
from videobert.finetune.options import FOLDER as TASKS
from videobert.joint_network import JointNetwork
from videobert.learning.checkpoints import TrainingFolder
from videobert.learning.learner import Recipe
from videobert.learning.run import read_made_with, train_once
from videobert.learning.stacking import layer_list
from videobert.learning.trainer import Trainer
from videobert.loading import CONFIG_FILE, WEIGHTS_FILES, load_model
from videobert.pretraining.batches import Batch
from videobert.pretraining.learner import PretrainLearner
from videobert.pretraining.loop import write_model
from videobert.pretraining.options import PIECES, PretrainOptions
from videobert.pretraining.start import provenance, start_run
from videobert.whole_numbers import numbers_of, to_int8
from workfolder.digests import DIGESTS_FILE, write_digests
from workfolder.errors import InputError
from workfolder.files import read_json, write_folder, write_json
from workfolder.progress import Progress, silent
from workfolder.stage import OPTIONS_FILE, refuse_other_options

ADVICE = "use those, or give another --out"
READ = (
    "text_weight",
    "video_weight",
    "joint_weight",
    "join_probability",
    "longest_step",
    "stream",
    "negative_margin",
    "truncation",
    "validation_share",
    "objective",
    "masked_share",
    "masking",
    "mask_token",
    "joint_masking",
    "alignment_weight",
    "dropout",
    "seed",
)
"""What a student reads and is asked as its teacher was."""
DATA = ("videos", DATA_DIGEST, "examples")


@dataclass(frozen=True)
class Size:
    """How large a model is.

    Attributes:
        layers: of its encoder.
        parameters: numbers that its weights have.
        megabytes: of its weights' files, 10^6 bytes.
    """

    layers: int
    parameters: int
    megabytes: float

    @classmethod
    def of(cls, folder: Path) -> Size:
        """Measure a model's folder."""
        network = load_model(folder).network
        size = sum(path.stat().st_size for path in folder.glob(WEIGHTS_FILES)) / 1e6
        return cls(network.config.num_hidden_layers, numbers_of(network), round(size, 3))

    def __str__(self) -> str:
        return f"{self.layers} layers, {self.parameters:,} parameters, {self.megabytes:,.1f} MB"


@dataclass(frozen=True)
class CompressReport:
    """What was made smaller.

    Attributes:
        folder: the new model's.
        now: whether this run made it.
        before: the size of the model that it was made from.
        after: its own.
        began_with: layers of the model that its layers began as, counted from 0.
        heads: how many heads each of its layers has left; None where all are there.
        notes: what a person should know.
    """

    folder: str
    now: bool
    before: Size
    after: Size
    began_with: list[int]
    heads: list[int] | None
    notes: list[str]

    def __str__(self) -> str:
        if not self.now:
            return f"{self.folder}: done already, nothing to do"
        return "\n".join([f"{self.folder}: {self.before} -> {self.after}", *self.notes])


def compress(
    model: Path,
    work: Path | None,
    out: Path,
    options: CompressOptions,
    progress: Progress = silent,
) -> CompressReport:
    """Make a smaller model, let it learn from MODEL on DIR/examples, and write it to ``out``.

    Nothing is done if ``out`` is there, made with the same options from the same model and
    examples. A run that was stopped goes on from its last checkpoint. Whole numbers alone need no
    examples, and nothing learns.

    Raises:
        InputError: as ``train_once``; if MODEL cannot be made smaller so, if it learnt with
            another codebook than that of the work folder, or if there is none and it must learn.
    """
    out, there = out.absolute(), _layers(model)
    chosen = list(range(there)) if options.layers is None else chosen_layers(there, options.layers)
    if options.share and len(chosen) == 1:
        raise InputError("--share lets all layers be one, and one is all there are: leave it out")
    if not options.learns:
        now = _only_write(model, out)
    elif work is None:
        raise InputError("the smaller model has to learn: give --work, the folder of its examples")
    else:
        now = _learn(model, work, out, options, chosen, progress)
    heads = read_json(out / CONFIG_FILE).get("heads")
    notes = _notes(there, chosen, heads)
    return CompressReport(str(out), now, Size.of(model), Size.of(out), chosen, heads, notes)


def _learn(
    model: Path,
    work: Path,
    out: Path,
    options: CompressOptions,
    chosen: list[int],
    progress: Progress,
) -> bool:
    """Make a student, let it learn and write it; False where that was done before."""
    reading = as_before(model, options)
    noted = provenance(work, reading)
    made_with = {
        **_origin(model),
        **asdict(options),
        **{name: noted[name] for name in (*READ, *DATA)},
    }

    def start() -> PretrainLearner:
        learner = start_run(work, reading)
        teacher = learner.model
        student = make_student(teacher, learner.processor, work, options)
        its: dict[str, Any]
        its = {each.name: getattr(learner, each.name) for each in fields(learner) if each.init}
        its |= {"model": student, "stage": "compress"}
        teacher.eval().requires_grad_(False)
        if options.by != REPLACING:
            return DistilLearner(**its, teacher=teacher)
        if options.embedding is None:  # what is the teacher's still is frozen as it is
            _freeze_all_but_layers(student)
        its |= {"chosen": chosen, "steps": options.steps, "seed": reading.seed}
        return ReplacingLearner(**its, teacher=teacher)

    def write(part: Path, learner: PretrainLearner, trainer: Trainer[Batch]) -> None:
        write_model(part, learner, trainer, made_with, TrainingFolder.beside(out).board)
        if options.int8:
            write_int8(learner.model, part)

    return train_once(
        out, made_with, start, _recipe(options, reading.seed), write, ADVICE, progress
    )


def _only_write(model: Path, out: Path) -> bool:
    """Write a model in whole numbers with all that its folder has; False if it is there."""
    made_with = {**read_made_with(model, ADVICE), **_origin(model), "int8": True}
    if out.exists():
        refuse_other_options(out, read_made_with(out, ADVICE), made_with, ADVICE)
        return False
    network = load_model(model).network
    with write_folder(out) as part:
        # What was taught it goes with other weights.
        left = shutil.ignore_patterns(TASKS, CAPTIONER, DIGESTS_FILE, WEIGHTS_FILES)
        shutil.copytree(model, part, ignore=left, dirs_exist_ok=True)
        write_int8(network, part)
        write_digests(part)
        write_json(made_with, part / OPTIONS_FILE)
    return True


def write_int8(network: JointNetwork, folder: Path) -> None:
    """Write a network in whole numbers in the place of what a folder has, with its shape.

    The network is used up.
    """
    for path in folder.glob(WEIGHTS_FILES):
        path.unlink()
    network.cpu()
    to_int8(network)
    network.save_pretrained(folder)


def _origin(model: Path) -> dict[str, Any]:
    return {"made_from": model.resolve().name, "teacher": model_digest(model)}


def _freeze_all_but_layers(student: JointNetwork) -> None:
    layers = layer_list(student, student.config.num_hidden_layers)
    inside = {id(weight) for weight in layers.parameters()}
    for weight in student.parameters():
        weight.requires_grad = id(weight) in inside


def as_before(model: Path, options: CompressOptions) -> PretrainOptions:
    """Return the options that a model learnt with, as far as its student reads as it did.

    Phrases of a file are pieces to the student, as the file may be gone.
    """
    path = model / OPTIONS_FILE
    noted: dict[str, Any] = read_json(path) if path.exists() else {}
    before = PretrainOptions(**{name: noted[name] for name in READ if name in noted})
    if noted.get("phases"):
        plan = replace(before, phases=noted["phases"]).plan
        noted["max_length"] = max(phase.max_length for phase in plan)
    return replace(
        before,
        init=str(model),
        max_length=noted.get("max_length"),
        masking=PIECES if before.phrases_file else before.masking,
        steps=options.steps,
        batch_size=options.batch_size,
    )


def _layers(model: Path) -> int:
    config = read_json(model / CONFIG_FILE) if (model / CONFIG_FILE).exists() else {}
    if config.get("int8"):
        raise InputError(
            f"{model} is of whole numbers, which do not learn: give the model that it was made from"
        )
    its = config.get("encoder", config)
    layers = its.get("num_hidden_layers", its.get("n_layers"))
    if not layers:
        raise InputError(f"{model} holds no model: give the folder that videobert pretrain wrote")
    return int(layers)


def _notes(there: int, chosen: list[int], heads: list[int] | None) -> list[str]:
    notes = []
    if there % len(chosen):
        notes.append(
            f"{len(chosen)} does not divide {there}: it began with the layers nearest to even "
            f"places, {', '.join(map(str, chosen))}"
        )
    if heads:
        notes.append(f"heads left in each layer: {', '.join(map(str, heads))}")
    return notes


def _recipe(options: CompressOptions, seed: int) -> Recipe:
    return Recipe(
        [options.steps],
        options.batch_size,
        options.learning_rate,
        warmup=options.warmup,
        weight_decay=PretrainOptions().weight_decay,
        precision=options.precision,
        accumulate=options.accumulate,
        validate_every=options.validate_every,
        checkpoint_every=options.checkpoint_every,
        seed=seed,
    )
