"""What YouTube and speech recognisers write as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from feature_extraction.hearing.captions.formats import Captions, read_captions
from tests.feature_extraction.hearing.captions.caption_files import assert_sound, read, texts, times
from workfolder.errors import InputError


def read_document(folder: Path, document: Any, name: str = "talk.json") -> Captions:
    return read(folder, json.dumps(document), name)


@pytest.mark.parametrize(
    "name", ["captions/aivants/transcript.en.json3", "captions/datakami_cooking/c-cooking.json"]
)
def test_a_real_json_loses_no_word(shared_data: Path, name: str) -> None:
    document = json.loads((shared_data / name).read_text())
    segments = [
        segment["utf8"] for event in document.get("events", []) for segment in event.get("segs", [])
    ]
    expected = (document.get("transcription") or "".join(segments)).replace("[Music]", " ").split()
    assert texts(read_captions(shared_data / name)) == [word for word in expected if word != ">>"]


def test_json3_offsets_and_words_in_several_segments(tmp_path: Path) -> None:
    segments = [
        {"utf8": "straw"},
        {"utf8": "berry"},
        {"utf8": " jam", "tOffsetMs": 900},
        {"utf8": "\n"},
    ]
    events = [{"tStartMs": 0, "id": 1}, {"tStartMs": 1000, "dDurationMs": 9000, "segs": segments}]
    events += [{"tStartMs": 2500, "aAppend": 1, "segs": [{"utf8": "\n"}]}]
    found = read_document(tmp_path, {"wireMagic": "pb3", "events": events}, "talk.en-US.json3")
    assert texts(found) == ["strawberry", "jam"] and found.language == "en-US"
    assert times(found) == [(1.0, 1.55), (1.9, 2.17)]


def test_whisperx_words_without_times_get_the_time_between_their_neighbours(tmp_path: Path) -> None:
    words = [
        {"word": "add", "start": 1.0, "end": 1.5, "score": 0.9},
        {"word": "1/2"},
        {"word": "cups"},
        {"word": "now", "start": 3.0, "end": 3.2},
        {"word": "50"},
    ]
    segment = {"start": 1.0, "end": 4.0, "text": "add 1/2 cups now 50", "words": words}
    found = read_document(tmp_path, {"segments": [segment], "language": "en"})
    starts = [1.0, 1.5, 1.5 + 1.5 * 3 / 7, 3.0, 3.2]
    assert [word.start for word in found.words] == pytest.approx(starts)
    assert [word.probability for word in found.words] == [0.9, None, None, None, None]
    assert found.language == "en"


def test_whisper_segments_without_words_and_half_characters(tmp_path: Path) -> None:
    segments = [
        {"start": 0, "end": 2, "text": " Cut it\ud800."},
        {"start": 2, "end": float("nan"), "text": "Stir"},
    ]
    found = read_document(tmp_path, segments)
    assert texts(found) == ["Cut", "it\ufffd.", "Stir"]
    assert_sound(found)


def test_whisper_is_believed_as_far_as_when_it_hears_itself(tmp_path: Path) -> None:
    sure = {"no_speech_prob": 0.1, "avg_logprob": -0.3, "compression_ratio": 1.2}
    unsure = {"no_speech_prob": 0.9, "avg_logprob": -1.5, "compression_ratio": 3.0}
    said = [("Thank you for watching.", unsure)] * 10 + [("(upbeat music)", sure), ("Whisk.", sure)]
    said += [("Subscribe now.", sure)] * 5
    segments = [
        {"start": 2 * n, "end": 2 * n + 2, "text": f" {text}", **figures}
        for n, (text, figures) in enumerate(said)
    ]
    found = read_document(tmp_path, {"segments": segments, "language": "en"})
    assert texts(found) == ["Whisk.", "Subscribe", "now."]
    assert found.dropped == {"phrases over silence": 10, "sounds and marks": 1, "looped words": 8}


def test_entries_with_a_duration(tmp_path: Path) -> None:
    """As youtube-transcript-api writes them."""
    found = read_document(
        tmp_path,
        [
            {"text": "crack the eggs", "start": 1.0, "duration": 3.0},
            {"text": "[Music]", "start": 4.0, "duration": 1.0},
            {"text": "whisk it", "start": 5.0, "duration": 3.0},
        ],
    )
    assert texts(found) == ["crack", "the", "eggs", "whisk", "it"]
    assert [times(found)[place] for place in (0, 2, 3, 4)] == [
        (1.0, 2.25),
        (3.0, 4.0),
        (5.0, 7.143),
        (7.143, 8.0),
    ]
    assert found.dropped == {"sounds and marks": 1}


RECOGNISERS: dict[str, Any] = {
    "whisper.cpp": {
        "result": {"language": "en"},
        "transcription": [
            {"offsets": {"from": 1000, "to": 1500}, "text": " Salt"},
            {"offsets": {"from": 2000, "to": 2250}, "text": " now."},
        ],
    },
    "transformers": {
        "text": " Salt now.",
        "chunks": [
            {"timestamp": [1.0, 1.5], "text": " Salt"},
            {"timestamp": [2.0, 2.25], "text": " now."},
        ],
    },
    "openai": {
        "task": "transcribe",
        "language": "english",
        "words": [
            {"word": "Salt", "start": 1.0, "end": 1.5},
            {"word": "now.", "start": 2.0, "end": 2.25},
        ],
    },
    "vosk": {
        "result": [
            {"conf": 0.9, "start": 1.0, "end": 1.5, "word": "Salt"},
            {"conf": 0.8, "start": 2.0, "end": 2.25, "word": "now."},
        ],
        "text": "Salt now.",
    },
    "assemblyai": {
        "status": "completed",
        "language_code": "en_us",
        "words": [
            {"text": "Salt", "start": 1000, "end": 1500, "confidence": 0.9},
            {"text": "now.", "start": 2000, "end": 2250, "confidence": 0.8},
        ],
    },
    "deepgram": {
        "metadata": {"duration": 3.0},
        "results": {
            "channels": [
                {
                    "alternatives": [
                        {
                            "transcript": "Salt now.",
                            "words": [
                                {
                                    "word": "salt",
                                    "start": 1.0,
                                    "end": 1.5,
                                    "punctuated_word": "Salt",
                                },
                                {
                                    "word": "now",
                                    "start": 2.0,
                                    "end": 2.25,
                                    "punctuated_word": "now.",
                                },
                            ],
                        }
                    ]
                }
            ]
        },
    },
    "google": {
        "results": [
            {
                "alternatives": [
                    {
                        "transcript": "Salt now.",
                        "words": [
                            {"word": "Salt", "startTime": "1s", "endTime": "1.500s"},
                            {"word": "now.", "startTime": "2.000s", "endTime": "2.250s"},
                        ],
                    }
                ],
                "languageCode": "en-us",
            }
        ]
    },
    "amazon": {
        "jobName": "a",
        "results": {
            "items": [
                {
                    "type": "pronunciation",
                    "start_time": "1.0",
                    "end_time": "1.5",
                    "alternatives": [{"confidence": "0.9", "content": "Salt"}],
                },
                {
                    "type": "pronunciation",
                    "start_time": "2.0",
                    "end_time": "2.25",
                    "alternatives": [{"confidence": "0.8", "content": "now"}],
                },
                {"type": "punctuation", "alternatives": [{"confidence": "0.0", "content": "."}]},
            ]
        },
    },
}


@pytest.mark.parametrize("tool", RECOGNISERS)
def test_what_recognisers_write(tmp_path: Path, tool: str) -> None:
    found = read_document(tmp_path, RECOGNISERS[tool])
    assert texts(found) == ["Salt", "now."]
    phrases = tool in ("whisper.cpp", "transformers")  # whose words have no ends of their own
    assert times(found) == [(1.0, 1.31 if phrases else 1.5), (2.0, 2.25)]
    shares = {"vosk", "assemblyai", "amazon"}
    assert [word.probability for word in found.words] == (
        [0.9, 0.8] if tool in shares else [None] * 2
    )
    languages = {"whisper.cpp": "en", "assemblyai": "en_us", "google": "en-us"}
    assert found.language == languages.get(tool)


@pytest.mark.parametrize(
    "document",
    [
        {"key": "00001", "status": "success", "yt_meta_dict": {"info": {"id": "x"}}},
        {"title": "soup"},
        {"segments": "none"},
        [],
        [{"id": 1}],
        3,
        None,
    ],
)
def test_json_of_another_kind_holds_no_captions(tmp_path: Path, document: Any) -> None:
    found = read_document(tmp_path, document)
    assert not found.words and found.dropped == {"files that hold no captions": 1}


@pytest.mark.parametrize("document", [{"segments": []}, {"events": []}, {"results": []}])
def test_silence_is_not_a_loss(tmp_path: Path, document: Any) -> None:
    found = read_document(tmp_path, document)
    assert not found.words and not found.dropped


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('{"segments": [\n{"start": 1,}]}', "line 2: this is not JSON"),
        ("[" * 100_000, "no caption tool writes"),
        ('{"a": ' + "1" * 5000 + "}", "no caption tool writes"),
        ('[{"text": "no times"}]', "phrase 1: it has no start"),
        ('[{"text": "hi", "start": 1}, 2]', "phrase 2: it is not a phrase"),
        ('{"timestamps": [["a", 1, 2], ["b", "x", 2]]}', "timestamp 2"),
        ('{"events": [{"segs": [{"utf8": "hi"}]}]}', "event 1"),
    ],
)
def test_a_damaged_document_is_refused_with_its_place(
    tmp_path: Path, content: str, says: str
) -> None:
    with pytest.raises(InputError) as refusal:
        read(tmp_path, content, "a.json")
    assert says in str(refusal.value) and str(tmp_path / "a.json") in str(refusal.value)
    assert "\n" not in str(refusal.value)
