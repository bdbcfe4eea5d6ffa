"""A respondent whose knowledge, default culture, position bias and refusals we wrote."""

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
    """Answers as a language model may: with some knowledge of each people, from a culture of its own.

    What it says for a community is drawn from ``knowledge`` times that people's shares and the rest
    its default culture's, then pulled towards the mean of all (``flattening``) and towards the
    first place shown (``position_bias``). The same ask always gets the same answer.

    Attributes:
        truth: What the people answered.
        default_culture: The community that shows through, also where none is named.
        knowledge: How much it knows of each community, in [0, 1].
        flattening: Pull of every community towards the mean of all, in [0, 1].
        position_bias: Pull towards the option shown first, in logits.
        refusal_rate: Share of asks it refuses, in [0, 1].
        decided: Whether it gives the likeliest option, instead of drawing one.
        form: How it writes its answer.
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
        if not all(
            0 <= share <= 1 for share in (self.knowledge, self.flattening, self.refusal_rate)
        ):
            raise InvalidInput("knowledge, flattening and refusal_rate must be in [0, 1]")
        if self.default_culture not in self.truth.communities:
            raise UnknownCommunity(
                f"the survey has no {self.default_culture!r}",
                hint=f"it has {', '.join(self.truth.communities)}",
            )

    @property
    def name(self) -> str:
        """Says that nobody real answers."""
        return "simulated"

    @property
    def fingerprint(self) -> str:
        """Changes with every setting and with the truth."""
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
        """Its chance of each option, in the question's own order, shape (O,).

        Raises:
            UnknownCommunity: If the survey has nothing on the question from any community.
        """
        own = self._shares(ask.question.id, self.default_culture)
        shares = own
        if ask.community is not None:
            shares = (
                self.knowledge * self._shares(ask.question.id, ask.community)
                + (1 - self.knowledge) * own
            )
        if ask.community is not None and self.flattening:
            mean = np.mean(
                [self._shares(ask.question.id, c) for c in self.truth.communities], axis=0
            )
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
