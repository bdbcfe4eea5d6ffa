"""The store: what is confirmed is there, and one failing change takes no other with it."""

import threading
from pathlib import Path

import pytest
from sqlalchemy import func, insert, inspect, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from pluralign.collecting import audit_log
from pluralign.collecting.store.engines import database_url, writing_engine
from pluralign.collecting.store.store import open_store
from pluralign.collecting.store.tables import audit, bucket, metadata
from pluralign.collecting.store.upgrading import downgrade, upgrade
from pluralign.core import InvalidSettings

BOTH_DATABASES = True


def _fill(connection, key, tokens=1.0):
    connection.execute(insert(bucket).values(key=key, tokens=tokens, at=0.0))
    return key


def _keys(store):
    with store.reading() as connection:
        return set(connection.execute(select(bucket.c.key)).scalars())


def test_a_change_that_was_confirmed_is_read_by_the_next_one_who_opens_the_store(
    tmp_path: Path, database
):
    with open_store(tmp_path, database) as store:
        assert store.write(lambda c: _fill(c, "a")) == "a"
    with open_store(tmp_path, database) as store:
        assert _keys(store) == {"a"}


def test_a_change_that_fails_leaves_nothing_and_takes_no_other_with_it(tmp_path: Path, database):
    def half(connection):
        _fill(connection, "half")
        raise ValueError("on purpose")

    with open_store(tmp_path, database) as store:
        # Many threads at once, so that good and failing changes share commits.
        errors: list[BaseException] = []

        def work(number):
            try:
                store.write(half if number % 3 == 0 else lambda c: _fill(c, str(number)))
            except ValueError as error:
                errors.append(error)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(30)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(errors) == 10
        assert _keys(store) == {str(n) for n in range(30) if n % 3}


def test_a_constraint_of_the_database_is_an_error_of_the_one_who_breaks_it(
    tmp_path: Path, database
):
    with open_store(tmp_path, database) as store:
        store.write(lambda c: _fill(c, "a"))
        with pytest.raises(IntegrityError):
            store.write(lambda c: _fill(c, "a"))
        store.write(lambda c: _fill(c, "b"))
        assert _keys(store) == {"a", "b"}


def test_a_reader_cannot_write(tmp_path: Path, database):
    with (
        open_store(tmp_path, database) as store,
        store.reading() as connection,
        pytest.raises(DBAPIError, match=r"read-?only"),
    ):
        _fill(connection, "a")


def test_only_its_owner_reads_a_new_store(tmp_path: Path):
    with open_store(tmp_path) as store:
        store.write(lambda c: _fill(c, "a"))
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.glob("store.db*")}
    assert modes == dict.fromkeys(("store.db", "store.db-wal", "store.db-shm"), 0o600)


def test_a_second_server_is_kept_out(tmp_path: Path, database):
    with (
        open_store(tmp_path, database),
        pytest.raises(InvalidSettings, match="another process"),
        open_store(tmp_path, database),
    ):
        pass


def test_sqlite_waits_for_the_disk_and_reads_while_it_writes(tmp_path: Path):
    engine = writing_engine(f"sqlite:///{tmp_path / 'a.db'}")
    with engine.connect() as connection:
        values = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        }
    full = 2
    assert values == {
        "journal_mode": "wal",
        "synchronous": full,
        "foreign_keys": 1,
        "secure_delete": 1,
    }


def test_migrations_make_the_tables_that_the_code_uses_and_take_them_away_again(
    tmp_path: Path, database
):
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    engine = writing_engine(database_url(tmp_path, database))
    upgrade(engine)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    downgrade(engine, "base")
    assert set(inspect(engine).get_table_names()) == {"alembic_version"}
    upgrade(engine)
    assert set(inspect(engine).get_table_names()) == {*metadata.tables, "alembic_version"}


def test_a_database_of_a_newer_version_is_left_alone(tmp_path: Path, database):
    with open_store(tmp_path, database) as store:
        store.write(lambda c: c.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    newer = pytest.raises(InvalidSettings, match="revision 9999, which this version")
    with newer, open_store(tmp_path, database):
        pass


def test_another_kind_of_database_is_refused():
    with pytest.raises(InvalidSettings, match="SQLite or PostgreSQL, got mysql"):
        writing_engine("mysql://localhost/x")


def _append_three(connection):
    for number in range(3):
        audit_log.append(connection, number, "operator", "tested", f"object {number}")


def test_the_audit_log_verifies_until_a_row_is_changed(tmp_path: Path, database):
    with open_store(tmp_path, database) as store:
        store.write(_append_three)
        with store.reading() as connection:
            assert audit_log.broken_at(connection) is None
            assert audit_log.head(connection) != audit_log.FIRST
        store.write(lambda c: c.execute(update(audit).where(audit.c.seq == 2).values(object="x")))
        with store.reading() as connection:
            assert audit_log.broken_at(connection) == 2


def test_the_audit_log_shows_a_removed_row(tmp_path: Path, database):
    with open_store(tmp_path, database) as store:
        store.write(_append_three)
        store.write(lambda c: c.execute(audit.delete().where(audit.c.seq == 2)))
        with store.reading() as connection:
            assert connection.execute(select(func.count()).select_from(audit)).scalar() == 2
            assert audit_log.broken_at(connection) == 3
