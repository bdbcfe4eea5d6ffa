"""People, texts and answers for the tests of choosing."""

from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import select

from pluralign.collecting.choosing import Chooser, next_pair
from pluralign.collecting.ratings import Answer, keep_answer
from pluralign.collecting.store.tables import document
from pluralign.collecting.taking_part import Person, invite_people, join
from pluralign.collecting.written_texts import NewText, add_text
from pluralign.encoders import HashEncoder

NOW = 1_800_000_000


def _new(kind, body, parent=None, **values):
    filled = {"language": "en", "community": None, "author": None, "origin": "study"}
    filled |= {"licence": "CC0-1.0", "state": "shown"}
    return NewText(kind, body, parent=parent, **(filled | values))


class Village:
    """A study in use: adds texts and people, shows pairs, keeps answers."""

    def __init__(self, store, study):
        self.store, self.study, self.now = store, study, NOW
        self.rng = np.random.default_rng(7)
        self.chooser = None

    def open(self, **choosing):
        """Start the chooser, with other settings of the mixture where given."""
        self.set(choosing=choosing)
        self.chooser = Chooser(self.store, self.study, HashEncoder(64))
        return self

    def set(self, **tables):
        """Change settings of the study."""
        for table, values in tables.items():
            changed = getattr(self.study.settings, table).model_copy(update=values)
            settings = self.study.settings.model_copy(update={table: changed})
            self.study = replace(self.study, settings=settings)

    def prompt(self, body, responses=("yes", "no"), **values):
        """Add a prompt with responses; return the ids of all."""

        def make(connection):
            prompt = add_text(connection, _new("prompt", body, **values), self.now)
            texts = [_new("response", f"{body} {r}", prompt, **values) for r in responses]
            return [prompt, *(add_text(connection, text, self.now) for text in texts)]

        return self.store.write(make)

    def person(self, community="MEX", language="en"):
        """Let a person join."""
        form = str(self.rng.integers(2**60))

        def make(connection):
            token = invite_people(
                connection, self.study.secret, community, uses=1, seconds=99, now=self.now
            )
            read = connection.execute(
                select(document.c.id).where(document.c.kind == "consent").limit(1)
            ).scalar_one()
            return join(
                connection,
                self.study.secret,
                token,
                form=form,
                document_id=read,
                purposes=["collect"],
                language=language,
                now=self.now,
            )

        return Person(self.store.write(make).participant, community, language)

    def next(self, person):
        """Show a pair."""
        return next_pair(self.store, self.study, self.chooser, person, self.now, self.rng)

    def answer(self, person, shown, choice="left", **values):
        """Keep an answer, ten seconds later."""
        self.now += 10
        answer = Answer(shown.assignment, choice, **values)
        self.store.write(lambda c: keep_answer(c, person.id, answer, self.now))

    def sit(self, person, most=1000):
        """Let a person answer until nothing is left; return what they were shown."""
        seen = []
        while len(seen) < most and (shown := self.next(person)) is not None:
            seen.append(shown)
            self.answer(person, shown)
        return seen


@pytest.fixture
def village_in(study):
    """A village in a given store."""
    return lambda store: Village(store, study)


@pytest.fixture
def village(store, village_in):
    return village_in(store)
