"""The command line of the page."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import threading
from importlib.util import find_spec
from pathlib import Path
from types import FrameType

from workfolder.errors import InputError
from workfolder.sources import find_videos

HOST = "127.0.0.1"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m demos.page", description="A page to play with a model, in a browser."
    )
    parser.add_argument("--model", type=Path, required=True, help="the model's folder")
    parser.add_argument("--work", type=Path, help="a work folder to search")
    parser.add_argument("--videos", type=Path, help="a folder of clips to choose from")
    parser.add_argument(
        "--weights", help="where the backbone's weights are now (default: as trained)"
    )
    parser.add_argument(
        "--host",
        default=HOST,
        help=f"{HOST} lets this machine in alone, 0.0.0.0 everybody (default: {HOST})",
    )
    parser.add_argument("--port", type=int, help="default: the first free one from 7860")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Serve the page until Ctrl-C; 2 for what cannot be used."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _stop)
    with tempfile.TemporaryDirectory(prefix="videobert-page-") as uploads:
        # Gradio reads these when it is imported; the network is none of its business.
        os.environ |= {
            "GRADIO_TEMP_DIR": uploads,
            "GRADIO_ANALYTICS_ENABLED": "False",
            "HF_HUB_OFFLINE": "1",
        }
        try:
            return _serve(options, uploads)
        except (InputError, OSError) as error:  # such as a port that another program has
            sys.stderr.write(f"python -m demos.page: {error}\n")
            return 2


def _serve(options: argparse.Namespace, uploads: str) -> int:
    if find_spec("gradio") is None:
        raise InputError("the page needs gradio: pip install 'videobert[page]'")
    from demos.page.answers import Answers
    from demos.page.app import build, serve

    found = find_videos([options.videos]) if options.videos else []
    videos = {source.video_id: source.path for source in found if not source.refusal}
    answers = Answers(options.model, options.work, options.weights)
    page = build(answers, videos)
    sys.stdout.write(
        f"the page is at {serve(page, options.host, options.port, uploads)} until Ctrl-C\n"
    )
    sys.stdout.flush()
    try:
        threading.Event().wait()
    except (KeyboardInterrupt, SystemExit):
        sys.stdout.write("the page is closed\n")
    finally:
        page.close(verbose=False)
    return 0


def _stop(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())
