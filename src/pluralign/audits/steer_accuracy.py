"""Accuracy of steered models on test pairs, for all communities, with people resampled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from pluralign.audits.checks import REWARDS, UNSTEERED, Context, Skipped
from pluralign.audits.evidence import Evidence, RewardMargins
from pluralign.core import NO_STEER, BoolArray, FloatArray, IntArray
from pluralign.metrics import Drawn, draw_series_means, effective_clusters

FEW = 5
"""Raters (or stems) below which no interval can be trusted."""

MOST_DRAWS = 2**27
"""Most draws of accuracies that are in memory at once: one GiB."""

REFERENCE = NO_STEER
"""The series of the reference's own accuracy."""


def steered(evidence: Evidence) -> RewardMargins | Skipped:
    """The margins of methods that steer, or the reason why there are no such margins."""
    if evidence.rewards is None:
        return REWARDS
    return evidence.rewards if evidence.rewards.margins else UNSTEERED


@dataclass(frozen=True, slots=True)
class Means:
    """Means of several series over the pairs of each community, resampled together.

    Attributes:
        value_C_S: Means.
        draws_B_C_S: Their draws.
        n_C: Different pairs of each community.
        people_C: Different raters, or stems, of each.
        clusters_C: Effective clusters of each (`pluralign.metrics.effective_clusters`).
        raters: Whether these are people.
        communities: Id -> its row.
        series: Name -> its column.
    """

    value_C_S: FloatArray
    draws_B_C_S: FloatArray
    n_C: IntArray
    people_C: IntArray
    clusters_C: FloatArray
    raters: bool
    communities: Mapping[str, int]
    series: Mapping[str, int]

    def of(self, community: str, series: str) -> Drawn:
        """One of them."""
        c, s = self.communities[community], self.series[series]
        people = int(self.people_C[c]) if self.raters else None
        return Drawn(
            float(self.value_C_S[c, s]),
            self.draws_B_C_S[:, c, s].astype(float),
            int(self.n_C[c]),
            people,
            clusters=float(self.clusters_C[c]),
        )

    def enough(self, community: str) -> bool:
        """Whether a community has pairs of enough people."""
        return community in self.communities and bool(
            self.people_C[self.communities[community]] >= FEW
        )

    def elsewhere(self, community: str, series: str) -> Drawn:
        """The mean over all other communities, each counting the same."""
        rest = [
            c for name, c in self.communities.items() if name != community and self.enough(name)
        ]
        s = self.series[series]
        return Drawn.mean(
            self.value_C_S[rest, s],
            self.draws_B_C_S[:, rest, s].astype(float),
            int(self.n_C[rest].sum()),
            int(self.people_C[rest].sum()) if self.raters else None,
            # Each community has the same weight, so one of few clusters limits what is known.
            clusters=float(len(rest) ** 2 / (1 / self.clusters_C[rest]).sum()),
        )


def means(
    rewards: RewardMargins, rows_N: BoolArray, series: Mapping[str, FloatArray], context: Context
) -> Means | None:
    """Means of numbers over some pairs, by community; None where there are no such pairs.

    Args:
        rewards: The test pairs.
        rows_N: Which of them.
        series: Name -> one number for each of all pairs.
        context: Seed and draws; all means of one seed have the same draws of people.
    """
    if not rows_N.any():
        return None
    rows = np.flatnonzero(rows_N)
    community, cluster, pair = (codes[rows] for codes in rewards.codes)
    present, group = np.unique(community, return_inverse=True)
    columns = [np.asarray(values, dtype=float)[rows] for values in series.values()]
    value_N_S = np.stack(columns, axis=1)
    # One purpose for all series, so that differences between them are paired by people.
    draws = draw_series_means(value_N_S, group, cluster, context.rng("people"), context.draws)
    counts = np.bincount(group)
    sums = np.stack([np.bincount(group, column) for column in value_N_S.T], axis=1)
    return Means(
        value_C_S=sums / counts[:, None],
        # Half the memory, enough digits.
        draws_B_C_S=draws.astype(np.float32),
        n_C=_different(group, pair, present.size),
        people_C=_different(group, cluster, present.size),
        clusters_C=np.array([effective_clusters(cluster[group == g]) for g in range(len(present))]),
        raters=rewards.judged.raters,
        communities={rewards.names[c]: k for k, c in enumerate(present.tolist())},
        series={name: s for s, name in enumerate(series)},
    )


