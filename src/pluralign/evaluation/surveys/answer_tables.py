"""Answers and peoples as arrays over one list of questions."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from pluralign.core import BoolArray, FloatArray, IntArray, NotEnoughData, Survey, Tally
from pluralign.evaluation.surveys.read_answers import ReadAnswer

Profile = tuple[str, str, str | None]
"""Model, strategy, and the community named (None where none was)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peoples:
    """The answers of each community's people to the questions that were asked.

    Attributes:
        questions: Ids, Q of them.
        communities: Ids, C of them.
        n_options_Q: Options of each question.
        nominal_Q: Whether the options are known to have no order.
        gold_C_Q: Index of the option that most people gave; nan where nobody was asked.
        probs_C_Q_O: Shares among those who gave a real answer, summing to 1, padded with zeros;
            zeros where unasked.
    """

    questions: tuple[str, ...]
    communities: tuple[str, ...]
    n_options_Q: IntArray
    nominal_Q: BoolArray
    gold_C_Q: FloatArray
    probs_C_Q_O: FloatArray

    @staticmethod
    def of(
        survey: Survey, questions: Sequence[str], communities: Sequence[str], tally: Tally
    ) -> "Peoples":
        """Take a survey's answers; ties for the most common option and missing golds are noted."""
        asked = [survey.questions[q] for q in questions]
        widest = max(len(q.options) for q in asked)
        gold = np.full((len(communities), len(asked)), np.nan)
        probs = np.zeros((len(communities), len(asked), widest))
        for c, community in enumerate(communities):
            for q, question in enumerate(asked):
                found = survey.distribution(question.id, community)
                if found is None or sum(found.probs_O) <= 0:
                    tally.note(f"question without gold in {community}")
                    continue
                if found.tied:
                    tally.note(f"gold tied between options in {community}")
                gold[c, q] = found.gold
                probs[c, q, : len(question.options)] = found.normalised()
        return Peoples(
            questions=tuple(questions),
            communities=tuple(communities),
            n_options_Q=np.array([len(q.options) for q in asked]),
            nominal_Q=np.array([q.ordered is False for q in asked]),
            gold_C_Q=gold,
            probs_C_Q_O=probs,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerTable:
    """Answers as read, as aligned rows.

    Attributes:
        profiles: The answerers, P of them, in order of appearance.
        profile_N: Index of the profile of each answer.
        question_N: Index of its question.
        number_N: Option on the scale from 0; nan for a refusal.
        base_N: Whether it is the first ask of its cell: the survey's own order and wording,
            first draw.
        rows: The answers.
    """

    profiles: tuple[Profile, ...]
    profile_N: IntArray
    question_N: IntArray
    number_N: FloatArray
    base_N: BoolArray
    rows: Sequence[ReadAnswer] = field(repr=False)

    @staticmethod
    def of(read: Sequence[ReadAnswer], questions: Sequence[str]) -> "AnswerTable":
        """Align answers with a list of questions that has all of theirs."""
        place = {q: i for i, q in enumerate(questions)}
        profiles: dict[Profile, int] = {}
        who = []
        first: dict[tuple[int, str], int] = {}
        for n, r in enumerate(read):
            profile = (r.answer.model, r.answer.strategy, r.answer.community)
            p = profiles.setdefault(profile, len(profiles))
            who.append(p)
            first.setdefault((p, r.answer.question), n)
        base = np.zeros(len(read), dtype=bool)
        base[list(first.values())] = True
        numbers = [np.nan if r.number is None else r.number for r in read]
        return AnswerTable(
            profiles=tuple(profiles),
            profile_N=np.array(who, dtype=np.int64),
            question_N=np.array([place[r.answer.question] for r in read], dtype=np.int64),
            number_N=np.array(numbers, dtype=np.float64),
            base_N=base,
            rows=read,
        )

    def base_values(self, profiles: Sequence[int], n_questions: int) -> FloatArray:
        """Options of some profiles when first asked, shape (P, Q); nan where none is readable."""
        value = np.full((len(self.profiles), n_questions), np.nan)
        base = self.base_N
        value[self.profile_N[base], self.question_N[base]] = self.number_N[base]
        return value[list(profiles)]

    def groups(self) -> dict[tuple[str, str], list[int]]:
        """(Model, strategy) -> its profiles that name a community."""
        found: dict[tuple[str, str], list[int]] = {}
        for i, (model, strategy, community) in enumerate(self.profiles):
            own = found.setdefault((model, strategy), [])
            if community is not None:
                own.append(i)
        return found

    def check(self) -> None:
        """Check that there is something to measure.

        Raises:
            NotEnoughData: If no answer is readable.
        """
        if np.isnan(self.number_N).all():
            raise NotEnoughData("no answer can be read")
