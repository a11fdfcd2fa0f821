"""What a run begins with: a tokenizer and the first weights.

``--init`` is a VideoBERT that learns on, a checkpoint of transformers, or none for random weights.
"""

from __future__ import annotations

import pickle
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
from safetensors import SafetensorError
from torch import nn
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from tokenization.codebook import CODEBOOK_FOLDER, Codebook
from tokenization.vocabulary import train_wordpiece
from videobert.data.corpus import make_corpus
from videobert.joint_network import JointNetwork
from videobert.learning.choices import TOP
from videobert.learning.trained import choose_trained
from videobert.loading import MODEL_TYPES, load_model
from videobert.networks import kind_of, new_network, refuse_unknown, start_network
from videobert.orders import MASKED
from videobert.pretraining.boundary import BoundaryHead
from videobert.pretraining.options import PROFILES, RANDOM, USUAL_LENGTH, PretrainOptions
from videobert.pretraining.profiles import profiles
from videobert.pretraining.turns import TurnHead
from videobert.processing_videobert import VideoBertProcessor, with_joiner
from workfolder.errors import InputError

NONE = "none"
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
SHOWN = 12
"""Digits of a codebook's digest that are enough for people."""


def check_start(work: Path, options: PretrainOptions) -> None:
    """Check that there is something to start from, as far as can be told without the weights.

    Raises:
        InputError: if there is not.
    """
    if is_videobert(options.init):
        if not (work / CODEBOOK_FOLDER).exists():
            raise InputError(
                f"{options.init} knows only the words of its own codebook: copy "
                f"{Path(options.init) / CODEBOOK_FOLDER} to {work / CODEBOOK_FOLDER} first"
            )
        its = Codebook.load(Path(options.init) / CODEBOOK_FOLDER)
        refuse_another_codebook(options.init, its, work, Codebook.load(work / CODEBOOK_FOLDER))
    elif options.init != NONE:
        _its_tokenizer(options.init)


def begin(
    work: Path, options: PretrainOptions, codebook: Codebook, examples: pa.Table
) -> tuple[VideoBertProcessor, JointNetwork]:
    """Make or read the processor and the model.

    Args:
        work: where the examples are; named in messages.
        options: where to begin.
        codebook: that of the examples.
        examples: rows of tokenization.schema.EXAMPLES; what is said makes a tokenizer where there
            is no checkpoint.

    Raises:
        InputError: if there is nothing to begin with, or it does not fit the examples.
    """
    if is_videobert(options.init):
        processor, model = _learn_on(work, options, codebook)
    else:
        said = [text for text in examples.column("text").to_pylist() if text]
        tokenizer = _tokenizer(options, said)
        processor = VideoBertProcessor(with_joiner(tokenizer), codebook)
        model = _first_weights(options, processor)
        _place_visual_words(model, options.visual_start, processor, examples)
    _refuse_longer_than_positions(options, model.config.max_position_embeddings)
    first, there = options.plan[0].layers, model.config.num_hidden_layers
    if first and first != there:
        raise InputError(
            f"{options.init} has {there} layers, not {first}: begin --phases with {there}"
        )
    _refuse_what_it_cannot(model, options)
    model.config.objective = options.objective
    _choose_what_learns(model, options)
    return processor, model


def _place_visual_words(
    model: JointNetwork, start: str, processor: VideoBertProcessor, examples: pa.Table
) -> None:
    """Give the visual words their first embeddings; where nobody speaks, by their centroids."""
    places = processor.codebook.places
    if start == PROFILES:
        rows: Any = model.get_input_embeddings().weight
        words = rows.detach().numpy()
        corpus = make_corpus(examples, processor.text_ids)
        found = profiles(corpus, words, places, set(processor.tokenizer.all_special_ids))
        if found is not None:
            model.set_visual_rows(found)
            return
    if start != RANDOM:
        model.set_visual_embeddings(places)


def _refuse_what_it_cannot(model: JointNetwork, options: PretrainOptions) -> None:
    """Refuse options that the encoder's family makes senseless.

    Raises:
        InputError: naming the family and what to give instead.
    """
    kind, each = model.kind, "whose layers share their weights"
    if options.objective != MASKED and not model.in_orders:
        raise InputError(
            f"--objective {options.objective} cannot be had of a {kind!r}, whose attention goes by "
            f"the place in a row as well: give --objective {MASKED}, or another family"
        )
    depths = {phase.layers for phase in options.plan}
    if len(depths) > 1 and not model.stackable:
        raise InputError(
            f"the layers of a {kind!r} cannot be stacked on copies of themselves: leave the layers "
            "out of --phases, or give another family"
        )
    if TOP.fullmatch(options.train) and not model.own_layers:
        raise InputError(f"--train {options.train} cannot be had of a {kind!r}, {each}: give all")
    if options.layer_decay != 1 and not model.own_layers:
        raise InputError(f"--layer-decay cannot be had of a {kind!r}, {each}: leave it out")


