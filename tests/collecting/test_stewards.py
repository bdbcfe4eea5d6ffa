"""Stewards: their links, what they decide, and what they see."""

from dataclasses import replace

import pytest
from sqlalchemy import select, update

from pluralign.collecting import audit_log
from pluralign.collecting.coverage import (
    CoveredAnswer,
    KnownCoverage,
    agreement,
    consistency,
    coverage,
)
from pluralign.collecting.moderating import Verdict, decide, decisions, report_text
from pluralign.collecting.operations import perform
from pluralign.collecting.proposals import agree, open_proposals, take_back
from pluralign.collecting.ratings import delete_answer
from pluralign.collecting.refusals import NotAccepted
from pluralign.collecting.stewards import (
    LINK_SECONDS,
    SESSION_SECONDS,
    Steward,
    add_steward,
    enter,
    new_link,
    revoke_steward,
    steward_of,
)
from pluralign.collecting.store.tables import assignment, audit, flag, rating, text
from pluralign.collecting.text_queue import queue, waiting_count
from pluralign.collecting.withdrawing import withdraw
from pluralign.core import InvalidInput

BOTH_DATABASES = True
NOW = 1_800_000_000
DAY = 86_400
ANA, BEN = Steward("s-Ana", "Ana", frozenset()), Steward("s-Ben", "Ben", frozenset({"MEX"}))
TEXT = {"language": "en", "state": "waiting", "community": "MEX"}


def test_a_link_lets_a_steward_in_once(store, study):
    token = store.write(lambda c: add_steward(c, study.secret, "Ana", ["MEX"], now=NOW))
    session = store.write(lambda c: enter(c, study.secret, token, NOW))
    with store.reading() as c:
        found = steward_of(c, study.secret, session, NOW)
        assert (found.name, found.communities) == ("Ana", {"MEX"})
        assert steward_of(c, study.secret, session, NOW + SESSION_SECONDS) is None
    for _ in range(2):
        with pytest.raises(NotAccepted, match="cannot be used any more"):
            store.write(lambda c: enter(c, study.secret, token, NOW))


def test_a_link_expires_and_a_new_one_is_for_the_same_steward(store, study):
    old = store.write(lambda c: add_steward(c, study.secret, "Ana", [], now=NOW))
    with pytest.raises(NotAccepted):
        store.write(lambda c: enter(c, study.secret, old, NOW + LINK_SECONDS))
    new = store.write(lambda c: new_link(c, study.secret, "Ana", now=NOW + LINK_SECONDS))
    assert store.write(lambda c: enter(c, study.secret, new, NOW + LINK_SECONDS))


def test_a_revoked_steward_is_out_at_once_and_the_name_stays_taken(store, study):
    token = store.write(lambda c: add_steward(c, study.secret, "Ana", [], now=NOW))
    session = store.write(lambda c: enter(c, study.secret, token, NOW))
    unused = store.write(lambda c: new_link(c, study.secret, "Ana", now=NOW))
    store.write(lambda c: revoke_steward(c, "Ana", NOW))
    with store.reading() as c:
        assert steward_of(c, study.secret, session, NOW) is None
    with pytest.raises(NotAccepted):
        store.write(lambda c: enter(c, study.secret, unused, NOW))
    for act in (new_link, add_steward):
        more = ([],) if act is add_steward else ()
        with pytest.raises(InvalidInput, match="steward 'Ana'"):
            store.write(lambda c, act=act, more=more: act(c, study.secret, "Ana", *more, now=NOW))


def test_the_operator_adds_lists_and_revokes_stewards(store, study):
    added = {"name": "Ben", "communities": ["MEX"]}
    assert perform(store, study, "steward-add", added, NOW)["token"]
    with pytest.raises(InvalidInput, match="no community FRA"):
        perform(store, study, "steward-add", {"name": "Zoe", "communities": ["FRA"]}, NOW)
    perform(store, study, "steward-revoke", {"name": "Ben"}, NOW)
    [listed] = perform(store, study, "stewards", {}, NOW)["stewards"]
    assert (listed["name"], listed["communities"], listed["revoked_at"]) == ("Ben", ["MEX"], NOW)


@pytest.mark.parametrize("name", ["", "  ", "--"])
def test_a_steward_without_a_name_is_refused_in_the_words_of_a_command(store, study, name):
    with pytest.raises(InvalidInput, match="a steward needs a name"):
        perform(store, study, "steward-add", {"name": name, "communities": []}, NOW)


