"""Recorded evidence, the only input of an audit; no model is asked, so anyone can repeat it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np

from pluralign.audits.knowledge_evidence import KnowledgeEvidence
from pluralign.audits.perturbed_sets import PerturbedSet
from pluralign.audits.policies import PolicyEvidence
from pluralign.audits.respondent_answers import Answered, answered_by
from pluralign.core import BoolArray, FloatArray, IntArray, InvalidInput, PreferencePair, Survey
from pluralign.evaluation import TestPairs
from pluralign.evaluation.surveys import ReadAnswer

Level = Literal["rule_of_thumb", "value", "country"]
LEVELS: tuple[Level, ...] = ("rule_of_thumb", "value", "country")

ATTRIBUTES = ("gender", "age", "education", "religion", "ethnicity", "region", "class", "political")
"""Columns of pairs that describe a rater."""


@dataclass(frozen=True, eq=False)
class RewardMargins:
    """The margins of reward models on test pairs.

    Attributes:
        judged: The test pairs, over one or several repeats, with the reference's margins.
        margins: Method -> community steered to -> margins in logits, aligned with the pairs; the
            key is `NO_STEER` for a method that does not steer.
        served: Communities that were steered to.
        kept: Results that several checks use.
    """

    judged: TestPairs
    margins: Mapping[str, Mapping[str, FloatArray]]
    served: tuple[str, ...]
    kept: dict[object, Any] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Ids of the communities of the pairs, sorted."""
        return tuple(np.unique(self.judged.community_N).tolist())

    @cached_property
    def codes(self) -> tuple[IntArray, IntArray, IntArray]:
        """Codes of the community, rater (or stem) and pair; they compare faster than ids."""
        return tuple(  # type: ignore[return-value]
            np.unique(ids, return_inverse=True)[1]
            for ids in (self.judged.community_N, self.judged.cluster_N, self.judged.pair_N)
        )

    def of(self, community: str) -> BoolArray:
        """Which pairs are a community's, shape (N,)."""
        if community not in self.names:
            return np.zeros(len(self.judged), dtype=bool)
        mine: BoolArray = self.codes[0] == self.names.index(community)
        return mine


@dataclass(frozen=True, slots=True)
class ReasoningAnswer:
    """A recorded answer to a question that needs reasoning about a culture.

    NormAd (arXiv 2404.12464) has questions of this kind.

    Attributes:
        id: Id of the question; the same at every level.
        model: The model that answered.
        communities: The cultures that the question is about; two or more between cultures.
        level: The information given: the rule of thumb itself, the country and the value at stake,
            or the country only.
        gold: The right answer.
        answer: The given answer.
        reason_for: The answer that the stated reason supports; None if nobody judged that.
    """

    id: str
    model: str
    communities: tuple[str, ...]
    level: Level
    gold: str
    answer: str
    reason_for: str | None = None

    def __post_init__(self) -> None:
        if not self.communities or self.level not in LEVELS:
            raise InvalidInput(
                f"communities {self.communities}, level {self.level!r}",
                where=f"item {self.id}",
                hint=f"name a community, and one of {', '.join(LEVELS)}",
            )


Residents = Mapping[str, Mapping[str, Mapping[str, float]]]
"""Community -> attribute (``gender``, ``age``, ``language``, ...) -> value -> share."""


EvidenceKind = Literal[
    "pairs", "surveys", "answers", "rewards", "items", "policies", "perturbed", "knowledge"
]
"""A kind of recorded evidence."""
EVIDENCE_KINDS: Mapping[EvidenceKind, str] = {
    "pairs": "preference pairs",
    "surveys": "surveys of people",
    "answers": "answers to surveys",
    "rewards": "margins of reward models",
    "items": "answers to items about reasoning",
    "policies": "answers of policies",
    "perturbed": "sets of responses",
    "knowledge": "answers to knowledge questions",
}
"""Each kind of evidence, in words."""


@dataclass(frozen=True)
class Evidence:
    """Recorded evidence; every field may be empty.

    Attributes:
        pairs: Preference pairs, with the known attributes of their raters.
        survey: The answers of people to closed questions.
        other_surveys: Further surveys, compared with the first.
        answers: Answers of language models to that survey, as read.
        rewards: Margins of reward models on test pairs.
        seen: Their margins on training pairs, each under the steer to its own community, under the
            key `NO_STEER`.
        residents: The residents of each community, by attribute.
        axes: Name of a theory -> community -> its position on each of the theory's axes, such as
            the two of Inglehart and Welzel or the six of Hofstede.
        items: Answers to questions that need reasoning about cultures.
        policies: Answers of policies that follow a reward, and of their start model.
        perturbed: Rewards of responses with one thing changed.
        knowledge: Scored answers of language models to knowledge questions.
        missing: Inputs of a run that could not be read, with the reason.
    """

    pairs: Sequence[PreferencePair] = ()
    survey: Survey | None = None
    other_surveys: Sequence[Survey] = ()
    answers: Sequence[ReadAnswer] = ()
    rewards: RewardMargins | None = None
    seen: RewardMargins | None = None
    residents: Residents = field(default_factory=dict)
    axes: Mapping[str, Mapping[str, tuple[float, ...]]] = field(default_factory=dict)
    items: Sequence[ReasoningAnswer] = ()
    policies: PolicyEvidence | None = None
    perturbed: Sequence[PerturbedSet] = ()
    knowledge: KnowledgeEvidence | None = None
    missing: tuple[str, ...] = ()

    @cached_property
    def kinds(self) -> frozenset[EvidenceKind]:
        """The kinds of evidence that are there.

        >>> Evidence().kinds
        frozenset()
        """
        parts: Mapping[EvidenceKind, object] = {
            "pairs": self.pairs,
            "surveys": self.survey or self.other_surveys,
            "answers": self.answers,
            "rewards": self.rewards,
            "items": self.items,
            "policies": self.policies,
            "perturbed": self.perturbed,
            "knowledge": self.knowledge,
        }
        return frozenset(kind for kind, part in parts.items() if part)

    @cached_property
    def pair_by_id(self) -> Mapping[str, PreferencePair]:
        """Pairs by their id."""
        return {p.id: p for p in self.pairs}

    @cached_property
    def answered(self) -> Sequence[Answered]:
        """Answers by respondent and strategy, with the people's."""
        return answered_by(self.survey, self.answers) if self.survey is not None else ()

    @cached_property
    def raters(self) -> Mapping[str, Mapping[str, list[PreferencePair]]]:
        """Community -> rater -> that person's pairs, sorted."""
        found: dict[str, dict[str, list[PreferencePair]]] = {}
        for p in self.pairs:
            if p.rater is not None:
                found.setdefault(p.community, {}).setdefault(p.rater, []).append(p)
        return {c: found[c] for c in sorted(found)}
