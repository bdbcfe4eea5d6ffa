"""Whatever people do, in any order, the store is what a dictionary says.

Hypothesis draws sequences of acts, with replays, restarts and kills between them, and shortens a
sequence after which the store and the dictionary differ.

Faults were planted in the code one at a time, and each made this test fail: sessions kept at a
withdrawal (that erases, or that stops further use), an answer counted twice, a judged text of a
person who withdrew or stopped still shown, a consent not asked for again, a purpose taken back but
still released (by a new release, or on disk), a person left in a release on disk, a hidden text
shown or released, an older version of an answer released, a changed reason lost, answers lost at a
kill, an invitation used twice, a form that joins twice or after a withdrawal, a pause that the
store or the page ignores, the newest answer, consent or pair found by the clock, one version
deleted instead of all, a kept key of personal data, an erased text with its words, and a person's
own text asked about.

Hypothesis draws from constants in the modules that are loaded, so one run differs from the next
even when derandomised. That is why people have answered before the first act, and why the test
counts acts and fails if one is missing.
"""

import shutil
from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import insert, select

from pluralign.collecting.choosing import Chooser, next_pair
from pluralign.collecting.consents import give_consent
from pluralign.collecting.documents import consent_text, publish_documents
from pluralign.collecting.forgetting import forget_withdrawn
from pluralign.collecting.given import erase_text
from pluralign.collecting.leaving_models import leave
from pluralign.collecting.moderating import Verdict, decide
from pluralign.collecting.overview import set_state
from pluralign.collecting.pages.comparing import check_answering, keep_if_open
from pluralign.collecting.pending_withdrawals import finish, narrowed, note_revisions, work_left
from pluralign.collecting.personal import open_personal, people_with_keys
from pluralign.collecting.purposes import allowed
from pluralign.collecting.ratings import Answer, delete_answer
from pluralign.collecting.refusals import ConsentChanged, NotAccepted
from pluralign.collecting.release_files import on_disk, read_release
from pluralign.collecting.released_rows import Uses, contents_of, public_id, release_key
from pluralign.collecting.releasing import make_release
from pluralign.collecting.stewards import Steward
from pluralign.collecting.store.store import open_store
from pluralign.collecting.store.tables import (
    assignment,
    metadata,
    participant,
    rating,
    session,
    steward,
    text,
)
from pluralign.collecting.study import open_study
from pluralign.collecting.taking_part import (
    Person,
    invite_people,
    join,
    person_of,
    session_with_key,
)
from pluralign.collecting.text_queue import judged_text
from pluralign.collecting.verifying import verify
from pluralign.collecting.withdrawing import withdraw
from pluralign.collecting.written_texts import NewText, add_text
from pluralign.core import NotEnoughData

NOW = 1_800_000_000
STUDY = """
id = "any-order"
languages = ["en"]
release.floor = 1
withdrawal = "{scope}"

[[communities]]
id = "MEX"

[texts.en]
title = "Any order"
about = "A study for tests."
consent = "You agree to version {version}."
policy = "Be kind."
read_by = "the tests"
"""
SCOPES = st.sampled_from(["erase", "stop"])
CHOICES = st.sampled_from(["left", "right", "tie", "both-bad", "dont-know"])
PURPOSES = st.sets(st.sampled_from(["train", "evaluate"])).map(lambda some: {"collect", *some})
CLOCK = st.sampled_from([-90_000, -60, -1, 0, 60, 90_000])
"""Seconds by which the clock of the server is moved; often backwards."""
OFTEN = st.sampled_from([True, True, False])
ONE = st.integers(0, 5)
"""Which person, answer or text an act is about."""
KEY = b"a key of a release"
ANA = Steward("s-Ana", "Ana", frozenset())
ACTS = (
    "an answer was kept",
    "an answer was changed",
    "an answer was changed after the clock was set back",
    "an answer was sent again",
    "an answer of the newest version was deleted",
    "a consent was asked for again",
    "a consent was narrowed after a release",
    "a person with answers withdrew",
    "a person whose text was judged withdrew",
    "a person withdrew from a study that only stops",
    "a text was shown to others",
    "a text was hidden",
    "a text was erased",
    "an invitation for one was used again",
    "a paused study refused an answer",
    "a killed server had answers",
    "a release lost a person",
)
"""The acts that a run is worthless without: the test counts them."""


