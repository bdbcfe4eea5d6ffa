"""The changes by one person's choices: margins of a model with them, and without them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pluralign.core import Estimate, FloatArray
from pluralign.evaluation.community_accuracy import Drawing
from pluralign.evaluation.test_pairs import TestPairs
from pluralign.metrics import group_means


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """The changes by a person on the test pairs of the other people of their community.

    Attributes:
        moved: Mean size of the change of a margin, in logits.
        largest: The largest change of a margin, in logits.
        margin: Mean size of the margins themselves, in logits, to compare with.
        turned: Share of the pairs on which the model prefers another response.
        accuracy: Accuracy with the person.
        gain: Accuracy with the person, less the accuracy without them.
    """

    moved: Estimate
    largest: float
    margin: float
    turned: Estimate
    accuracy: Estimate
    gain: Estimate


def changes(
    judged: TestPairs, margin_N: FloatArray, without_N_P: FloatArray, drawing: Drawing
) -> list[Changes]:
    """The changes by each of P people; the pairs of all must be the same.

    Args:
        judged: Test pairs of one community, N of them.
        margin_N: Their margins with all people, in logits, shape (N,).
        without_N_P: Their margins without each person, shape (N, P).
        drawing: How intervals are drawn.

    Returns:
        P results, with intervals over the people (or stems) behind the pairs.
    """
    moved_N_P = np.abs(without_N_P - margin_N[:, None])
    turned_N_P = (np.sign(without_N_P) != np.sign(margin_N)[:, None]).astype(np.float64)
    credit_N = judged.credit(margin_N)
    without = [judged.credit(column_N) for column_N in without_N_P.T]
    gain_N_P = credit_N[:, None] - np.stack(without, axis=1)
    # Neither depends on what was chosen.
    unread = replace(judged, flip_N=None)
    moved = _means(unread, moved_N_P, (0.0, np.inf), drawing)
    turned = _means(unread, turned_N_P, (0.0, 1.0), drawing)
    gain = _means(judged, gain_N_P, (-1.0, 1.0), drawing)
    (accuracy,) = _means(judged, credit_N[:, None], (0.0, 1.0), drawing)
    return [
        Changes(
            moved=moved[p],
            largest=float(moved_N_P[:, p].max()),
            margin=float(np.abs(margin_N).mean()),
            turned=turned[p],
            accuracy=accuracy,
            gain=gain[p],
        )
        for p in range(without_N_P.shape[1])
    ]


def _means(
    judged: TestPairs, value_N_P: FloatArray, bounds: tuple[float, float], drawing: Drawing
) -> Sequence[Estimate]:
    """The mean of each column over the pairs."""
    clusters = judged.clusters(drawing.both)
    found = group_means(value_N_P, judged.community_N, clusters, bounds=bounds)
    return [found.estimate(0, p) for p in range(value_N_P.shape[1])]
