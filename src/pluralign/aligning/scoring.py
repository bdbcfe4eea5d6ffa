"""The second stage: every answer under every community, by the reward model and by the judge."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from pluralign.aligning.rewarding import rewards_for_all
from pluralign.aligning.sampling import candidates_of
from pluralign.aligning.work import AlignWork, Side
from pluralign.core import (
    CandidateAnswer,
    FloatArray,
    NotEnoughData,
    PolicyPrompt,
    Prompt,
    SteerableRewardModel,
)
from pluralign.metrics import RewardScale
from pluralign.runs.folder import read_rows

_FILE = "score/rewards.jsonl"
_REWARD, _JUDGED = "reward", "judged"


@dataclass(frozen=True, slots=True)
class ScoredCandidates:
    """The answers to the prompts that have all of them, and their rewards.

    Attributes:
        prompt_P: Numbers of the prompts.
        candidates: The answers, P lists of N.
        reward_P_N_C: Rewards in logits, communities as in the run; nan without an answer.
        judged_P_N_C: Rewards by the judge; None where there is none.
        scales: Community -> the scale of its rewards on the validation prompts.
        judge_scales: The same of the judge; empty where there is none.
    """

    prompt_P: Sequence[int]
    candidates: Sequence[Sequence[CandidateAnswer]]
    reward_P_N_C: FloatArray
    judged_P_N_C: FloatArray | None
    scales: dict[str, RewardScale]
    judge_scales: dict[str, RewardScale]


def score_candidates(work: AlignWork) -> dict[str, Any]:
    """Score all answers under all communities at once; empty ones have no reward."""
    found = candidates_of(work)
    pairs = [(work.prompts[p], one) for p, own in enumerate(found) for one in own]
    answers = [(prompt.prompt, one.text) for prompt, one in pairs]
    reward_N_C = rewards_of(work, "model", answers)
    judged_N_C = rewards_of(work, "judge", answers) if work.rewards.judge is not None else None
    rows = []
    for i, (prompt, one) in enumerate(pairs):
        row = {"prompt": prompt.id, "number": one.number, _REWARD: _row(work, reward_N_C[i])}
        rows.append(row | ({} if judged_N_C is None else {_JUDGED: _row(work, judged_N_C[i])}))
    work.folder.write_rows(_FILE, rows)
    scored = scored_candidates(work)
    _check_best_of_n(work, scored)
    return {
        "answers": len(pairs),
        "without a reward: empty, or a thought that never ends": int(
            np.isnan(reward_N_C).all(axis=1).sum()
        ),
        "prompts left out: an answer is missing": len(found) - len(scored.prompt_P),
        "prompts left out of best of n: an answer has no reward": int(
            np.isnan(scored.reward_P_N_C).any(axis=(1, 2)).sum()
        ),
        "judge": work.settings.reward.judge,
        "scale": _told_scales(scored.scales),
        "scale of the judge": _told_scales(scored.judge_scales),
    }


def write_answer_rewards(
    work: AlignWork,
    label: str,
    prompts: Sequence[PolicyPrompt],
    rewards: Mapping[str, FloatArray],
) -> None:
    """Write the rewards of a policy's answers, for audits and further readers.

    Args:
        work: The run.
        label: Name of the policy, such as ``raft/MEX``.
        prompts: P prompts.
        rewards: Rewards of ``model``, and of ``judge`` where there is one, in logits, shape
            (P, n, C).
    """
    columns = {"model": _REWARD, "judge": _JUDGED}
    rows = []
    for p, prompt in enumerate(prompts):
        for number in range(rewards["model"].shape[1]):
            own = {columns[r]: _row(work, values[p, number]) for r, values in rewards.items()}
            rows.append({"prompt": prompt.id, "number": number} | own)
    work.folder.write_rows(f"evaluate/{label}.rewards.jsonl", rows)


def write_test_prompts(work: AlignWork, scored: ScoredCandidates) -> None:
    """Write the prompts on which policies are measured."""
    rows = []
    for row in rows_of_side(work, scored, "test"):
        one = work.prompts[scored.prompt_P[row]]
        rows.append({"prompt": one.id, "community": one.community, "language": one.language})
    work.folder.write_rows("evaluate/prompts.jsonl", rows)


def scored_candidates(work: AlignWork) -> ScoredCandidates:
    """The scored answers of a run whose scores are written."""
    found = candidates_of(work)
    by_answer = {(row["prompt"], row["number"]): row for row in read_rows(work.folder.path / _FILE)}
    kept = [p for p, own in enumerate(found) if own]
    rows = [by_answer[one.prompt, one.number] for p in kept for one in found[p]]
    shape = (len(kept), work.settings.sample.n, len(work.communities))
    reward_P_N_C = _values(work, rows, _REWARD).reshape(shape)
    judged = bool(rows) and _JUDGED in rows[0]
    judged_P_N_C = _values(work, rows, _JUDGED).reshape(shape) if judged else None
    validation = set(work.of_side("validation"))
    chosen_P = np.array([p in validation for p in kept])
    return ScoredCandidates(
        kept,
        [found[p] for p in kept],
        reward_P_N_C,
        judged_P_N_C,
        _scales(work, reward_P_N_C, chosen_P),
        {} if judged_P_N_C is None else _scales(work, judged_P_N_C, chosen_P),
    )


def _check_best_of_n(work: AlignWork, scored: ScoredCandidates) -> None:
    """Refuse best of n where no test prompt has a reward for each of its answers."""
    if "best-of-n" not in work.settings.methods:
        return
    at = rows_of_side(work, scored, "test")
    if np.isnan(scored.reward_P_N_C[at]).any(axis=(1, 2)).all():
        raise NotEnoughData(
            f"each of the {len(at)} test prompts has an empty answer, so none has a best of n",
            where="score",
            hint="raise sample.max_new_tokens if thoughts were cut, lower sample.n, or leave "
            "best-of-n out of methods",
        )


def rows_of_side(work: AlignWork, scored: ScoredCandidates, side: Side) -> list[int]:
    """Numbers of the scored prompts of a side.

    Raises:
        NotEnoughData: If there are fewer than two.
    """
    own = set(work.of_side(side))
    rows = [row for row, prompt in enumerate(scored.prompt_P) if prompt in own]
    if len(rows) < 2:
        raise NotEnoughData(
            f"at least two {side} prompts with answers are needed, got {len(rows)}",
            where="prompts",
            hint="give more prompts, or other shares: prompts.test, prompts.validation",
        )
    return rows


def rewards_of(
    work: AlignWork, role: Literal["model", "judge"], answers: Sequence[tuple[Prompt, str]]
) -> FloatArray:
    """Rewards of answers for every community of a run, by the reward model or by the judge.

    Args:
        work: The run.
        role: The one that scores.
        answers: Prompts and answers.

    Returns:
        Rewards in logits, shape (N, C); nan for an answer without words.

    Raises:
        InvalidInput: If a reward is not a finite number.
    """
    model: SteerableRewardModel | None = getattr(work.rewards, role)
    assert model is not None
    where = f"reward.{role}: {getattr(work.settings.reward, role)}"
    return rewards_for_all(model, work.communities, answers, where)


def _scales(work: AlignWork, reward_P_N_C: FloatArray, chosen_P: Any) -> dict[str, RewardScale]:
    found = {}
    for column, community in enumerate(work.communities):
        reward_M = reward_P_N_C[chosen_P, :, column].ravel()
        try:
            found[community] = RewardScale.of(reward_M[~np.isnan(reward_M)])
        except ValueError as error:
            raise NotEnoughData(
                f"the validation prompts give no scale to the rewards of {community}: {error}",
                where="prompts.validation",
                hint="give more prompts, or raise prompts.validation or sample.n",
            ) from None
    return found


def _told_scales(scales: Mapping[str, RewardScale]) -> dict[str, dict[str, float]]:
    return {
        community: {
            "median": float(f"{scale.median:.6g}"),
            "spread": float(f"{scale.spread:.6g}"),
        }
        for community, scale in scales.items()
    }


def _row(work: AlignWork, reward_C: FloatArray) -> dict[str, float | None]:
    pairs = zip(work.communities, reward_C.tolist(), strict=True)
    return {c: None if np.isnan(value) else value for c, value in pairs}


def _values(work: AlignWork, rows: Sequence[dict[str, Any]], column: str) -> FloatArray:
    values = [[row[column][c] for c in work.communities] for row in rows]
    return np.array(values, dtype=np.float64)
