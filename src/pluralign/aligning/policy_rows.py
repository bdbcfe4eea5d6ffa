"""Tuned policies and palettes on the test prompts: their gain for each community, and cost."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pluralign.aligning.answer_rows import answer_rows
from pluralign.aligning.drafting import BEST, MERGED
from pluralign.aligning.earlier_work import made_for_these_settings
from pluralign.aligning.evaluated_policies import (
    EvaluatedPolicy,
    WritingPolicy,
    evaluated_policies,
)
from pluralign.aligning.gain_measures import GainMeasure
from pluralign.aligning.palettes import PalettePolicy
from pluralign.aligning.result_rows import START_MODEL, MeasuredPolicy, mean_row, share_row
from pluralign.aligning.scoring import (
    ScoredCandidates,
    rows_of_side,
    write_answer_rewards,
)
from pluralign.aligning.steer_matrix import PolicyGains, gain_rows, steer_rows
from pluralign.aligning.work import AlignWork
from pluralign.core import FloatArray, PolicyPrompt, Sampling, rng_for
from pluralign.metrics import sampled_divergence
from pluralign.respondents.append import GrowingFile
from pluralign.runs.folder import read_rows


@dataclass(frozen=True, slots=True)
class PolicyAnswers:
    """Answers of a policy to prompts.

    Attributes:
        prompts: The prompts.
        texts: Their answers, P lists of n.
        tuned_P_n: Log-probabilities of the answers under the policy, in nats, shape (P, n); of
            answers as they were sampled: at that temperature, cut ones without an end.
        start_P_n: The same under the start model.
        steps: Counts of the steps of drafting, for each prompt; empty for other policies.
    """

    prompts: Sequence[PolicyPrompt]
    texts: list[list[str]]
    tuned_P_n: FloatArray
    start_P_n: FloatArray
    steps: Sequence[Mapping[str, int]]


def policy_rows(
    work: AlignWork, scored: ScoredCandidates, measures: Sequence[GainMeasure]
) -> list[dict[str, Any]]:
    """Rows of results of every tuned policy and palette, with intervals over prompts.

    A gain is the mean reward of the policy's answers to a prompt less that of the start model's,
    in spreads of the start model's rewards. That by a judge with refits has an interval over its
    people, too.

    Args:
        work: The run.
        scored: The start model's answers.
        measures: The reward models that measure.
    """
    at = rows_of_side(work, scored, "test")
    prompts = [work.prompts[scored.prompt_P[row]] for row in at]
    before = [[one.text for one in scored.candidates[row]] for row in at]
    written: dict[MeasuredPolicy, list[list[str]]] = {START_MODEL: before}
    gains: list[PolicyGains] = []
    rows: list[dict[str, Any]] = []
    for policy in evaluated_policies(work, scored):
        work.reporter.stage(f"measuring {policy.label}")
        given = answers_of_policy(work, policy, prompts, "evaluate")
        written[policy.measured] = given.texts
        rewards = {one.role: _rewards_now(one, given) for one in measures}
        write_answer_rewards(
            work, policy.label, prompts, {role: own[0] for role, own in rewards.items()}
        )
        for measure in measures:
            gains.append(_gains(measure, at, policy.measured, rewards[measure.role]))
        rows += _divergences(policy.measured, given)
        rows += _words(before, policy.measured, given)
        rows += _drafting(work, policy, given)
    rows += gain_rows(work.communities, gains)
    rows += steer_rows(work.communities, gains)
    return rows + list(answer_rows(work, prompts, written))


def _rewards_now(measure: GainMeasure, given: PolicyAnswers) -> FloatArray:
    """Rewards of a policy's answers by each fit of a reward model, shape (B, P, n, C)."""
    pairs = zip(given.prompts, given.texts, strict=True)
    reward_B_N_C = measure.rewards([(prompt.prompt, text) for prompt, own in pairs for text in own])
    fits, _, communities = reward_B_N_C.shape
    return reward_B_N_C.reshape(fits, len(given.prompts), -1, communities)


def _gains(
    measure: GainMeasure, at: list[int], policy: MeasuredPolicy, reward_B_P_n_C: FloatArray
) -> PolicyGains:
    """The gain of a policy for each community, by each fit of a reward model."""
    before_B_P_C = mean_reward(measure.before_B_P_N_C[:, at])
    gain_B_P_C = (mean_reward(reward_B_P_n_C) - before_B_P_C) / measure.spread_B_C[:, None]
    return PolicyGains(policy, measure.metric, gain_B_P_C, measure.people)


def _divergences(policy: MeasuredPolicy, given: PolicyAnswers) -> Iterator[dict[str, Any]]:
    """The divergence from the start model in nats: mean log-ratio, and the check by ``k3``.

    The check is wide where the policy writes answers that are nearly impossible for the start.
    """
    yield mean_row(policy, "kl", None, (given.tuned_P_n - given.start_P_n).mean(axis=1))
    checked_P_n = sampled_divergence(given.tuned_P_n, given.start_P_n)
    yield mean_row(policy, "kl_k3", None, checked_P_n.mean(axis=1))