@dataclass
class _Person:
    key: str
    invitation: str
    form: str
    token: str
    purposes: set[str]
    version: int  # of the consent text that they agreed to
    answers: dict[str, list[tuple[str, str | None]]] = field(default_factory=dict)
    about: str = ""
    stopped: bool = False


@dataclass
class _Text:
    body: str
    state: str
    author: str | None


def has_people(machine) -> bool:
    return bool(machine.people)


def _one_of(ids: list[str], which: int) -> str:
    return ids[which % len(ids)]


class AnyOrder(RuleBasedStateMachine):
    """A study, and dictionaries of what its people have done."""

    def __init__(self, scratch: Path, happened: Counter[str]) -> None:
        super().__init__()
        self.scratch, self.happened = scratch / f"run {len(list(scratch.iterdir()))}", happened
        self.numbers, self.now = count(), NOW
        self.moments: set[int] = set()
        self.rng = np.random.default_rng(0)
        self.model: dict[str, _Person] = {}
        self.texts: dict[str, _Text] = {}
        self.seen: dict[str, tuple[str, set[str]]] = {}  # assignment -> person, texts
        self.gone: dict[str, _Person] = {}
        self.shown: list[str] = []
        self.written: list[str] = []
        self.version = 1
        self.open = ExitStack()

    @initialize(scope=SCOPES, choices=st.tuples(*[CHOICES] * 8))
    def a_study_whose_people_have_answered(self, scope, choices):
        self.scope = scope
        template, self.token = _ready_study(self.scratch.parent, scope)
        self.folder = Path(shutil.copytree(template, self.scratch))
        self._open()
        with self.store.reading() as c:
            rows = c.execute(select(text.c.id, text.c.body, text.c.state)).all()
        self.texts = {row.id: _Text(row.body, row.state, None) for row in rows}
        self.prompt = next(id_ for id_, one in self.texts.items() if one.body == "Prompt 0?")
        for who in range(4):
            self.somebody_joins({"collect", "train"}, alone=who == 0)
            self.a_person_describes_themselves_and_writes_an_answer(who, "a", judged=who > 0)
        for k, choice in enumerate(choices):
            self.a_person_asks_for_a_pair(k % 4)
            self.a_person_answers(k, choice, None, again=False, offline=False, moved=0)
        # Once in every sequence, because chance may leave these out of all of them:
        self.a_person_answers(0, "tie", "a", again=False, offline=True, moved=-60)
        self.a_person_answers(0, "tie", "a", again=True, offline=True, moved=0)
        self.a_steward_decides(0, shows=False)
        self.a_release_is_made()
        self.a_person_consents_again(0, {"collect", "evaluate"}, 0, old=False, finishes=False)
        self.a_person_deletes_an_answer(1)
        self.the_study_has_a_pause(0, starts_again=False)
        self.the_consent_text_changes(0)
        self.the_server_starts_again(killed=True)
        self.a_person_withdraws(2, finishes=True, wrote=True)

    @property
    def people(self) -> list[str]:
        return [id_ for id_, one in self.model.items() if not one.stopped]

    def _open(self) -> None:
        self.study = open_study(self.folder)
        self.store = self.open.enter_context(open_store(self.folder))
        self.personal = self.open.enter_context(open_personal(self.folder))
        self.chooser = Chooser(self.store, self.study)

    def teardown(self) -> None:
        self.open.close()
        for folder in self.scratch.parent.glob(f"{self.scratch.name}*"):
            shutil.rmtree(folder)

    def _join(self, token: str, form: str, purposes: set[str]):
        with self.store.reading() as c:
            document = consent_text(c, "en").id
        return self.store.write(
            lambda c: join(
                c, self.study.secret, token, form=form, document_id=document,
                purposes=purposes, language="en", now=self.now,
            )
        )  # fmt: skip

    @rule(purposes=PURPOSES, alone=st.booleans())
    def somebody_joins(self, purposes, alone):
        """With an invitation for many or for one; the same form is sent twice."""
        form, token = f"form {next(self.numbers)}", self.token
        if alone:
            token = self.store.write(lambda c: _invite(c, self.study, uses=1))
        joined = self._join(token, form, purposes)
        again = self._join(token, form, purposes)
        assert (again.participant, again.key) == (joined.participant, joined.key)
        if alone:
            with pytest.raises(NotAccepted, match="cannot be used any more"):
                self._join(token, f"{form} of somebody else", purposes)
            self.happened["an invitation for one was used again"] += 1
        self.model[joined.participant] = _Person(
            joined.key, token, form, joined.token, purposes, self.version
        )

    def _visitor(self, person: str) -> Person:
        """The person of the cookie that they have had since they joined."""
        one = self.model[person]
        with self.store.reading() as c:
            found = person_of(c, self.study.secret, one.token, self.now)
        assert found is not None
        assert found.id == person
        return found

    @precondition(has_people)
    @rule(who=ONE, purposes=PURPOSES, moved=CLOCK, old=st.booleans(), finishes=st.booleans())
    def a_person_consents_again(self, who, purposes, moved, old, finishes):
        self.now += moved
        person = _one_of(self.people, who)
        before = self.model[person]
        if old and self.version > 1:
            with self.store.reading() as c:
                first = _first_document(c)
            with pytest.raises(ConsentChanged):
                self.store.write(lambda c: give_consent(c, person, first, purposes, self.now))
            return
        if on_disk(self.folder) and before.purposes - purposes:
            self.happened["a consent was narrowed after a release"] += 1
        self._consent(person, purposes)
        if finishes:
            self.the_operator_finishes_what_is_pending()

    def _consent(self, person: str, purposes: set[str]) -> None:
        with self.store.reading() as c:
            newest = consent_text(c, "en").id
        self.store.write(lambda c: give_consent(c, person, newest, purposes, self.now))
        self.model[person].purposes, self.model[person].version = purposes, self.version

    @precondition(lambda self: self.seen)
    @rule(which=ONE)
    def the_consent_text_changes(self, which):
        self.version += 1
        _write_study(self.folder, self.scope, self.version)
        self.study = open_study(self.folder)
        self.store.write(lambda c: publish_documents(c, self.study.settings, self.now))
        id_ = _one_of(list(self.seen), which)
        with pytest.raises(NotAccepted) as refused:
            self._keep(self.seen[id_][0], Answer(id_, "left", reason="to an older text"))
        self.happened["a consent was asked for again"] += refused.type is ConsentChanged

    @precondition(has_people)
    @rule(who=ONE, words=st.text("ab", max_size=3), judged=st.booleans())
    def a_person_describes_themselves_and_writes_an_answer(self, who, words, judged):
        person = _one_of(self.people, who)
        self.personal.keep(person, {"region": words})
        self.model[person].about = words
        body = f"Answer {next(self.numbers)}."
        new = NewText(
            "response", body, "en", "MEX", self.prompt, person, "people", "CC0-1.0", "waiting"
        )
        id_ = self.store.write(lambda c: add_text(c, new, self.now))
        self.texts[id_] = _Text(body, "waiting", person)
        self.written.append(id_)
        if judged:
            self.a_steward_decides(-1, shows=True)

    @precondition(lambda self: self.written)
    @rule(which=ONE, shows=st.booleans())
    def a_steward_decides(self, which, shows):
        text_id = _one_of(self.written, which)
        known = self.texts.get(text_id)
        if known is None or not known.body:
            with pytest.raises(NotAccepted, match="no such text"):
                self._decide(text_id, shows)
            return
        if shows and known.author is not None and self.model[known.author].stopped:
            with suppress(NotAccepted):  # or nothing happens: the same decision was made before
                self._decide(text_id, shows)
            return  # it stays hidden
        self._decide(text_id, shows)
        known.state = "shown" if shows else "hidden"
        self.happened["a text was hidden"] += not shows

    def _decide(self, text_id: str, shows: bool) -> None:
        def write(c):
            found = judged_text(c, ANA, text_id)
            verdict = Verdict("show" if shows else "hide", "insult", None, found.seen)
            decide(c, ANA, text_id, verdict, self.now)

        self.store.write(write)

    @precondition(lambda self: self.written)
    @rule(which=ONE)
    def a_person_erases_a_text(self, which):
        text_id = _one_of(self.written, which)
        known = self.texts.get(text_id)
        if known is None or known.author is None or self.model[known.author].stopped:
            return
        self.store.write(lambda c: erase_text(c, known.author, text_id, self.now))
        known.body, known.state = "", "hidden"
        self.happened["a text was erased"] += 1

    @precondition(has_people)
    @rule(who=ONE, moved=CLOCK)
    def a_person_asks_for_a_pair(self, who, moved=0):
        self.now += moved
        person = _one_of(self.people, who)
        visitor = self._visitor(person)
        if self.model[person].version < self.version:
            with self.store.reading() as c, pytest.raises(ConsentChanged):
                check_answering(c, visitor)
            self._consent(person, self.model[person].purposes)
        one = next_pair(self.store, self.study, self.chooser, visitor, self.now, self.rng)
        if one is None:
            return
        again = next_pair(self.store, self.study, self.chooser, visitor, self.now, self.rng)
        assert again is not None
        assert again.assignment == one.assignment  # it waits for an answer
        texts = {side.id: side.body for side in (one.prompt, one.left, one.right)}
        shown = {id_: known.body for id_, known in self.texts.items() if known.state == "shown"}
        assert texts.items() <= shown.items()
        authors = {self.texts[id_].author for id_ in texts}
        assert person not in authors
        self.happened["a text was shown to others"] += authors != {None}
        if one.assignment in self.seen:
            assert self.seen[one.assignment] == (person, set(texts))
            return
        self.seen[one.assignment] = (person, set(texts))
        self.shown.append(one.assignment)

    @precondition(lambda self: self.shown)
    @rule(
        which=ONE, choice=CHOICES, reason=st.sampled_from([None, "a"]), again=st.booleans(),
        offline=st.booleans(), moved=CLOCK,
    )  # fmt: skip
    def a_person_answers(self, which, choice, reason, again, offline, moved):
        """For the first time, differently, or by sending the same answer again."""
        self.now += moved
        id_ = _one_of(self.shown, which)
        person = self._of(id_)
        if person is None:
            return
        one = self.model[person]
        versions = one.answers.get(id_, [])
        if again and versions:
            choice, reason = versions[-1]
        # A moment of its own: the same answer of the same moment would be a replay.
        made = self._own_moment() if offline else None
        answer = Answer(id_, choice, reason=reason, made_at=made, offline=offline)
        same = versions[-1:] == [(choice, reason)]
        if not same and one.version < self.version:
            with pytest.raises(ConsentChanged):
                self._keep(person, answer)
            self.happened["a consent was asked for again"] += 1
            self._consent(person, one.purposes)
        kept = self._keep(person, answer)
        assert kept.again == same
        if not same:
            versions = one.answers.setdefault(id_, [])
            versions.append((choice, reason))
            self.happened["an answer was changed after the clock was set back"] += (
                len(versions) > 1 and moved < 0
            )
        assert kept.version == len(versions)
        kind = "sent again" if same else "kept" if len(versions) == 1 else "changed"
        self.happened[f"an answer was {kind}"] += 1

    def _own_moment(self) -> int:
        made = self.now + next(self.numbers)
        while made in self.moments:  # the clock may have been set back
            made += 1
        self.moments.add(made)
        return made

    def _of(self, id_: str) -> str | None:
        """The person of an assignment; None after a check that nobody can answer it any more."""
        known = self.seen.get(id_)
        if known is not None and not self.model[known[0]].stopped:
            return known[0]
        for person in {*self.gone, *([known[0]] if known else [])}:
            with pytest.raises(NotAccepted):
                self._keep(person, Answer(id_, "left", reason="after the end"))
        return None

    def _keep(self, person: str, answer: Answer):
        visitor = self._visitor(person) if self._takes_part(person) else Person(person, "MEX", "en")
        return self.store.write(lambda c: keep_if_open(c, visitor, answer, self.now))

    def _takes_part(self, person: str) -> bool:
        return person in self.model and not self.model[person].stopped

    @precondition(lambda self: self.seen)
    @rule(which=ONE, starts_again=st.booleans())
    def the_study_has_a_pause(self, which, starts_again):
        id_ = _one_of(list(self.seen), which)
        self.store.write(lambda c: set_state(c, self.study.settings.id, "paused", self.now))
        if starts_again:
            self.the_server_starts_again(killed=False)
        with pytest.raises(NotAccepted):
            self._keep(self.seen[id_][0], Answer(id_, "left", reason="in the pause"))
        self.happened["a paused study refused an answer"] += 1
        self.store.write(lambda c: set_state(c, self.study.settings.id, "open", self.now))

    @precondition(lambda self: self.shown)
    @rule(which=ONE)
    def a_person_deletes_an_answer(self, which):
        id_ = _one_of(self.shown, which)
        person = self._of(id_)
        if person is None:
            return
        deleted = self.store.write(lambda c: delete_answer(c, person, id_, self.now))
        versions = self.model[person].answers.pop(id_, [])
        assert deleted == len(versions)
        self.happened["an answer of the newest version was deleted"] += bool(versions)

    @precondition(has_people)
    @rule(who=ONE, finishes=st.booleans(), wrote=OFTEN)
    def a_person_withdraws(self, who, finishes, wrote):
        judged = {self.texts[id_].author for _, texts in self.seen.values() for id_ in texts}
        authors = [person for person in self.people if person in judged]
        person = _one_of(authors if wrote and authors else self.people, who)
        receipt = self.store.write(lambda c: withdraw(c, self.study, person, self.now))
        left = self.model[person]
        assert receipt.answers == sum(1 for versions in left.answers.values() if versions)
        self.happened["a person with answers withdrew"] += receipt.answers > 0
        own = {id_: known for id_, known in self.texts.items() if known.author == person}
        by_others = {id_ for other, texts in self.seen.values() if other != person for id_ in texts}
        self.happened["a person whose text was judged withdrew"] += not by_others.isdisjoint(own)
        if self.scope == "stop":
            left.stopped, left.purposes = True, set()
            self.happened["a person withdrew from a study that only stops"] += 1
            for known in own.values():
                known.state = "hidden"
        else:
            assert forget_withdrawn(self.store, self.personal) == 1
            self._erase(person, own)
        with self.store.reading() as c:
            assert person_of(c, self.study.secret, left.token, self.now) is None
        if finishes:
            self.the_operator_finishes_what_is_pending()

    def _erase(self, person: str, own: dict[str, _Text]) -> None:
        left = self.gone[person] = self.model.pop(person)
        with pytest.raises(NotAccepted, match="does not open anything"):
            self.store.write(lambda c: session_with_key(c, self.study.secret, left.key, self.now))
        with pytest.raises(NotAccepted, match="cannot be used any more"):
            self._join(left.invitation, left.form, {"collect"})
        self.seen = {id_: known for id_, known in self.seen.items() if known[0] != person}
        judged = {id_ for _, texts in self.seen.values() for id_ in texts}
        for id_, known in own.items():
            if id_ in judged:
                known.body, known.state, known.author = "", "hidden", None
            else:
                del self.texts[id_]

    @rule(killed=OFTEN)
    def the_server_starts_again(self, killed):
        """After an orderly end; or with the files as they were before it, as after a kill."""
        if killed:
            number = next(self.numbers)
            stopped, self.folder = (
                self.folder,
                self.scratch.with_name(f"{self.scratch.name} start {number}"),
            )
            shutil.copytree(stopped, self.folder)
            answered = any(one.answers for one in self.model.values())
            self.happened["a killed server had answers"] += answered
        self.open.close()
        self._open()

    @rule()
    def a_release_is_made(self):
        random = next(self.numbers).to_bytes(4, "big")
        try:
            make_release(self.store, self.study, ["train"], ["Ana"], random, self.now)
        except NotEnoughData:
            assert not self._expected("train")

    @rule()
    def the_operator_finishes_what_is_pending(self):
        before = {id_: self._people_in(id_) for id_ in on_disk(self.folder)}
        cache = self.scratch.parent / "cache"
        with self.store.reading() as c:
            left = work_left(c)
        for work in left:
            leave(self.folder, work, cache=cache)
            of = work.withdrawal
            self.store.write(lambda c, of=of: finish(c, self.folder, of, [], self.now))
        with self.store.reading() as c:
            work = narrowed(c, self.study)
        leave(self.folder, work, cache=cache)
        self.store.write(lambda c: note_revisions(c, self.folder, work.traces, self.now))
        agreeing = {id_ for id_, one in self.model.items() if self._agrees(one, "train")}
        for id_, people in before.items():
            key = release_key(self.study.secret, id_)
            now = self._people_in(id_)
            assert now <= {public_id(key, "rater", one) for one in agreeing}
            self.happened["a release lost a person"] += len(people) > len(now)

    def _people_in(self, release: str) -> set[str]:
        if release not in on_disk(self.folder):
            return set()
        _, contents = read_release(self.folder / "releases" / release)
        return {row["rater"] for row in contents.answers}

    @staticmethod
    def _agrees(one: _Person, purpose: str) -> bool:
        return not one.stopped and allowed([purpose], " ".join(one.purposes))

    def _expected(self, purpose: str) -> Counter[tuple[str, str]]:
        """Newest answers of exactly the people who consent, to texts that are usable."""
        agreeing = {id_ for id_, one in self.model.items() if self._agrees(one, purpose)}
        usable = {
            id_
            for id_, known in self.texts.items()
            if known.state == "shown" and (known.author is None or known.author in agreeing)
        }
        found = Counter(
            (public_id(KEY, "rater", person), versions[-1][0])
            for person in agreeing
            for id_, versions in self.model[person].answers.items()
            if versions and self.seen[id_][1] <= usable
        )
        with_choice = any(choice in ("left", "right") for _, choice in found)
        return found if with_choice else Counter()  # else: below the floor of one person

    @invariant()
    def the_store_is_what_the_dictionary_says(self):
        answers = {
            (id_, version, *given)
            for person in self.model.values()
            for id_, versions in person.answers.items()
            for version, given in enumerate(versions, 1)
        }
        columns = rating.c.assignment, rating.c.version, rating.c.choice, rating.c.reason
        with self.store.reading() as c:
            assert {tuple(row) for row in c.execute(select(*columns))} == answers
            assert set(c.execute(select(assignment.c.id)).scalars()) == set(self.seen)
            assert set(c.execute(select(participant.c.id)).scalars()) == set(self.model)
            sessions = set(c.execute(select(session.c.participant)).scalars())
            stored = c.execute(select(text.c.id, text.c.body, text.c.state, text.c.author))
            assert {row.id: _Text(*row[1:]) for row in stored} == self.texts
            checks = verify(c, self.study.settings, people_with_keys(self.folder), None)
        assert sessions == {id_ for id_, one in self.model.items() if not one.stopped}
        assert [check for check in checks if check.problem] == []
        about = {person: {"region": one.about} for person, one in self.model.items() if one.about}
        assert {id_: self.personal.read(id_) for id_ in about} == about

    @invariant()
    def nothing_of_a_person_who_left_is_in_any_table(self):
        if not self.gone:
            return
        with self.store.reading() as c:
            cells = {
                cell
                for table in metadata.sorted_tables
                if table.name != "audit"  # ids and digests, for ever
                for row in c.execute(select(table))
                for cell in row
            }
        assert cells.isdisjoint(self.gone)
        assert people_with_keys(self.folder).isdisjoint(self.gone)

    @invariant()
    def a_release_has_the_newest_answers_of_exactly_the_people_who_consent_to_it(self):
        for asked in ("train", "evaluate"):
            with self.store.reading() as c:
                rows = contents_of(c, self.study.settings, Uses.of([asked]), KEY, {"MEX"}).answers
            found = Counter((row["rater"], row["choice"]) for row in rows)
            assert found == self._expected(asked)


