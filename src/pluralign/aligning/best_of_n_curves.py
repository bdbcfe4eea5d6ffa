"""Best of n on the test prompts: the gain of a choice by a reward, against chance and length."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pluralign.aligning.answer_rows import ANSWER_METRICS, value_of_answers
from pluralign.aligning.gain_measures import GainMeasure
from pluralign.aligning.result_rows import MeasuredPolicy, share_change_row, share_row
from pluralign.aligning.scoring import ScoredCandidates, rows_of_side
from pluralign.aligning.steer_matrix import PolicyGains, gain_rows, steer_rows
from pluralign.aligning.work import AlignWork
from pluralign.core import FloatArray, IntArray
from pluralign.metrics import best_of_n


@dataclass(frozen=True, slots=True)
class _Chooser:
    """A way to choose among the answers to a prompt.

    Attributes:
        method: Its name in results.
        steer: Community whose reward chooses; None for the baselines.
        score_P_N: Scores.
        independent: Whether the answers were drawn independently.
    """

    method: str
    steer: str | None
    score_P_N: FloatArray
    independent: bool

    def policy(self, candidates: int) -> MeasuredPolicy:
        """The choice among this number of answers, as rows name it."""
        return MeasuredPolicy(self.method, self.steer, candidates, self.independent)


def curve_rows(
    work: AlignWork, scored: ScoredCandidates, measures: Sequence[GainMeasure]
) -> list[dict[str, Any]]:
    """Rows of results: the gain over chance of every choice, by every reward, for every n.

    A gain is the expected reward of the chosen answer, less the mean reward of all answers to the
    prompt, in spreads of the start model's rewards (`RewardScale`), with an
    interval over prompts; that by a judge with refits has one over its people, too.

    Args:
        work: The run.
        scored: The answers.
        measures: The reward models that measure.
    """
    at_P = np.array(rows_of_side(work, scored, "test"))
    texts = [[one.text for one in scored.candidates[row]] for row in at_P]
    # A prompt with an empty answer has no mean to compare with.
    kept_P = ~np.isnan(scored.reward_P_N_C[at_P]).any(axis=(1, 2))
    if not kept_P.any():
        return []
    gains: list[PolicyGains] = []
    rows: list[dict[str, Any]] = []
    for chooser in _choosers(work, scored, at_P):
        score_P_N = chooser.score_P_N[kept_P]
        for measure in measures:
            gains += _curve(chooser, measure, score_P_N, at_P[kept_P])
        for metric in ANSWER_METRICS if chooser.steer is not None else ():
            value_P_N = value_of_answers(metric, texts)[kept_P]
            rows += _answer_curve(chooser, metric, score_P_N, value_P_N)
    rows += gain_rows(work.communities, gains)
    return rows + list(steer_rows(work.communities, gains))


def _choosers(work: AlignWork, scored: ScoredCandidates, at_P: Any) -> Iterator[_Chooser]:
    # Characters, not words: not every script has spaces.
    lengths = [[len(one.text) for one in own] for own in scored.candidates]
    length_P_N = np.array(lengths, dtype=np.float64)[at_P]
    independent = work.settings.sample.kind == "temperature"
    for column, community in enumerate(work.communities):
        reward_P_N = scored.reward_P_N_C[at_P][:, :, column]
        yield _Chooser("best-of-n", community, reward_P_N, independent)
    yield _Chooser("longest", None, length_P_N, independent)
    yield _Chooser("shortest", None, -length_P_N, independent)


def _curve(
    chooser: _Chooser, measure: GainMeasure, score_P_N: FloatArray, at_P: IntArray
) -> Iterator[PolicyGains]:
    """The gain over chance for every community, for every n.

    Args:
        chooser: The way to choose.
        measure: The reward model that measures.
        score_P_N: Scores by which the answers to P prompts are chosen.
        at_P: Rows of these prompts among those that were scored.
    """
    value_B_P_N_C = measure.before_B_P_N_C[:, at_P] / measure.spread_B_C[:, None, None]
    fits, prompts, _, communities = value_B_P_N_C.shape
    for candidates in _sizes(score_P_N.shape[1]):
        chosen_B_P_C = np.empty((fits, prompts, communities))
        for b, c in np.ndindex(fits, communities):
            chosen_B_P_C[b, :, c] = best_of_n(score_P_N, value_B_P_N_C[b, :, :, c], candidates)
        gain_B_P_C = chosen_B_P_C - value_B_P_N_C.mean(axis=2)
        policy = chooser.policy(candidates)
        yield PolicyGains(policy, measure.metric, gain_B_P_C, measure.people)


def _answer_curve(
    chooser: _Chooser, metric: str, score_P_N: FloatArray, value_P_N: FloatArray
) -> Iterator[dict[str, Any]]:
    """The expected share of the chosen answer, for every n; prompts need all values."""
    known_P = ~np.isnan(value_P_N).any(axis=1)
    score_P_N, value_P_N = score_P_N[known_P], value_P_N[known_P]
    if not len(score_P_N):
        return
    for candidates in _sizes(score_P_N.shape[1]):
        policy = chooser.policy(candidates)
        now_P = np.clip(best_of_n(score_P_N, value_P_N, candidates), 0.0, 1.0)
        yield share_row(policy, metric, None, now_P)
        yield share_change_row(policy, f"{metric}_change", value_P_N.mean(axis=1), now_P)


def _sizes(n: int) -> list[int]:
    """2, 4, 8, ... up to all.

    >>> _sizes(8), _sizes(6)
    ([2, 4, 8], [2, 4, 6])
    """
    sizes = [2**k for k in range(1, n.bit_length()) if 2**k < n]
    return [*sizes, n]
