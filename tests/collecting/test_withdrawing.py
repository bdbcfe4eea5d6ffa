"""A person withdraws: from the store, from releases, and from every model, bit for bit."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from pluralign.collecting import audit_log
from pluralign.collecting.consents import give_consent
from pluralign.collecting.forgetting import forget_withdrawn
from pluralign.collecting.leaving_models import leave, releases_of_run, runs_in
from pluralign.collecting.operations import perform
from pluralign.collecting.pending_withdrawals import (
    Leaving,
    finish,
    narrowed,
    note_revisions,
    note_use,
    work_left,
)
from pluralign.collecting.personal import open_personal
from pluralign.collecting.refusals import NotAccepted
from pluralign.collecting.release_files import read_release
from pluralign.collecting.release_operations import withdrawal_of
from pluralign.collecting.releasing import make_release
from pluralign.collecting.store.copying import copy_rows
from pluralign.collecting.store.store import open_store
from pluralign.collecting.store.tables import (
    assignment,
    document,
    metadata,
    pair,
    participant,
    rating,
    release,
    text,
    withdrawal,
)
from pluralign.collecting.study import open_study
from pluralign.collecting.taking_part import invite_people, join
from pluralign.collecting.withdrawing import withdraw
from pluralign.core import InvalidInput, InvalidSettings, Silent
from pluralign.encoders import forget_texts

BOTH_DATABASES = True
NOW = 1_800_000_000
KEY = bytes(range(32))


class Stopping(Silent):
    """Stops a run by hand when a stage begins; when it begins to encode texts by default."""

    def __init__(self, begin: str = "encoding") -> None:
        self._begin = begin

    def stage(self, name: str) -> None:
        if name.startswith(self._begin):
            raise KeyboardInterrupt


def _release(filling, *purposes):
    return make_release(filling.store, filling.study, purposes or ["train"], ["Ana"], KEY, NOW)


def _withdraw(filling, person):
    return filling.store.write(lambda c: withdraw(c, filling.study, person, NOW + 60))


def _count(filling, table, *where):
    with filling.store.reading() as c:
        return c.execute(select(func.count()).select_from(table).where(*where)).scalar_one()


def _write(filling, person, body) -> str:
    """Let a person write a response to a prompt."""

    def make(c):
        prompts = c.execute(select(text.c.id).where(text.c.kind == "prompt")).scalars()
        values = {"parent": prompts.first(), "author": person, "community": "MEX"}
        return filling.text(c, "response", body, **values)

    return filling.store.write(make)


def _judge(filling, person, text_id):
    """Let a person judge a text against the first response of the study."""

    def make(c):
        has_it = (pair.c.first == text_id) | (pair.c.second == text_id)
        by_study = select(text.c.id).where(text.c.author.is_(None))
        against_it = pair.c.first.in_(by_study) | pair.c.second.in_(by_study)
        found = c.execute(select(pair.c.id).where(has_it, against_it)).scalars()
        filling.answer(c, person, found.first())

    filling.store.write(make)


def _cells(filling) -> set[str]:
    with filling.store.reading() as c:
        return {
            str(cell)
            for table in metadata.sorted_tables
            if table.name != "audit"
            for row in c.execute(select(table))
            for cell in row
        }


def test_nothing_of_a_person_is_left_in_the_store_but_a_keyed_digest_of_their_key(filling):
    person, other, *_ = filling.people("MEX", 3)
    own, judged = _write(filling, person, "My own words."), _write(filling, person, "Judged words.")
    _judge(filling, other, judged)
    _judge(filling, person, judged)
    receipt = _withdraw(filling, person)
    with open_personal(filling.study.folder) as personal:
        forget_withdrawn(filling.store, personal)
    assert (receipt.scope, receipt.answers) == ("erase", 7)
    assert (receipt.texts_deleted, receipt.texts_erased) == (1, 1)
    assert not [cell for cell in _cells(filling) if person in cell or "words." in cell]
    assert _count(filling, assignment, assignment.c.participant == person) == 0
    assert _count(filling, text, text.c.id == own) == 0
    with filling.store.reading() as c:
        erased = c.execute(select(text).where(text.c.id == judged)).one()
        assert audit_log.broken_at(c) is None
    assert (erased.body, erased.author, erased.state) == ("", None, "hidden")
    assert _count(filling, rating) == 2 * 6 + 1  # the answers of others stay
    assert person not in json.dumps(receipt.releases)
    with pytest.raises(LookupError):
        _withdraw(filling, person)


def test_a_prompt_stays_without_its_words_where_others_answered_it(filling):
    person, other = filling.people("MEX", 2)

    def make(c):
        prompt = filling.text(c, "prompt", "My prompt?", author=person, community="MEX")
        filling.text(c, "response", "Answer of another.", parent=prompt, author=other)
        lonely = filling.text(c, "prompt", "Nobody answers?", author=person, community="MEX")
        filling.text(c, "response", "But I do.", parent=lonely, author=person)

    filling.store.write(make)
    receipt = _withdraw(filling, person)
    assert (receipt.texts_deleted, receipt.texts_erased) == (2, 1)
    bodies = _cells(filling)
    assert "Answer of another." in bodies
    assert not {"My prompt?", "Nobody answers?", "But I do."} & bodies


def test_pairs_with_erased_texts_are_not_in_any_later_release(filling):
    person, *others = filling.people("MEX", 12)
    judged = _write(filling, person, "Judged words.")
    for one in others:
        _judge(filling, one, judged)
    _withdraw(filling, person)
    made = _release(filling)
    assert made.left_out["a text was hidden or erased"] == 11
    assert "Judged words." not in (Path(made.folder) / "texts.jsonl").read_text("utf-8")
    assert made.communities["MEX"]["people"] == 11


def test_personal_data_and_key_are_gone_too(filling):
    person, *_ = filling.people("MEX", 2)
    with open_personal(filling.study.folder) as personal:
        personal.keep(person, {"age": "over 60"})
    found = withdrawal_of(filling.store, filling.study, {"participant": person}, NOW)
    with open_personal(filling.study.folder) as personal:
        assert personal.read(person) == {}
    assert found["done_at"] == NOW  # no release has been made, so nothing is left to do
    with pytest.raises(InvalidInput, match="nobody in the study has this key or id"):
        withdrawal_of(filling.store, filling.study, {"participant": person}, NOW)


class _DiskIsFullError(Exception):
    pass


def _fails(*given, **named):
    raise _DiskIsFullError


def test_a_withdrawal_that_the_store_refuses_leaves_the_personal_key(filling, monkeypatch):
    person, *_ = filling.people("MEX", 2)
    with open_personal(filling.study.folder) as personal:
        personal.keep(person, {"age": "over 60"})
        monkeypatch.setattr("pluralign.collecting.release_operations.withdraw", _fails)
        with pytest.raises(_DiskIsFullError):
            withdrawal_of(filling.store, filling.study, {"participant": person}, NOW)
        assert personal.read(person) == {"age": "over 60"}


def test_a_key_that_a_stopped_withdrawal_left_is_deleted_with_the_pending_ones(filling):
    person, other = filling.people("MEX", 2)
    with open_personal(filling.study.folder) as personal:
        for one in (person, other):
            personal.keep(one, {"age": "over 60"})
        _withdraw(filling, person)  # and the process is killed
        assert personal.read(person) != {}
        assert _count(filling, withdrawal, withdrawal.c.forgets == person) == 1
        perform(filling.store, filling.study, "pending", {}, NOW)
        assert (personal.read(person), personal.read(other)) == ({}, {"age": "over 60"})
        assert _count(filling, withdrawal, withdrawal.c.forgets.is_not(None)) == 0
        assert forget_withdrawn(filling.store, personal) == 0


def test_where_a_study_only_stops_further_use_the_rows_stay_and_no_release_has_them(filling):
    settings = filling.study.settings.model_copy(update={"withdrawal": "stop"})
    object.__setattr__(filling.study, "settings", settings)
    person, *_ = filling.people("MEX", 12)
    before = _count(filling, rating)
    receipt = _withdraw(filling, person)
    assert receipt.scope == "stop"
    assert _count(filling, rating) == before
    assert _release(filling).communities["MEX"]["people"] == 11


def test_a_withdrawal_that_has_nothing_to_do_in_models_is_done_at_once(filling):
    person, *_ = filling.people("MEX", 2)
    receipt = _withdraw(filling, person)
    assert receipt.done_at == receipt.asked_at
    with filling.store.reading() as c:
        assert work_left(c) == []


@pytest.fixture
def with_and_never(tmp_path, study, store, filling) -> Iterator[tuple[Any, Any, str]]:
    """A study from which somebody withdraws, a copy that never saw them, and the person."""
    filling.people("MEX", 14)
    filling.people("~hill", 8)
    never = tmp_path.parent / f"{tmp_path.name}-never"
    never.mkdir()
    for name in ("study.toml", "secret"):
        shutil.copy(tmp_path / name, never / name)
    with store.reading() as source, open_store(never) as copy:  # always SQLite: rows are the same
        copy.write(lambda c: copy_rows(source, c, metadata))
    (person,) = filling.people("MEX", 1)
    words = _write(filling, person, "I drink words of the person on day 0.")
    with store.reading() as c:
        others = c.execute(select(participant.c.id).where(participant.c.id != person)).scalars()
        judges = list(others)[:3]
    for one in judges:
        _judge(filling, one, words)
    with open_store(never) as copy:
        yield filling, (copy, open_study(never)), person


def _never_released(never) -> Path:
    store, study = never
    return Path(make_release(store, study, ["train"], ["Ana"], KEY, NOW).folder)


def _work(filling, *runs: Path) -> Leaving:
    made, folder = _one_release(filling), filling.study.folder
    for run in runs:
        filling.store.write(lambda c, r=run: note_use(c, folder, made, str(r), "digest", NOW))
    return _work_left(filling)


def _one_release(filling) -> str:
    with filling.store.reading() as c:
        return c.execute(select(release.c.id)).scalar_one()


def _work_left(filling) -> Leaving:
    with filling.store.reading() as c:
        (work,) = work_left(c)
    return work


def _finish(filling, work, runs=()):
    return filling.store.write(
        lambda c: finish(c, filling.study.folder, work.withdrawal, runs, NOW + 90)
    )


def test_a_release_is_written_again_as_if_the_person_had_never_been_in_it(with_and_never):
    filling, never, person = with_and_never
    made = _release(filling)
    folder = Path(made.folder)
    assert "words of the person" in (folder / "texts.jsonl").read_text("utf-8")
    receipt = _withdraw(filling, person)
    assert receipt.done_at is None
    work = _work(filling)
    assert leave(filling.study.folder, work) == []
    other = _never_released(never)
    for name in ("pairs.jsonl", "answers.jsonl", "texts.jsonl"):
        assert (folder / name).read_bytes() == (other / name).read_bytes(), name
    facts, _ = read_release(folder)
    assert facts.revision == 1
    assert "revision 1" in (folder / "README.md").read_text("utf-8")
    done = _finish(filling, work)
    assert done.releases[made.id]["before"] == made.digest
    assert done.releases[made.id]["revision"] == 1
    with filling.store.reading() as c:
        kept = c.execute(select(release.c.digest)).scalar_one()
        row = c.execute(select(withdrawal)).one()
    assert kept == done.releases[made.id]["after"] != made.digest
    assert (row.traces, row.done_at) == (None, NOW + 90)  # the ids in releases are deleted
    assert leave(filling.study.folder, work) == []  # again: nothing to do


def test_a_community_below_its_floor_leaves_the_release_and_an_empty_release_is_deleted(filling):
    person, *_ = filling.people("MEX", 10)
    (hill, *_) = filling.people("~hill", 3)
    folder = Path(_release(filling).folder)
    _withdraw(filling, hill)
    leave(filling.study.folder, _work(filling))
    facts, contents = read_release(folder)
    assert (list(facts.floors), facts.communities_left_out) == (["MEX"], 1)
    assert {row["community"] for row in contents.answers} == {"MEX"}
    _finish(filling, _work(filling))
    _withdraw(filling, person)
    leave(filling.study.folder, _work(filling))
    assert not folder.exists()
    assert _finish(filling, _work(filling)).releases[folder.name]["after"] == ""


def _settings(tables, folder: Path) -> dict[str, Any]:
    mine = {
        "methods": ["reference", "full", "scpo", "pooled", "adaptive"],
        "repeats": 2,
        "split": {"draw": "hash", "test": 0.3, "test_where": {"reason": "anchor"}},
        "fit": {},
        "reference": {},
        "pairs": {"source": "collected", "path": str(folder)},
    }
    return tables | mine


def _files(folder: Path) -> dict[str, bytes]:
    """Everything but the files that contain the time or the source's path, and the withdrawals."""
    return {
        str(p.relative_to(folder)): p.read_bytes()
        for p in folder.rglob("*")
        if p.is_file()
        and p.name not in ("record.json", "manifest.jsonl")
        and p.parent.name != "withdrawals"
    }


