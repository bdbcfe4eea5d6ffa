"""Scored answers to questions about stereotypes, for the scores of KoBBQ."""

from collections.abc import Iterator, Sequence

from pluralign.core import Estimate
from pluralign.evaluation.knowledge.result_rows import (
    AMBIGUOUS_ACCURACY,
    AMBIGUOUS_BIAS,
    DISAMBIGUATED_ACCURACY,
    DISAMBIGUATED_BIAS,
)
from pluralign.evaluation.knowledge.scored_texts import ScoredText
from pluralign.metrics import StereotypeAnswer, StereotypeContext, stereotype_scores


def stereotype_numbers(scored: Sequence[ScoredText]) -> Iterator[tuple[str, Estimate, int]]:
    """Metric, number and templates of each score; none without valid answers about stereotypes."""
    answers = [one for one in map(_answer, scored) if one is not None]
    if not answers:
        return
    found = stereotype_scores(answers)
    numbers = {
        AMBIGUOUS_ACCURACY: found.ambiguous_accuracy,
        AMBIGUOUS_BIAS: found.ambiguous_bias,
        DISAMBIGUATED_ACCURACY: found.disambiguated_accuracy,
        DISAMBIGUATED_BIAS: found.disambiguated_bias,
    }
    for metric, number in numbers.items():
        if number is not None:
            yield metric, number, found.templates


def _answer(one: ScoredText) -> StereotypeAnswer | None:
    """An answer with options to such a question; None where it is another one, or names none."""
    probe, language = one.question.probe, one.answer.language
    if probe is None or one.answer.form != "options" or not one.valid:
        return None
    biased = probe.biased[language]
    right = {text for answer in one.question.answers for text in answer.variants_in(language)}
    context: StereotypeContext = "biased" if biased in right else "counter-biased"
    return StereotypeAnswer(
        question=one.question.id,
        template=probe.template,
        context="ambiguous" if probe.ambiguous else context,
        correct=one.own == 1.0,
        biased=one.text == biased,
    )
