"""A reward function for TRL's trainers: each row is scored for the community that it names."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from pluralign.core import (
    WORLD,
    InvalidInput,
    RewardRequest,
    Steer,
    SteerableRewardModel,
    UnknownCommunity,
    is_missing,
    resolve_community,
    steer_to,
)
from pluralign.encoders import RecentVectors
from pluralign.interop.completions import request_of
from pluralign.models import open_model, open_reward_model
from pluralign.rewards import (
    LinearRewardModel,
    Scorable,
    Thoughts,
    read_thoughts,
    scorable,
    unanswered,
)

Missing = Literal["error", "reference", "skip"]
_MISSING: tuple[Missing, ...] = ("error", "reference", "skip")
_REFERENCE = "reference"
_MOST_BYTES = 50_000_000
_URL = ("http://", "https://")
_HINT = 'give each row a community, or choose missing="reference" or missing="skip"'
_Group = tuple[str, Steer | None]


class TrlReward:
    """A reward function for `trl.GRPOTrainer` and similar trainers, with a steerable reward model.

    With neither ``community`` nor ``steer``, a column of the data set has the community of each
    prompt. TRL normalises rewards within the completions of one prompt, so communities need not
    have a common scale.

    The thoughts of a reasoning model before its answer (``<think>``, ...) are left out, in earlier
    turns too. A completion without an answer, because it is empty or an unfinished thought, gets
    ``no_answer``.

    Each distinct prompt and completion is scored once in a call under each steer that asks for it.
    Where the trainer offers ``log_metric``, it gets the mean reward of each community as
    ``rewards/{name}/{community}``, and the number of rows without a reward as
    ``rewards/{name}/skipped``, of rows whose thoughts were left out as ``rewards/{name}/thoughts``,
    and of rows without an answer as ``rewards/{name}/no_answer``. Of a linear model whose steering
    fades, ``rewards/{name}/strength/{community}`` is the mean strength on the prompts of the rows:
    near 0, rewards are those of the reference.

    Args:
        model: A steerable reward model; or the folder of a saved one, which is loaded at the first
            reward, so that a copy sent to another process contains the folder's name and not the
            weights; or the URL of a server that ``pluralign serve`` runs, whose token is the
            environment variable ``PLURALIGN_TOKEN``.
        community: One community for all rows, by id or name.
        steer: A blend for all rows, in place of ``community``.
        column: The column of the data set with the community.
        missing: Treatment of a row without a community, or with one that the model lacks: ``error``
            stops; ``reference`` scores it by the reference; ``skip`` gives None, and TRL leaves the
            completion out.
        strength: Strength of the steer to a community; a ``steer`` has its own.
        thoughts: ``strip`` leaves out the thoughts before an answer; ``keep`` scores them with the
            answer.
        no_answer: Reward of a completion without an answer, in logits; with None, TRL leaves the
            completion out.

    Attributes:
        __name__: Name in TRL's logs; may be set.

    Raises:
        InvalidInput: If both ``community`` and ``steer`` are given, ``missing`` is not one of the
            three, or the folder has no model.
        UnknownCommunity: If the model has no such community.

    >>> from pluralign.simulation import PlantedReward, default_society
    >>> reward = TrlReward(PlantedReward(default_society(0)), missing="skip")
    >>> texts, communities = ["My family.", "Money."], ["~hill", None]
    >>> found = reward(prompts=["Hi"] * 2, completions=texts, community=communities)
    >>> [value if value is None else type(value) for value in found]
    [<class 'float'>, None]
    """

    __name__: str

    def __init__(
        self,
        model: SteerableRewardModel | Path | str,
        community: str | None = None,
        steer: Steer | None = None,
        column: str = "community",
        missing: Missing = "error",
        strength: float = 1.0,
        thoughts: Thoughts = "strip",
        no_answer: float | None = None,
    ) -> None:
        if community is not None and steer is not None:
            raise InvalidInput(
                "both community and steer are given", where="TrlReward", hint="give one of them"
            )
        if steer is not None and strength != 1.0:
            raise InvalidInput(
                "a steer has its own strength",
                where="TrlReward: strength",
                hint="set it in the steer",
            )
        if missing not in _MISSING:
            raise InvalidInput(
                f"missing is {missing!r}",
                where="TrlReward",
                hint=f"use one of {', '.join(_MISSING)}",
            )
        if isinstance(model, str) and model.startswith(_URL):
            model = opened_model(model)
        self._folder = Path(model) if isinstance(model, str | Path) else None
        self._model = None if isinstance(model, str | Path) else model
        self._community, self._steer = community, steer
        self._column, self._missing, self._strength = column, missing, strength
        self._thoughts, self._no_answer = (
            read_thoughts(thoughts, where="TrlReward: thoughts"),
            no_answer,
        )
        communities = communities_of(model)
        self.__name__ = (
            "pluralign" if community is None else f"pluralign_{_called(communities, community)}"
        )
        for label in (
            [community] if community is not None else steer.shares if steer is not None else []
        ):
            steer_to(communities, label, where="TrlReward")

    @property
    def remote(self) -> bool:
        """Whether a server scores."""
        from pluralign.rewards.remote import RemoteRewardModel

        return isinstance(self._model, RemoteRewardModel)

    @property
    def model(self) -> SteerableRewardModel:
        """The reward model, loaded from its folder if necessary."""
        if self._model is None:
            assert self._folder is not None
            self._model = opened_model(self._folder)
        return self._model

    def __call__(
        self,
        prompts: Sequence[Any],
        completions: Sequence[Any],
        completion_ids: Sequence[Sequence[int]] | None = None,
        **columns: Any,
    ) -> list[float | None]:
        """Rewards of completions.

        Args:
            prompts: Texts, or lists of messages, one for each completion.
            completions: Texts, or lists of messages; of several messages the last is scored as the
                response to the earlier ones.
            completion_ids: Not read.
            columns: The other columns of the data set, each aligned with ``completions``, and
                TRL's further arguments.

        Returns:
            A reward in logits for each completion; None if ``missing`` is ``skip`` and there is no
            known community, or if the answer is missing and ``no_answer`` is None.

        Raises:
            InvalidInput: If columns differ in length, a message cannot be read, or a row names no
                community.
            UnknownCommunity: If a row names a community that the model does not have.
        """
        if len(prompts) != len(completions):
            raise InvalidInput(
                f"{len(prompts)} prompts and {len(completions)} completions", where=self.__name__
            )
        read_N = [
            scorable(request_of(p, c), self._thoughts)
            for p, c in zip(prompts, completions, strict=True)
        ]
        groups = self._groups(len(read_N), columns)
        rewards = self._scored([one.request for one in read_N], groups)
        if callable(log := columns.get("log_metric")):
            self._log(log, groups, rewards)
            self._log_answers(log, read_N)
            self._log_strengths(log, [one.request for one in read_N], groups)
        return rewards

    def __getstate__(self) -> dict[str, Any]:
        """The state for a copy in another process, with shares of a steer as plain numbers."""
        state = dict(self.__dict__)
        if self._folder is not None:
            state["_model"] = None
        if self._steer is not None:
            state["_steer"] = (dict(self._steer.shares), self._steer.strength)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the copy."""
        self.__dict__.update(state)
        if state["_steer"] is not None:
            self._steer = Steer(*state["_steer"])

    def _groups(self, n: int, columns: Mapping[str, Any]) -> list[_Group | None]:
        """Name and steer for each row; None for a row without a reward."""
        if self._steer is not None:
            return [("blend", self._steer)] * n
        if self._community is not None:
            return [_group(self.model, self._community, self._strength)] * n
        labels = columns.get(self._column)
        if labels is None:
            return [
                self._fallback(
                    InvalidInput(
                        f"no column {self._column!r}", where=self._found(columns), hint=_HINT
                    )
                )
            ] * n
        if isinstance(labels, np.ndarray):
            labels = labels.tolist()
        if isinstance(labels, str) or not isinstance(labels, Sequence) or len(labels) != n:
            raise InvalidInput(
                f"column {self._column!r} does not have {n} values", where=self.__name__
            )
        known: dict[str, _Group | None] = {}
        return [self._group_of(label, known) for label in labels]

    def _group_of(self, label: object, known: dict[str, _Group | None]) -> _Group | None:
        where = f"{self.__name__}: column {self._column!r}"
        if not isinstance(label, str) or is_missing(label):
            return self._fallback(InvalidInput("a row names no community", where=where, hint=_HINT))
        if label not in known:
            try:
                known[label] = _group(self.model, label, self._strength, where)
            except UnknownCommunity as error:
                known[label] = self._fallback(error)
        return known[label]

    def _fallback(self, error: Exception) -> _Group | None:
        if self._missing == "error":
            raise error
        return None if self._missing == "skip" else (_REFERENCE, None)

    def _found(self, columns: Mapping[str, Any]) -> str:
        found = [name for name, value in columns.items() if isinstance(value, list)]
        return f"{self.__name__}: columns {', '.join(found) or 'none'}"

    def _scored(
        self, requests: Sequence[RewardRequest | None], groups: Sequence[_Group | None]
    ) -> list[float | None]:
        asked: dict[_Group, dict[RewardRequest, float]] = {}
        for request, group in zip(requests, groups, strict=True):
            if group is not None and request is not None:
                asked.setdefault(group, {})[request] = 0.0
        for (_, steer), rewards in asked.items():
            values = self.model.score(list(rewards), steer)
            rewards.update(zip(rewards, map(float, values), strict=True))
        unscored = [None if g is None else self._no_answer for g in groups]
        pairs = zip(requests, groups, unscored, strict=True)
        return [none if g is None or r is None else asked[g][r] for r, g, none in pairs]

    def _log(
        self, log: Any, groups: Sequence[_Group | None], rewards: Sequence[float | None]
    ) -> None:
        by_name: dict[str, list[float]] = {}
        for group, reward in zip(groups, rewards, strict=True):
            if group is not None and reward is not None:
                by_name.setdefault(group[0], []).append(reward)
        for name, values in sorted(by_name.items()):
            log(f"rewards/{self.__name__}/{name}", sum(values) / len(values))
        if skipped := sum(reward is None for reward in rewards):
            log(f"rewards/{self.__name__}/skipped", float(skipped))

    def _log_answers(self, log: Any, read_N: Sequence[Scorable]) -> None:
        if left_out := sum(one.thought and one.request is not None for one in read_N):
            log(f"rewards/{self.__name__}/thoughts", float(left_out))
        if missing := len(unanswered(read_N)):
            log(f"rewards/{self.__name__}/no_answer", float(missing))

    def _log_strengths(
        self,
        log: Any,
        requests: Sequence[RewardRequest | None],
        groups: Sequence[_Group | None],
    ) -> None:
        model = self.model
        if not isinstance(model, LinearRewardModel) or model.fading is None:
            return
        asked: dict[_Group, list[RewardRequest]] = {}
        for request, group in zip(requests, groups, strict=True):
            if request is not None and group is not None:
                asked.setdefault(group, []).append(request)
        for (name, steer), own in asked.items():
            steered = [] if steer is None else [c for c in steer.shares if c in model.communities]
            if steered:
                strength = float(model.strengths(own, steered).mean())
                log(f"rewards/{self.__name__}/strength/{name}", strength)


