"""Simulated people who take part in a study, through the functions that its pages use."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from pluralign.collecting.choosing import Chooser, next_pair
from pluralign.collecting.demo.invented_texts import ABOUT, REASONS
from pluralign.collecting.documents import consent_text
from pluralign.collecting.personal import Personal
from pluralign.collecting.purposes import OFFERED
from pluralign.collecting.ratings import Answer, Choice, keep_answer
from pluralign.collecting.store.store import Store
from pluralign.collecting.study import Study
from pluralign.collecting.taking_part import Person, join
from pluralign.collecting.written_texts import NewText, add_text
from pluralign.simulation import Society

_STEADINESS = 1.5
_NEARLY_EQUAL = 0.5
_LANGUAGE = "en"


@dataclass(frozen=True, slots=True)
class Simulated:
    """A simulated person.

    Attributes:
        person: The person.
        key: Their key.
    """

    person: Person
    key: str


@dataclass(frozen=True, slots=True)
class Village:
    """A study and its simulated people.

    Attributes:
        study: The study.
        store: Its store.
        personal: Its encrypted answers about people.
        chooser: Its chooser of pairs.
        society: The planted tastes of its communities.
        rng: Generator of the order in which people come.
    """

    study: Study
    store: Store
    personal: Personal
    chooser: Chooser
    society: Society
    rng: np.random.Generator

    def take_part(
        self, community: str, invitation: str, form: str, now: int, rng: np.random.Generator
    ) -> Simulated:
        """Let a person join and answer one sitting."""
        purposes = OFFERED if rng.random() < 0.8 else OFFERED[:3]
        with self.store.reading() as connection:
            document = consent_text(connection, _LANGUAGE).id
        joined = self.store.write(
            lambda c: join(
                c,
                self.study.secret,
                invitation,
                form=form,
                document_id=document,
                purposes=purposes,
                language=_LANGUAGE,
                now=now,
            )
        )
        person = Person(joined.participant, community, _LANGUAGE)
        if rng.random() < 0.2:
            self.personal.keep(person.id, ABOUT)
        for k in range(self.study.settings.sitting.pairs):
            self._answer(person, now + 30 * k, rng)
        return Simulated(person, joined.key)

    def write(self, person: Person, kind: str, body: str, parent: str | None, now: int) -> str:
        """Let a person write a text, which waits for a steward; return its id."""
        new = NewText(
            kind=kind,
            body=body,
            language=_LANGUAGE,
            community=person.community,
            parent=parent,
            author=person.id,
            origin="people",
            licence=self.study.settings.release.licence,
            state="waiting",
        )
        return self.store.write(lambda c: add_text(c, new, now))

    def _answer(self, person: Person, now: int, rng: np.random.Generator) -> None:
        shown = next_pair(self.store, self.study, self.chooser, person, now, rng)
        if shown is None:
            return
        choice, strength = self._choice(person.community, shown.left.body, shown.right.body, rng)
        reason = str(rng.choice(REASONS)) if rng.random() < 0.15 else None
        answer = Answer(shown.assignment, choice, strength, reason, seconds=25)
        self.store.write(lambda c: keep_answer(c, person.id, answer, now + 25))

    def _choice(
        self, community: str, left: str, right: str, rng: np.random.Generator
    ) -> tuple[Choice, int | None]:
        """A choice by the planted taste of a community, and its strength."""
        chance = rng.random()
        if chance < 0.06:
            return ("both-bad" if chance < 0.03 else "dont-know"), None
        utility = self.society.utilities([left, right], community)
        margin = _STEADINESS * float(utility[0] - utility[1])
        if abs(margin) < _NEARLY_EQUAL and rng.random() < 0.5:
            return "tie", None
        taken: Choice = "left" if rng.random() < expit(margin) else "right"
        return taken, 1 + min(2, int(abs(margin)))
