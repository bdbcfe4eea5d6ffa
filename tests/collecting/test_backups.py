"""A study is backed up while people answer, and restored with everything but those who left."""

import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select

from pluralign.collecting import audit_log
from pluralign.collecting.backups import back_up
from pluralign.collecting.leaving_snapshots import leave_snapshots
from pluralign.collecting.pending_withdrawals import work_left
from pluralign.collecting.personal import KEYS_FILE, PERSONAL_FILE, open_personal, people_with_keys
from pluralign.collecting.restoring import restore
from pluralign.collecting.snapshots import (
    MANIFEST_FILE,
    STORE_FILE,
    WITHDRAWALS_FILE,
    check_snapshot,
    snapshots,
)
from pluralign.collecting.store.engines import reading_file
from pluralign.collecting.store.store import open_store
from pluralign.collecting.store.tables import (
    assignment,
    audit,
    metadata,
    participant,
    rating,
    withdrawal,
)
from pluralign.collecting.study import STUDY_FILE, open_study
from pluralign.collecting.verifying import verify
from pluralign.collecting.withdrawing import withdraw
from pluralign.core import DamagedFile, InvalidInput

BOTH_DATABASES = True
NOW = 1_800_000_000
LATER = NOW + 86_400
SNAPSHOT = "2027-01-15T080000Z"


@pytest.fixture
def backups(tmp_path: Path) -> Path:
    return tmp_path / "backups"


@pytest.fixture
def people(filling):
    return filling.people("MEX", 3)


def _everything(store) -> dict[str, list[tuple]]:
    with store.reading() as connection:
        return {
            table.name: sorted(map(tuple, connection.execute(select(table))), key=repr)
            for table in metadata.sorted_tables
        }


def _restore(backups: Path, folder: Path, **given):
    filled = {"at": None, "url": None, "now": LATER} | given
    return restore(backups, folder, **filled)


def test_a_restored_study_has_every_row_and_every_file(store, study, people, backups, tmp_path):
    with open_personal(study.folder) as personal:
        personal.keep(people[0], {"region": "the coast"})
    made = back_up(store, study, backups, keep=3, now=NOW)
    assert made.snapshot.name == SNAPSHOT
    before = _everything(store)
    done = _restore(backups, tmp_path / "new")
    restored = open_study(tmp_path / "new")
    assert (restored.settings, restored.secret) == (study.settings, study.secret)
    with open_store(tmp_path / "new") as opened, open_personal(tmp_path / "new") as personal:
        after = _everything(opened)
        assert personal.read(people[0]) == {"region": "the coast"}
        with opened.reading() as connection:
            assert audit_log.broken_at(connection) is None
    [new] = set(after.pop("audit")) - set(before.pop("audit"))
    assert "restored" in new
    assert after == before
    assert len(after["rating"]) == 18
    assert (done.snapshot, done.withdrawn) == (SNAPSHOT, 0)
    assert done.manifest.rows["participant"] == 3


def test_a_study_moves_to_another_kind_of_database(
    store, study, people, backups, tmp_path, cluster
):
    back_up(store, study, backups, keep=3, now=NOW)
    before = _everything(store)
    url = cluster.new_database(f"moved{abs(hash(str(tmp_path)))}")
    _restore(backups, tmp_path / "new", url=url)
    with open_store(tmp_path / "new", url) as opened:
        after = _everything(opened)
        assert {name: rows for name, rows in after.items() if name != "audit"} == {
            name: rows for name, rows in before.items() if name != "audit"
        }
    with pytest.raises(InvalidInput, match="the database has a study already"):
        _restore(backups, tmp_path / "other", url=url)
    assert not (tmp_path / "other").exists()


def test_people_who_left_after_a_snapshot_are_withdrawn_again(
    store, study, people, backups, tmp_path
):
    with open_personal(study.folder) as personal:
        for person in people:
            personal.keep(person, {"region": "the coast"})
        back_up(store, study, backups, keep=3, now=NOW)
        copy = shutil.copytree(backups / SNAPSHOT, tmp_path / "copy")
        receipt = store.write(lambda c: withdraw(c, study, people[0], NOW + 1))
        personal.forget(people[0])
    assert back_up(store, study, backups, keep=3, now=LATER).left == (SNAPSHOT,)
    # A copy of the old snapshot, which was elsewhere, comes back.
    shutil.rmtree(backups / SNAPSHOT)
    shutil.copytree(copy, backups / SNAPSHOT)
    done = _restore(backups, tmp_path / "new", at="2027-01-15")
    assert (done.snapshot, done.withdrawn) == (SNAPSHOT, 1)
    with open_store(tmp_path / "new") as opened, opened.reading() as connection:
        assert set(connection.execute(select(participant.c.id)).scalars()) == set(people[1:])
        assert connection.execute(select(func.count()).select_from(rating)).scalar() == 12
        assert connection.execute(select(withdrawal.c.id)).scalars().all() == [receipt.id]
        assert work_left(connection) == []
        checks = verify(connection, study.settings, people_with_keys(tmp_path / "new"), None)
        assert [check for check in checks if check.problem] == []
    # The old snapshot has their rows of personal data, and nobody has the key to them.
    with open_personal(tmp_path / "new") as personal:
        assert personal.read(people[0]) == {}
        assert personal.read(people[1]) == {"region": "the coast"}


