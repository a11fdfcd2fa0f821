"""Which file beside a video has its captions."""

from __future__ import annotations

from feature_extraction.hearing.captions.files import captions_in


def test_the_captions_beside_a_video_are_found_in_order(tmp_path):
    video = tmp_path / "soup [1].mp4"
    order = [
        "vtt",
        "en.vtt",
        "en-GB.vtt",
        "de.vtt",
        "zh-Hans.vtt",
        "srt",
        "fr.srt",
        "en.json3",
        "json",
    ]
    for name in order:
        (tmp_path / f"soup [1].{name}").touch()
    for other in (
        "soup.vtt",
        "soup [1]b.vtt",
        "soup [1].info.json",
        "soup [1].mp4.txt",
        "soup [1].mkv.vtt",
    ):
        (tmp_path / other).touch()
    for name in order:
        assert captions_in(tmp_path)[video.stem] == tmp_path / f"soup [1].{name}"
        (tmp_path / f"soup [1].{name}").unlink()
    assert video.stem not in captions_in(tmp_path)


def test_a_link_that_leads_out_of_the_folder_is_not_followed(tmp_path):
    (tmp_path / "videos").mkdir()
    for folder in (tmp_path, tmp_path / "videos"):
        (folder / "real.srt").touch()
    (tmp_path / "videos" / "out.srt").symlink_to(tmp_path / "real.srt")
    (tmp_path / "videos" / "inside.srt").symlink_to("real.srt")
    (tmp_path / "link").symlink_to("videos")
    for folder in (tmp_path / "videos", tmp_path / "link"):
        assert captions_in(folder).keys() == {"real", "inside"}
