"""Docstrings, comments, messages and pages avoid the phrases of docs/build/phrases.toml."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "build" / "plain_english.py"


@pytest.fixture(scope="module")
def checker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("plain_english", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up there
    spec.loader.exec_module(module)
    return module


def test_prose_avoids_the_phrases_of_the_list(checker: ModuleType) -> None:
    rules = checker.read_rules()
    assert checker.faults_in(checker.files_to_read(), rules) == []


def test_every_quoted_path_exists(checker: ModuleType) -> None:
    rules = checker.read_rules()
    root = SCRIPT.parents[2]
    assert [path for path in rules.quoted if not (root / path).exists()] == []


def found_in(checker: ModuleType, source: str, strings: bool = True) -> list[int]:
    prose = checker.prose_of_python(source, strings)
    return [line for line, _ in checker.faults_of(prose, checker.read_rules().phrases)]


def test_docstrings_comments_and_messages_are_read(checker: ModuleType) -> None:
    source = '"""It told us.\n\nA line.\nIt is told.\n"""\n# It heard.\nx = f"it is {1} so many"\n'
    assert found_in(checker, source) == [1, 3, 6, 7]
    assert found_in(checker, source, strings=False) == [1, 3, 6]


def test_code_quotes_and_doctests_are_not_read(checker: ModuleType) -> None:
    source = '"""Reads ``told`` and "so many".\n\n>>> told()\n\'beside\'\n"""\ntold = "beside"\n'
    assert found_in(checker, source) == []


def test_questions_may_begin_with_what_and_sentences_may_not(checker: ModuleType) -> None:
    assert found_in(checker, '"""What is it?"""') == []
    assert found_in(checker, '"""What stood before each."""') == [1]
    assert found_in(checker, '"""A card: what it is."""') == [1]
    assert found_in(checker, '"""The rest; those of 0.5 stay."""') == [1]
    assert found_in(checker, '"""It finds those with a rank."""') == []
    assert found_in(checker, '"""Raises.\n\nwhat: The problem.\n"""') == []


def test_code_and_quotations_of_a_page_are_not_read(checker: ModuleType) -> None:
    page = "A `told`.\n\n```text\nso many\n```\n\n> told\n\n| a | told |\n"
    prose = checker.prose_of_markdown(page)
    found = checker.faults_of(prose, checker.read_rules().phrases)
    assert [line for line, _ in found] == [9]


def test_expressions_with_a_body_are_read(checker: ModuleType) -> None:
    assert found_in(checker, 'x = "it told us" if y else (lambda: "so many of them")\n') == [1, 1]