def test_people_who_left_are_taken_out_of_older_snapshots(store, study, people, backups):
    with store.reading() as connection:
        answers = select(rating.c.id).join(assignment, rating.c.assignment == assignment.c.id)
        own = answers.where(assignment.c.participant == people[0])
        ids = [people[0], *connection.execute(own).scalars()]
    old = back_up(store, study, backups, keep=3, now=NOW).snapshot
    assert all(id_.encode() in (old / STORE_FILE).read_bytes() for id_ in ids)
    before = check_snapshot(old)
    store.write(lambda c: withdraw(c, study, people[0], NOW + 1))
    back_up(store, study, backups, keep=3, now=LATER)
    after = check_snapshot(old)
    assert (before.rows["participant"], after.rows["participant"]) == (3, 2)
    assert (before.rows["rating"], after.rows["rating"]) == (18, 12)
    with reading_file(old / STORE_FILE) as connection:
        cells = {
            cell
            for table in metadata.sorted_tables
            if table.name != "audit"  # ids and digests, for ever
            for row in connection.execute(select(table))
            for cell in row
        }
    assert cells.isdisjoint(ids)
    assert before.head != after.head
    # Nothing is left to do, and nothing is written again.
    assert leave_snapshots(backups) == []
    assert [path.name for path in backups.iterdir() if path.name.startswith(".")] == []


def test_a_snapshot_that_was_being_written_again_during_a_kill_comes_back(
    store, study, people, backups
):
    old = back_up(store, study, backups, keep=3, now=NOW).snapshot
    old.rename(backups / f".{SNAPSHOT}.old")
    assert snapshots(backups) == []
    assert leave_snapshots(backups) == []
    assert [path.name for path in snapshots(backups)] == [SNAPSHOT]


def test_a_damaged_older_snapshot_is_named_after_the_new_backup_was_made(
    store, study, people, backups
):
    old = back_up(store, study, backups, keep=3, now=NOW).snapshot
    (old / STORE_FILE).write_bytes(b"damaged" * 1000)
    with pytest.raises(DamagedFile, match=r"cannot be read(.|\n)*delete the damaged snapshot"):
        back_up(store, study, backups, keep=3, now=LATER)
    assert check_snapshot(snapshots(backups)[-1]).made_at == LATER


def test_withdrawals_of_a_lost_store_stay_in_the_list(store, study, people, backups):
    receipt = store.write(lambda c: withdraw(c, study, people[0], NOW))
    back_up(store, study, backups, keep=3, now=NOW)
    store.write(lambda c: c.execute(delete(withdrawal)))
    back_up(store, study, backups, keep=3, now=LATER)
    rows = (backups / WITHDRAWALS_FILE).read_text().splitlines()
    assert [json.loads(row)["id"] for row in rows] == [receipt.id]


def test_old_snapshots_are_removed_and_keys_exist_once(store, study, people, backups):
    with open_personal(study.folder) as personal:
        personal.keep(people[0], {"region": "the coast"})
    (backups / "my notes").mkdir(parents=True)
    for day in range(4):
        made = back_up(store, study, backups, keep=2, now=NOW + day * 86_400)
    assert [path.name[:10] for path in snapshots(backups)] == ["2027-01-17", "2027-01-18"]
    assert made.removed == ("2027-01-16T080000Z",)
    assert sorted(path.name for path in backups.iterdir() if not path.name.startswith("2027")) == [
        KEYS_FILE, "my notes", WITHDRAWALS_FILE,
    ]  # fmt: skip
    assert list(backups.rglob(KEYS_FILE)) == [backups / KEYS_FILE]


def test_only_the_owner_reads_a_backup(store, study, people, backups):
    with open_personal(study.folder) as personal:
        personal.keep(people[0], {"region": "the coast"})
    made = back_up(store, study, backups, keep=2, now=NOW)
    assert made.snapshot.stat().st_mode & 0o777 == 0o700
    private = [made.snapshot / name for name in (STORE_FILE, PERSONAL_FILE, "secret")]
    for path in [*private, backups / KEYS_FILE, backups / WITHDRAWALS_FILE]:
        assert path.stat().st_mode & 0o077 == 0, path


