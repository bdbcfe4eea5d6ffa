"""`collect verify` finds damage, changes, and answers that nobody may keep."""

import pytest
from sqlalchemy import delete, select, update

from pluralign.collecting import audit_log
from pluralign.collecting.consents import store_consent
from pluralign.collecting.operations import perform
from pluralign.collecting.personal import KEYS_FILE, PERSONAL_FILE, open_personal, people_with_keys
from pluralign.collecting.store.tables import consent, participant, rating
from pluralign.collecting.verifying import verify

BOTH_DATABASES = True
NOW = 1_800_000_000


@pytest.fixture
def people(filling):
    return filling.people("MEX", 2)


@pytest.fixture
def problems(store, study):
    def find(keys=frozenset(), head=None) -> list[str]:
        with store.reading() as connection:
            checks = verify(connection, study.settings, set(keys), head)
        return [check.problem for check in checks if check.problem]

    return find


def test_a_sound_store_has_no_problem_and_its_published_heads_are_found(
    store, study, people, problems
):
    with store.reading() as connection:
        head = audit_log.head(connection)
        checked = {
            check.name: check.checked
            for check in verify(connection, study.settings, set(people), head)
        }
    assert checked["answers and the consents they were given under"] == 12
    store.write(lambda c: audit_log.append(c, NOW, "operator", "tested", "x"))
    assert problems(people, head) == []


def test_a_log_that_was_shortened_after_its_head_was_published_is_found(store, people, problems):
    with store.reading() as connection:
        head = audit_log.head(connection)
    store.write(lambda c: c.exec_driver_sql("DELETE FROM audit WHERE hash = '" + head + "'"))
    assert problems() == []
    [problem] = problems(head=head)
    assert "the log was shortened or replaced" in problem


def test_a_changed_log_is_found(store, people, problems):
    store.write(lambda c: c.exec_driver_sql("UPDATE audit SET action = 'x' WHERE seq = 3"))
    [problem] = problems()
    assert "row 3 was changed" in problem


def test_an_answer_under_the_consent_of_somebody_else_is_found(store, people, problems):
    other = select(consent.c.id).where(consent.c.participant == people[1]).scalar_subquery()
    mine = select(consent.c.id).where(consent.c.participant == people[0]).scalar_subquery()
    store.write(
        lambda c: c.execute(update(rating).where(rating.c.consent == mine).values(consent=other))
    )
    [problem] = problems()
    assert "without a consent of the person who gave them" in problem
    assert "and 3 more" in problem


def test_answers_of_a_person_who_does_not_agree_any_more_are_found(store, people, problems):
    first = select(consent.c.document).where(consent.c.participant == people[0])
    store.write(lambda c: store_consent(c, people[0], c.execute(first).scalar_one(), "", NOW + 1))
    [problem] = problems()
    assert problem == f"people who do not agree any more have answers: {people[0]}"


def test_personal_data_of_a_person_who_left_the_store_are_found(store, people, problems):
    assert problems(people) == []
    [problem] = problems([*people, "gone"])
    assert problem == "personal data of people who are not in the store: gone"


def test_damage_of_the_file_is_found(store, people, problems, database):
    if database is not None:
        pytest.skip("PostgreSQL checks its own pages")

    # Outside a change, where SQLite lets foreign keys be switched off.
    store._writer._connection.connection.driver_connection.execute("PRAGMA foreign_keys = OFF")
    store.write(lambda c: c.execute(delete(participant).where(participant.c.id == people[0])))
    assert any("refer to rows that are gone" in problem for problem in problems())


@pytest.mark.parametrize("lost", [KEYS_FILE, PERSONAL_FILE])
@pytest.mark.parametrize("served_since", [False, True])
def test_a_lost_file_of_what_people_wrote_about_themselves_is_found(
    store, study, people, lost, served_since
):
    def problems():
        checks = perform(store, study, "verify", {"head": None}, NOW)["checks"]
        return [check["problem"] for check in checks if check["problem"]]

    with open_personal(study.folder) as personal:
        personal.keep(people[0], {"region": "the coast"})
    assert problems() == []
    for path in study.folder.glob(f"{lost}*"):
        path.unlink()
    if served_since:
        with open_personal(study.folder):
            pass
    [problem] = problems()
    assert lost in problem
    assert "restore both files" in problem


def test_a_person_who_deleted_all_about_themselves_has_no_key_and_is_no_problem(
    store, study, people
):
    with open_personal(study.folder) as personal:
        personal.keep(people[0], {"region": "the coast"})
        personal.keep(people[0], {"region": ""})
    assert people_with_keys(study.folder) == set()
    checks = perform(store, study, "verify", {"head": None}, NOW)["checks"]
    assert all(check["problem"] == "" for check in checks)
