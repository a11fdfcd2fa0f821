"""From punctuated transcripts to the folder of a restorer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

from accelerate.utils import set_seed
from transformers import BertConfig

from feature_extraction.hearing.punctuation.restorer import (
    COMMA,
    NONE,
    QUESTION,
    STOP,
    PunctuationRestorer,
    Vocabulary,
    new_model,
)
from videobert.data.work import DATA_DIGEST
from videobert.finetune.punctuation.learner import PunctuationLearner, Windows
from videobert.finetune.punctuation.options import PunctuationOptions
from videobert.finetune.punctuation.transcripts import (
    Transcript,
    find_texts,
    make_transcript,
    read_words,
)
from videobert.learning.learner import Recipe
from videobert.learning.run import train_once
from videobert.learning.split import is_held_out
from videobert.learning.trainer import Trainer
from workfolder.errors import InputError
from workfolder.files import write_table
from workfolder.progress import Progress, silent
from workfolder.report import Report

HISTORY_FILE = "history.parquet"
LABELS = {NONE: "NONE", COMMA: "COMMA", STOP: "STOP", QUESTION: "QUESTION"}


def finetune_punctuation(
    paths: Sequence[Path],
    out: Path,
    options: PunctuationOptions = PunctuationOptions(),
    progress: Progress = silent,
) -> Report:
    """Train a restorer on the transcripts that are not held out, and write it to ``out``.

    Nothing is done if the same options have made it of the same texts already. A run that was
    stopped goes on from its last checkpoint.

    Raises:
        InputError: if ``out`` was made otherwise, if there is nothing to learn from, or if a loss
            is not finite.
    """
    transcripts = _read_transcripts(paths)
    digest = sha256()
    for made in transcripts:
        digest.update(" ".join(made.words).encode() + made.tags.tobytes())
    made_with = {
        **asdict(options),
        "files": len(transcripts),
        "words": sum(len(made.words) for made in transcripts),
        DATA_DIGEST: digest.hexdigest()[:16],
    }

    def write(part: Path, learner: PunctuationLearner, trainer: Trainer[Windows]) -> None:
        trainer.finished_model()
        learner.restorer.save(part)
        write_table(trainer.history.table(), part / HISTORY_FILE)

    out, advice = out.absolute(), "use those, or give another --out"
    recipe, start = _recipe(options), lambda: start_run(transcripts, options)
    now = train_once(out, made_with, start, recipe, write, advice, progress)
    return Report("punctuation", before=int(not now), now=int(now))


def _read_transcripts(paths: Sequence[Path]) -> list[Transcript]:
    """Read what is not held out and has marks.

    Raises:
        InputError: if there is none.
    """
    texts = [path for path in find_texts(paths) if not is_held_out(path.name)]
    transcripts = [make_transcript(read_words(path)) for path in texts]
    marked = [made for made in transcripts if (made.tags > NONE).any()]
    if not marked:
        raise InputError(
            f"{', '.join(map(str, paths))}: there is no punctuated transcript but those held out; "
            "give more .txt files"
        )
    return marked


def start_run(transcripts: Sequence[Transcript], options: PunctuationOptions) -> PunctuationLearner:
    """Learn the vocabulary, and draw the first weights."""
    set_seed(options.seed)
    words = [word for made in transcripts for word in made.words]
    vocabulary = Vocabulary.learn(words, options.vocabulary)
    config = BertConfig(
        vocab_size=len(vocabulary.entries),
        hidden_size=options.width,
        num_hidden_layers=options.layers,
        num_attention_heads=options.heads,
        intermediate_size=4 * options.width,
        max_position_embeddings=options.window + 1,
        type_vocab_size=1,
        hidden_dropout_prob=options.dropout,
        attention_probs_dropout_prob=options.dropout,
        id2label=LABELS,
        label2id={label: tag for tag, label in LABELS.items()},
        initializer_range=0.02 * (768 / options.width) ** 0.5,  # BERT's 0.02 is for a width of 768
    )
    restorer = PunctuationRestorer(new_model(config), vocabulary)
    return PunctuationLearner(restorer, transcripts, options)


def _recipe(options: PunctuationOptions) -> Recipe:
    return Recipe(
        [options.steps],
        options.batch_size,
        options.learning_rate,
        warmup=options.warmup,
        weight_decay=options.weight_decay,
        precision=options.precision,
        checkpoint_every=options.checkpoint_every,
        seed=options.seed,
    )
