"""Steers against communities, all pairs against contested ones, learning curves, models against people."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pluralign.charts import charts
from pluralign.evaluation.surveys import ALIGNMENT
from pluralign.languages.speech import Speech
from pluralign.reports.data import Column, Figure, Section, Table, interval_columns
from pluralign.reports.reading import Run
from pluralign.reports.sections.communities import nameable

_MOST = 40
_PEOPLE = "people: "


def steers(runs: Sequence[Run], say: Speech) -> Section:
    """What each steer does to each community."""
    figures = []
    for k, run in enumerate(r for r in runs if r.kind == "rewards"):
        rows = _matrix(run, say)
        if not rows:
            continue
        order = list(dict.fromkeys(r["steer_name"] for r in rows))[:_MOST]
        measured = list(dict.fromkeys(r["name"] for r in rows))[:_MOST]
        drawn = [r for r in rows if r["steer_name"] in order and r["name"] in measured]
        worst = min(nameable(rows), key=lambda r: r["points"], default=None)
        columns = [
            Column("steer", say("steered to"), lambda r: r["steer_name"]),
            Column("community", say("measured on the people of"), lambda r: r["name"]),
            *interval_columns(say, say("choices predicted rightly")),
            Column(
                "points",
                say("change in points"),
                lambda r: say.number(r["points"], 1),
                numeric=True,
            ),
        ]
        caption = say(
            "Every steer on every community: {run}, {method}", run=run.name, method=run.method
        )
        about = say(
            "Blue: served better than by the model that steering starts from; orange: worse."
        )
        if worst is not None:
            about += " " + say(
                "The largest loss: steering to {steer} changes {community} by {points} points.",
                steer=worst["steer_name"],
                community=worst["name"],
                points=say.number(worst["points"], 1),
            )
        if len(drawn) < len(rows):
            about += " " + say(
                "The chart shows the first {count}; the table shows more.",
                count=say.number(_MOST, 0),
            )
        figures.append(
            Figure(
                f"steers-{k}" if k else "steers",
                caption,
                about,
                charts.steer_matrix([_cell(r, say) for r in drawn], order, measured, say),
                Table(f"steers-{k}" if k else "steers", caption, columns, rows),
            )
        )
    told = [
        say(
            "A steer is meant for its own people, on the diagonal; off it, one sees who else pays or gains."
        ),
        say(
            "The change is a difference of two numbers and has no interval of its own; the table has that of each "
            "steered number."
        ),
    ]
    empty = None
    if not figures:
        steered = [r for run in runs if run.kind == "rewards" for r in run.results if r["steer"]]
        empty = (
            say(
                "The model that steering starts from was not measured: name `reference` among the methods."
            )
            if steered
            else say("No run here steered a model to several communities.")
        )
    return Section(
        "steers",
        say("Steering to one, measured on all"),
        told if figures else (),
        figures,
        empty=empty,
    )


def contested(runs: Sequence[Run], say: Speech) -> Section:
    """Accuracy on all pairs against accuracy on contested ones."""
    figures = []
    for k, run in enumerate(r for r in runs if r.kind == "rewards"):
        rows = _both_subsets(run, say)
        if not rows:
            continue
        labels = (say("contested pairs predicted rightly"), say("all pairs predicted rightly"))
        first, second = interval_columns(say, labels[0]), interval_columns(say, labels[1])
        columns = [
            Column("name", say("Method")),
            *(_renamed(c, "contested_") for c in first[:2]),
            *(_renamed(c, "") for c in second),
        ]
        caption = say("All pairs against contested pairs: {run}", run=run.name)
        figures.append(
            Figure(
                f"contested-{k}" if k else "contested",
                caption,
                say(
                    "Contested pairs are those on which the model that steering starts from disagrees with the rater. "
                    "Far right and low: the method learned to contradict, not to serve."
                ),
                charts.two_numbers(rows, *labels, (True, True)),
                Table(f"contested-{k}" if k else "contested", caption, columns, rows),
            )
        )
    empty = None
    if not figures:
        empty = (
            say("No contested pairs were measured here.")
            if any(run.kind == "rewards" for run in runs)
            else say("No run of reward models is among these folders.")
        )
    return Section("contested", say("Accuracy on contested pairs"), (), figures, empty=empty)


def learning(runs: Sequence[Run], say: Speech) -> Section:
    """Accuracy against how much was learned from."""
    figures = []
    for k, run in enumerate(r for r in runs if r.curves):
        rows = _curve(run, say)
        if len({r["x"] for r in rows}) < 2:
            continue
        columns = [
            Column("method", say("Method")),
            Column(
                "train_pairs",
                say("training pairs"),
                lambda r: say.number(r["train_pairs"], 0),
                numeric=True,
            ),
            *interval_columns(say, say("choices predicted rightly")),
        ]
        caption = say("Learning curves: {run}", run=run.name)
        figures.append(
            Figure(
                f"curves-{k}" if k else "curves",
                caption,
                say(
                    "How accuracy, on average over communities, grows with the pairs that were learned from."
                ),
                charts.curves(
                    [
                        {key: r[key] for key in ("name", "x", "value", "shown")} | _interval(r)
                        for r in rows
                    ],
                    say("training pairs"),
                    say("choices predicted rightly"),
                ),
                Table(f"curves-{k}" if k else "curves", caption, columns, rows),
            )
        )
    empty = (
        None if figures else say("No run here drew learning curves: set fractions under [curves].")
    )
    return Section("curves", say("How much must be learned"), (), figures, empty=empty)


def models(runs: Sequence[Run], say: Speech) -> Section:
    """Alignment and diversity of language models against those of people."""
    figures = []
    for k, run in enumerate(r for r in runs if r.kind == "survey"):
        rows, people = _alignment_diversity(run, say)
        if not rows:
            continue
        labels = (
            say("diversity over communities (0 to 100)"),
            say("cultural alignment score (0 to 100)"),
        )
        columns = [
            Column("name", say("Model")),
            *(
                _renamed(c, "diversity_")
                for c in interval_columns(say, labels[0], score=True, people=False)
            ),
            *(_renamed(c, "") for c in interval_columns(say, labels[1], score=True, people=False)),
            Column("of_people", say("diversity of those people"), _of_people(say), numeric=True),
        ]
        caption = say("Alignment and diversity of models: {run}", run=run.name)
        flat = sum(r["diversity_value"] < (r["of_people"] or 0) for r in rows)
        figures.append(
            Figure(
                f"models-{k}" if k else "models",
                caption,
                say(
                    "Up is nearer to what people answered; right is more different from one community to the next. The "
                    "dashed lines are the people themselves. {flat} of {count} models make communities more alike than "
                    "they are.",
                    flat=say.number(flat, 0),
                    count=say.number(len(rows), 0),
                ),
                charts.two_numbers(rows, *labels, (False, False), people),
                Table(f"models-{k}" if k else "models", caption, columns, rows),
            )
        )
    taken = [_taken_for(run, say, k) for k, run in enumerate(r for r in runs if r.kind == "survey")]
    tables = [table for table in taken if table.rows]
    empty = (
        None
        if figures or tables
        else say("No language model answered for two communities or more here.")
    )
    return Section("models", say("Language models and people"), (), figures, tables, empty=empty)


def _taken_for(run: Run, say: Speech, k: int) -> Table:
    """Which people each model's answers are nearest to, for whomever it was asked to speak; confusions first."""
    rows = [
        r | {"name": f"{r['model']} · {r['strategy']}", "other": say.place(r["nearest"])}
        for r in run.record.get("nearest", ())
    ]
    rows.sort(key=lambda r: (r["community"] == r["nearest"], r["name"], r["community"]))
    columns = [
        Column("name", say("Model")),
        Column("community", say("asked to speak for"), lambda r: say.place(r["community"])),
        Column("nearest", say("nearest to the answers of"), lambda r: r["other"]),
    ]
    caption = say("Whose answers these really are: {run}", run=run.name)
    return Table(f"nearest-{k}" if k else "nearest", caption, columns, rows)


