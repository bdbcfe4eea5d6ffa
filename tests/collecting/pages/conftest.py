"""A small study that is served in this process, and people who visit it."""

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Table, func, select
from starlette.testclient import TestClient

from pluralign.collecting.app import asking, create_app
from pluralign.collecting.choosing import Chooser
from pluralign.collecting.documents import publish_documents
from pluralign.collecting.new_study import PROMPTS_FILE, write_study
from pluralign.collecting.personal import open_personal
from pluralign.collecting.store.store import Store, open_store
from pluralign.collecting.store.tables import metadata
from pluralign.collecting.study import Study, open_study
from pluralign.collecting.study_texts import add_prompts, read_prompts
from pluralign.collecting.taking_part import invite_people
from pluralign.encoders import HashEncoder

NOW = 1_800_000_000
DAY = 86_400
PURPOSES = ["collect", "train", "evaluate"]


@dataclass
class ServedStudy:
    """A study, its application, and a clock that tests move."""

    study: Study
    store: Store
    app: Any
    now: list[int] = field(default_factory=lambda: [NOW])

    def invite(self, community: str = "MEX", uses: int = 1, days: int = 30) -> str:
        return self.store.write(
            lambda c: invite_people(
                c, self.study.secret, community, uses=uses, seconds=days * DAY, now=self.now[0]
            )
        )

    def client(self, language: str = "en", **more: Any) -> TestClient:
        headers = {"Accept-Language": language}
        return TestClient(self.app, headers=headers, follow_redirects=True, **more)

    def join(self, language: str = "en", community: str = "MEX") -> TestClient:
        """A person who has joined, and has a session."""
        client = self.client(language)
        page = client.get(f"/consent?invitation={self.invite(community)}")
        sent = hidden(page.text) | {"purpose": PURPOSES, "of_age": "yes"}
        assert client.post("/consent", data=sent).status_code == 200
        return client

    def count(self, table: Table) -> int:
        with self.store.reading() as connection:
            return connection.execute(select(func.count()).select_from(table)).scalar_one()

    def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """All rows of all tables, but for the counts of requests."""
        with self.store.reading() as connection:
            return {
                table.name: sorted(map(tuple, connection.execute(select(table))), key=repr)
                for table in metadata.sorted_tables
                if table.name != "bucket"
            }

    def change_consent(self) -> None:
        """Publish a new version of the consent text."""
        path = self.study.folder / "study.toml"
        text = path.read_text("utf-8").replace("Please read this before", "Do read this before")
        path.write_text(text, "utf-8")
        changed = open_study(self.study.folder).settings
        self.store.write(lambda c: publish_documents(c, changed, self.now[0]))


def hidden(page: str) -> dict[str, Any]:
    """The hidden fields of a page's forms in the main part."""
    main = page[page.index("<main") : page.index("</main>")]
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', main)
    return {name: unescape(value) for name, value in found}


@pytest.fixture(scope="session")
def hidden_fields() -> Callable[[str], dict[str, Any]]:
    return hidden


@pytest.fixture(scope="session")
def written_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a study that nobody has visited, for tests to copy."""
    study = write_study(tmp_path_factory.mktemp("study") / "tea", ["MEX", "~hill"])
    with open_store(study.folder) as store, open_personal(study.folder):
        store.write(lambda c: publish_documents(c, study.settings, NOW))
        store.write(lambda c: add_prompts(c, read_prompts(study.folder / PROMPTS_FILE), NOW))
    return study.folder


@pytest.fixture
def served(written_study: Path, tmp_path: Path) -> Iterator[ServedStudy]:
    with serving(Path(shutil.copytree(written_study, tmp_path / "tea"))) as found:
        yield found


@pytest.fixture
def serve_with(
    written_study: Path, tmp_path: Path
) -> Callable[[str], AbstractContextManager[ServedStudy]]:
    """``serve_with(tables)`` serves a study that has more settings."""

    def start(tables: str) -> AbstractContextManager[ServedStudy]:
        folder = Path(shutil.copytree(written_study, tmp_path / "with"))
        path = folder / "study.toml"
        path.write_text(f"{path.read_text('utf-8')}\n{tables}", "utf-8")
        return serving(folder)

    return start


@contextmanager
def serving(folder: Path) -> Iterator[ServedStudy]:
    """The application of a study's folder."""
    study = open_study(folder)
    with open_store(folder) as store, open_personal(folder) as personal:
        now = [NOW]
        app = create_app(
            study,
            store,
            personal,
            operator="the operator's token",
            asks=asking(
                store, study, Chooser(store, study, HashEncoder()), np.random.default_rng(7)
            ),
            clock=lambda: now[0],
        )
        yield ServedStudy(study, store, app, now)
