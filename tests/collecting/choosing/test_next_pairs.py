"""Which pair a person is shown next, and what is stored with it."""

import threading
from collections import Counter
from statistics import fmean

import pytest
from sqlalchemy import insert, select, update

from pluralign.collecting.choosing import next_pair, next_pairs
from pluralign.collecting.choosing.ways_to_draw import over_share
from pluralign.collecting.documents import publish_documents
from pluralign.collecting.ratings import delete_answer
from pluralign.collecting.store import Store
from pluralign.collecting.store.tables import assignment, moderation, pair, steward, text
from pluralign.encoders import HashEncoder

DAY = 86_400


def _stored(village, **where):
    with village.store.reading() as connection:
        query = select(assignment).order_by(assignment.c.served_at, assignment.c.id)
        for name, value in where.items():
            query = query.where(assignment.c[name] == value)
        return connection.execute(query).all()


def _bodies(shown):
    return {one.left.body for one in shown} | {one.right.body for one in shown}


def _set_state(village, body, state):
    village.store.write(
        lambda c: c.execute(update(text).where(text.c.body == body).values(state=state))
    )


def test_a_pair_is_stored_with_its_reason_policy_and_propensity(village):
    for number in range(20):
        village.prompt(f"q{number}")
    village.open()
    shown = village.next(village.person())
    (row,) = _stored(village)
    assert (row.id, row.reason) == (shown.assignment, shown.reason)
    assert row.policy == "mixture 1: anchor 0.2, overlap 0.2, fresh 0.1, informative 0.5"
    assert 0 < row.propensity <= 1
    assert {row.left, row.right} == {shown.left.id, shown.right.id}
    assert (shown.prompt.language, shown.left.origin, shown.left.author) == ("en", "study", "study")


def test_a_reload_shows_the_same_pair_again_until_it_is_answered(village):
    for number in range(5):
        village.prompt(f"q{number}")
    village.open()
    person = village.person()
    first = village.next(person)
    assert [village.next(person) for _ in range(5)] == [first] * 5
    village.now += 3 * DAY
    assert village.next(person) == first
    village.answer(person, first)
    assert village.next(person).assignment != first.assignment
    assert len(_stored(village)) == 2


def test_a_person_sees_every_pair_once_and_then_none(village):
    for number in range(6):
        village.prompt(f"q{number}", responses=("a", "b", "c"))
    village.open()
    village.set(sitting={"repeat": False})
    person = village.person()
    shown = village.sit(person)
    assert len({frozenset((one.left.id, one.right.id)) for one in shown}) == len(shown) == 18
    assert village.next(person) is None
    assert sum(row.propensity == 1 for row in _stored(village)) == 1  # the last pair was certain


def test_the_stored_propensity_is_the_frequency_with_which_a_pair_is_shown(village):
    for number in range(10):
        village.prompt(f"q{number}")
    village.open()
    people = 200
    for _ in range(people):
        village.next(village.person())  # nobody answers, so that all are drawn from one state
    weights = {}
    for row in _stored(village):
        weights.setdefault(row.pair, []).append(1 / row.propensity)
    assert len(weights) == 10
    for own in weights.values():
        # The mean over people of 1 / propensity is 1 for each pair. Its variance is not taken from
        # the few draws themselves: a pair with fewer draws would have a smaller error.
        total, error = sum(own) / people, (fmean(own) / people) ** 0.5
        assert abs(total - 1) < 4.5 * error


def test_nothing_computed_from_a_text_stays_when_the_text_is_gone(village):
    village.prompt("q", responses=("tea with milk", "coffee"))
    village.prompt("p", responses=("water", "bread", "salt"))
    village.open()
    person = village.person()
    village.next(person)
    before = village.chooser.pool.feature_N_D.shape[1]
    _set_state(village, "q tea with milk", "hidden")
    village.chooser.expire()
    village.next(person)
    fresh = type(village.chooser)(village.store, village.study, HashEncoder(64))
    assert village.chooser.pool.feature_N_D.tolist() == fresh.pool.feature_N_D.tolist()
    assert fresh.pool.feature_N_D.shape[1] < before


def test_pairs_are_chosen_in_postgresql_too(cluster, study, village_in):
    store = Store(cluster.new_database("choosing"))
    try:
        store.write(lambda c: publish_documents(c, study.settings, 0))
        village = village_in(store)
        for number in range(4):
            village.prompt(f"q{number}")
        village.open()
        people = village.person(), village.person()
        shown = village.sit(people[0])
        assert len(shown) == len(village.sit(people[1])) == 4
        first = shown[0].assignment
        store.write(lambda c: delete_answer(c, people[0].id, first, village.now))
        assert village.next(people[0]) is None
        assert village.chooser.answers("MEX").by_person == {people[0].id: 3, people[1].id: 4}
    finally:
        store.close()


