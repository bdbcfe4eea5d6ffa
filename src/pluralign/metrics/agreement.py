"""How far people agree with each other: the most that any model of them can reach."""

from typing import Literal

import numpy as np
import numpy.typing as npt

from pluralign.core import Estimate, FloatArray, InvalidInput, NotEnoughData
from pluralign.metrics.group_means import Clusters, group_means
from pluralign.metrics.input_checks import checked_values, coded

Level = Literal["nominal", "ordinal", "interval"]


def krippendorff_alpha(ratings_R_U: npt.ArrayLike, level: Level = "nominal") -> float:
    """Krippendorff's alpha: agreement beyond chance; raters may be many, ratings may be missing.

    Args:
        ratings_R_U: Rating by each rater of each unit, shape (R, U); nan where missing.
        level: How ratings differ: not at all or fully, by rank, or by their squared difference.

    Returns:
        1 for perfect agreement, 0 for chance, below 0 for systematic disagreement.

    Raises:
        NotEnoughData: If no unit has two ratings, or all ratings that can be paired are equal
            (alpha is undefined).
        InvalidInput: If ratings are infinite or not a table, or the level is unknown.

    Source: Krippendorff, "Computing Krippendorff's alpha-reliability" (2011).

    >>> krippendorff_alpha([[1, 2, 3, 3], [1, 2, 3, float("nan")]])
    1.0
    """
    ratings = np.asarray(ratings_R_U, dtype=np.float64)
    if ratings.ndim != 2 or np.isinf(ratings).any():
        raise InvalidInput("ratings must be a table of raters by units, finite or nan")
    paired = ratings[:, (~np.isnan(ratings)).sum(axis=0) >= 2]
    if not paired.size:
        raise NotEnoughData("no unit was rated by two raters")
    value_V = np.unique(paired[~np.isnan(paired)])
    if value_V.size < 2:
        raise NotEnoughData("all ratings are equal: alpha is undefined without variation")
    count_U_V = np.stack([(paired == v).sum(axis=0) for v in value_V], axis=1).astype(np.float64)
    raters_U = count_U_V.sum(axis=1)
    # Each of a unit's m ratings is paired with the m - 1 others, and a pair counts 1 / (m - 1): so
    # every rating counts once. The diagonal takes out the pairs of a rating with itself.
    weighted = count_U_V / (raters_U - 1)[:, None]
    coincidence_V_V = weighted.T @ count_U_V - np.diag(weighted.sum(axis=0))
    total_V = coincidence_V_V.sum(axis=1)
    delta_V_V = _differences(value_V, total_V, level)
    expected = float((np.outer(total_V, total_V) * delta_V_V).sum()) / float(total_V.sum() - 1)
    observed = float((coincidence_V_V * delta_V_V).sum())
    return 1 - observed / expected


def human_ceiling(
    item_N: npt.ArrayLike,
    choice_N: npt.ArrayLike,
    rater_N: npt.ArrayLike,
) -> Estimate:
    """Accuracy of guessing a rater's choice from the majority of the others on the same item.

    An item is a pair of responses whichever way round it was shown, and a choice names one of the
    two, counted in one fixed order. A tied majority earns half. With few raters for an item the
    others' majority is itself noisy, so the value lies below what a perfect model of the community
    could reach, which may then pass it, and rises with more raters. With two raters for each item
    the value is their agreement a, and no model can be expected to pass ``(1 + sqrt(2 a - 1)) /
    2``. The majority that includes the rater's own choice errs the other way: with one rater for an
    item it is always right.

    Args:
        item_N: Id of the item judged, shape (N,).
        choice_N: Which of its two responses was chosen, 0 or 1, shape (N,).
        rater_N: Id of the rater, shape (N,).

    Returns:
        The accuracy, its 95 % interval over raters and items (a little narrow: the part that a
        rater has in the majorities of others is not counted), ``n`` = items judged by two raters or
        more, ``n_raters`` = people who judged them.

    Raises:
        NotEnoughData: If no item was judged by two different raters.
        InvalidInput: If shapes differ, an id is missing, or a choice is neither 0 nor 1.

    >>> items, raters = ["i", "i", "i", "j"], ["ana", "ben", "eve", "ana"]
    >>> str(human_ceiling(items, [1, 1, 0, 1], raters))
    '0.333 [0.006, 0.977] (n=1, 3 raters)'
    """
    choices, _ = checked_values(choice_N)
    if not np.isin(choices, (0, 1)).all():
        raise InvalidInput("a choice is neither 0 nor 1")
    _, item = coded(item_N, "item", choices.size)
    raters, rater = coded(rater_N, "rater", choices.size)
    # Without the rater's own choices, of which there may be several on one item.
    _, own = np.unique(item * raters.size + rater, return_inverse=True)
    others = np.bincount(item)[item] - np.bincount(own)[own]
    for_one = np.bincount(item, choices)[item] - np.bincount(own, choices)[own]
    kept = others > 0
    if not kept.any():
        raise NotEnoughData(
            "no item was judged by two different raters",
            hint="agreement needs overlapping judgements",
        )
    # 1 or 0, and 0.5 for a tie.
    majority = (np.sign(2 * for_one[kept] - others[kept]) + 1) / 2
    credit = 1 - np.abs(choices[kept] - majority)
    clusters = Clusters(cluster_N=rater[kept], question_N=item[kept], both=True, pair_N=item[kept])
    one_group = np.zeros(len(credit), dtype=np.int64)
    return group_means(credit[:, None], one_group, clusters, bounds=(0.0, 1.0)).estimate(0)


def _differences(value_V: FloatArray, total_V: FloatArray, level: Level) -> FloatArray:
    """Squared difference between every two values, shape (V, V)."""
    if level == "nominal":
        return 1 - np.eye(value_V.size)
    if level == "interval":
        return np.subtract.outer(value_V, value_V) ** 2
    if level == "ordinal":
        # The middle of the ranks that the ratings of each value share.
        rank_V = np.cumsum(total_V) - total_V / 2
        return np.subtract.outer(rank_V, rank_V) ** 2
    raise InvalidInput(f"unknown level {level!r}", hint='use "nominal", "ordinal" or "interval"')
