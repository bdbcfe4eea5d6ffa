"""A custom reward function for verl: a response is scored for the community that its row names."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import lru_cache
from math import isnan
from threading import Lock
from typing import Any, Literal

from pluralign.core import InvalidInput, RewardRequest
from pluralign.interop.community_rewards import ScoredOnce
from pluralign.interop.trl_reward import TrlReward
from pluralign.rewards import NO_ANSWER_REWARD, Thoughts, scorable

_MISSING = ("error", "reference")
_opening = Lock()
_scoring = Lock()
_HINT = "store the prompt in extra_info.prompt when you prepare the data: verl does not pass it"


def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: Any = None,
    extra_info: Mapping[str, Any] | None = None,
    *,
    model: str,
    community: str | None = None,
    column: str = "community",
    strength: float = 1.0,
    missing: Literal["error", "reference"] = "error",
    thoughts: Thoughts = "strip",
    no_answer: float = NO_ANSWER_REWARD,
    communities: Sequence[str] | None = None,
    **others: Any,
) -> dict[str, float]:
    """The reward of a response, for verl's ``reward.custom_reward_function``.

    Its ``path`` is ``pkg://pluralign.interop.verl_reward``, its ``name`` is ``compute_score``.

    verl passes no prompt, so ``extra_info`` must contain it, with the community:
    ``{"prompt": "...", "community": "MEX"}``; the prompt is text or a list of messages. The other
    arguments are set once in verl's settings, as ``reward_kwargs``.

    Args:
        data_source: Not read.
        solution_str: The response.
        ground_truth: Not read.
        extra_info: Prompt and community.
        model: Folder of a saved reward model, or the URL of a server that ``pluralign serve`` runs.
            With a server, verl's workers share one model, and their requests are scored together.
        community: One community for all rows.
        column: Key of the community in ``extra_info``.
        strength: Strength of the steer.
        missing: Treatment of a row without a community, or with one that the model lacks: an
            error, or the reward of the reference.
        thoughts: ``strip`` leaves out the thoughts before an answer (``<think>``, ...); ``keep``
            scores them too.
        no_answer: Reward in logits of a response without an answer (empty, or an unfinished
            thought), because verl needs a number for every response.
        communities: Communities that each get a column of their own, in place of ``community``.
            With ``algorithm.adv_estimator=gdpo`` and these columns as its reward keys, verl weighs
            them equally.
        others: Further arguments of verl.

    Returns:
        ``score``, in logits; and, as 0 or 1 for verl's log, ``thought`` (a thought was left out)
        and ``no_answer``. With ``communities``, ``reward_MEX`` and so on, and their mean as
        ``score``.

    Raises:
        InvalidInput: If a row has no prompt or no community, or a setting is not valid.
        UnknownCommunity: If the model lacks the community.
    """
    info = dict(extra_info or {})
    if info.get("prompt") is None:
        raise InvalidInput(
            "extra_info has no prompt", where=f"verl row of {data_source!r:.80}", hint=_HINT
        )
    if missing not in _MISSING:
        raise InvalidInput(
            f"missing is {missing!r}",
            where="reward_kwargs",
            hint=f"use one of {', '.join(_MISSING)}",
        )
    read = scorable(RewardRequest("", solution_str), thoughts)
    noted = {"thought": float(read.thought), "no_answer": float(read.request is None)}
    if communities is not None:
        given = str(model), tuple(communities), thoughts
        return _columns(*given, info["prompt"], solution_str, no_answer) | noted
    with _opening:  # threads that start together load the model once
        reward, scoring = _reward(str(model), community, column, strength, missing, thoughts)
    with scoring:
        (found,) = reward([info["prompt"]], [solution_str], None, **{column: [info.get(column)]})
    score = no_answer if found is None else found
    return {"score": score} | noted


def _columns(
    model: str,
    communities: tuple[str, ...],
    thoughts: Thoughts,
    prompt: Any,
    response: str,
    no_answer: float,
) -> dict[str, float]:
    """The reward of each community, and their mean."""
    with _opening:
        scores = _scores(model, communities, thoughts)
    with _scoring:
        reward_C = scores.rewards([prompt], [response])[0]
    rewards = [no_answer if isnan(value) else float(value) for value in reward_C]
    named = {f"reward_{c}": r for c, r in zip(scores.communities, rewards, strict=True)}
    return {"score": sum(rewards) / len(rewards)} | named


@lru_cache(maxsize=8)
def _scores(model: str, communities: tuple[str, ...], thoughts: Thoughts) -> ScoredOnce:
    return ScoredOnce(model, communities, thoughts)


@lru_cache(maxsize=8)
def _reward(
    model: str,
    community: str | None,
    column: str,
    strength: float,
    missing: Literal["error", "reference"],
    thoughts: Thoughts,
) -> tuple[TrlReward, Any]:
    """The reward function of this process, with a lock if a model of this process scores."""
    reward = TrlReward(
        model,
        community=community,
        column=column,
        strength=strength,
        missing=missing,
        thoughts=thoughts,
    )
    return reward, nullcontext() if reward.remote else Lock()
