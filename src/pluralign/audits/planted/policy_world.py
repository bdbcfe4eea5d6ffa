"""Sound policies: their reward model and their judge err a little, each in its own way."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain

import numpy as np

from pluralign.audits.perturbed_sets import KINDS, PerturbedSet
from pluralign.audits.policies import Ability, Answers, Policy, PolicyEvidence
from pluralign.core import FloatArray, rng_for
from pluralign.metrics import RewardScale
from pluralign.simulation import Society
from pluralign.simulation.texts import draft, read_traits, write

_PROMPTS, _ANSWERS, _TUNED, _DRAFTS, _SETS = 100, 16, 4, 3, 120
Extra = Callable[[str, int], float]
"""From a text and the number of a community to an addition to its reward, in spreads."""


def nothing(text: str, community: int) -> float:
    """No fault."""
    return 0.0


@dataclass(frozen=True, eq=False)
class PolicyWorld:
    """People, a start model, a reward model and a judge; a fault changes some of them.

    Attributes:
        seed: Seed of everything.
        society: The people.
        communities: Ids of the followed communities.
        start: Answers of the start model, P lists.
        reward_extra: An addition to the reward model's rewards.
        judge_extra: An addition to the judge's.
        error: Standard deviation of the error of a reward model, and of the judge, in the utility
            of a trait, in logits.
    """

    seed: int
    society: Society
    communities: tuple[str, ...]
    start: Sequence[Sequence[str]] = field(repr=False)
    reward_extra: Extra = nothing
    judge_extra: Extra = nothing
    error: float = 0.35

    def rewards(self, texts: Sequence[Sequence[str]], role: str) -> FloatArray:
        """Rewards by the model or the judge in spreads, shape (P, n, C); nan of empty answers."""
        extra = self.reward_extra if role == "model" else self.judge_extra
        empty = np.array([[not text.strip() for text in row] for row in texts])
        shown_P_n_D = self._shown(texts)
        columns = []
        for c, taste_D in enumerate(self._tastes(role)):
            scale = RewardScale.of((self._start_shown @ taste_D).ravel())
            own = shown_P_n_D @ taste_D / scale.spread
            own = own + np.array([[extra(text, c) for text in row] for row in texts])
            columns.append(np.where(empty, np.nan, own))
        return np.stack(columns, axis=2)

    def answers(self, texts: Sequence[Sequence[str]]) -> Answers:
        """Answers with their rewards."""
        return Answers(texts, self.rewards(texts, "model"), self.rewards(texts, "judge"))

    def follow(self, choose: Callable[[FloatArray], FloatArray], name: object) -> list[list[str]]:
        """Answers of a policy that takes the best of a few drafts for each answer.

        Args:
            choose: From rewards of shape (P, n, C) to scores of shape (P, n).
            name: Name of the policy, for its draws.
        """
        rng = rng_for(self.seed, "planted policy", str(name))
        drafts = _written(self.society, len(self.start) * _TUNED, _DRAFTS, rng)
        best = choose(self.rewards(drafts, "model")).argmax(axis=1).tolist()
        texts = [own[k] for own, k in zip(drafts, best, strict=True)]
        return [texts[i : i + _TUNED] for i in range(0, len(texts), _TUNED)]

    def followed(self) -> dict[str, list[list[str]]]:
        """Answers of the policy of each community."""
        return {
            community: self.follow(lambda reward, c=c: reward[..., c], community)  # type: ignore[misc]
            for c, community in enumerate(self.communities)
        }

    def evidence(
        self, texts: Mapping[str, Sequence[Sequence[str]]] | None = None
    ) -> PolicyEvidence:
        """The evidence of these answers of each community's policy."""
        texts = self.followed() if texts is None else texts
        tuned = [Policy("planted", c, self.answers(own)) for c, own in texts.items()]
        return PolicyEvidence(
            communities=self.communities,
            prompts=tuple(f"p{p}" for p in range(len(self.start))),
            start=self.answers(self.start),
            tuned=tuned,
            peoples={c: (_people(c),) for c in self.communities},
            languages=("en",),
            abilities=[Ability("planted", c, "quiz", 0.6, 0.6, 0.01, 2000) for c in texts],
        )

    @cached_property
    def _start_shown(self) -> FloatArray:
        return self._shown(self.start)

    def _shown(self, texts: Sequence[Sequence[str]]) -> FloatArray:
        """The traits that each text shows, shape (P, n, D)."""
        flat = list(chain.from_iterable(texts))
        return read_traits(flat, self.society.traits).reshape(len(texts), len(texts[0]), -1)

    def _tastes(self, role: str) -> list[FloatArray]:
        homes = {home.id: home for home in self.society.communities}
        rng = rng_for(self.seed, "planted errors", role)
        size = len(self.society.traits)
        return [
            homes[c].taste.of(self.society.traits) + rng.normal(0, self.error, size)
            for c in self.communities
        ]


def policy_world(seed: int, society: Society, communities: tuple[str, ...]) -> PolicyWorld:
    """The world without a fault."""
    rng = rng_for(seed, "planted start")
    return PolicyWorld(seed, society, communities, _written(society, _PROMPTS, _ANSWERS, rng))


def with_some(
    texts: Sequence[Sequence[str]],
    share: float,
    change: Callable[[str], str],
    rng: np.random.Generator,
) -> list[list[str]]:
    """Texts, a share of which is changed."""
    return [[change(text) if rng.random() < share else text for text in own] for own in texts]


def sound_sets(seed: int) -> list[PerturbedSet]:
    """Sets of which the concept decides, and nothing else."""
    rng = rng_for(seed, "planted sets")
    found = []
    for kind in KINDS:
        for i in range(_SETS):
            before = rng.normal(0, 0.5, 4) + np.array([1.5, 0, 0, 0])
            after = before + rng.normal(0, 0.1, 4)
            if kind == "concept":
                after[:2] = after[1::-1]
            found.append(
                PerturbedSet(f"{kind}/{i}", "planted", None, kind, before.tolist(), after.tolist())
            )
    return found


def _people(community: str) -> str:
    return f"{community.removeprefix('~').title()}s"


def _written(society: Society, rows: int, n: int, rng: np.random.Generator) -> list[list[str]]:
    texts = write(society.traits, draft(society.traits, rows * n, rng))
    return [texts[i : i + n] for i in range(0, len(texts), n)]
