"""From recorded words to options: which parser, which numbering, and what could not be used."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from pluralign.core import (
    NotEnoughData,
    RecordedAnswer,
    Refusal,
    Survey,
    SurveyQuestion,
    Tally,
    read_answer,
    read_published,
)
from pluralign.evaluation.surveys.endings import UNFINISHED, count_endings

Parser = Literal["strict", "published"]
"""How a reply is read: our own strict rules, or CultureSPA's published ones."""
Numbering = Literal["auto", "codes", "one"]
"""Labels of the options: the codes of the survey, numbers from 1, or found out from the replies."""


@dataclass(frozen=True, slots=True)
class ReadAnswer:
    """An answer as read.

    Attributes:
        answer: As recorded.
        number: Option on the scale that starts at 0: an option's index; under the published parser
            perhaps a number that no option has. None for a refusal.
    """

    answer: RecordedAnswer
    number: int | None

    @property
    def unfinished(self) -> bool:
        """Whether it names no option because it was cut off or withheld, which is no refusal."""
        return self.number is None and self.answer.finish_reason in UNFINISHED

    def option(self, question: SurveyQuestion) -> int | None:
        """Index of the option; None for a refusal or a number that no option has."""
        if self.number is None or not 0 <= self.number < len(question.options):
            return None
        return self.number


def read_all(
    answers: Sequence[RecordedAnswer],
    survey: Survey,
    parser: Parser,
    numbering: Numbering,
    tally: Tally,
) -> list[ReadAnswer]:
    """Read recorded answers against the questions of their survey.

    Where a row does not state what stood before its options, ``codes`` takes the survey's own codes
    and ``one`` numbers from 1. ``auto`` decides for each model by its answers to questions whose
    codes start at 0, and notes on what grounds; the published parser takes the codes.

    Args:
        answers: As recorded.
        survey: The questions.
        parser: How texts are read.
        numbering: How options were numbered where rows do not state it.
        tally: Counts the answers as kept; unused ones move to those dropped; unknown questions are
            listed by id.

    Returns:
        The answers to known questions with two options or more, in order.

    Raises:
        NotEnoughData: If none is left, or none is readable.
    """
    usable = [answer for answer in answers if _usable(answer, survey, tally)]
    from_one = _from_one(usable, survey, parser, numbering, tally)
    read = [_read(a, survey.questions[a.question], parser, from_one[a.model]) for a in usable]
    if not read:
        raise NotEnoughData(
            "no answer is to a question of this survey",
            hint=f"the survey has {', '.join(list(survey.questions)[:3])}, ...",
        )
    count_endings(((one.answer, one.number is None) for one in read), tally)
    if all(one.number is None for one in read):
        flagged = [text for text in UNFINISHED.values() if text in tally.flagged]
        why = "; ".join(f"{tally.flagged[text]:,} {text}" for text in flagged)
        raise NotEnoughData(
            "no answer can be read",
            hint=why or "look at the texts, or try the other parser or numbering",
        )
    return read


def _usable(answer: RecordedAnswer, survey: Survey, tally: Tally) -> bool:
    question = survey.questions.get(answer.question)
    if question is None:
        tally.drop_kept(f"unknown question: {answer.question[:60]}")
        return False
    if len(question.options) < 2:
        tally.drop_kept(f"question with one option: {answer.question}")
        return False
    if answer.labels and len(answer.labels) != len(question.options):
        tally.drop_kept(f"labels and options differ in number: {answer.question}")
        return False
    return True


def _read(
    answer: RecordedAnswer, question: SurveyQuestion, parser: Parser, from_one: bool
) -> ReadAnswer:
    if parser == "published":
        number = read_published(answer.text)
        lowest = 1 if from_one else int(_first(question))
        return ReadAnswer(answer, None if number is None else number - lowest)
    order = answer.order or tuple(range(len(question.options)))
    labels = answer.labels or (
        _numbers(len(order)) if from_one else tuple(question.codes[i] for i in order)
    )
    place = _place(answer.text, tuple(question.options[i] for i in order), labels)
    return ReadAnswer(answer, None if place is None else order[place])


@lru_cache(maxsize=65536)
def _place(text: str, shown: tuple[str, ...], labels: tuple[str, ...]) -> int | None:
    found = read_answer(text, shown, labels)
    return None if isinstance(found, Refusal) else found


def _from_one(
    answers: Sequence[RecordedAnswer],
    survey: Survey,
    parser: Parser,
    numbering: Numbering,
    tally: Tally,
) -> Mapping[str, bool]:
    """Model -> whether options were numbered from 1, for rows that do not state it."""
    models = dict.fromkeys(a.model for a in answers)
    if numbering != "auto" or parser == "published":
        return dict.fromkeys(models, numbering == "one")
    zero, top = _evidence(answers, survey)
    found = {}
    for model in models:
        found[model] = top[model] > zero[model]
        if zero[model] or top[model]:
            numbered = "from 1" if found[model] else "by the survey's codes"
            tally.note(
                f"{model}: options taken as numbered {numbered}: on questions whose codes start at "
                f"0, it answered the lowest code {zero[model]} times and one above the highest "
                f"code {top[model]} times"
            )
    return found


def _evidence(
    answers: Sequence[RecordedAnswer], survey: Survey
) -> tuple[Counter[str], Counter[str]]:
    """Model -> answers of 0, and of the number of options, to questions whose codes start at 0.

    Where an option itself reads "0" an answer of 0 proves nothing.
    """
    zero: Counter[str] = Counter()
    top: Counter[str] = Counter()
    for a in answers:
        question = survey.questions[a.question]
        if a.labels or _first(question) != "0":
            continue
        # Codes that start at 0 end one below the number of options, so 0 is an answer under codes
        # only, and the number of options under numbers from 1 only.
        number = read_published(a.text)
        zero[a.model] += number == 0 and "0" not in question.options
        top[a.model] += number == len(question.options)
    return zero, top


def _first(question: SurveyQuestion) -> str:
    return question.codes[0] if question.codes[0].isdigit() else "1"


@lru_cache(maxsize=64)
def _numbers(n: int) -> tuple[str, ...]:
    return tuple(str(i + 1) for i in range(n))