@pytest.mark.parametrize("case", ["a file changed", "a file missing", "no manifest", "log changed"])
def test_a_damaged_snapshot_is_refused_and_nothing_is_restored(
    store, study, people, backups, tmp_path, case
):
    snapshot = back_up(store, study, backups, keep=2, now=NOW).snapshot
    if case == "a file changed":
        (snapshot / STUDY_FILE).write_text((snapshot / STUDY_FILE).read_text() + "# x\n")
    elif case == "a file missing":
        (snapshot / "secret").unlink()
    elif case == "no manifest":
        (snapshot / MANIFEST_FILE).write_text("{}")
    else:
        _change_log_and_manifest(snapshot)
    with pytest.raises(DamagedFile):
        _restore(backups, tmp_path / "new")
    assert not (tmp_path / "new").exists()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".new")] == []


def _change_log_and_manifest(snapshot: Path) -> None:
    """A change by somebody who also knows how the digests of files are made."""
    from pluralign.core import file_digest

    with sqlite3.connect(snapshot / STORE_FILE) as file:
        file.execute("UPDATE audit SET object = 'x' WHERE seq = 2")
    file.close()
    path = snapshot / MANIFEST_FILE
    manifest = json.loads(path.read_text())
    manifest["files"][STORE_FILE] = file_digest(snapshot / STORE_FILE)
    path.write_text(json.dumps(manifest))


def test_a_backup_that_fails_leaves_no_snapshot_and_no_partial_one(
    store, study, people, backups, monkeypatch
):
    from pluralign.collecting import backups as module

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "_copy_private", full)
    with pytest.raises(OSError, match="No space"):
        back_up(store, study, backups, keep=2, now=NOW)
    assert list(backups.iterdir()) == []


def test_a_backup_does_not_mix_studies_and_a_restore_overwrites_nothing(
    store, study, people, backups, tmp_path
):
    back_up(store, study, backups, keep=2, now=NOW)
    other = tmp_path / "other"
    other.mkdir()
    text = (study.folder / STUDY_FILE).read_text().replace('id = "tea"', 'id = "coffee"')
    (other / STUDY_FILE).write_text(text)
    with pytest.raises(InvalidInput, match="backups of the study tea, not of coffee"):
        back_up(store, open_study(other), backups, keep=2, now=LATER)
    with pytest.raises(InvalidInput, match="the folder is not empty"):
        _restore(backups, other)
    with pytest.raises(InvalidInput, match="no backup of 2020"):
        _restore(backups, tmp_path / "new", at="2020")
    with pytest.raises(InvalidInput, match="no backups"):
        _restore(tmp_path / "nowhere", tmp_path / "new")


def test_a_backup_never_replaces_the_keys_of_the_study(store, study, people):
    with open_personal(study.folder) as personal:
        personal.keep(people[0], {"region": "the coast"})
    before = sorted(study.folder.iterdir())
    for folder in (study.folder, study.folder / "more" / ".."):
        with pytest.raises(InvalidInput, match="name another folder"):
            back_up(store, study, folder, keep=3, now=NOW)
    assert sorted(study.folder.iterdir()) == before


def test_answers_that_arrive_during_a_backup_are_in_it_whole_or_not_at_all(
    store, study, filling, people, backups, monkeypatch
):
    from pluralign.collecting import backups as module

    real = module.copy_rows

    def copy_while_people_answer(source, target, tables):
        source.execute(select(func.count()).select_from(audit)).scalar()
        filling.people("MEX", 1)
        return real(source, target, tables)

    monkeypatch.setattr(module, "copy_rows", copy_while_people_answer)
    made = back_up(store, study, backups, keep=2, now=NOW)
    assert made.manifest.rows["participant"] == 3
    assert check_snapshot(made.snapshot).rows == made.manifest.rows
    shutil.rmtree(backups)


def test_a_backup_of_a_study_that_lost_its_keys_keeps_the_keys_that_it_has(
    store, study, people, backups
):
    with open_personal(study.folder) as personal:
        personal.keep(people[0], {"region": "the coast"})
    back_up(store, study, backups, keep=3, now=NOW)
    before = (backups / KEYS_FILE).read_bytes()
    for path in study.folder.glob(f"{KEYS_FILE}*"):
        path.unlink()
    with pytest.raises(DamagedFile, match="keys of the backup were not replaced"):
        back_up(store, study, backups, keep=3, now=LATER)
    assert (backups / KEYS_FILE).read_bytes() == before