def _invite(c, study, uses: int) -> str:
    return invite_people(c, study.secret, "MEX", uses=uses, seconds=10**9, now=NOW - 10**8)


def _first_document(c) -> str:
    documents = metadata.tables["document"]
    first = (documents.c.kind == "consent", documents.c.version == 1)
    return c.execute(select(documents.c.id).where(*first)).scalar_one()


def _write_study(folder: Path, scope: str, version: int) -> None:
    filled = STUDY.format(scope=scope, version=version)
    (folder / "study.toml").write_text(filled, encoding="utf-8")


@cache
def _ready_study(scratch: Path, scope: str) -> tuple[Path, str]:
    """The folder of a study with three pairs, to be copied; and an invitation for many."""
    folder = scratch / scope
    folder.mkdir()
    _write_study(folder, scope, 1)
    study = open_study(folder)

    def fill(c) -> str:
        publish_documents(c, study.settings, NOW)
        c.execute(insert(steward).values(id=ANA.id, name=ANA.name, communities="", made_at=NOW))
        for k in range(3):
            shared = ("en", None)
            by = (None, "study", "CC0-1.0", "shown")
            prompt = add_text(c, NewText("prompt", f"Prompt {k}?", *shared, None, *by), NOW)
            for body in ("Yes", "No"):
                add_text(c, NewText("response", f"{body} {k}.", *shared, prompt, *by), NOW)
        return _invite(c, study, uses=999)

    with open_store(folder) as store, open_personal(folder):
        return folder, store.write(fill)


@pytest.mark.slow
def test_after_any_order_of_acts_the_store_is_what_a_dictionary_says(tmp_path: Path):
    happened: Counter[str] = Counter()
    run_state_machine_as_test(
        lambda: AnyOrder(tmp_path, happened),
        settings=settings(
            max_examples=30,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert [act for act in ACTS if not happened[act]] == []
    assert set(happened) <= set(ACTS)