def test_sides_are_decided_by_chance(village):
    for number in range(40):
        village.prompt(f"q{number}")
    village.open()
    village.set(sitting={"repeat": False})
    shown = village.sit(village.person())
    first_on_the_left = sum(one.left.id < one.right.id for one in shown)
    assert 8 < first_on_the_left < 32


def test_one_pair_of_the_first_half_is_asked_again_at_the_end_of_a_sitting(village):
    for number in range(30):
        village.prompt(f"q{number}")
    village.open()
    person = village.person()
    village.sit(person, most=12)
    rows = _stored(village)
    assert [row.reason == "repeat" for row in rows] == [False] * 11 + [True]
    repeat = rows[-1]
    assert repeat.repeats in {row.id for row in rows[:5]}
    assert repeat.pair == next(row.pair for row in rows if row.id == repeat.repeats)
    assert (repeat.propensity, repeat.policy) == (1 / 5, "repeat 1")
    more = village.sit(person, most=8)  # the person goes on, and is not asked a second time
    assert all(one.reason != "repeat" for one in more)
    village.now += DAY
    assert [one.reason for one in village.sit(person, most=12)].count("repeat") <= 1


def test_the_number_left_counts_down_to_zero_and_starts_again_the_next_day(village):
    for number in range(30):
        village.prompt(f"q{number}")
    village.open()
    village.set(sitting={"pairs": 3})
    person = village.person()
    assert [one.remaining for one in village.sit(person, most=5)] == [3, 2, 1, 0, 0]
    village.now += DAY
    assert village.next(person).remaining == 3


def test_nobody_judges_texts_of_their_own_or_of_another_community(village):
    person, neighbour = village.person(), village.person()
    other = village.person("~hill")
    village.prompt("mine", author=person.id, origin="people", community="MEX")
    village.prompt("hill", community="~hill")
    village.prompt("all")
    village.open()
    assert _bodies(village.sit(person)) == {"all yes", "all no"}
    assert _bodies(village.sit(neighbour)) == {"mine yes", "mine no", "all yes", "all no"}
    assert _bodies(village.sit(other)) == {"hill yes", "hill no", "all yes", "all no"}


def test_an_answer_of_one_community_under_a_prompt_of_another_is_shown_to_nobody(village):
    prompt, *_ = village.prompt("all")
    _, left, right = village.prompt("hill", community="~hill")

    def mix(connection):
        values = {"prompt": prompt, "first": left, "second": right, "anchor": False, "made_at": 0}
        connection.execute(insert(pair).values(id="mixed", community=None, **values))
        connection.execute(update(text).where(text.c.id == left).values(community="MEX"))

    village.store.write(mix)
    village.open()
    assert _bodies(village.sit(village.person())) == {"all yes", "all no"}


def test_people_read_texts_in_the_language_of_their_pages_or_any_where_there_is_none(village):
    village.prompt("tea")
    village.prompt("té", language="es-MX")
    village.open()
    assert _bodies(village.sit(village.person(language="es"))) == {"té yes", "té no"}
    assert len(village.sit(village.person(language="ar"))) == 2


def test_waiting_and_hidden_texts_are_not_shown_even_if_hidden_after_the_server_started(village):
    village.prompt("waits", state="waiting")
    village.prompt("stays")
    village.prompt("goes")
    village.open()
    person = village.person()
    _set_state(village, "goes yes", "hidden")
    assert _bodies(village.sit(person)) == {"stays yes", "stays no"}


def test_a_pair_that_waits_for_an_answer_is_replaced_when_its_text_is_hidden(village):
    village.prompt("one")
    village.prompt("two")
    village.open()
    person = village.person()
    first = village.next(person)
    _set_state(village, first.left.body, "hidden")
    second = village.next(person)
    assert second is not None
    assert second.prompt.id != first.prompt.id


def test_a_text_that_a_steward_lets_through_is_shown_without_a_restart(village):
    village.prompt("waits", state="waiting")
    village.open()
    person = village.person()
    assert village.next(person) is None
    with village.store.reading() as connection:
        found = connection.execute(select(text.c.id)).scalars().all()

    def approve(connection):
        connection.execute(insert(steward).values(id="s", name="S", communities="", made_at=0))
        for id_ in found:
            connection.execute(update(text).where(text.c.id == id_).values(state="shown"))
            values = {"text": id_, "steward": "s", "decision": "show", "rule": "", "at": 0}
            connection.execute(insert(moderation).values(id=f"m{id_}", **values))

    village.store.write(approve)
    assert _bodies([village.next(person)]) == {"waits yes", "waits no"}


def test_new_texts_are_shown_without_a_restart(village):
    village.open()
    person = village.person()
    assert village.next(person) is None
    village.prompt("new")
    assert village.next(person) is not None


def test_a_text_that_waits_for_a_steward_makes_nobody_wait(village, monkeypatch):
    village.prompt("old")
    village.open()
    person = village.person()
    village.next(person)
    monkeypatch.setattr(village.chooser, "reload", lambda _: pytest.fail("read everything again"))
    village.prompt("waits", state="waiting")
    village.next(person)