def _matrix(run: Run, say: Speech) -> list[dict[str, Any]]:
    mine = [r for r in run.results if r["metric"] == run.metric and r["subset"] == "all"]
    base = {r["community"]: r["value"] for r in mine if r["method"] == "reference"}
    rows = [r for r in mine if r["method"] == run.method and r["steer"] and r["community"] in base]
    own = {r["community"]: r["value"] for r in rows if r["steer"] == r["community"]}
    rows.sort(
        key=lambda r: (
            own.get(r["steer"], 1.0),
            r["steer"],
            own.get(r["community"], 2.0),
            r["community"],
        )
    )
    return [
        r
        | {
            "steer_name": say.place(r["steer"]),
            "name": say.place(r["community"]),
            "points": 100 * (r["value"] - base[r["community"]]),
        }
        for r in rows
    ]


def _cell(row: Mapping[str, Any], say: Speech) -> dict[str, Any]:
    drawn = {"points": round(row["points"], 2), "shown": say.percent(row["value"])}
    return {key: row[key] for key in ("steer_name", "name")} | drawn


def _both_subsets(run: Run, say: Speech) -> list[dict[str, Any]]:
    """One row for each method: averages over the communities served, on all and on contested pairs."""
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    for r in run.summary:
        if r["aggregate"] == "average":
            found.setdefault(r["method"], {})[r["subset"]] = r
    rows = []
    for method, own in found.items():
        if "all" in own and "contested" in own:
            every, part = own["all"], own["contested"]
            rows.append(
                {
                    "name": method,
                    **{key: every[key] for key in ("value", "low", "high", "n", "n_raters")},
                    **{
                        f"contested_{key}": part[key]
                        for key in ("value", "low", "high", "n", "n_raters")
                    },
                    **_ends("x", part),
                    **_ends("y", every),
                    "shown": f"{say.percent(every['value'])} / {say.percent(part['value'])}",
                }
            )
    return rows


