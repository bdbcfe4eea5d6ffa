"""Tables of a page before they are HTML: columns, cells, numbers and the bars that draw them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pluralign.languages.speech import Speech

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Bar:
    """A number drawn in a cell, in percent of the cell's width.

    Attributes:
        value: The number.
        low: The lower end of its interval.
        high: The upper end.
        mark: A number to compare it with, such as the people's own value.
    """

    value: float
    low: float
    high: float
    mark: float | None = None


@dataclass(frozen=True, slots=True)
class Scale:
    """The numbers at both ends of the bars of a table.

    Attributes:
        low: The number at the start of a cell.
        high: The number at its end.
    """

    low: float
    high: float

    @classmethod
    def around(cls, values: Iterable[float]) -> "Scale":
        """A scale on which all these numbers lie, with a little room at both ends.

        >>> Scale.around([0.0, 1.0])
        Scale(low=-0.04, high=1.04)
        """
        known = list(values) or [0.0]
        room = 0.04 * (max(known) - min(known)) or 1.0
        return cls(min(known) - room, max(known) + room)

    def bar(self, row: Row, mark: float | None = None) -> Bar:
        """A row's ``value`` with its interval, where it has one.

        >>> Scale(0.0, 2.0).bar({"value": 1.0, "low": 0.5, "high": None}, mark=2.0)
        Bar(value=50.0, low=25.0, high=50.0, mark=100.0)
        """
        drawn = {end: self._at(number) for end, number in ends(row).items()}
        return Bar(**drawn, mark=None if mark is None else self._at(mark))

    def _at(self, value: float) -> float:
        return round(100 * (value - self.low) / (self.high - self.low), 1)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        key: Key of its raw value in a row.
        label: Text of its head.
        show: Turns a row into text; the raw value as it is where None.
        numeric: Whether it is set flush with the end.
        bar: Draws a row's number under its text; no drawing where None.
        named: Whether a phone repeats its head in each cell of a stacked table.
        language: Key of the language tag of its texts in a row, where people or models wrote them;
            such a text has its own language and direction on the page.
    """

    key: str
    label: str
    show: Callable[[Row], str] | None = None
    numeric: bool = False
    bar: Callable[[Row], Bar | None] | None = None
    named: bool = False
    language: str = ""

    def text(self, row: Row) -> str:
        """Text of a cell."""
        value = row.get(self.key)
        if value is None:
            return "–"
        return self.show(row) if self.show is not None else str(value)

    def prefixed(self, prefix: str) -> "Column":
        """The same column of rows whose keys carry a prefix."""
        show = self.show

        def text(row: Row) -> str:
            own = prefixed(row, prefix)
            return str(own[self.key]) if show is None else show(own)

        return Column(f"{prefix}{self.key}", self.label, text, self.numeric)

    def drawing(self, row: Row) -> Bar | None:
        """Drawing of a cell."""
        return self.bar(row) if self.bar is not None and row.get(self.key) is not None else None


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Attributes:
        name: For its file.
        caption: Its caption.
        columns: Its columns.
        rows: All rows; the page shows the first ``most``.
        most: How many rows the page shows.
        folded: Whether the page shows its caption until a reader opens it.
        about: How to read it.
        saved: Whether it is written as a file too.
        stacked: Whether a phone shows the cells of a row one under another.
    """

    name: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    most: int = 200
    folded: bool = True
    about: str = ""
    saved: bool = True
    stacked: bool = False

    @property
    def shown(self) -> Sequence[Row]:
        """The rows on the page."""
        return self.rows[: self.most]

    @property
    def filled(self) -> list[Column]:
        """The columns on the page: all that have a value in any row."""
        nothing: tuple[object, ...] = (None, {}, [])
        return [c for c in self.columns if any(row.get(c.key) not in nothing for row in self.rows)]


def interval_columns(
    say: Speech, label: str, *, score: bool = False, people: bool = True
) -> list[Column]:
    """Columns for a number: its value, its 95 % interval, how many things and people are behind it.

    Args:
        say: The language.
        label: Name of the number.
        score: Whether it lies on a scale of 0 to 100; else it is a fraction.
        people: Whether people may stand behind it.
    """
    show = say.number if score else say.percent

    columns = [
        Column("value", label, lambda r: show(r["value"]), numeric=True),
        interval_column(show, say),
        Column("n", say("measured on"), lambda r: say.number(r["n"], 0), numeric=True),
    ]
    if people:
        columns.append(
            Column("n_raters", say("people"), lambda r: say.number(r["n_raters"], 0), numeric=True)
        )
    return columns


def interval_column(show: Callable[[float], str], say: Speech) -> Column:
    """The column of a number's 95 % interval, of rows with ``low`` and ``high``."""

    def interval(row: Row) -> str:
        return say("{low} to {high}", low=show(row["low"]), high=show(row["high"]))

    return Column("low", say("95 % interval"), interval, numeric=True)


def bar_column(
    label: str,
    scale: Scale,
    show: Callable[[float], str],
    say: Speech,
    *,
    prefix: str = "",
    mark: str | None = None,
) -> Column:
    """A column of numbers with their intervals, in words and as bars.

    Args:
        label: Text of its head.
        scale: The scale of the bars.
        show: Turns a number into text.
        say: The language.
        prefix: Prefix of the keys ``value``, ``low`` and ``high``.
        mark: Key of a number that the bars mark; None where there is none.
    """

    def bar(row: Row) -> Bar:
        return scale.bar(prefixed(row, prefix), None if mark is None else row[mark])

    return Column(
        f"{prefix}value",
        label,
        lambda row: with_interval(prefixed(row, prefix), show, say),
        bar=bar,
        named=True,
    )


def prefixed(row: Row, prefix: str) -> dict[str, Any]:
    """The values of a row whose keys carry a prefix, without it.

    >>> prefixed({"own_n": 3, "n": 7}, "own_")
    {'n': 3}
    """
    return {key.removeprefix(prefix): row[key] for key in row if key.startswith(prefix)}


def ends(row: Row) -> dict[str, float]:
    """A number with ends to draw: the number itself where it has no interval.

    >>> ends({"value": 0.5, "low": None, "high": None, "n": 1})
    {'value': 0.5, 'low': 0.5, 'high': 0.5}
    """
    value = row["value"]
    low = value if row["low"] is None else row["low"]
    high = value if row["high"] is None else row["high"]
    return {"value": value, "low": low, "high": high}


def with_interval(row: Row, show: Callable[[float], str], say: Speech) -> str:
    """A row's ``value`` in words, with its interval where it has one."""
    value = show(row["value"])
    if row.get("low") is None or row.get("high") is None:
        return value
    return say(
        "{value} [{low} to {high}]", value=value, low=show(row["low"]), high=show(row["high"])
    )


def numbered(name: str, k: int) -> str:
    """Name of the k-th table or chart of a kind, from 0.

    >>> numbered("worst", 0), numbered("worst", 1)
    ('worst', 'worst-1')
    """
    return f"{name}-{k}" if k else name
