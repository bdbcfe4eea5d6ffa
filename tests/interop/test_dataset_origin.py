"""A data set knows the run or the release that it was exported from, and who left them since."""

import json
import logging
import os
import shutil
from pathlib import Path

import pytest

from pluralign.core import DamagedFile, InvalidInput, PreferencePair
from pluralign.interop import DatasetSheet, Origin, planned_upload, read_origins, write_dataset
from pluralign.runs.withdrawn import read_withdrawn

SHEET = DatasetSheet("tea", "Who prefers which tea?", "CC0-1.0")
PAIRS = [PreferencePair("1", "Tea?", "Yes", "No", community="GBR", rater="r1")]


@pytest.fixture
def release(tmp_path: Path) -> Path:
    folder = tmp_path / "study/releases/2026-11-30"
    folder.mkdir(parents=True)
    (tmp_path / "study/study.toml").touch()
    revised(folder, 1)
    return folder


def revised(release: Path, revision: int) -> None:
    (release / "release.json").write_text(json.dumps({"revision": revision}))


def exported(of: Path, folder: Path) -> Path:
    return write_dataset(PAIRS, folder, SHEET, [Origin.of(of)])


def test_the_origin_is_read_by_its_owner_and_never_uploaded(release: Path, tmp_path: Path) -> None:
    folder = exported(release, tmp_path / "tea")
    assert read_origins(folder) == [Origin(release, 1)]
    if os.name == "posix":
        assert (folder / ".origin.json").stat().st_mode & 0o077 == 0
    assert sorted(planned_upload(folder, "o/tea").files) == [
        "README.md",
        "croissant.json",
        "pairs.jsonl",
    ]


def test_an_export_of_a_release_that_was_written_again_is_refused(
    release: Path, tmp_path: Path
) -> None:
    folder = exported(release, tmp_path / "tea")
    revised(release, 2)
    with pytest.raises(InvalidInput, match="export it again"):
        planned_upload(folder, "o/tea")


def test_an_export_of_a_release_in_which_nobody_is_left_is_refused(
    release: Path, tmp_path: Path
) -> None:
    folder = exported(release, tmp_path / "tea")
    shutil.rmtree(release)
    with pytest.raises(InvalidInput, match="people withdrew"):
        planned_upload(folder, "o/tea")


def test_an_export_of_a_run_is_refused_as_soon_as_a_withdrawal_from_it_has_begun(
    tmp_path: Path,
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "record.json").write_text("{}")
    folder = exported(run, tmp_path / "tea")
    planned_upload(folder, "o/tea")
    gone = read_withdrawn(run)
    gone.joined_by([gone.digest("r1")]).write(run)
    with pytest.raises(InvalidInput, match="people withdrew"):
        planned_upload(folder, "o/tea")


def test_without_its_origin_on_this_machine_a_warning_is_logged(
    release: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = exported(release, tmp_path / "tea")
    shutil.rmtree(tmp_path / "study")
    with caplog.at_level(logging.WARNING):
        planned_upload(folder, "o/tea")
    assert "it is not known whether people withdrew" in caplog.text


def test_origins_that_cannot_be_read_are_refused(release: Path, tmp_path: Path) -> None:
    folder = exported(release, tmp_path / "tea")
    (folder / ".origin.json").write_text('{"origins": [{"folder": "x"}]}')
    with pytest.raises(DamagedFile, match="export the data set again"):
        planned_upload(folder, "o/tea")
    with pytest.raises(InvalidInput, match="neither a finished run nor a release"):
        Origin.of(tmp_path)
