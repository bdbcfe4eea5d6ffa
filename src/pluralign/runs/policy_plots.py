"""Charts of policies for reports and notebooks: ``run.plot.gains("MEX")``."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pluralign.charts.drawing import need_report
from pluralign.core import NotEnoughData
from pluralign.languages import Speech
from pluralign.metrics import GainCurve, fit_gains
from pluralign.runs.policy_rows import (
    BEST_OF_N,
    GAINS,
    JOINT,
    PROXY_GAIN,
    PolicyRow,
    judge_of,
    matrix_of,
)

if TYPE_CHECKING:
    import altair

    from pluralign.runs.policies import AlignRun

Point = dict[str, Any]
_STEPS = 40
_LABELS = {
    "reward_gain": "by the reward model that is followed",
    "judged_gain": "by the judge, a held-out reward model",
    "true_gain": "by the planted tastes (the truth)",
    "best-of-n": "the reward model's favourite",
    "longest": "the longest answer",
    "shortest": "the shortest answer",
}


@dataclass(frozen=True, slots=True)
class PolicyPlots:
    """Charts of a run of `pluralign align`; errors as of `RewardPlots`.

    Attributes:
        run: The run.
        language: Language of the texts in the charts, as ``es``.
    """

    run: "AlignRun"
    language: str = "en"

    def gains(self, community: str, fit: bool = False) -> "altair.LayerChart":
        """The gain for a community over the square root of the divergence from the start model.

        Args:
            community: The community that is followed and that measures.
            fit: Whether the curve ``d (a - b d)`` of best of n is drawn (Gao et al. 2022).
        """
        from pluralign.charts.policies import gains_over_distance

        need_report()
        say = Speech(self.language)
        points = gain_points(self.run.results, community, say)
        self._hold_some(points)
        if fit:
            points += fitted_points(points)
        return _chart(gains_over_distance(points, gain_labels(say)))

    def choices(self, community: str) -> "altair.LayerChart":
        """The best of n against a random answer (zero), the longest and the shortest.

        Args:
            community: The community that chooses and that measures.
        """
        from pluralign.charts.policies import choices_over_n

        need_report()
        say = Speech(self.language)
        rows = choice_points(self.run.results, community, say)
        self._hold_some(rows)
        return _chart(choices_over_n(rows, choice_labels(say), [], ""))

    def matrix(self, method: str = BEST_OF_N) -> "altair.LayerChart":
        """The gain of each policy of a method for each community.

        Args:
            method: The method; of best of n, the choice among the most answers.
        """
        from pluralign.charts.charts import matrix

        need_report()
        say = Speech(self.language)
        rows = matrix_points(self.run.results, method, say)
        self._hold_some(rows)
        steers, names = ordered(rows, "steer_name"), ordered(rows, "name")
        return _chart(matrix(rows, steers, names, matrix_words(say)))

    def _hold_some(self, rows: Sequence[object]) -> None:
        if not rows:
            raise NotEnoughData(
                "the run measured nothing that this chart shows", where=str(self.run.folder)
            )


def gain_labels(say: Speech) -> tuple[str, str]:
    """Names of the axes of gains over distance."""
    return (
        say("square root of the divergence from the start model (KL, in nats)"),
        say("gain over the start model (in spreads of its rewards)"),
    )


def choice_labels(say: Speech) -> tuple[str, str]:
    """Names of the axes of choices over n."""
    return say("number of answers to choose from"), say("gain over a random answer (in spreads)")


def matrix_words(say: Speech, reach: float = 0.0) -> Any:
    """Titles of a matrix of gains, whose colours reach at least to a number."""
    from pluralign.charts.charts import MatrixWords

    gain = say("gain (in spreads)")
    return MatrixWords(say("measured by the reward of"), say("policy follows"), gain, 2, reach)


def steer_name(steer: str | None, say: Speech) -> str:
    """Name of the community that a policy follows."""
    if steer == JOINT:
        return say("all communities (joint)")
    return say("nobody") if steer is None else say.place(steer)


def judge_name(metric: str, say: Speech) -> str:
    """The reward model that measures a gain, or the planted truth, in words."""
    return say(_LABELS[metric])


def policy_name(row: PolicyRow, say: Speech) -> str:
    """Name of a policy: its method, and the number of answers of best of n."""
    if row.candidates is None:
        return row.method or ""
    if row.method != BEST_OF_N:
        return say(_LABELS.get(row.method or "", row.method or ""))
    return say("best of {n}", n=say.number(row.candidates, 0))


def shown_gain(row: PolicyRow, say: Speech) -> str:
    """A gain in words, with its interval."""
    value = signed(row.value, say)
    if row.low is None or row.high is None:
        return value
    low, high = signed(row.low, say), signed(row.high, say)
    return say("{value} [{low} to {high}]", value=value, low=low, high=high)


def signed(value: float, say: Speech) -> str:
    """A difference with two decimals and its sign.

    >>> signed(0.5, Speech()), signed(-0.001, Speech())
    ('+0.50', '0.00')
    """
    text = say.number(value, 2)
    return f"+{text}" if round(value, 2) > 0 else text


def gain_points(rows: Sequence[PolicyRow], community: str, say: Speech) -> list[Point]:
    """Points of gains over distance: best of n, and the policies tuned for a community or for all.

    Args:
        rows: Results of a run.
        community: The community that is followed and that measures.
        say: The language.
    """
    moved = {r.policy: r for r in rows if r.metric == "kl"}
    points = []
    for metric in GAINS:
        for r in rows:
            if r.metric != metric or r.community != community or not r.is_own:
                continue
            reach = _best_reach(r) if r.candidates else _tuned_reach(moved.get(r.policy))
            if reach is not None:
                points.append(_gain_point(r, reach, say))
    return points


def _gain_point(row: PolicyRow, reach: dict[str, float], say: Speech) -> Point:
    name = policy_name(row, say)
    if row.steer == JOINT:
        name = say("{method}, joint", method=name)
    labelled = row.metric == PROXY_GAIN
    return {
        "judge": judge_name(row.metric, say),
        "kind": "line" if row.candidates else "policy",
        "name": name if labelled else "",
        "policy": name,
        "n": row.n,
        "shown": f"{name}: {shown_gain(row, say)}",
        **reach,
        "y": row.value,
        "y_low": row.value if row.low is None else row.low,
        "y_high": row.value if row.high is None else row.high,
    }


def _best_reach(row: PolicyRow) -> dict[str, float]:
    """Best of n lies at its bound, which it reaches where no two rewards are equal."""
    distance = math.sqrt(row.kl_bound or 0.0)
    return {"x": distance, "x_low": distance, "x_high": distance}


def _tuned_reach(row: PolicyRow | None) -> dict[str, float] | None:
    """The distance of a tuned policy; an estimate below zero counts as zero."""
    if row is None:
        return None
    low = row.value if row.low is None else row.low
    high = row.value if row.high is None else row.high
    ends = {"x": row.value, "x_low": low, "x_high": high}
    return {end: math.sqrt(max(0.0, value)) for end, value in ends.items()}


def fits_of(points: Sequence[Point]) -> dict[str, GainCurve]:
    """Reward model that measures -> the curve of best of n, where it has three points."""
    found = {}
    for judge in ordered(points, "judge"):
        own = [p for p in points if (p["judge"], p["kind"]) == (judge, "line") and p["x"] > 0]
        distance_K, gain_K = (np.array([p[key] for p in own], dtype=float) for key in "xy")
        try:
            found[judge] = fit_gains(distance_K, gain_K, "best-of-n")
        except ValueError:  # too few points
            continue
    return found


def fitted_points(points: Sequence[Point]) -> list[Point]:
    """Points of the fitted curves, up to the furthest point that was measured."""
    reach = max(p["x"] for p in points)
    distance_K = np.linspace(reach / _STEPS, reach, _STEPS)
    found = []
    for judge, curve in fits_of(points).items():
        for x, y in zip(distance_K.tolist(), curve.at(distance_K).tolist(), strict=True):
            ends = {"x": x, "x_low": x, "x_high": x, "y": y, "y_low": y, "y_high": y}
            found.append({"judge": judge, "kind": "curve", "name": "", "shown": "", **ends})
    return found


def choice_points(rows: Sequence[PolicyRow], community: str, say: Speech) -> list[Point]:
    """Points of choices over n, by the judge where there is one.

    Args:
        rows: Results of a run.
        community: The community that chooses and that measures.
        say: The language.
    """
    metric, name = judge_of(rows), say.place(community)
    return [
        {
            "who": name,
            "name": say(_LABELS.get(r.method or "", r.method or "")),
            "x": r.candidates,
            "value": r.value,
            "low": r.value if r.low is None else r.low,
            "high": r.value if r.high is None else r.high,
            "n": r.n,
            "shown": shown_gain(r, say),
        }
        for r in _choices(rows, community, metric)
    ]


def _choices(rows: Sequence[PolicyRow], community: str, metric: str) -> Iterator[PolicyRow]:
    for r in rows:
        about = r.metric == metric and r.community == community and r.candidates is not None
        if about and r.steer in {None, community}:
            yield r


def matrix_points(
    rows: Sequence[PolicyRow], method: str, say: Speech, metric: str | None = None
) -> list[Point]:
    """Cells of the matrix of a method, by the judge where there is one.

    Args:
        rows: Results of a run.
        method: The method.
        say: The language.
        metric: A gain, to choose another one.
    """
    return [
        {
            "steer_name": steer_name(r.steer, say),
            "name": say.place(r.community),
            "points": round(r.value, 3),
            "shown": shown_gain(r, say),
        }
        for r in matrix_of(rows, method, metric or judge_of(rows))
    ]


def ordered(rows: Sequence[Mapping[str, Any]], key: str) -> list[str]:
    """The values of a key, each once, in order."""
    return list(dict.fromkeys(str(row[key]) for row in rows))


def _chart(spec: Mapping[str, Any]) -> "altair.LayerChart":
    import altair

    return altair.Chart.from_dict(dict(spec))
