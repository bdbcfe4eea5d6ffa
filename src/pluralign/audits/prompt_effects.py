"""Effects of the language, the order of options and the wording, compared with the culture's."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from pluralign.audits.checks import Context, Measured, Skipped
from pluralign.audits.evidence import Evidence
from pluralign.audits.findings import Rows
from pluralign.audits.respondent_answers import estimate
from pluralign.audits.sentences import Sentence, Share
from pluralign.core import FloatArray
from pluralign.evaluation.surveys import ReadAnswer, changes
from pluralign.metrics import draw_questions, draw_ratios, standard_error

_SHOWN = 8
Sums = tuple[FloatArray, FloatArray]
"""Changed answers and compared answers, by question, shape (Q,) each."""


def language(evidence: Evidence, context: Context) -> Iterator[Measured | Skipped]:
    """How often the answer changes with the prompt's language, compared with the named culture."""
    yield from _against_culture(
        evidence,
        context,
        ("language",),
        "answers in two languages or more",
        "{subject} takes language for culture: changing the language changes {share} of its "
        "answers, naming another "
        "culture {other_share}.",
    )


def artefacts(evidence: Evidence, context: Context) -> Iterator[Measured | Skipped]:
    """How often the answer changes with the order or the wording, compared with the culture."""
    yield from _against_culture(
        evidence,
        context,
        ("order", "paraphrase"),
        "answers to one question in several orders or wordings",
        "The form of a question affects {subject} more than the culture that it names: another "
        "order or wording changes {share} of its answers, naming another culture {other_share}.",
    )


def _against_culture(
    evidence: Evidence, context: Context, facets: Sequence[str], needs: str, template: str
) -> Iterator[Measured | Skipped]:
    groups = _by_subject(evidence.answers)
    if not groups:
        yield Skipped("no recorded answers", needs)
    for subject, answers in groups.items():
        index = _index_of_questions(answers)
        # The same draws for both effects, so that their difference has an interval of its own.
        counts = draw_questions(len(index), context.rng("effects", subject), context.draws)
        culture = changes(answers, "culture", index)
        compared = False
        for facet in facets:
            form = changes(answers, facet, index)
            if form[1].any() and culture[1].any():
                compared = True
                yield _compared(subject, facet, form, culture, counts, list(index), template)
        if not compared:
            yield Skipped(f"{subject}: one way of asking, or one culture, only", needs)


def _by_subject(answers: Sequence[ReadAnswer]) -> dict[str, list[ReadAnswer]]:
    """Model and strategy -> the answers that were read."""
    groups: dict[str, list[ReadAnswer]] = defaultdict(list)
    for one in answers:
        if one.number is not None:
            groups[f"{one.answer.model} · {one.answer.strategy}"].append(one)
    return groups


def _index_of_questions(answers: Sequence[ReadAnswer]) -> dict[str, int]:
    """Question -> its index, in the order of the answers."""
    index: dict[str, int] = {}
    for one in answers:
        index.setdefault(one.answer.question, len(index))
    return index


def _compared(
    subject: str,
    facet: str,
    form: Sums,
    culture: Sums,
    counts_B_Q: FloatArray,
    questions: Sequence[str],
    template: str,
) -> Measured:
    """The effect of the form of a question less that of the culture."""
    rate, rate_B = _rate(form, counts_B_Q)
    base, base_B = _rate(culture, counts_B_Q)
    n = int((form[1] > 0).sum())
    changed = [questions[q] for q in np.flatnonzero(form[0]).tolist()]
    return Measured(
        subject=subject,
        community=None,
        value=rate - base,
        error=standard_error(rate_B - base_B),
        numbers={
            f"{facet}_effect_beyond_culture": estimate(rate - base, rate_B - base_B, n),
            f"{facet}_effect": estimate(rate, rate_B, n),
            "culture_effect": estimate(base, base_B, int((culture[1] > 0).sum())),
        },
        claim=Sentence(
            template, {"subject": subject, "share": Share(rate), "other_share": Share(base)}
        ),
        rows=Rows("questions", len(changed), tuple(changed[:_SHOWN])),
        look="Compare the answers to the listed questions; the questions differ in this one "
        "property only.",
    )


def _rate(sums: Sums, counts_B_Q: FloatArray) -> tuple[float, FloatArray]:
    top, bottom = sums
    return float(top.sum() / bottom.sum()), draw_ratios(top[None], bottom[None], counts_B_Q)[:, 0]
