"""MODEL/tasks/NAME: what was taught a model, and nothing that the model has already.

options.json            what made it, with the digest of the model's weights
labels.json             by task, what was learnt beside weights
head.safetensors        the heads
encoder.safetensors     the encoder's weights that learnt; or adapters.safetensors, or
                        lora.safetensors; none where the head alone learnt
table.json              how well the validation rows are answered
history.parquet         how it learnt
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from accelerate.utils import set_seed
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from videobert.answers.alignment import sentence_scores
from videobert.answers.judging import judged
from videobert.answers.localisation import Location
from videobert.answers.search import Judge
from videobert.data.clips import Clips
from videobert.data.said import Said
from videobert.finetune.asking import answers
from videobert.finetune.captions.captioner import model_digest
from videobert.finetune.examples import Example, Reader
from videobert.finetune.heads import SequenceHead
from videobert.finetune.network import ENCODER, TaskNetwork, make_network
from videobert.finetune.options import ALIGN, CLASSIFY, FIND, FOLDER, FinetuneOptions
from videobert.finetune.states import judging_layers
from videobert.finetune.tasks import TASKS
from videobert.finetune.tasks.classify import Classify
from videobert.finetune.tasks.find import Find
from videobert.finetune.tasks.task import Task
from videobert.joint_network import JointNetwork
from videobert.loading import TrainedModel, load_model, load_to_ask
from videobert.processing_videobert import VideoBertProcessor
from workfolder.digests import check_digests
from workfolder.errors import InputError
from workfolder.files import read_json, write_json
from workfolder.stage import OPTIONS_FILE

LABELS_FILE, HEAD_FILE = "labels.json", "head.safetensors"
TABLE_FILE, HISTORY_FILE = "table.json", "history.parquet"
PARTS = {"adapter": "adapters.safetensors", "lora": "lora.safetensors"}
"""The file of what was put into the encoder, by the beginning of --train."""
ENCODER_FILE = "encoder.safetensors"
RANKS, BEFORE, TAUGHT = "reciprocal rank", "before", "taught"
"""In labels.json, of align: how well it would search; see ranks."""
FIRST_IDS = "sentences"
"""What labels.json calls units that an older version read by their first id alone."""
BEGAN_FILE = "began.safetensors"
"""Weights that another task taught first; see two_stage."""


@dataclass(frozen=True)
class Tuned:
    """A network that was taught tasks.

    Attributes:
        network: in evaluation mode.
        tasks: by name.
        model: what it was taught; its network is that of ``network``.
        options: by which it was taught.
    """

    network: TaskNetwork
    tasks: Mapping[str, Task]
    model: TrainedModel
    options: FinetuneOptions

    @property
    def hears(self) -> bool:
        """Whether it answers about what is said, and not about clips."""
        find = self.tasks.get(FIND)
        return isinstance(find, Find) and find.of_sentences

    def asking_for(self, labels: Sequence[str]) -> Tuned:
        """Return the same network, which asks classify for these labels; they may be untaught.

        Raises:
            InputError: if it was not taught classify, or see Classify.asking_for.
        """
        classify = self.tasks.get(CLASSIFY)
        if not isinstance(classify, Classify):
            raise InputError(f"only {CLASSIFY} has labels that can be asked for: leave them out")
        asked = classify.asking_for(labels)
        network = self.network.with_head(CLASSIFY, asked.labels_on)
        return replace(self, network=network, tasks={**self.tasks, CLASSIFY: asked})


def task_folder(model: Path, name: str) -> Path:
    """Return where a task of a model lies."""
    return model / FOLDER / name


def trained_file(train: str) -> str:
    """Return the name of the file of what learnt in the encoder."""
    return PARTS.get(train.partition(":")[0], ENCODER_FILE)


def save_tuned(
    folder: Path, network: TaskNetwork, tasks: Mapping[str, Task], options: FinetuneOptions
) -> None:
    """Write what learnt, and what the tasks are about."""
    learnt = {name: weight.cpu().contiguous() for name, weight in network.learnt().items()}
    below = {name: weight for name, weight in learnt.items() if name.startswith(ENCODER)}
    save_file({n: w for n, w in learnt.items() if n not in below}, folder / HEAD_FILE)
    if below:
        save_file(below, folder / trained_file(options.train))
    write_json({name: dict(task.about) for name, task in tasks.items()}, folder / LABELS_FILE)


def load_tuned(
    model: Path,
    name: str,
    footage: Mapping[str, Clips] | None = None,
    said: Mapping[str, Said] | None = None,
) -> Tuned:
    """Read what a model was taught.

    Args:
        model: the model's folder.
        name: below MODEL/tasks.
        footage: the videos that will be asked about by id.
        said: what is said in those of them that have no clips.

    Raises:
        InputError: if it is not there, is damaged, or belongs to other weights.
    """
    folder = task_folder(model, name)
    advice = f"delete {folder} and run videobert finetune again"
    if not (folder / OPTIONS_FILE).is_file():
        raise InputError(_not_there(model, name))
    check_digests(folder, advice)
    made_with, about = read_json(folder / OPTIONS_FILE), read_json(folder / LABELS_FILE)
    if made_with.get("model") != model_digest(model):
        raise InputError(f"{folder} learnt with another model than {model} holds: {advice}")
    if any(its.get("units") == FIRST_IDS for its in about.values()):
        raise InputError(f"{folder} learnt to read sentences as an older version did: {advice}")
    options = options_of(made_with)
    trained = load_model(model)
    began, device = trained.network, trained.network.device
    reader = make_reader(trained.processor, began.config, footage or {}, options, said or {})
    tasks = {name: TASKS[name](reader, about[name]) for name in options.tasks}
    if made_with["random weights"]:
        began = random_weights(began, options.seed)
    try:
        weights = load_file(folder / HEAD_FILE)
        if (folder / trained_file(options.train)).is_file():
            weights |= load_file(folder / trained_file(options.train))
        first = load_file(folder / BEGAN_FILE) if (folder / BEGAN_FILE).is_file() else {}
    except (OSError, SafetensorError) as error:
        raise InputError(f"{folder} cannot be read ({error}): {advice}") from error
    began.load_state_dict(first, strict=False)
    network = make_network(began, tasks, options)
    if weights.keys() != network.learnt().keys():
        raise InputError(f"{folder} has not the weights of its options: {advice}")
    network.load_state_dict(weights, strict=False)
    return Tuned(network.to(device).eval(), tasks, trained, options)


def apply_to_clip(
    tuned: Tuned, video: str, clips: Clips, texts: Sequence[str] = ()
) -> dict[str, Any]:
    """Answer about a clip that nobody annotated.

    Args:
        tuned: what answers.
        video: the name of the clip.
        clips: what is seen.
        texts: what is asked about, possibly nothing.

    Returns:
        By task what JSON can hold; a list where several texts are asked about.

    Raises:
        InputError: if a task asks about a text and there is none.
    """
    times = np.stack([clips.start, clips.end], axis=1)
    return _applied(tuned, Example(video, words=clips.words, times=times), texts)


def apply_to_said(
    tuned: Tuned, video: str, said: Said, texts: Sequence[str] = ()
) -> dict[str, Any]:
    """Answer about what is said in a video that nobody annotated; see apply_to_clip."""
    return _applied(tuned, Example(video, times=said.times, said=said.texts), texts)


def _applied(tuned: Tuned, seen: Example, texts: Sequence[str]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for name, task in tuned.tasks.items():
        examples = task.of_clip(seen, texts)
        found = answers(tuned.network, name, task, examples)
        said = [task.told(*each) for each in zip(examples, found, strict=True)]
        told[name] = said[0] if len(said) == 1 else said
    return told


def load_to_judge(model: Path) -> tuple[TrainedModel, Judge, str]:
    """Read a model, and what judges a sentence beside stretches.

    That is MODEL/tasks/align, if it reads as the alignment head does and ranked the validation
    stretches better than the model did before.

    Returns:
        The model, what judges, and its name: "model", or the task.
    """
    tuned = load_tuned(model, ALIGN)
    ranks = tuned.tasks[ALIGN].about.get(RANKS, {BEFORE: 0.0, TAUGHT: 0.0})
    if not reads_as_alignment(tuned.options) or ranks[TAUGHT] <= ranks[BEFORE]:
        return load_to_ask(model), judged, "model"
    return as_aligned(tuned), sentence_scores, f"{FOLDER}/{ALIGN}"


def reads_as_alignment(options: FinetuneOptions) -> bool:
    """Tell whether a task reads what the alignment head of a model reads."""
    return options.layers == "last" and not options.both_orders


def as_aligned(tuned: Tuned) -> TrainedModel:
    """Put the head of align where the model has its own."""
    head = tuned.network.heads[ALIGN]
    assert isinstance(head, SequenceHead)
    layers = judging_layers(tuned.model.network)
    for own, layer in zip(layers, (head.dense, head.classifier), strict=True):
        own.load_state_dict(layer.state_dict())
    return tuned.model


@dataclass(frozen=True)
class Finder:
    """Finds when a text is shown, as MODEL/tasks/find was taught.

    Attributes:
        tuned: what finds.
        name: of the task.
    """

    tuned: Tuned
    name: str = f"{FOLDER}/{FIND}"

    @classmethod
    def of(cls, model: Path) -> Finder:
        """Read it from a model's folder."""
        return cls(load_tuned(model, FIND))

    def __call__(self, text: str, video: str, clips: Clips) -> list[Location]:
        """Return the one stretch that shows a text; none if it is not shown."""
        told = apply_to_clip(self.tuned, video, clips, [text])[FIND]
        if not told.get("shown"):  # a yes or a no has no place
            return []
        start, end = told["when"]
        return [Location(start, end, told["score"])]


