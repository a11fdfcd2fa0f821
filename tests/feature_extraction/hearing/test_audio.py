from __future__ import annotations

import random
from itertools import islice
from pathlib import Path

import av
import numpy as np
import pytest

from feature_extraction.hearing.audio import BLOCK, SAMPLE_RATE, _Resampler, stream_sound
from tests.toys.sounds import loudest_hertz, tone, write_sound
from tests.toys.videos import grey_ramp, write_video
from workfolder.errors import InputError
from workfolder.guard import Guards


def heard(path: Path, language: str | None = None) -> tuple[np.ndarray, str | None]:
    """The whole sound of a file, and why it is partial."""
    stream = stream_sound(path, language)
    blocks = []
    while True:
        try:
            blocks.append(next(stream))
        except StopIteration as stop:
            return np.concatenate(blocks), stop.value


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    """Correlation of the samples that both have."""
    length = min(len(one), len(other))
    return float(np.corrcoef(one[:length], other[:length])[0, 1])


def test_one_utterance_at_three_rates_is_one_sound(shared_data: Path) -> None:
    folder = shared_data / "speech" / "deepspeech"
    names = ("LDC93S1.wav", "LDC93S1_pcms16le_1_8000.wav", "LDC93S1_pcms16le_2_44100.wav")
    (first, _), *others = [heard(folder / name) for name in names]
    assert first.dtype == np.float32 and len(first) == 46_797
    for other, partial in others:
        assert (
            partial is None and abs(len(other) - len(first)) <= 1 and likeness(first, other) > 0.99
        )


@pytest.mark.parametrize(
    ("name", "codec", "rate", "layout"),
    [
        ("u8.wav", "pcm_u8", 8_000, "mono"),
        ("s16.wav", "pcm_s16le", 11_025, "stereo"),
        ("s24.wav", "pcm_s24le", 96_000, "mono"),
        ("same.wav", "pcm_f32le", 16_000, "mono"),
        ("double.wav", "pcm_f64le", 22_050, "mono"),
        ("six.wav", "pcm_s16le", 48_000, "5.1"),
        ("three.wav", "pcm_s16le", 48_000, "3.0"),
        ("eight.flac", "flac", 48_000, "7.1"),
        ("law.mov", "pcm_mulaw", 8_000, "mono"),
        ("aac.mp4", "aac", 44_100, "stereo"),
        ("opus.webm", "libopus", 48_000, "stereo"),
        ("three.mp3", "libmp3lame", 32_000, "mono"),
        ("a.aiff", "pcm_s16be", 44_100, "mono"),
        ("a.aac", "aac", 44_100, "mono"),
    ],
)
def test_any_format_is_heard_at_its_pitch_and_length(
    tmp_path: Path, name: str, codec: str, rate: int, layout: str
) -> None:
    sound, partial = heard(
        write_sound(tmp_path / name, tone(2.0, 500, rate), rate=rate, codec=codec, layout=layout)
    )
    assert partial is None and sound.dtype == np.float32 and np.abs(sound).max() <= 1
    assert len(sound) / SAMPLE_RATE == pytest.approx(
        2.0, abs=0.08
    )  # lossy ones are padded to whole frames
    assert loudest_hertz(sound) == pytest.approx(500, abs=3)


def test_blocks_are_of_one_length_and_make_up_the_sound(tmp_path: Path) -> None:
    samples = (np.random.default_rng(0).integers(-20_000, 20_000, 2 * BLOCK + 777) / 32_768).astype(
        np.float32
    )
    blocks = list(stream_sound(write_sound(tmp_path / "a.flac", samples)))
    assert [len(block) for block in blocks] == [BLOCK, BLOCK, 777]
    assert np.abs(np.concatenate(blocks) - samples).max() < 1e-4