@pytest.fixture
def moderated(filling):
    """People of both communities; one of each has written a prompt that waits."""
    filling.steward("Ben", "MEX")
    mexican, hill = filling.people("MEX", 2)[0], filling.people("~hill", 2)[0]

    def wrote(c):
        return [
            filling.text(c, "prompt", "¿Qué es la paz?", author=mexican, **TEXT),
            filling.text(c, "prompt", "Peace?", author=hill, **TEXT | {"community": "~hill"}),
        ]

    filling.written = filling.store.write(wrote)
    filling.authors = mexican, hill
    return filling


def _decide(store, by, text_id, *given, **more):
    store.write(lambda c: decide(c, by, text_id, Verdict(*given, **more), NOW))


def test_a_steward_sees_and_decides_about_texts_of_their_communities_alone(moderated):
    store, (mexican, hill) = moderated.store, moderated.written
    with store.reading() as c:
        assert [one.id for one in queue(c, BEN)] == [mexican]
        assert {one.id for one in queue(c, ANA)} == {mexican, hill}
        assert waiting_count(c, ANA) == 2
    with pytest.raises(NotAccepted) as refused:
        _decide(store, BEN, hill, "show")
    assert refused.value.status == 404
    _decide(store, BEN, mexican, "hide", "other", "Not clear.")
    with store.reading() as c:
        assert queue(c, BEN) == []
        [made] = decisions(c, BEN)
        assert (made.by, made.decision, made.rule, made.note) == (
            "Ben", "hide", "other", "Not clear.",
        )  # fmt: skip
        assert c.execute(select(text.c.state, text.c.body).where(text.c.id == mexican)).one() == (
            "hidden", "¿Qué es la paz?",
        )  # fmt: skip
        newest = c.execute(select(audit).order_by(audit.c.seq.desc()).limit(1)).one()
        assert (newest.actor, newest.action) == ("steward s-Ben", "text hidden (other)")


def test_a_decision_counts_once_and_is_made_on_what_the_steward_has_seen(moderated):
    store, (id_, _) = moderated.store, moderated.written
    with pytest.raises(NotAccepted, match="choose the rule"):
        _decide(store, ANA, id_, "hide", "opinion")
    for _ in range(2):
        _decide(store, ANA, id_, "hide", "insult")
    with store.reading() as c:
        assert len(decisions(c, ANA)) == 1
    with pytest.raises(NotAccepted, match="decided about this text meanwhile"):
        _decide(store, BEN, id_, "show", seen="")
    with store.reading() as c:
        seen = decisions(c, BEN)[0].id
    _decide(store, BEN, id_, "show", seen=seen)
    with store.reading() as c:
        assert [one.decision for one in decisions(c, ANA)] == ["show", "hide"]


def test_a_report_of_a_shared_text_is_seen_by_the_persons_steward_and_decided_by_one_of_all(
    moderated,
):
    store, person = moderated.store, moderated.authors[0]
    with store.reading() as c:
        shared = c.execute(select(text.c.id).where(text.c.kind == "response")).scalars().first()
    for _ in range(2):
        store.write(lambda c: report_text(c, shared, person, "It is rude.", NOW))
    with store.reading() as c:
        first = queue(c, BEN)[0]
        assert (first.id, first.decides) == (shared, False)
        assert [one.reason for one in first.reports] == ["It is rude."]
        hill = Steward("s", "Eve", frozenset({"~hill"}))
        assert shared not in [one.id for one in queue(c, hill)]
    with pytest.raises(NotAccepted, match="steward of all communities"):
        _decide(store, BEN, shared, "hide", "insult")
    _decide(store, ANA, shared, "show")
    with store.reading() as c:
        assert c.execute(select(flag.c.settled_by)).scalar() is not None
        assert shared not in [one.id for one in queue(c, ANA)]
    store.write(lambda c: report_text(c, shared, person, "Still rude.", NOW))
    with store.reading() as c:
        assert queue(c, ANA)[0].id == shared


def test_the_text_of_a_person_who_stopped_is_not_shown_again(moderated):
    store, (id_, _) = moderated.store, moderated.written
    settings = moderated.study.settings.model_copy(update={"withdrawal": "stop"})
    stopped = replace(moderated.study, settings=settings)
    store.write(lambda c: withdraw(c, stopped, moderated.authors[0], NOW))
    with pytest.raises(NotAccepted, match="withdrew"):
        _decide(store, ANA, id_, "show")


