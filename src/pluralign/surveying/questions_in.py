"""Which questions an evaluation of recorded answers compares, and which not, with the reasons."""

from collections.abc import Iterator, Sequence

from pluralign.core import RecordedAnswer, Survey, SurveyQuestion, SurveySource, Tally, listed
from pluralign.evaluation.surveys import Numbering, Parser

_REASONS = ("excluded question", "fewer than two options", "question without shares")
_HIGHEST_PUBLISHED = 10
_SHOWN = 8


def without_excluded(
    recorded: Sequence[RecordedAnswer], source: SurveySource, tally: Tally
) -> list[RecordedAnswer]:
    """The answers to questions that the source's ``exclude_questions`` does not name.

    The others are counted as dropped, by question.
    """
    excluded = frozenset(getattr(source, "exclude_questions", ()))
    kept = []
    for answer in recorded:
        if answer.question in excluded:
            tally.drop_kept(f"excluded question: {answer.question}")
        else:
            kept.append(answer)
    return kept


def question_notes(
    answered: Sequence[str], survey: Survey, read: Tally, parser: Parser, numbering: Numbering
) -> Iterator[str]:
    """Notes on questions that are left out, have no gold, or have options that cannot be read.

    Args:
        answered: Ids of the questions that the respondents answered.
        survey: The survey, with ``answered`` among its questions.
        read: Counts of the survey's own questions, by reason.
        parser: How texts were read.
        numbering: How options were numbered where rows do not state it.
    """
    counts = read.dropped + read.left_out
    left_out = [f"{counts[reason]} {reason}" for reason in _REASONS if counts[reason]]
    if left_out:
        yield f"questions of the survey that are not compared: {', '.join(left_out)}"
    with_people = {d.question for d in survey.distributions}
    alone = [id_ for id_ in answered if id_ not in with_people]
    if alone:
        yield (
            "answered by models alone, so only in refusals and in measures of variety: "
            f"{listed(alone, _SHOWN)}"
        )
    long = [
        id_ for id_ in answered if _highest(survey.questions[id_], numbering) > _HIGHEST_PUBLISHED
    ]
    if parser == "published" and long:
        yield (
            f"the published parser reads numbers above {_HIGHEST_PUBLISHED} only in a box, so the "
            f"last options of these may be counted as refusals: {listed(long, _SHOWN)}"
        )


def _highest(question: SurveyQuestion, numbering: Numbering) -> int:
    """The number of the last option: its code, or its position from 1."""
    last = question.codes[-1]
    codes_used = numbering != "one" and last.isdigit()
    return int(last) if codes_used else len(question.options)
