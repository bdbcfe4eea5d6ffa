"""Whatever people do, in any order, the store is what a dictionary says.

Hypothesis draws sequences of acts, with replays, restarts and crashes between them, and shortens a
sequence after which the store and the dictionary differ.
"""

import shutil
import tempfile
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)
from sqlalchemy import insert, select

from pluralign.collecting.consents import give_consent
from pluralign.collecting.documents import publish_documents
from pluralign.collecting.personal import open_personal, people_with_keys
from pluralign.collecting.purposes import allowed
from pluralign.collecting.ratings import Answer, delete_answer, keep_answer
from pluralign.collecting.refusals import NotAccepted
from pluralign.collecting.released_rows import Uses, contents_of, public_id
from pluralign.collecting.store.store import open_store
from pluralign.collecting.store.tables import (
    assignment,
    document,
    metadata,
    pair,
    participant,
    rating,
    text,
)
from pluralign.collecting.study import open_study
from pluralign.collecting.taking_part import invite_people, join, session_with_key
from pluralign.collecting.verifying import verify
from pluralign.collecting.withdrawing import withdraw
from pluralign.collecting.written_texts import NewText, add_text

NOW = 1_800_000_000
STUDY = """
id = "any-order"
languages = ["en"]
release.floor = 1

[[communities]]
id = "MEX"

[texts.en]
title = "Any order"
about = "A study for tests."
consent = "You agree."
policy = "Be kind."
read_by = "the tests"
"""
CHOICES = st.sampled_from(["left", "right", "tie", "both-bad", "dont-know"])
PURPOSES = st.sets(st.sampled_from(["train", "evaluate"])).map(lambda some: {"collect", *some})
KEY = b"a key of a release"


@dataclass
class _Person:
    key: str
    form: str
    purposes: set[str]
    answers: dict[str, list[str]] = field(default_factory=dict)
    prompts: set[str] = field(default_factory=set)
    about: str = ""


