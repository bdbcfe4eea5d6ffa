"""Reference points: scores of answers without any, or with full, knowledge of a people."""

from collections.abc import Iterator, Mapping

import numpy as np

from pluralign.core import FloatArray
from pluralign.evaluation.surveys.answer_tables import Peoples
from pluralign.evaluation.surveys.other_communities import mean_of_others
from pluralign.evaluation.surveys.scores import (
    ALIGNMENT,
    CLOSENESS,
    EXACT,
    Sums,
    distance_sums,
    series_of,
)
from pluralign.evaluation.surveys.survey_rows import SurveyRow, row_of
from pluralign.metrics import answer_closeness

RANDOM, MIDDLE, OTHERS, MEAN, WORST = (
    "random",
    "mid-scale",
    "others' common answer",
    "rounded mean",
    "worst possible",
)
UNIFORM, MEAN_OF_OTHERS = "uniform", "mean of others"


def anchor_rows(peoples: Peoples, counts_B_Q: FloatArray) -> Iterator[SurveyRow]:
    """Scores of the reference points, for each community and on average.

    They are: an option drawn at random (its expected squares), the middle option (the lower of
    two), the most common answer of the other communities' people (each community counting the
    same), the rounded mean of the people, and the answer farthest from theirs.

    Args:
        peoples: The people's answers.
        counts_B_Q: Draws of questions.
    """
    for name, answers in anchor_answers(peoples).items():
        yield from _anchor(name, _sums(peoples, answers), peoples, counts_B_Q)


def distribution_rows(peoples: Peoples, counts_B_Q: FloatArray) -> Iterator[SurveyRow]:
    """Similarity and distance of the reference points that are distributions.

    They are the uniform distribution, and the mean of the other communities that were asked.

    Args:
        peoples: The people's answers.
        counts_B_Q: Draws of questions.
    """
    for name, shares in anchor_distributions(peoples).items():
        yield from _anchor(name, distance_sums(shares, peoples), peoples, counts_B_Q)


def _anchor(
    name: str, sums: Mapping[str, Sums], peoples: Peoples, counts_B_Q: FloatArray
) -> Iterator[SurveyRow]:
    for metric, of_metric in sums.items():
        series = series_of(metric, of_metric, counts_B_Q)
        yield from series.rows(metric, [(name, None, c) for c in peoples.communities])
        if len(peoples.communities) > 1:
            mean = series.mean(range(len(peoples.communities)))
            if mean is not None:
                yield row_of(metric, name, None, None, mean)


def anchor_distributions(peoples: Peoples) -> dict[str, FloatArray]:
    """Distributions of each reference point, shape (C, Q, O); 0 where there is none.

    Args:
        peoples: The people's answers; with a single people there are no others.
    """
    options = np.arange(peoples.probs_C_Q_O.shape[2])
    real_Q_O = (options < peoples.n_options_Q[:, None]).astype(float)
    uniform_Q_O = real_Q_O / peoples.n_options_Q[:, None]
    shape = peoples.probs_C_Q_O.shape
    found: dict[str, FloatArray] = {UNIFORM: np.broadcast_to(uniform_Q_O, shape)}
    if len(peoples.communities) > 1:
        found[MEAN_OF_OTHERS] = mean_of_others(peoples.probs_C_Q_O)
    return found


def anchor_answers(peoples: Peoples) -> dict[str, FloatArray]:
    """Answers of each reference point: chances of options, shape (C, Q, O); 0 for no answer.

    Args:
        peoples: The people's answers; with a single people there is no common answer of others.
    """
    gold, sizes = peoples.gold_C_Q, peoples.n_options_Q
    options = np.arange(peoples.probs_C_Q_O.shape[2])
    real_Q_O = options < sizes[:, None]
    shape = peoples.probs_C_Q_O.shape
    worst = np.where(np.nan_to_num(gold) * 2 >= sizes - 1, 0, sizes - 1)
    mean = np.rint((peoples.probs_C_Q_O * options).sum(axis=2))
    found = {
        RANDOM: np.broadcast_to(real_Q_O / sizes[:, None], shape),
        MIDDLE: np.broadcast_to(((sizes - 1) // 2)[:, None] == options, shape),
        MEAN: mean[:, :, None] == options,
        WORST: worst[:, :, None] == options,
    }
    if len(gold) > 1:
        found[OTHERS] = _others(peoples.probs_C_Q_O)
    return {name: np.asarray(chances, dtype=float) for name, chances in found.items()}


def _others(probs_C_Q_O: FloatArray) -> FloatArray:
    """The option with the largest mean share in other communities, where any other was asked."""
    rest = probs_C_Q_O.sum(axis=0) - probs_C_Q_O
    common = rest.argmax(axis=2)[:, :, None] == np.arange(rest.shape[2])
    chances: FloatArray = (common & (rest.sum(axis=2) > 1e-9)[:, :, None]).astype(float)
    return chances


def _sums(peoples: Peoples, chances: FloatArray) -> dict[str, Sums]:
    """Expected sums behind the scores, shape (C, Q); 0 where there is no gold or no answer."""
    gold = peoples.gold_C_Q
    options = np.arange(chances.shape[2], dtype=float)
    there = ~np.isnan(gold) & (chances.sum(axis=2) > 0)
    distance = np.abs(options - np.nan_to_num(gold)[:, :, None])
    square = (chances * distance**2).sum(axis=2)
    scale = (peoples.n_options_Q - 1.0) ** 2
    close = answer_closeness(
        np.broadcast_to(options[:, None, None], (options.size, *gold.shape)),
        gold,
        peoples.n_options_Q,
        peoples.nominal_Q,
    )
    expected = (chances * np.nan_to_num(np.moveaxis(close, 0, 2))).sum(axis=2)
    exact = (chances * (options == gold[:, :, None])).sum(axis=2)
    return {
        ALIGNMENT: (square * there, scale * there),
        EXACT: (exact * there, there.astype(float)),
        CLOSENESS: (expected * there, there.astype(float)),
    }
