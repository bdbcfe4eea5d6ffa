"""A respondent whose knowledge, default culture, position bias and refusals are known."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from pluralign.core import (
    Ask,
    FloatArray,
    InvalidInput,
    Reply,
    Survey,
    UnknownCommunity,
    rng_for,
    text_digest,
)
from pluralign.simulation.questions import softmax

_REFUSAL = "I cannot answer that."
_FORMS = {"plain": "{}", "option": "Option {}.", "boxed": "\\boxed{{{}}}"}


@dataclass(frozen=True, slots=True)
class SimulatedRespondent:
    """Answers as a language model may: with some knowledge of each people, and a default culture.

    Its answer for a community is drawn from a mixture: ``knowledge`` times the shares of that
    people, and the rest from its default culture. The mixture is moved towards the mean of all
    communities (``flattening``) and towards the option shown first (``position_bias``). The same
    ask always gets the same answer.

    Attributes:
        truth: The answers of the people.
        default_culture: The community whose answers it mixes in, and gives where none is named.
        knowledge: Weight of each community's own answers, in [0, 1].
        flattening: Weight of the mean of all communities, in [0, 1].
        position_bias: Utility of the option shown first, in logits.
        refusal_rate: Share of asks that it refuses, in [0, 1].
        decided: Whether it gives the likeliest option, instead of a drawn one.
        form: The form of its answer.
        seed: Seed of its draws.

    Raises:
        InvalidInput: If a share is not in [0, 1].
        UnknownCommunity: If the default culture is not in the survey.
    """

    truth: Survey = field(repr=False)
    default_culture: str
    knowledge: float = 1.0
    flattening: float = 0.0
    position_bias: float = 0.0
    refusal_rate: float = 0.0
    decided: bool = True
    form: Literal["plain", "option", "boxed"] = "plain"
    seed: int = 0

    def __post_init__(self) -> None:
        shares = (self.knowledge, self.flattening, self.refusal_rate)
        if not all(0 <= share <= 1 for share in shares):
            raise InvalidInput(
                f"knowledge, flattening and refusal_rate must be in [0, 1], got {shares}"
            )
        if self.default_culture not in self.truth.communities:
            raise UnknownCommunity(
                f"the survey has no community {self.default_culture!r}",
                hint=f"it has {', '.join(self.truth.communities)}",
            )

    @property
    def name(self) -> str:
        """The name ``simulated``."""
        return "simulated"

    @property
    def fingerprint(self) -> str:
        """A digest of all settings and of the truth."""
        settings = [getattr(self, name) for name in self.__dataclass_fields__ if name != "truth"]
        return text_digest(repr([settings, self.truth.distributions]))

    def answer(
        self, asks: Sequence[Ask], heard: Callable[[int, Reply], None] | None = None
    ) -> list[Reply]:
        """Answer; see `pluralign.core.ports.Respondent`."""
        replies = []
        for i, ask in enumerate(asks):
            replies.append(self._answer(ask))
            if heard is not None:
                heard(i, replies[i])
        return replies

    def probabilities(self, ask: Ask) -> FloatArray:
        """Probability of each option, in the question's own order, shape (O,).

        Raises:
            UnknownCommunity: If no community of the survey answered the question.
        """
        question = ask.question.id
        own = self._shares(question, self.default_culture)
        shares = own
        if ask.community is not None:
            theirs = self._shares(question, ask.community)
            shares = self.knowledge * theirs + (1 - self.knowledge) * own
        if ask.community is not None and self.flattening:
            mean = np.mean([self._shares(question, c) for c in self.truth.communities], axis=0)
            shares = (1 - self.flattening) * shares + self.flattening * mean
        utility_O = np.log(np.maximum(shares, 1e-9))
        utility_O[ask.order[0]] += self.position_bias
        return softmax(utility_O)

    def _answer(self, ask: Ask) -> Reply:
        rng = rng_for(self.seed, "simulated respondent", *ask.key)
        probs_O = self.probabilities(ask)
        drawn = int(rng.choice(len(probs_O), p=probs_O))
        if rng.random() < self.refusal_rate:
            return Reply(_REFUSAL)
        option = int(probs_O.argmax()) if self.decided else drawn
        label = ask.labels[ask.order.index(option)]
        return Reply(_FORMS[self.form].format(label), tuple(probs_O.tolist()))

    def _shares(self, question: str, community: str) -> FloatArray:
        for candidate in (community, self.default_culture, *self.truth.communities):
            found = self.truth.distribution(question, candidate)
            if found is not None and sum(found.probs_O) > 0:
                return np.array(found.normalised())
        raise UnknownCommunity(f"nobody in the survey answered {question!r}")
