"""What a report needs of the files that runs and audits left: what does not fit is refused, with file and line."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from pluralign.audits import Finding
from pluralign.core import DamagedFile

_AGAIN = "run or audit again"
_Real = Annotated[float, Field(ge=-1e12, le=1e12, allow_inf_nan=False)]
_Counted = dict[str, NonNegativeInt]


class Shape(BaseModel):
    """What must be there; more may be."""

    model_config = ConfigDict(strict=True, extra="ignore")


class Number(Shape):
    """A number with its interval and what is behind it."""

    value: _Real
    low: _Real | None
    high: _Real | None
    n: NonNegativeInt
    n_raters: NonNegativeInt | None

    @model_validator(mode="after")
    def _both_ends(self) -> "Number":
        if (self.low is None) != (self.high is None):
            raise ValueError("an interval with one end")
        return self


class RewardRow(Number):
    """A line of ``results.jsonl`` of reward models."""

    metric: str
    method: str
    steer: str | None
    community: str | None
    subset: str


class SurveyRow(Number):
    """A line of ``results.jsonl`` of a survey."""

    metric: str
    model: str
    strategy: str | None
    community: str | None


class SummaryRow(RewardRow):
    """A line of ``summary.jsonl``."""

    aggregate: str


class Measured(Shape):
    """A line that says what it measures."""

    metric: str


class CurveRow(RewardRow):
    """A point of a learning curve."""

    by: str
    fraction: _Real
    train_pairs: NonNegativeInt


class Counts(Shape):
    """What became of rows that were read."""

    read: NonNegativeInt
    kept: NonNegativeInt
    dropped: _Counted = {}
    flagged: _Counted = {}
    notes: _Counted = {}


class _Licensed(Counts):
    license: str | None = None


class _Source(_Licensed):
    name: str


class _People(Shape):
    pairs: NonNegativeInt
    raters: NonNegativeInt | None


class _Alike(Shape):
    tied_test_pairs: NonNegativeInt = 0
    of_test_pairs: NonNegativeInt = 0


class _Pairs(Shape):
    pairs: NonNegativeInt
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
    """``record.json`` of a survey."""

    nearest: list[_Nearest] = []
    settings: _SurveySettings = _SurveySettings()
    data: _Answers


class _Threshold(Shape):
    audit: str
    check: str
    concern: _Real
    risk: _Real
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


class AssessmentRow(Shape):
    """A line of ``assessments.jsonl``."""

    asks: str
    status: Literal["found", "clear", "not assessed"]
    measured: NonNegativeInt
    reasons: list[str]


class PeopleRow(Shape):
    """A line of ``participation.jsonl``."""

    community: str
    raters: NonNegativeInt | None
    pairs: NonNegativeInt
    pairs_per_rater: _Real | None
    heaviest_share: _Real | None
    with_words: NonNegativeInt
    groups: dict[str, _Counted]


class _Named(Number):
    name: str


class _Behind(Shape):
    what: str
    count: NonNegativeInt
    ids: list[str]


class FindingRow(Shape):
    """A line of ``findings.jsonl``."""

    audit: str
    check: str
    subject: str
    community: str | None
    severity: Literal["risk", "concern", "note"]
    template: str
    values: dict[
        str, str | int | Annotated[dict[str, str | float], Field(min_length=1, max_length=1)]
    ]
    numbers: list[_Named] = Field(min_length=1)
    rows: _Behind
    look: str
    causes: str
    remedies: str

    @model_validator(mode="after")
    def _fields_are_filled(self) -> "FindingRow":
        if any(
            field is not None and (field not in self.values or how)
            for field, how in _fields(self.template)
        ):
            raise ValueError("the claim has a field that nothing fills")
        return self


def hold_rows(
    rows: Sequence[Any], shape: type[Shape], path: Path, lines: Sequence[int] | None = None
) -> None:
    """Hold that the lines of a file have a shape.

    Args:
        rows: The lines.
        shape: The shape of each.
        path: The file.
        lines: The number of each, from 1; they are all there are, in order, where None.

    Raises:
        DamagedFile: At the first line that has not.
    """
    try:
        TypeAdapter(list[shape]).validate_python(rows)  # type: ignore[valid-type]
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place, *keys = first["loc"]
        line = int(place) + 1 if lines is None else lines[int(place)]
        raise DamagedFile(_told(keys, first), where=f"{path}:{line}", hint=_AGAIN) from error


def hold_one(value: object, shape: type[Shape], path: Path) -> None:
    """Hold that a file of one JSON object has a shape.

    Raises:
        DamagedFile: If it has not.
    """
    try:
        shape.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise DamagedFile(_told(first["loc"], first), where=str(path), hint=_AGAIN) from error


def hold_named(
    rows: Iterable[Mapping[str, Any]], key: str, known: Iterable[str], path: Path
) -> None:
    """Hold that every line is about something that the record of its run names.

    Args:
        rows: All lines of the file.
        key: What to look at; None stands for all together.
        known: What the record names.
        path: The file.

    Raises:
        DamagedFile: At the first line that is about something else.
    """
    named = {None, *known}
    for line, row in enumerate(rows, 1):
        if row[key] not in named:
            raise DamagedFile(
                f"{key} {row[key]!r} is not in the record of the run",
                where=f"{path}:{line}",
                hint="the folder holds parts of two runs: run again into another one",
            )


def findings_from(rows: Sequence[Any], path: Path) -> list[Finding]:
    """Findings as their audit wrote them.

    Raises:
        DamagedFile: If a line is none.
    """
    hold_rows(rows, FindingRow, path)
    try:
        return [Finding.from_dict(row) for row in rows]
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedFile("not findings of ours", where=str(path), hint="audit again") from error


def _fields(template: str) -> list[tuple[str | None, str]]:
    """Fields of a template, each with the format asked for; there is none in ours."""
    return [
        (field, f"{spec or ''}{how or ''}") for _, field, spec, how in Formatter().parse(template)
    ]


def _told(keys: Sequence[str | int], error: Mapping[str, Any]) -> str:
    said = (
        "missing"
        if error["type"] == "missing"
        else error["msg"].removeprefix("Value error, ").lower()
    )
    place = ".".join(str(key) for key in keys)
    return f"{place}: {said}" if place else str(said)
