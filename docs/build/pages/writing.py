"""Markdown: tables, numbers with their intervals, and the verdict that an interval allows."""

from collections.abc import Iterable, Sequence

from pages.reading import Measured
from pluralign.cli import numbers
from pluralign.core import community
from pluralign.evaluation import Row
from pluralign.runs import RewardRun

TITLES = {
    "global-dialogues": "Global Dialogues",
    "global-opinions": "GlobalOpinionQA",
    "global-opinions-by-question": "GlobalOpinionQA split by question",
    "world-values": "World Values Survey",
    "survey-shift": "A shift of survey",
    "blend": "BLEnD",
}


def title_of(run: RewardRun) -> str:
    """Name of the data set of a run, for headings."""
    return TITLES.get(run.name, run.name)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; the first column to the left, the others to the right.

    >>> print(table(["method", "average"], [["full", "62.0"]]))
    | method | average |
    |:--|--:|
    | full | 62.0 |
    """
    lines = [head, [":--", *["--:"] * (len(head) - 1)]]
    text = ["| " + " | ".join(lines[0]) + " |", "|" + "|".join(lines[1]) + "|"]
    return "\n".join(
        [*text, *("| " + " | ".join(cell.replace("|", "/") for cell in row) + " |" for row in rows)]
    )


def folded(summary: str, text: str) -> str:
    """Text that is shown on a click."""
    return f'<details markdown="1"><summary>{summary}</summary>\n\n{text}\n\n</details>'


def percent(row: Measured | None, signed: bool = False) -> str:
    """A fraction with its interval, in per cent; a dash where there is none.

    >>> from pluralign.core import Estimate
    >>> percent(Estimate(0.615, 0.58, 0.65, n=10))
    '61.5 [58.0, 65.0]'
    """
    if row is None:
        return numbers.percent(None)
    return numbers.percent({"value": row.value, "low": row.low, "high": row.high}, signed)


def points(row: Measured | None) -> str:
    """A difference with its interval, in percentage points.

    >>> from pluralign.core import Estimate
    >>> points(Estimate(0.02, -0.01, 0.05, n=10))
    '+2.0 [-1.0, +5.0]'
    """
    return percent(row, signed=True)


def verdict(row: Measured) -> str:
    """The verdict that the interval of a difference allows.

    >>> from pluralign.core import Estimate
    >>> verdict(Estimate(0.02, -0.01, 0.05, n=10))
    'level with'
    """
    if row.low is not None and row.low > 0:
        return "ahead of"
    return "behind" if row.high is not None and row.high < 0 else "level with"


def compared(method: str, baseline: str, row: Measured) -> str:
    """One sentence that compares two methods."""
    return f"`{method}` is {verdict(row)} `{baseline}` ({points(row)} points)."


def named(id_: str) -> str:
    """Id and name of a community.

    >>> named("GBR")
    'GBR (United Kingdom)'
    """
    return f"{id_} ({community(id_).name})"


def people_behind(row: Row, unit: str) -> str:
    """How many pairs and people a number is computed from."""
    people = (
        f"{row.n_raters:,} raters"
        if row.n_raters is not None
        else f"whole samples; clustered by {unit}"
    )
    return f"{row.n:,} pairs, {people}"


def unit_of(run: RewardRun) -> str:
    """The unit of intervals: raters, or question stems where answers were published as shares."""
    raters = any(row.n_raters is not None for row in run.summary)
    return "raters" if raters else "question stems"


def split_unit(run: RewardRun) -> str:
    """The unit that the split holds out, in the plural."""
    names = {
        "rater": "raters",
        "question": "questions",
        "stem": "question stems",
        "both": "raters and questions",
        "source": "surveys",
    }
    return names.get(run.settings["split"]["by"], "raters")