def _choose_what_learns(model: JointNetwork, options: PretrainOptions) -> None:
    """Add what only training needs, and let the weights learn that the options name."""
    model.get_input_embeddings().weight.requires_grad = not options.freeze_embeddings
    if options.boundary:
        config, decoder = model.config, cast(nn.Linear, model.get_output_embeddings())
        model.boundary = BoundaryHead(
            config.hidden_size,
            decoder.in_features,
            config.initializer_range,
            config.layer_norm_eps,
        ).to(model.device)
    if options.order_weight:
        config = model.config
        model.turns = TurnHead(config.hidden_size, config.initializer_range).to(model.device)
    if not options.alignment_weight:  # or a second process would wait for their gradients
        for name, weight in model.named_parameters():
            weight.requires_grad &= not name.startswith(model.judges)
    choose_trained(model, options.train)


def is_videobert(init: str) -> bool:
    """Tell whether ``--init`` is a folder that videobert pretrain wrote."""
    try:
        return Path(init).is_dir() and kind_of(init) in MODEL_TYPES
    except (OSError, ValueError):  # it has no configuration: no checkpoint at all
        return False


def refuse_another_codebook(init: str, its: Codebook, work: Path, codebook: Codebook) -> None:
    """Check that a model can read the visual words of a work folder.

    Raises:
        InputError: if they are of another codebook than the model's; both are named.
    """
    if its.digest != codebook.digest:
        raise InputError(
            f"{init} learnt with the codebook {its.digest[:SHOWN]}, and {work} has "
            f"{codebook.digest[:SHOWN]}: copy {Path(init) / CODEBOOK_FOLDER} into a new work "
            "folder and run videobert tokenize there"
        )


def _learn_on(
    work: Path, options: PretrainOptions, codebook: Codebook
) -> tuple[VideoBertProcessor, JointNetwork]:
    """Read a model that learns on, with its own tokenizer."""
    trained = load_model(Path(options.init), options.dropout)
    refuse_another_codebook(options.init, trained.processor.codebook, work, codebook)
    return trained.processor, trained.network


def _tokenizer(options: PretrainOptions, sentences: list[str]) -> PreTrainedTokenizerBase:
    if options.init != NONE:
        return _its_tokenizer(options.init)
    if not sentences:
        raise InputError(
            "nobody speaks in these videos, so no tokenizer can be learnt: "
            "give --init bert-base-uncased"
        )
    return train_wordpiece(sentences)


def _its_tokenizer(init: str) -> PreTrainedTokenizerBase:
    try:
        refuse_unknown(init)
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
            "give the tokenizer of a checkpoint that fills masks"
        )
    if max(tokenizer.get_vocab().values()) >= len(tokenizer):
        raise InputError(
            f"the tokenizer of {init} has ids beyond its {len(tokenizer):,} pieces, where visual "
            "words would stand: give a tokenizer without gaps"
        )
    return tokenizer


def _first_weights(options: PretrainOptions, processor: VideoBertProcessor) -> JointNetwork:
    if options.init == NONE:
        return _new_model(options, processor)
    try:
        with warnings.catch_warnings(action="ignore"):  # torch's, about damaged pickles
            return start_network(options.init, processor.vocabulary, options.dropout)
    except InputError:
        raise
    except UNREADABLE as error:
        raise _no_checkpoint(options.init, error) from error


def _refuse_longer_than_positions(options: PretrainOptions, positions: int) -> None:
    longest = max(phase.max_length for phase in within(options, positions).plan)
    if longest > positions:
        raise InputError(
            f"{options.init} reads {positions} ids at most, not {longest}: "
            f"give --max-length {positions} or less"
        )


def within(options: PretrainOptions, positions: int) -> PretrainOptions:
    """Say how long sequences are where the options leave it to the model.

    Args:
        options: of the run.
        positions: ids that the model reads at most.
    """
    if options.max_length is not None:
        return options
    return replace(options, max_length=min(USUAL_LENGTH, positions))


def _new_model(options: PretrainOptions, processor: VideoBertProcessor) -> JointNetwork:
    return new_network(
        options.size,
        options.family,
        processor.vocabulary,
        padding=processor.tokenizer.pad_token_id,
        positions=max(phase.max_length for phase in options.plan),
        dropout=options.dropout,
        layers=options.plan[0].layers or 0,
    )


def _no_checkpoint(init: str, error: Exception) -> InputError:
    if isinstance(error, pickle.UnpicklingError):  # torch's text advises to execute the file
        reason = "its pytorch_model.bin is damaged, or holds more than numbers"
    else:
        reason = str(error).partition("\n")[0].rstrip(". ") or type(error).__name__
    return InputError(
        f"{init} is not a checkpoint in the cache, on the network or on the disk ({reason}): "
        "give a folder with model.safetensors, or --init none"
    )