def random_weights(model: JointNetwork, seed: int) -> JointNetwork:
    """Make a model of the same shape that has learnt nothing."""
    set_seed(seed)
    made: JointNetwork = type(model)(model.config)
    return made


def _not_there(model: Path, name: str) -> str:
    there = sorted(path.parent.name for path in (model / FOLDER).glob(f"*/{OPTIONS_FILE}"))
    taught = f"it was taught {', '.join(there)}" if there else "it was taught nothing yet"
    return (
        f"{model} has no task {name!r}, {taught}: run videobert finetune --task TASK --model "
        f"{model} --annotations NAME --work DIR"
    )


def options_of(made_with: Mapping[str, Any]) -> FinetuneOptions:
    """Read the options of an options.json."""
    known = {each.name for each in fields(FinetuneOptions)}
    values = {name: value for name, value in made_with.items() if name in known}
    return FinetuneOptions(**{**values, "task": tuple(values["task"])})


def make_reader(
    processor: VideoBertProcessor,
    config: Any,
    footage: Mapping[str, Clips],
    options: FinetuneOptions,
    said: Mapping[str, Said] = MappingProxyType({}),
) -> Reader:
    """Make what reads for all tasks.

    Raises:
        InputError: if rows would be longer than the model has positions.
    """
    longest = config.max_position_embeddings
    if options.max_length and options.max_length > longest:
        raise InputError(f"--max-length {options.max_length}: the model has {longest} positions")
    layout = processor.layout(options.max_length or longest, options.truncation)
    return Reader(processor, layout, footage, options, said)
