"""Keep the generated questions that can be asked, each once; reasons to drop are counted."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pluralign.core import SurveyQuestion, Tally

MOST_OPTIONS = 11
_NUMBERED = re.compile(
    r"^\s*[(\[]?(?:\d{1,2}|[a-z])\s*"
    r"(?:[.):\]]|[-–—](?=\s+[^\d\s]))\s+",
    re.I,
)
_NOTHING_SAID = (
    r"(?:(?:i\s+)?(?:do\s*n[o']?t|don[’']t) know|dk|no (?:answer|opinion)|refused?(?: to answer)?"
    r"|prefer not to (?:say|answer)|(?:i[’']m |i am )?(?:not sure|unsure|undecided)"
    r"|not applicable|n/?a"
    r"|can(?:not|[’']t) say|(?:it[’']s )?hard to say|other(?: answer)?(?: \(.*\))?)"
)
_NON_ANSWER = re.compile(rf"^{_NOTHING_SAID}(?:\s*(?:/|,|\bor\b)\s*{_NOTHING_SAID})*\W*$", re.I)
_SCALE_EXPLAINED = re.compile(r"on a scale|(?:with|where|which) [01] (?:being|means)", re.I)


@dataclass(frozen=True, slots=True)
class GeneratedQuestion:
    """A question that a model wrote.

    Attributes:
        id: ``g00000``, ``g00001``, ...: its row among all that were written.
        topic: Topic it was written for.
        text: The wording.
        options: Its options, without the numbers in front of them and without non-answers.
    """

    id: str
    topic: str
    text: str
    options: tuple[str, ...]

    def as_question(self) -> SurveyQuestion:
        """As a question that can be asked; codes start at 1, and no scale is known."""
        return SurveyQuestion(self.id, self.text, self.options)


def filter_questions(rows: Iterable[Mapping[str, object]], tally: Tally) -> list[GeneratedQuestion]:
    """Keep the questions that can be asked.

    CultureSPA (arXiv 2410.12971) drops duplicates and badly formed options.

    Numbers in front of options are taken off and non-answers ("Don't know", "Not sure/Refused")
    left out, both noted; a question that keeps fewer than two options, more than eleven, an empty
    one or two that are equal is dropped, as is one without text, one whose text came before, and
    one whose options are bare numbers that it does not explain.

    Args:
        rows: ``{"topic", "question", "options"}``.
        tally: Where questions read, kept, dropped by reason and changed are counted.

    Returns:
        The questions kept, in order.

    >>> tally = Tally()
    >>> row = {"topic": "Work", "question": "Is work important?"}
    >>> full = row | {"options": ["1. Yes", "2. No", "Don't know"]}
    >>> short = row | {"options": ["Yes"]}
    >>> [q.options for q in filter_questions([full, full, short], tally)]
    [('Yes', 'No')]
    >>> dict(tally.dropped)
    {'same text as an earlier question': 1, 'fewer than two options': 1}
    """
    seen: set[str] = set()
    kept = []
    for number, row in enumerate(rows):
        tally.read += 1
        text, listed = row.get("question"), row.get("options")
        options, problem = _options(listed, tally)
        key = " ".join(re.findall(r"\w+", text.casefold())) if isinstance(text, str) else ""
        if not key:
            problem = "no question"
        elif problem is None and key in seen:
            problem = "same text as an earlier question"
        elif problem is None and not _explained(str(text), options):
            problem = "a scale of numbers that the question does not explain"
        if problem is not None:
            tally.drop(problem)
            continue
        seen.add(key)
        kept.append(
            GeneratedQuestion(
                f"g{number:05d}", str(row.get("topic") or ""), str(text).strip(), options
            )
        )
    tally.kept += len(kept)
    return kept


def _options(listed: object, tally: Tally) -> tuple[tuple[str, ...], str | None]:
    """The options as they can be shown, and what is wrong with them."""
    if not isinstance(listed, list) or not all(isinstance(o, str | int | float) for o in listed):
        return (), "options must be a list of texts"
    texts = [str(o).strip() for o in listed]
    real = tuple(t for t in texts if not _NON_ANSWER.match(_NUMBERED.sub("", t)))
    if len(real) < len(texts):
        tally.note("non-answers left out of the options")
    # Only if all options have a number: one alone may belong to its words ("2 children").
    if len(real) >= 2 and all(_NUMBERED.match(t) for t in real):
        tally.note("numbers in front of options taken off")
        real = tuple(_NUMBERED.sub("", t).strip() for t in real)
    return real, _problem(real)


def _problem(options: tuple[str, ...]) -> str | None:
    """Why a question with these options cannot be asked; None where it can."""
    if not all(options):
        return "an empty option"
    if len(options) < 2:
        return "fewer than two options"
    if len(options) > MOST_OPTIONS:
        return f"more than {MOST_OPTIONS} options"
    if len({t.casefold() for t in options}) < len(options):
        return "two options are equal"
    return None


def _explained(text: str, options: tuple[str, ...]) -> bool:
    """Whether the options have words of their own, or the question explains their numbers."""
    return not all(t.isdecimal() for t in options) or _SCALE_EXPLAINED.search(text) is not None
