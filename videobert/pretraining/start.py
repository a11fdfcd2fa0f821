"""The start of a run: data and batches. What can be refused is refused here."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from accelerate.utils import set_seed

from tokenization.codebook import Codebook
from tokenization.near_words_stage import FOLDER
from videobert.answers.text_files import read_lines
from videobert.data.corpus import NOBODY, Corpus, make_corpus
from videobert.data.near_words import NearWords, near_words_stage, read_near_words
from videobert.data.work import DATA_DIGEST, data_digest, examples_stage, read_examples
from videobert.learning.schedule import SMALLEST, Phase
from videobert.learning.split import kept_apart
from videobert.modeling_videoencoder import VideoEncoderForPreTraining
from videobert.orders import REPLACED
from videobert.pretraining.batches import Batches
from videobert.pretraining.initial import begin, within
from videobert.pretraining.learner import PretrainLearner
from videobert.pretraining.masking.chosen import make_masker
from videobert.pretraining.negatives import Negatives
from videobert.pretraining.objectives import objectives
from videobert.pretraining.options import PretrainOptions
from videobert.pretraining.parallel import partners
from videobert.pretraining.replaced import ReplacedLearner, ReplacedNetwork
from videobert.pretraining.turns import Turns
from videobert.processing_videobert import VideoBertProcessor
from workfolder.errors import InputError

VALIDATION_STREAM, REPLAYED_STREAMS = 0, 1_000_000
"""The stream of the validation batches; the phases have 1, 2, ..., and what they replay its own."""


def provenance(work: Path, options: PretrainOptions) -> dict[str, Any]:
    """Return what a model remembers of its making.

    Raises:
        InputError: if there are no examples.
    """
    stage = examples_stage(work)
    found = {
        "videos": len(stage.done()),
        DATA_DIGEST: data_digest(stage),
        "examples": stage.options(),
    }
    if options.replay:
        earlier = examples_stage(Path(options.replay))
        found["replayed"] = {**earlier.options(), DATA_DIGEST: data_digest(earlier)}
    if options.parallel:
        other = examples_stage(Path(options.parallel))
        found["told again"] = {**other.options(), DATA_DIGEST: data_digest(other)}
    if options.phrases_file:
        phrases = "\n".join(read_lines(options.phrases_file, "phrase"))
        found["phrases"] = hashlib.sha256(phrases.encode()).hexdigest()
    if options.sample_words:
        near = near_words_stage(work)
        found[FOLDER] = {**near.options(), DATA_DIGEST: data_digest(near)}
    return {**options.noted(), **found}


def start_run(work: Path, options: PretrainOptions) -> PretrainLearner:
    """Read the examples and make everything ready for the first step.

    Raises:
        InputError: for whatever would stop the run later.
    """
    set_seed(options.seed)
    examples = read_examples(work)
    codebook = _codebook(work, examples)
    told = len(examples)
    if options.parallel:
        codebook.refuse_other_words(examples_stage(Path(options.parallel)))
        examples = pa.concat_tables([examples, read_examples(Path(options.parallel))])
    processor, model = begin(work, options, codebook, examples)
    options = within(options, model.config.max_position_embeddings)
    earlier = None
    if options.replay:
        earlier = read_examples(Path(options.replay))
        codebook.refuse_other_words(examples_stage(Path(options.replay)))
    near_words = None
    if options.sample_words:
        near_words = read_near_words(work, examples, codebook.digest, options.sample_words)
    batches = make_batches(examples, processor, options, near_words, earlier, told)
    what = objectives(options)
    if options.objective == REPLACED:
        special = processor.tokenizer.all_special_ids
        both: Any = ReplacedNetwork(cast(VideoEncoderForPreTraining, model), special)
        return ReplacedLearner(processor, both, *batches, what, options.alignment_weight)
    return PretrainLearner(processor, model, *batches, what, options.alignment_weight)


def _codebook(work: Path, examples: pa.Table) -> Codebook:
    """Read the codebook that the examples were made with.

    Raises:
        InputError: if the work folder holds another one.
    """
    codebook, stage = Codebook.load(work / "codebook"), examples_stage(work)
    advice = (
        f"remove {work / 'tokens'} and {work / 'examples'}, "
        f"and run videobert tokenize --work {work}"
    )
    codebook.refuse_other_digest(stage.options().get("codebook"), stage.folder, advice)
    words = pc.list_flatten(examples.column("visual")).to_numpy()
    codebook.refuse_words_beyond(words, stage.folder)
    return codebook


def make_batches(
    examples: pa.Table,
    processor: VideoBertProcessor,
    options: PretrainOptions,
    near_words: NearWords | None = None,
    earlier: pa.Table | None = None,
    told: int | None = None,
) -> tuple[list[tuple[Batches, int]], Batches | None]:
    """Make the batches.

    Args:
        examples: rows of tokenization.schema.EXAMPLES.
        processor: reads them.
        options: of the run.
        near_words: draws the visual words of training; validation asks for those of the examples.
        earlier: rows of examples that are replayed in training.
        told: with --parallel, how many of the examples are of the first language.

    Returns:
        The batches and the steps of each phase, and the batches to validate on, if any.
    """
    corpus = make_corpus(examples, processor.text_ids)
    both = _told_in_both(corpus, told, options) if options.parallel else None
    apart = kept_apart(corpus.video, options.validation_share, options.seed)
    masker = make_masker(processor, options)

    def batches(members: np.ndarray, asked: PretrainOptions, phase: Phase, stream: int) -> Batches:
        layout = processor.layout(phase.max_length, options.truncation)
        size = phase.batch_size
        return Batches(corpus, members, layout, masker, asked, size, stream, partners=both)

    again = None if earlier is None else make_corpus(earlier, processor.text_ids)

    def trained_on(phase: Phase, stream: int) -> Batches:
        if again is None:
            return replace(batches(~apart, options, phase, stream), near_words=near_words)
        old = max(round(options.replay_share * phase.batch_size), SMALLEST)
        new = batches(~apart, options, replace(phase, batch_size=phase.batch_size - old), stream)
        whole = np.ones(len(again), dtype=bool)
        own = REPLAYED_STREAMS + stream
        found = replace(new, corpus=again, members=whole, batch_size=old)
        replayed = replace(found, stream=own, partners=None)
        return replace(new, near_words=near_words, replayed=replayed)

    phases = [(trained_on(phase, n), phase.steps) for n, phase in enumerate(options.plan, 1)]
    asked = _what_can_be_asked(corpus, apart, options)
    validation = batches(apart, asked, options.plan[-1], VALIDATION_STREAM) if asked else None
    return phases, validation


def _told_in_both(corpus: Corpus, told: int | None, options: PretrainOptions) -> np.ndarray:
    """Find for each example the same in the other language, or NOBODY.

    Raises:
        InputError: if nothing is told in both.
    """
    found = partners(corpus, len(corpus) if told is None else told)
    if (found == NOBODY).all():
        raise InputError(
            f"--parallel {options.parallel}: none of its sentences overlaps in time with one of "
            "the same video: give the same videos, told in another language"
        )
    return found


def _what_can_be_asked(
    corpus: Corpus, members: np.ndarray, options: PretrainOptions
) -> PretrainOptions | None:
    """Return the options with equal weights for the regimes that a few videos can be asked about.

    Returns:
        None where there is no such regime.
    """
    spoken, seen = corpus.spoken & members, corpus.seen & members
    pairs = Negatives(corpus, np.flatnonzero(spoken & seen), options.negative_margin)
    text = float(spoken.any() and options.text_weight > 0)
    video = float(seen.any() and options.video_weight > 0)
    matched = not options.alignment_weight or pairs.lacking() is None
    joint = float(pairs.pool.size > 0 and options.joint_weight > 0 and matched)
    order = float(options.order_weight > 0 and Turns(corpus, members).enough)
    if not (text or video or joint):
        return None
    return replace(
        options, text_weight=text, video_weight=video, joint_weight=joint, order_weight=order
    )
