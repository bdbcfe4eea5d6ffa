"""Effects on other communities, learning curves, other settings, agreement, ridges and seeds."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from statistics import fmean, stdev
from typing import Any

from pages.paired import own_against_others
from pages.reading import cells, curves_by, study_seeds, tested
from pages.writing import folded, percent, points, split_unit, table, verdict
from pluralign.evaluation import CurveRow, NeededRow, Row, SensitivityRow
from pluralign.runs import RewardRun

STEERED = ("adaptive", "scpo")
_SMALL_MATRIX = 3
_CURVES = (
    "The pairs of the communities steered to are thinned; the others and the reference stay. The"
    " published claim is that SCPO needs less data than full fine-tuning: below 100 % it does."
)


def steer_section(run: RewardRun, picture: str | None) -> str:
    """Steer x community: does steering to a community serve it, and at what cost to the others?"""
    methods = [m for m in STEERED if m in run.methods]
    parts = ["### Steering to one, and the others"]
    if not methods:
        return "\n\n".join([*parts, "This run has neither `adaptive` nor `scpo`."])
    if picture:
        parts.append(f"![Change in accuracy for every steer and community]({picture})")
    said = [
        sentence for m in methods for sentence in (_own_sentence(run, m), _cost_sentence(run, m))
    ]
    parts.append("\n".join(f"* {sentence}" for sentence in said))
    if len(cells(run, methods[0])) <= _SMALL_MATRIX**2:
        parts.append(_matrix_table(run, methods))
    return "\n\n".join(parts)


def curve_section(run: RewardRun) -> str:
    """How accuracy grows with data, and how much of it a method needs."""
    curves = curves_by(run)
    if not curves:
        return "### Learning curves\n\nThis run has no learning curves."
    parts = ["### Learning curves", f"{_seeds_of(run, 'curves')} {_CURVES}"]
    for by, rows in curves.items():
        unit = _unit_name(run, by)
        needed = [row for row in run.needed if row.by == by]
        parts += [f"By {unit}:", _needed_table(needed), _above_full(rows)]
        parts.append(
            folded(f"Accuracy at each size, by {unit}", _curve_table(rows, split_unit(run)))
        )
    return "\n\n".join(parts)


def sensitivity_section(run: RewardRun) -> str:
    """SCPO under other settings of tau and beta, and methods under other ridges."""
    scpo = [row for row in run.sensitivity if (row.tau, row.beta) != (None, None)]
    ridges = [row for row in run.sensitivity if row.ridge is not None]
    if not run.sensitivity:
        return "### Other settings\n\nThis run tried no other settings."
    said = (
        "For every tau and beta the ridge is the one chosen for `scpo` under the run's own "
        "settings."
    )
    parts = ["### Other settings", f"{_seeds_of(run, 'sensitivity')} {said}"]
    if scpo:
        parts += [
            _range_sentence(scpo),
            folded("`scpo` under every tau and beta", _scpo_table(scpo)),
        ]
    if ridges:
        parts.append(folded("Under every ridge, all test pairs", _ridge_table(ridges)))
    return "\n\n".join(parts)


def people_section(run: RewardRun) -> str:
    """How often a rater agrees with the majority of the others."""
    if not run.people:
        return "### Agreement among people\n\nNo pair was judged by two people of one community."
    rows = [[str(r.community), percent(r), f"{r.n:,}", f"{r.n_raters:,}"] for r in run.people]
    said = (
        "How often a rater chooses as the majority of the other raters of the same two texts did."
        " It is a reference point, not a limit: with few other raters their majority is itself"
        " uncertain."
    )
    head = ["community", "agreement", "pairs judged more than once", "raters"]
    return "\n\n".join(["### Agreement among people", said, table(head, rows)])


def seed_section(run: RewardRun) -> str:
    """Each seed alone: a new split, a new reference, new ridges."""
    rows = [r for r in run.repeats if r.aggregate == "average" and r.subset == "all"]
    by_method = {m: {r.seed: r for r in rows if r.method == m} for m in run.methods}
    head = ["method", *(f"seed {seed}" for seed in run.seeds), "mean", "standard deviation"]
    body = [
        [f"`{m}`", *(_value(found.get(s)) for s in run.seeds), *_spread(found)]
        for m, found in by_method.items()
    ]
    tuned = [
        "reference",
        *(m for m in run.methods if any(m in t for t in run.record["ridges"].values())),
    ]
    chosen = [
        [f"`{m}`", *(_ridge(run.record["ridges"].get(str(s), {}).get(m)) for s in run.seeds)]
        for m in dict.fromkeys(tuned)
    ]
    return "\n\n".join([
        "### Seeds",
        "Average accuracy of each seed alone, % (intervals: `repeats.jsonl` of the run):",
        table(head, body),
        "The ridge chosen inside the training side, in pairs:",
        table(["method", *(f"seed {seed}" for seed in run.seeds)], chosen),
    ])  # fmt: skip


def _own_sentence(run: RewardRun, method: str) -> str:
    if len(tested(run)) < 2:
        return f"`{method}`: only one community is steered to, so no two steers can be compared."
    row, matrix = own_against_others(run, method), cells(run, method)
    best = 0
    for c in tested(run):
        others = [matrix[s, c].value for s in tested(run) if s != c and (s, c) in matrix]
        best += (c, c) in matrix and matrix[c, c].value > fmean(others)
    return (
        f"`{method}`: accuracy under the steer to the community itself minus the mean of the"
        f" steers to the others is {points(row)} points on average, and above 0 in {best} of"
        f" {len(tested(run))} communities."
    )


def _cost_sentence(run: RewardRun, method: str) -> str:
    rows = run.bystanders(method)
    if not rows:
        return f"`{method}`: no community of the reference has test pairs."
    worse = [r for r in rows if verdict(r) == "behind"]
    better = [r for r in rows if verdict(r) == "ahead of"]
    worst = min(rows, key=lambda r: float(r.value))
    if len(rows) == 1:
        return (
            f"`{method}`: steering to {worst.steer} changes accuracy for the reference's own by "
            f"{points(worst)}."
        )
    return (
        f"`{method}`: for the reference's communities, steering to another changes accuracy by"
        f" {100 * fmean(r.value for r in rows):+.1f} points in the mean of {len(rows)} steers;"
        f" they are worse off under {len(worse)} steers, better off under {len(better)} (the"
        f" interval excludes 0). The most costly steer is {worst.steer}: {points(worst)}."
    )


def _matrix_table(run: RewardRun, methods: Sequence[str]) -> str:
    matrix = {m: cells(run, m) for m in methods}
    communities = sorted({c for found in matrix.values() for _, c in found})
    rows = [
        [f"`{m}`", steer, *(percent(matrix[m].get((steer, c))) for c in communities)]
        for m in methods
        for steer in dict.fromkeys(s for s, _ in matrix[m])
    ]
    reference = {c: row for (c, m), row in run.served().items() if m == "reference"}
    rows.append(["`reference`", "-", *(percent(reference.get(c)) for c in communities)])
    return table(["method", "steered to", *(f"pairs of {c}" for c in communities)], rows)


def _seeds_of(run: RewardRun, study: str) -> str:
    seeds = study_seeds(run, study)
    return f"Over {'seed' if len(seeds) == 1 else 'seeds'} {', '.join(map(str, seeds))}."


def _unit_name(run: RewardRun, by: str) -> str:
    return "pairs" if by == "pairs" else split_unit(run)


def _needed_table(found: Sequence[NeededRow]) -> str:
    body = [[f"`{r.method}`", _part(r.value), _part(r.low), _part(r.high)] for r in found]
    target = (
        f"part of the data needed for what `{found[0].target}` reaches with all of it"
        if found
        else "-"
    )
    return table(["method", target, "low", "high"], body)


def _above_full(rows: Sequence[CurveRow]) -> str:
    """The sizes at which SCPO lies above full fine-tuning."""
    value = {(r.fraction, r.method): r.value for r in rows}
    sizes = [f for f, method in value if method == "scpo" and (f, "full") in value]
    above = [_part(f) for f in sizes if value[f, "scpo"] > value[f, "full"]]
    if not sizes:
        return "This run does not draw both `scpo` and `full`."
    where = f"at {', '.join(above)} of the data" if above else "at none of them"
    return (
        f"Of {len(sizes)} sizes, `scpo` has the higher average than `full` {where}; see the "
        "intervals in the table."
    )


def _part(fraction: float | None) -> str:
    return "not reached" if fraction is None else f"{100 * fraction:.0f} %"


def _curve_table(rows: Sequence[CurveRow], unit: str) -> str:
    methods = list(dict.fromkeys(r.method for r in rows))
    body = []
    for fraction, found in groupby(
        sorted(rows, key=lambda r: float(r.fraction)), key=lambda r: r.fraction
    ):
        at = {r.method: r for r in found}
        first = at[methods[0]]
        sizes = [
            f"{100 * fraction:.0f} %",
            f"{first.train_pairs:,}",
            f"{first.train_units:,}",
        ]
        body.append([*sizes, *(percent(at.get(m)) for m in methods)])
    return table(["part", "training pairs", f"training {unit}", *(f"`{m}`" for m in methods)], body)


def _range_sentence(rows: Sequence[SensitivityRow]) -> str:
    on_all = [r for r in rows if r.subset == "all"]
    low, high = (
        min(on_all, key=lambda r: float(r.value)),
        max(on_all, key=lambda r: float(r.value)),
    )
    return (
        f"`scpo` ranges from {percent(low)} ({_setting(low)}) to {percent(high)} "
        f"({_setting(high)})."
    )


def _setting(row: SensitivityRow) -> str:
    told = {"tau": row.tau, "beta": row.beta}
    return ", ".join(f"{key} = {value:g}" for key, value in told.items() if value is not None)


def _scpo_table(rows: Sequence[SensitivityRow]) -> str:
    found = {(r.tau, r.beta, r.subset): r for r in rows}
    settings = dict.fromkeys((tau, beta) for tau, beta, _ in found)
    body = [
        ["-" if tau is None else f"{tau:g}", "-" if beta is None else f"{beta:g}",
         *(percent(found.get((tau, beta, subset))) for subset in ("all", "contested"))]
        for tau, beta in settings
    ]  # fmt: skip
    return table(["tau", "beta", "all", "contested"], body)


def _ridge_table(rows: Sequence[SensitivityRow]) -> str:
    found = {(r.ridge, r.method): r for r in rows if r.subset == "all"}
    methods = list(dict.fromkeys(m for _, m in found))
    body = [
        [f"{ridge:g}", *(percent(found.get((ridge, m))) for m in methods)]
        for ridge in sorted({k for k, _ in found if k is not None})
    ]
    return table(["ridge", *(f"`{m}`" for m in methods)], body)


def _value(row: Row | None) -> str:
    return "-" if row is None else f"{100 * row.value:.1f}"


def _spread(found: Mapping[int, Row]) -> tuple[str, str]:
    values = [100 * r.value for r in found.values()]
    if not values:
        return "-", "-"
    return f"{fmean(values):.1f}", f"{stdev(values):.2f}" if len(values) > 1 else "-"


def _ridge(choice: Mapping[str, Any] | None) -> str:
    return "-" if choice is None else f"{choice['ridge']:g}"
