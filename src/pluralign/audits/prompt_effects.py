"""Effects of the language, the order of options and the wording, compared with the culture's."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from pluralign.audits.answers import estimate
from pluralign.audits.checks import Context, Measured, Skipped
from pluralign.audits.evidence import Evidence
from pluralign.audits.findings import Rows
from pluralign.audits.sentences import Sentence, Share
from pluralign.core import FloatArray
from pluralign.evaluation.surveys import ReadAnswer, changes
from pluralign.metrics import draw_questions, draw_ratios, standard_error

_SHOWN = 8


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
    groups: dict[str, list[ReadAnswer]] = defaultdict(list)
    for one in evidence.answers:
        if one.number is not None:
            groups[f"{one.answer.model} · {one.answer.strategy}"].append(one)
    if not groups:
        yield Skipped("no recorded answers", needs)
    for subject, answers in groups.items():
        questions = {
            q: i for i, q in enumerate(dict.fromkeys(one.answer.question for one in answers))
        }
        counts = draw_questions(len(questions), context.rng("effects", subject), context.draws)
        culture = changes(answers, "culture", questions)
        moved = {facet: changes(answers, facet, questions) for facet in facets}
        moved = {facet: sums for facet, sums in moved.items() if sums[1].any()}
        if not moved or not culture[1].any():
            yield Skipped(f"{subject}: one way of asking, or one culture, only", needs)
            continue
        base, base_B = _rate(culture, counts)
        for facet, sums in moved.items():
            rate, rate_B = _rate(sums, counts)
            n = int((sums[1] > 0).sum())
            changed = [q for q, i in questions.items() if sums[0][i]]
            yield Measured(
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
                look="Compare the answers to the listed questions; the questions differ in this "
                "one "
                "property only.",
            )


def _rate(sums: tuple[FloatArray, FloatArray], counts_B_Q: FloatArray) -> tuple[float, FloatArray]:
    top, bottom = sums
    return float(top.sum() / bottom.sum()), draw_ratios(top[None], bottom[None], counts_B_Q)[:, 0]
