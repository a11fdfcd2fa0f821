"""One clip that the model never saw: what was done, and what the model says with and without it.

python -m demos.kitchen.question --kitchen demo/kitchen --model demo/model \
    --picture demo/prediction.png

The clip is chosen by a rule that looks at no answer: the middle step of the first video that was
held out.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from demos.kitchen.corpus import TRUTH_FILE
from demos.kitchen.truth import HELD_OUT_VIDEOS, Step, Truth, read_truth
from videobert.answers.zero_shot import Guess, predict, question
from videobert.cli.console import print_line, print_table, progress_bars
from videobert.cli.pictures import Beside, draw_prediction
from videobert.data.clip_encoder import ClipEncoder
from videobert.loading import TrainedModel, load_to_ask
from videobert.sequences import Ids
from workfolder.errors import InputError


@dataclass(frozen=True)
class Answer:
    """What a model says of a step.

    Attributes:
        template: the sentence whose masks were filled in; the first of those that were asked.
        really: the verb and the noun of the step.
        with_clip: guesses for the verb and for the noun, the best first.
        without_clip: the same from language alone.
    """

    template: str
    really: tuple[str, str]
    with_clip: list[list[Guess]]
    without_clip: list[list[Guess]]

    @property
    def right(self) -> tuple[bool, bool]:
        """Whether the first guess is right, for the verb and for the noun."""
        verb, noun = (
            guesses[0].word == word
            for guesses, word in zip(self.with_clip, self.really, strict=True)
        )
        return verb, noun


def chosen_step(truth: Truth) -> tuple[str, Step]:
    """The video and the step of the rule above."""
    video = next(video for video in truth.videos if video.split == HELD_OUT_VIDEOS)
    return video.video, video.steps[len(video.steps) // 2]


def ask(model: TrainedModel, step: Step, words: Ids) -> Answer:
    """Ask a model for verb and noun, of all its words, as videobert predict asks."""
    asked = question(model)
    with_clip, without_clip = (predict(model, seen, asked).guesses for seen in (words, []))
    return Answer(asked[0], (step.verb, step.noun), with_clip, without_clip)


def print_answer(answer: Answer, name: str) -> None:
    """Print both answers as a table, below what was really done."""
    verb, noun = answer.really
    print_line(f"really done in {name}: {verb} the {noun}")
    header = [f"{kind} {how} the clip" for kind in ("verb", "noun") for how in ("with", "without")]
    columns = [
        [f"{guess.word} {guess.probability:.0%}" for guess in guesses]
        for kind in zip(answer.with_clip, answer.without_clip, strict=True)
        for guesses in kind
    ]
    print_table(answer.template, header, list(zip_longest(*columns, fillvalue="")))
    said = {True: "right", False: "wrong"}
    found_verb, found_noun = answer.right
    print_line(f"with the clip the verb is {said[found_verb]}, the noun {said[found_noun]}")


def main() -> None:
    """Ask, print and draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("kitchen", "model", "picture"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    try:
        video, step = chosen_step(read_truth(options.kitchen / TRUTH_FILE))
        model = load_to_ask(options.model)
        with progress_bars() as progress:
            encode = ClipEncoder(model.processor.codebook)
            clip = encode(options.kitchen / f"{video}.mp4", step.start, step.end, progress)
        answer = ask(model, step, clip.clips.words)
        draw_prediction(
            clip,
            model.processor.codebook.pictures,
            answer.template,
            answer.with_clip,
            options.picture,
            Beside(answer.really, answer.without_clip),
        )
    except InputError as error:
        sys.exit(f"python -m demos.kitchen.question: {error}")
    print_answer(answer, f"{clip.path.name}, {step.start:g} to {step.end:g} s")
    print_line(f"drawn: {options.picture}")


if __name__ == "__main__":
    main()