def test_a_release_is_made_of_a_proposal_with_those_who_agreed(filling):
    store, study = filling.store, filling.study
    filling.steward("Ben", "MEX")
    for community in ("MEX", "~hill"):
        filling.people(community, 10)
    perform(store, study, "propose", {"purposes": ["train"]}, NOW)
    [found] = perform(store, study, "propose", {"purposes": ["train"]}, NOW)["proposals"]
    given = {"purposes": [], "stewards": [], "proposal": found["id"]}
    with pytest.raises(InvalidInput, match="no steward is named"):
        perform(store, study, "release", given, NOW)
    store.write(lambda c: agree(c, ANA, found["id"], NOW))
    store.write(lambda c: take_back(c, ANA, found["id"], NOW))
    for _ in range(2):
        store.write(lambda c: agree(c, BEN, found["id"], NOW))
    made = perform(store, study, "release", given, NOW)
    assert list(made["communities"]) == ["MEX"]
    with store.reading() as c:
        assert open_proposals(c, NOW) == []
        assert audit_log.broken_at(c) is None
        acts = c.execute(select(audit.c.action).where(audit.c.actor == ANA.actor)).scalars()
        assert list(acts) == ["proposed release agreed to", "agreement taken back"]
    with pytest.raises(NotAccepted, match="made already"):
        store.write(lambda c: agree(c, ANA, found["id"], NOW))


def test_coverage_shows_thin_communities_first_and_nothing_below_the_floor(filling):
    filling.people("MEX", 12)
    filling.people("~hill", 2)
    store, settings = filling.store, filling.study.settings
    with store.reading() as c:
        assert all(one.answered == 0 for one in coverage(c, settings, ANA, NOW))
        thin, mexico = coverage(c, settings, ANA, NOW + DAY)
        assert [one.community for one in coverage(c, settings, BEN, NOW + DAY)] == ["MEX"]
    assert (thin.community, thin.answered, thin.floor, thin.answers) == ("~hill", 2, 3, None)
    assert (thin.shares, thin.consistency, thin.agreement) == (None, None, None)
    assert (mexico.answered, mexico.missing, mexico.answers) == (12, 38, 72)
    assert (mexico.anchors, mexico.left.n_raters) == (72, 12)
    assert mexico.agreement.n_raters == 12
    assert mexico.agreement.low < mexico.agreement.value < mexico.agreement.high


def test_coverage_is_counted_once_a_day_and_again_after_a_deletion(filling, monkeypatch):
    filling.people("MEX", 12)
    counted = []

    def counting(*given):
        counted.append(given)
        return coverage(*given)

    monkeypatch.setattr("pluralign.collecting.coverage.coverage", counting)
    known, settings = KnownCoverage(), filling.study.settings

    def look(now=NOW + DAY):
        with filling.store.reading() as c:
            assert known.of(c, settings, ANA, now) == coverage(c, settings, ANA, now)
            assert known.of(c, settings, BEN, now) == coverage(c, settings, BEN, now)

    look()
    look()
    assert len(counted) == 2  # once for each steward
    with filling.store.reading() as c:
        one = c.execute(select(assignment).limit(1)).one()
    filling.store.write(lambda c: delete_answer(c, one.participant, one.id, NOW + DAY))
    look()
    assert len(counted) == 4
    look(NOW + 2 * DAY)
    assert len(counted) == 6


def test_a_number_of_fewer_people_than_the_floor_is_not_shown(filling):
    filling.people("MEX", 12)

    def repeat(c):
        rows = c.execute(select(assignment.c.id, assignment.c.participant)).all()
        some = {row.participant: row.id for row in rows}
        for person in sorted(some)[:3]:
            old = c.execute(select(assignment).where(assignment.c.id == some[person])).one()
            again = filling.answer(c, person, old.pair, shown_as="repeat")
            c.execute(update(assignment).where(assignment.c.id == again).values(repeats=old.id))

    filling.store.write(repeat)
    with filling.store.reading() as c:
        [mexico] = coverage(c, filling.study.settings, BEN, NOW + DAY)
        assert c.execute(select(rating.c.id)).all()
    assert mexico.consistency is None
    assert mexico.shares["tie"].n_raters == 12


def _given(person, pair, choice, repeats=None, anchor=True):
    sided = {"first": True, "second": False}.get(choice)
    id_ = f"{person} {pair} {repeats}"
    return CoveredAnswer(person, "MEX", pair, id_, repeats, anchor, choice, sided, 0.0)


def test_consistency_and_agreement_recover_what_was_planted():
    people = [f"p{k}" for k in range(20)]
    first = [_given(one, "a", "first") for one in people]
    again = [
        _given(one, "a", "first" if k % 4 else "tie", repeats=f"{one} a None")
        for k, one in enumerate(people)
    ]
    found = consistency(first + again)
    assert (found.value, found.n, found.n_raters) == (0.75, 20, 20)
    assert found.low < 0.75 < found.high
    split = [_given(one, "b", "first" if k < 15 else "second") for k, one in enumerate(people)]
    assert agreement(split).value == 0.75
    assert agreement(first[:1]) is None
    assert consistency(first) is None
