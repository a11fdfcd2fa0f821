"""Serves the page until it is stopped."""

from __future__ import annotations

import os
import signal
import tempfile
import threading
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from urllib.parse import unquote

from videobert.page.options import PageOptions
from workfolder.errors import InputError
from workfolder.progress import Progress, silent

STAGES = 3


def serve_page(
    model: Path,
    work: Path | None,
    videos: Path | None,
    how: PageOptions,
    say: Callable[[str], None],
    progress: Progress = silent,
) -> None:
    """Serve the page of a model until Ctrl-C or SIGTERM.

    Args:
        model: its folder.
        work: a work folder to search; its videos can be chosen where ``videos`` names none.
        videos: a folder of clips to choose from.
        how: where the page is served.
        say: is told where the page is, and that it is closed.
        progress: hears of what is loaded.

    Raises:
        InputError: if Gradio is not installed, a folder cannot be used, or the port is taken.
    """
    if find_spec("gradio") is None:
        raise InputError("the page needs gradio: pip install 'videobert[page]'")
    signal.signal(signal.SIGTERM, _stop)
    with tempfile.TemporaryDirectory(prefix="videobert-page-") as uploads:
        # Gradio reads these when it is imported; the network is none of its business.
        os.environ |= {
            "GRADIO_TEMP_DIR": uploads,
            "GRADIO_ANALYTICS_ENABLED": "False",
            "HF_HUB_OFFLINE": "1",
        }
        try:
            _serve(model, work, videos, how, uploads, say, progress)
        except OSError as error:  # such as a port that another program has
            advice = "give another --port or --host"
            raise InputError(f"the page cannot be served ({error}): {advice}") from error


def _serve(
    model: Path,
    work: Path | None,
    videos: Path | None,
    how: PageOptions,
    uploads: str,
    say: Callable[[str], None],
    progress: Progress,
) -> None:
    progress("page", 0, STAGES, "the model")
    from videobert.page.answers import Answers

    answers = Answers(model, work, how.weights)
    progress("page", 1, STAGES, "the videos")
    choices = clips_to_choose(work, videos)
    first = first_choice(choices, work)
    progress("page", 2, STAGES, "Gradio")
    from videobert.page.app import build, serve

    page = build(answers, choices, first)
    address = serve(page, how.host, how.port, uploads)
    progress("page", STAGES, STAGES)
    say(f"the page is at {address} until Ctrl-C")
    try:
        threading.Event().wait()
    except (KeyboardInterrupt, SystemExit):
        say("the page is closed")
    finally:
        page.close(verbose=False)


def clips_to_choose(work: Path | None, videos: Path | None) -> dict[str, Path]:
    """Find the clips that a visitor can choose from, by name.

    Raises:
        InputError: if the folder of videos holds none.
    """
    from videobert.page.knowledge import video_paths
    from workfolder.sources import find_videos

    if videos is None:
        found = video_paths(work) if work else {}
    else:
        sources = find_videos([videos])
        found = {source.video_id: source.path for source in sources if not source.refusal}
    return {unquote(video): path for video, path in found.items()}


def first_choice(choices: Mapping[str, Path], work: Path | None) -> str | None:
    """Choose the clip that the page opens with: the first that the work folder does not have.

    It is one that the model has not learnt from, if there is one.
    """
    from videobert.page.knowledge import video_paths

    learnt = {path.resolve() for path in video_paths(work).values()} if work else set()
    unseen = [name for name, path in choices.items() if path.resolve() not in learnt]
    return next(iter([*unseen, *choices]), None)


def _stop(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)
