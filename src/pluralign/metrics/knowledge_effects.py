"""Effects of language, of naming the place, and of the place itself, on answers to knowledge."""

from collections.abc import Mapping
from dataclasses import dataclass

from pluralign.core import InvalidInput


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
