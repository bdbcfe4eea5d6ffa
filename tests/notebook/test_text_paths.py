"""Functions that people call in a notebook take a path as text."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from pluralign import (
    auditing,
    experiments,
    interop,
    models,
    pluralising,
    reports,
    rewards,
    surveying,
)
from pluralign import settings as settings_package
from pluralign.core import AnyPath

# Functions of the lower layers that others of ours call with a Path.
INNER = {
    "read_run",
    "write_card",
    "built",
    "place_paths",
    "survey_source",
    "knowledge_source",
    "evaluate_answers",
    "evaluate_knowledge",
}


def functions() -> list[tuple[str, Callable[..., Any]]]:
    packages = (
        *(auditing, experiments, interop, models, pluralising, reports, rewards),
        *(settings_package, surveying),
    )
    found = []
    for package in packages:
        for name in package.__all__:
            function = getattr(package, name)
            if inspect.isfunction(function) and name not in INNER:
                found.append((name, function))
    return found


@pytest.mark.parametrize(("name", "function"), functions(), ids=[name for name, _ in functions()])
def test_no_public_function_asks_for_a_path_object(name: str, function: Callable[..., Any]) -> None:
    try:
        hints = get_type_hints(function)
    except NameError:  # a type that is imported for type checkers only
        hints = inspect.get_annotations(function)
    hints.pop("return", None)
    asking = [key for key, hint in hints.items() if hint is Path or hint == Path | None]
    assert not asking, f"{name} takes {asking} as a Path alone: take {AnyPath} and convert it"
