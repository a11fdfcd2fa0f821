"""From a model's folder and the examples it learnt from to the folder of a smaller model."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from videobert.compression.distilling import DistilLearner
from videobert.compression.layers import chosen_layers, with_layers
from videobert.compression.options import CompressOptions
from videobert.data.work import DATA_DIGEST
from videobert.finetune.captions.captioner import model_digest
from videobert.learning.checkpoints import TrainingFolder
from videobert.learning.learner import Recipe
from videobert.learning.run import train_once
from videobert.learning.trainer import Trainer
from videobert.loading import CONFIG_FILE, WEIGHTS_FILES, load_model
from videobert.pretraining.batches import Batch
from videobert.pretraining.loop import write_model
from videobert.pretraining.options import PIECES, PretrainOptions
from videobert.pretraining.start import provenance, start_run
from workfolder.errors import InputError
from workfolder.files import read_json
from workfolder.progress import Progress, silent
from workfolder.stage import OPTIONS_FILE

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
        parameters = sum(weight.numel() for weight in network.parameters())
        return cls(network.config.num_hidden_layers, parameters, round(size, 3))

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
        notes: what a person should know.
    """

    folder: str
    now: bool
    before: Size
    after: Size
    began_with: list[int]
    notes: list[str]

    def __str__(self) -> str:
        if not self.now:
            return f"{self.folder}: done already, nothing to do"
        return "\n".join([f"{self.folder}: {self.before} -> {self.after}", *self.notes])


def compress(
    model: Path, work: Path, out: Path, options: CompressOptions, progress: Progress = silent
) -> CompressReport:
    """Make a smaller model, let it learn from MODEL on DIR/examples, and write it to ``out``.

    Nothing is done if ``out`` is there, made with the same options from the same model and
    examples. A run that was stopped goes on from its last checkpoint.

    Raises:
        InputError: as ``train_once``; if MODEL cannot be made smaller so, or if it learnt with
            another codebook than that of the work folder.
    """
    out, reading = out.absolute(), as_before(model, options)
    noted = provenance(work, reading)
    made_with = {
        "made_from": model.resolve().name,
        "teacher": model_digest(model),
        **asdict(options),
        **{name: noted[name] for name in (*READ, *DATA)},
    }
    there = _layers(model)
    chosen = list(range(there)) if options.layers is None else chosen_layers(there, options.layers)

    def start() -> DistilLearner:
        learner = start_run(work, reading)
        teacher = learner.model
        student = with_layers(teacher, chosen)
        teacher.eval().requires_grad_(False)
        its = {each.name: getattr(learner, each.name) for each in fields(learner) if each.init}
        return DistilLearner(**{**its, "model": student, "stage": "compress"}, teacher=teacher)

    def write(part: Path, learner: DistilLearner, trainer: Trainer[Batch]) -> None:
        write_model(part, learner, trainer, made_with, TrainingFolder.beside(out).board)

    now = train_once(out, made_with, start, _recipe(options, reading.seed), write, ADVICE, progress)
    return CompressReport(
        str(out), now, Size.of(model), Size.of(out), chosen, _notes(there, chosen)
    )


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
    its = config.get("encoder", config)
    layers = its.get("num_hidden_layers", its.get("n_layers"))
    if not layers:
        raise InputError(f"{model} holds no model: give the folder that videobert pretrain wrote")
    return int(layers)


def _notes(there: int, chosen: list[int]) -> list[str]:
    if there % len(chosen) == 0:
        return []
    return [
        f"{len(chosen)} does not divide {there}: it began with the layers nearest to even places, "
        f"{', '.join(map(str, chosen))}"
    ]


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
