"""A small study with two communities and a few texts."""

from collections.abc import Iterator, Sequence
from itertools import count, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from durability.cluster import Cluster, programs, running_cluster
from sqlalchemy import Connection, insert, select

from pluralign.collecting.documents import publish_documents
from pluralign.collecting.ratings import Answer, keep_answer
from pluralign.collecting.secret_digests import new_id
from pluralign.collecting.store.engines import writing_engine
from pluralign.collecting.store.store import open_store
from pluralign.collecting.store.tables import assignment, document, pair, steward, text
from pluralign.collecting.store.upgrading import upgrade
from pluralign.collecting.study import open_study
from pluralign.collecting.taking_part import invite_people, join
from pluralign.collecting.written_texts import NewText, add_text

NOW = 1_800_000_000

STUDY = """
id = "tea"
languages = ["en", "es"]

[[communities]]
id = "MEX"

[[communities]]
id = "~hill"
floor = 3

[texts.en]
title = "Tea and talk"
about = "A study for tests."
consent = "You agree."
policy = "Be kind."
read_by = "the tests"

[texts.es]
title = "Té y charla"
about = "Un estudio para pruebas."
consent = "Usted acepta."
policy = "Sea amable."
read_by = "the tests"
"""


@pytest.fixture
def study(tmp_path: Path):
    (tmp_path / "study.toml").write_text(STUDY, encoding="utf-8")
    return open_study(tmp_path)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test of a module that has `BOTH_DATABASES = True` on SQLite and on PostgreSQL.

    Tests marked slow run on SQLite alone: they fit models, which read a release and not a store.
    """
    slow = metafunc.definition.get_closest_marker("slow") is not None
    both = getattr(metafunc.module, "BOTH_DATABASES", False) and not slow
    if "database" in metafunc.fixturenames and both:
        metafunc.parametrize("database", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL server of these tests' own; skips tests where PostgreSQL is not installed."""
    installed = programs()
    if installed is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    with running_cluster(installed) as running:
        yield running


@pytest.fixture(scope="session")
def with_tables(cluster) -> str:
    """Name of a database with the tables of a store; copying it is faster than making them."""
    engine = writing_engine(cluster.new_database("tables"))
    upgrade(engine)
    engine.dispose()
    return "tables"


_numbers = count()


