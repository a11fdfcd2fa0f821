from __future__ import annotations

import logging
import os
from pathlib import Path

import numpy as np
import pytest

from feature_extraction.imported import arrays
from feature_extraction.imported.features import find_feature_files, import_features
from feature_extraction.imported.options import FeatureImportOptions
from feature_extraction.schema import SOURCE_KEY, feature_matrix
from tests.toys.command_line import Run
from tests.toys.videos import grey_ramp, write_video
from workfolder.errors import InputError
from workfolder.files import read_table
from workfolder.ledger import Ledger
from workfolder.options import JobOptions
from workfolder.report import Report
from workfolder.stage import Stage

SECOND = FeatureImportOptions(1.0)


def write(folder: Path, *videos: str, rows: int = 5, width: int = 3, seed: int = 0) -> Path:
    """Write a .npy file for each video."""
    folder.mkdir(exist_ok=True)
    for place, video in enumerate(videos):
        random = np.random.default_rng((seed, place))
        np.save(folder / f"{video}.npy", random.standard_normal((rows, width)))
    return folder


def run(
    folder: Path, work: Path, options: FeatureImportOptions = SECOND, job: JobOptions = JobOptions()
) -> Report:
    return import_features(find_feature_files([folder]), work, options, job)


def test_rows_have_their_numbers_and_times(tmp_path: Path) -> None:
    folder, options = write(tmp_path / "in", "soup 1"), FeatureImportOptions(2.0, 3.0, 0.8)
    assert run(folder, tmp_path, options).now == 1
    table = read_table(Stage(tmp_path / "features").path("soup%201"))
    assert np.array_equal(feature_matrix(table), np.load(folder / "soup 1.npy").astype(np.float16))
    assert table.column("index").to_pylist() == [0, 1, 2, 3, 4]
    assert table.column("start").to_pylist() == [3, 4.25, 5.5, 6.75, 8]
    assert table.column("end").to_pylist() == [5, 6.25, 7.5, 8.75, 10]
    assert set(table.column("video_id").to_pylist()) == {"soup%201"}


def test_every_file_is_accounted_for_and_a_second_run_goes_on(tmp_path: Path) -> None:
    folder = write(tmp_path / "in", "a", "b", "c")
    good = (folder / "c.npy").read_bytes()
    (folder / "c.npy").write_bytes(good[:-8])
    np.save(folder / "d.npy", np.zeros((5, 4)))
    (folder / "notes.md").touch()
    report = run(folder, tmp_path)
    assert report.now == 2 and report.failures.keys() == {"c", "d"} and not report.complete
    assert "d.npy has 4 numbers a row, and the others have 3" in report.failures["d"]
    account = Ledger(Stage(tmp_path / "features")).read()
    assert account.done == {"a", "b"} and account.failed.keys() == {"c", "d"}
    assert not account.waiting and account.passed_over == {str(folder): {".md": 1}}
    (folder / "c.npy").write_bytes(good)
    again = run(folder, tmp_path, job=JobOptions(retry_failed=True))
    assert (again.before, again.now, set(again.failures)) == (2, 1, {"d"})


def test_bytes_do_not_depend_on_the_run(tmp_path: Path) -> None:
    folder = write(tmp_path / "in", *"abcd")
    for name, workers in (("one", 1), ("many", 4)):
        run(folder, tmp_path / name, job=JobOptions(workers))
    for path in (tmp_path / "one" / "features").glob("*.parquet"):
        assert path.read_bytes() == (tmp_path / "many" / "features" / path.name).read_bytes()


