"""The writing thread where the disk or the database fails."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from durability.answering import assignment_id
from durability.power_cuts import found
from sqlalchemy import Connection, func, insert, select
from sqlalchemy.exc import DBAPIError, OperationalError

from pluralign.collecting.store.store import Store, open_store
from pluralign.collecting.store.tables import bucket
from pluralign.core import InvalidSettings

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def _fill(connection: Connection, key: str) -> None:
    connection.execute(insert(bucket).values(key=key, tokens=1.0, at=0.0))


def _keys(store: Store) -> set[str]:
    with store.reading() as connection:
        return set(connection.execute(select(bucket.c.key)).scalars())


def _pragma(connection: Connection, text: str) -> int:
    return int(connection.exec_driver_sql(f"PRAGMA {text}").scalar_one())


def _together(store: Store, *changes) -> list[BaseException | None]:
    """Make changes in one commit: the writer is held until all of them wait."""
    go, holding = threading.Event(), threading.Event()
    errors: list[BaseException | None] = [None] * len(changes)

    def hold(_: Connection) -> None:
        holding.set()
        go.wait(30)

    def make(number: int) -> None:
        try:
            store.write(changes[number])
        except DBAPIError as error:
            errors[number] = error

    holder = threading.Thread(target=store.write, args=[hold])
    holder.start()
    holding.wait(30)
    makers = [threading.Thread(target=make, args=[n]) for n in range(len(changes))]
    for maker in makers:
        maker.start()
    while store._writer._waiting.qsize() < len(changes):
        threading.Event().wait(0.01)
    go.set()
    for thread in [holder, *makers]:
        thread.join(30)
    return errors


def test_a_full_database_refuses_a_change_whole_and_goes_on_when_there_is_room(tmp_path: Path):
    with open_store(tmp_path) as store:
        store.write(lambda c: _fill(c, "before"))
        most = store.write(lambda c: _pragma(c, "max_page_count"))
        store.write(lambda c: _pragma(c, f"max_page_count = {_pragma(c, 'page_count')}"))

        def large(connection: Connection) -> None:
            _fill(connection, "first half")
            _fill(connection, "x" * 1_000_000)

        with pytest.raises(OperationalError, match="full"):
            store.write(large)
        # SQLite rolls back the whole commit, so changes that share it are not confirmed either.
        errors = _together(store, lambda c: _fill(c, "small"), large)
        assert all("full" in str(error) for error in errors)
        assert _keys(store) == {"before"}
        store.write(lambda c: _pragma(c, f"max_page_count = {most}"))
        store.write(large)
        assert "first half" in _keys(store)


def test_a_transaction_that_sqlite_ended_by_itself_confirms_nothing(tmp_path: Path):
    # SQLite does this where the disk fails in the middle of a change.
    def ended(connection: Connection) -> None:
        connection.exec_driver_sql("ROLLBACK")
        raise OperationalError("disk I/O error", None, Exception())

    def ended_in_silence(connection: Connection) -> None:
        connection.exec_driver_sql("ROLLBACK")

    with open_store(tmp_path) as store:
        for bad in (ended, ended_in_silence):
            errors = _together(store, lambda c: _fill(c, "a"), bad, lambda c: _fill(c, "b"))
            assert None not in errors
            assert _keys(store) == set()
        store.write(lambda c: _fill(c, "c"))
        assert _keys(store) == {"c"}


def test_a_locked_database_gets_an_error_after_a_wait_and_works_once_it_is_free(
    tmp_path: Path, monkeypatch
):
    import sqlite3

    from pluralign.collecting.store import engines

    monkeypatch.setattr(engines, "_WAITING_MS", 50)
    with open_store(tmp_path) as store:
        other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OperationalError, match="locked"):
            store.write(lambda c: _fill(c, "a"))
        other.execute("ROLLBACK")
        other.close()
        store.write(lambda c: _fill(c, "a"))
        assert _keys(store) == {"a"}


def test_a_change_after_the_end_is_an_error_and_waits_for_nothing(tmp_path: Path):
    with open_store(tmp_path) as store:
        pass
    with pytest.raises(RuntimeError, match="the store is closed"):
        store.write(lambda c: c.execute(select(func.count()).select_from(bucket)))


_FILLS_ITS_DISK = """
import resource, sys
from pathlib import Path
from sqlalchemy.exc import OperationalError
from durability.answering import new_study, send_answers, show_pairs
from pluralign.collecting.personal import open_personal
from pluralign.collecting.store.store import open_store

folder = Path(sys.argv[1])
study, kept = new_study(folder), {}
keep = lambda number, row: kept.update({number: row.rating})
with open_store(folder) as store, open_personal(folder) as personal:
    store.write(lambda c: show_pairs(c, study, range(2000)))
    size = max(path.stat().st_size for path in folder.iterdir())
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 900_000, resource.RLIM_INFINITY))
    try:
        send_answers(store, range(2000), keep)
        sys.exit("the disk was never full")
    except OperationalError as error:
        print(error.orig)
    before = len(kept)
    try:
        personal.keep("ana", {"region": "x" * 2 * size})
        sys.exit("personal data fitted")
    except OperationalError as error:
        print(error.orig)
    assert personal.read("ana") == {}
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    send_answers(store, [n for n in range(2000) if n not in kept][:50], keep)
    personal.keep("ana", {"region": "x" * 2 * size})
print(before, *kept)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="limits of files are set with setrlimit")
def test_a_process_whose_disk_fills_up_loses_nothing_and_goes_on_when_there_is_room(tmp_path: Path):
    environment = os.environ | {"PYTHONPATH": str(BENCHMARKS)}
    command = [sys.executable, "-c", _FILLS_ITS_DISK, str(tmp_path / "study")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    *errors, last = done.stdout.splitlines()
    before, *kept = last.split()
    assert all("full" in error or "disk I/O error" in error for error in errors)
    assert int(before) >= 10
    assert len(kept) == int(before) + 50
    after = found(tmp_path / "study", {assignment_id(int(number)) for number in kept})
    assert (after.lost, after.damaged) == (0, "")


@pytest.mark.parametrize("case", ["in no folder", "not a database", "cut short"])
def test_a_database_that_cannot_be_opened_gets_a_message_and_stays_as_it_is(tmp_path: Path, case):
    path = tmp_path / "store.db"
    if case == "in no folder":
        path = tmp_path / "nowhere" / "store.db"
    elif case == "not a database":
        path.write_text("these are my notes\n" * 500)
    else:
        with open_store(tmp_path):
            pass
        path.write_bytes(path.read_bytes()[:40_000])
    before = path.read_bytes() if path.exists() else None
    with (
        pytest.raises(
            InvalidSettings, match=r"cannot be opened for writing(.|\n)*restore a backup"
        ),
        open_store(tmp_path, f"sqlite:///{path}"),
    ):
        pass
    assert (path.read_bytes() if path.exists() else None) == before