@pytest.mark.slow
def test_after_a_withdrawal_every_model_is_that_of_a_release_that_never_had_the_person_bit_for_bit(
    with_and_never, tables, go, tmp_path, cache
):
    filling, never, person = with_and_never
    folder = Path(_release(filling).folder)
    runs = [tmp_path / "runs" / name for name in ("one", "two")]
    for run in runs:
        go(_settings(tables, folder), run)
    before = _files(runs[0])
    assert [path.resolve() for path in releases_of_run(runs[0])] == [folder.resolve()]
    assert list(runs_in(tmp_path / "runs")) == runs
    _withdraw(filling, person)
    outcomes = leave(filling.study.folder, _work(filling, *runs), cache=cache)
    go(_settings(tables, _never_released(never)), tmp_path / "never")
    assert before != _files(tmp_path / "never")
    for run, outcome in zip(runs, outcomes, strict=True):
        assert _files(run) == _files(tmp_path / "never")
        assert outcome["models"] == "fitted again"
        assert outcome["before"] != outcome["after"]
        assert Path(outcome["receipt"]).is_file()
    assert forget_texts(["I drink words of the person on day 0."], cache) == 0  # gone already


@pytest.mark.slow
def test_a_stopped_withdrawal_goes_on_with_the_same_call(
    with_and_never, tables, go, tmp_path, cache
):
    filling, never, person = with_and_never
    folder = Path(_release(filling).folder)
    runs = [tmp_path / "runs" / name for name in ("one", "two")]
    for run in runs:
        go(_settings(tables, folder), run)
    _withdraw(filling, person)
    work = _work(filling, *runs)
    with pytest.raises(KeyboardInterrupt):
        leave(filling.study.folder, work, Stopping(), cache)
    models = (run.glob("models/**/*.safetensors") for run in runs)
    assert not any(map(list, models))  # no model of theirs is left
    facts, _ = read_release(folder)
    assert facts.revision == 1
    outcomes = leave(filling.study.folder, work, cache=cache)
    go(_settings(tables, _never_released(never)), tmp_path / "never")
    assert [outcome["models"] for outcome in outcomes] == ["fitted again"] * 2
    assert all(_files(run) == _files(tmp_path / "never") for run in runs)


