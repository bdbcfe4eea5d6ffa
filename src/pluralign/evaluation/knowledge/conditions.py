"""Scores of each model by community, language, form and whether the place is named."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import fmean

import numpy as np
from scipy.special import softmax

from pluralign.core import AnswerForm, Estimate, FloatArray, KnowledgeQuestion, KnowledgeTest
from pluralign.evaluation.knowledge.reference_answers import credit_of_others
from pluralign.evaluation.knowledge.result_rows import (
    ACCURACY,
    ATTAINABLE,
    BASELINE,
    CONTAINED,
    CREDIT,
    EMPTY,
    EXACT,
    GAIN,
    INVALID,
    JUDGED,
    OTHER_LANGUAGE,
    PEOPLE,
    PERSON,
    SIMBENCH,
    STEMMED,
    UNMATCHED,
    VALID_ACCURACY,
    KnowledgeRow,
)
from pluralign.evaluation.knowledge.scored_texts import ScoredText
from pluralign.evaluation.knowledge.stereotypes import stereotype_numbers
from pluralign.metrics import (
    AnswerShares,
    mean_over_topics,
    person_credit,
    simulation_score,
)
from pluralign.metrics.answer_matching import MatchKind, Stems
from pluralign.metrics.choice_baselines import GUESSES, guessed_right

_SHARE, _DIFFERENCE = (0.0, 1.0), (-1.0, 1.0)


def knowledge_rows(
    scored: Sequence[ScoredText], test: KnowledgeTest, stems: Stems | None = None
) -> list[KnowledgeRow]:
    """All numbers of scored answers, with baselines and a typical person of each community.

    Draws of one question are averaged, so that questions count the same. Intervals are clustered
    by topic; a question without a topic is one of its own.

    Args:
        scored: Scored answers of any models and conditions.
        test: The test, with the answers of other communities.
        stems: Stems of words; see `match_answer`.
    """
    groups: dict[tuple[str, str, str, bool, AnswerForm], list[ScoredText]] = {}
    for one in scored:
        key = (one.answer.model, *one.answer.condition)
        groups.setdefault(key, []).append(one)
    rows: list[KnowledgeRow] = []
    measured: set[tuple[str, str, bool, AnswerForm]] = set()
    others = {
        (question.community, question.id): credit_of_others(question, test, stems)
        for question in {(o.question.community, o.question.id): o.question for o in scored}.values()
    }
    for (model, *_), own in groups.items():
        condition = Condition(own)
        rows += condition.rows(model)
        if own[0].answer.condition not in measured:
            measured.add(own[0].answer.condition)
            rows += condition.reference_rows(others)
    return rows


@dataclass(frozen=True)
class Condition:
    """The answers of one model about one community, in one language, form and way to name it.

    Attributes:
        scored: The answers; several draws of a question are averaged.
    """

    scored: Sequence[ScoredText]

    @cached_property
    def by_question(self) -> Mapping[str, list[ScoredText]]:
        """Id of a question -> its answers."""
        found: dict[str, list[ScoredText]] = {}
        for one in self.scored:
            found.setdefault(one.question.id, []).append(one)
        return found

    @cached_property
    def questions(self) -> list[KnowledgeQuestion]:
        """The questions, one after the other as in ``by_question``."""
        return [own[0].question for own in self.by_question.values()]

    def rows(self, model: str) -> Iterator[KnowledgeRow]:
        """The numbers of the model.

        Args:
            model: Name of the model in them.
        """
        credit_N = self._means(lambda one: one.own)
        yield self._row(CREDIT, model, credit_N)
        people = self._persons()
        if people:
            kept, person_N = list(people), np.array(list(people.values()))
            yield self._row(GAIN, model, credit_N[kept] - person_N, kept, _DIFFERENCE)
        if self.scored[0].answer.form == "short":
            yield from self._matches(model)
        else:
            yield from self._choices(model)
        yield from self._simulated(model)
        for metric, number, templates in stereotype_numbers(self.scored):
            row = self._numbered(metric, model, number, None)
            yield replace(row, n=number.n, topics=templates)

    def reference_rows(
        self, others: Mapping[tuple[str, str], float | None]
    ) -> Iterator[KnowledgeRow]:
        """A typical person of the community, and the baselines, on the same questions.

        Args:
            others: Community and id of a question -> credit of the common answer elsewhere.
        """
        people = self._persons()
        if people:
            yield self._row(PERSON, PEOPLE, np.array(list(people.values())), list(people))
        if self.scored[0].answer.form == "options":
            yield from self._guesses()
            return
        credits_N = [others[question.community, question.id] for question in self.questions]
        kept = [k for k, credit in enumerate(credits_N) if credit is not None]
        if kept:
            value_N = np.array([credit for credit in credits_N if credit is not None])
            yield self._row(CREDIT, f"{BASELINE}other communities", value_N, kept)

    def _matches(self, model: str) -> Iterator[KnowledgeRow]:
        language = self.scored[0].answer.language
        kinds: tuple[tuple[str, MatchKind], ...] = (
            (EXACT, "exact"),
            (STEMMED, "stemmed"),
            (CONTAINED, "contained"),
        )
        if any(one.kind == "judged" for one in self.scored):
            kinds = (*kinds, (JUDGED, "judged"))
        for metric, kind in kinds:
            yield self._row(metric, model, self._means(_has_kind(kind)))
        yield self._row(UNMATCHED, model, self._means(lambda one: one.valid and one.kind is None))
        yield self._row(EMPTY, model, self._means(lambda one: not one.valid))
        yield self._row(
            OTHER_LANGUAGE, model, self._means(lambda one: one.matched_in not in {"", language})
        )

    def _choices(self, model: str) -> Iterator[KnowledgeRow]:
        """Accuracy with invalid answers as wrong ones, their share, and accuracy without them."""
        yield self._row(ACCURACY, model, self._means(lambda one: one.own == 1.0))
        yield self._row(INVALID, model, self._means(lambda one: not one.valid))
        valid = {
            k: fmean(one.own == 1.0 for one in own if one.valid)
            for k, own in enumerate(self.by_question.values())
            if any(one.valid for one in own)
        }
        if valid:
            yield self._row(VALID_ACCURACY, model, np.array(list(valid.values())), list(valid))

    def _simulated(self, model: str) -> Iterator[KnowledgeRow]:
        """SimBench's score on questions with counts, and what as many draws can attain."""
        by_place = {k: _shares(own) for k, own in enumerate(self.by_question.values())}
        shares = {k: one for k, one in by_place.items() if one is not None}
        if not any(one.uniform_distance for one in shares.values()):
            return
        found = simulation_score(list(shares.values()))
        attainable = Estimate(found.attainable, None, None, found.score.n)
        yield self._numbered(SIMBENCH, model, found.score, list(shares))
        yield self._numbered(ATTAINABLE, model, attainable, list(shares))

    def _guesses(self) -> Iterator[KnowledgeRow]:
        firsts = [own[0] for own in self.by_question.values()]
        kept = [k for k, one in enumerate(firsts) if one.right is not None]
        if len(kept) < 2:
            return
        values = guessed_right(
            [firsts[k].answer.options for k in kept], [firsts[k].right or 0 for k in kept]
        )
        for s, name in enumerate(GUESSES):
            yield self._row(ACCURACY, f"{BASELINE}{name}", values[:, s], kept)

    def _persons(self) -> dict[int, float]:
        """Position of each question with counts -> the credit of a typical person."""
        found = {k: person_credit(question) for k, question in enumerate(self.questions)}
        return {k: credit for k, credit in found.items() if credit is not None}

    def _means(self, number_of: Callable[[ScoredText], float]) -> FloatArray:
        """A number of each question: the mean over its draws."""
        return np.array([fmean(map(number_of, own)) for own in self.by_question.values()])

    def _row(
        self,
        metric: str,
        model: str,
        value_N: FloatArray,
        kept: Sequence[int] | None = None,
        bounds: tuple[float, float] = _SHARE,
    ) -> KnowledgeRow:
        """The mean of a number of each question, or of the questions at some positions."""
        asked = self.questions if kept is None else [self.questions[k] for k in kept]
        topics = [question.topic or question.id for question in asked]
        return self._numbered(metric, model, mean_over_topics(value_N, topics, bounds), kept)

    def _numbered(
        self, metric: str, model: str, mean: Estimate, kept: Sequence[int] | None
    ) -> KnowledgeRow:
        """A number of all questions, or of those at some positions."""
        asked = self.questions if kept is None else [self.questions[k] for k in kept]
        topics = [question.topic or question.id for question in asked]
        answer = self.scored[0].answer
        return KnowledgeRow(
            metric=metric,
            community=answer.community,
            value=mean.value,
            low=mean.low,
            high=mean.high,
            n=len(asked),
            topics=len(set(topics)),
            model=model,
            language=answer.language,
            place_named=answer.place_named,
            form=answer.form,
            n_raters=_people(asked),
            mentions=sum(q.mentions for q in asked) if all(q.counted for q in asked) else None,
        )


def _shares(own: Sequence[ScoredText]) -> AnswerShares | None:
    """The shares of answers to one question of two answers or more, by draws or by likelihood."""
    question, answer = own[0].question, own[0].answer
    if not question.counted or len(question.answers) < 2:
        return None
    if answer.log_probs:
        options = question.options.get(answer.language, ())
        if set(options) != set(answer.options):
            return None  # Options of other communities: how many people would choose them?
        order = [answer.options.index(option) for option in options]
        return AnswerShares.likely(question, answer.language, softmax(answer.log_probs)[order])
    return AnswerShares.drawn(question, [one.matched for one in own]) if len(own) > 1 else None


def _has_kind(kind: MatchKind) -> Callable[[ScoredText], bool]:
    return lambda one: one.kind == kind


def _people(questions: Sequence[KnowledgeQuestion]) -> int | None:
    """The most people asked one of these questions; None where that is not known of all."""
    counts = [question.people for question in questions]
    known = [count for count in counts if count is not None]
    return max(known) if len(known) == len(counts) else None
