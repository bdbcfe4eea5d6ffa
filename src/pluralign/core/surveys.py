"""Closed survey questions, and the answers of communities."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pluralign.core.errors import InvalidInput
from pluralign.core.pairs import PreferencePair
from pluralign.core.printable import count_of, listed


@dataclass(frozen=True, slots=True)
class SurveyQuestion:
    """A closed question.

    Attributes:
        id: Unique within its survey.
        text: The wording, as people read it.
        options: The real answers, in order; non-answers ("Don't know") are not among them.
        codes: The survey's own code of each option, aligned with ``options``.
        ordered: Whether the options are on a scale; None where that is not known.
        stem: The wording that a battery shares; the text itself where there is no battery.

    Raises:
        InvalidInput: If there are no options, or options and codes differ in number.
    """

    id: str
    text: str
    options: tuple[str, ...]
    codes: tuple[str, ...] = ()
    ordered: bool | None = None
    stem: str = ""

    def __post_init__(self) -> None:
        if not self.options:
            raise InvalidInput("a question must have options", where=f"question {self.id}")
        if not self.codes:
            object.__setattr__(self, "codes", tuple(str(i + 1) for i in range(len(self.options))))
        if len(self.codes) != len(self.options):
            raise InvalidInput("options and codes differ in number", where=f"question {self.id}")
        if not self.stem:
            object.__setattr__(self, "stem", self.text)


@dataclass(frozen=True, slots=True)
class AnswerDistribution:
    """The answers of a community's people to one question.

    Attributes:
        question: Id of the question.
        community: Id of the community.
        probs_O: Share of each option, aligned with the question's options, in [0, 1]. Non-answers
            are left out, so the sum may be below 1; it is kept as published, never rescaled
            silently.
        n: Number of people who answered; None where not published.
        first: Index of the option that the source lists first among those given most often; None
            where it has no order.

    Raises:
        InvalidInput: If a share is negative, above 1 or not a number.
    """

    question: str
    community: str
    probs_O: tuple[float, ...]
    n: int | None = None
    first: int | None = None

    def __post_init__(self) -> None:
        if not all(math.isfinite(p) and 0 <= p <= 1 + 1e-9 for p in self.probs_O):
            raise InvalidInput(
                f"shares must be in [0, 1], got {list(self.probs_O)}",
                where=f"question {self.question}, community {self.community}",
            )

    @property
    def gold(self) -> int:
        """Index of the option given most often; of several, the one that the source lists first."""
        if self.first is not None:
            return self.first
        return self.probs_O.index(max(self.probs_O))

    @property
    def tied(self) -> bool:
        """Whether several options were given most often."""
        return self.probs_O.count(max(self.probs_O)) > 1

    def normalised(self) -> tuple[float, ...]:
        """The shares among the people who gave a real answer, summing to 1.

        Raises:
            InvalidInput: If nobody gave a real answer.
        """
        total = math.fsum(self.probs_O)
        if total <= 0:
            raise InvalidInput(
                "nobody gave a real answer", where=f"question {self.question}, {self.community}"
            )
        return tuple(p / total for p in self.probs_O)


@dataclass(frozen=True, slots=True)
class Survey:
    """Questions, and the answers of each community to them.

    Attributes:
        name: Name of the survey.
        questions: The questions by their ids.
        distributions: One for each (question, community).
        license: Its licence.
        communities: Ids of the communities that answered, sorted; derived from the distributions.

    Raises:
        InvalidInput: If a distribution names an unknown question or has another number of options.
    """

    name: str
    questions: Mapping[str, SurveyQuestion]
    distributions: tuple[AnswerDistribution, ...]
    license: str | None = None
    communities: tuple[str, ...] = field(init=False, repr=False, compare=False)
    _index: Mapping[tuple[str, str], AnswerDistribution] = field(
        init=False, repr=False, compare=False
    )

    def __repr__(self) -> str:
        asked = count_of(len(self.questions), "question")
        return f"Survey({self.name}: {asked}, answered by {listed(self.communities)})"

    def __post_init__(self) -> None:
        index: dict[tuple[str, str], AnswerDistribution] = {}
        for d in self.distributions:
            where = f"{self.name}, question {d.question}, community {d.community}"
            if d.question not in self.questions:
                raise InvalidInput("a distribution for an unknown question", where=where)
            if len(d.probs_O) != len(self.questions[d.question].options):
                raise InvalidInput("shares and options differ in number", where=where)
            if (d.question, d.community) in index:
                raise InvalidInput("two distributions for one question and community", where=where)
            index[d.question, d.community] = d
        object.__setattr__(self, "_index", index)
        object.__setattr__(
            self, "communities", tuple(sorted({d.community for d in self.distributions}))
        )

    def distribution(self, question: str, community: str) -> AnswerDistribution | None:
        """The answers of ``community`` to ``question``; None if it was not asked."""
        return self._index.get((question, community))

    def option_counts(self) -> dict[str, int]:
        """Id of each question -> its number of options."""
        return {id_: len(question.options) for id_, question in self.questions.items()}


def pairs_from_survey(survey: Survey) -> Iterator[PreferencePair]:
    """Turn answer shares into pairs: of two options, the one that more people gave is chosen.

    For a question and a community with shares P, every two real options with P_i > P_j give one
    pair: prompt = question, chosen = option i, rejected = option j, strength = P_i - P_j (SCPO on
    GlobalOpinionQA, arXiv 2606.18606). The pairs have no rater, since a share is the answer of many
    people; intervals resample questions.

    Args:
        survey: Questions and shares.

    Yields:
        Pairs, in the order of the distributions, then of the options.

    >>> question = SurveyQuestion("Q1", "Is family important?", ("Yes", "A little", "No"))
    >>> answers = AnswerDistribution("Q1", "MEX", (0.7, 0.3, 0.0))
    >>> survey = Survey("tiny", {"Q1": question}, (answers,))
    >>> [(p.chosen, p.rejected, round(p.strength, 2)) for p in pairs_from_survey(survey)]
    [('Yes', 'A little', 0.4), ('Yes', 'No', 0.7), ('A little', 'No', 0.3)]
    """
    for d in survey.distributions:
        question = survey.questions[d.question]
        for i, j in _ordered_options(d.probs_O):
            if question.options[i] == question.options[j]:
                continue
            yield PreferencePair(
                id=f"{d.question}:{d.community}:{question.codes[i]}>{question.codes[j]}",
                prompt=question.text,
                chosen=question.options[i],
                rejected=question.options[j],
                community=d.community,
                strength=d.probs_O[i] - d.probs_O[j],
                question=question.id,
                stem=question.stem,
                source=survey.name,
                license=survey.license,
            )


def _ordered_options(probs_O: tuple[float, ...]) -> Iterator[tuple[int, int]]:
    for i in range(len(probs_O)):
        for j in range(i + 1, len(probs_O)):
            if probs_O[i] > probs_O[j]:
                yield i, j
            elif probs_O[j] > probs_O[i]:
                yield j, i
