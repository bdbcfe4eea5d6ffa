"""Change of the head of a community by a few of its choices, and how far to trust the result."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pluralign.core import Estimate, FloatArray, IntArray, PreferencePair
from pluralign.evaluation import TestPairs
from pluralign.metrics import group_means
from pluralign.rewards import (
    EncodedPairs,
    HeadPrior,
    LinearRewardModel,
    encode_choices,
    fading_knowing,
    heads_made,
    people_of,
)

_FOLDS = 10
_NEW = "~new"
_NO_DISTANCE = 1e-3
"""Part of the length of the prior's head; shorter distances from it are rounding errors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptedChoice:
    """One of the choices, and its margin: reward of the chosen response minus the rejected one's.

    Attributes:
        pair: The choice.
        before: Margin under the prior's head, which has seen none of the choices, in logits.
        after: Margin under the adapted head, in logits.
        low: Lower end of the 95 % interval of ``after``: how far heads that are likely given the
            choices differ in it, of each scale of the prior that is (Laplace).
        high: Its upper end.
    """

    pair: PreferencePair
    before: float
    after: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Adaptation:
    """The change by choices.

    Attributes:
        choices: Each choice, in an order that does not depend on the given one.
        people: Number of people behind them; None where one has no rater.
        before: Share of the choices that the prior's head predicts, in [0, 1], with an interval
            over the people; None without choices. Of reported choices it is corrected for the
            flips, and may then lie outside.
        held_out: The same share under heads that were each adapted without the choices of a part of
            the people (or stems): as good as the head is expected to be for others of the
            community. None with fewer than two people.
        moved: Distance of the head from the prior's, as a multiple of the median distance of the
            trained communities' heads; None where the model has no trained head, or where its heads
            are the prior's.
        shift: Mean absolute change of the margins of the choices, in logits.
    """

    choices: tuple[AdaptedChoice, ...]
    people: int | None
    before: Estimate | None
    held_out: Estimate | None
    moved: float | None
    shift: float


def measure_adaptation(model: LinearRewardModel, choices: Sequence[PreferencePair]) -> Adaptation:
    """Compare the head that choices lead to with the head of the prior.

    Args:
        model: A model with a prior; see `LinearRewardModel.adapt`.
        choices: Choices of one community, any number of them.
    """
    prior = model.prior
    assert prior is not None
    encoded = encode_choices(model.trunk, choices)
    given, nothing = prior.given(encoded), encoded.take(np.arange(0))
    head_D = given.head_D
    before_N, _ = _scored(model, prior.mean_D, nothing, encoded)
    after_N, strength_N = _scored(model, head_D, encoded, encoded)
    low_N, high_N = (
        after_N + strength_N * (end_N - encoded.margins(head_D))
        for end_N in prior.interval(encoded, given)
    )
    rows = zip(encoded.pairs, before_N, after_N, low_N, high_N, strict=True)
    return Adaptation(
        choices=tuple(
            AdaptedChoice(pair=pair, before=float(b), after=float(a), low=float(lo), high=float(hi))
            for pair, b, a, lo, hi in rows
        ),
        people=people_of(choices),
        before=_agreement(encoded, before_N),
        held_out=_agreement(encoded, _held_out(model, prior, encoded)),
        moved=_moved(model, prior, head_D),
        shift=float(np.abs(after_N - before_N).mean()) if len(encoded) else 0.0,
    )


def _scored(
    model: LinearRewardModel, head_D: FloatArray, known: EncodedPairs, asked: EncodedPairs
) -> tuple[FloatArray, FloatArray]:
    """Margins of choices as a model scores them with a head that other choices lead to.

    Args:
        model: The model.
        head_D: The head, shape (D,).
        known: The choices that lead to it.
        asked: The N choices to score.

    Returns:
        Margins in logits, shape (N,); and how strongly each prompt is steered, in [0, 1], shape
        (N,): 1 unless steering fades on prompts that are unlike those asked.
    """
    margin_N, strength_N = asked.margins(head_D), np.ones(len(asked))
    fading, prompts = fading_knowing(model.fading, known, _NEW), asked.features.prompts()
    if fading is None or prompts is None:
        return margin_N, strength_N
    vector_P_d, prompt_N = prompts
    strength_N = fading.strengths(vector_P_d, [_NEW])[prompt_N, 0]
    reference_N = asked.margins(model.reference_D)
    return reference_N + strength_N * (margin_N - reference_N), strength_N


def _held_out(model: LinearRewardModel, prior: HeadPrior, encoded: EncodedPairs) -> FloatArray:
    """Margins under heads that have not seen the person (or stem) of a choice, shape (N,)."""
    unit_N = [pair.rater or f"stem:{pair.stem}" for pair in encoded.pairs]
    units, code_N = np.unique(unit_N, return_inverse=True)
    margin_N = np.full(len(encoded), np.nan)
    if len(units) < 2:
        return margin_N
    fold_N: IntArray = code_N % _FOLDS
    for fold in np.unique(fold_N):
        rows, known = np.flatnonzero(fold_N == fold), encoded.take(np.flatnonzero(fold_N != fold))
        margin_N[rows], _ = _scored(model, prior.head(known), known, encoded.take(rows))
    return margin_N


def _agreement(encoded: EncodedPairs, margin_N: FloatArray) -> Estimate | None:
    """Share of the choices that a head predicts, corrected for reports; None where not known."""
    if not len(encoded) or np.isnan(margin_N).any():
        return None
    judged = TestPairs.of(encoded.pairs, margin_N)
    together = np.zeros(len(encoded), dtype=np.int64)
    credit_N = judged.credit(margin_N)
    means = group_means(credit_N[:, None], together, judged.clusters(), bounds=(0.0, 1.0))
    return means.estimate(0)


def _moved(model: LinearRewardModel, prior: HeadPrior, head_D: FloatArray) -> float | None:
    made = heads_made(model.about)
    trained = [row for c, row in enumerate(model.heads()) if model.communities[c] not in made]
    if not trained:
        return None
    typical = float(np.median(np.linalg.norm(np.stack(trained) - prior.mean_D, axis=1)))
    if typical <= _NO_DISTANCE * float(np.linalg.norm(prior.mean_D)):
        return None
    return float(np.linalg.norm(head_D - prior.mean_D)) / typical
