"""Whether a model's margins reveal which pairs it was trained on."""

from collections.abc import Iterator

import numpy as np

from pluralign.audits.checks import Context, Measured, Skipped
from pluralign.audits.evidence import Evidence, RewardMargins
from pluralign.audits.findings import Rows
from pluralign.audits.sentences import Amount, Place, Sentence
from pluralign.audits.steer_accuracy import FEW, few_ids, steered
from pluralign.core import NO_STEER, Estimate
from pluralign.metrics import effective_clusters, t_interval, wilson_interval
from pluralign.metrics.membership import clustered_auc, clustered_caught

UNSEEN = Skipped("no margins of training pairs", "a run with `privacy.audit = true`")


def membership(evidence: Evidence, context: Context) -> Iterator[Measured | Skipped]:
    """How well margins distinguish training pairs from held-out pairs.

    Choices may be private and membership not: noise on choices hides the sign of a margin, and its
    size may still show that a pair was trained on. So both are measured, and the larger number is
    compared with the threshold.
    """
    rewards, seen = steered(evidence), evidence.seen
    if isinstance(rewards, Skipped):
        yield rewards
        return
    if seen is None:
        yield UNSEEN
        return
    for method, steers in rewards.margins.items():
        if method not in seen.margins:
            yield Skipped(f"{method}: no margins of training pairs of every repeat", UNSEEN.needs)
            continue
        for community in rewards.served:
            if community in steers:
                yield _measured(rewards, seen, method, community)


def _measured(
    rewards: RewardMargins, seen: RewardMargins, method: str, community: str
) -> Measured | Skipped:
    inside, outside = seen.of(community), rewards.of(community)
    clusters = seen.judged.cluster_N[inside], rewards.judged.cluster_N[outside]
    people = [len(np.unique(ids)) for ids in clusters]
    if min(people) < FEW:
        return Skipped(f"{community}: too few raters or stems, trained on or held out", f"{FEW}")
    member_M = seen.margins[method][NO_STEER][inside]
    outsider_N = rewards.margins[method][community][outside]
    signed = clustered_auc(member_M, outsider_N, *clusters)
    size = clustered_auc(np.abs(member_M), np.abs(outsider_N), *clusters)
    auc, error = max(signed, size)
    caught = max(
        clustered_caught(member_M, outsider_N, *clusters),
        clustered_caught(np.abs(member_M), np.abs(outsider_N), *clusters),
    )
    # Over several repeats, a pair and its rater may be on both sides; they are counted once.
    n = len(np.union1d(seen.judged.pair_N[inside], rewards.judged.pair_N[outside]))
    n_raters = len(np.union1d(*clusters)) if seen.judged.raters else None
    # The side with fewer effective clusters limits what is known about the error.
    effective = min(map(effective_clusters, clusters))

    def estimate(value: float, error: float) -> Estimate:
        low, high = t_interval(value, error**2, effective - 1, (0.0, 1.0))
        return Estimate(value, low, high, n, n_raters)

    few = Estimate(caught[0], *wilson_interval(caught[0], caught[1] ** 2, effective), n, n_raters)
    return Measured(
        subject=method,
        community=community,
        value=auc,
        error=error,
        clusters=effective,
        numbers={
            "recognised": estimate(auc, error),
            "by_margin": estimate(*signed),
            "by_size_of_margin": estimate(*size),
            "caught_at_1_percent": few,
        },
        claim=Sentence(
            "Margins of {subject} distinguish a training pair of {community} from a held-out "
            "pair in {amount} of 100 comparisons; 50 is chance.",
            {"subject": method, "community": Place(community), "amount": Amount(100 * auc)},
        ),
        rows=Rows("pairs", len(member_M), few_ids(seen, np.flatnonzero(inside))),
        look="Compare the margins of training pairs with those of test pairs.",
        picked_of=2,
    )
