"""The schema of ``results.jsonl``, made of the types that `pluralign.open_run` reads."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from pluralign.evaluation import Row
from pluralign.evaluation.knowledge import KnowledgeRow
from pluralign.evaluation.surveys import SurveyRow
from pluralign.runs import PolicyRow
from pluralign.runs.typed_rows import typed_rows
from pluralign.settings.meanings import meanings_of_class

_LARGEST = 1e12
_TYPES: dict[str, type[Any]] = {
    "knowledge": KnowledgeRow,
    "survey": SurveyRow,
    "policy": PolicyRow,
    "reward": Row,
}


def result_type(row: Mapping[str, Any]) -> type[Any]:
    """The type of a row of results, by its columns.

    >>> result_type({"metric": "similarity", "model": "m", "subset": "all"}).__name__
    'SurveyRow'
    """
    if "place_named" in row:
        return _TYPES["knowledge"]
    if "model" in row:
        return _TYPES["survey"]
    return _TYPES["reward" if "subset" in row else "policy"]


def read_result(row: Mapping[str, Any]) -> object:
    """Read a row of results as `pluralign.open_run` does.

    Raises:
        DamagedFile: If it does not fit the type of its columns.
    """
    (read,) = typed_rows({1: dict(row)}, result_type(row), Path("results.jsonl"))
    return read


def schema_of_results() -> dict[str, Any]:
    """The schema of a row of results of any kind; the same columns decide on the kind."""
    return {
        "type": "object",
        "$defs": {name: _schema_of(kind) for name, kind in _TYPES.items()},
        **_if_has(
            "place_named",
            _ref("knowledge"),
            _if_has("model", _ref("survey"), _if_has("subset", _ref("reward"), _ref("policy"))),
        ),
    }


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{name}"}


def _if_has(column: str, then: dict[str, Any], otherwise: dict[str, Any]) -> dict[str, Any]:
    return {"if": {"required": [column]}, "then": then, "else": otherwise}


def _schema_of(kind: type[Any]) -> dict[str, Any]:
    """The schema of a type of rows, with the ranges that its rows check when they are built."""
    schema = TypeAdapter(kind).json_schema()
    meanings = meanings_of_class(kind)
    columns = {
        name: {"description": meanings[name].description} | _bounded(column)
        for name, column in schema["properties"].items()
    }
    return {"type": "object", "properties": columns, "required": schema["required"]}


def _bounded(column: dict[str, Any]) -> dict[str, Any]:
    """A column with the ranges of `hold_measured`, and without the title that pydantic adds."""
    parts = [_bounded(part) for part in column.get("anyOf", ())]
    kept = {key: value for key, value in column.items() if key not in {"anyOf", "title"}}
    if parts:
        kept["anyOf"] = parts
    if kept.get("type") == "integer":
        kept["minimum"] = 0
    if kept.get("type") == "number":
        kept |= {"minimum": -_LARGEST, "maximum": _LARGEST}
    return kept