def test_the_sound_comes_the_same_through_a_guard(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.flac", tone(35))
    guards = Guards()
    reading = guards.stream(stream_sound, path)
    assert np.array_equal(np.concatenate(list(reading)), heard(path)[0]) and reading.result is None
    guards.close()


def test_a_stream_that_begins_late_is_heard_late(tmp_path: Path) -> None:
    path = write_sound(
        tmp_path / "a.mkv", tone(3), tone(1, 1000), languages=("eng", "ger"), starts=(0.0, 1.25)
    )
    sound, partial = heard(path, "de")
    assert (
        partial is None
        and not sound[: int(1.24 * SAMPLE_RATE)].any()
        and sound[int(1.26 * SAMPLE_RATE) :].any()
    )
    assert len(sound) / SAMPLE_RATE == pytest.approx(2.25, abs=0.01)


def test_a_gap_is_silence_of_its_length(tmp_path: Path) -> None:
    sound, _ = heard(write_sound(tmp_path / "a.mkv", tone(2), codec="pcm_s16le", gap=(1.0, 6.0)))
    edge = 1024 / SAMPLE_RATE + 0.01
    assert len(sound) / SAMPLE_RATE == pytest.approx(7.0, abs=0.01)
    assert not sound[int((1 + edge) * SAMPLE_RATE) : int((6 - edge) * SAMPLE_RATE)].any()
    assert np.abs(sound[int((6 + edge) * SAMPLE_RATE) :]).max() > 0.4


def test_a_jump_of_an_hour_is_damage(tmp_path: Path) -> None:
    sound, partial = heard(
        write_sound(tmp_path / "a.mkv", tone(2), codec="pcm_s16le", gap=(1.0, 3600.0))
    )
    assert (
        partial
        and "jumps from 1.0 s to 3600.0 s" in partial
        and len(sound) / SAMPLE_RATE == pytest.approx(1, abs=0.1)
    )


@pytest.mark.parametrize(
    ("language", "hertz"), [(None, 400), ("en", 400), ("de", 900), ("deu", 900), ("fr", 400)]
)
def test_the_stream_is_chosen_by_its_language(
    tmp_path: Path, language: str | None, hertz: int
) -> None:
    path = write_sound(tmp_path / "a.mkv", tone(1, 400), tone(1, 900), languages=("eng", "ger"))
    assert loudest_hertz(heard(path, language)[0]) == pytest.approx(hertz, abs=3)


def test_a_video_without_sound_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = write_video(tmp_path / "mute.mp4", grey_ramp(20))
    with pytest.raises(InputError, match=r"mute\.mp4 has no sound: .*--asr none"):
        next(stream_sound(path))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"this is no sound",
        b"#EXTM3U\n#EXTINF:1,\nother.wav\n",
        b"ffconcat version 1.0\nfile other.wav\n",
    ],
)
@pytest.mark.parametrize("suffix", [".mp3", ".wav", ".m3u8"])
def test_what_is_no_sound_is_refused_and_no_playlist_followed(
    tmp_path: Path, content: bytes, suffix: str
) -> None:
    write_sound(tmp_path / "other.wav", tone(1), codec="pcm_s16le")
    path = tmp_path / f"list{suffix}"
    path.write_bytes(content)
    with pytest.raises(InputError, match=path.name):
        list(stream_sound(path))


def test_a_cut_file_is_partial_and_keeps_what_is_there(tmp_path: Path) -> None:
    whole = write_sound(
        tmp_path / "a.flac", np.random.default_rng(0).uniform(-0.5, 0.5, 160_000).astype(np.float32)
    )
    cut = tmp_path / "cut.flac"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    sound, partial = heard(cut)
    assert partial and "of 10.0 s" in partial and 4 < len(sound) / SAMPLE_RATE < 5.2
    assert likeness(heard(whole)[0], sound) > 0.999


def test_damage_ends_the_sound(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.mp4", tone(10), codec="aac")
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 3000] = b"\xff" * 3000
    path.write_bytes(content)
    sound, partial = heard(path)
    assert partial and "damaged after" in partial and len(sound) < 9 * SAMPLE_RATE


