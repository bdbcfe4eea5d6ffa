"""After a power cut at any operation, every answer that was acknowledged is there."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from durability.answering import ACKNOWLEDGED, assignment_id, new_study, send_answers, show_pairs
from durability.over_http import record_served_session
from durability.personal_data import keys_of, problems_of, record_personal_session
from durability.power_cuts import Disk, Operation, cuts, found, record_session, recorder

from pluralign.collecting.store.store import open_store

ANSWERS = 40


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = recorder(tmp_path_factory.mktemp("recorder"))
    if built is None:
        pytest.skip("power cuts are simulated on Linux with a C compiler (cc)")
    return built


@pytest.fixture(scope="module")
def session(library: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Operation]:
    return record_session(tmp_path_factory.mktemp("session") / "study", library, ANSWERS, "FULL")


def _images(*operations: Operation) -> Iterator[dict[str, bytes]]:
    """What restarts may find after some operations."""
    disk = Disk()
    for operation in operations:
        disk.do(operation)
    for seed in range(40):
        yield disk.after_a_cut(np.random.default_rng(seed))


def _write(data: bytes, offset: int = 0) -> Operation:
    return Operation("w", "a", offset, data)


SYNC, SYNC_NAMES = Operation("s", "a", 0, b""), Operation("s", ".", 0, b"")


def test_a_simulated_disk_keeps_what_was_synced_and_may_lose_the_rest():
    synced = [_write(b"one"), SYNC, SYNC_NAMES]
    assert all(image == {"a": b"one"} for image in _images(*synced))
    assert {image.get("a") for image in _images(*synced, _write(b"two"))} == {b"one", b"two"}
    assert {image.get("a") for image in _images(_write(b"one"), SYNC)} == {None, b"one"}
    deleted = [*synced, Operation("d", "a", 0, b"")]
    assert {image.get("a") for image in _images(*deleted)} == {None, b"one"}
    assert list(_images(*deleted, SYNC_NAMES)) == [{}] * 40


def test_a_simulated_disk_tears_a_write_between_sectors_and_only_there():
    whole = b"x" * 512 + b"y" * 512
    torn = {
        image["a"]
        for image in _images(_write(bytes(1024)), SYNC, SYNC_NAMES, _write(whole))
    }  # fmt: skip
    halves = {
        first + last for first in (bytes(512), whole[:512]) for last in (bytes(512), whole[512:])
    }
    assert torn == halves


@pytest.mark.slow
def test_no_cut_loses_an_acknowledged_answer_or_breaks_the_store_or_its_log(session):
    at = range(0, len(session) + 1, 7)
    outcomes = list(cuts(session, at, np.random.default_rng(0), found))
    assert len(outcomes) > 100
    assert [one for one in outcomes if one.lost or one.damaged] == []
    assert sum(operation.name == ACKNOWLEDGED for operation in session) == ANSWERS


@pytest.mark.slow
def test_no_cut_of_the_whole_server_loses_an_answer_that_a_page_called_kept(
    library, tmp_path: Path
):
    session = record_served_session(tmp_path / "study", library, ANSWERS)
    at = range(0, len(session) + 1, 7)
    outcomes = list(cuts(session, at, np.random.default_rng(3), found))
    assert [one for one in outcomes if one.lost or one.damaged] == []
    assert sum(operation.name == ACKNOWLEDGED for operation in session) == ANSWERS


@pytest.mark.slow
def test_without_waiting_for_the_disk_answers_are_lost_so_the_simulation_would_notice(
    library, tmp_path: Path
):
    weaker = record_session(tmp_path / "study", library, ANSWERS, "NORMAL")
    at = range(0, len(weaker) + 1, 20)
    outcomes = list(cuts(weaker, at, np.random.default_rng(0), found))
    assert sum(one.lost > 0 for one in outcomes) > len(outcomes) / 5
    assert max(one.lost for one in outcomes) > ANSWERS / 2


@pytest.mark.slow
def test_a_study_opens_after_a_cut_and_recognises_every_acknowledged_answer(session):
    def goes_on(folder: Path, acknowledged: set[str]) -> None:
        study = new_study(folder)
        again: dict[str, bool] = {}
        with open_store(folder) as store:
            store.write(lambda c: show_pairs(c, study, range(ANSWERS)))
            send_answers(
                store, range(ANSWERS), lambda n, kept: again.update({assignment_id(n): kept.again})
            )
        assert all(again[one] for one in acknowledged)
        after = found(folder, set(again))
        assert (after.lost, after.damaged, after.unacknowledged) == (0, "", 0)

    # The first operations make the database: cuts there are the ones that could leave a torso.
    making = next(n for n, one in enumerate(session) if one.name == ACKNOWLEDGED)
    at = sorted({*range(0, making, making // 6), making + 200, len(session)})
    assert len(list(cuts(session, at, np.random.default_rng(1), goes_on))) == len(at)


@pytest.mark.slow
def test_no_operation_of_a_whole_session_is_an_exception(library, tmp_path: Path):
    session = record_session(tmp_path / "study", library, 60, "FULL")
    outcomes = cuts(session, range(len(session) + 1), np.random.default_rng(2), found)
    assert [one for one in outcomes if one.lost or one.damaged] == []


def _problems(folder: Path, library: Path, synchronous: str = "FULL") -> list[list[str]]:
    """The problems after each cut of a session of people who write about themselves and leave."""
    people = 6
    session = record_personal_session(folder, library, people, synchronous)
    keys = keys_of(folder)
    return list(
        cuts(
            session,
            range(len(session) + 1),
            np.random.default_rng(4),
            lambda cut, acknowledged: problems_of(cut, acknowledged, people, keys),
        )
    )


@pytest.mark.slow
def test_no_cut_loses_what_people_wrote_about_themselves_or_brings_back_a_deleted_key(
    library, tmp_path: Path
):
    found = _problems(tmp_path / "study", library)
    assert len(found) > 100
    assert [problems for problems in found if problems] == []


@pytest.mark.slow
def test_without_waiting_for_the_disk_texts_or_deletions_would_be_lost(library, tmp_path: Path):
    assert any(_problems(tmp_path / "study", library, "NORMAL"))
