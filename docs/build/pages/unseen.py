"""The section on communities that nobody trained on: curves, cells, controls, and a picture."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pages.pictures import save, titled
from pages.sections import marked
from pages.writing import TITLES, percent, points, table
from pluralign.core import Estimate, InvalidInput, count_of
from pluralign.experiments.unseen import OWN
from pluralign.experiments.unseen_rows import NEW_NEW, NEW_SEEN, SEEN_NEW

SHOWN = (0, 5, 20, 100)
"""Numbers of choices that tables with intervals have."""
DRAWN = ("full", "nearest", "adaptive", "prior", "lore", "gpo")
_COLORS = ("#000000", "#6b6b6b", "#2c6fb0", "#c0561f", "#3a8a3a", "#8a4fa0")
_DASHES = ([1, 0], [6, 3], [2, 2], [1, 0], [8, 2, 2, 2], [4, 2])
_CELLS = {NEW_SEEN: "questions that others answered", NEW_NEW: "questions that nobody answered"}
_FACTS = {
    "settings", "seed", "draws", "folds", "pairs", "pairs_each", "stems", "people", "least_choices"
}  # fmt: skip


@dataclass(frozen=True)
class Unseen:
    """One folder of ``benchmarks/unseen_communities.py``.

    Attributes:
        deals: Data and settings of each deal.
        rows: The numbers.
    """

    deals: Sequence[Mapping[str, Any]]
    rows: Sequence[Mapping[str, Any]]

    @classmethod
    def read(cls, folder: Path) -> "Unseen":
        """Read the rows and the descriptions of the deals.

        Raises:
            InvalidInput: If a description is not complete.
        """
        paths = sorted(folder.glob("seed-*/about.json"))
        deals = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
        lacking = {fact for about in deals for fact in _FACTS - set(about)}
        if lacking or not deals:
            raise InvalidInput(f"about.json lacks {', '.join(sorted(lacking))}", where=str(folder))
        lines = (folder / "rows.jsonl").read_text(encoding="utf-8").splitlines()
        return cls(deals, [json.loads(line) for line in lines])

    @property
    def title(self) -> str:
        """Name of the data set."""
        name = self.deals[0]["settings"].replace("_", "-")
        return TITLES.get(name, name)

    @property
    def methods(self) -> list[str]:
        """Names of the methods, in order."""
        return list(dict.fromkeys(row["method"] for row in self.rows))

    @property
    def choices(self) -> list[int]:
        """Numbers of choices."""
        return [k for control, k in self.deals[0]["given"] if control == OWN]

    def row(self, cell: str, method: str, metric: str, choices: object) -> Mapping[str, Any] | None:
        """The row of own choices, or None."""
        wanted = (cell, method, metric, OWN, choices)
        for row in self.rows:
            kept = (row["cell"], row["method"], row["metric"], row["control"], row.get("choices"))
            if kept == wanted:
                return row
        return None

    def estimate(self, cell: str, method: str, metric: str, choices: object) -> Estimate | None:
        """The same with its interval."""
        row = self.row(cell, method, metric, choices)
        if row is None:
            return None
        return Estimate(row["value"], row["low"], row["high"], row["n"])


def section(folders: Sequence[Path], pictures: Path, reading: str) -> str:
    """The section with its markers; its picture is written to a folder."""
    found = [Unseen.read(folder) for folder in folders]
    picture = draw(found, pictures)
    parts = [
        "## A community nobody trained on",
        INTRODUCTION,
        f"![Communities that nobody trained on](images/{picture.name})",
        *(text for unseen in found for text in of_one(unseen)),
        *filter(None, [reading.strip()]),
    ]
    return marked("unseen", "\n\n".join(parts))


INTRODUCTION = """\
Communities are left out in turn. Each is then served from k of its own choices, by every method
that can (`benchmarks/unseen_communities.py`, [protocol](protocol.md#few-examples),
[formulas](methods.md#each-method-given-k-choices)). Stems of questions are dealt into 60 % about
which a new community gives choices, 20 % that only others answered in training ("new x seen") and
20 % that nobody answered ("new x new"). A draw takes one choice of each stem before a second one of
any; smaller k are parts of larger ones. "Seen x new" is the usual case: the community was trained
on with all of its choices. Communities count the same. Intervals are 95 % and for other communities
and other stems (clustered both ways); each pair enters with its mean over draws. The communities of
the confirmation data were left out everywhere."""


def of_one(unseen: Unseen) -> Iterator[str]:
    """The tables of one data set."""
    yield f"### {unseen.title}"
    yield facts(unseen)
    yield "Accuracy on new x new, %, by number of choices; the last columns have 95 % intervals."
    yield curve_table(unseen, NEW_NEW)
    yield "Accuracy on new x seen, %."
    yield curve_table(unseen, NEW_SEEN)
    yield "Loss on new x new, in nats a pair (a smaller one is better), and the worst community."
    yield loss_table(unseen)
    yield "The three cells, accuracy in %."
    yield cell_table(unseen)
    yield (
        "The worth of 100 choices, in points of accuracy: against none, against another "
        "community's, and against the same ones with outcomes drawn by lot."
    )
    yield worth_table(unseen)


def facts(unseen: Unseen) -> str:
    first, deals = unseen.deals[0], unseen.deals
    served = sorted(c for fold in first["folds"] for c in fold)
    people = f", {first['people']:,} people" if first["people"] else ""
    each = f" (at most {first['pairs_each']:,} of each community)" if first["pairs_each"] else ""
    seeds = ", ".join(str(about["seed"]) for about in deals)
    least = min(about["least_choices"] for about in deals)
    return (
        f"{first['pairs']:,} pairs{each}, {first['stems']:,} stems{people}. "
        f"{len(served)} communities, left out in {len(first['folds'])} folds: "
        f"{', '.join(served)}. {count_of(len(deals), 'deal')} (seed {seeds}) of "
        f"{first['draws']} draws. A community has at least {least} choices to "
        "give; where k is larger, all are given."
    )


def curve_table(unseen: Unseen, cell: str) -> str:
    head = ["method", *(f"k = {k}" for k in unseen.choices)]
    most = max(unseen.choices)
    head += ["over reference, 0", f"over reference, {most}", "above the reference from"]
    rows = []
    for method in unseen.methods:
        values = [unseen.row(cell, method, "accuracy", k) for k in unseen.choices]
        cells = ["-" if row is None else f"{100 * row['value']:.1f}" for row in values]
        gains = [unseen.estimate(cell, method, "over_reference", k) for k in (0, most)]
        first = unseen.row(cell, method, "first_above", None)
        start = "-" if first is None or first["value"] is None else f"k = {first['value']}"
        rows.append([f"`{method}`", *cells, *map(points, gains), start])
    return table(head, rows)


def loss_table(unseen: Unseen) -> str:
    shown = [k for k in SHOWN if k in unseen.choices]
    head = ["method", *(f"loss, k = {k}" for k in shown), *(f"worst, k = {k}" for k in shown)]
    rows = []
    for method in unseen.methods:
        losses = [unseen.row(NEW_NEW, method, "loss", k) for k in shown]
        found = [unseen.row(NEW_NEW, method, "accuracy", k) for k in shown]
        rows.append(
            [
                f"`{method}`",
                *("-" if row is None else f"{row['value']:.3f}" for row in losses),
                *(_worst(row) for row in found),
            ]
        )
    return table(head, rows)


def _worst(row: Mapping[str, Any] | None) -> str:
    if row is None or row.get("worst") is None:
        return "-"
    return f"{100 * row['worst']:.1f} {row['worst_community']}"


def cell_table(unseen: Unseen) -> str:
    most = max(unseen.choices)
    head = ["method", "seen x new", f"new x new, k = {most}", "new x new, k = 0",
            f"new x seen, k = {most}", "new x seen, k = 0"]  # fmt: skip
    columns = [(SEEN_NEW, "all"), (NEW_NEW, most), (NEW_NEW, 0), (NEW_SEEN, most), (NEW_SEEN, 0)]
    return table(
        head,
        [
            [f"`{m}`", *(percent(unseen.estimate(cell, m, "accuracy", k)) for cell, k in columns)]
            for m in unseen.methods
        ],
    )


def worth_table(unseen: Unseen) -> str:
    most = max(unseen.choices)
    metrics = {"over_none": "none", "over_swapped": "swapped", "over_shuffled": "by lot"}
    cells = {NEW_NEW: "new x new", NEW_SEEN: "new x seen"}
    columns = [(cell, metric) for cell in cells for metric in metrics]
    head = ["method", *(f"{cells[cell]}, {metrics[metric]}" for cell, metric in columns)]
    rows = []
    for method in unseen.methods:
        found = [unseen.estimate(cell, method, metric, most) for cell, metric in columns]
        if any(e is not None and e.value for e in found):
            rows.append([f"`{method}`", *map(points, found)])
    return table(head, rows)


def draw(found: Sequence[Unseen], folder: Path) -> Path:
    """Accuracy by number of choices: a column for each data set, a row for each cell."""
    import altair as alt

    rows = [alt.hconcat(*(_panel(u, cell) for u in found), spacing=18) for cell in _CELLS]
    chart = alt.vconcat(*rows, spacing=14).properties(
        title=titled(
            "Communities that nobody trained on, served from k of their own choices",
            "Accuracy, %, mean over communities and draws. Dashed grey: the reference; solid grey: "
            "one head for all communities seen (pooled).",
        )
    )
    return save(chart, folder / "unseen.png")


def _panel(unseen: Unseen, cell: str) -> Any:
    import altair as alt

    shown = [m for m in DRAWN if m in unseen.methods]
    values = [
        {"method": m, "k": str(k), "value": 100 * row["value"]}
        for m in shown
        for k in unseen.choices
        if (row := unseen.row(cell, m, "accuracy", k))
    ]
    legend = alt.Legend(symbolType="stroke", symbolSize=900, symbolStrokeWidth=2)
    colors = alt.Scale(domain=shown, range=_COLORS[: len(shown)])
    dashes = alt.Scale(domain=shown, range=_DASHES[: len(shown)])
    order = [str(k) for k in unseen.choices]
    lines = (
        alt.Chart(alt.InlineData(values=values))
        .mark_line(strokeWidth=2)
        .encode(
            x=alt.X("k:O", title="choices", sort=order, axis=alt.Axis(labelAngle=0)),
            y=alt.Y("value:Q", title="accuracy, %", scale=alt.Scale(zero=False)),
            color=alt.Color("method:N", title=None, scale=colors, legend=legend),
            strokeDash=alt.StrokeDash("method:N", title=None, scale=dashes, legend=legend),
        )
    )
    layers = [*_rules(unseen, cell), lines]
    title = f"{unseen.title}: {_CELLS[cell]}"
    return alt.layer(*layers).properties(width=330, height=190, title=title)


def _rules(unseen: Unseen, cell: str) -> Iterator[Any]:
    import altair as alt

    for method, dash in (("reference", [4, 3]), ("pooled", [1, 0])):
        row = unseen.row(cell, method, "accuracy", 0)
        if row is not None:
            at = alt.Chart(alt.InlineData(values=[{"y": 100 * row["value"]}]))
            yield at.mark_rule(strokeDash=dash, color="#aaa").encode(y="y:Q")
