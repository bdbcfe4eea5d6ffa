"""CultureSPA's generated questions, and the ones that our filter and the published one keep."""

import gzip
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pages.writing import folded, table
from pluralign.core import Tally
from pluralign.methods.culturespa import GeneratedQuestion, filter_questions

PUBLISHED = 12_860
"""Questions that the authors kept."""
_EXPLAINED = ("on a scale", "with 1 being", "where 1 means", "which 1 means")
_BY_EYE = (
    12_823,
    "Read by eye (not generated; shown while the filter keeps as many as when it was read): all"
    " questions dropped, and 80 kept ones drawn at random. Questions dropped as equal to an"
    " earlier one differ from it at most in case or punctuation. Questions with two equal options"
    " are mostly scales with *somewhat important* on both sides of *neutral*, so that an answer"
    " is ambiguous. All 80 kept ones can be asked; in about five the options fit the question"
    " badly (an either-or question answered by *strongly agree*, a step of a scale out of order),"
    " which neither filter sees. Nor does either see questions that ask one thing in other words:"
    " there are dozens on climate change and the security of your community. *It depends on the"
    " situation* and *Neither* stay as answers.",
)
Rows = Sequence[Mapping[str, Any]]


def questions_section(data: Path) -> str:
    """Kept and dropped by reason, by topic, and against the published filter."""
    with gzip.open(data / "wvs" / "generated_questions.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    tally = Tally()
    kept = filter_questions(rows, tally)
    parts = [
        "### CultureSPA's questions",
        f"Llama-3-8B-Instruct wrote {tally.read:,} questions for CultureSPA. Ours keeps"
        f" {tally.kept:,} of them, the authors kept {PUBLISHED:,}.",
        table(["our filter", "questions"], _reasons(tally)),
        _against_published(rows, kept),
        folded("Kept by topic", table(["topic", "written", "kept"], _topics(rows, kept))),
    ]
    count, read = _BY_EYE
    return "\n\n".join([*parts, read] if tally.kept == count else parts)


def _reasons(tally: Tally) -> list[list[str]]:
    return [
        ["written", f"{tally.read:,}"],
        *([f"dropped: {reason}", f"{n:,}"] for reason, n in tally.dropped.most_common()),
        ["kept", f"{tally.kept:,}"],
        *([f"changed: {note}", f"{n:,}"] for note, n in tally.notes.most_common()),
    ]


def published_filter(rows: Rows) -> set[int]:
    """Places of the questions that CultureSPA's own filter keeps, as its repository has it.

    It drops a question whose text, letter by letter, came before, and one whose options are bare
    digits unless its text contains one of four phrases that explain them.

    >>> digits = {"question": "How much?", "options": ["1", "2"]}
    >>> words = {"question": "How often?", "options": ["Never", "Daily"]}
    >>> sorted(published_filter([digits, words, digits]))
    [1]
    """
    seen: set[str] = set()
    kept = set()
    for place, row in enumerate(rows):
        text, digits = row["question"], "".join(row["options"]).isdigit()
        explained = any(phrase in text.lower() for phrase in _EXPLAINED)
        if text not in seen and (explained or not digits):
            kept.add(place)
        seen.add(text)
    return kept


def _against_published(rows: Rows, kept: Sequence[GeneratedQuestion]) -> str:
    theirs, ours = published_filter(rows), {int(q.id[1:]) for q in kept}
    reasons = Counter(_reason(rows, place) for place in theirs - ours)
    bare = sum(
        "".join(row["options"]).isdigit() for row in (rows[place] for place in ours - theirs)
    )
    same = "the published number" if len(theirs) == PUBLISHED else "not the published number"
    told = "; ".join(f"*{reason}* in ours: {n}" for reason, n in reasons.most_common())
    return (
        f"The authors' filter, rebuilt from their notebook, keeps {len(theirs):,} ({same}): it"
        " drops texts that came before letter by letter, and scales of bare digits that the"
        f" question does not explain. Kept by both: {len(theirs & ours):,}. Kept by theirs alone:"
        f" {len(theirs - ours)} ({told}). Kept by ours alone: {len(ours - theirs)} (scales of"
        f" bare digits that the question explains in words they did not look for: {bare}). Ours"
        " takes the numbers off the options, for they are numbered when they are asked, and"
        " leaves out non-answers; so options that differ in their number alone come to light as"
        " equal."
    )


def _reason(rows: Rows, place: int) -> str:
    """Why ours drops a question; one that it would keep by itself came before in other letters."""
    tally = Tally()
    filter_questions([rows[place]], tally)
    return next(iter(tally.dropped), "same text as an earlier question")


def _topics(rows: Rows, kept: Sequence[GeneratedQuestion]) -> list[list[str]]:
    written, left = Counter(row["topic"] for row in rows), Counter(q.topic for q in kept)
    return [[topic, f"{n:,}", f"{left[topic]:,}"] for topic, n in written.items()]