@pytest.mark.slow
def test_a_run_whose_release_had_too_few_people_left_loses_its_models(
    filling, tables, go, tmp_path, cache
):
    person, *_ = filling.people("MEX", 10)
    folder, run = Path(_release(filling).folder), tmp_path / "runs" / "one"
    # A draw by the hashes of so few people's ids, which are random, may test nobody.
    go(_settings(tables, folder) | {"split": {"draw": "random", "test": 0.3}}, run)
    _withdraw(filling, person)
    (outcome,) = leave(filling.study.folder, _work(filling, run), cache=cache)
    assert outcome["models"] == "deleted"
    assert not list(run.rglob("models/*"))


def test_a_wrong_clock_does_not_hide_a_release_from_a_withdrawal(filling):
    person, *_ = filling.people("MEX", 12)
    made = make_release(filling.store, filling.study, ["train"], ["Ana"], KEY, NOW - 10**7)
    _withdraw(filling, person)
    leave(filling.study.folder, _work(filling))
    facts, contents = read_release(Path(made.folder))
    assert facts.revision == 1
    assert len({row["rater"] for row in contents.answers}) == 11


def test_a_person_is_found_in_a_release_that_a_restored_store_does_not_know(filling):
    person, *_ = filling.people("MEX", 12)
    folder = Path(_release(filling).folder)
    filling.store.write(lambda c: c.execute(release.delete()))
    _withdraw(filling, person)
    with filling.store.reading() as c:
        (work,) = work_left(c)
    leave(filling.study.folder, work)
    _, contents = read_release(folder)
    assert len({row["rater"] for row in contents.answers}) == 11
    assert _finish(filling, work).releases[folder.name]["revision"] == 1


