"""One respondent's answers in several communities' names, with those peoples' own answers."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from pluralign.core import BoolArray, Estimate, FloatArray, IntArray, Survey, Tally
from pluralign.evaluation.surveys import AnswerTable, Peoples, ReadAnswer, answer_shares, order_of
from pluralign.metrics import Drawn, draw_questions

_DRAWS = 5


@dataclass(frozen=True, slots=True)
class Answered:
    """The answers of one respondent under one strategy, in the first order, wording and language.

    Attributes:
        model: The respondent.
        strategy: The strategy by which questions were asked.
        communities: The C communities in whose names it answered.
        peoples: The answers of the people of all P communities of the survey to the Q questions.
        column_C: Column of each community among the peoples.
        shares_C_Q_O: Shares of its answers, summing to 1; zeros where it gave no answer.
        drawn: Whether these are distributions (probabilities, or several draws), not single
            answers.
        draws_C_Q: Number of answers behind each; 0 where probabilities were measured.
        number_C_Q: The first number read, which may exceed the options (under the published
            parser); nan without a number.
    """

    model: str
    strategy: str
    communities: tuple[str, ...]
    peoples: Peoples = field(repr=False)
    column_C: IntArray = field(repr=False)
    shares_C_Q_O: FloatArray = field(repr=False)
    drawn: bool
    draws_C_Q: IntArray = field(repr=False)
    number_C_Q: FloatArray = field(repr=False)

    @property
    def subject(self) -> str:
        """Model and strategy, as findings name them."""
        return f"{self.model} · {self.strategy}"

    @property
    def gold_C_Q(self) -> FloatArray:
        """The option that most people gave; nan where nobody was asked."""
        return self.peoples.gold_C_Q[self.column_C]

    @property
    def people_C_Q_O(self) -> FloatArray:
        """Shares of the people's answers."""
        return self.peoples.probs_C_Q_O[self.column_C]

    @property
    def value_C_Q(self) -> FloatArray:
        """The option it gave, or gave most often; nan where it gave none."""
        # Without a guard, `argmax` of zeros would report the first option.
        commonest = self.shares_C_Q_O.argmax(axis=2).astype(float)
        return np.where(self.shares_C_Q_O.sum(axis=2) > 0, commonest, np.nan)

    @property
    def both_C_Q(self) -> BoolArray:
        """Whether the respondent and the people both answered."""
        both: BoolArray = (self.shares_C_Q_O.sum(axis=2) > 0) & ~np.isnan(self.gold_C_Q)
        return both

    @property
    def like_with_like(self) -> tuple[FloatArray, FloatArray]:
        """Its shares and the people's, shape (C, Q, O).

        Where it gave single answers, the people's commonest answers are used.
        """
        if self.drawn:
            return self.shares_C_Q_O, self.people_C_Q_O
        options = np.arange(self.shares_C_Q_O.shape[2])
        # One-hot shares; no option equals nan, so questions without answers stay zeros.
        return self.shares_C_Q_O, (self.gold_C_Q[:, :, None] == options).astype(float)

    @property
    def levels(self) -> tuple[FloatArray, FloatArray]:
        """Scale positions of its answers and the people's, shape (C, Q): means or answers."""
        if not self.drawn:
            return self._common(self.value_C_Q), self._common(self.gold_C_Q)
        options = np.arange(self.shares_C_Q_O.shape[2])
        return self._common(self.shares_C_Q_O @ options), self._common(self.people_C_Q_O @ options)

    @property
    def all_levels(self) -> tuple[FloatArray, FloatArray]:
        """As `levels`, with the answers that the other side lacks too, as in published scores.

        The people's answers are those to questions that the respondent answered for some community.
        """
        if not self.drawn:
            ours, theirs = self.number_C_Q, self.gold_C_Q
        else:
            options = np.arange(self.shares_C_Q_O.shape[2])
            ours = np.where(self.shares_C_Q_O.sum(axis=2) > 0, self.shares_C_Q_O @ options, np.nan)
            theirs = np.where(np.isnan(self.gold_C_Q), np.nan, self.people_C_Q_O @ options)
        return ours, np.where(np.isnan(ours).all(axis=0), np.nan, theirs)

    def _common(self, value_C_Q: FloatArray) -> FloatArray:
        """The values, with nan where either side did not answer."""
        return np.where(self.both_C_Q, value_C_Q, np.nan)

    def answer_ids(self, c: int, questions: IntArray) -> tuple[str, ...]:
        """Ids of its answers for one community to these questions, where its people answered, too.

        Args:
            c: Index of the community.
            questions: Indices of questions.
        """
        both = (q for q in questions if self.both_C_Q[c, q])
        return tuple(f"{self.communities[c]}/{self.peoples.questions[q]}" for q in both)

    def counts(self, rng: np.random.Generator, draws: int) -> FloatArray:
        """Draws of its questions, shape (B, Q)."""
        return draw_questions(len(self.peoples.questions), rng, draws)


