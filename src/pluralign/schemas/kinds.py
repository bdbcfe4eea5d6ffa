"""The kinds of files that have a schema."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from pluralign.audits import Finding
from pluralign.core import (
    InvalidInput,
    PluralignError,
    Tally,
    answer_from_row,
    knowledge_answer_from_row,
)
from pluralign.runs.audits import FindingLine
from pluralign.runs.record_shapes import first_fault
from pluralign.schemas.result_rows import read_result, schema_of_results
from pluralign.schemas.row_shapes import AnswerShape, KnowledgeAnswerShape, PairShape, ReleaseShape
from pluralign.sources import pairs_from

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file with a schema.

    Attributes:
        name: Its name.
        title: Content of a row, or of the file if it is one object.
        version: Raised when a file that fitted before no longer fits.
        body: Makes the schema without its head.
        readers: Functions that raise an error for a row that does not fit.
        one_object: Whether a file is one JSON object, and not one in each line.
    """

    name: str
    title: str
    version: int
    body: Callable[[], dict[str, Any]]
    readers: tuple[Callable[[Row], object], ...]
    one_object: bool = False

    @property
    def id(self) -> str:
        """The identifier of the schema, with its version.

        >>> kind_named("pairs").id
        'urn:pluralign:schema:pairs:1'
        """
        return f"urn:pluralign:schema:{self.name}:{self.version}"

    def schema(self) -> dict[str, Any]:
        """The JSON Schema (draft 2020-12).

        >>> kind_named("pairs").schema()["required"]
        ['prompt', 'chosen', 'rejected']
        """
        return self.body() | {"$schema": DIALECT, "$id": self.id, "title": self.title}

    def fault(self, row: Row) -> str | None:
        """The first fault of a row; None for a row that fits.

        The readers also check what a schema cannot express: that probabilities sum to 1, or that a
        community is known.

        >>> kind_named("pairs").fault({"prompt": "Tea?", "chosen": "Yes"})
        "missing column 'rejected'; found: prompt, chosen"
        """
        try:
            for read in self.readers:
                read(row)
        except PluralignError as error:
            return error.what
        return None


def kind_named(name: str) -> Kind:
    """The kind with a name.

    Raises:
        InvalidInput: If there is none.
    """
    if name not in KINDS:
        raise InvalidInput(
            f"there is no schema {name!r:.60}",
            where="schema",
            hint=f"the kinds are {', '.join(KINDS)}",
        )
    return KINDS[name]


def _of_shape(shape: type[BaseModel]) -> Callable[[], dict[str, Any]]:
    return lambda: _without_titles(shape.model_json_schema())


def _without_titles(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema without the titles that pydantic makes of the names of columns."""
    kept: dict[str, Any] = {}
    for key, value in schema.items():
        if isinstance(value, dict):
            named = key in {"properties", "$defs"}
            kept[key] = (
                {name: _without_titles(one) for name, one in value.items()}
                if named
                else _without_titles(value)
            )
        elif isinstance(value, list):
            kept[key] = [_without_titles(one) if isinstance(one, dict) else one for one in value]
        elif key != "title":
            kept[key] = value
    return kept


def _hold(shape: type[BaseModel]) -> Callable[[Row], object]:
    def hold(row: Row) -> None:
        try:
            shape.model_validate(dict(row))
        except ValidationError as error:
            raise InvalidInput(_sentence(error)) from error

    return hold


def _sentence(error: ValidationError) -> str:
    """The column at fault, and the first fault of it."""
    place, what = first_fault(error, depth=1)
    return f"{place[0]}: {what.rpartition(': ')[2]}" if place else what


def _read_pair(row: Row) -> None:
    """Read one row as `JsonlPairs` does; a row that it leaves out and counts is no fault."""
    for _ in pairs_from([row]).pairs(Tally()):
        pass


def _read_finding(row: Row) -> None:
    Finding.from_dict(row)


KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "pairs",
            "A preference pair",
            1,
            _of_shape(PairShape),
            (_read_pair, _hold(PairShape)),
        ),
        Kind(
            "answers",
            "A recorded answer to a survey question",
            1,
            _of_shape(AnswerShape),
            (lambda row: answer_from_row(row, None), _hold(AnswerShape)),
        ),
        Kind(
            "knowledge-answers",
            "A recorded answer to a knowledge question",
            1,
            _of_shape(KnowledgeAnswerShape),
            (knowledge_answer_from_row, _hold(KnowledgeAnswerShape)),
        ),
        Kind("results", "One number of a run", 1, schema_of_results, (read_result,)),
        Kind(
            "findings",
            "One finding of an audit",
            1,
            _of_shape(FindingLine),
            (_hold(FindingLine), _read_finding),
        ),
        Kind(
            "release",
            "The facts of a release",
            1,
            _of_shape(ReleaseShape),
            (_hold(ReleaseShape),),
            one_object=True,
        ),
    )
}
"""Name -> kind."""
