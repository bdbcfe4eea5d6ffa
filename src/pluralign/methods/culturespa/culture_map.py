"""The culture map: cultures that the model's shifted answers make alike, and people's answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from pluralign.core import BoolArray, Estimate, FloatArray, IntArray, NotEnoughData
from pluralign.methods.culturespa.collecting import AnswerPair
from pluralign.metrics import t_interval, wilson_interval


@dataclass(frozen=True, slots=True, kw_only=True)
class CultureMap:
    """How alike cultures are to the model.

    Attributes:
        communities: Ids, C of them, in the order in which average linkage puts like next to like.
        alike_C_C: Of the questions on which either culture shifted the answer, the share on which
            both answer alike; 1 on the diagonal, nan where there are none.
        low_C_C: Lower ends of the 95 % intervals over questions (`wilson_interval`).
        high_C_C: Upper ends.
        n_C_C: Questions behind each.
        place_C_2: A picture of it: classical scaling of 1 - alike to two dimensions.
    """

    communities: tuple[str, ...]
    alike_C_C: FloatArray
    low_C_C: FloatArray
    high_C_C: FloatArray
    n_C_C: FloatArray
    place_C_2: FloatArray

    def nearest(self) -> dict[str, str]:
        """Community -> the one most alike."""
        alike_C_C = np.nan_to_num(self.alike_C_C, nan=-1.0)
        # Below every likeness, so that no community is its own nearest.
        np.fill_diagonal(alike_C_C, -1.0)
        nearest_C = alike_C_C.argmax(axis=1).tolist()
        others = [self.communities[i] for i in nearest_C]
        return dict(zip(self.communities, others, strict=True))

    def rows(self) -> list[dict[str, Any]]:
        """One JSON object for every two communities, and none twice."""
        return [self._row(i, j) for i, j in combinations(range(len(self.communities)), 2)]

    def _row(self, i: int, j: int) -> dict[str, Any]:
        return {
            "community": self.communities[i],
            "other": self.communities[j],
            "alike": _number(self.alike_C_C[i, j]),
            "low": _number(self.low_C_C[i, j]),
            "high": _number(self.high_C_C[i, j]),
            "n": int(self.n_C_C[i, j]),
        }


def culture_map(pairs: Sequence[AnswerPair]) -> CultureMap:
    """Compare every two communities by the answers that naming them shifted.

    Two cultures whose shifted answers are the same are one culture to the model, even if their
    people answer differently. Questions that neither shifts are left out: there both give the
    model's default.

    Args:
        pairs: Readable or not; pairs with an unreadable answer are left out.

    Raises:
        NotEnoughData: If there are fewer than two communities, or no two have a shifted question in
            common.
    """
    communities = sorted({pair.community for pair in pairs})
    if len(communities) < 2:
        raise NotEnoughData("a culture map needs two communities or more")
    aware_C_Q, shifted_C_Q = _tables(pairs, communities)
    i_K, j_K = np.triu_indices(len(communities), 1)
    both = ~np.isnan(aware_C_Q[i_K] + aware_C_Q[j_K])
    counted = both & (shifted_C_Q[i_K] | shifted_C_Q[j_K])
    same = (counted & (aware_C_Q[i_K] == aware_C_Q[j_K])).astype(float)
    if not counted.any():
        raise NotEnoughData("no answer shifted in any two communities")
    with np.errstate(invalid="ignore"):  # 0 / 0 where neither culture shifted an answer
        alike_K = same.sum(axis=1) / counted.sum(axis=1)
    ends = [
        _ends(int(k), int(n)) for k, n in zip(same.sum(axis=1), counted.sum(axis=1), strict=True)
    ]
    low_K, high_K = np.array(ends).T
    square = [_square(values, len(communities), 1) for values in (alike_K, low_K, high_K)]
    n_C_C = _square(counted.sum(axis=1).astype(float), len(communities), 0)
    order, place = _arrange(square[0])
    alike, low, high, n = (matrix[np.ix_(order, order)] for matrix in (*square, n_C_C))
    return CultureMap(
        communities=tuple(communities[i] for i in order),
        alike_C_C=alike,
        low_C_C=low,
        high_C_C=high,
        n_C_C=n,
        place_C_2=place[order],
    )


def agreement_with_people(found: CultureMap, people: Mapping[str, Mapping[str, float]]) -> Estimate:
    """Spearman's correlation between the model's map and how alike the people's answers are.

    The interval leaves out one community at a time, and uses Student's t.

    Args:
        found: The map.
        people: Community -> community -> similarity of their people's answers.

    Raises:
        NotEnoughData: If fewer than three communities have both.
    """
    from scipy.stats import rankdata

    places = [i for i, c in enumerate(found.communities) if c in people]
    if len(places) < 3:
        raise NotEnoughData("fewer than three communities are in both maps")
    names = [found.communities[i] for i in places]
    ours = found.alike_C_C[np.ix_(places, places)]
    theirs = np.array([[people[a].get(b, np.nan) for b in names] for a in names])

    def correlation(chosen: IntArray) -> float:
        i, j = np.triu_indices(len(chosen), 1)
        a, b = chosen[i], chosen[j]
        x, y = ours[a, b], theirs[a, b]
        there = ~np.isnan(x + y)
        if np.unique(x[there]).size < 2 or np.unique(y[there]).size < 2:
            return float("nan")
        return float(np.corrcoef(rankdata(x[there]), rankdata(y[there]))[0, 1])

    everybody = np.arange(len(names))
    value = correlation(everybody)
    if np.isnan(value):
        raise NotEnoughData("the maps do not vary")
    without_C = np.array([correlation(np.delete(everybody, k)) for k in everybody])
    n = len(names)
    variance = float((n - 1) / n * ((without_C - value) ** 2).sum())
    low, high = t_interval(value, variance, n - 1, (-1.0, 1.0))
    return Estimate(value, low, high, n)


def _tables(
    pairs: Sequence[AnswerPair], communities: Sequence[str]
) -> tuple[FloatArray, BoolArray]:
    """Aware options (nan where an answer is unreadable) and whether they shifted; shape (C, Q)."""
    row = {c: i for i, c in enumerate(communities)}
    column = {q: i for i, q in enumerate(dict.fromkeys(pair.question for pair in pairs))}
    aware = np.full((len(row), len(column)), np.nan)
    shifted = np.zeros(aware.shape, dtype=bool)
    for pair in pairs:
        if pair.aware is not None and pair.unaware is not None:
            cell = row[pair.community], column[pair.question]
            aware[cell], shifted[cell] = pair.aware, pair.shifted
    return aware, shifted


def _arrange(alike_C_C: FloatArray) -> tuple[list[int], FloatArray]:
    """The order in which average linkage puts like next to like, and places in the plane."""
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    # Two cultures that cannot be compared count as the least alike of all.
    apart = 1 - np.nan_to_num(alike_C_C, nan=float(np.nanmin(alike_C_C)))
    np.fill_diagonal(apart, 0)
    order = leaves_list(linkage(squareform(apart, checks=False), "average", optimal_ordering=True))
    return order.tolist(), _classical_scaling(apart)


def _classical_scaling(apart_C_C: FloatArray) -> FloatArray:
    """Places in the plane whose distances are near those given (Torgerson 1952), shape (C, 2)."""
    n = len(apart_C_C)
    centred = np.eye(n) - 1 / n
    values, vectors = np.linalg.eigh(-0.5 * centred @ apart_C_C**2 @ centred)
    top = np.argsort(-values)[:2]
    # An eigenvector has no sign of its own: its largest entry is made positive, so that maps of the
    # same answers are never mirrored.
    signs = np.where(vectors[np.abs(vectors[:, top]).argmax(axis=0), top] < 0, -1, 1)
    place: FloatArray = vectors[:, top] * signs * np.sqrt(np.maximum(values[top], 0))
    return place


def _square(value_K: FloatArray, n: int, diagonal: float) -> FloatArray:
    full = np.full((n, n), float(diagonal))
    i, j = np.triu_indices(n, 1)
    full[i, j] = full[j, i] = value_K
    return full


def _ends(same: int, counted: int) -> tuple[float, float]:
    """Interval of a share of questions, which are independent trials; nan without questions."""
    if not counted:
        return float("nan"), float("nan")
    share = same / counted
    return wilson_interval(share, share * (1 - share) / counted, counted)


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
