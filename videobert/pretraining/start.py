"""The start of a run: processor, model, batches. What can be refused is refused here."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from accelerate.utils import set_seed
from safetensors import SafetensorError
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from tokenization.codebook import Codebook
from tokenization.vocabulary import train_wordpiece
from videobert.configuration_videobert import VideoBertConfig
from videobert.data.corpus import Corpus, make_corpus
from videobert.data.work import DATA_DIGEST, data_digest, examples_stage, read_examples
from videobert.learning.schedule import Phase
from videobert.learning.split import kept_apart
from videobert.modeling_videobert import VideoBertForPreTraining, refuse_other_kinds
from videobert.pretraining.batches import Batches
from videobert.pretraining.learner import PretrainLearner
from videobert.pretraining.masking import Masker
from videobert.pretraining.negatives import Negatives
from videobert.pretraining.options import PretrainOptions
from videobert.processing_videobert import VideoBertProcessor, with_joiner
from workfolder.errors import InputError

VALIDATION_STREAM = 0
"""The stream of the validation batches; the phases have 1, 2, ..."""
UNREADABLE = (
    OSError,
    RuntimeError,
    SafetensorError,
    pickle.UnpicklingError,
    EOFError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
)
"""What reading damaged or hostile weights raises; torch executes nothing in them."""


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
    return {**asdict(options), **found}


def check_start(options: PretrainOptions) -> None:
    """Check that there is something to start from, as far as can be told without the weights.

    Raises:
        InputError: if there is not.
    """
    if options.init != "none":
        _bert_tokenizer(options.init)


def start_run(work: Path, options: PretrainOptions) -> PretrainLearner:
    """Read the examples and make everything ready for the first step.

    Raises:
        InputError: for whatever would stop the run later.
    """
    set_seed(options.seed)
    examples = read_examples(work)
    codebook = _codebook(work, examples)
    tokenizer = _tokenizer(options, [text for text in examples.column("text").to_pylist() if text])
    processor = VideoBertProcessor(with_joiner(tokenizer), codebook)
    model = _start_model(options, processor)
    return PretrainLearner(processor, model, *make_batches(examples, processor, options))


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


def _tokenizer(options: PretrainOptions, sentences: list[str]) -> PreTrainedTokenizerBase:
    if options.init != "none":
        return _bert_tokenizer(options.init)
    if not sentences:
        raise InputError(
            "nobody speaks in these videos, so no tokenizer can be learnt: "
            "give --init bert-base-uncased"
        )
    return train_wordpiece(sentences)


def _bert_tokenizer(init: str) -> PreTrainedTokenizerBase:
    try:
        refuse_other_kinds(init)
        tokenizer = AutoTokenizer.from_pretrained(init)
    except InputError:
        raise
    except (OSError, ValueError) as error:
        raise _no_checkpoint(init, error) from error
    # AutoTokenizer makes one of special tokens alone where a folder holds none.
    if len(tokenizer) <= len(tokenizer.all_special_ids):
        raise InputError(
            f"{init} has no tokenizer: put its tokenizer.json or vocab.txt beside its weights"
        )
    if any(
        getattr(tokenizer, f"{name}_token_id") is None for name in ("cls", "sep", "pad", "mask")
    ):
        raise InputError(
            f"the tokenizer of {init} does not have all of [CLS], [SEP], [PAD] and [MASK]: "
            "give the tokenizer of a BERT"
        )
    return tokenizer


def _start_model(
    options: PretrainOptions, processor: VideoBertProcessor
) -> VideoBertForPreTraining:
    longest = max(phase.max_length for phase in options.plan)
    if options.init == "none":
        model = _new_model(options, processor, longest)
    else:
        try:
            with warnings.catch_warnings(action="ignore"):  # torch's, about damaged pickles
                model = VideoBertForPreTraining.from_bert(
                    options.init, processor.vocabulary, options.dropout
                )
        except InputError:
            raise
        except UNREADABLE as error:
            raise _no_checkpoint(options.init, error) from error
    positions = model.config.max_position_embeddings
    if longest > positions:
        raise InputError(
            f"{options.init} reads {positions} ids at most, not {longest}: "
            f"give --max-length {positions} or less"
        )
    if options.visual_start == "centroids":
        model.set_visual_embeddings(processor.codebook.places)
    model.get_input_embeddings().weight.requires_grad = not options.freeze_embeddings
    return model


def _new_model(
    options: PretrainOptions, processor: VideoBertProcessor, longest: int
) -> VideoBertForPreTraining:
    config = VideoBertConfig.of_size(
        options.size,
        processor.vocabulary,
        max_position_embeddings=longest,
        hidden_dropout_prob=options.dropout,
        attention_probs_dropout_prob=options.dropout,
    )
    return VideoBertForPreTraining(config)


def _no_checkpoint(init: str, error: Exception) -> InputError:
    if isinstance(error, pickle.UnpicklingError):  # torch's text advises to execute the file
        reason = "its pytorch_model.bin is damaged, or holds more than numbers"
    else:
        reason = str(error).partition("\n")[0].rstrip(". ") or type(error).__name__
    return InputError(
        f"{init} is not a BERT checkpoint in the cache, on the network or on the disk ({reason}): "
        "give a folder with model.safetensors, or --init none"
    )


def make_batches(
    examples: pa.Table, processor: VideoBertProcessor, options: PretrainOptions
) -> tuple[list[tuple[Batches, int]], Batches | None]:
    """Return the batches and the steps of each phase, and the batches to validate on, if any."""
    corpus = make_corpus(examples, processor.text_ids)
    apart = kept_apart(corpus.video, options.validation_share, options.seed)
    masker = make_masker(processor, options)

    def batches(members: np.ndarray, asked: PretrainOptions, phase: Phase, stream: int) -> Batches:
        layout = processor.layout(phase.max_length, options.truncation)
        return Batches(corpus, members, layout, masker, asked, phase.batch_size, stream)

    phases = [
        (batches(~apart, options, phase, stream), phase.steps)
        for stream, phase in enumerate(options.plan, 1)
    ]
    asked = _what_can_be_asked(corpus, apart, options)
    validation = batches(apart, asked, options.plan[-1], VALIDATION_STREAM) if asked else None
    return phases, validation


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
    joint = float(pairs.pool.size > 0 and options.joint_weight > 0 and pairs.lacking() is None)
    if not (text or video or joint):
        return None
    return replace(options, text_weight=text, video_weight=video, joint_weight=joint)


def make_masker(processor: VideoBertProcessor, options: PretrainOptions) -> Masker:
    """Return the masker of a processor's vocabulary."""
    tokenizer, vocabulary = processor.tokenizer, processor.vocabulary
    special = sorted({*tokenizer.all_special_ids, vocabulary.joiner})
    pieces: Sequence[str] = tokenizer.convert_ids_to_tokens(list(range(vocabulary.text_size)))
    continuing = [number for number, piece in enumerate(pieces) if piece.startswith("##")]
    return Masker(
        vocabulary,
        tokenizer.mask_token_id,
        tuple(special),
        options.masked_share,
        tuple(continuing) if options.whole_words else (),
    )
