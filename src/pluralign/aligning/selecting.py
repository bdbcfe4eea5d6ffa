"""The third stage: for each policy, the answers to the training prompts that it learns from."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from pluralign.aligning.result_rows import MeasuredPolicy
from pluralign.aligning.scoring import ScoredCandidates, rows_of_side, scored_candidates
from pluralign.aligning.work import AlignWork
from pluralign.core import FloatArray, NotEnoughData
from pluralign.methods.policies import (
    OFFLINE,
    TUNED,
    Lesson,
    SelectConfig,
    TunedMethod,
    best_and_worst,
    top_share,
)
from pluralign.metrics import normalise_then_sum, proportional_in_groups, worst_off
from pluralign.runs.folder import read_rows
from pluralign.runs.policy_rows import JOINT, policy_file


@dataclass(frozen=True, slots=True)
class PolicyName:
    """A policy that is tuned.

    Attributes:
        method: How it learns.
        community: Id of its community; None for a joint policy.
    """

    method: TunedMethod
    community: str | None

    @property
    def label(self) -> str:
        """Name of its folder and file, without a suffix."""
        return policy_file(self.method, self.community or JOINT)

    @property
    def measured(self) -> MeasuredPolicy:
        """The policy, as rows of results name it."""
        return MeasuredPolicy(self.method, self.community or JOINT)


def policy_names(work: AlignWork) -> Iterator[PolicyName]:
    """The policies that the settings ask for."""
    for method in TUNED:
        if method in work.settings.methods:
            if "specific" in work.settings.tune.kinds:
                yield from (PolicyName(method, c) for c in work.communities)
            if "joint" in work.settings.tune.kinds:
                yield PolicyName(method, None)


def select_answers(work: AlignWork) -> dict[str, Any]:
    """Write the answers that each policy learns from; count the prompts without any, by reason.

    Policies that sample while they learn need none: they get all training prompts.
    """
    scored = scored_candidates(work)
    selected: dict[str, Any] = {}
    for name in policy_names(work):
        if name.method not in OFFLINE:
            selected[name.label] = {"prompts": len(rows_of_side(work, scored, "train"))}
            continue
        rows, without = _selected(work, scored, name)
        if not rows:
            reasons = "; ".join(f"{n:,} prompts: {reason}" for reason, n in without.items())
            raise NotEnoughData(
                f"no answer can be selected for {name.label}",
                where="select",
                hint=f"{reasons}. Lower select.gap, raise select.length_ratio or sample.n",
            )
        work.folder.write_rows(f"select/{name.label}.jsonl", rows)
        selected[name.label] = {"rows": len(rows)} | dict(without)
    return {"selected": selected}


def lessons_of(work: AlignWork, name: PolicyName) -> list[Lesson]:
    """The lessons of a policy, as they were selected."""
    by_id = {prompt.id: prompt for prompt in work.prompts}
    rows = read_rows(work.stage_folder("select") / f"{name.label}.jsonl")
    return [
        Lesson(by_id[r["prompt"]].conversation, r["chosen"], r.get("rejected", "")) for r in rows
    ]


def _selected(
    work: AlignWork, scored: ScoredCandidates, name: PolicyName
) -> tuple[list[dict[str, Any]], Counter[str]]:
    """The rows that a policy learns from; and reasons -> numbers of prompts without any."""
    at = rows_of_side(work, scored, "train")
    answers = _Answers(
        [work.prompts[scored.prompt_P[row]].id for row in at],
        [[one.text for one in scored.candidates[row]] for row in at],
        reward_of(work, scored, name.community)[at],
    )
    if name.method == "raft":
        return _best(answers, work.settings.select)
    return _best_against_worst(answers, work.settings.select)


@dataclass(frozen=True, slots=True)
class _Answers:
    """Answers to the training prompts, and the reward that a policy follows."""

    ids: list[str]
    texts: list[list[str]]
    reward_P_N: FloatArray


def _best(answers: _Answers, config: SelectConfig) -> tuple[list[dict[str, Any]], Counter[str]]:
    kept_P_N = top_share(answers.reward_P_N, config.share)
    rows = [
        {
            "prompt": answers.ids[p],
            "chosen": answers.texts[p][k],
            "reward": float(answers.reward_P_N[p, k]),
        }
        for p, k in np.argwhere(kept_P_N)
    ]
    nothing = int((~kept_P_N.any(axis=1)).sum())
    return rows, Counter({"no answer": nothing} if nothing else {})


def _best_against_worst(
    answers: _Answers, config: SelectConfig
) -> tuple[list[dict[str, Any]], Counter[str]]:
    lengths = [[max(1, len(text)) for text in own] for own in answers.texts]
    length_P_N = np.array(lengths, dtype=np.float64).reshape(answers.reward_P_N.shape)
    picked = best_and_worst(answers.reward_P_N, length_P_N, config.gap, config.length_ratio)
    rows = []
    for p, chosen, rejected in picked.pair_K_3:
        reward_N, own = answers.reward_P_N[p], answers.texts[p]
        rows.append(
            {
                "prompt": answers.ids[p],
                "chosen": own[chosen],
                "rejected": own[rejected],
                "margin": float(reward_N[chosen] - reward_N[rejected]),
            }
        )
    return rows, Counter(picked.without)


def reward_of(work: AlignWork, scored: ScoredCandidates, community: str | None) -> FloatArray:
    """The reward that a policy follows, in spreads, shape (P, N); nan without an answer."""
    if community is not None:
        column = work.communities.index(community)
        return scored.reward_P_N_C[:, :, column] / scored.scales[community].spread
    if work.settings.select.aggregate == "worst-off":
        columns = [
            (scored.reward_P_N_C[:, :, k] - scored.scales[c].median) / scored.scales[c].spread
            for k, c in enumerate(work.communities)
        ]
        return worst_off(np.stack(columns, axis=2))
    if work.settings.select.aggregate == "proportional":
        return _proportional(scored.reward_P_N_C)
    return normalise_then_sum(scored.reward_P_N_C)


def _proportional(reward_P_N_C: FloatArray) -> FloatArray:
    """Log-probability of each answer, less that of equal chances, with equal shares of people."""
    prompts, n, communities = reward_P_N_C.shape
    of_answer = np.repeat(np.arange(prompts), n).tolist()
    share_C = np.full(communities, 1 / communities)
    flat_M_C = reward_P_N_C.reshape(-1, communities)
    chance_P_N = proportional_in_groups(of_answer, flat_M_C, share_C).reshape(prompts, n)
    relative_P_N: FloatArray = np.log(n * np.maximum(chance_P_N, np.finfo(float).tiny))
    return relative_P_N
