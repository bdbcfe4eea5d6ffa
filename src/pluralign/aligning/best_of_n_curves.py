"""Best of n on the test prompts: the gain of a choice by a reward, against chance and length."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from pluralign.aligning.answer_rows import ANSWER_METRICS, value_of_answers
from pluralign.aligning.result_rows import MeasuredPolicy, share_change_row, share_row
from pluralign.aligning.scoring import ScoredCandidates, rows_of_side
from pluralign.aligning.steer_matrix import PolicyGains, gain_rows, steer_rows
from pluralign.aligning.work import AlignWork
from pluralign.core import FloatArray
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


def curve_rows(work: AlignWork, scored: ScoredCandidates) -> list[dict[str, Any]]:
    """Rows of results: the gain over chance of every choice, by every reward, for every n.

    A gain is the expected reward of the chosen answer, less the mean reward of all answers to the
    prompt, in spreads of the start model's rewards (`RewardScale`), with an interval over prompts.
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
        for metric, judged_P_N_C, scales in _judges(scored):
            spread_C = np.array([scales[c].spread for c in work.communities])
            value_P_N_C = judged_P_N_C[at_P][kept_P] / spread_C
            gains += _curve(chooser, metric, score_P_N, value_P_N_C)
        for metric in ANSWER_METRICS if chooser.steer is not None else ():
            value_P_N = value_of_answers(metric, texts)[kept_P]
            rows += _answer_curve(chooser, metric, score_P_N, value_P_N)
    rows += gain_rows(work.communities, gains)
    return rows + list(steer_rows(work.communities, gains))


def _judges(scored: ScoredCandidates) -> Iterator[tuple[str, FloatArray, Any]]:
    yield "reward_gain", scored.reward_P_N_C, scored.scales
    if scored.judged_P_N_C is not None:
        yield "judged_gain", scored.judged_P_N_C, scored.judge_scales


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
    chooser: _Chooser, metric: str, score_P_N: FloatArray, value_P_N_C: FloatArray
) -> Iterator[PolicyGains]:
    """The gain over chance for every community, for every n."""
    for candidates in _sizes(score_P_N.shape[1]):
        chosen = [
            best_of_n(score_P_N, value_P_N_C[:, :, c], candidates)
            for c in range(value_P_N_C.shape[2])
        ]
        gain_P_C = np.stack(chosen, axis=1) - value_P_N_C.mean(axis=1)
        yield PolicyGains(chooser.policy(candidates), metric, gain_P_C)


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
