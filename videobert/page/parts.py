"""What the page shows, as HTML: arrays and answers in, markup out.

Every text is escaped. Pictures are part of the page, so the server hands out no files.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape
from urllib.parse import unquote

import numpy as np
import pyarrow as pa

from tokenization.pieces import MASK
from videobert.answers.forecasting import Forecast
from videobert.answers.search import Hit
from videobert.answers.zero_shot import Guess
from videobert.page.clips import KnownClip
from videobert.page.films import Film
from videobert.page.knowledge import Knowledge

Stretches = Sequence[tuple[float, float, str]]
"""Start and end in seconds, and the label."""
STRIP = 8
"""Pictures at most beside what a search found."""


class Album:
    """The training frame that stands for each visual word, as markup."""

    def __init__(self, pictures: pa.Table) -> None:
        columns = (pictures.column(name).to_pylist() for name in ("token", "jpeg"))
        self._jpegs = {token: jpeg for token, jpeg in zip(*columns, strict=True) if jpeg}

    def __call__(self, word: int) -> str:
        """The picture of a word, or a box that says there is none."""
        return (
            image(self._jpegs[word], f"word {word}")
            if word in self._jpegs
            else '<span class="vb-none">no picture</span>'
        )


def image(jpeg: bytes, says: str) -> str:
    """A picture that needs no other request."""
    return f'<img src="data:image/jpeg;base64,{b64encode(jpeg).decode()}" alt="{escape(says)}">'


def card(picture: str, caption: str, extra: str = "") -> str:
    """A picture and, as markup, what it is."""
    return f'<figure class="vb-card {extra}">{picture}<figcaption>{caption}</figcaption></figure>'


def header(knows: Knowledge, seconds: int, size: int) -> str:
    """What the page is for, what its model knows, and what a visitor may bring.

    Args:
        knows: what the model learnt from.
        seconds: how long a clip may be.
        size: bytes of a clip at most.
    """
    videos = "some videos" if knows.videos is None else f"{knows.videos:,} videos"
    if knows.videos == 1:
        videos = "one video"
    learnt = f"It learnt from <b>{videos}</b>"
    if knows.corpus:
        learnt += f" of {' and '.join(f'<b>{escape(name)}</b>' for name in knows.corpus)}"
    learnt += " and knows nothing else."
    if knows.words:
        words = ", ".join(f"<b>{escape(word)}</b>" for word in knows.words)
        learnt += f" What it heard most often: {words}."
    return (
        "<h1>VideoBERT</h1><p>A model that reads a clip and a sentence as one language. "
        f"{learnt} Choose a clip, or bring a video of your own: at most {seconds // 60} minutes "
        f"and {size >> 20} MB.</p>"
    )


def warning(message: str) -> str:
    """What a visitor should know before the answer is read."""
    return f'<div class="vb-warning" role="note">{escape(message)}</div>'


def player(film: Film, says: str, still: int = 0, extra: str = "") -> str:
    """A film that plays in the page; one of its stills is shown until then."""
    poster = f"data:image/jpeg;base64,{b64encode(film.stills[still]).decode()}"
    return (
        f'<video class="vb-film {extra}" controls muted loop playsinline preload="metadata" '
        f'poster="{poster}" aria-label="{escape(says)}" src="{film.address}"></video>'
    )


def problem(message: str) -> str:
    """What could not be done, and what to do about it."""
    return f'<div class="vb-problem" role="alert">{escape(message)}</div>'


def hint(message: str) -> str:
    """What will stand here."""
    return f'<div class="vb-hint">{escape(message)}</div>'


def timeline(clip: KnownClip, album: Album, start: float, end: float, step: float) -> str:
    """Each clip's frame above the picture of its visual word; clips outside the part are dim.

    ``step`` is the seconds from a clip to the next.
    """
    encoded, seen = clip.encoded, clip.encoded.clips
    asked = seen.within(start, end).start
    moments = zip(seen.start.tolist(), seen.words.tolist(), clip.film.stills, strict=True)
    columns = [
        f'<div class="vb-moment{_asked(begin, asked)}"><time>{begin:.1f} s</time>'
        + card(image(frame, f"at {begin:.1f} s"), "")
        + card(album(word), f"word {word}", "vb-word")
        + "</div>"
        for begin, word, frame in moments
    ]
    words = f"{len(seen)} visual word{'s' * (len(seen) > 1)}"
    title = f"<b>{escape(str(encoded.path))}</b> as {words}, one for each {step:g} s"
    title += f"; it {escape(encoded.partial)}" if encoded.partial else ""
    rows = '<div class="vb-rows"><span>the clip</span><span>its visual words</span></div>'
    line = f'<div class="vb-line">{rows}<div class="vb-scroll">{"".join(columns)}</div></div>'
    first = int(np.searchsorted(seen.start, asked[0])) if len(asked) else 0
    shown = player(clip.film, str(encoded.path), first)
    return f'<p class="vb-title">{title}</p><div class="vb-clip">{shown}{line}</div>'


def _asked(begin: float, asked: np.ndarray) -> str:
    """Classes of a moment: dim if it is not asked about, the first that is comes into view."""
    if begin not in asked:
        return " vb-dim"
    return " vb-first" if begin == asked[0] else ""


def filled(template: str, masks: Sequence[Sequence[Guess]]) -> str:
    """The sentence with the likeliest word at each mask."""
    between = [escape(text) for text in template.split(MASK)]
    words = [f"<mark>{escape(guesses[0].word)}</mark>" for guesses in masks]
    return (
        '<p class="vb-sentence">'
        + "".join(t + w for t, w in zip(between, [*words, ""], strict=True))
        + "</p>"
    )


def bars(guesses: Sequence[Guess], kind: str = "") -> str:
    """A bar a word; ``kind`` is a class of the style sheet."""
    drawn = "".join(_bar(escape(guess.word), guess.probability) for guess in guesses)
    return f'<div class="vb-bars {kind}">{drawn}</div>'


def answers(
    template: str, seen: Sequence[Sequence[Guess]] | None, blind: Sequence[Sequence[Guess]]
) -> str:
    """For each mask the likeliest words with the clip, if there is one, and without it."""
    if seen is None:
        cards = [bars(guesses, "vb-blind") for guesses in blind]
    else:
        cards = [
            f'<div class="vb-pair"><div><h5>with the clip</h5>{bars(shown)}</div>'
            f"<div><h5>without it</h5>{bars(hidden, 'vb-blind')}</div></div>"
            for shown, hidden in zip(seen, blind, strict=True)
        ]
    titles = (
        [f"{MASK} {number}" for number in range(1, len(cards) + 1)] if len(cards) > 1 else [MASK]
    )
    masks = [
        f'<section class="vb-mask"><h4>{t}</h4>{card}</section>'
        for t, card in zip(titles, cards, strict=True)
    ]
    return filled(template, seen or blind) + f'<div class="vb-masks">{"".join(masks)}</div>'


def quote(text: str) -> str:
    """A caption."""
    return f'<blockquote class="vb-caption">{escape(text)}</blockquote>'


def strips(rows: Sequence[tuple[str, Stretches]], seconds: float) -> str:
    """A strip of colours over time for each row; a label has one colour in all of them.

    Args:
        rows: what a strip is called, and its stretches.
        seconds: how long the video is.
    """
    labels = sorted({label for _, stretches in rows for _, _, label in stretches})
    hues = {label: round(360 * place / len(labels)) for place, label in enumerate(labels)}
    drawn = []
    for name, stretches in rows:
        pieces = "".join(
            f'<i style="left:{100 * start / seconds:.2f}%;'
            f"width:{100 * (end - start) / seconds:.2f}%;"
            f'background:hsl({hues[label]} 62% 72%)" '
            f'title="{escape(label)}, {start:.1f} to {end:.1f} s">{escape(label)}</i>'
            for start, end, label in stretches
        )
        drawn.append(f'<span>{escape(name)}</span><div class="vb-strip">{pieces}</div>')
    ends = f'<span></span><div class="vb-ends"><time>0 s</time><time>{seconds:.0f} s</time></div>'
    return f'<div class="vb-strips">{"".join(drawn)}{ends}</div>'


def forecasts(found: Sequence[Forecast], album: Album, step: float) -> str:
    """A column for each step of so many seconds: the likeliest visual words, best first."""
    columns = [
        f"<section><h4>{each.step * step:g} s later</h4>"
        + "".join(
            card(album(g.word), _bar(f"word {g.word}", g.probability), "vb-word")
            for g in each.guesses
        )
        + "</section>"
        for each in found
    ]
    return f'<div class="vb-steps">{"".join(columns)}</div>'


def hits(found: Iterable[tuple[Hit, Sequence[int], Film | None]], album: Album) -> str:
    """What a search found, with the pictures of its visual words, and the films that are there."""
    rows = [
        f'<section class="vb-hit"><div class="vb-about"><b>{escape(unquote(hit.video_id))}</b>'
        f"<time>{hit.start:.1f} to {hit.end:.1f} s</time>{_bar('fits', hit.score - hit.said)}"
        f"{f'<q>{escape(hit.text)}</q>' if hit.text else ''}"
        f"{'<em>said word for word</em>' if hit.said else ''}</div>"
        f"{player(film, hit.video_id, 0, 'vb-small') if film else ''}"
        f'<div class="vb-scroll">{_strip(words, album)}</div></section>'
        for hit, words, film in found
    ]
    order = (
        "In the order of one number, which the bar shows: how well a stretch fits beside the other "
        "candidates. A sentence that is said word for word comes first."
    )
    return hint(order) + "".join(rows)


def _strip(words: Sequence[int], album: Album) -> str:
    return "".join(card(album(word), f"word {word}", "vb-word") for word in words[:STRIP])


def codebook(
    families: Iterable[tuple[int, Sequence[int]]], sizes: Sequence[int], album: Album
) -> str:
    """Visual words by the node above them, each with how many training clips it stands for.

    Args:
        families: a node of the level above the words, and those of its words that are to be shown.
        sizes: clips of each visual word.
    """
    rows = []
    for node, words in families:
        cards = "".join(
            card(album(w), f"<b>word {w}</b> {sizes[w]:,} clip{'s' * (sizes[w] != 1)}", "vb-word")
            for w in words
        )
        wrapped = f'<h4>family {node}</h4><div class="vb-wrap">{cards}</div>'
        rows.append(f'<section class="vb-family">{wrapped}</section>')
    return "".join(rows)


def _bar(label: str, share: float) -> str:
    """A bar from 0 to 1; ``label`` is markup."""
    track = f'<div class="vb-track"><i style="width:{100 * share:.1f}%"></i></div>'
    return f'<div class="vb-bar"><span>{label}</span>{track}<output>{share:.0%}</output></div>'
