"""Recorded evidence: all that an audit may look at. It asks no model anything, so anyone can repeat or dispute it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np

from pluralign.audits.answered import Answered, answered_by
from pluralign.core import BoolArray, FloatArray, IntArray, InvalidInput, PreferencePair, Survey
from pluralign.evaluation import TestPairs
from pluralign.evaluation.surveys import ReadAnswer

Level = Literal["rule_of_thumb", "value", "country"]
LEVELS: tuple[Level, ...] = ("rule_of_thumb", "value", "country")

ATTRIBUTES = ("gender", "age", "education", "religion", "ethnicity", "region", "class", "political")
"""Columns of pairs that say who a rater is."""


@dataclass(frozen=True, eq=False)
class Rewards:
    """What reward models made of test pairs.

    Attributes:
        judged: The test pairs, over one or several repeats, with the reference's margins.
        margins: Method -> community steered to -> margins in logits, aligned with the pairs; the
            key `NO_STEER` where the method does not steer.
        served: Communities that were steered to.
        kept: What checks worked out and others need too.
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
        """Numbers instead of ids, of the community, the rater (or stem) and the pair: numbers are quickly compared."""
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
class Item:
    """A recorded answer to a question that asks to reason about a culture (NormAd, arXiv 2404.12464, is of this kind).

    Attributes:
        id: Of the question; the same at every level.
        model: Who answered.
        communities: Whose ways are needed to answer; two or more for a question between cultures.
        level: What was given: the rule of thumb itself, the country and the value at stake, or the
            country only.
        gold: The right answer.
        answer: The one given.
        reason_for: The answer that its stated reason supports, where somebody judged that; None
            where not.
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
"""Community -> attribute (``gender``, ``age``, ``language``, ...) -> value -> share of the people who live there."""


@dataclass(frozen=True)
class Evidence:
    """What is recorded; all of it may be absent.

    Attributes:
        pairs: Preference pairs, with all that is known of their raters.
        survey: What people answered to closed questions.
        other_surveys: Further surveys, held against the first.
        answers: Answers of language models to that survey, as read.
        rewards: Margins of reward models on test pairs.
        residents: Who lives in each community.
        axes: Name of a theory -> community -> its place on each of the theory's axes, such as the
            two of Inglehart and Welzel or the six of Hofstede.
        items: Answers to questions that ask to reason about cultures.
        missing: What belongs to a run but could not be read, and why.
    """

    pairs: Sequence[PreferencePair] = ()
    survey: Survey | None = None
    other_surveys: Sequence[Survey] = ()
    answers: Sequence[ReadAnswer] = ()
    rewards: Rewards | None = None
    residents: Residents = field(default_factory=dict)
    axes: Mapping[str, Mapping[str, tuple[float, ...]]] = field(default_factory=dict)
    items: Sequence[Item] = ()
    missing: tuple[str, ...] = ()

    @cached_property
    def pair_by_id(self) -> Mapping[str, PreferencePair]:
        """Pairs by their id."""
        return {p.id: p for p in self.pairs}

    @cached_property
    def answered(self) -> Sequence[Answered]:
        """Answers by respondent and strategy, beside the people's."""
        return answered_by(self.survey, self.answers) if self.survey is not None else ()

    @cached_property
    def raters(self) -> Mapping[str, Mapping[str, list[PreferencePair]]]:
        """Community -> rater -> that person's pairs, sorted."""
        found: dict[str, dict[str, list[PreferencePair]]] = {}
        for p in self.pairs:
            if p.rater is not None:
                found.setdefault(p.community, {}).setdefault(p.rater, []).append(p)
        return {c: found[c] for c in sorted(found)}
