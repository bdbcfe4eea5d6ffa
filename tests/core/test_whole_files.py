"""Files that appear whole or not at all, also where several machines share a folder."""

import os
import time
from pathlib import Path

import pytest

from pluralign.core import clear_parts, is_part, whole_file
from pluralign.core import files as module


def test_two_machines_with_one_process_number_write_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "shard.parquet"
    with whole_file(path) as first, whole_file(path) as second:
        first.write_text("first")
        second.write_text("second")
        assert [is_part(first), is_part(second)] == [True, True]
    assert path.read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_is_left_of_a_file_whose_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    path.write_text("before")
    with pytest.raises(ValueError, match="in the middle"), whole_file(path) as part:
        part.write_text("half")
        raise ValueError("in the middle")
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_text() == "before"


def test_parts_of_ended_processes_are_deleted_and_those_of_other_machines_after_a_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "results.jsonl"
    running = module.part_of(path)
    monkeypatch.setattr(os, "getpid", lambda: 2**22 + 1)  # more than Linux and macOS give
    ended = module.part_of(path)
    monkeypatch.setattr(module, "_this_machine", lambda: "0" * 8)
    elsewhere, old = module.part_of(path), module.part_of(path)
    for part in (running, ended, elsewhere, old):
        part.touch()
    os.utime(old, (time.time() - 100_000,) * 2)
    monkeypatch.undo()
    clear_parts(tmp_path)
    kept = {running, elsewhere} | ({ended} if os.name == "nt" else set())
    assert set(tmp_path.iterdir()) == kept