def test_what_is_no_number_is_silence(tmp_path: Path) -> None:
    samples = tone(1)
    samples[8000:8010] = np.nan
    sound, _ = heard(write_sound(tmp_path / "a.wav", samples * 100, codec="pcm_f32le"))
    assert np.isfinite(sound).all() and np.abs(sound).max() == 1


def test_a_stream_may_change_its_rate(tmp_path: Path) -> None:
    resampler = _Resampler()
    parts: list[np.ndarray] = []
    for rate in (8_000, 48_000, 16_000):
        frame = av.AudioFrame.from_ndarray(tone(1, 500, rate)[None], "fltp", "mono")
        frame.sample_rate = rate
        parts += resampler(frame)
    parts += resampler.flush()
    sound = np.concatenate(parts)
    assert len(sound) == resampler.written == pytest.approx(3 * SAMPLE_RATE, abs=3)
    assert loudest_hertz(sound) == pytest.approx(500, abs=1)


def test_a_header_that_claims_days_is_refused(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.wav", tone(7), codec="pcm_u8")
    content = bytearray(path.read_bytes())
    content[24:32] = (1).to_bytes(4, "little") * 2  # one sample a second: 31 hours
    path.write_bytes(content)
    with pytest.raises(InputError, match="31 hours"):
        next(stream_sound(path))


def test_a_codec_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.wav", tone(1), codec="pcm_u8")
    content = bytearray(path.read_bytes())
    content[20:22] = (0x7777).to_bytes(2, "little")
    path.write_bytes(content)
    with pytest.raises(InputError, match="no sound that can be decoded"):
        next(stream_sound(path))


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.flac", "a.wav", "a.mp3", "a.ts"])
def test_a_spoilt_file_is_heard_or_refused(tmp_path: Path, name: str) -> None:
    codec = {".flac": "flac", ".wav": "pcm_s16le", ".mp3": "libmp3lame"}.get(
        Path(name).suffix, "aac"
    )
    whole = write_sound(tmp_path / name, tone(4), codec=codec).read_bytes()
    rng = random.Random(name)
    for _ in range(40):
        content = bytearray(whole[: rng.choice([len(whole), rng.randrange(1, len(whole))])])
        for _ in range(rng.choice([1, 10, 100])):
            content[rng.randrange(min(len(content), rng.choice([100, len(whole)])))] = (
                rng.randrange(256)
            )
        (tmp_path / name).write_bytes(content)
        try:
            for block in islice(stream_sound(tmp_path / name), 20):
                assert (
                    np.isfinite(block).all()
                    and np.abs(block).max() <= 1
                    and 0 < len(block) <= BLOCK
                )
        except InputError as error:
            assert name in str(error)


def test_a_film_of_two_languages(shared_data: Path) -> None:
    sound, partial = heard(shared_data / "video" / "torchcodec" / "nasa_13013.mp4")
    assert partial is None and len(sound) / SAMPLE_RATE == pytest.approx(13.056, abs=0.01)


def test_the_sound_of_joined_recordings_lasts_as_long_as_both(shared_data: Path) -> None:
    path = shared_data / "reported" / "joined-timestamps" / "joined.ts"
    sound, _ = heard(path)
    assert len(sound) / SAMPLE_RATE == pytest.approx(8.04, abs=0.05)


def test_the_second_of_two_joined_sounds_comes_after_the_first(tmp_path: Path) -> None:
    parts = [
        write_sound(tmp_path / f"{hertz}.ts", tone(3, hertz), codec="aac") for hertz in (300, 900)
    ]
    path = tmp_path / "joined.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    sound, _ = heard(path)
    assert len(sound) / SAMPLE_RATE == pytest.approx(6, abs=0.2)
    half = len(sound) // 2
    pitches = [loudest_hertz(part) for part in (sound[:half], sound[half:])]
    assert pitches == pytest.approx([300, 900], abs=5)