def _words(
    before: list[list[str]], policy: MeasuredPolicy, given: PolicyAnswers
) -> Iterator[dict[str, Any]]:
    """Length against the start model's, empty answers, and different answers."""
    ratio_P = [_length(own) / _length(old) for own, old in zip(given.texts, before, strict=True)]
    yield mean_row(policy, "length_ratio", None, np.array(ratio_P))
    yield share_row(policy, "empty", None, np.array([_share_empty(own) for own in given.texts]))
    yield share_row(
        policy, "distinct", None, np.array([len(set(own)) / len(own) for own in given.texts])
    )


def _drafting(
    work: AlignWork, policy: EvaluatedPolicy, given: PolicyAnswers
) -> Iterator[dict[str, Any]]:
    """The share of answers by drafts that are merged ones; the counts of all steps are noted."""
    if not any(given.steps):
        return
    total = Counter[str]()
    for own in given.steps:
        total.update(own)
    counts = "; ".join(f"{n:,} {name}" for name, n in total.items() if n)
    work.reporter.note(f"{policy.label}: {counts}")
    kept_P = [own[MERGED] / (own[MERGED] + own[BEST]) for own in given.steps]
    yield share_row(policy.measured, "merged", None, np.array(kept_P))


def answers_of_policy(
    work: AlignWork, policy: EvaluatedPolicy, prompts: Sequence[PolicyPrompt], stage: str
) -> PolicyAnswers:
    """Answers of a policy with their log-probabilities; existing ones are kept.

    Args:
        work: The run.
        policy: The policy.
        prompts: The prompts.
        stage: The stage in whose folder the answers are kept.
    """
    path = work.stage_folder(stage) / f"{policy.label}.jsonl"
    seed = _seed(work, policy)
    owner = f"{policy.digest} {work.settings.evaluate.n} {seed}"
    file = made_for_these_settings(work, lambda: GrowingFile(path, owner))
    known = {row["prompt"] for row in file.rows()}
    if any(prompt.id not in known for prompt in prompts):
        # The draws depend on the prompts of a batch, so all of them are sampled again after a stop.
        for row in _answered(work, policy.open(), prompts, seed):
            if row["prompt"] not in known:
                file.add(row)
    file.close()
    work.folder.list_files(f"{stage}/{policy.label}.jsonl")
    rows = {row["prompt"]: row for row in read_rows(path)}
    own = [rows[prompt.id] for prompt in prompts]
    return PolicyAnswers(
        prompts,
        [row["texts"] for row in own],
        np.array([row["tuned"] for row in own], dtype=np.float64),
        np.array([row["start"] for row in own], dtype=np.float64),
        [row.get("steps", {}) for row in own],
    )


def _answered(
    work: AlignWork, policy: WritingPolicy, prompts: Sequence[PolicyPrompt], seed: int
) -> Iterator[dict[str, Any]]:
    from pluralign.respondents.local import LocalChatModel

    start = work.open_chat()
    assert isinstance(start, LocalChatModel)
    config, n = work.settings.sample, work.settings.evaluate.n
    how = Sampling(config.temperature, config.top_p, config.max_new_tokens, seed)
    talks = [prompt.conversation for prompt in prompts]
    replies = policy.sample(talks, how, n)
    repeated = [talk for talk in talks for _ in range(n)]
    drawn = [reply for own in replies for reply in own]
    said: dict[str, Any] = {
        "answers": [reply.text for reply in drawn],
        "cut": [reply.finish_reason == "length" for reply in drawn],
        "temperature": config.temperature,
    }
    tuned_P_n = policy.log_probs(repeated, **said).reshape(-1, n)
    start_P_n = start.log_probs(repeated, **said).reshape(-1, n)
    steps: Sequence[Mapping[str, int]] = [{} for _ in prompts]
    if isinstance(policy, PalettePolicy):
        steps = policy.steps
    for p, prompt in enumerate(prompts):
        yield {
            "prompt": prompt.id,
            "texts": [reply.text for reply in replies[p]],
            "tuned": _as_json(tuned_P_n[p]),
            "start": _as_json(start_P_n[p]),
            "steps": steps[p],
        }


def _seed(work: AlignWork, policy: EvaluatedPolicy) -> int:
    """A seed of the policy's own: with one seed for all, equal policies would write equal answers.

    Then two policies would be less apart than two answers of one, and their distance biased.
    """
    return int(rng_for(work.settings.seed, "answers", policy.label).integers(2**31))


def _as_json(value_n: FloatArray) -> list[float | None]:
    return [None if np.isnan(value) else value for value in value_n.tolist()]


def mean_reward(reward_X_N_C: FloatArray) -> FloatArray:
    """Mean over the N answers to each prompt that have a reward, shape (X, C)."""
    known = np.ma.masked_invalid(reward_X_N_C)
    mean_X_C: FloatArray = known.mean(axis=-2).filled(np.nan)
    return mean_X_C


def _length(texts: Sequence[str]) -> float:
    return max(1.0, float(np.mean([len(text) for text in texts])))


def _share_empty(texts: Sequence[str]) -> float:
    return float(np.mean([not text.strip() for text in texts]))
