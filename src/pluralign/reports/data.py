"""What a page is made of, before it is HTML: text, numbers in cells, charts; nothing is computed after this."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pluralign.languages.speech import Speech

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        key: Where its raw value stands in a row.
        label: What its head says.
        show: Turns a row into text; the raw value as it is where None.
        numeric: Whether it is set flush with the end.
    """

    key: str
    label: str
    show: Callable[[Row], str] | None = None
    numeric: bool = False

    def text(self, row: Row) -> str:
        """What a cell says."""
        value = row.get(self.key)
        if value is None:
            return "–"
        return self.show(row) if self.show is not None else str(value)


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Attributes:
        name: For its file.
        caption: What it shows.
        columns: Its columns.
        rows: All rows; the page shows the first ``most``.
        most: How many rows the page shows.
    """

    name: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    most: int = 200

    @property
    def shown(self) -> Sequence[Row]:
        """The rows on the page."""
        return self.rows[: self.most]


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart with its data as a table.

    Attributes:
        name: For its files.
        title: What it shows.
        about: The same for those who cannot see it, with what stands out.
        spec: Vega-Lite.
        table: Its data.
    """

    name: str
    title: str
    about: str
    spec: Mapping[str, Any] = field(repr=False)
    table: Table


@dataclass(frozen=True, slots=True)
class Claim:
    """A finding as the page says it.

    Attributes:
        severity: As in the finding, for its style.
        label: The severity in words.
        text: The claim.
        lines: Numbers, causes, remedies, how to look further: what they are, and what they say.
        count: How many rows stand behind it.
        rows: Ids of the first of them.
    """

    severity: str
    label: str
    text: str
    lines: Sequence[tuple[str, str]]
    count: str
    rows: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page.

    Attributes:
        id: For links.
        title: Its heading.
        paragraphs: What it says.
        figures: Its charts.
        tables: Further tables.
        claims: Findings.
        empty: Why it has nothing to show; None where it has.
    """

    id: str
    title: str
    paragraphs: Sequence[str] = ()
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()
    claims: Sequence[Claim] = ()
    empty: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A page.

    Attributes:
        title: Its title.
        say: Its language.
        summary: What it says first, in plain words.
        sections: Its parts.
        written: When, and by what.
    """

    title: str
    say: Speech
    summary: Sequence[str]
    sections: Sequence[Section]
    written: str


def interval_columns(
    say: Speech, label: str, *, score: bool = False, people: bool = True
) -> list[Column]:
    """Columns for a number: its value, its 95 % interval, how many things and people are behind it.

    Args:
        say: The language.
        label: What the number is.
        score: Whether it lies on a scale of 0 to 100; else it is a fraction.
        people: Whether people may stand behind it.
    """
    show = say.number if score else say.percent

    def interval(row: Row) -> str:
        return say("{low} to {high}", low=show(row["low"]), high=show(row["high"]))

    columns = [
        Column("value", label, lambda r: show(r["value"]), numeric=True),
        Column("low", say("95 % interval"), interval, numeric=True),
        Column("n", say("measured on"), lambda r: say.number(r["n"], 0), numeric=True),
    ]
    if people:
        columns.append(
            Column("n_raters", say("people"), lambda r: say.number(r["n_raters"], 0), numeric=True)
        )
    return columns
