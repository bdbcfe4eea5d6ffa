"""A process that keeps answers is killed at random moments, again and again.

Each child opens the store, sends the answers that nobody acknowledged, then new ones, and dies by
SIGKILL. The operating system still writes what the child had handed over, so kills reveal no
missing sync (power_cuts.py does); they reveal answers that are stored but not acknowledged, and
what a restart makes of a half-finished change.
"""

import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from durability.answering import line_of, new_study, send_answers, show_pairs
from pluralign.collecting.store.store import open_store
from pluralign.collecting.study import Study

_SENDERS, _BLOCK = 4, 500


@dataclass(frozen=True, slots=True)
class Kills:
    """The outcome of many kills.

    Attributes:
        kills: Number of children killed.
        acknowledged: Number of answers that were acknowledged.
        lost: Acknowledged answers that are not in the store at the end.
        unacknowledged: Answers that were in the store after a kill and not acknowledged.
        again: Answers that were sent again and recognised.
        twice: Answers that are in the store more than once.
        damaged: What SQLite reports; empty if all is well.
    """

    kills: int
    acknowledged: int
    lost: int
    unacknowledged: int
    again: int
    twice: int
    damaged: str


def kill_again_and_again(
    folder: Path, kills: int, longest: float, rng: np.random.Generator
) -> Kills:
    """Kill a child at random moments, and compare what it acknowledged with what is stored.

    Args:
        folder: Folder of a new study.
        kills: Number of kills, >= 1.
        longest: Longest life of a child, in seconds.
        rng: Decides the moments.
    """
    _import_everything()
    study = new_study(folder)
    acknowledged: dict[int, str] = {}
    unacknowledged: set[str] = set()
    again = 0
    for _ in range(kills):
        notes = _one_child(study, acknowledged, float(rng.uniform(0, longest)))
        again += sum(line.endswith(" 1") for line in notes)
        acknowledged |= {int(number): rating for number, rating, _ in map(str.split, notes)}
        unacknowledged |= set(_stored(folder)) - set(acknowledged.values())
    stored = _stored(folder)
    return Kills(
        kills,
        len(acknowledged),
        len(set(acknowledged.values()) - set(stored)),
        len(unacknowledged),
        again,
        len(stored) - len(set(stored.values())),
        _damage(folder),
    )


def _import_everything() -> None:
    """Open another store, so that children have nothing to import, and die at their work."""
    with TemporaryDirectory() as other, open_store(new_study(Path(other) / "other").folder):
        pass


def _one_child(study: Study, acknowledged: dict[int, str], seconds: float) -> list[str]:
    """Let a child live for some seconds; return the whole lines that it wrote."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _answer_until_killed(study, acknowledged, writing)
    os.close(writing)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    with os.fdopen(reading, "rb") as pipe:
        written = pipe.read()
    os.waitpid(child, 0)
    return written.decode()[: written.rfind(b"\n") + 1].splitlines()


def _answer_until_killed(study: Study, acknowledged: dict[int, str], notes: int) -> None:
    try:
        first = min(set(range(len(acknowledged) + 1)) - set(acknowledged))
        new = _not_in(acknowledged, first)
        with open_store(study.folder) as store:
            for block in iter(lambda: list(islice(new, _BLOCK)), []):
                store.write(lambda c, block=block: show_pairs(c, study, block))
                send_answers(
                    store,
                    block,
                    lambda number, kept: os.write(notes, line_of(number, kept)),
                    senders=_SENDERS,
                )
    finally:
        os._exit(1)  # nothing of the parent may run here


def _not_in(acknowledged: dict[int, str], first: int) -> Iterator[int]:
    return (number for number in count(first) if number not in acknowledged)


def _stored(folder: Path) -> dict[str, str]:
    """The assignment of each answer in the store, by the answer's id."""
    if not (folder / "store.db").exists():
        return {}
    with closing(sqlite3.connect(folder / "store.db")) as connection:
        there = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'rating'").fetchone()
        return dict(connection.execute("SELECT id, assignment FROM rating")) if there else {}


def _damage(folder: Path) -> str:
    with closing(sqlite3.connect(folder / "store.db")) as connection:
        answer = str(connection.execute("PRAGMA integrity_check").fetchone()[0])
    return "" if answer == "ok" else answer
