"""Modes of pluralism: a range of views in which every community finds one, and fair draws.

The modes are those of Sorensen et al. 2024 (arXiv 2402.05070): *Overton* pluralism shows the range
of reasonable answers, *distributional* pluralism answers as often one way as the people would.
"""

from collections.abc import Mapping

import numpy as np

from pluralign.core import FloatArray, InvalidInput, NotEnoughData
from pluralign.core.arrays import BoolArray, IntArray

_SUM = 1e-6


def in_top_share(reward_K_C: FloatArray, share: float) -> BoolArray:
    """The candidates that each community likes best, at least one each.

    Args:
        reward_K_C: Rewards of K candidates for C communities, shape (K, C); nan without an answer.
        share: Share of the candidates with a reward, in (0, 1].

    Returns:
        Whether a candidate is among a community's best, shape (K, C). Candidates with a reward
        equal to the least of them are among them too.

    >>> in_top_share(np.array([[3.0, 0.0], [2.0, 5.0], [1.0, 4.0]]), 0.34).tolist()
    [[True, False], [True, True], [False, True]]
    """
    known_K_C = ~np.isnan(reward_K_C)
    if not known_K_C.any(axis=0).all():
        raise NotEnoughData("no candidate has a reward", where="candidates")
    wanted_C = np.ceil(share * known_K_C.sum(axis=0)).astype(np.int64)
    falling_K_C = -np.sort(np.where(known_K_C, -reward_K_C, np.inf), axis=0)
    least_C = np.take_along_axis(falling_K_C, wanted_C[None, :] - 1, axis=0)[0]
    top_K_C: BoolArray = known_K_C & (reward_K_C >= least_C)
    return top_K_C


def greedy_cover(covers_K_C: BoolArray, rng: np.random.Generator) -> IntArray:
    """Few candidates such that every community finds one among them.

    Each step takes the candidate that the most communities without one find theirs in. It takes at
    most ``1 + ln C`` times as many as the smallest such set has, and never more than C.

    Args:
        covers_K_C: Whether a community finds its view in a candidate, shape (K, C).
        rng: Chooses among candidates that are equally good.

    Returns:
        Numbers of the candidates, in the order in which they were taken.

    Raises:
        ValueError: If a community finds its view in no candidate.

    >>> covers = np.array([[True, False, False], [True, True, False], [False, False, True]])
    >>> greedy_cover(covers, np.random.default_rng(0)).tolist()
    [1, 2]
    """
    if not covers_K_C.any(axis=0).all():
        raise ValueError("a community finds its view in no candidate")
    left_C = np.ones(covers_K_C.shape[1], dtype=bool)
    taken: list[int] = []
    while left_C.any():
        gained_K = (covers_K_C & left_C).sum(axis=1)
        best = int(rng.choice(np.flatnonzero(gained_K == gained_K.max())))
        taken.append(best)
        left_C &= ~covers_K_C[best]
    return np.array(taken, dtype=np.int64)


def draw_communities(
    shares: Mapping[str, float], n: int, rng: np.random.Generator
) -> tuple[str, ...]:
    """Draw the communities that answer, each with its share of the population.

    Args:
        shares: Community -> share of the population, >= 0, sum 1.
        n: Number of draws.
        rng: Draws.

    Raises:
        InvalidInput: If the shares are negative or do not sum to 1.

    >>> draw_communities({"MEX": 1.0, "GBR": 0.0}, 2, np.random.default_rng(0))
    ('MEX', 'MEX')
    """
    share_C = checked_shares(shares)
    names = list(shares)
    drawn_n = rng.choice(len(names), size=n, p=share_C / share_C.sum())
    return tuple(names[c] for c in drawn_n)


def mixed_options(prob_C_O: FloatArray, share_C: FloatArray) -> FloatArray:
    """Distribution over the options of a question of a population of several communities.

    Args:
        prob_C_O: Distribution of each community, rows with the sum 1, shape (C, O).
        share_C: Shares of the population, sum 1, shape (C,).

    Returns:
        Shape (O,), sum 1.

    >>> mixed_options(np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([0.5, 0.5])).tolist()
    [0.75, 0.25]
    """
    mixed_O: FloatArray = share_C @ prob_C_O
    return mixed_O


def checked_shares(shares: Mapping[str, float], where: str = "population") -> FloatArray:
    """Shares of a population as an array, shape (C,).

    Raises:
        InvalidInput: If they are negative or do not sum to 1.
    """
    share_C = np.array(list(shares.values()), dtype=np.float64)
    if not len(share_C) or not (share_C >= 0).all() or abs(share_C.sum() - 1) > _SUM:
        raise InvalidInput(
            f"shares must be numbers >= 0 with the sum 1, got {dict(shares)}", where=where
        )
    return share_C
