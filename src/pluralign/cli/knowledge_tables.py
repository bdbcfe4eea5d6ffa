"""Tables of ``pluralign knowledge``: faults of tests, and communities compared."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from pluralign.cli.output import Output
from pluralign.cli.printed_tables import Number, PrintedColumn, PrintedTable
from pluralign.core import Estimate, Tally, count_of
from pluralign.languages import Speech
from pluralign.metrics import Confusions
from pluralign.metrics.choice_baselines import TopicBaselines
from pluralign.metrics.knowledge_people import PeopleAgreement
from pluralign.sources.knowledge_adapted import AdaptedTest
from pluralign.sources.knowledge_checks import Checked
from pluralign.sources.license_terms import derived_works, shown_license

_MOST = 40
Places = Mapping[str, Mapping[str, str]]
"""Community -> language -> name of its place, where the test gives one."""


def show_checked(checked: Checked, notes: Sequence[str], output: Output) -> None:
    """Print the faults of a test of knowledge, notes on it, and the counts of its rows."""
    if output.as_json:
        output.json(
            {
                "name": checked.name,
                "license": checked.license,
                "derived_tests": derived_works(checked.license),
                **_counts(checked.tally),
                "questions": dict(checked.questions),
                "places": {c: dict(names) for c, names in checked.places.items()},
                "faults": [asdict(fault) for fault in checked.faults],
                "notes": list(notes),
            }
        )
        return
    total = count_of(checked.questions.total(), "question")
    counts = sorted(checked.questions.items())
    communities = ", ".join(f"{_named(c, checked.places)} {n:,}" for c, n in counts)
    licence = shown_license(checked.license)
    people = f" ({communities})" if communities else ""
    output.line(f"{checked.name}: {total}{people}; licence: {licence}", style="bold")
    _show_counts(checked.tally, output)
    table = PrintedTable(
        columns=[
            PrintedColumn(head="where", cut="middle", least=16),
            PrintedColumn(head="question", cut="middle", rank=1),
            PrintedColumn(head="fault"),
            PrintedColumn(head="what", cut="end", least=30),
            PrintedColumn(head="next step", cut="end", rank=2),
        ]
    )
    for fault in checked.faults[: None if output.whole else _MOST]:
        table.rows.append([fault.where, fault.question, fault.kind, fault.what, fault.hint])
    output.table(table)
    if len(checked.faults) > len(table.rows):
        output.line(f"... and {len(checked.faults) - len(table.rows):,} more; --wide lists all")
    output.line(f"{count_of(len(checked.faults), 'fault')} found")
    for note in notes:
        output.line(f"note: {note}")


def _named(community: str, places: Places) -> str:
    """The id of a community, with the English name that the test gives to its place."""
    own = places.get(community, {}).get("en")
    return f"{community} ({own})" if own else community


def show_adapted(adapted: AdaptedTest, name: str, output: Output) -> None:
    """Print which questions of another test a template has, and the terms of their licence."""
    output.line(
        f"{count_of(adapted.questions, 'question')} of {name}, licence: "
        f"{shown_license(adapted.license)}",
        style="bold",
    )
    _show_counts(adapted.tally, output)


def show_baselines(
    found: Mapping[str, Sequence[TopicBaselines]], places: Places, tally: Tally, output: Output
) -> None:
    """Print how far guessing gets by topic, and where right options give themselves away."""
    rows = [(community, row) for community, rows in found.items() for row in rows]
    say = Speech().with_names(places)
    if output.as_json:
        listed = [{"community": community, **asdict(row)} for community, row in rows]
        output.json({**_counts(tally), "baselines": listed})
        return
    _show_counts(tally, output)
    table = PrintedTable(
        columns=[
            PrintedColumn(head="community", cut="middle"),
            PrintedColumn(head="topic", cut="end"),
            PrintedColumn(head="questions", right=True),
            PrintedColumn(head="random", interval=True),
            PrintedColumn(head="longest", interval=True),
            PrintedColumn(head="usual position", interval=True),
            PrintedColumn(head="longest - random", interval=True, rank=1),
            PrintedColumn(head="position - random", interval=True, rank=2),
        ]
    )
    for community, row in rows:
        measured = [*row.accuracies.values(), *row.gains.values()]
        numbers = [_percent(estimate) for estimate in measured]
        topic = row.topic or "all"
        table.rows.append([say.place(community), topic, f"{row.questions:,}", *numbers])
    output.table(table)
    output.line("Accuracies in %, with 95 % intervals over questions.")
    clues = [(community, row, clue) for community, row in rows for clue in _clues(row)]
    for community, row, clue in clues:
        where = f"{say.place(community)}, {row.topic or 'all questions'}"
        output.line(f"{where}: right options give themselves away by their {clue}")
    if not clues:
        output.line(
            "No topic's right options give themselves away, as far as these intervals show."
        )


def _clues(row: TopicBaselines) -> list[str]:
    """Ways in which right options give themselves away: guesses better than chance."""
    names = {"longest": "length", "position": "position"}
    gains = row.gains.items()
    return [names[name] for name, gain in gains if gain.low is not None and gain.low > 0]


def show_people(
    found: Sequence[PeopleAgreement], places: Places, tally: Tally, output: Output
) -> None:
    """Print the agreement of each community's people, and the score of a typical person."""
    if output.as_json:
        output.json({**_counts(tally), "people": [asdict(row) for row in found]})
        return
    _show_counts(tally, output)
    say = Speech().with_names(places)
    output.table(_people_table("", [row for row in found if not row.topic], say))
    if output.whole:
        output.table(_people_table("By topic", [row for row in found if row.topic], say))
    output.line("Agreement: the chance that two answers to a question are the same, in %.")
    output.line("A typical person is compared with the other people of the same community.")


