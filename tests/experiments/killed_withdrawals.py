"""Withdrawals that are killed at chosen moments, in a process of its own that may fork.

Called with a JSON object: ``run`` (folder of a finished run), ``rater``, ``settings`` (tables of
the run), ``step`` (1 kills at every operation on files, 10 at every tenth) and ``out``. Writes a
JSON list of the folders of the withdrawals that were killed and then finished.
"""

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from pluralign.core import InvalidInput, Silent
from pluralign.experiments import run_experiment, withdraw
from pluralign.runs.folder import STATE
from pluralign.settings.resolved_experiment import resolve

_CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.rmtree"}


class Counting:
    """Counts the operations that change files below a folder, and kills the process at one."""

    def __init__(self, folder: Path, deadly: int | None) -> None:
        self._folder, self._deadly = str(folder), deadly
        self.seen: list[str] = []

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event not in _CHANGES or not str(arguments[0]).startswith(self._folder):
            return
        self.seen.append(event)
        if len(self.seen) == self._deadly:
            os.kill(os.getpid(), signal.SIGKILL)


def in_a_child(work: Callable[[], None]) -> int:
    """Do something in a child process; the signal that ended it, or 0."""
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


def withdrawn(folder: Path, rater: str, cache: Path, deadly: int | None, report: Path) -> None:
    """Withdraw, and write the operations; killed before the one whose number is deadly."""
    counting = Counting(folder, deadly)
    sys.addaudithook(counting)
    withdraw(folder, [rater], reporter=Silent(), cache=cache)
    report.write_text(json.dumps(counting.seen), encoding="utf-8")


def operations(case: dict[str, Any], out: Path) -> int:
    """The number of operations of a withdrawal that nobody kills."""
    shutil.copytree(case["run"], out / "whole")
    report = out / "operations.json"
    work = partial(withdrawn, out / "whole", case["rater"], out / "cache", None, report)
    assert in_a_child(work) == 0
    return len(json.loads(report.read_text()))


def killed(case: dict[str, Any], out: Path) -> Iterator[str]:
    """Kill a withdrawal at each moment, and let its own command or that of the run finish it."""
    before = (Path(case["run"]) / STATE).read_bytes()
    for moment in range(1, operations(case, out) + 1, case["step"]):
        folder, cache = out / f"killed-{moment}", out / f"cache-{moment}"
        shutil.copytree(case["run"], folder)
        work = partial(withdrawn, folder, case["rater"], cache, moment, out / "never")
        assert in_a_child(work) == signal.SIGKILL, moment
        if (folder / STATE).read_bytes() != before and moment % 2:
            run_experiment(resolve(case["settings"]), folder, Silent(), cache=cache)
        # At its last operations the withdrawal is finished, and there is nothing left to do.
        with suppress(InvalidInput):
            withdraw(folder, [case["rater"]], reporter=Silent(), cache=cache)
        yield str(folder)


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    sys.stdout.write(json.dumps(list(killed(given, Path(given["out"])))))