def test_the_uses_of_an_unknown_release_are_refused_and_one_on_disk_is_added(filling):
    filling.people("MEX", 12)
    made = _release(filling)
    filling.store.write(lambda c: c.execute(release.delete()))
    folder = filling.study.folder
    filling.store.write(lambda c: note_use(c, folder, made.id, "runs/one", "digest", NOW))
    assert _one_release(filling) == made.id
    with pytest.raises(InvalidInput, match="no release 'other'"):
        filling.store.write(lambda c: note_use(c, folder, "other", "runs/one", "digest", NOW))


@pytest.mark.slow
def test_a_person_who_wrote_a_text_and_compared_nothing_leaves_the_models_of_pairs_with_it(
    with_and_never, tables, go, tmp_path, cache
):
    filling, never, person = with_and_never
    filling.store.write(
        lambda c: c.execute(update(rating).values(choice="tie").where(_is_of(person)))
    )
    folder, run = Path(_release(filling).folder), tmp_path / "runs" / "one"
    go(_settings(tables, folder), run)
    _withdraw(filling, person)
    (outcome,) = leave(filling.study.folder, _work(filling, run), cache=cache)
    go(_settings(tables, _never_released(never)), tmp_path / "never")
    assert outcome["models"] == "fitted again"
    assert _files(run) == _files(tmp_path / "never")


