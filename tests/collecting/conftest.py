"""A small study with two communities and a few texts."""

from pathlib import Path

import pytest

from pluralign.collecting.documents import publish_documents
from pluralign.collecting.store.store import open_store
from pluralign.collecting.study import open_study

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


@pytest.fixture
def store(study):
    with open_store(study.folder) as opened:
        opened.write(lambda c: publish_documents(c, study.settings, NOW))
        yield opened
