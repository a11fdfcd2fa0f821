"""The page's wiring: which component asks for what; answers.py and parts.py make what they show."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from videobert.page import parts
from videobert.page.answers import LONGEST_TEXT, Answers
from videobert.page.clips import LONGEST
from videobert.page.doors import BIGGEST, Doors
from workfolder.errors import InputError
from workfolder.progress import Progress
from workfolder.sources import VIDEO_SUFFIXES

STYLE = Path(__file__).with_name("page.css")
FONTS = ["system-ui", "-apple-system", "Segoe UI", "sans-serif"]
OLD, EVERY = 1800, 300
"""Seconds after which an unused upload is deleted, and seconds between two searches for them."""
PART = 6.0
"""Seconds: about as long as a step of a recipe is spoken of."""
CLOSED: Any = {"api_visibility": "private"}
ASKED: Any = {"trigger_mode": "always_last", **CLOSED}
"""A question that comes while the one before is answered is not lost."""

Question = tuple[Callable[..., str], list[Any], gr.HTML]
"""What answers, what it is asked with, and where the answer stands."""


def build(answers: Answers, videos: Mapping[str, Path], first: str | None = None) -> gr.Blocks:
    """Wire the page.

    Args:
        answers: answers what it asks.
        videos: clips to choose from, by the name that a visitor sees.
        first: the one that it opens with; None for none.
    """
    choosing = Choosing(answers, videos)
    with gr.Blocks(
        title="VideoBERT", analytics_enabled=False, delete_cache=(EVERY, OLD), fill_width=True
    ) as page:
        gr.HTML(parts.header(answers.knows, LONGEST, BIGGEST), elem_id="vb-head", padding=False)
        digest = gr.State(None)
        choice, upload = _bring(videos, first)
        line = _shown(answers.timeline(None, 0, 0), "timeline")
        with gr.Row(elem_id="vb-part"):
            start, end = (
                _seconds("Ask about the part from second", 0, answers.step, "start"),
                _seconds("to second", LONGEST, answers.step, "end"),
            )
        part = [digest, start, end]
        questions = [_blanks(answers, part), _next(answers, part)]
        if answers.captions:
            questions.append(_caption(answers, part))
        if answers.whole.tags or answers.whole.finds:
            questions += _whole(answers, digest)
        if answers.searches:
            _search(answers)
        _codebook(answers)
        taken: Any = {"outputs": [digest, line, start, end], "show_progress_on": line, **CLOSED}
        _then(upload.upload(choosing.upload, upload, **taken), questions)
        _then(upload.clear(choosing.nothing, None, **taken), questions)
        _then(choice.input(choosing.choice, choice, **taken), questions)
        if first:
            _then(page.load(choosing.choice, choice, **taken), questions)
        for slider in (start, end):
            _then(slider.input(answers.timeline, part, line, **ASKED), questions)
    return page


def _bring(videos: Mapping[str, Path], first: str | None) -> tuple[gr.Dropdown, gr.File]:
    """Let a visitor choose a clip, or bring one."""
    with gr.Row(equal_height=True, elem_id="vb-bring"):
        choice = gr.Dropdown(
            ["", *videos],
            value=first or "",
            label="A clip",
            visible=bool(videos),
            elem_id="vb-choice",
        )
        upload = gr.File(
            show_label=False,
            height=92,
            file_types=sorted(VIDEO_SUFFIXES),
            elem_id="vb-upload",
        )
    return choice, upload


def serve(page: gr.Blocks, host: str, port: int | None, uploads: str) -> str:
    """Start the page in threads of its own and return its address; ``page.close()`` ends it.

    ``uploads``: the folder that GRADIO_TEMP_DIR named when Gradio was imported.
    """
    page.queue(api_open=False, max_size=32)
    doors = [Middleware(Doors, uploads=uploads)]
    _, address, _ = page.launch(
        server_name=host,
        server_port=port,
        share=False,
        prevent_thread_lock=True,
        quiet=True,
        allowed_paths=[],
        max_file_size=BIGGEST,
        strict_cors=True,
        enable_monitoring=False,
        ssr_mode=False,
        app_kwargs={"docs_url": None, "redoc_url": None, "openapi_url": None, "middleware": doors},
        footer_links=[],
        theme=_theme(),
        css_paths=[STYLE],
    )
    return str(address)


@dataclass(frozen=True)
class Choosing:
    """Turns a visitor's choice into the page's clip: digest, timeline and both ends of the part."""

    answers: Answers
    videos: Mapping[str, Path]

    def upload(self, path: str | None, progress: gr.Progress = gr.Progress()) -> Sequence[Any]:
        """A file that was dropped. It goes once it is known."""
        if path is None or not Path(path).exists():  # another visitor's equal upload was quicker
            return self.nothing()
        try:
            return self._take(Path(path), Path(path).name, progress)
        finally:
            Path(path).unlink(missing_ok=True)

    def choice(self, name: str, progress: gr.Progress = gr.Progress()) -> Sequence[Any]:
        """A video of the folder."""
        return (
            self._take(self.videos[name], name, progress) if name in self.videos else self.nothing()
        )

    def nothing(self) -> Sequence[Any]:
        """No clip."""
        hidden = gr.update(visible=False)
        return None, self.answers.timeline(None, 0, 0), hidden, hidden

    def _take(self, path: Path, name: str, progress: gr.Progress) -> Sequence[Any]:
        try:
            digest = self.answers.clips.read(path, name, _bar(progress))
        except InputError as error:
            _, _, *sliders = self.nothing()
            return None, parts.problem(self.answers.for_visitors(str(error))), *sliders
        # A short last clip ends before this.
        last = self.answers.step * len(self.answers.clips.known(digest).encoded.clips)
        part = asked_first(last, self.answers.step)
        sliders = [gr.update(value=value, maximum=last, visible=True) for value in part]
        return digest, self.answers.timeline(digest, *part), *sliders


def asked_first(seconds: float, step: float) -> tuple[float, float]:
    """Choose the part of a clip that is asked about at first: a step of some seconds.

    A short clip is asked about as a whole, of a long one PART seconds in the middle. Both ends
    are whole steps.
    """
    if seconds <= 2 * PART:
        return 0.0, seconds
    first = round((seconds - PART) / 2 / step) * step
    return first, first + round(PART / step) * step


def _bar(progress: gr.Progress) -> Progress:
    def show(stage: str, done: int, total: int, detail: str = "") -> None:
        progress((done, total), desc="looking", unit="visual words")

    return show


def _blanks(answers: Answers, part: list[Any]) -> Question:
    with gr.Tab("Fill in the blanks"):
        sentences = answers.sentences
        template = _sentence("a sentence with [MASK]s", "template", sentences[0])
        with gr.Row():
            examples = [gr.Button(sentence, size="sm") for sentence in sentences]
        question = (
            answers.fill,
            [*part, template],
            _shown(answers.fill(None, 0, 0, sentences[0]), "words"),
        )
    template.submit(*question, **ASKED)
    for button in examples:
        _then(button.click(str, button, template, **CLOSED), [question])
    return question


def _caption(answers: Answers, part: list[Any]) -> Question:
    with gr.Tab("Caption"):
        return answers.caption, part, _shown(answers.caption(None, 0, 0), "caption")


def _next(answers: Answers, part: list[Any]) -> Question:
    with gr.Tab("What comes next"):
        return answers.next, part, _shown(answers.next(None, 0, 0), "next")


def _whole(answers: Answers, digest: Any) -> list[Question]:
    """Steps of the whole clip, and when something is shown in it, as far as it was taught."""
    found: list[Question] = []
    with gr.Tab("The whole clip"):
        if answers.whole.tags:
            found.append((answers.steps, [digest], _shown(answers.steps(None), "whole")))
        if answers.whole.finds:
            text = _sentence("when is this shown? such as: chop the onion", "asked")
            question = answers.when, [digest, text], _shown(answers.when(None, ""), "when")
            text.submit(*question, **ASKED)
            found.append(question)
    return found


def _search(answers: Answers) -> None:
    with gr.Tab("Search"):
        sentence = _sentence("a sentence, such as: chop the onion", "sentence")
        found = _shown(
            parts.hint("Stretches of video that fit the sentence will stand here."), "hits"
        )
    sentence.submit(answers.search, sentence, found, **ASKED)


def _codebook(answers: Answers) -> None:
    with gr.Tab("Visual words"):
        label = f"Page of {answers.pages}; words of one family are neighbours in the tree"
        number = gr.Slider(
            1, max(2, answers.pages), 1, step=1, label=label, buttons=[], elem_id="vb-number"
        )
        shown = _shown(answers.codebook(1), "codebook")
    number.input(answers.codebook, number, shown, **ASKED)


def _shown(markup: str, name: str) -> gr.HTML:
    return gr.HTML(markup, elem_id=f"vb-{name}", padding=False)


def _sentence(placeholder: str, name: str, value: str = "") -> gr.Textbox:
    return gr.Textbox(
        value,
        label=placeholder,
        placeholder=placeholder,
        container=False,
        max_length=LONGEST_TEXT,
        submit_btn=True,
        elem_id=f"vb-{name}",
    )


def _seconds(label: str, value: float, step: float, name: str) -> gr.Slider:
    return gr.Slider(
        0,
        LONGEST,
        value,
        step=step,
        label=label,
        visible=False,
        buttons=[],
        elem_id=f"vb-{name}",
    )


def _then(event: Any, questions: Sequence[Question]) -> None:
    for question in questions:
        event.then(*question, **CLOSED)


def _theme() -> gr.themes.Base:
    mono = ["ui-monospace", "monospace"]
    soft = gr.themes.Soft(primary_hue="sky", neutral_hue="slate", font=FONTS, font_mono=mono)
    return soft.set(
        block_title_background_fill="none",
        block_title_padding="0",
        block_title_text_color="*body_text_color_subdued",
        block_title_text_weight="500",
        block_shadow="none",
        block_border_width="1px",
        block_padding="10px 14px",
        input_shadow="none",
        input_border_width="1px",
        layout_gap="10px",
    )
