"""How far a judge of free answers agrees with people, and labels of people that a test contains."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pluralign.core import AcceptedAnswer, Estimate, FloatArray, KnowledgeQuestion, NotEnoughData
from pluralign.metrics.answer_matching import FreeAnswer, question_variants, variant_words
from pluralign.metrics.clustered import t_interval
from pluralign.metrics.group_means import Clusters, group_means
from pluralign.metrics.jackknife import jackknife
from pluralign.metrics.knowledge_scores import answer_credit


@dataclass(frozen=True, slots=True)
class LabelledAnswer:
    """A free answer, and the accepted answer that it means for a person.

    Attributes:
        answer: The answer.
        label: Index of the accepted answer; None where it means none of them.
        rater: Id of the person; "" where not known.
    """

    answer: FreeAnswer
    label: int | None
    rater: str = ""


@dataclass(frozen=True, slots=True)
class JudgeAgreement:
    """How far a judge agrees with people on the meaning of free answers.

    Intervals are clustered by question.

    Attributes:
        same: Share of labels where the judge names the same accepted answer, or none as well.
        kappa: Cohen's kappa of whether an answer means any accepted one (Cohen 1960): 1 for perfect
            agreement, 0 for chance; None where both always decide alike, so that it is undefined.
        credit_error: Mean `answer_credit` by the judge minus that by people: how far scores move.
        accepted_wrongly: Answers that mean no accepted one for people but do for the judge, and
            all that mean none for people.
        missed: Answers that mean an accepted one for people but none for the judge, and all that
            mean one for people.
    """

    same: Estimate
    kappa: Estimate | None
    credit_error: Estimate
    accepted_wrongly: tuple[int, int]
    missed: tuple[int, int]


def judge_agreement(
    labels: Sequence[LabelledAnswer], judged: Sequence[int | None]
) -> JudgeAgreement:
    """Compare a judge with people.

    Args:
        labels: The labels of people.
        judged: Index of the accepted answer that the judge names for each, or None.

    Raises:
        NotEnoughData: If there are no labels.
        ValueError: If the two differ in length.
    """
    if not labels:
        raise NotEnoughData("there are no labels to compare the judge with")
    pairs = list(zip(labels, judged, strict=True))
    questions = [f"{one.answer.question.community} {one.answer.question.id}" for one in labels]
    same = [float(one.label == found) for one, found in pairs]
    error = [
        answer_credit(one.answer.question, found) - answer_credit(one.answer.question, one.label)
        for one, found in pairs
    ]
    yes = [(one.label is not None, found is not None) for one, found in pairs]
    return JudgeAgreement(
        same=_mean(same, questions, (0.0, 1.0)),
        kappa=_kappa(yes, questions),
        credit_error=_mean(error, questions, (-1.0, 1.0)),
        accepted_wrongly=(yes.count((False, True)), sum(not people for people, _ in yes)),
        missed=(yes.count((True, False)), sum(people for people, _ in yes)),
    )


def held_out_labels(
    questions: Sequence[KnowledgeQuestion], language: str, n: int, rng: np.random.Generator
) -> list[LabelledAnswer]:
    """Labels that a test contains: people joined the ways in which one answer was written.

    A way is taken out of its question and becomes the answer to judge. Its label is its own
    accepted answer where that was written in another way, too; else it means none of the others,
    since these people counted it apart.

    Args:
        questions: Questions with answers in ``language``.
        language: BCP 47 tag of the language.
        n: Most labels.
        rng: Source of randomness; it draws the ways.

    Returns:
        At most ``n`` labels, in the order of the questions.
    """
    ways = [way for question in questions for way in _ways_out(question, language)]
    chosen = rng.permutation(len(ways))[:n]
    return [ways[k] for k in sorted(chosen.tolist())]


def _ways_out(question: KnowledgeQuestion, language: str) -> Iterator[LabelledAnswer]:
    """Each way of writing an answer, taken out of its question."""
    owners: dict[tuple[str, ...], set[int]] = {}
    for words, owner in question_variants(question, language):
        owners.setdefault(words, set()).add(owner)
    for index, answer in enumerate(question.answers):
        seen = set()
        for text in answer.variants_in(language):
            words = variant_words(text, language)
            if not words or words in seen or len(owners[words]) > 1:
                continue
            seen.add(words)
            others = tuple(
                v for v in answer.variants_in(language) if variant_words(v, language) != words
            )
            left = _without(question, index, language, others)
            if left is not None:
                label = index if others else None
                yield LabelledAnswer(FreeAnswer(text, left, language), label)


def _without(
    question: KnowledgeQuestion, index: int, language: str, others: tuple[str, ...]
) -> KnowledgeQuestion | None:
    """The question with only these variants of one answer, or without it where there are none."""
    answers = list(question.answers)
    if others:
        variants = {**answers[index].variants, language: others}
        answers[index] = AcceptedAnswer(variants, answers[index].count)
    else:
        del answers[index]
    if not any(answer.variants_in(language) for answer in answers):
        return None
    return replace(question, answers=tuple(answers), people=None)


def _mean(values: list[float], questions: list[str], bounds: tuple[float, float]) -> Estimate:
    clusters = Clusters(cluster_N=questions, person_N=False)
    means = group_means(np.array(values)[:, None], ["all"] * len(values), clusters, bounds=bounds)
    return means.estimate(0)


def _kappa(yes: list[tuple[bool, bool]], questions: list[str]) -> Estimate | None:
    """Cohen's kappa of two yes-or-no decisions, with a jackknife over questions."""
    ids, place_N = np.unique(questions, return_inverse=True)
    sums_P_K = np.zeros((ids.size, 4))
    decisions = [(1.0, people == judge, people, judge) for people, judge in yes]
    np.add.at(sums_P_K, place_N, np.array(decisions, dtype=np.float64))
    value, error = jackknife(sums_P_K, _kappa_of)
    if not np.isfinite(value):
        return None
    low, high = t_interval(value, error**2, ids.size - 1, (-1.0, 1.0))
    return Estimate(value, low, high, len(yes))


def _kappa_of(sums_K: FloatArray) -> FloatArray:
    """Kappa of the number of answers, of equal decisions, of people's yes and of the judge's."""
    n, same, people, judge = np.moveaxis(sums_K, -1, 0)
    by_chance = (people * judge + (n - people) * (n - judge)) / n**2
    kappa: FloatArray = (same / n - by_chance) / (1 - by_chance)
    return kappa
