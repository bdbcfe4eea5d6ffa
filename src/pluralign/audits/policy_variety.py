"""Checks of flattening: adapters that answer alike, and policies that answer with less variety."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np

from pluralign.audits.checks import Context, Measured, Skipped
from pluralign.audits.evidence import Evidence
from pluralign.audits.findings import Rows
from pluralign.audits.policies import (
    FEWEST,
    REMEMBERED,
    Answers,
    Policy,
    PolicyEvidence,
    best_of,
    estimated,
    gain_for,
    mean_of,
)
from pluralign.audits.raters import SHOWN
from pluralign.audits.reward_gains import NO_POLICIES
from pluralign.audits.sentences import Sentence, Share
from pluralign.core import Estimate, FloatArray
from pluralign.metrics import distance_beyond_chance, lexical_distances, variety_within

_LITTLE = 0.1
_MOST_PAIRS = 10


def alike(evidence: Evidence, context: Context) -> Iterator[Measured | Skipped]:
    """How much of what a community's own policy gives it beyond the others' policies is lost.

    The own part is the gain of a community by its own policy, less its gain by the other
    communities' policies, divided by the former: 0 where all policies answer alike. Communities
    with like tastes have a small own part without any fault, so it is compared with that of the
    best of two of the start model's answers by each community's reward.
    """
    given = evidence.policies
    if given is None:
        yield NO_POLICIES
        return
    for method, own in _by_method(given).items():
        if len(own) < 2:
            yield Skipped(f"{method} follows one community only", "a second")
            continue
        yield _alike(given, method, own)


def _alike(given: PolicyEvidence, method: str, own: Sequence[Policy]) -> Measured | Skipped:
    judged = given.start.judged_P_n_C is not None
    at, sums = _shared_prompts(given, own, judged)
    if len(at) < FEWEST:
        return Skipped(f"{method}: {len(at)} prompts with every reward", f"{FEWEST}")
    gain, _ = mean_of(sums[:, 0])
    if gain.low is None or gain.low <= 0:
        return Skipped(f"{method} gains nothing for the communities it follows")
    asked, _ = estimated(sums, lambda s: 1 - s[..., 3] / s[..., 2])
    if asked.low is None or asked.low <= _LITTLE:
        return Skipped(
            f"{method}: the rewards of its communities hardly differ, so policies may be alike"
        )
    lost, error = estimated(
        sums, lambda s: 1 - (1 - s[..., 1] / s[..., 0]) / (1 - s[..., 3] / s[..., 2])
    )
    own_part, _ = estimated(sums, lambda s: 1 - s[..., 1] / s[..., 0])
    return Measured(
        subject=method,
        community=None,
        value=lost.value,
        error=error,
        numbers={"own_part_lost": lost, "own_part": own_part, "own_part_of_best_of_2": asked}
        | _distance(given, own),
        claim=Sentence(
            "{subject} answers the communities alike: {share} of a community's gain is its own, "
            "beyond the gain by the other communities' policies; the rewards ask for "
            "{other_share}.",
            {
                "subject": method,
                "share": Share(own_part.value),
                "other_share": Share(asked.value),
            },
        ),
        rows=Rows("prompts", len(at), tuple(given.prompts[p] for p in at[:SHOWN])),
        look="Read the answers of two communities' policies to the listed prompts.",
    )


def variety(evidence: Evidence, context: Context) -> Iterator[Measured | Skipped]:
    """How much less the answers of a policy to one prompt differ than the start model's do.

    Variety is the mean distance of two answers to one prompt in their words (Jaccard), so it does
    not depend on the number of answers.
    """
    given = evidence.policies
    if given is None:
        yield NO_POLICIES
        return
    start_P = _varieties(given.start)
    for policy in given.policies:
        if policy.answers.n < 2:
            yield Skipped(f"{policy.method} has one answer to each prompt", "two")
            continue
        now_P = _varieties(policy.answers)
        known_P = np.isfinite(start_P) & np.isfinite(now_P)
        sums = np.stack([now_P, start_P], axis=1)[known_P]
        if len(sums) < FEWEST or not sums[:, 1].any():
            yield Skipped(f"{policy.method}: too few prompts with different answers", f"{FEWEST}")
            continue
        lost, error = estimated(sums, lambda s: 1 - s[..., 0] / s[..., 1])
        least = np.argsort(sums[:, 0] - sums[:, 1], kind="stable")[:SHOWN]
        at = np.flatnonzero(known_P)[least]
        yield Measured(
            subject=policy.method,
            community=policy.steer,
            value=lost.value,
            error=error,
            numbers={
                "variety_lost": lost,
                "variety": mean_of(sums[:, 0])[0],
                "variety_of_start": mean_of(sums[:, 1])[0],
                "different_answers": mean_of(_different(policy.answers))[0],
                "different_answers_of_start": mean_of(_different(given.start))[0],
            },
            claim=Sentence(
                "{subject} for {community} lost {share} of the variety of the start model's "
                "answers.",
                {
                    "subject": policy.method,
                    "community": policy.followed,
                    "share": Share(lost.value),
                },
            ),
            rows=Rows("prompts", len(sums), tuple(given.prompts[p] for p in at.tolist())),
            look="Read several answers to each of the listed prompts.",
        )


def _by_method(given: PolicyEvidence) -> dict[str, list[Policy]]:
    """The policies that follow one community each."""
    found: dict[str, list[Policy]] = {}
    for policy in given.policies:
        own = found.setdefault(policy.method, [])
        if policy.steer is not None:
            own.append(policy)
    return {method: own for method, own in found.items() if own}


def _shared_prompts(
    given: PolicyEvidence, own: Sequence[Policy], judged: bool
) -> tuple[Sequence[int], FloatArray]:
    """Prompts, and mean gains over communities by the own and by the others' choice, (P, 4).

    The first two columns are those of the policies, the others those of the best of two.
    """
    steers = [str(policy.steer) for policy in own]
    by_policy = [[gain_for(given, policy, c, judged) for c in steers] for policy in own]
    columns_P = list(_own_and_others(np.array(by_policy)))
    known_P = np.isfinite(np.array(columns_P)).all(axis=0)
    at = np.intersect1d(np.flatnonzero(known_P), given.whole_P)
    by_reward = [[best_of(given, steer, c, 2, judged) for c in steers] for steer in steers]
    of_two_P = np.full((2, len(given.prompts)), np.nan)
    of_two_P[:, given.whole_P] = _own_and_others(np.array(by_reward))
    return at.tolist(), np.stack([*columns_P, *of_two_P], axis=1)[at]


def _own_and_others(gain_S_C_P: FloatArray) -> FloatArray:
    """Mean gain by the own choice, and by the choices for the other communities, shape (2, P)."""
    size = len(gain_S_C_P)
    own_P = np.trace(gain_S_C_P) / size
    others_P = (gain_S_C_P.sum(axis=(0, 1)) - size * own_P) / (size * (size - 1))
    return np.stack([own_P, others_P])


def _distance(given: PolicyEvidence, own: Sequence[Policy]) -> dict[str, Estimate]:
    """Distance of the policies' answers in their words, beyond that within a policy."""
    if min(policy.answers.n for policy in own) < 2:
        return {}
    pairs = [(a, b) for i, a in enumerate(own) for b in own[:i]][:_MOST_PAIRS]
    value_P = np.array([
        np.mean([_beyond_chance(a.answers.texts[p], b.answers.texts[p]) for a, b in pairs])
        for p in range(len(given.prompts))
    ])  # fmt: skip
    return {"distance_between": mean_of(value_P)[0]}


def _beyond_chance(one: Sequence[str], other: Sequence[str]) -> float:
    """Distance of two policies' answers to a prompt, in their words, beyond that within each."""
    between = lexical_distances(one, other)
    # A run that samples all policies with one seed may have equal answers of the same number.
    if len(one) == len(other):
        between = between[~np.eye(len(one), dtype=bool)][:, None]
    return distance_beyond_chance(_distances(tuple(one)), _distances(tuple(other)), between)


@lru_cache(REMEMBERED)
def _distances(texts: tuple[str, ...]) -> FloatArray:
    return lexical_distances(texts, texts)


def _varieties(answers: Answers) -> FloatArray:
    return np.array([variety_within(_distances(tuple(own))) for own in answers.texts])


def _different(answers: Answers) -> FloatArray:
    """Share of pairs of answers to one prompt that differ, shape (P,)."""
    found = []
    for own in answers.texts:
        counts = np.array([own.count(text) for text in set(own)])
        n = len(own)
        found.append(1 - (counts * (counts - 1)).sum() / (n * (n - 1)))
    return np.array(found)
