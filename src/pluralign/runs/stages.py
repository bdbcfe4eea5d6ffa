"""Stages of a run, each with a folder of its name and a summary in it."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pluralign.core import AnyPath, InvalidSettings, Reporter, as_path, check_written
from pluralign.runs.finished import AGAIN, read_object
from pluralign.runs.folder import RunFolder

SUMMARY = "summary.json"
"""Name of the summary in the folder of a stage."""


def stage_number(stages: Sequence[str], stage: str, option: str) -> int:
    """The number of a stage, from 0.

    Args:
        stages: The stages of the run, in order.
        stage: One of them.
        option: Name of the option that gave it, for the message.

    Raises:
        InvalidSettings: If there is no such stage.

    >>> stage_number(["sample", "score"], "score", "until")
    1
    """
    if stage not in stages:
        raise InvalidSettings(
            f"the stage must be one of {', '.join(stages)}, got {stage!r}", where=f"--{option}"
        )
    return stages.index(stage)


def redone_stages(stages: Sequence[str], again: str | None, fresh: bool) -> Sequence[str]:
    """The stages that a run makes again from nothing.

    Args:
        stages: The stages of the run, in order.
        again: The first of them; None for none.
        fresh: Whether all are made again.

    >>> redone_stages(["sample", "score", "select"], "score", fresh=False)
    ['score', 'select']
    """
    if fresh:
        return stages
    return () if again is None else stages[stage_number(stages, again, "again") :]


def read_summary(out: AnyPath, stages: Sequence[str], stage: str) -> dict[str, Any]:
    """Read the summary of a finished stage.

    Args:
        out: Folder of the run.
        stages: The stages of the run.
        stage: One of them.

    Raises:
        InvalidSettings: If there is no such stage, or it did not run yet.
        DamagedFile: If the summary was altered.
    """
    folder: Path = as_path(out)
    stage_number(stages, stage, "show")
    check_written(folder, f"{stage}/{SUMMARY}", hint=AGAIN)
    found = read_object(folder / stage / SUMMARY)
    if found is None:
        raise InvalidSettings(f"the stage {stage!r} did not run yet", where=str(folder))
    return found


def run_stage(
    folder: RunFolder, name: str, make: Callable[[], dict[str, Any]], reporter: Reporter
) -> dict[str, Any]:
    """Run one stage and write its summary, with the seconds that it took.

    Args:
        folder: Folder of the run.
        name: Name of the stage.
        make: Runs the stage and returns its summary.
        reporter: Receives the name of the stage as it begins.
    """
    reporter.stage(name)
    since = time.perf_counter()
    found = make() | {"seconds": round(time.perf_counter() - since, 2)}
    folder.write_json(f"{name}/{SUMMARY}", found)
    return found


def summaries_from(stages: Sequence[str], name: str) -> list[str]:
    """The summaries to make again with a file of a stage: its own, and those of later stages.

    Args:
        stages: The stages of the run, in order.
        name: Name of the file in the run's folder.

    >>> summaries_from(["sample", "score", "select"], "score/rewards.jsonl")
    ['score/summary.json', 'select/summary.json']
    """
    stage = name.split("/", maxsplit=1)[0]
    if stage not in stages:
        return []
    return [f"{later}/{SUMMARY}" for later in stages[stages.index(stage) :]]
