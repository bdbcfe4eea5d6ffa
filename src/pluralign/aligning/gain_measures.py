"""The reward models that measure gains: the one that is followed, and the judge with its refits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from pluralign.aligning.align_record import raters_behind
from pluralign.aligning.people_intervals import PeopleBehind, show_people
from pluralign.aligning.rewarding import Answers, rewards_for_all
from pluralign.aligning.scoring import ScoredCandidates, rewards_of
from pluralign.aligning.work import AlignWork
from pluralign.core import FloatArray, SteerableRewardModel
from pluralign.metrics import RewardScale
from pluralign.runs.policy_rows import JUDGED_GAIN, PROXY_GAIN

Role = Literal["model", "judge"]


@dataclass(frozen=True, slots=True)
class GainMeasure:
    """A reward model that measures, with its refits.

    Attributes:
        role: The reward model.
        people: The people behind it.
        fits: Score answers by each of B fits, the reward model itself first: rewards in logits,
            shape (N, C); nan without an answer, and where a refit has no such community.
        before_B_P_N_C: Rewards of the start model's answers to the scored prompts by each fit.
        spread_B_C: Spread of each fit's own rewards of the validation answers, in logits. A refit's
            gain is in its own spreads, as in a run whose judge it is: rewards of a fit have no
            scale in common with those of another one.
    """

    role: Role
    people: PeopleBehind
    fits: Sequence[Callable[[Answers], FloatArray]]
    before_B_P_N_C: FloatArray
    spread_B_C: FloatArray

    @property
    def metric(self) -> str:
        """Name of the gain that it measures."""
        return PROXY_GAIN if self.role == "model" else JUDGED_GAIN

    def rewards(self, answers: Answers) -> FloatArray:
        """Rewards of answers by each fit in logits, shape (B, N, C)."""
        return np.stack([score(answers) for score in self.fits])


def gain_measures(work: AlignWork, scored: ScoredCandidates) -> list[GainMeasure]:
    """The reward model that is followed, and the judge with its refits where there is one."""
    followed = _measure(work, scored, "model", scored.reward_P_N_C)
    if scored.judged_P_N_C is None:
        return [followed]
    return [followed, _measure(work, scored, "judge", scored.judged_P_N_C)]


def _measure(
    work: AlignWork, scored: ScoredCandidates, role: Role, own_P_N_C: FloatArray
) -> GainMeasure:
    where = str(getattr(work.settings.reward, role))
    refits = work.rewards.judge_refits if role == "judge" else None
    fits: list[Callable[[Answers], FloatArray]] = [partial(rewards_of, work, role)]
    held_out = 0.0
    if refits is not None and show_people(refits):
        held_out = refits.held_out
        others = refits.models[1:]
        fits += [partial(_rewards_of_refit, model, work.communities, where) for model in others]
    pairs = zip(scored.prompt_P, scored.candidates, strict=True)
    answers = [(work.prompts[p].prompt, one.text) for p, own in pairs for one in own]
    # The first fit's rewards are in the run's files.
    before = [own_P_N_C, *(score(answers).reshape(own_P_N_C.shape) for score in fits[1:])]
    validation = set(work.of_side("validation"))
    frozen_P = np.array([p in validation for p in scored.prompt_P])
    spread_B_C = np.array([_spreads(reward_P_N_C[frozen_P]) for reward_P_N_C in before])
    people = PeopleBehind(raters_behind(where), held_out)
    return GainMeasure(role, people, fits, np.stack(before), spread_B_C)


def _rewards_of_refit(
    model: SteerableRewardModel, communities: Sequence[str], where: str, answers: Answers
) -> FloatArray:
    """Rewards of a refit in logits, shape (N, C); nan for a community that it lacks."""
    columns = [c for c, community in enumerate(communities) if community in model.communities]
    reward_N_C = np.full((len(answers), len(communities)), np.nan)
    known = [communities[c] for c in columns]
    reward_N_C[:, columns] = rewards_for_all(model, known, answers, f"a refit of {where}")
    return reward_N_C


def _spreads(reward_P_N_C: FloatArray) -> list[float]:
    """Spread of each community's rewards; nan where they have none."""
    return [_spread(reward_P_N_C[:, :, c].ravel()) for c in range(reward_P_N_C.shape[2])]


def _spread(reward_M: FloatArray) -> float:
    try:
        return RewardScale.of(reward_M[~np.isnan(reward_M)]).spread
    except ValueError:
        return float("nan")
