"""Accuracy of methods under other settings than the run's own."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from pluralign.charts import charts
from pluralign.evaluation import SensitivityRow
from pluralign.languages.speech import Speech
from pluralign.reports.data import Figure, Section
from pluralign.reports.page_tables import Column, Table, ends, interval_columns, numbered
from pluralign.reports.reading import Run
from pluralign.reports.sections.standings import Rows, installed_method, titled


def sensitivity(runs: Sequence[Run], say: Speech) -> Section | None:
    """Accuracy over the settings that a study tried; None where no run has such a study."""
    figures: list[Figure] = []
    for run in runs:
        tried = [r for r in run.sensitivity if r.subset == "all"]
        ridges = [r for r in tried if r.ridge is not None]
        others = [r for r in tried if r.ridge is None]
        for rows in (_ridges(run, ridges, say), _thresholds(run, others, say)):
            if len({row["x"] for row in rows}) > 1:
                figures.append(_figure(run, rows, runs, say, len(figures)))
    if not figures:
        return None
    text = say(
        "Each point is a fit under other settings, on average over communities. A ring marks "
        "the run's own setting; a ridge that is chosen by the data may differ between seeds."
    )
    return Section(
        id="sensitivity", title=say("Other settings"), paragraphs=[text], figures=figures
    )


def _ridges(run: Run, tried: Sequence[SensitivityRow], say: Speech) -> Rows:
    """Every method over the ridges, in pairs."""
    own = {r.method: _own_ridges(run, r.method) for r in tried}
    return [_row(r, "ridge", r.method, r.ridge in own[r.method], say) for r in tried]


def _thresholds(run: Run, tried: Sequence[SensitivityRow], say: Speech) -> Rows:
    """Every method over tau, with a line for each beta; over beta where only that was changed."""
    own = {r.method: _own_thresholds(run, r.method) for r in tried}
    across, other = ("tau", "beta") if len({r.tau for r in tried}) > 1 else ("beta", "tau")
    rows = []
    for r in tried:
        changed = {"tau": r.tau, "beta": r.beta}
        fixed = changed[other]
        line = r.method if fixed is None else f"{r.method}, {other} {fixed:g}"
        rows.append(_row(r, across, line, _is_own(changed, own[r.method]), say))
    return rows


def _is_own(changed: Mapping[str, float | None], own: Mapping[str, float]) -> bool:
    """Whether all settings that a row changed have the run's own values."""
    return all(value is None or value == own.get(key) for key, value in changed.items())


def _row(row: SensitivityRow, key: str, line: str, own: bool, say: Speech) -> dict[str, Any]:
    found = row.as_dict(name=line, setting=key, own=own, shown=say.percent(row.value))
    return found | {"x": found[key]}


def _own_ridges(run: Run, name: str) -> set[float]:
    """The ridges that a method had in the run: one for each seed where they were chosen."""
    given = run.record.get("settings", {}).get("fit", {}).get("ridge", "auto")
    if given != "auto":
        return {given}
    method = installed_method(name)
    tuned = name if method is None or method.tuned_as is None else method.tuned_as
    chosen = [of.get(tuned) for of in run.record.get("ridges", {}).values()]
    return {found["ridge"] for found in chosen if found is not None}


def _own_thresholds(run: Run, name: str) -> dict[str, float]:
    """Tau and beta that a method had in the run; empty for a plug-in that is not installed."""
    method = installed_method(name)
    if method is None:
        return {}
    config = method.configure(**run.record.get("method_settings", {}).get(name, {}))
    return {"tau": config.tau, "beta": config.beta}


def _figure(run: Run, rows: Rows, runs: Sequence[Run], say: Speech, k: int) -> Figure:
    setting, right = rows[0]["setting"], say("choices predicted correctly")
    label = say("ridge, in pairs") if setting == "ridge" else setting
    title = titled(say("Accuracy and {setting}", setting=label), run, runs)
    values = [r["value"] for r in rows]
    about = say(
        "Between {low} and {high} of the choices are predicted correctly under these settings.",
        low=say.percent(min(values)),
        high=say.percent(max(values)),
    )
    points = [
        {key: r[key] for key in ("name", "x", "value", "shown", "own")} | ends(r) for r in rows
    ]
    draw = partial(charts.curves, points, label, right)
    columns = [
        Column("name", say("Method")),
        Column("x", label, lambda r: say.number(r["x"], 2), numeric=True),
        *interval_columns(say, right),
    ]
    name = numbered("sensitivity", k)
    return Figure(name, title, about, draw, Table(name, title, columns, rows))