@pytest.fixture
def database(request: pytest.FixtureRequest) -> str | None:
    """URL of a database without rows; None for SQLite in the study's folder."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return None
    cluster: Cluster = request.getfixturevalue("cluster")
    return cluster.new_database(f"test{next(_numbers)}", request.getfixturevalue("with_tables"))


@pytest.fixture
def store(study, database):
    with open_store(study.folder, database) as opened:
        opened.write(lambda c: publish_documents(c, study.settings, NOW))
        yield opened


EVERYTHING = ("collect", "train", "evaluate", "publish-rows", "publish-quotes")


class Filling:
    """Fills a study through the functions of the store, all in one change each.

    Nine times in ten, people of MEX prefer responses with "warm", and those of ~hill "cold".
    """

    def __init__(self, store: Any, study: Any, seed: int = 0) -> None:
        self.store, self.study = store, study
        self.rng = np.random.default_rng(seed)
        self.homes: dict[str, str] = {}

    def steward(self, name: str = "Ana", communities: str = "") -> None:
        """Add a steward; of all communities where none is named."""
        values = {"id": f"s-{name}", "name": name, "communities": communities, "made_at": NOW}
        self.store.write(lambda c: c.execute(insert(steward).values(**values)))

    def texts(self, prompts: int = 8) -> None:
        """Add prompts of the study, with four responses each."""

        def make(c: Connection) -> None:
            for k in range(prompts):
                prompt = self.text(c, "prompt", f"What would you drink on day {k}?")
                for heat, drink in product(("warm", "cold"), ("tea", "water")):
                    self.text(c, "response", f"I drink {heat} {drink} on day {k}.", parent=prompt)
            c.execute(pair.update().values(anchor=True))

        self.store.write(make)

    def text(self, c: Connection, kind: str, body: str, **values: Any) -> str:
        """Add a text; by the study unless an author is named."""
        filled = {
            "language": "en", "community": None, "parent": None, "author": None,
            "origin": "people" if values.get("author") else "study", "licence": "CC0-1.0",
            "state": "shown",
        }  # fmt: skip
        return add_text(c, NewText(kind, body, **filled | values), NOW)

    def people(
        self, community: str, count: int, purposes: Sequence[str] = EVERYTHING, answers: int = 6
    ) -> list[str]:
        """Let people join and answer; return their ids."""

        def make(c: Connection) -> list[str]:
            token = invite_people(c, self.study.secret, community, uses=count, seconds=9, now=NOW)
            return [self._person(c, community, token, purposes, answers) for _ in range(count)]

        return self.store.write(make)

    def _person(
        self, c: Connection, community: str, token: str, purposes: Sequence[str], answers: int
    ) -> str:
        newest = select(document.c.id).where(document.c.kind == "consent")
        person = join(
            c,
            self.study.secret,
            token,
            form=f"form {len(self.homes)}",
            document_id=c.execute(newest.order_by(document.c.version.desc())).scalars().first(),
            purposes=purposes,
            language="en",
            now=NOW,
        ).participant
        self.homes[person] = community
        # Ids are random: by the words, the same people answer the same pairs in every run.
        prompt, one, other = text.alias(), text.alias(), text.alias()
        bodies = (
            select(pair.c.id, prompt.c.body, one.c.body, other.c.body)
            .join(prompt, pair.c.prompt == prompt.c.id)
            .join(one, pair.c.first == one.c.id)
            .join(other, pair.c.second == other.c.id)
        )
        rows = c.execute(bodies).all()
        pairs = [id_ for id_, *said in sorted(rows, key=lambda row: (row[1], sorted(row[2:])))]
        for k in self.rng.permutation(len(pairs))[:answers]:
            self.answer(c, person, pairs[k])
        return person

    def show(self, c: Connection, person: str, pair_id: str, reason: str = "anchor") -> Any:
        """Show a pair; return the row of the assignment."""
        row = c.execute(select(pair).where(pair.c.id == pair_id)).one()
        left, right = [row.first, row.second][:: 1 if self.rng.random() < 0.5 else -1]
        shown = {
            "id": new_id(NOW), "participant": person, "pair": pair_id, "left": left,
            "right": right, "reason": reason, "propensity": 0.25, "policy": "mixture-1",
            "served_at": NOW,
        }  # fmt: skip
        c.execute(insert(assignment).values(**shown))
        return shown

    def answer(self, c: Connection, person: str, pair_id: str, **values: Any) -> str:
        """Show a pair and keep an answer to it, by the planted taste unless a choice is given."""
        shown = self.show(c, person, pair_id, values.pop("shown_as", "anchor"))
        self.keep(c, shown, **values)
        return str(shown["id"])

    def keep(self, c: Connection, shown: Any, **values: Any) -> None:
        """Keep an answer to a pair that was shown."""
        given = {"choice": self._taste(c, shown), "strength": 2, "reason": "I like it."}
        keep_answer(c, shown["participant"], Answer(shown["id"], **given | values), NOW)

    def _taste(self, c: Connection, shown: Any) -> str:
        liked = "warm" if self.homes[shown["participant"]] == "MEX" else "cold"
        sides = shown["left"], shown["right"]
        bodies = dict(c.execute(select(text.c.id, text.c.body).where(text.c.id.in_(sides))).all())
        likes = [liked in bodies[id_] for id_ in sides]
        if likes[0] == likes[1]:
            return str(self.rng.choice(["left", "right", "tie"]))
        best, other = ("left", "right") if likes[0] else ("right", "left")
        return best if self.rng.random() < 0.9 else other


@pytest.fixture
def filling(store, study):
    """A study with texts and a steward; tests add people."""
    made = Filling(store, study)
    made.texts()
    made.steward()
    return made
