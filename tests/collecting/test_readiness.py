"""`/healthz` reports whether the store can be used, and cannot be used to load the server."""

import threading

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from pluralign.collecting.app import create_app
from pluralign.collecting.personal import open_personal
from pluralign.collecting.readiness import Readiness
from pluralign.collecting.store.tables import bucket

BOTH_DATABASES = True


@pytest.fixture
def clock():
    return [1000.0]


@pytest.fixture
def readiness(store, clock):
    return Readiness(store, lambda: clock[0])


def _full(change):
    raise OperationalError("INSERT", {}, Exception("database or disk is full"))


def test_a_store_that_works_is_tried_by_a_write_that_leaves_nothing(store, readiness):
    assert readiness.problem() is None
    with store.reading() as c:
        assert c.execute(select(func.count()).select_from(bucket)).scalar_one() == 0


def test_a_full_disk_is_reported_and_so_is_its_end(store, readiness, clock, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(store, "write", _full)
        assert readiness.problem() == "the store cannot be written"
    assert readiness.problem() == "the store cannot be written"  # as tried a moment ago
    clock[0] += 11
    assert readiness.problem() is None


def test_a_store_that_is_closed_is_reported(store, readiness):
    store.close()
    assert readiness.problem() == "the store cannot be written"


def test_the_store_is_tried_once_in_ten_seconds_however_often_one_asks(
    store, readiness, clock, monkeypatch
):
    written = []
    monkeypatch.setattr(store, "write", written.append)
    assert [readiness.problem() for _ in range(1000)] == [None] * 1000
    assert len(written) == 1
    clock[0] += 11
    readiness.problem()
    assert len(written) == 2


def test_nobody_waits_for_a_store_that_does_not_answer(store, readiness, clock, monkeypatch):
    goes_on, began = threading.Event(), threading.Event()

    def slow(change):
        began.set()
        assert goes_on.wait(10)

    monkeypatch.setattr(store, "write", slow)
    first = threading.Thread(target=readiness.problem)
    first.start()
    assert began.wait(10)
    assert readiness.problem() is None  # it has only just begun
    clock[0] += 30
    assert readiness.problem() == "the store does not answer"
    goes_on.set()
    first.join()
    assert readiness.problem() is None


def test_the_page_has_status_503_where_the_store_cannot_be_written(study, store, monkeypatch):
    with open_personal(study.folder) as personal:
        app = create_app(study, store, personal, operator="", asks=lambda *_: [])
        client = TestClient(app)
        assert (client.get("/healthz").status_code, client.get("/healthz").text) == (200, "ok")
        app.state.readiness = Readiness(store)
        monkeypatch.setattr(store, "write", _full)
        found = client.get("/healthz")
    assert (found.status_code, found.text) == (503, "the store cannot be written")