def answered_by(survey: Survey, answers: Sequence[ReadAnswer]) -> list[Answered]:
    """Arrange answers by respondent and strategy; answers for unknown communities are left out."""
    groups: dict[tuple[str, str], list[ReadAnswer]] = {}
    known = set(survey.communities)
    for one in answers:
        if one.answer.community in known:
            groups.setdefault((one.answer.model, one.answer.strategy), []).append(one)
    return [_answered(survey, key, _first_asked(own)) for key, own in groups.items()]


def shape_of(one: ReadAnswer) -> tuple[tuple[int, ...], str, str]:
    """Order of the options, wording and language in which a question was asked."""
    return order_of(one), one.answer.variant, one.answer.language


def estimate(value: float, draws_B: FloatArray, n: int, n_raters: int | None = None) -> Estimate:
    """A number with the interval of its draws."""
    return Drawn(float(value), draws_B, max(int(n), 1), n_raters).estimate


def _first_asked(answers: Sequence[ReadAnswer]) -> list[ReadAnswer]:
    """The answers to the first wording and language, each question in its first order of options.

    For a community that was asked in other languages only, the first of these is used.
    """
    common = shape_of(answers[0])[1:]
    own: dict[str | None, tuple[str, str]] = {}
    for one in answers:
        if shape_of(one)[1:] == common:
            own[one.answer.community] = common
        own.setdefault(one.answer.community, shape_of(one)[1:])
    chosen = [one for one in answers if shape_of(one)[1:] == own[one.answer.community]]
    # The order as printed, (), is preferred wherever it comes; else the first one seen.
    first: dict[str, tuple[int, ...]] = {}
    for one in chosen:
        order = shape_of(one)[0]
        if one.answer.question not in first or not order:
            first[one.answer.question] = order
    return [one for one in chosen if shape_of(one)[0] == first[one.answer.question]]


def _answered(survey: Survey, key: tuple[str, str], answers: Sequence[ReadAnswer]) -> Answered:
    put = {one.answer.question for one in answers}
    questions = [q for q in survey.questions if q in put]
    peoples = Peoples.of(survey, questions, survey.communities, Tally())
    table = AnswerTable.of(answers, questions)
    order = sorted(range(len(table.profiles)), key=lambda p: str(table.profiles[p][2]))
    communities = tuple(str(table.profiles[p][2]) for p in order)
    shares = np.stack([answer_shares(table, peoples, table.profile_N == p) for p in order])
    measured = any(one.answer.probs_O is not None for one in answers)
    times = Counter(zip(table.profile_N.tolist(), table.question_N.tolist(), strict=True))
    draws = np.zeros((len(order), len(questions)), dtype=np.int64)
    # Probabilities stay at 0 draws: they are exact, so their entropy needs no correction.
    if not measured:
        for row, p in enumerate(order):
            for q in range(len(questions)):
                draws[row, q] = times[p, q]
    return Answered(
        *key,
        communities,
        peoples,
        np.array([peoples.communities.index(c) for c in communities]),
        shares,
        # The median, so that a few repeated questions do not turn single answers into draws.
        measured or float(np.median(list(times.values()))) >= _DRAWS,
        draws,
        table.base_values(order, len(questions)),
    )