def _group(
    model: SteerableRewardModel, label: str, strength: float, where: str | None = None
) -> _Group:
    steer = steer_to(model.communities, label, strength, where)
    return (_REFERENCE, None) if steer is None else (next(iter(steer.shares)), steer)


def _called(communities: Sequence[str], label: str) -> str:
    """Name of a community in logs; ``~world`` is the reference unless the model steers to it."""
    return (
        _REFERENCE if resolve_community(label) == WORLD and WORLD.id not in communities else label
    )


def communities_of(model: SteerableRewardModel | Path | str) -> Sequence[str]:
    """The communities of a model; for a saved one, those of its card, without opening it."""
    if isinstance(model, str) and model.startswith(_URL):
        model = opened_model(model)
    if not isinstance(model, str | Path):
        return model.communities
    from pluralign.rewards import load_card

    communities = load_card(Path(model))["communities"]
    assert isinstance(communities, list)
    return communities


def opened_model(model: SteerableRewardModel | Path | str) -> SteerableRewardModel:
    """A reward model for training loops.

    Vectors of a saved model stay in memory, because new completions would fill a cache on disk.

    Args:
        model: The model; or the folder of a saved one, or the URL of a server.
    """
    if not isinstance(model, str | Path):
        return model
    if str(model).startswith(_URL):
        return open_reward_model(str(model))
    return open_model(Path(model), around=lambda encoder: RecentVectors(encoder, _MOST_BYTES))