class AnyOrder(RuleBasedStateMachine):
    """A study, and a dictionary of what its people have done."""

    people = Bundle("people")
    shown = Bundle("shown")

    def __init__(self) -> None:
        super().__init__()
        self.scratch = Path(tempfile.mkdtemp())
        self.numbers = count()
        self.model: dict[str, _Person] = {}
        self.gone: set[str] = set()
        self.folder = self.scratch / "0"
        self.folder.mkdir()
        (self.folder / "study.toml").write_text(STUDY, encoding="utf-8")
        self.open = ExitStack()
        self._open()

    def _open(self) -> None:
        self.study = open_study(self.folder)
        self.store = self.open.enter_context(open_store(self.folder))
        self.personal = self.open.enter_context(open_personal(self.folder))

    def teardown(self) -> None:
        self.open.close()
        shutil.rmtree(self.scratch)

    def _one(self, query):
        with self.store.reading() as connection:
            return connection.execute(query).scalars().first()

    @initialize(target=shown)
    def a_study_with_people_who_were_shown_pairs(self):
        def fill(connection):
            publish_documents(connection, self.study.settings, NOW)
            prompt = self._add(connection, "prompt", "Tea?", None, None)
            for body in ("Yes", "No"):
                self._add(connection, "response", body, prompt, None)
            return invite_people(connection, self.study.secret, "MEX", uses=999, seconds=9, now=NOW)

        self.token = self.store.write(fill)
        self.document = self._one(select(document.c.id).where(document.c.kind == "consent"))
        somebody = [self.somebody_joins({"collect", "train"}) for _ in range(2)]
        return multiple(*(self.a_pair_is_shown(person) for person in somebody * 2))

    def _add(self, connection, kind, body, parent, author) -> str:
        origin = "people" if author else "study"
        new = NewText(kind, body, "en", "MEX", parent, author, origin, "CC0-1.0", "shown")
        return add_text(connection, new, NOW)

    def _join(self, form: str, purposes: set[str]):
        return self.store.write(
            lambda c: join(
                c, self.study.secret, self.token, form=form, document_id=self.document,
                purposes=purposes, language="en", now=NOW,
            )
        )  # fmt: skip

    @rule(target=people, purposes=PURPOSES)
    def somebody_joins(self, purposes):
        form = f"form {next(self.numbers)}"
        joined = self._join(form, purposes)
        self.model[joined.participant] = _Person(joined.key, form, purposes)
        return joined.participant

    @rule(person=people, purposes=PURPOSES)
    def the_form_of_joining_arrives_again(self, person, purposes):
        joined = self._join(self.model[person].form, purposes)
        assert (joined.participant, joined.key) == (person, self.model[person].key)
        self.store.write(lambda c: session_with_key(c, self.study.secret, joined.key, NOW))

    @rule(person=people, purposes=PURPOSES)
    def a_person_consents_again(self, person, purposes):
        self.store.write(lambda c: give_consent(c, person, self.document, purposes, NOW))
        self.model[person].purposes = purposes

    @rule(person=people, words=st.text("ab", max_size=3))
    def a_person_describes_themselves_and_writes_a_prompt(self, person, words):
        self.personal.keep(person, {"region": words})
        self.model[person].about = words
        body = f"Prompt {next(self.numbers)}?"
        id_ = self.store.write(lambda c: self._add(c, "prompt", body, None, person))
        self.model[person].prompts.add(id_)

    @rule(target=shown, person=people)
    def a_pair_is_shown(self, person):
        id_ = f"shown {next(self.numbers)}"

        def show(connection):
            row = connection.execute(select(pair)).one()
            connection.execute(
                insert(assignment).values(
                    id=id_, participant=person, pair=row.id, left=row.first, right=row.second,
                    reason="anchor", propensity=1.0, policy="test", served_at=NOW,
                )
            )  # fmt: skip

        self.store.write(show)
        return person, id_

    @rule(seen=shown, choice=CHOICES, offline=st.booleans())
    def a_person_answers(self, seen, choice, offline):
        """For the first time, again with the same choice, or with another one."""
        person, id_ = seen
        answer = Answer(id_, choice, made_at=NOW if offline else None, offline=offline)
        if person in self.gone:
            with pytest.raises(NotAccepted):
                self.store.write(lambda c: keep_answer(c, person, answer, NOW))
            return
        kept = self.store.write(lambda c: keep_answer(c, person, answer, NOW))
        versions = self.model[person].answers.setdefault(id_, [])
        assert kept.again == (versions[-1:] == [choice])
        if not kept.again:
            versions.append(choice)
        assert kept.version == len(versions)

    @rule(seen=shown)
    def a_person_deletes_an_answer(self, seen):
        person, id_ = seen
        if person in self.gone:
            with pytest.raises(NotAccepted):
                self.store.write(lambda c: delete_answer(c, person, id_, NOW))
            return
        deleted = self.store.write(lambda c: delete_answer(c, person, id_, NOW))
        assert deleted == len(self.model[person].answers.pop(id_, []))

    @rule(person=consumes(people))
    def a_person_withdraws(self, person):
        receipt = self.store.write(lambda c: withdraw(c, self.study, person, NOW))
        self.personal.forget(person)
        left = self.model.pop(person)
        self.gone.add(person)
        assert receipt.answers == sum(1 for versions in left.answers.values() if versions)
        with pytest.raises(NotAccepted, match="does not open anything"):
            self.store.write(lambda c: session_with_key(c, self.study.secret, left.key, NOW))

    @rule(killed=st.booleans())
    def the_server_starts_again(self, killed):
        """After an orderly end; or with the files as they were before it, as after a kill."""
        if killed:
            stopped, self.folder = self.folder, self.scratch / f"start {next(self.numbers)}"
            shutil.copytree(stopped, self.folder)
        self.open.close()
        self._open()

    @invariant()
    def the_store_is_what_the_dictionary_says(self):
        answers = {
            (id_, version, choice)
            for person in self.model.values()
            for id_, versions in person.answers.items()
            for version, choice in enumerate(versions, 1)
        }
        prompts = {id_ for person in self.model.values() for id_ in person.prompts}
        with self.store.reading() as c:
            stored = c.execute(select(rating.c.assignment, rating.c.version, rating.c.choice))
            assert {tuple(row) for row in stored} == answers
            assert set(c.execute(select(participant.c.id)).scalars()) == set(self.model)
            written = select(text.c.id).where(text.c.author.is_not(None))
            assert set(c.execute(written).scalars()) == prompts
            checks = verify(c, self.study.settings, people_with_keys(self.folder), None)
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
            agreeing = {
                id_: one
                for id_, one in self.model.items()
                if allowed([asked], " ".join(one.purposes))
            }
            expected = Counter(
                (public_id(KEY, "rater", id_), versions[-1])
                for id_, one in agreeing.items()
                for versions in one.answers.values()
                if versions
            )
            if not any(choice in ("left", "right") for _, choice in expected):
                expected.clear()  # nobody with a choice: below the floor of one person
            with self.store.reading() as c:
                rows = contents_of(c, self.study.settings, Uses.of([asked]), KEY, {"MEX"}).answers
            assert Counter((row["rater"], row["choice"]) for row in rows) == expected


AnyOrder.TestCase.settings = settings(
    max_examples=15,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
TestAnyOrder = pytest.mark.slow(AnyOrder.TestCase)
