"""A community's answers predicted from other communities' answers to the same questions.

No model and no text is needed: a prediction of a respondent that is not nearer to the people than
the mean of other peoples has no knowledge of this people. With answers of the community to a few
questions, the others are weighted by how near theirs are.
"""

import numpy as np

from pluralign.core import BoolArray, FloatArray
from pluralign.metrics import jensen_shannon_distance

_PRIOR_QUESTIONS = 3
_TEMPERATURES = 6


def mean_of_others(probs_C_Q_O: FloatArray) -> FloatArray:
    """The mean distribution of the other communities that were asked, each counting the same.

    Args:
        probs_C_Q_O: Shares of answers, shape (C, Q, O); 0 where a community was not asked.

    Returns:
        Shares, shape (C, Q, O); 0 where no other community was asked.

    >>> mean_of_others(np.array([[[1.0, 0.0]], [[0.5, 0.5]], [[0.0, 1.0]]]))[:, 0].tolist()
    [[0.25, 0.75], [0.5, 0.5], [0.75, 0.25]]
    """
    asked_C_Q_1 = probs_C_Q_O.sum(axis=2, keepdims=True) > 0
    rest = probs_C_Q_O.sum(axis=0) - probs_C_Q_O
    return _shares(rest, asked_C_Q_1.sum(axis=0) - asked_C_Q_1)


def nearest_others(probs_C_Q_O: FloatArray, community: int, context_Q: BoolArray) -> FloatArray:
    """The distribution of other communities, weighted by nearness on a few questions.

    With D_o the mean squared Jensen-Shannon distance of another community o on the context
    questions, shrunk towards the mean D over all others by three questions, the weight of o is
    ``exp(-(D_o - D) / T)`` with T = D / 6.

    Args:
        probs_C_Q_O: Shares of answers, shape (C, Q, O); 0 where a community was not asked.
        community: The community to predict.
        context_Q: Questions whose answers by the community are known, shape (Q,).

    Returns:
        Shares, shape (Q, O); 0 where no other community was asked. Without a context they are those
        of `mean_of_others`.
    """
    asked_C_Q = probs_C_Q_O.sum(axis=2) > 0
    others = np.delete(np.arange(len(probs_C_Q_O)), community)
    known_O_Q = asked_C_Q[others] & asked_C_Q[community] & context_Q
    o, q = np.nonzero(known_O_Q)
    weight_O = np.ones(len(others))
    if len(q):
        apart = jensen_shannon_distance(probs_C_Q_O[others[o], q], probs_C_Q_O[community, q]) ** 2
        mean = float(apart.mean())
        count_O, sum_O = known_O_Q.sum(axis=1), np.bincount(o, apart, len(others))
        shrunk_O = (sum_O + _PRIOR_QUESTIONS * mean) / (count_O + _PRIOR_QUESTIONS)
        # Where all are equal to this community, all weigh the same.
        if mean > 0:
            weight_O = np.exp(-(shrunk_O - mean) * _TEMPERATURES / mean)
    total_Q_O = np.einsum("c,cqo->qo", weight_O, probs_C_Q_O[others])
    return _shares(total_Q_O, (weight_O[:, None] * asked_C_Q[others]).sum(axis=0)[:, None])


def _shares(sums: FloatArray, count: FloatArray) -> FloatArray:
    """Sums divided by how many were summed; 0 where none was."""
    # A difference of sums may leave a rounding error below 0.
    return np.divide(np.maximum(sums, 0), count, out=np.zeros_like(sums), where=count > 0)
