"""A page before it is HTML: text, tables and charts; nothing is computed after this."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pluralign.charts.styles import NARROW, WIDE
from pluralign.languages.speech import Speech
from pluralign.reports.page_tables import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart with its data as a table.

    Attributes:
        name: For its files.
        title: Its title.
        about: The same for those who cannot see it, with what stands out.
        draw: Vega-Lite for ``width=`` pixels.
        table: Its data.
    """

    name: str
    title: str
    about: str
    draw: Callable[..., Mapping[str, Any]] = field(repr=False)
    table: Table

    @property
    def spec(self) -> Mapping[str, Any]:
        """Vega-Lite for a screen."""
        return self.draw(width=WIDE)

    @property
    def narrow(self) -> Mapping[str, Any]:
        """Vega-Lite for a phone."""
        return self.draw(width=NARROW)


@dataclass(frozen=True, slots=True)
class Claim:
    """A finding in the page's words.

    Attributes:
        severity: As in the finding, for its style.
        label: The severity in words.
        text: The claim.
        lines: Names and texts of its numbers.
        count: How many rows are behind it.
        rows: Ids of the first of them.
    """

    severity: str
    label: str
    text: str
    lines: Sequence[tuple[str, str]]
    count: str
    rows: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """All findings of one kind.

    Attributes:
        severity: The gravest of them, for its style.
        label: The same in words.
        title: Title of the kind.
        table: A row for each, the worst first.
        more: The rows that the first table leaves out; None where there are none.
        lines: Causes, remedies and how to look further.
        claims: The first findings one by one.
        cut: How many of them are left out, in words; empty where all are there.
    """

    severity: str
    label: str
    title: str
    table: Table
    more: Table | None
    lines: Sequence[tuple[str, str]]
    claims: Sequence[Claim]
    cut: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the page.

    Attributes:
        id: For links.
        title: Its heading.
        paragraphs: Its text.
        leading: Tables before its charts.
        figures: Its charts.
        tables: Further tables.
        cards: Findings, by kind.
        folded: Further findings, which concern nothing that could be shipped.
        empty: Why it has nothing to show; None where it has.
    """

    id: str
    title: str
    paragraphs: Sequence[str] = ()
    leading: Sequence[Table] = ()
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()
    cards: Sequence[Card] = ()
    folded: Sequence[Card] = ()
    empty: str | None = None

    @property
    def claims(self) -> list[Claim]:
        """All findings of its cards, the gravest first."""
        order = ("risk", "concern", "note")
        found = [claim for card in (*self.cards, *self.folded) for claim in card.claims]
        return sorted(found, key=lambda claim: order.index(claim.severity))


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page.

    Attributes:
        title: Its title.
        runs: The runs that it is about, in words.
        say: Its language.
        advice: Advice in a few lines.
        summary: Measurements in plain words.
        sections: Its parts.
        written: When, and by what.
        settings: Settings of the report as JSON, by which it can be written again; empty where it
            is not about the one run in whose folder it is.
    """

    title: str
    runs: str
    say: Speech
    advice: Sequence[str]
    summary: Sequence[str]
    sections: Sequence[Section]
    written: str
    settings: str = ""
