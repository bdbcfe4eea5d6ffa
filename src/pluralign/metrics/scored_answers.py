"""Scored answers to knowledge questions, and paired means of their credits."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeVar

import numpy as np

from pluralign.core import Estimate, InvalidInput, NotEnoughData
from pluralign.metrics.group_means import Clusters, group_means
from pluralign.metrics.knowledge_scores import mean_over_topics

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredAnswer:
    """One answer of a model to a knowledge question, scored by the counts of each community.

    Attributes:
        model: The respondent.
        question: Id of the question; the same id in two communities is the same question.
        topic: Its topic; "" where it has none.
        community: Id of the place that the question is about, whether it was named or not.
        language: BCP 47 tag of the words of the question.
        place_named: Whether the question names the place.
        form: ``short`` (free) or ``options``.
        credits: Community -> `answer_credit`, in [0, 1], that its people's counts give to this
            answer: the place asked about, and each other community with a question of this id.
        valid: False where the answer names no option, or is empty; its credits are then 0.
        draw: Number of the draw, from 0, where one question was asked several times.
        people: Number of people whose answers to this question were counted in the place asked
            about; None where that is not known.

    Raises:
        InvalidInput: If the place asked about has no credit, or a credit is outside [0, 1].

    >>> answer = ScoredAnswer(
    ...     model="m", question="food-1", topic="Food", community="IRN", language="fa",
    ...     place_named=True, form="short", credits={"IRN": 0.25, "USA": 1.0},
    ... )
    >>> answer.own
    0.25
    """

    model: str
    question: str
    topic: str
    community: str
    language: str
    place_named: bool
    form: str
    credits: Mapping[str, float]
    valid: bool = True
    draw: int = 0
    people: int | None = None

    def __post_init__(self) -> None:
        where = f"question {self.question}, community {self.community}"
        if self.community not in self.credits:
            raise InvalidInput("the answer has no credit in the place asked about", where=where)
        for community, credit in self.credits.items():
            if not 0 <= credit <= 1:
                raise InvalidInput(
                    f"the credit in {community} must be in [0, 1], got {credit}", where=where
                )

    @property
    def own(self) -> float:
        """The credit in the place asked about."""
        return self.credits[self.community]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedMeans:
    """Two mean credits on the same questions, and their difference.

    Attributes:
        first: The first mean; intervals are clustered by topic.
        second: The second mean.
        difference: First minus second, paired by question, in [-1, 1].
        error: Its standard error; nan where all questions have one topic.
        topics: Number of topics of equal size that would be as informative.
        people: The fewest people counted on one of these questions; None where it is not known.
        by_question: Question -> its difference.
    """

    first: Estimate
    second: Estimate
    difference: Estimate
    error: float
    topics: float
    people: int | None
    by_question: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Cell:
    """The answers to one question in one way of asking, averaged over draws.

    Attributes:
        topic: Its topic, or its id where it has none.
        credits: Community -> mean credit.
        people: Number of people counted in the place asked about; None where it is not known.
    """

    topic: str
    credits: Mapping[str, float]
    people: int | None


Way = tuple[str, str, bool]
"""Place asked about, language, and whether the place is named."""
Cells = Mapping[Way, Mapping[str, Cell]]
"""Way of asking -> question -> its cell."""


def cells_of(scored: Sequence[ScoredAnswer]) -> Cells:
    """Average the draws of each question in each way of asking.

    Raises:
        InvalidInput: If answers are of several models or forms.
        NotEnoughData: If there are no answers.
    """
    if not scored:
        raise NotEnoughData("there are no scored answers")
    kinds = sorted({(one.model, one.form) for one in scored})
    if len(kinds) > 1:
        names = "; ".join(f"{model}, {form}" for model, form in kinds[:4])
        raise InvalidInput(
            f"answers must be of one model in one form, got {names}",
            hint="measure each model and form on its own",
        )
    cells: dict[Way, dict[str, Cell]] = {}
    for (way, question), draws in groupby(sorted(scored, key=_cell_key), key=_cell_key):
        cells.setdefault(way, {})[question] = _cell(list(draws))
    return cells


def local_languages(
    scored: Iterable[ScoredAnswer],
    languages: Mapping[str, str] | None = None,
    *,
    english: str = "en",
) -> dict[str, str]:
    """The local language of each place; see `language_place_effects`.

    Raises:
        InvalidInput: If it is not given, and a place was asked in several languages but English.
    """
    spoken: dict[str, set[str]] = {}
    for one in scored:
        spoken.setdefault(one.community, set()).add(one.language)
    found = {}
    for community, tags in spoken.items():
        own = (languages or {}).get(community)
        others = sorted(tags - {english})
        if own is None and len(others) > 1:
            raise InvalidInput(
                f"{community} was asked in {', '.join(others)}: which one is its own is not known",
                hint="give the local language of each place",
            )
        found[community] = own or (others[0] if others else english)
    return found


def paired_means(
    first: Mapping[str, float], second: Mapping[str, float], cells: Mapping[str, Cell]
) -> PairedMeans | None:
    """Two means on the questions that both have; None where there are none.

    Args:
        first: Question -> credit.
        second: Question -> credit.
        cells: Question -> its topic and people.
    """
    common = [question for question in first if question in second]
    if not common:
        return None
    topic_N = [cells[question].topic for question in common]
    one_N = np.array([first[question] for question in common])
    two_N = np.array([second[question] for question in common])
    clusters = Clusters(cluster_N=topic_N, person_N=False)
    groups = ["all"] * len(common)
    means = group_means((one_N - two_N)[:, None], groups, clusters, bounds=(-1.0, 1.0))
    people = [cells[question].people for question in common]
    known = [count for count in people if count is not None]
    return PairedMeans(
        first=mean_over_topics(one_N, topic_N, (0.0, 1.0)),
        second=mean_over_topics(two_N, topic_N, (0.0, 1.0)),
        difference=means.estimate(0),
        error=float(np.sqrt(means.spread.variance_C_S[0, 0])),
        topics=float(means.spread.df_C_S[0, 0]) + 1,
        people=min(known) if len(known) == len(people) else None,
        by_question=dict(zip(common, (one_N - two_N).tolist(), strict=True)),
    )


def credit_in(community: str, cells: Mapping[str, Cell]) -> dict[str, float]:
    """Question -> credit in a community, for the cells that have one."""
    found = {question: cell.credits.get(community) for question, cell in cells.items()}
    return {question: credit for question, credit in found.items() if credit is not None}


def keyed(community: str, by_question: Mapping[str, T]) -> dict[str, T]:
    """The values under keys that differ between communities."""
    return {f"{community}/{question}": value for question, value in by_question.items()}


def _cell_key(one: ScoredAnswer) -> tuple[Way, str]:
    return (one.community, one.language, one.place_named), one.question


def _cell(draws: Sequence[ScoredAnswer]) -> Cell:
    """The mean credits of several draws, in the communities that all of them have."""
    first = draws[0]
    shared = [c for c in first.credits if all(c in one.credits for one in draws)]
    mean = {c: float(np.mean([one.credits[c] for one in draws])) for c in shared}
    return Cell(first.topic or first.question, mean, first.people)