@dataclass(frozen=True, slots=True)
class SteerAccuracies:
    """The accuracies that the checks use; the draws of all steers for all communities are not kept.

    Attributes:
        own: Community -> accuracy of its own steer for its people; only those with enough people.
        reference: Community -> accuracy of the reference for its people.
        elsewhere: Community -> accuracy of its steer, as the mean over all other communities.
        reference_elsewhere: Community -> that of the reference.
        best_other: Community -> the steer to another community that is most accurate for it.
        by_best_other: Community -> the accuracy of that steer for its people.
    """

    own: dict[str, Drawn] = field(default_factory=dict)
    reference: dict[str, Drawn] = field(default_factory=dict)
    elsewhere: dict[str, Drawn] = field(default_factory=dict)
    reference_elsewhere: dict[str, Drawn] = field(default_factory=dict)
    best_other: dict[str, str] = field(default_factory=dict)
    by_best_other: dict[str, Drawn] = field(default_factory=dict)


def accuracies(
    rewards: RewardMargins, method: str, subset: str, context: Context
) -> SteerAccuracies:
    """Accuracy of each steer of a method and of the reference; cached, since several checks use it.

    Args:
        rewards: The margins.
        method: Name of the method.
        subset: ``all``, or ``contested``: the pairs that the reference gets wrong.
        context: Seed and draws.
    """
    key = (method, subset, context.seed, context.draws)
    if key not in rewards.kept:
        rewards.kept[key] = _accuracies(rewards, method, subset, context)
    found: SteerAccuracies = rewards.kept[key]
    return found


def _accuracies(
    rewards: RewardMargins, method: str, subset: str, context: Context
) -> SteerAccuracies:
    reference_N = rewards.judged.reference_N
    rows_N = reference_N < 0 if subset == "contested" else np.ones(len(reference_N), dtype=bool)
    kept = SteerAccuracies(best_other=_best_others(rewards, method, rows_N))
    steers = [steer for steer in rewards.margins[method] if steer != NO_STEER]
    together = max(1, MOST_DRAWS // (context.draws * len(rewards.names)))
    for start in range(0, len(steers), together):
        some = steers[start : start + together]
        # All parts have the same draws of people, so differences between steers stay paired.
        series = {REFERENCE: rewards.judged.credit(reference_N)}
        series |= {s: rewards.judged.credit(rewards.margins[method][s]) for s in some}
        found = means(rewards, rows_N, series, context)
        if found is not None:
            _keep(kept, found, some)
    return kept


def _keep(kept: SteerAccuracies, found: Means, steers: Sequence[str]) -> None:
    """Keep the means of some steers that the checks use."""
    for steer in steers:
        if found.enough(steer):
            kept.own[steer] = found.of(steer, steer)
            kept.reference[steer] = found.of(steer, REFERENCE)
            if any(found.enough(name) for name in found.communities if name != steer):
                kept.elsewhere[steer] = found.elsewhere(steer, steer)
                kept.reference_elsewhere[steer] = found.elsewhere(steer, REFERENCE)
    for community, other in kept.best_other.items():
        if other in steers and found.enough(community):
            kept.by_best_other[community] = found.of(community, other)


def _best_others(rewards: RewardMargins, method: str, rows_N: BoolArray) -> dict[str, str]:
    """For each community, the steer to another one that is most accurate for its people."""
    best: dict[str, tuple[float, str]] = {}
    group, people = rewards.codes[0][rows_N], len(rewards.names)
    for steer, margin_N in rewards.margins[method].items():
        if steer == NO_STEER:
            continue
        sum_C = np.bincount(group, rewards.judged.credit(margin_N)[rows_N], people)
        for community, total in zip(rewards.names, sum_C.tolist(), strict=True):
            # Sums over the same pairs compare as means do; the first of equals stays.
            if community != steer and (community not in best or total > best[community][0]):
                best[community] = (total, steer)
    return {community: steer for community, (_, steer) in best.items()}


def clusters_of(rewards: RewardMargins, community: str) -> int:
    """Number of raters (or stems) of a community's test pairs."""
    return int(np.unique(rewards.codes[1][rewards.of(community)]).size)


def few_ids(rewards: RewardMargins, rows_K: IntArray, most: int = 8) -> tuple[str, ...]:
    """Ids of the first few pairs."""
    return tuple(dict.fromkeys(rewards.judged.pair_N[rows_K].tolist()))[:most]


def _different(group_N: IntArray, code_N: IntArray, size: int) -> IntArray:
    """Number of different codes in each group."""
    # Group and code as one number: a unique over numbers is faster than one over rows.
    cells = np.unique(group_N * (int(code_N.max()) + 1) + code_N)
    return np.bincount(cells // (int(code_N.max()) + 1), minlength=size)
