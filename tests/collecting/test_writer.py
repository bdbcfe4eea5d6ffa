"""The writing thread where the disk or the database fails."""

import threading
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, insert, select
from sqlalchemy.exc import DBAPIError, OperationalError

from pluralign.collecting.store.store import Store, open_store
from pluralign.collecting.store.tables import bucket


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
