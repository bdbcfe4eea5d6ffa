"""How well a score distinguishes members from outsiders: attacks that infer membership."""

import numpy as np
import numpy.typing as npt

from pluralign.core import FloatArray, NotEnoughData


def clustered_auc(
    member_M: FloatArray,
    outsider_N: FloatArray,
    member_cluster_M: npt.ArrayLike,
    outsider_cluster_N: npt.ArrayLike,
) -> tuple[float, float]:
    """Chance that a member's score is above an outsider's, with an error clustered by person.

    Args:
        member_M: Scores of members, shape (M,).
        outsider_N: Scores of outsiders, shape (N,).
        member_cluster_M: Person of each score of members, shape (M,).
        outsider_cluster_N: Person of each score of outsiders, shape (N,); the same ids mean the
            same people.

    Returns:
        The area under the ROC curve in [0, 1], 0.5 for a score that shows nothing, and its standard
        error (Obuchowski 1997). A tie counts half.

    Raises:
        NotEnoughData: If one side has no score.

    >>> clustered_auc(np.array([2.0, 3.0]), np.array([1.0, 2.0]), ["a", "b"], ["c", "d"])[0]
    0.875
    """
    if not len(member_M) or not len(outsider_N):
        raise NotEnoughData("membership needs scores of members and of outsiders")
    above_M = _share_below(outsider_N, member_M)
    below_N = 1 - _share_below(member_M, outsider_N)
    auc = float(above_M.mean())
    _, person = np.unique(
        np.concatenate([np.asarray(member_cluster_M), np.asarray(outsider_cluster_N)]),
        return_inverse=True,
    )
    # The influence of each person's scores on both means; one person may be on both sides.
    parts = np.concatenate([(above_M - auc) / len(above_M), (below_N - auc) / len(below_N)])
    error = float(np.sqrt((np.bincount(person, parts) ** 2).sum()))
    return auc, error


def caught_at(member_M: FloatArray, outsider_N: FloatArray, rate: float = 0.01) -> float:
    """Share of members above the score that at most a share ``rate`` of outsiders exceed.

    >>> caught_at(np.array([5.0, 101.0, 102.0, 103.0]), np.arange(100.0))
    0.75
    """
    if not len(member_M) or not len(outsider_N):
        raise NotEnoughData("membership needs scores of members and of outsiders")
    limit = np.quantile(outsider_N, 1 - rate, method="higher")
    return float((member_M > limit).mean())


def clustered_caught(
    member_M: FloatArray,
    outsider_N: FloatArray,
    member_cluster_M: npt.ArrayLike,
    outsider_cluster_N: npt.ArrayLike,
    rate: float = 0.01,
) -> tuple[float, float]:
    """`caught_at`, with an error clustered by person.

    The score above which members are caught is itself measured on outsiders. Its error moves the
    share by the slope of the ROC curve, which is taken between half and twice the rate.

    Returns:
        The share, in [0, 1], and its standard error.

    Raises:
        NotEnoughData: If one side has no score.

    >>> members, others = np.arange(50.0, 150), np.arange(100.0)
    >>> share, error = clustered_caught(members, others, range(100), range(100, 200))
    >>> round(share, 2), round(error, 3)
    (0.5, 0.05)
    """
    share = caught_at(member_M, outsider_N, rate)
    limit = np.quantile(outsider_N, 1 - rate, method="higher")
    more, less = (caught_at(member_M, outsider_N, r) for r in (2 * rate, rate / 2))
    slope = (more - less) / (1.5 * rate)
    beyond_N = (outsider_N > limit).astype(float)
    parts = [
        ((member_M > limit) - share) / len(member_M),
        -slope * (beyond_N - beyond_N.mean()) / len(outsider_N),
    ]
    _, person = np.unique(
        np.concatenate([np.asarray(member_cluster_M), np.asarray(outsider_cluster_N)]),
        return_inverse=True,
    )
    error = float(np.sqrt((np.bincount(person, np.concatenate(parts)) ** 2).sum()))
    return share, error


def _share_below(value_N: FloatArray, score_M: FloatArray) -> FloatArray:
    """Share of the values that each score is above, a tie counting half, shape (M,)."""
    ordered = np.sort(value_N)
    below = np.searchsorted(ordered, score_M, "left") + np.searchsorted(ordered, score_M, "right")
    share_M: FloatArray = below / 2 / len(value_N)
    return share_M
