"""Whether a reward model steers to the right people, not to a neighbour or a mixture of groups."""

from collections.abc import Iterator, Sequence

import numpy as np

from pluralign.audits.checks import LEVEL, UNREAD, Context, Measured, Skipped
from pluralign.audits.evidence import ATTRIBUTES, Evidence, RewardMargins
from pluralign.audits.findings import Rows
from pluralign.audits.sentences import Amount, Place, Sentence
from pluralign.audits.steer_accuracy import FEW, accuracies, few_ids, steered
from pluralign.core import NO_STEER, FloatArray
from pluralign.evaluation.test_pairs import StrArray
from pluralign.metrics import Clusters, correct, disaggregate

_GROUP = 10


def wrong_neighbour(evidence: Evidence, context: Context) -> Iterator[Measured | Skipped]:
    """Whether the steer to another community is more accurate for a community than its own."""
    rewards = steered(evidence)
    if isinstance(rewards, Skipped):
        yield rewards
        return
    for method, margins in rewards.margins.items():
        steers = [s for s in margins if s != NO_STEER]
        if len(steers) < 2:
            yield Skipped(f"{method} was steered to one community only", "a second")
            continue
        for community in steers:
            yield from _neighbour(rewards, method, community, len(steers), context)


def coarse_country(evidence: Evidence, context: Context) -> Iterator[Measured | Skipped]:
    """Whether a method, steered to a community, is more accurate for some of its groups."""
    rewards = steered(evidence)
    if isinstance(rewards, Skipped):
        yield rewards
        return
    if not evidence.pairs:
        yield UNREAD
        return
    columns = [c for c in ATTRIBUTES if any(c in p.extra for p in evidence.pairs)]
    if not columns or not rewards.judged.raters:
        yield Skipped(
            "only the community of the raters is recorded",
            f"columns such as {ATTRIBUTES[0]}",
        )
        return
    group_N_of = {column: _groups_of_raters(evidence, rewards, column) for column in columns}
    cells = list(_cells(rewards, columns))
    for method, community, column in cells:
        yield _between_groups(
            rewards, method, community, column, group_N_of[column], len(cells), context
        )


def _cells(rewards: RewardMargins, columns: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Every method with each of its communities and each column."""
    for method, margins in rewards.margins.items():
        for community in margins:
            if community != NO_STEER:
                for column in columns:
                    yield method, community, column


def _groups_of_raters(evidence: Evidence, rewards: RewardMargins, column: str) -> StrArray:
    """The group of each test pair's rater, shape (N,); empty where it is unknown."""
    groups = []
    for pair_id in rewards.judged.pair_N:
        pair = evidence.pair_by_id.get(pair_id)
        groups.append("" if pair is None else str(pair.extra.get(column) or ""))
    return np.array(groups)


def _between_groups(
    rewards: RewardMargins,
    method: str,
    community: str,
    column: str,
    group_N: StrArray,
    tests: int,
    context: Context,
) -> Measured | Skipped:
    """The gap in accuracy between the groups of a community that are large enough."""
    own, cluster_N = rewards.judged.community_N == community, rewards.judged.cluster_N
    fewest = max(_GROUP, context.small)
    large = []
    for group in np.unique(group_N[own]):
        raters = np.unique(cluster_N[own & (group_N == group)])
        if group and len(raters) >= fewest:
            large.append(group)
    if len(large) < 2:
        return Skipped(
            f"{community}: fewer than two groups by {column} with {fewest} raters",
            "more raters",
        )
    keep = own & np.isin(group_N, large)
    credit = rewards.judged.credit(rewards.margins[method][community])[keep]
    rng = context.rng("groups", method, community, column)
    flip_N = rewards.judged.flip_N
    people = Clusters(cluster_N=cluster_N[keep], flip_N=0.0 if flip_N is None else flip_N[keep])
    by = disaggregate(credit, group_N[keep], people, rng, bounds=(0.0, 1.0), draws=context.draws)
    worst, served = by.worst()
    gap = by.disparity()
    return Measured(
        subject=method,
        community=community,
        value=gap.value,
        error=None,
        numbers={"gap": gap, "worst_group": served},
        claim=Sentence(
            "{subject} steers to {community} as if it were one group: by {column}, its "
            "accuracy for {group} is {amount} points below that for the best group.",
            {
                "subject": method,
                "community": Place(community),
                "column": column,
                "group": worst,
                "amount": Amount(100 * gap.value),
            },
        ),
        rows=Rows("pairs", int(keep.sum())),
        look="Make the group a community of its own (COUNTRY/group), run again, and compare.",
        bound=_range_bound(
            by.draws_B_C, np.array([e.value for e in by.by_community.values()]), tests
        ),
    )


def _neighbour(
    rewards: RewardMargins, method: str, community: str, steers: int, context: Context
) -> Iterator[Measured | Skipped]:
    found = accuracies(rewards, method, "all", context)
    if community not in found.by_best_other:
        yield Skipped(f"{community} has test pairs of fewer than {FEW} raters or stems", f"{FEW}")
        return
    own, by_other = found.own[community], found.by_best_other[community]
    other, better = found.best_other[community], by_other - own
    mine = np.flatnonzero(rewards.of(community))
    margins = rewards.margins[method]
    wrong = mine[correct(margins[other][mine]) > correct(margins[community][mine])]
    yield Measured(
        subject=method,
        community=community,
        value=better.value,
        error=better.error,
        clusters=better.clusters,
        numbers={
            "served_better_by_other": better.estimate,
            "pairwise_accuracy": own.estimate,
            "pairwise_accuracy_by_other": by_other.estimate,
        },
        claim=Sentence(
            "{subject} steers to {community} by the wrong neighbour: steering to {other} is more "
            "accurate for its people, by {amount} points.",
            {
                "subject": method,
                "community": Place(community),
                "other": Place(other),
                "amount": Amount(100 * better.value),
            },
        ),
        rows=Rows("pairs", len(wrong), few_ids(rewards, wrong)),
        look="Read the listed pairs: the other steer is right on them, and the community's own "
        "steer is wrong.",
        picked_of=steers - 1,
    )


def _range_bound(draws_B_C: FloatArray, value_C: FloatArray, tests: int) -> float:
    """Lower end of the gap between the highest and the lowest, for all groups and tests at once."""
    # Even equal groups differ by chance. The range of a draw's errors is such a difference, so a
    # high quantile of it is subtracted. A draw that lacks a group counts as an infinite range.
    reach_B = np.nan_to_num(np.ptp(draws_B_C - value_C, axis=1), nan=np.inf)
    reach = np.quantile(reach_B, 1 - LEVEL / max(tests, 1))
    return float(np.ptp(value_C) - reach)
