"""Candidates that a policy learns from, by the rewards of one community or of several as one."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pluralign.core.arrays import BoolArray, FloatArray, IntArray

_NO_PAIR = "fewer than two candidates with a reward"
_ALIKE = "no two candidates differ in reward by the gap"
_LENGTHS = "no two of these have about the same length"


@dataclass(frozen=True, slots=True)
class Picked:
    """Pairs of candidates, best against worst.

    Attributes:
        pair_K_3: Prompt, chosen candidate and rejected candidate of each pair, shape (K, 3).
        without: Reason -> number of prompts without a pair.
    """

    pair_K_3: IntArray
    without: Mapping[str, int]


def best_candidates(reward_P_N: FloatArray) -> IntArray:
    """The candidate with the highest reward of each prompt, the first of equal ones.

    Args:
        reward_P_N: Rewards of N candidates for each of P prompts, shape (P, N); nan for a candidate
            without a reward, such as an empty one.

    Returns:
        Numbers of candidates, shape (P,); -1 where none has a reward.

    >>> best_candidates(np.array([[0.1, 0.7, np.nan], [np.nan, np.nan, np.nan]])).tolist()
    [1, -1]
    """
    best_P: IntArray = np.where(np.isnan(reward_P_N), -np.inf, reward_P_N).argmax(axis=1)
    return np.where(np.isnan(reward_P_N).all(axis=1), -1, best_P)


def top_share(reward_P_N: FloatArray, share: float) -> BoolArray:
    """The best candidates of each prompt, at least one where one has a reward (RAFT).

    RAFT (Dong et al. 2023, arXiv 2304.06767) keeps the best of K, a share of 1/K.

    Args:
        reward_P_N: Rewards, shape (P, N), nan where there is none.
        share: Share of the candidates with a reward, in (0, 1].

    Returns:
        Whether each candidate is kept, shape (P, N).

    >>> top_share(np.array([[0.1, 0.7, 0.3, np.nan]]), 0.5).tolist()
    [[False, True, True, False]]
    """
    has_P_N = ~np.isnan(reward_P_N)
    wanted_P = np.ceil(share * has_P_N.sum(axis=1))
    order_P_N = np.argsort(np.where(has_P_N, -reward_P_N, np.inf), axis=1, kind="stable")
    rank_P_N = np.argsort(order_P_N, axis=1)
    kept_P_N: BoolArray = has_P_N & (rank_P_N < wanted_P[:, None])
    return kept_P_N


def best_and_worst(
    reward_P_N: FloatArray, length_P_N: FloatArray, gap: float, length_ratio: float
) -> Picked:
    """For each prompt, the two candidates of about the same length that differ most in reward.

    Without matched lengths a policy learns to write longer, or shorter, under any reward.

    Args:
        reward_P_N: Rewards, shape (P, N), nan where there is none.
        length_P_N: Lengths of the candidates, in tokens or words, > 0, shape (P, N).
        gap: Smallest difference of the two rewards, in their units.
        length_ratio: Largest ratio of the longer to the shorter length, >= 1.

    >>> reward = np.array([[0.9, 0.2, 0.1]])
    >>> best_and_worst(reward, np.array([[9.0, 10.0, 40.0]]), gap=0.5, length_ratio=1.5)
    Picked(pair_K_3=array([[0, 0, 1]]), without={})
    """
    pairs, without = [], Counter[str]()
    for prompt, (reward_N, length_N) in enumerate(zip(reward_P_N, length_P_N, strict=True)):
        margin_N_N = reward_N[:, None] - reward_N[None, :]
        log_N = np.log(length_N)
        alike_N_N = np.abs(log_N[:, None] - log_N[None, :]) <= np.log(length_ratio) + 1e-12
        wide_N_N = margin_N_N >= max(gap, np.finfo(float).tiny)  # False where a reward is nan
        if (reason := _missing(reward_N, wide_N_N, alike_N_N)) is not None:
            without[reason] += 1
            continue
        allowed_N_N = np.where(wide_N_N & alike_N_N, margin_N_N, -np.inf)
        chosen, rejected = np.unravel_index(allowed_N_N.argmax(), allowed_N_N.shape)
        pairs.append((prompt, int(chosen), int(rejected)))
    return Picked(np.array(pairs, dtype=np.int64).reshape(-1, 3), dict(without))


def _missing(reward_N: FloatArray, wide_N_N: BoolArray, alike_N_N: BoolArray) -> str | None:
    """Why a prompt has no pair; None where it has one."""
    if (~np.isnan(reward_N)).sum() < 2:
        return _NO_PAIR
    if not wide_N_N.any():
        return _ALIKE
    return None if (wide_N_N & alike_N_N).any() else _LENGTHS