def test_an_older_snapshot_of_another_request_takes_nothing_back(village):
    for number in range(4):
        village.prompt(f"q{number}")
    village.open()
    person, other = village.person(), village.person()
    with village.store.reading() as older:
        older.execute(select(text.c.id)).all()  # the snapshot begins with the first read
        village.sit(person, most=2)
        village.next(other)
        with village.chooser.current(older) as chooser:
            assert chooser.answers("MEX").by_person[person.id] == 2
    village.next(other)
    assert village.chooser.answers("MEX").by_person == {person.id: 2}


def test_a_deleted_answer_is_neither_counted_nor_asked_for_again(village):
    for number in range(4):
        village.prompt(f"q{number}")
    village.open()
    person = village.person()
    first, second = village.sit(person, most=2)
    village.store.write(lambda c: delete_answer(c, person.id, first.assignment, village.now))
    third = village.next(person)
    assert third.assignment not in (first.assignment, second.assignment)
    assert village.chooser.answers("MEX").by_person[person.id] == 1


def test_a_changed_answer_changes_the_taste_and_counts_once(village):
    village.prompt("q", responses=("tea please", "coffee please"))
    village.open()
    person = village.person()
    shown = village.next(person)
    village.answer(person, shown, "left")
    village.next(person)
    before = village.chooser.answers("MEX").taste.theta_D
    village.answer(person, shown, "right")
    village.next(person)
    answers = village.chooser.answers("MEX")
    assert answers.taste.theta_D == pytest.approx(-before)
    assert answers.by_person[person.id] == answers.judged_N.sum() == 1


def test_the_chooser_learns_the_same_with_and_without_a_restart(village):
    for number in range(10):
        village.prompt(f"q{number}", responses=("tea and bread", "coffee", "water"))
    village.open()
    for choice in ("left", "right", "tie", "left"):
        person = village.person()
        for _ in range(4):
            village.answer(person, village.next(person), choice)
    village.next(village.person())
    running = village.chooser.answers("MEX")
    village.open()
    fresh = village.chooser.answers("MEX")
    assert fresh.by_person == running.by_person
    assert fresh.judged_N.tolist() == running.judged_N.tolist()
    assert len(fresh.taste) == len(running.taste) == 12


def test_a_phone_gets_several_pairs_at_once_and_no_more_on_asking_again(village):
    for number in range(20):
        village.prompt(f"q{number}")
    village.open()
    person = village.person()

    def ahead(count):
        return next_pairs(
            village.store, village.study, village.chooser, person, village.now, village.rng, count
        )

    five = ahead(5)
    assert len({one.assignment for one in five}) == 5
    assert [one.remaining for one in five] == [12, 11, 10, 9, 8]
    assert ahead(5) == five
    village.answer(person, five[0])
    six = ahead(5)
    assert {one.assignment for one in five[1:]} < {one.assignment for one in six}
    assert len(six) == 5


def test_a_clock_that_is_set_back_takes_no_pair_from_anybody(village):
    for number in range(9):
        village.prompt(f"q{number}")
    village.open()
    person = village.person()
    village.answer(person, village.next(person))
    village.now -= DAY
    shown = village.next(person)
    assert shown is not None
    assert village.next(person).assignment == shown.assignment  # it waits for an answer
    assert len(_stored(village)) == 2


def test_two_tabs_at_once_get_the_same_pair(village):
    for number in range(20):
        village.prompt(f"q{number}")
    village.open()
    person = village.person()
    found = []
    threads = [
        threading.Thread(
            target=lambda seed=seed: found.append(
                next_pair(
                    village.store,
                    village.study,
                    village.chooser,
                    person,
                    village.now,
                    type(village.rng)(type(village.rng.bit_generator)(seed)),
                )
            )
        )
        for seed in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({one.assignment for one in found}) == 1
    assert len(_stored(village)) == 1


def test_an_overlap_pair_is_judged_until_enough_people_have(village):
    for number in range(12):
        village.prompt(f"q{number}")
    village.open(overlap=0.5, informative=0.0, fresh=0.3, overlap_people=3)
    for _ in range(12):
        village.sit(village.person(), most=4)
    counts = Counter(row.pair for row in _stored(village) if row.reason == "overlap")
    assert counts
    assert max(counts.values()) <= 2  # the first of the three was not shown it for overlap


def test_a_person_cannot_give_too_large_a_share_once_there_are_enough_people():
    twenty = Counter({f"p{n}": 12 for n in range(20)})
    assert not over_share(twenty, "p0", 0.05, 12)  # with twenty people no smaller share is possible
    twenty["p20"] = 12
    assert over_share(twenty, "p0", 0.05, 12)
    assert not over_share(twenty, "new", 0.05, 12)
    twenty["p0"] = 11
    assert not over_share(twenty, "p0", 0.05, 12)  # everybody may finish a first sitting


def test_a_study_without_texts_has_no_pair(village):
    village.open()
    assert village.next(village.person()) is None
