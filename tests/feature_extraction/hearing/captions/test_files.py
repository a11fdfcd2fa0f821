"""Caption files come out as timed words, each spoken word once, or are refused by name and line."""

from __future__ import annotations

import json
import math
import re
import time
from difflib import SequenceMatcher
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feature_extraction.hearing.captions import files as captions
from feature_extraction.hearing.captions.files import Captions, read_captions
from workfolder.errors import InputError

DATA = Path(__file__).parents[4].parent / "shared" / "data"
MANIFESTO = DATA / "video" / "videogrep"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"the real captions of {DATA} are absent")
in_one_folder = settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def read(tmp_path):
    """Read captions from text or bytes, as a file of that name."""

    def read_text(content: str | bytes, name: str = "talk.vtt") -> Captions:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_captions(path)

    return read_text


def texts(found: Captions) -> list[str]:
    return [word.text for word in found.words]


def times(found: Captions) -> list[tuple[float, float]]:
    return [(round(word.start, 3), round(word.end, 3)) for word in found.words]


def assert_sound(found: Captions) -> None:
    last = 0.0
    for word in found.words:
        assert math.isfinite(word.end) and last <= word.start <= word.end
        assert word.text and word.text.split() == [word.text]
        word.text.encode()
        last = word.start


def clock(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    return f"{milliseconds // 3600000:02}:{milliseconds // 60000 % 60:02}:{milliseconds / 1000 % 60:06.3f}"


def rolling(rows: list[list[str]]) -> str:
    """Captions as YouTube writes them: a row a second, held for 0.01 s, then rolled up; a time for every word."""
    cues, above = [], " "
    for index, row in enumerate(rows):
        start, end = float(index), index + 0.99
        later = [
            f"<{clock(index + 0.9 * n / len(row))}><c> {word}</c>"
            for n, word in enumerate(row)
            if n
        ]
        cues.append(
            f"{clock(start)} --> {clock(end)} align:start position:0%\n{above}\n{row[0]}{''.join(later)}\n"
        )
        above = " ".join(row)
        cues.append(f"{clock(end)} --> {clock(index + 1)} align:start position:0%\n{above}\n \n")
    return "WEBVTT\nKind: captions\nLanguage: en\n\n" + "\n".join(cues)


# real files


@needs_data
def test_every_real_file_is_read_or_refused_by_name():
    files = [
        path
        for folder in (DATA / "captions", MANIFESTO)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]
    files = [path for path in files if path.suffix in {".vtt", ".srt", ".sbv", ".json", ".json3"}]
    refused = {}
    for path in files:
        try:
            found = read_captions(path)
        except InputError as error:
            refused[path.name] = str(error)
            assert str(path) in str(error) and "\n" not in str(error)
        else:
            assert_sound(found)
    assert len(files) > 40 and len(refused) < len(files) / 2
    assert "invalid_timeframe.vtt, line 6:" in refused["invalid_timeframe.vtt"]
    assert "invalid.vtt, line 1:" in refused["invalid.vtt"]
    assert "is empty" in refused["emptyvideo.aa.vtt"]


@needs_data
def test_rolling_captions_say_what_the_same_captions_say_without_rolling():
    spoken = (MANIFESTO / "manifesto.srt").read_text().split("\n\n")
    expected = [
        word
        for cue in spoken
        if cue.strip()
        for word in " ".join(cue.strip().split("\n")[2:]).split()
    ]
    rolled = read_captions(MANIFESTO / "manifesto.vtt")
    assert len(expected) == 206
    assert texts(rolled) == texts(read_captions(MANIFESTO / "manifesto.srt")) == expected
    assert rolled.language == "en"


@needs_data
def test_two_recognisers_agree():
    ours, theirs = (
        read_captions(MANIFESTO / name).words for name in ("manifesto.vtt", "manifesto.json")
    )
    matcher = SequenceMatcher(
        None, [word.text for word in ours], [word.text for word in theirs], autojunk=False
    )
    pairs = [
        (ours[block.a + n], theirs[block.b + n])
        for block in matcher.get_matching_blocks()
        for n in range(block.size)
    ]
    near = [pair for pair in pairs if abs(pair[0].start - pair[1].start) < 0.3]
    assert len(pairs) >= 0.85 * len(ours)
    assert len(near) >= 0.95 * len(pairs)


@needs_data
@pytest.mark.parametrize(
    "name", ["captions/aivants/transcript.en.json3", "captions/datakami_cooking/c-cooking.json"]
)
def test_a_real_json_loses_no_word(name):
    document = json.loads((DATA / name).read_text())
    segments = [
        segment["utf8"] for event in document.get("events", []) for segment in event.get("segs", [])
    ]
    expected = (document.get("transcription") or "".join(segments)).replace("[Music]", " ").split()
    assert texts(read_captions(DATA / name)) == [word for word in expected if word != ">>"]


# rolling lines


def test_inline_times_are_the_words_times_and_pauses_stay_silent(read):
    found = read(rolling([["whisk", "the", "eggs"], ["then", "rest"]]))
    assert texts(found) == ["whisk", "the", "eggs", "then", "rest"]
    assert times(found) == [(0.0, 0.3), (0.3, 0.57), (0.6, 0.91), (1.0, 1.31), (1.45, 1.76)]
    slow = read("WEBVTT\n\n00:00.000 --> 00:09.000\nstir<00:04.000><c> well</c>\n")
    assert times(slow) == [(0.0, 0.31), (4.0, 4.31)]  # nobody says "well" for five seconds


@in_one_folder
@given(
    rows=st.lists(
        st.lists(st.sampled_from("a b salt it's 1/2 Käse".split()), min_size=1, max_size=4),
        max_size=8,
    )
)
def test_every_word_of_rolling_captions_comes_back_once(read, rows):
    rows = [["first", "row"], *rows]
    found = read(rolling(rows))
    assert texts(found) == [word for row in rows for word in row]
    assert [int(word.start) for word in found.words] == [
        index for index, row in enumerate(rows) for _ in row
    ]


@pytest.mark.parametrize("row", ["salt", "add<00:01.500><c> salt</c>"])
@pytest.mark.parametrize("next_row", ["stir", "then<00:09.500><c> stir</c>"])
def test_a_line_that_rolls_on_after_a_pause_is_read_once(read, row, next_row):
    words, more = (re.sub(r"<[^>]*>", "", text) for text in (row, next_row))
    cues = [f"00:01.000 --> 00:02.000\n{row}", f"00:02.000 --> 00:02.010\n{words}\n "]
    found = read("\n\n".join(["WEBVTT", *cues, f"00:09.000 --> 00:10.000\n{words}\n{next_row}\n"]))
    assert texts(found) == [*words.split(), *more.split()]


def test_rolling_captions_converted_to_srt_are_read_once(read):
    found = read(
        "1\n00:00:00,000 --> 00:00:02,000\nchop it\n\n2\n00:00:02,000 --> 00:00:02,010\nchop it\n \n\n"
        "3\n00:00:02,010 --> 00:00:04,000\nchop it\nand stir\n",
        "talk.srt",
    )
    assert texts(found) == ["chop", "it", "and", "stir"]
    assert found.dropped == {"lines that rolled on": 2}


def test_words_that_are_said_again_are_kept(read):
    found = read(
        "1\n00:00:00,000 --> 00:00:02,000\nhey\n\n2\n00:00:02,000 --> 00:00:04,000\nhey\n",
        "talk.srt",
    )
    assert texts(found) == ["hey", "hey"]


# what lines of text can hold


def test_words_share_a_cue_by_their_length(read):
    found = read(
        "WEBVTT\n\n00:00:10.000 --> 00:00:12.000\nadd\nsalted to it\n"
    )  # 3 + 6 + 2 + 2 letters
    assert [word.start for word in found.words] == pytest.approx(
        [10, 10 + 6 / 13, 10 + 18 / 13, 10 + 22 / 13]
    )
    assert found.words[-1].end == 12


def test_styles_notes_settings_tags_entities_and_sounds(read):
    found = read(
        "WEBVTT - soup\nLanguage: pt-BR\n\nSTYLE\n::cue { color: red }\n\nREGION\nid:a\n\nNOTE\n00:01 --> 00:02 none\n"
        "\nintro\n00:01.000 --> 00:02.000 line:0 align:end\n- <v Ann>salt &amp; <b>pepper</b></v> [Music] &lt;b&gt;\n"
        "\n00:02.000 --> 00:03.000\n>> 2 < 3 ♪ caf\u200bé\xa0noir\n\n00:03.000 --> 00:04.000\n[Applause]\n"
    )
    assert texts(found) == ["salt", "&", "pepper", "<b>", "2", "3", "café", "noir"]
    assert found.language == "pt-BR"


def test_a_timing_line_begins_a_cue_without_a_blank_line_before(read):
    found = read(
        "1\n00:00:01,000 --> 00:00:02,000\none\n2\n00:00:02,000 --> 00:00:03,000\ntwo\n", "talk.srt"
    )
    assert texts(found) == ["one", "two"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(read, encoding, newline):
    text = "WEBVTT\n\n00:01.000 --> 00:02.000\ncrème fraîche\n".replace("\n", newline)
    assert texts(read(text.encode(encoding))) == ["crème", "fraîche"]


def test_times_that_overlap_run_backwards_or_lie_before_the_start(read):
    cues = [
        (5, 9, "third fourth"),
        (-1, 2, "first"),
        (1, 6, "second"),
        (8, 7, "fifth"),
        (99999 * 3600 + 3599, 0, "end"),
    ]
    lines = [
        f"{'-' * (start < 0)}{clock(abs(start))} --> {clock(end)}\n{text}\n"
        for start, end, text in cues
    ]
    found = read("\n".join(["WEBVTT\n", *lines]))
    assert texts(found) == ["first", "second", "third", "fourth", "fifth", "end"]
    assert_sound(found)


def test_two_who_speak_at_once_do_not_take_turns_word_by_word(read):
    cues = "00:01.000 --> 00:04.000\nhello dear friend\n\n00:01.000 --> 00:03.000\ngood day\n"
    assert texts(read(f"WEBVTT\n\n{cues}")) == ["hello", "dear", "friend", "good", "day"]


def test_a_cue_that_stays_while_others_come_keeps_its_words_together(read):
    cues = "00:00.000 --> 01:40.000\nmy kitchen at home\n\n00:02.000 --> 00:03.000\ngood day\n"
    assert texts(read(f"WEBVTT\n\n{cues}")) == ["my", "kitchen", "at", "home", "good", "day"]


def test_a_character_reference_of_5000_digits_is_text(read):
    assert len(read("WEBVTT\n\n00:01.000 --> 00:02.000\n&#" + "1" * 5000 + ";\n").words) == 1


def test_what_is_left_out_is_counted(read):
    found = read(
        "WEBVTT\n\nlost words\n\n00:01.000 --> 00:02.000\n\n00:02.000 --> 00:03.000\n[Music] hello\n"
    )
    assert texts(found) == ["hello"]
    assert found.dropped == {"lines without times": 1, "cues without words": 1, "not spoken": 1}


# refusals


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.vtt", "", "is empty"),
        ("a.sbv", "0:00:01.000,0:00:02.000\nhi", ".vtt .srt .json3 .json"),
        ("a.vtt", "00:01.000 --> 00:02.000\nhi\n", "line 1: a .vtt file begins with WEBVTT"),
        ("a.vtt", "WEBVTT\n\nnothing\n", "line 3: the file ends here without a cue"),
        (
            "a.srt",
            "1\n00:00:01,000 --> 00:00:0x,000\nhi\n",
            "line 2: '00:00:01,000 --> 00:00:0x,000' is no time",
        ),
        ("a.srt", "1\n00:00:01,000 --> 00:00:02,000\nhi\n00:00:01 -->\n", "line 4"),
        ("a.srt", "1\n" + "9" * 5000 + ":00:01,000 --> 00:00:02,000\nhi\n", "line 2"),
        ("a.json", '{"segments": [\n{"start": 1,}]}', "line 2: this is no JSON"),
        ("a.json", "[" * 100_000, "no caption tool writes"),
        ("a.json", '{"a": ' + "1" * 5000 + "}", "no caption tool writes"),
        ("a.json", '{"title": "soup"}', "holds no captions"),
        ("a.json", '[{"text": "no times"}]', "segment 1"),
        ("a.json", '{"timestamps": [["a", 1, 2], ["b", "x", 2]]}', "timestamp 2"),
        ("a.json3", '{"events": [{"segs": [{"utf8": "hi"}]}]}', "event 1"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_its_line(read, tmp_path, name, content, says):
    with pytest.raises(InputError) as refusal:
        read(content, name)
    assert says in str(refusal.value) and str(tmp_path / name) in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_an_absent_file_and_one_that_is_too_large_are_refused(read, tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"absent\.vtt cannot be read"):
        read_captions(tmp_path / "absent.vtt")
    monkeypatch.setattr(captions, "LARGEST_TEXT", 10)
    with pytest.raises(InputError, match="more than 10"):
        read("WEBVTT\n\n00:01.000 --> 00:02.000\nhi\n")
    monkeypatch.setattr(captions, "LARGEST_TEXT", 1000)
    monkeypatch.setattr(captions, "MOST_WORDS", 1)
    with pytest.raises(InputError, match="more than 1 words"):
        read("WEBVTT\n\n00:01.000 --> 00:02.000\nhi there\n")


# JSON


def test_json3_offsets_and_words_in_several_segments(read):
    segments = [
        {"utf8": "straw"},
        {"utf8": "berry"},
        {"utf8": " jam", "tOffsetMs": 900},
        {"utf8": "\n"},
    ]
    events = [{"tStartMs": 0, "id": 1}, {"tStartMs": 1000, "dDurationMs": 9000, "segs": segments}]
    events += [{"tStartMs": 2500, "aAppend": 1, "segs": [{"utf8": "\n"}]}]
    found = read(json.dumps({"wireMagic": "pb3", "events": events}), "talk.en-US.json3")
    assert texts(found) == ["strawberry", "jam"]
    assert times(found) == [(1.0, 1.55), (1.9, 2.17)]
    assert found.language == "en-US"


def test_whisperx_words_without_times_get_the_time_between_their_neighbours(read):
    words = [
        {"word": "add", "start": 1.0, "end": 1.5, "score": 0.9},
        {"word": "1/2"},
        {"word": "cups"},
    ]
    words += [{"word": "now", "start": 3.0, "end": 3.2}, {"word": "50"}]
    segment = {"start": 1.0, "end": 4.0, "text": "add 1/2 cups now 50", "words": words}
    found = read(json.dumps({"segments": [segment], "language": "en"}), "talk.json")
    assert [word.start for word in found.words] == pytest.approx(
        [1.0, 1.5, 1.5 + 1.5 * 3 / 7, 3.0, 3.2]
    )
    assert [word.probability for word in found.words] == [0.9, None, None, None, None]
    assert found.language == "en"


def test_whisper_segments_without_words_and_half_characters(read):
    segments = [
        {"start": 0, "end": 2, "text": " Cut it\ud800."},
        {"start": 2, "end": float("nan"), "text": "Stir"},
    ]
    found = read(json.dumps(segments), "talk.json")
    assert texts(found) == ["Cut", "it\ufffd.", "Stir"]
    assert_sound(found)


# anything


SEEDS = {
    ".vtt": rolling([["beat", "the", "eggs"], ["fold", "in"]]),
    ".srt": "1\n00:00:01,000 --> 00:00:02,000\nhi &amp; {\\an8}<i>you</i>\n\n2\n00:00:02,000 --> 00:00:03,000\nbye\n",
    ".json3": json.dumps(
        {"events": [{"tStartMs": 5, "dDurationMs": 9, "segs": [{"utf8": "hi", "tOffsetMs": 1}]}]}
    ),
    ".json": json.dumps(
        [{"start": 1, "end": 2, "words": [{"word": "hi", "start": 1, "end": 2}, {"word": "50"}]}]
    ),
}
PIECES = [
    "-->",
    "<",
    ">",
    "00:00:01.000",
    "\n",
    "\n\n",
    " ",
    "-",
    "&#x",
    "&lt;",
    "[",
    "]",
    "{",
    "}",
    '"',
    "1e999",
    "null",
]
PIECES += [
    "NaN",
    "99999:59:59",
    "\0",
    "\ufeff",
    "\u2028",
    "é",
    "NOTE",
    "\\ud800",
    ",",
    "<00:00:00.500>",
    "9" * 30,
]


@settings(in_one_folder, max_examples=250)
@given(suffix=st.sampled_from(sorted(SEEDS)), data=st.data())
def test_any_mutated_file_is_read_or_refused(read, suffix, data):
    content = SEEDS[suffix]
    for _ in range(data.draw(st.integers(1, 6))):
        first = data.draw(st.integers(0, len(content)))
        last = min(first + data.draw(st.integers(0, 8)), len(content))
        content = (
            content[:first]
            + data.draw(st.sampled_from(PIECES) | st.text(max_size=4))
            + content[last:]
        )
    try:
        found = read(content.encode("utf-8", "surrogatepass"), f"talk{suffix}")
    except InputError as error:
        assert "talk" in str(error)
    else:
        assert_sound(found)


@in_one_folder
@given(content=st.binary(max_size=200), suffix=st.sampled_from(sorted(SEEDS)))
def test_any_bytes_are_read_or_refused(read, content, suffix):
    try:
        assert_sound(read(content, f"talk{suffix}"))
    except InputError as error:
        assert "talk" in str(error)


@pytest.mark.parametrize(
    "unit",
    [
        "<",
        "[",
        "a<00:01.000>",
        "word ",
        "[&#0;",
        "{\\",
        "ab\n",
        "&#1",
        "00:01.000 --> 00:02.000\nhi\n",
    ],
)
def test_time_grows_no_faster_than_the_file(read, unit):
    small, large = (
        min(seconds(read, unit, size) for _ in range(3)) for size in (100_000, 1_600_000)
    )
    assert large < 40 * max(
        small, 0.01
    )  # linear is 16 times, n ** 1.6 is 84: far from both, whatever else runs


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["<", "a<00:01.000>", "[&#0;"])
def test_a_file_of_50_mb_takes_four_times_as_long_as_a_quarter_of_it(read, unit):
    quarter, half, whole = (
        min(seconds(read, unit, size) for _ in range(2))
        for size in (12_500_000, 25_000_000, 50_000_000)
    )
    assert half < 2.8 * quarter and whole < 2.8 * half  # n ** 1.6 is 3.03 times at twice the size


def seconds(read, unit: str, size: int) -> float:
    """Of the processor, to read a cue of so many bytes."""
    content = "WEBVTT\n\n00:00.000 --> 99999:59:59.000\n" + unit * (size // len(unit))
    begin = time.process_time()
    read(content)
    return time.process_time() - begin


def test_a_language_in_the_name_is_one_that_is_spoken(read):
    content = "WEBVTT\n\n00:01.000 --> 00:02.000\nhello\n"
    names = {
        "talk.pt-BR.vtt": "pt-BR",
        "talk.ger.vtt": "ger",
        "part.one.vtt": None,
        "talk.vtt": None,
    }
    assert {name: read(content, name).language for name in names} == names
