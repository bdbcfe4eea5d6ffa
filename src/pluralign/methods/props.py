"""PROPS: models of earlier people correct the reports of later people (arXiv 2508.06783).

People are divided into stages. A head learns from the reports of the first stage. For every later
stage, the head of the stages before judges the pairs; its judgement and the report are two
independent witnesses of one choice, and are combined by their likelihoods. Each report is used as
it was drawn, so this costs no privacy.

The paper's text and code were not available to us; the combination is derived from its abstract and
from what others quote of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from scipy.special import expit

from pluralign.core import FloatArray, IntArray, InvalidInput, corrected_credit
from pluralign.core.units import Unit
from pluralign.methods.method import steered
from pluralign.methods.ridges import FOLDS
from pluralign.methods.training import TrainingSet, check_ridges
from pluralign.rewards import LinearRewardModel, fit_tilted

_LEAST_ERROR, _MOST_ERROR = 0.01, 0.5


@dataclass(frozen=True, slots=True)
class PropsConfig:
    """Settings of PROPS.

    Attributes:
        stages: Number of groups of people, >= 1; 1 is full fine-tuning on the reports.
        combine: ``posterior``: the probability of each choice is a soft label. ``likelihood``: the
            more likely choice is the label, as published.
        bins: Number of bins of the absolute margin, >= 1; the error of the earlier model is
            estimated in each.
        ridge: Pull towards the reference, > 0, in pairs.
    """

    stages: int = 2
    combine: Literal["posterior", "likelihood"] = "posterior"
    bins: int = 4
    ridge: Annotated[float, Unit("pairs")] = 1.0

    def __post_init__(self) -> None:
        check_ridges(self.ridge)
        if self.stages < 1 or self.bins < 1:
            raise InvalidInput(f"stages and bins must be >= 1, got {self.stages} and {self.bins}")


def model_error(margin_N: FloatArray, flip_N: FloatArray) -> float:
    """How often a model is wrong about choices of which only reports are known.

    A model that errs with probability theta disagrees with a report with probability
    theta (1 - flip) + (1 - theta) flip, so theta = (disagreement - flip) / (1 - 2 flip).

    Args:
        margin_N: Margins of the reported choice, in logits, shape (N,).
        flip_N: Probability that each report is the opposite of the choice, shape (N,).

    Returns:
        theta, clipped to [0.01, 0.5].

    >>> round(model_error(np.array([1.0, 1.0, -1.0]), np.full(3, 0.25)), 3)
    0.167
    """
    disagrees_N = (1 - np.sign(margin_N)) / 2
    error = float(corrected_credit(disagrees_N, flip_N).mean())
    return min(max(error, _LEAST_ERROR), _MOST_ERROR)


def report_odds(margin_N: FloatArray, flip_N: FloatArray, error_N: FloatArray) -> FloatArray:
    """Log-odds that a report is the choice, given the judgement of an earlier model.

    Args:
        margin_N: Margins of the reported choice, in logits, shape (N,).
        flip_N: Probability that each report is the opposite of the choice, shape (N,).
        error_N: Probability that the model is wrong, in (0, 0.5], shape (N,).

    Returns:
        ``log((1 - flip) / flip) + sign(margin) log((1 - error) / error)``, shape (N,); infinite
        where ``flip`` is 0.

    >>> odds = report_odds(np.array([1.0, -1.0]), np.full(2, 0.25), np.full(2, 0.1))
    >>> odds.round(2).tolist()  # the model is more certain than the report
    [3.3, -1.1]
    """
    with np.errstate(divide="ignore"):
        of_report: FloatArray = np.log1p(-flip_N) - np.log(flip_N)
    odds_N: FloatArray = of_report + np.sign(margin_N) * np.log((1 - error_N) / error_N)
    return odds_N


def props_heads(
    train: TrainingSet, reference: LinearRewardModel, config: PropsConfig, ridges: Sequence[float]
) -> FloatArray:
    """PROPS' heads under several ridges, each community alone, shape (K, C, D)."""
    own = [train.of(c) for c in train.communities]
    prior_D = reference.reference_D
    return np.stack(
        [np.stack([_staged_head(one, prior_D, config, ridge) for one in own]) for ridge in ridges]
    )


def fit_props(
    train: TrainingSet, reference: LinearRewardModel, config: PropsConfig, rng: np.random.Generator
) -> LinearRewardModel:
    """PROPS: each community alone, from the reference, in stages of people.

    Where every choice is known, this is full fine-tuning.
    """
    heads = props_heads(train, reference, config, [config.ridge])[0]
    return steered(reference, train.communities, heads)


def _staged_head(
    own: TrainingSet, prior_D: FloatArray, config: PropsConfig, ridge: float
) -> FloatArray:
    """The head of one community after its last stage, shape (D,)."""
    stage_N = _stages(own, config.stages)
    tilt_N = _tilt_of_reports(own)
    for stage in range(1, stage_N.max() + 1):
        earlier, now = np.flatnonzero(stage_N < stage), np.flatnonzero(stage_N == stage)
        head_D = _tilted(own, earlier, prior_D, ridge, tilt_N)
        margin_n = own.encoded.take(now).margins(head_D)
        tilt_N[now] = 1 - _belief(margin_n, own.flip_N[now], config)
    return _tilted(own, np.arange(len(tilt_N)), prior_D, ridge, tilt_N)


def _stages(own: TrainingSet, stages: int) -> IntArray:
    """Stage of the person of each pair, shape (N,), by their own places if given.

    Stages without people are left out.
    """
    if own.place_N is None:
        numbers: IntArray = np.unique(own.unit_N, return_inverse=True)[1] % stages
        return numbers
    # A place within its fold, so that the people of every fold are in all stages.
    stage_N = (own.place_N * FOLDS % 1 * stages).astype(np.intp)
    filled: IntArray = np.unique(stage_N, return_inverse=True)[1]
    return filled


def _tilt_of_reports(own: TrainingSet) -> FloatArray:
    """The linear term of reports that no model has judged; see `pluralign.rewards.fit_tilted`."""
    flip_N = own.flip_N
    return np.zeros(len(flip_N)) if own.loss == "plain" else -flip_N / (1 - 2 * flip_N)


def _tilted(
    own: TrainingSet,
    rows: np.ndarray[tuple[int], np.dtype[np.intp]],
    prior_D: FloatArray,
    ridge: float,
    tilt_N: FloatArray,
) -> FloatArray:
    features = own.encoded.features.take(rows)
    head_D: FloatArray = fit_tilted(features, [ridge], prior_D, own.weight_N[rows], tilt_N[rows])[0]
    return head_D


def _belief(margin_N: FloatArray, flip_N: FloatArray, config: PropsConfig) -> FloatArray:
    """Probability that each report is the choice; 0 or 1 with ``likelihood``, shape (N,)."""
    size_N = np.abs(margin_N)
    edges = np.quantile(size_N, np.linspace(0, 1, config.bins + 1)[1:-1])
    bin_N = np.searchsorted(edges, size_N)
    error_N = np.empty(len(margin_N))
    for one in np.unique(bin_N):
        rows = bin_N == one
        error_N[rows] = model_error(margin_N[rows], flip_N[rows])
    odds_N = report_odds(margin_N, flip_N, error_N)
    return (odds_N >= 0).astype(np.float64) if config.combine == "likelihood" else expit(odds_N)
