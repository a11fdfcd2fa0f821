from __future__ import annotations

import numpy as np

from tokenization.examples import SILENT_WORDS, TimedText, video_examples, within_video


def clips(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Starts, ends and words 0, 1, 2, ... of a video of ``count`` clips."""
    starts = np.arange(count) * 1.5
    return starts, starts + 1.5, np.arange(count)


def test_a_sentence_has_the_clips_whose_middle_it_covers() -> None:
    (example,) = [e for e in video_examples([TimedText(1.0, 5.0, "chop it")], *clips(5)) if e.text]
    assert example.visual == (1, 2)  # middles at 2.25 and 3.75 s; 0.75 and 5.25 lie outside


def test_a_short_sentence_has_the_clip_it_falls_in() -> None:
    (example,) = [e for e in video_examples([TimedText(1.6, 2.0, "yes")], *clips(3)) if e.text]
    assert example.visual == (1,)


def test_sentences_after_the_video_are_left_out() -> None:
    starts, ends, _ = clips(2)  # 3 s, and a rest of less than 0.75 s that is no clip
    sentences = [TimedText(at, at + 2, str(at)) for at in (0.0, 2.9, 3.7, 3.75, 6537.0)]
    kept = within_video(sentences, starts, ends)
    assert [sentence.text for sentence in kept] == ["0.0", "2.9", "3.7"]
    assert within_video(sentences, *clips(0)[:2]) == []


def test_speech_over_the_rest_after_the_last_clip_has_no_visual_words() -> None:
    (example,) = [e for e in video_examples([TimedText(4.6, 5.0, "bye")], *clips(3)) if e.text]
    assert example.visual == ()


def test_silence_is_cut_into_runs_of_sixteen() -> None:
    examples = video_examples([TimedText(30.0, 33.0, "stir it")], *clips(60))
    silent = [example.visual for example in examples if not example.text]
    assert [len(words) for words in silent] == [16, 4, 16, 16, 6]
    assert max(map(len, silent)) == SILENT_WORDS
    spoken = [word for example in examples if example.text for word in example.visual]
    assert sorted([word for words in silent for word in words] + spoken) == list(range(60))


def test_examples_come_in_the_order_of_time() -> None:
    sentences = [TimedText(9.0, 12.0, "later"), TimedText(0.0, 3.0, "first")]
    examples = video_examples(sentences, *clips(12))
    assert [example.text for example in examples] == ["first", "", "later", ""]
    assert [example.start for example in examples] == sorted(example.start for example in examples)


def test_a_video_without_sentences_or_clips() -> None:
    assert video_examples([], *clips(0)) == []
    assert [example.visual for example in video_examples([], *clips(2))] == [(0, 1)]
