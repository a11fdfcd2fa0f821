"""Punctuation for words without it, such as YouTube's captions.

A small BERT tags each word with the mark that follows it.

    videobert finetune punctuation TEXT... --out MODEL
    videobert evaluate punctuation TEXT... --model MODEL

TEXT is punctuated transcripts: files or folders of .txt. Some are held out by their names and never
trained on. ``evaluate`` also takes caption files with punctuation. MODEL is a folder with
config.json, model.safetensors, vocabulary.txt and options.json. The training is in
videobert/finetune/punctuation.

This is BERT's tagging of a single sentence (Devlin et al., 2019, figure 4d, and section 5.3 for
tagging without a CRF): ``[CLS]`` and the words go in, and a linear layer on each word's last state
tells its tag. There are two differences:

- It is trained from scratch on a million words, too few for attention to find out which words are
  neighbours (after 300 steps it knew no full stop). So a convolution over the embeddings of the
  words is added to them before the BERT.
- A word is one token. A word that is not in the vocabulary is read as its ending, which mostly
  tells what kind of word it is.

The weights in the package learnt from transcripts of cooking videos that a machine had punctuated
(YouCook2's, as Xu et al., 2020, published them). They know kitchens best, and that machine's
habits. On the transcripts held out, F1 is 58 % for sentence ends, 44 % for commas, and 0 for
question marks, which are one word in 500 and were never learnt.
"""

from __future__ import annotations

import json
import string
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from feature_extraction.hearing.sentences import CLOSING
from feature_extraction.schema import Word
from workfolder.errors import InputError
from workfolder.files import file_digest, read_json, write_json, write_whole

if TYPE_CHECKING:
    import torch
    from transformers import BertConfig, BertForTokenClassification

NONE, COMMA, STOP, QUESTION = range(4)
MARKS = ("", ",", ".", "?")
"""What follows a word, by its tag."""
PACKAGED = Path(__file__).with_name("model")

PAD, CLS, UNKNOWN = "[PAD]", "[CLS]", "[UNK]"
SEEN_OFTEN, WORDS_OF_AN_ENDING = 3, 10
"""A word in the vocabulary was seen so often; an ending in it is shared by so many words."""
NEAR = 5
"""Words that the convolution sees: two on either side."""
BATCH = 32
"""Windows that are tagged at a time."""

_EDGES = string.punctuation + "“”‘’«»¿¡…–—"
_TAGS = {",": COMMA, ";": COMMA, ":": COMMA, ".": STOP, "!": STOP, "…": STOP, "?": QUESTION}
_FIGURES = "two"
"""Stands for a number in figures, as the transcripts spell numbers out."""


def tag_of(word: str) -> int:
    """Return the tag of the mark that a word ends with, NONE where there is none."""
    return _TAGS.get(word.rstrip(CLOSING)[-1:], NONE)


def without_marks(word: str) -> str:
    """Return a word in lower case and without marks around it; empty if it is only marks."""
    return word.lower().replace("’", "'").strip(_EDGES)


def ending(word: str, length: int) -> str:
    """Return the vocabulary's name for words with the same last ``length`` characters."""
    return f"##{word[-length:]}"


@dataclass(frozen=True)
class Vocabulary:
    """The words and endings that have an id: their place.

    Attributes:
        entries: PAD, CLS and UNKNOWN, then endings (``##ing``) and words.
    """

    entries: tuple[str, ...]

    ENDINGS = (3, 2, 1)
    """Lengths of the endings that stand for unknown words; the first one that is known counts."""

    @classmethod
    def learn(cls, words: Iterable[str], size: int) -> Vocabulary:
        """Take the commonest ``size`` words and the common endings of all, whatever their order."""
        counts = Counter(words)
        often = (word for word in counts if counts[word] >= SEEN_OFTEN)
        known = sorted(often, key=lambda word: (-counts[word], word))[:size]
        shared = Counter(
            ending(word, length) for word in counts for length in cls.ENDINGS if len(word) >= length
        )
        endings = sorted(
            name for name, words_with in shared.items() if words_with >= WORDS_OF_AN_ENDING
        )
        return cls((PAD, CLS, UNKNOWN, *endings, *known))

    @cached_property
    def places(self) -> dict[str, int]:
        """Return the id of each entry."""
        return {entry: place for place, entry in enumerate(self.entries)}

    def ids(self, words: Sequence[str]) -> np.ndarray:
        """Return the ids of words, with or without marks and capitals: int64 [words]."""
        return np.array([self._id(without_marks(word)) for word in words], dtype=np.int64)

    def _id(self, word: str) -> int:
        word = _FIGURES if word[:1].isdigit() else word
        known = self.places.get(word)
        return self.ending_id(word) if known is None else known

    def ending_id(self, word: str) -> int:
        """Return the id that a word would have if it were not known."""
        found = (self.places.get(ending(word, length)) for length in self.ENDINGS if word)
        return next((place for place in found if place is not None), self.places[UNKNOWN])