def _is_of(person):
    own = select(assignment.c.id).where(assignment.c.participant == person)
    return rating.c.assignment.in_(own)


def test_a_narrower_consent_takes_a_person_out_of_releases_for_what_they_gave_up(filling):
    person, *others = filling.people("MEX", 12)
    words = _write(filling, person, "Words of the person.")
    for one in others:
        _judge(filling, one, words)
    train = _release(filling)
    public = make_release(filling.store, filling.study, ["publish-rows"], ["Ana"], bytes(4), NOW)
    _consent(filling, person, "collect", "evaluate", "publish-rows")
    with filling.store.reading() as c:
        work = narrowed(c, filling.study)
    assert leave(filling.study.folder, work) == []
    _, inside = read_release(Path(train.folder))
    _, outside = read_release(Path(public.folder))
    assert [len({row["rater"] for row in found.answers}) for found in (inside, outside)] == [11, 12]
    for found in (inside, outside):
        assert "Words of the person." not in {row["body"] for row in found.texts}
    silent = {row["rater"] for row in outside.answers if row["context"] is None}
    assert len(silent) == 1  # their own reasons; those of others stay
    changed = filling.store.write(
        lambda c: note_revisions(c, filling.study.folder, list(work.traces), NOW)
    )
    assert {id_: of["revision"] for id_, of in changed.items()} == {train.id: 1, public.id: 1}
    assert leave(filling.study.folder, work) == []  # again: nothing to do
    with filling.store.reading() as c:
        assert audit_log.broken_at(c) is None


def _consent(filling, person, *purposes):
    def give(c):
        newest = select(document.c.id).where(document.c.kind == "consent").limit(1)
        give_consent(c, person, c.execute(newest).scalar_one(), purposes, NOW)

    filling.store.write(give)


def test_the_form_of_a_person_who_withdrew_brings_nobody_back_when_it_is_sent_again(filling):
    def invited(c):
        return invite_people(c, filling.study.secret, "MEX", uses=5, seconds=9, now=NOW)

    token = filling.store.write(invited)

    def send(c):
        newest = select(document.c.id).where(document.c.kind == "consent").limit(1)
        return join(
            c, filling.study.secret, token, form="the same", purposes=["collect"], language="en",
            document_id=c.execute(newest).scalar_one(), now=NOW,
        )  # fmt: skip

    person = filling.store.write(send).participant
    _withdraw(filling, person)
    with pytest.raises(NotAccepted, match="cannot be used any more"):
        filling.store.write(send)
    assert _count(filling, participant) == 0


@pytest.mark.slow
def test_a_run_that_is_not_finished_waits_and_everything_else_is_done(
    with_and_never, tables, go, tmp_path, cache
):
    filling, never, person = with_and_never
    folder = Path(_release(filling).folder)
    settings = _settings(tables, folder)
    finished, stopped = (tmp_path / "runs" / name for name in ("finished", "stopped"))
    go(settings, finished)
    with pytest.raises(KeyboardInterrupt):
        go(settings, stopped, reporter=Stopping("measuring"))
    assert list(stopped.glob("models/**/*.safetensors"))  # models of the person, too
    _withdraw(filling, person)
    work = _work(filling, finished, stopped)
    first = leave(filling.study.folder, work, cache=cache)
    assert [outcome["models"] for outcome in first] == ["fitted again", "waiting"]
    assert first[1]["run"] == str(stopped)
    receipt = _finish(filling, work, first)
    assert receipt.done_at is None
    assert receipt.releases[folder.name]["revision"] == 1
    again = leave(filling.study.folder, _work_left(filling), cache=cache)
    assert [outcome["models"] for outcome in again] == ["fitted again", "waiting"]
    with pytest.raises(InvalidSettings, match="other settings or data"):
        go(settings, stopped)
    go(settings, stopped, fresh=True)
    last = leave(filling.study.folder, _work_left(filling), cache=cache)
    assert [outcome["models"] for outcome in last] == ["fitted again"] * 2
    done = _finish(filling, work, last)
    assert done.done_at == NOW + 90
    assert done.releases == receipt.releases
    go(_settings(tables, _never_released(never)), tmp_path / "never")
    assert _files(finished) == _files(stopped) == _files(tmp_path / "never")