def _people_table(title: str, rows: Sequence[PeopleAgreement], say: Speech) -> PrintedTable:
    table = PrintedTable(
        title=title,
        columns=[
            PrintedColumn(head="community", cut="middle"),
            PrintedColumn(head="topic", cut="end"),
            PrintedColumn(head="agreement", interval=True),
            PrintedColumn(head="typical person", interval=True),
            PrintedColumn(head="questions", right=True),
            PrintedColumn(head="answers", right=True),
        ],
    )
    for row in rows:
        numbers = [_percent(row.agreement), _percent(row.person)]
        counts = [f"{row.questions:,}", f"{row.answers:,}"]
        place = say.place(row.community)
        table.rows.append([place, row.topic or "all", *numbers, *counts])
    return table


def _counts(tally: Tally) -> dict[str, object]:
    """Rows read, kept and left out by reason, for JSON."""
    return {
        "read": tally.read,
        "kept": tally.kept,
        "dropped": dict(tally.dropped),
        "left_out": dict(tally.left_out),
    }


def _show_counts(tally: Tally, output: Output) -> None:
    for reason, n in (tally.dropped + tally.left_out).most_common():
        output.line(f"{n:,} x {reason}")


def show_confusions(found: Confusions, places: Places, tally: Tally, output: Output) -> None:
    """Print the score of a typical person of each community, and those of other communities."""
    if output.as_json:
        output.json(
            {
                "language": found.language,
                "questions": found.questions,
                **_counts(tally),
                "scores": [
                    {"asked": asked, "answering": answering, **asdict(estimate)}
                    for (asked, answering), estimate in found.scores.items()
                ],
                "differences": [
                    {"asked": asked, "answering": answering, **asdict(estimate)}
                    for (asked, answering), estimate in found.edges.items()
                ],
            }
        )
        return
    output.line(
        f"{count_of(len(found.communities), 'community', 'communities')}, the same "
        f"{count_of(found.questions, 'question')} in each; answers compared in {found.language!r}",
        style="bold",
    )
    _show_counts(tally, output)
    say = Speech().with_names(places)
    output.table(_nearest(found, say))
    if output.whole:
        output.table(_all_scores(found, say))
    output.line("Scores in %: people who gave the answer / people who gave the most common one.")
    output.line("A typical person is compared with the other people of the same community.")


def _nearest(found: Confusions, say: Speech) -> PrintedTable:
    table = PrintedTable(
        columns=[
            PrintedColumn(head="community", cut="middle"),
            PrintedColumn(head="typical person", interval=True),
            PrintedColumn(head="nearest other", cut="middle"),
            PrintedColumn(head="its score", interval=True),
            PrintedColumn(head="difference", interval=True, rank=1),
        ]
    )
    for asked in found.communities:
        nearest = found.nearest(asked)
        table.rows.append(
            [
                say.place(asked),
                _percent(found.scores[asked, asked]),
                say.place(nearest),
                _percent(found.scores[asked, nearest]),
                _percent(found.edges[asked, nearest]),
            ]
        )
    return table


def _all_scores(found: Confusions, say: Speech) -> PrintedTable:
    table = PrintedTable(
        title="All communities",
        columns=[
            PrintedColumn(head="questions of", cut="middle"),
            PrintedColumn(head="answers of", cut="middle"),
            PrintedColumn(head="score", interval=True),
        ],
    )
    for (asked, answering), estimate in found.scores.items():
        table.rows.append([say.place(asked), say.place(answering), _percent(estimate)])
    return table


def _percent(estimate: Estimate) -> Number:
    if estimate.low is None or estimate.high is None:
        return Number(f"{100 * estimate.value:.1f}")
    value, low, high = (100 * end for end in (estimate.value, estimate.low, estimate.high))
    return Number(f"{value:.1f}", f"{low:.1f}", f"{high:.1f}")
