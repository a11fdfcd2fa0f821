"""What a run needs before its first step: processor, model, batches. All that can be refused is refused here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
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
from videobert.modeling_videobert import VideoBertForPreTraining, refuse_other_kinds
from videobert.pretraining.batches import Batches
from videobert.pretraining.masking import Masker
from videobert.pretraining.negatives import Negatives
from videobert.pretraining.options import PretrainOptions
from videobert.processing_videobert import VideoBertProcessor, with_joiner
from workfolder.errors import InputError
from workfolder.stage import Stage

VALIDATION_STREAM = 0
"""Stream of the validation batches; phases have 1, 2, ..."""


@dataclass(frozen=True)
class Prepared:
    """A run that may begin.

    Attributes:
        phases: the batches of each phase.
        validation: the batches to validate on, and None where too few videos are kept apart for any.
    """

    processor: VideoBertProcessor
    model: VideoBertForPreTraining
    phases: tuple[Batches, ...]
    validation: Batches | None


def provenance(work: Path, options: PretrainOptions) -> dict[str, Any]:
    """What a model remembers of its making. InputError if there are no examples."""
    stage = examples_stage(work)
    found = {
        "videos": len(stage.done()),
        DATA_DIGEST: data_digest(stage),
        "examples": stage.options(),
    }
    return {**asdict(options), **found}


def check_start(options: PretrainOptions) -> None:
    """InputError if there is nothing to start from, as far as can be told without the weights."""
    if options.init != "none":
        _bert_tokenizer(options.init)


def prepare(work: Path, options: PretrainOptions) -> Prepared:
    """Read the examples and make everything ready. InputError for whatever would stop the run later."""
    set_seed(options.seed)
    examples = read_examples(work)
    codebook = _codebook(work, examples)
    tokenizer = _tokenizer(options, [text for text in examples.column("text").to_pylist() if text])
    processor = VideoBertProcessor(with_joiner(tokenizer), codebook)
    model = _start_model(options, processor)
    return Prepared(processor, model, *make_batches(examples, processor, options))


def _codebook(work: Path, examples: pa.Table) -> Codebook:
    """The codebook that the examples were made with."""
    codebook, stage = Codebook.load(work / "codebook"), Stage(work / "examples")
    advice = (
        f"remove {work / 'tokens'} and {work / 'examples'}, "
        f"and run videobert tokenize --work {work}"
    )
    codebook.refuse_other_digest(stage.options().get("codebook"), stage.folder, advice)
    words = pc.list_flatten(examples.column("visual")).to_numpy()
    codebook.refuse_words_beyond(words, stage.folder)
    return codebook


def _tokenizer(options: PretrainOptions, sentences: list[str]) -> PreTrainedTokenizerBase:
    if options.init == "none":
        if not sentences:
            raise InputError(
                "nobody speaks in these videos, so no tokenizer can be learnt: give --init bert-base-uncased"
            )
        return train_wordpiece(sentences)
    return _bert_tokenizer(options.init)


def _bert_tokenizer(init: str) -> PreTrainedTokenizerBase:
    try:
        refuse_other_kinds(init)
        tokenizer = AutoTokenizer.from_pretrained(init)
    except InputError:
        raise
    except (OSError, ValueError) as error:
        raise _no_checkpoint(init, error) from error
    if len(tokenizer) <= len(
        tokenizer.all_special_ids
    ):  # what AutoTokenizer makes of a folder without one
        raise InputError(
            f"{init} has no tokenizer: put its tokenizer.json or vocab.txt beside its weights"
        )
    if None in (
        tokenizer.cls_token_id,
        tokenizer.sep_token_id,
        tokenizer.pad_token_id,
        tokenizer.mask_token_id,
    ):
        raise InputError(
            f"the tokenizer of {init} has not all of [CLS], [SEP], [PAD] and [MASK]: give that of a BERT"
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
            model = VideoBertForPreTraining.from_bert(
                options.init, processor.vocabulary, options.dropout
            )
        except (OSError, RuntimeError, SafetensorError) as error:
            raise _no_checkpoint(options.init, error) from error
    positions = model.config.max_position_embeddings
    if longest > positions:
        raise InputError(
            f"{options.init} reads {positions} ids at most: give a --max-length of no more, not {longest}"
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
    reason = str(error).partition("\n")[0]
    where = f"in the cache, on the network or on the disk ({reason})"
    return InputError(f"{init} is no BERT checkpoint {where}: give a folder, or --init none")


def make_batches(
    examples: pa.Table, processor: VideoBertProcessor, options: PretrainOptions
) -> tuple[tuple[Batches, ...], Batches | None]:
    """The batches of each phase, and those of the videos that are kept apart."""
    corpus = make_corpus(examples, processor.text_ids)
    apart = corpus.of_some_videos(options.validation_share, options.seed)
    masker = make_masker(processor, options)

    def batches(
        members: np.ndarray, chosen: PretrainOptions, length: int, size: int, stream: int
    ) -> Batches:
        return Batches(
            corpus,
            members,
            processor.layout(length, options.truncation),
            masker,
            chosen,
            size,
            stream,
        )

    phases = tuple(
        batches(~apart, options, p.max_length, p.batch_size, stream)
        for stream, p in enumerate(options.plan, 1)
    )
    asked, last = _what_can_be_asked(corpus, apart, options), options.plan[-1]
    return phases, batches(
        apart, asked, last.max_length, last.batch_size, VALIDATION_STREAM
    ) if asked else None


def _what_can_be_asked(
    corpus: Corpus, members: np.ndarray, options: PretrainOptions
) -> PretrainOptions | None:
    """The options with equal weights for the regimes that a few videos can be asked about; None if there are none."""
    spoken, seen = corpus.spoken & members, corpus.seen & members
    pairs = Negatives(corpus, np.flatnonzero(spoken & seen), options.negative_margin)
    text = float(spoken.any() and options.text_weight > 0)
    video = float(seen.any() and options.video_weight > 0)
    joint = float(pairs.pool.size > 0 and options.joint_weight > 0 and pairs.lacking() is None)
    can = text or video or joint
    return (
        replace(options, text_weight=text, video_weight=video, joint_weight=joint) if can else None
    )


def make_masker(processor: VideoBertProcessor, options: PretrainOptions) -> Masker:
    """The masker of a processor's vocabulary."""
    tokenizer = processor.tokenizer
    special = sorted({*tokenizer.all_special_ids, processor.vocabulary.joiner})
    pieces: Sequence[str] = tokenizer.convert_ids_to_tokens(
        list(range(processor.vocabulary.text_size))
    )
    continuing = (
        [number for number, piece in enumerate(pieces) if piece.startswith("##")]
        if options.whole_words
        else []
    )
    return Masker(
        processor.vocabulary,
        tokenizer.mask_token_id,
        tuple(special),
        options.masked_share,
        tuple(continuing),
    )
