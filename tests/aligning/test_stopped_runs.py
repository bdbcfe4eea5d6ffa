"""A run that was killed, or whose disk was full, ends as if it had not been."""

import errno
import json
import os
import shutil
from itertools import count
from pathlib import Path

import pytest

from pluralign.aligning import run_align
from pluralign.core import is_part
from pluralign.respondents.append import GrowingFile
from pluralign.runs.folder import read_rows

pytest.importorskip("trl")


@pytest.fixture(scope="module")
def few(writer, rewards, prompts):
    """Settings of a run that takes seconds, with a training."""
    return {
        "communities": ["~hill"],
        "methods": ["best-of-n", "raft"],
        "model": {"name": str(writer), "device": "cpu"},
        "reward": {"model": str(rewards / "model"), "judge": str(rewards / "judge")},
        "prompts": {"path": str(prompts), "limit": 30, "validation": 0.3, "test": 0.4},
        "sample": {"n": 3, "max_new_tokens": 8},
        "tune": {"epochs": 1, "batch": 8, "accumulation": 1, "rank": 2},
        "evaluate": {"n": 2},
    }


def _outcome(out):
    """Everything that a run found, in no order where answers arrive in none."""
    adapter = out / "tune/raft/~hill/adapter_model.safetensors"
    named = ("score/rewards.jsonl", "select/raft/~hill.jsonl", "results.jsonl")
    grown = ("sample/candidates.jsonl", "evaluate/raft/~hill.jsonl")
    return {
        "adapter": adapter.read_bytes(),
        **{name: read_rows(out / name) for name in named},
        **{name: sorted((out / name).read_bytes().splitlines()) for name in grown},
        "record": sorted(json.loads((out / "record.json").read_text())),
    }


def _watch(patch, act):
    """Act before and after every file that appears whole, and after every row of a growing one."""
    files, rows, replace, add = count(), count(), Path.replace, GrowingFile.add

    def replaced(path, target):
        act("file", next(files))
        found = replace(path, target)
        act("file", next(files))
        return found

    def added(file, row):
        add(file, row)
        act("row", next(rows))

    patch.setattr(Path, "replace", replaced)
    patch.setattr(GrowingFile, "add", added)


@pytest.fixture(scope="module")
def left(few, tmp_path_factory):
    """What a run found, and its folder as kills leave it: at some of its files and rows."""
    folder = tmp_path_factory.mktemp("stopped")
    out, kills = folder / "whole", folder / "kills"

    def copied(kind, number):
        if number % {"file": 10, "row": 45}[kind] == 8:
            shutil.copytree(out, kills / f"{kind}-{number}")

    with pytest.MonkeyPatch.context() as patched:
        _watch(patched, copied)
        run_align(few, out)
    return _outcome(out), sorted(kills.iterdir())


@pytest.mark.slow
def test_a_run_killed_at_a_file_or_a_row_ends_as_if_it_had_not_been(left, few):
    wanted, kills = left
    done = [[(out / s / "summary.json").exists() for s in ("sample", "tune")] for out in kills]
    assert [False, False] in done  # while it samples
    assert [True, False] in done  # before its adapter is there
    assert [True, True] in done  # while the adapter is measured
    for out in kills:
        run_align(few, out)
        assert _outcome(out) == wanted, f"killed at {out.name}"


@pytest.mark.slow
def test_a_disk_that_is_full_at_the_end_of_every_stage_loses_nothing(left, few, tmp_path):
    out, replace = tmp_path / "run", Path.replace
    for stage in ("sample", "score", "select", "tune", "evaluate"):

        def full(path, target, stage=stage):
            if target == out / stage / "summary.json":
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return replace(path, target)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(Path, "replace", full)
            with pytest.raises(OSError, match="No space left on device") as caught:
                run_align(few, out)
        assert caught.value.filename == str(out / stage / "summary.json")
        assert not [path for path in out.rglob(".*") if is_part(path)]
    run_align(few, out)
    assert _outcome(out) == left[0]
