"""The section on local knowledge: agreement of people, regions compared, and guesses."""

from collections.abc import Mapping, Sequence
from typing import Any

from pages.sections import marked
from pages.writing import named, percent, points, table, verdict
from pluralign.core import Estimate

Printed = Mapping[str, Any]
Cells = Mapping[tuple[str, str], Estimate]
INTRODUCTION = """\
Numbers of a test itself, before any model answers it: they are what a model's score is compared
with. BLEnD (Myung et al. 2024) asked about five people in each of ten regions; an answer scores the
number of people who gave it, divided by the number who gave the most common one. ParsiNLU
(Khashabi et al. 2021) has Persian exam questions with options, without counts. All numbers are in
per cent, with 95 % intervals."""
AGREEMENT = """\
*Agreement* is the chance that two answers that people of a region gave to a question are the same.
A *typical person* is one answer of one person, scored against the others. Intervals of all topics
together are clustered by topic, those of one topic are over its questions. Questions with fewer
than two answers are left out. `pluralign knowledge people blend`"""
MISTAKEN = """\
The answers of the people of the column, scored in the region of the row, on the {questions}
questions that all regions answered; answers are compared in English. On the diagonal, in bold, is a
typical person of the region itself. Intervals are clustered by topic. `pluralign knowledge compare
blend`"""
GUESSES = """\
Accuracy of respondents that do not read the question. {read:,} questions were read, {kept:,} can be
used; not used: {dropped}. Intervals are over questions. `pluralign knowledge baselines
multiple_choice_test.jsonl.gz --community IRN --language fa --skip-bad`"""


def section(people: Printed, compared: Printed, guesses: Printed, reading: str) -> str:
    """The section with its markers.

    Args:
        people: JSON of ``pluralign knowledge people``.
        compared: JSON of ``pluralign knowledge compare``.
        guesses: JSON of ``pluralign knowledge baselines``.
        reading: The text of a person about the numbers, with its heading.
    """
    rows = people["people"]
    parts = [
        "## Local knowledge: people and guesses",
        INTRODUCTION,
        "### How far people agree with each other",
        AGREEMENT,
        _of_regions(rows),
        "Agreement by topic:",
        _by_topic(rows, "agreement"),
        "The score of a typical person by topic:",
        _by_topic(rows, "person"),
        "### Which region is mistaken for which",
        MISTAKEN.format(questions=compared["questions"]),
        _matrix(_cells(compared["scores"])),
        _mistaken(_cells(compared["scores"]), _cells(compared["differences"])),
        "### Guesses on ParsiNLU",
        GUESSES.format(
            read=guesses["read"], kept=guesses["kept"], dropped=_reasons(guesses["dropped"])
        ),
        _guesses(guesses["baselines"]),
        _given_away(guesses["baselines"]),
        reading.strip(),
    ]
    return marked("knowledge", "\n\n".join(parts))


def _of_regions(rows: Sequence[Printed]) -> str:
    lines = [
        [
            named(row["community"]),
            percent(_estimate(row["agreement"])),
            percent(_estimate(row["person"])),
            f"{row['questions']:,}",
            f"{row['answers']:,}",
        ]
        for row in rows
        if not row["topic"]
    ]
    return table(["region", "agreement", "typical person", "questions", "answers"], lines)


def _by_topic(rows: Sequence[Printed], what: str) -> str:
    cells = {(row["community"], row["topic"]): _estimate(row[what]) for row in rows if row["topic"]}
    topics = sorted({topic for _, topic in cells})
    lines = [
        [region, *(percent(cells.get((region, topic))) for topic in topics)]
        for region in sorted({region for region, _ in cells})
    ]
    return table(["region", *topics], lines)


def _matrix(score: Cells) -> str:
    regions = sorted({asked for asked, _ in score})
    lines = []
    for asked in regions:
        shown = {answering: percent(score[asked, answering]) for answering in regions}
        shown[asked] = f"**{shown[asked]}**"
        lines.append([asked, *shown.values()])
    return table(["questions of", *regions], lines)


def _mistaken(score: Cells, difference: Cells) -> str:
    """Sentences on the pairs of regions that are nearest, and on those that differ."""
    behind = [pair for pair, edge in difference.items() if edge.high is not None and edge.high < 0]
    nearest = sorted(difference, key=lambda pair: -score[pair].value)[:5]
    listed = "; ".join(f"{b} in {a} {percent(score[a, b])}" for a, b in nearest)
    return (
        f"* A typical person of the region is ahead of another region's people in {len(behind)} of "
        f"{len(difference)} comparisons (the interval of the paired difference is below 0).\n"
        f"* The best scores of other regions: {listed}."
    )


def _guesses(rows: Sequence[Printed]) -> str:
    lines = []
    for row in rows:
        accuracies = [percent(_estimate(one)) for one in row["accuracies"].values()]
        lines.append([row["topic"] or "all", f"{row['questions']:,}", *accuracies])
    head = ["topic", "questions", "a random option", "the longest", "the most frequent position"]
    return table(head, lines)


def _given_away(rows: Sequence[Printed]) -> str:
    names = {"longest": "The longest option", "position": "The most frequent position"}
    lines = []
    for row in rows:
        for name, gain in row["gains"].items():
            one = _estimate(gain)
            topic = row["topic"] or "all questions"
            lines.append(
                f"* {topic}: {names[name].lower()} is {verdict(one)} a random one "
                f"({points(one)} points)."
            )
    return "\n".join(lines)


def _reasons(counts: Mapping[str, int]) -> str:
    return "; ".join(f"{n:,} x {reason}" for reason, n in counts.items()) or "none"


def _cells(rows: Sequence[Printed]) -> dict[tuple[str, str], Estimate]:
    return {(row["asked"], row["answering"]): _estimate(row) for row in rows}


def _estimate(row: Printed) -> Estimate:
    return Estimate(row["value"], row["low"], row["high"], row["n"])