def window_starts(count: int, width: int) -> list[int]:
    """Return where windows of ``width`` words begin in a text of ``count`` words.

    Each begins half a window after the one before; the last one ends with the text.
    """
    return [*range(0, count - width, width // 2), max(count - width, 0)]


def window_shares(starts: Sequence[int], count: int, width: int) -> list[int]:
    """Return the bounds of the words that each window tags: n tags bounds[n] to bounds[n + 1].

    A word is tagged by the window in which it has most context on its poorer side. Word i has
    width - 1 - i + a words after it in the window that begins at a, and i - b before it in the next
    one, which begins at b: they are equal at i = (a + b + width - 1) / 2.
    """
    return [0, *((first + second + width) // 2 for first, second in pairwise(starts)), count]


def padded(windows: Sequence[np.ndarray], cls: int, pad: int) -> tuple[np.ndarray, np.ndarray]:
    """Put ``cls`` before the ids of each window, and ``pad`` after those of the shorter ones.

    Returns:
        The ids, and 1 where they are not padding: both int64 [windows, 1 + longest].
    """
    longest = 1 + max(len(window) for window in windows)
    ids = np.full((len(windows), longest), pad, dtype=np.int64)
    ids[:, 0] = cls
    for row, window in zip(ids, windows, strict=True):
        row[1 : 1 + len(window)] = window
    lengths = np.array([1 + len(window) for window in windows])
    return ids, (np.arange(longest) < lengths[:, None]).astype(np.int64)


def new_model(config: BertConfig) -> BertForTokenClassification:
    """Make a BERT of random weights with a layer for the tags and ``near``, the convolution."""
    import torch
    from transformers import BertForTokenClassification

    model = BertForTokenClassification(config)
    model.near = torch.nn.Conv1d(config.hidden_size, config.hidden_size, NEAR, padding=NEAR // 2)
    return model


def tag_scores(
    model: BertForTokenClassification, ids: torch.Tensor, mask: torch.Tensor
) -> torch.Tensor:
    """Return the scores of the tags, float [windows, length, 4].

    Padding is zero to the convolution, so a window's scores do not depend on the others.

    Args:
        model: made by ``new_model``.
        ids: int64 [windows, length], made by ``padded``.
        mask: int64 [windows, length], made by ``padded``.
    """
    words = model.bert.embeddings.word_embeddings(ids) * mask.unsqueeze(-1)
    near = model.get_submodule("near")(words.transpose(1, 2)).transpose(1, 2)
    return model(inputs_embeds=words + near, attention_mask=mask).logits


class PunctuationRestorer:
    """Adds marks and capitals to words; a ``Restorer`` for sentences.split_sentences."""

    def __init__(self, model: BertForTokenClassification, vocabulary: Vocabulary) -> None:
        self.model = model
        self.vocabulary = vocabulary

    @property
    def width(self) -> int:
        """Return the words of a window: CLS takes one of the model's positions."""
        return int(self.model.config.max_position_embeddings) - 1

    def __call__(self, words: Sequence[Word]) -> list[Word]:
        """Return the words with their marks; times and probabilities stay."""
        texts = self.punctuate([word.text for word in words])
        return [replace(word, text=text) for word, text in zip(words, texts, strict=True)]

    def punctuate(self, texts: Sequence[str]) -> list[str]:
        """Add a mark to each word without one, and a capital to the first word of each sentence."""
        marked: list[str] = []
        capital = True
        for text, tag in zip(texts, self.tags(texts), strict=True):
            text = text if tag_of(text) else text + MARKS[tag]
            marked.append(text[:1].upper() + text[1:] if capital else text)
            capital = tag_of(text) in (STOP, QUESTION)
        return marked

    def tags(self, texts: Sequence[str], batch_size: int = BATCH) -> np.ndarray:
        """Return the tag that the model gives each word, whatever marks it has: int64 [words]."""
        if not len(texts):
            return np.empty(0, dtype=np.int64)
        ids, width = self.vocabulary.ids(texts), self.width
        starts = window_starts(len(ids), width)
        windows = [ids[start : start + width] for start in starts]
        batches = (
            self._tag(windows[first : first + batch_size])
            for first in range(0, len(windows), batch_size)
        )
        shares = pairwise(window_shares(starts, len(ids), width))
        tagged = zip(chain.from_iterable(batches), starts, shares, strict=True)
        return np.concatenate(
            [tags[first - start : last - start] for tags, start, (first, last) in tagged]
        )

    def _tag(self, windows: Sequence[np.ndarray]) -> np.ndarray:
        """Return the tags of each window's words and padding: int64 [windows, longest]."""
        import torch

        places = self.vocabulary.places
        ids, mask = padded(windows, places[CLS], places[PAD])
        self.model.eval()
        with torch.inference_mode():
            scores = tag_scores(self.model, torch.from_numpy(ids), torch.from_numpy(mask))
        return scores[:, 1:].argmax(-1).numpy()

    def save(self, folder: Path) -> None:
        """Write config.json, vocabulary.txt and model.safetensors (float16) over what is there."""
        from safetensors.torch import save

        write_json(json.loads(self.model.config.to_json_string()), folder / "config.json")
        with write_whole(folder / "vocabulary.txt") as part:
            part.write_text("\n".join(self.vocabulary.entries) + "\n", encoding="utf-8")
        with write_whole(folder / "model.safetensors") as part:
            # save_file would make a file that nobody else may read
            part.write_bytes(
                save({name: tensor.half() for name, tensor in self.model.state_dict().items()})
            )

    @classmethod
    def load(cls, folder: Path | None = None) -> PunctuationRestorer:
        """Read what ``save`` wrote.

        Args:
            folder: None is the one in the package.

        Raises:
            InputError: if it is absent or damaged.
        """
        from huggingface_hub.errors import StrictDataclassError
        from safetensors import SafetensorError

        folder = PACKAGED if folder is None else folder
        damage = (
            OSError,
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            RuntimeError,
            SafetensorError,
            StrictDataclassError,
        )
        try:
            return cls._load(folder)
        except damage as error:
            reason = str(error).partition("\n")[0].rstrip(":. ")
            raise InputError(
                f"{folder} holds no whole punctuation model ({reason}): give another folder, "
                "or make one with videobert finetune punctuation"
            ) from error

    @staticmethod
    def digest(folder: Path | None = None) -> str:
        """Return a digest of the files of a restorer.

        Args:
            folder: None is the one in the package.

        Raises:
            InputError: if a file is missing.
        """
        names = ("config.json", "vocabulary.txt", "model.safetensors")
        try:
            return "-".join(file_digest((folder or PACKAGED) / name) for name in names)
        except OSError as error:
            advice = "make it with videobert finetune punctuation"
            raise InputError(
                f"{error.filename} cannot be read ({error.strerror}): {advice}"
            ) from error

    @classmethod
    def _load(cls, folder: Path) -> PunctuationRestorer:
        import torch
        from safetensors.torch import load_file
        from transformers import BertConfig

        vocabulary = Vocabulary(
            tuple((folder / "vocabulary.txt").read_text(encoding="utf-8").splitlines())
        )
        config = BertConfig.from_dict(read_json(folder / "config.json"))
        if config.vocab_size != len(vocabulary.places) or config.num_labels != len(MARKS):
            raise ValueError(f"{len(vocabulary.places)} words for a model of {config.vocab_size}")
        if vocabulary.entries[:3] != (PAD, CLS, UNKNOWN):
            raise ValueError(f"vocabulary.txt does not begin with {PAD}, {CLS} and {UNKNOWN}")
        weights = load_file(folder / "model.safetensors")
        # Weights are drawn before they are replaced: the caller's random numbers stay as they are.
        with torch.random.fork_rng(devices=[]):
            model = new_model(config)
        model.load_state_dict({name: tensor.float() for name, tensor in weights.items()})
        return cls(model.eval(), vocabulary)