def test_features_of_another_network_are_refused_where_anything_tells(tmp_path: Path) -> None:
    old, new = write(tmp_path / "old", "a"), write(tmp_path / "new", "b", seed=1)
    run(old, tmp_path)
    with pytest.raises(InputError, match="give the file of a, too, or the --weights-note"):
        run(new, tmp_path)
    with pytest.raises(InputError, match=r"first_rows was .* and is now"):
        run(write(tmp_path / "other", "a", seed=2), tmp_path)
    for options in (FeatureImportOptions(1.5), FeatureImportOptions(1.0, 0.5)):
        with pytest.raises(InputError, match="made with other options"):
            run(old, tmp_path, options)
    assert import_features(find_feature_files([old, new]), tmp_path, SECOND).now == 1
    assert run(new, tmp_path, job=JobOptions(start_over=True)).now == 1
    assert (tmp_path / "features.1" / "a.parquet").exists()


def test_equal_notes_are_taken_for_one_network(tmp_path: Path) -> None:
    noted = FeatureImportOptions(1.0, weights_note="PE ViT-B/16")
    first, second = write(tmp_path / "1", "a"), write(tmp_path / "2", "b", seed=1)
    run(first, tmp_path / "x", noted)
    assert run(second, tmp_path / "x", noted).now == 1
    run(second, tmp_path / "y", noted)
    x, y = (Stage(tmp_path / name / "features").options() for name in "xy")
    assert x["weights_digest"] == y["weights_digest"] and x["first_rows"] != y["first_rows"]
    with pytest.raises(InputError, match="same network"):
        run(second, tmp_path / "x", FeatureImportOptions(1.0, weights_note="CLIP"))


def test_a_folder_of_files_that_cannot_be_read_claims_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.npy").write_bytes(b"\x93NUMPY but no more")
    with pytest.raises(InputError, match=r"a\.npy"):
        run(folder, tmp_path)
    assert not (tmp_path / "features").exists()


def test_hdf5_without_its_library_is_refused_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write(tmp_path / "in", "a")
    (folder / "b.h5").touch()
    monkeypatch.setattr(arrays, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'videobert\[hdf5\]'"):
        run(folder, tmp_path)


def test_times_that_a_file_tells_must_be_those_of_the_options(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.csv").write_text("start,x\n0,1\n1.5,2\n3,3\n")
    report = run(folder, tmp_path)
    assert "row 1 (the first is 0): its column start says 1.5 s" in report.failures["a"]
    assert run(folder, tmp_path / "right", FeatureImportOptions(1.5)).now == 1


def test_a_video_lends_its_pictures_and_its_length(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_video(tmp_path / "videos" / "2026" / "a.mp4", grey_ramp(60))
    write_video(tmp_path / "videos" / "b.mp4", grey_ramp(60))
    folder = write(tmp_path / "in", "a", "c", rows=3)
    write(folder, "b", rows=9)
    with caplog.at_level(logging.WARNING):
        files = find_feature_files([folder], tmp_path / "videos")
    assert "1 of 3 files of features have no video" in caplog.text
    report = import_features(files, tmp_path, SECOND)
    assert report.now == 2 and "row 8 (the first is 0): it begins at 8 s" in report.failures["b"]
    stage, video = Stage(tmp_path / "features"), tmp_path / "videos" / "2026" / "a.mp4"
    noted = read_table(stage.path("a")).schema.metadata[SOURCE_KEY]
    assert os.fsdecode(noted) == str(video) == Ledger(stage).path_of("a")
    assert SOURCE_KEY not in (read_table(stage.path("c")).schema.metadata or {})


def test_the_command_line_tells_what_it_did(tmp_path: Path, videobert: Run) -> None:
    folder, asked = write(tmp_path / "in", "a"), ("--work", tmp_path, "--seconds", 1)
    assert videobert("import", "features", folder, *asked).out.startswith("features: 1 done now")
    assert "nothing to do" in videobert("import", "features", folder, *asked).out
    without = videobert("import", "features", folder, "--work", tmp_path)
    assert without.status == 2 and "--seconds" in without.err
    assert videobert("extract", folder / "a.npy", "--work", tmp_path).status == 2


def test_real_features_are_imported_as_they_lie_there(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "features" / "captaincook4d_pe" / "npy"
    report = run(folder, tmp_path)
    assert report.complete and report.now == 81 and report.rows == 58_221
