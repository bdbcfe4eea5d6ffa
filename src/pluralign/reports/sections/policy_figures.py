"""Pictures of policies: gains over distance, choices over n, who else gains, price."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from pluralign.charts import charts
from pluralign.charts.policies import choices_over_n, gains_over_distance
from pluralign.languages.speech import Speech
from pluralign.reports.data import Figure
from pluralign.reports.page_tables import Column, Table, ends, interval_column, numbered
from pluralign.reports.policy_gains import (
    is_loss,
    methods_of_policies,
    other_gains,
    own_gains,
    policy_matrix,
)
from pluralign.reports.reading import Run
from pluralign.reports.sections.standings import titled
from pluralign.runs import PolicyRow
from pluralign.runs.policy_plots import (
    Point,
    choice_labels,
    choice_points,
    fits_of,
    fitted_points,
    gain_labels,
    gain_points,
    judge_name,
    matrix_points,
    matrix_words,
    ordered,
    policy_name,
    shown_gain,
    signed,
    steer_name,
)
from pluralign.runs.policy_rows import judge_of, matrix_of

_MOST_COMMUNITIES, _MOST_METHODS = 4, 4


def policy_figures(run: Run, runs: Sequence[Run], say: Speech, k: int) -> Iterator[Figure]:
    """The figures of one run.

    Args:
        run: The run.
        runs: All runs of policies on the page.
        say: The language.
        k: Number of the run among them, for names.
    """
    communities = list(dict.fromkeys(gain.proxy.community or "" for gain in own_gains(run)))
    points = {c: gain_points(run.policies, c, say) for c in communities[:_MOST_COMMUNITIES]}
    everywhere = [point for own in points.values() for point in own]
    for number, (community, own) in enumerate(points.items()):
        if own:
            name = numbered(f"gain-{k + 1}", number)
            yield _gains(run, runs, community, own, everywhere, name, say)
    if any(row.method in {"longest", "shortest"} for row in run.policies):
        yield _choices(run, runs, communities, say, k)
    for number, method in enumerate(methods_of_policies(run)[:_MOST_METHODS]):
        yield _matrix(run, runs, method, numbered(f"who-gains-{k + 1}", number), say)
    yield from _prices(run, runs, say, k)


def _gains(
    run: Run,
    runs: Sequence[Run],
    community: str,
    points: list[Point],
    domain: list[Point],
    name: str,
    say: Speech,
) -> Figure:
    """Gains over the distance, where over-optimisation shows."""
    title = say(
        "Gain over distance from the start model: {community}", community=say.place(community)
    )
    curves = fitted_points(points)
    draw = partial(gains_over_distance, [*points, *curves], gain_labels(say), [*domain, *curves])
    columns = [
        Column("policy", say("Policy")),
        Column("judge", say("measured")),
        Column("x", say("square root of KL"), lambda r: say.number(r["x"], 2), numeric=True),
        Column("y", say("gain (in spreads)"), lambda r: signed(r["y"], say), numeric=True),
        Column("shown", say("95 % interval"), lambda r: _interval(r, say), numeric=True),
        Column("n", say("prompts"), lambda r: say.number(r["n"], 0), numeric=True),
    ]
    title = titled(title, run, runs)
    about = " ".join(_about_gains(run, community, points, say))
    return Figure(name, title, about, draw, Table(name, title, columns, points))


def _interval(point: Mapping[str, Any], say: Speech) -> str:
    low, high = signed(point["y_low"], say), signed(point["y_high"], say)
    return say("{low} to {high}", low=low, high=high)


def _about_gains(run: Run, community: str, points: Sequence[Point], say: Speech) -> Iterator[str]:
    """The chart in words: the furthest choice, by each measure, and the fitted curves."""
    gains = [g for g in own_gains(run) if g.proxy.community == community]
    first = gains[0]
    measures = [row for row in (first.proxy, first.judged, first.true) if row is not None]
    told = [f"{shown_gain(row, say)} {judge_name(row.metric, say)}" for row in measures]
    yield say(
        "{policy} gains {numbers}.", policy=policy_name(first.proxy, say), numbers="; ".join(told)
    )
    yield say(
        "Small marks on a line are best of n, large ones are trained policies, and a random "
        "answer has gain 0. Where the lines part, the reward model that is followed is pleased, "
        "and not the people."
    )
    fits = fits_of(points)
    if fits:
        numbers = [
            f"a = {say.number(curve.a, 2)}, b = {say.number(curve.b, 2)} {judge}"
            for judge, curve in fits.items()
        ]
        yield say(
            "Dotted: best of n as d (a - b d), with d the number across (Gao et al. 2022): {fits}.",
            fits="; ".join(numbers),
        )


def _choices(
    run: Run, runs: Sequence[Run], communities: Sequence[str], say: Speech, k: int
) -> Figure:
    """Best of n against a random answer, the longest and the shortest."""
    rows = [row for c in communities for row in choice_points(run.policies, c, say)]
    judge = judge_name(judge_of(run.policies), say)
    title = titled(
        say("Best of n, the longest and the shortest answer, {judge}", judge=judge), run, runs
    )
    who = ordered(rows, "who")
    draw = partial(choices_over_n, rows, choice_labels(say), who, say("Community"))
    columns = [
        Column("who", say("Community")),
        Column("name", say("chosen")),
        Column("x", say("number of answers to choose from"), numeric=True),
        Column("value", say("gain (in spreads)"), lambda r: signed(r["value"], say), numeric=True),
        interval_column(lambda value: signed(value, say), say),
        Column("n", say("prompts"), lambda r: say.number(r["n"], 0), numeric=True),
    ]
    about = say(
        "A random answer has gain 0. Where the longest answer gains as much as the reward "
        "model's favourite, the reward is about length."
    )
    name = numbered("choices", k)
    return Figure(name, title, about, draw, Table(name, title, columns, rows))


def _matrix(run: Run, runs: Sequence[Run], method: str, name: str, say: Speech) -> Figure:
    """The gain of each policy of a method for each community."""
    metric = judge_of(run.policies)
    rows = matrix_of(run.policies, method, metric)
    title = say(
        "Each policy for each community, {judge}: {policy}",
        judge=judge_name(metric, say),
        policy=policy_name(rows[0], say),
    )
    title = titled(title, run, runs)
    drawn = matrix_points(run.policies, method, say)
    steers, names = ordered(drawn, "steer_name"), ordered(drawn, "name")
    # One scale of colours for all methods, so that weak effects look weak.
    reach = max(abs(row.value) for row in policy_matrix(run, metric))
    draw = partial(charts.matrix, drawn, steers, names, matrix_words(say, reach))
    table = Table(name, title, _matrix_columns(say), [_matrix_row(r, say) for r in rows])
    losses = [row for row in other_gains(run) if row.method == method and is_loss(row)]
    about = say(
        "Blue: the community gains by the policy; orange: it loses. Losses for other communities "
        "that are clear of zero: {count}.",
        count=say.number(len(losses), 0),
    )
    return Figure(name, title, about, draw, table)


def _matrix_columns(say: Speech) -> list[Column]:
    return [
        Column("steer", say("policy follows"), lambda r: r["steer_name"]),
        Column("community", say("measured by the reward of"), lambda r: r["name"]),
        Column("value", say("gain (in spreads)"), lambda r: signed(r["value"], say), numeric=True),
        interval_column(lambda value: signed(value, say), say),
        Column("n", say("prompts"), lambda r: say.number(r["n"], 0), numeric=True),
    ]


def _matrix_row(row: PolicyRow, say: Speech) -> dict[str, Any]:
    return {
        "steer": row.steer,
        "steer_name": steer_name(row.steer, say),
        "community": row.community,
        "name": say.place(row.community),
        "value": row.value,
        "low": row.low,
        "high": row.high,
        "n": row.n,
    }


def _prices(run: Run, runs: Sequence[Run], say: Speech, k: int) -> Iterator[Figure]:
    """Divergence and length of the trained policies."""
    far = say("Divergence of the trained policies from the start model")
    long = say("Length of the trained policies' answers")
    shown = (
        ("kl", far, say("KL, in nats"), None),
        ("length_ratio", long, say("length ratio"), 1.0),
    )
    for metric, about_all, label, base in shown:
        rows = [_price(row, base, say) for row in run.policies if row.metric == metric]
        rows = [row for row in rows if row["trained"]]
        if not rows:
            continue
        about = say("0 is the start model itself; more is further away.")
        if base is not None:
            about = say("The tick marks 1: as long as the start model's answers.")
        columns = [
            Column("name", say("Policy")),
            Column("value", label, lambda r: say.number(r["value"], 2), numeric=True),
            interval_column(lambda value: say.number(value, 2), say),
            Column("n", say("prompts"), lambda r: say.number(r["n"], 0), numeric=True),
        ]
        tick = None if base is None else say("the start model")
        draw = partial(charts.dot_plot, rows, label, False, tick)
        name = numbered(metric.replace("_", "-"), k)
        title = titled(about_all, run, runs)
        yield Figure(name, title, about, draw, Table(name, title, columns, rows))


def _price(row: PolicyRow, base: float | None, say: Speech) -> dict[str, Any]:
    numbers: dict[str, Any] = {"value": row.value, "low": row.low, "high": row.high}
    return {
        "name": f"{row.method} · {steer_name(row.steer, say)}",
        "shown": say.number(row.value, 2),
        "base": base,
        "n": row.n,
        "trained": row.candidates is None and row.steer is not None,
    } | ends(numbers)
