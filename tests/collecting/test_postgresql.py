"""PostgreSQL: settings that lose answers are refused, and a crash of the server loses none."""

import threading
from itertools import count
from pathlib import Path

import pytest
from durability.answering import new_study, send_answers, show_pairs
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from pluralign.collecting import audit_log
from pluralign.collecting.store.engines import writing_engine
from pluralign.collecting.store.store import Store, open_store
from pluralign.collecting.store.tables import rating, study
from pluralign.core import InvalidSettings

_numbers = count()


@pytest.fixture
def url(cluster):
    return cluster.new_database(f"own{next(_numbers)}")


@pytest.mark.parametrize("name", ["fsync", "full_page_writes", "synchronous_commit"])
def test_a_server_that_may_lose_confirmed_answers_is_refused(cluster, url, name):
    cluster.command(f"ALTER SYSTEM SET {name} = off")
    cluster.command("SELECT pg_reload_conf()")
    try:
        with pytest.raises(InvalidSettings, match=f"{name} is off: the database may lose answers"):
            _open_until_refused(url)
    finally:
        cluster.command(f"ALTER SYSTEM RESET {name}")
        cluster.command("SELECT pg_reload_conf()")
    Store(url).close()


def _open_until_refused(url: str) -> None:
    """The server reads its settings again soon after it is asked to, not at once."""
    for _ in range(100):
        writing_engine(url).dispose()
        threading.Event().wait(0.05)


def test_a_database_that_cannot_be_reached_gets_a_message(cluster):
    with pytest.raises(InvalidSettings, match=r"cannot be reached.*does not exist"):
        writing_engine(cluster.url("nobody made this"))


def test_a_second_server_from_another_folder_is_kept_out(url, tmp_path: Path):
    with open_store(tmp_path / "one", url):
        second = pytest.raises(InvalidSettings, match="another process writes to this database")
        with second, open_store(tmp_path / "other", url):
            pass
    with open_store(tmp_path / "other", url):
        pass


def test_a_reader_sees_one_state_while_others_write(url, tmp_path: Path):
    with open_store(tmp_path, url) as store, store.reading() as connection:
        states = select(func.count()).select_from(study)
        assert connection.execute(states).scalar() == 0
        store.write(lambda c: c.execute(study.insert().values(id="a", made_at=1, state="open")))
        assert connection.execute(states).scalar() == 0
    with open_store(tmp_path, url) as store, store.reading() as connection:
        assert connection.execute(states).scalar() == 1


@pytest.mark.slow
def test_crashes_of_the_server_lose_no_acknowledged_answer_and_the_store_goes_on(
    cluster, url, tmp_path: Path
):
    made = new_study(tmp_path)
    acknowledged: dict[int, str] = {}
    with open_store(tmp_path, url) as store:
        store.write(lambda c: show_pairs(c, made, range(4000)))
        for _ in range(4):
            before = len(acknowledged)
            _crash_while_answering(cluster, store, acknowledged)
            assert len(acknowledged) > before  # it went on after the last crash
        with store.reading() as connection:
            rows = connection.execute(select(rating.c.id, rating.c.assignment)).all()
            assert audit_log.broken_at(connection) is None
    assert set(acknowledged.values()) <= {row.id for row in rows}
    assert len({row.assignment for row in rows}) == len(rows)


def _crash_while_answering(cluster, store: Store, acknowledged: dict[int, str]) -> None:
    """Crash the server once twenty answers have been kept; every change then fails at once."""
    enough = threading.Event()
    first = len(acknowledged)

    def keep(number, kept):
        acknowledged[number] = kept.rating
        if len(acknowledged) >= first + 20:
            enough.set()

    def answer():
        with pytest.raises(OperationalError):
            send_answers(store, (n for n in range(4000) if n not in acknowledged), keep)

    answering = threading.Thread(target=answer)
    answering.start()
    assert enough.wait(60)
    cluster.stop("immediate")
    answering.join(60)
    assert not answering.is_alive()
    with pytest.raises(OperationalError):
        store.write(lambda c: c.execute(select(1)))
    cluster.start()
