"""Methods of reward models compared: on all and on contested pairs, and as they learn."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from pluralign.charts import charts
from pluralign.evaluation.reward_rows import STRENGTH
from pluralign.languages.speech import Speech
from pluralign.reports.data import Figure, Section
from pluralign.reports.page_tables import (
    Column,
    Scale,
    Table,
    bar_column,
    ends,
    interval_columns,
    numbered,
    prefixed,
)
from pluralign.reports.reading import Run
from pluralign.reports.sections.standings import Rows, titled

_NUMBER = ("value", "low", "high", "n", "n_raters")
_ENDS = ("value", "low", "high")


def contested(runs: Sequence[Run], say: Speech) -> Section | None:
    """Accuracy on all pairs against accuracy on contested ones; None without reward models."""
    title = say("Accuracy on contested pairs")
    rewards = [run for run in runs if run.kind == "rewards"]
    if not rewards:
        return None
    figures, rankings = [], []
    for k, run in enumerate(rewards):
        rows = _both_subsets(run, say)
        if rows:
            figures.append(_contested_figure(run, rows, runs, say, k))
            rankings.append(_ranking(run, rows, runs, say, k))
    if not figures:
        return Section(
            id="contested", title=title, empty=say("No contested pairs were measured here.")
        )
    return Section(id="contested", title=title, leading=rankings, figures=figures)


def _contested_figure(run: Run, rows: Rows, runs: Sequence[Run], say: Speech, k: int) -> Figure:
    labels = (say("contested pairs predicted correctly"), say("all pairs predicted correctly"))
    first, second = interval_columns(say, labels[0]), interval_columns(say, labels[1])
    columns = [
        Column("name", say("Method")),
        *(c.prefixed("contested_") for c in first[:2]),
        *second,
    ]
    title = titled(say("All pairs against contested pairs"), run, runs)
    about = say(
        "Contested pairs are those on which the model that steering starts from disagrees with "
        "the rater. A method far right and low learned to contradict, not to predict choices."
    )
    draw = partial(charts.two_numbers, rows, *labels, (True, True))
    name = numbered("contested", k)
    return Figure(name, title, about, draw, Table(name, title, columns, rows))


def _ranking(run: Run, rows: Rows, runs: Sequence[Run], say: Speech, k: int) -> Table:
    """Methods from the most accurate on average down."""
    # One scale for both columns, so that their bars can be compared.
    keys = [f"{prefix}{end}" for prefix in ("", "contested_", "clear_") for end in _ENDS]
    numbers = [row[key] for row in rows for key in keys]
    scale = Scale.around(number for number in numbers if number is not None)
    ranked = sorted(rows, key=lambda r: -r["value"])
    found = [row | {"rank": rank} for rank, row in enumerate(ranked, 1)]
    columns = [
        Column("rank", say("Rank"), lambda r: say.number(r["rank"], 0), numeric=True),
        Column("name", say("Method")),
        bar_column(say("all pairs predicted correctly"), scale, say.percent, say),
        bar_column(
            say("contested pairs predicted correctly"), scale, say.percent, say, prefix="contested_"
        ),
    ]
    if any(row["clear_value"] is not None for row in rows):
        label = say("all pairs, weighted by the strength of the choice")
        columns.append(bar_column(label, scale, say.percent, say, prefix="clear_"))
    caption = titled(say("Methods, on average over communities"), run, runs)
    return Table(
        numbered("methods", k), caption, columns, found, folded=False, saved=False, stacked=True
    )


def learning(runs: Sequence[Run], say: Speech) -> Section | None:
    """Accuracy against the number of pairs learned from; None where no run drew curves."""
    figures = []
    for k, run in enumerate(r for r in runs if r.curves):
        rows = _curve(run, say)
        if len({r["x"] for r in rows}) >= 2:
            figures.append(_curves_figure(run, rows, runs, say, k))
    if not figures:
        return None
    return Section(id="curves", title=say("Learning curves"), figures=figures)


def _curves_figure(run: Run, rows: Rows, runs: Sequence[Run], say: Speech, k: int) -> Figure:
    pairs, right = say("training pairs"), say("choices predicted correctly")
    columns = [
        Column("method", say("Method")),
        Column("train_pairs", pairs, lambda r: say.number(r["train_pairs"], 0), numeric=True),
        *interval_columns(say, right),
    ]
    title = titled(say("Accuracy and training pairs"), run, runs)
    about = say(
        "How accuracy, on average over communities, grows with the pairs that were learned from."
    )
    points = [{key: r[key] for key in ("name", "x", "value", "shown")} | ends(r) for r in rows]
    draw = partial(charts.curves, points, pairs, right)
    name = numbered("curves", k)
    return Figure(name, title, about, draw, Table(name, title, columns, rows))


def _both_subsets(run: Run, say: Speech) -> Rows:
    """One row for each method: averages over communities, on all and on contested pairs."""
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    for r in run.summary:
        if r.aggregate == "average":
            found.setdefault(r.method, {})[r.subset] = r.as_dict()
    rows = []
    for method, own in found.items():
        if "all" in own and "contested" in own:
            every, part = own["all"], own["contested"]
            row: dict[str, Any] = {"name": method} | {key: every[key] for key in _NUMBER}
            row |= {f"contested_{key}": part[key] for key in _NUMBER}
            clear = (every[key] for key in STRENGTH)
            row |= dict(zip((f"clear_{end}" for end in _ENDS), clear, strict=True))
            row["shown"] = f"{say.percent(every['value'])} / {say.percent(part['value'])}"
            rows.append(row | _point(row))
    return rows


def _point(row: Mapping[str, Any]) -> dict[str, Any]:
    """A method's numbers as a point with intervals: contested pairs across, all pairs up."""
    point: dict[str, Any] = {}
    for axis, number in (("x", prefixed(row, "contested_")), ("y", row)):
        own = ends(number)
        point |= {axis: own["value"], f"{axis}_low": own["low"], f"{axis}_high": own["high"]}
    return point


def _curve(run: Run, say: Speech) -> Rows:
    """Points of a run's curves: averages over communities, by the number of pairs."""
    unique = {}
    for r in run.curves:
        if r.by == "pairs" and r.community is None and r.subset == "all":
            unique[r.method, r.fraction] = r
    found = []
    for _, r in sorted(unique.items()):
        if r.train_pairs > 0:
            found.append(r.as_dict(name=r.method, x=r.train_pairs, shown=say.percent(r.value)))
    return found