def _curve(run: Run, say: Speech) -> list[dict[str, Any]]:
    rows = [
        r
        for r in run.curves
        if r["metric"] == run.metric
        and r["by"] == "pairs"
        and r["community"] is None
        and r["subset"] == "all"
    ]
    unique = {(r["method"], r["fraction"]): r for r in rows}
    return [
        r | {"name": r["method"], "x": r["train_pairs"], "shown": say.percent(r["value"])}
        for r in sorted(unique.values(), key=lambda r: (r["method"], r["fraction"]))
        if r["train_pairs"] > 0
    ]


def _alignment_diversity(
    run: Run, say: Speech
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    by: dict[tuple[str, str, str], Mapping[str, Any]] = {
        (r["metric"], r["model"], r["strategy"] or ""): r
        for r in run.results
        if r["community"] is None
    }
    rows, people = [], []
    for (metric, model, strategy), diversity in by.items():
        alignment = by.get((ALIGNMENT, model, strategy))
        if metric != "pairwise_diversity" or alignment is None:
            continue
        theirs = by.get((metric, f"{_PEOPLE}{model}", strategy))
        rows.append(
            {
                "name": f"{model} · {strategy}",
                **{key: alignment[key] for key in ("value", "low", "high", "n")},
                **{f"diversity_{key}": diversity[key] for key in ("value", "low", "high", "n")},
                **_ends("x", diversity),
                **_ends("y", alignment),
                **{f"of_people{end}": theirs[key] if theirs else None for end, key in _OF_PEOPLE},
                "shown": f"{say.number(alignment['value'])} / {say.number(diversity['value'])}",
            }
        )
        if theirs:
            people.append({"x": theirs["value"], "name": say("the people asked about")})
    return rows, [dict(t) for t in {tuple(p.items()) for p in people}]


_OF_PEOPLE = (("", "value"), ("_low", "low"), ("_high", "high"))


def _of_people(say: Speech) -> Callable[[Mapping[str, Any]], str]:
    def shown(row: Mapping[str, Any]) -> str:
        value = say.number(row["of_people"])
        if row["of_people_low"] is None:
            return value
        low, high = say.number(row["of_people_low"]), say.number(row["of_people_high"])
        return say("{value} [{low} to {high}]", value=value, low=low, high=high)

    return shown


def _ends(axis: str, row: Mapping[str, Any]) -> dict[str, float]:
    drawn = _interval(row)
    return {axis: row["value"], f"{axis}_low": drawn["low"], f"{axis}_high": drawn["high"]}


def _interval(row: Mapping[str, Any]) -> dict[str, float]:
    """Ends to draw: the number itself where it has no interval."""
    return {end: row["value"] if row[end] is None else row[end] for end in ("low", "high")}


def _renamed(column: Column, prefix: str) -> Column:
    """The same column for a row whose keys carry a prefix."""
    if not prefix:
        return column
    show = column.show
    assert show is not None

    def shown(row: Mapping[str, Any]) -> str:
        return show(
            {key: row.get(f"{prefix}{key}") for key in ("value", "low", "high", "n", "n_raters")}
        )

    return Column(f"{prefix}{column.key}", column.label, shown, column.numeric)
