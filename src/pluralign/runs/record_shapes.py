"""Shapes of ``record.json`` and ``audit.json``; a record that does not fit is refused by key."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pluralign.core import DamagedFile
from pluralign.runs.finished import AGAIN

Real = Annotated[float, Field(strict=True, ge=-1e12, le=1e12, allow_inf_nan=False)]
Count = Annotated[int, Field(strict=True, ge=0)]
Counted = dict[str, Count]


class Shape(BaseModel):
    """Keys that must be there; more may be."""

    model_config = ConfigDict(strict=True, extra="ignore")


class Counts(Shape):
    """Counts of the rows that were read."""

    read: Count
    kept: Count
    dropped: Counted = {}
    flagged: Counted = {}
    notes: Counted = {}


class _Licensed(Counts):
    license: str | None = None


class _Source(_Licensed):
    name: str


class _People(Shape):
    pairs: Count
    raters: Count | None


class _Alike(Shape):
    tied_test_pairs: Count = 0
    of_test_pairs: Count = 0


class _Pairs(Shape):
    pairs: Count
    alike: _Alike = _Alike()
    sources: list[_Source]


class _Methods(Shape):
    methods: list[str] = Field(min_length=1)


class _Roles(Shape):
    steered: list[str]
    reference: list[str] = []
    left_out: dict[str, str] = {}


class _Record(Shape):
    versions: dict[str, str] = {}
    notes: list[str] = []


class RewardRecord(_Record):
    """``record.json`` of reward models."""

    settings: _Methods
    data: _Pairs
    people: dict[str, _People]
    communities: _Roles


class _Answers(Shape):
    survey: _Licensed | None = None
    answers: Counts | None = None


class _Evaluate(Shape):
    communities: list[str] | None = None


class _SurveySettings(Shape):
    evaluate: _Evaluate = _Evaluate()


class _Nearest(Shape):
    model: str
    strategy: str
    community: str
    nearest: str


class SurveyRecord(_Record):
    """``record.json`` of a survey, and of CultureSPA."""

    nearest: list[_Nearest] = []
    settings: _SurveySettings = _SurveySettings()
    data: _Answers


class _Knowledge(Shape):
    test: _Source
    answers: Counts


class KnowledgeRecord(_Record):
    """``record.json`` of scored answers to a test of knowledge."""

    data: _Knowledge
    languages: dict[str, str]
    places: dict[str, dict[str, str]] = {}


class AlignRecord(_Record):
    """``record.json`` of language models that follow a reward model."""

    settings: _Methods
    communities: list[str] = Field(min_length=1)
    stages: dict[str, dict[str, Any]]


class _TaskSettings(Shape):
    data: Literal["task"]


class TaskRecord(_Record):
    """``record.json`` of a task that adapters learned from documents."""

    settings: _TaskSettings
    communities: list[str] = Field(min_length=1)
    stages: dict[str, dict[str, Any]]


class _Threshold(Shape):
    audit: str
    check: str
    concern: Real
    risk: Real
    below: bool
    reason: str


class _Evidence(Shape):
    read: dict[str, Counts] = {}
    licenses: dict[str, str | None] = {}


class AuditRecord(_Record):
    """``audit.json``."""

    settings: dict[str, Any] = {}
    thresholds: list[_Threshold] = []
    evidence: _Evidence
    places: dict[str, dict[str, str]] = {}


def hold_shape(record: object, shape: type[Shape], path: Path) -> None:
    """Check that a record has a shape.

    Args:
        record: The record.
        shape: The shape.
        path: Its file.

    Raises:
        DamagedFile: If it has not; the first key that does not fit is named.
    """
    try:
        shape.model_validate(record)
    except ValidationError as error:
        what = first_fault(error)[1]
        raise DamagedFile(what, where=str(path), hint=AGAIN) from error


def first_fault(error: ValidationError, depth: int = 0) -> tuple[Sequence[str | int], str]:
    """The first thing that does not fit: where it is, and a sentence about it.

    Args:
        error: The faults that pydantic found.
        depth: Number of the first steps that the caller needs, such as the number of a row.

    Returns:
        The first steps, and a sentence that begins with the other steps.
    """
    first = error.errors(include_url=False)[0]
    steps, keys = first["loc"][:depth], first["loc"][depth:]
    sentence = _sentence(first)
    place = ".".join(str(key) for key in keys)
    return steps, f"{place}: {sentence}" if place else sentence


def _sentence(fault: Mapping[str, Any]) -> str:
    if fault["type"] == "missing":
        return "missing"
    return str(fault["msg"]).removeprefix("Value error, ").lower()
