"""Tables of ``pluralign knowledge``: faults of tests, and communities compared."""

from dataclasses import asdict

from pluralign.cli.output import Output
from pluralign.cli.printed_tables import Number, PrintedColumn, PrintedTable
from pluralign.core import Estimate, Tally, community_name, count_of
from pluralign.metrics import Confusions
from pluralign.sources.knowledge_adapted import AdaptedTest
from pluralign.sources.knowledge_checks import Checked
from pluralign.sources.license_terms import derived_works, shown_license

_MOST = 40


def show_checked(checked: Checked, output: Output) -> None:
    """Print the faults of a test of knowledge, and the counts of its rows."""
    if output.as_json:
        output.json(
            {
                "name": checked.name,
                "license": checked.license,
                "derived_tests": derived_works(checked.license),
                "read": checked.tally.read,
                "kept": checked.tally.kept,
                "dropped": dict(checked.tally.dropped),
                "left_out": dict(checked.tally.left_out),
                "questions": dict(checked.questions),
                "faults": [asdict(fault) for fault in checked.faults],
            }
        )
        return
    total = count_of(checked.questions.total(), "question")
    communities = ", ".join(f"{c} {n:,}" for c, n in sorted(checked.questions.items()))
    licence = shown_license(checked.license)
    people = f" ({communities})" if communities else ""
    output.line(f"{checked.name}: {total}{people}; licence: {licence}", style="bold")
    for reason, n in (checked.tally.dropped + checked.tally.left_out).most_common():
        output.line(f"{n:,} x {reason}")
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


def show_adapted(adapted: AdaptedTest, name: str, output: Output) -> None:
    """Print which questions of another test a template has, and the terms of their licence."""
    output.line(
        f"{count_of(adapted.questions, 'question')} of {name}, licence: "
        f"{shown_license(adapted.license)}",
        style="bold",
    )
    for reason, n in (adapted.tally.dropped + adapted.tally.left_out).most_common():
        output.line(f"{n:,} x {reason}")


def show_confusions(found: Confusions, tally: Tally, output: Output) -> None:
    """Print the score of a typical person of each community, and those of other communities."""
    if output.as_json:
        output.json(
            {
                "language": found.language,
                "questions": found.questions,
                "read": tally.read,
                "kept": tally.kept,
                "dropped": dict(tally.dropped),
                "left_out": dict(tally.left_out),
                "scores": [
                    {"asked": asked, "answering": answering, **asdict(estimate)}
                    for (asked, answering), estimate in found.scores.items()
                ],
            }
        )
        return
    output.line(
        f"{count_of(len(found.communities), 'community', 'communities')}, the same "
        f"{count_of(found.questions, 'question')} in each; answers compared in {found.language!r}",
        style="bold",
    )
    for reason, n in (tally.dropped + tally.left_out).most_common():
        output.line(f"{n:,} x {reason}")
    output.table(_nearest(found))
    if output.whole:
        output.table(_all_scores(found))
    output.line("Scores in %: people who gave the answer / people who gave the most common one.")
    output.line("A typical person is compared with the other people of the same community.")


def _nearest(found: Confusions) -> PrintedTable:
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
                _shown(asked),
                _percent(found.scores[asked, asked]),
                _shown(nearest),
                _percent(found.scores[asked, nearest]),
                _percent(found.edges[asked, nearest]),
            ]
        )
    return table


def _all_scores(found: Confusions) -> PrintedTable:
    table = PrintedTable(
        title="All communities",
        columns=[
            PrintedColumn(head="questions of", cut="middle"),
            PrintedColumn(head="answers of", cut="middle"),
            PrintedColumn(head="score", interval=True),
        ],
    )
    for (asked, answering), estimate in found.scores.items():
        table.rows.append([_shown(asked), _shown(answering), _percent(estimate)])
    return table


def _shown(community: str) -> str:
    """A community's name; of a part of a country the id, which names the country."""
    return community if "/" in community else community_name(community)


def _percent(estimate: Estimate) -> Number:
    if estimate.low is None or estimate.high is None:
        return Number(f"{100 * estimate.value:.1f}")
    value, low, high = (100 * end for end in (estimate.value, estimate.low, estimate.high))
    return Number(f"{value:.1f}", f"{low:.1f}", f"{high:.1f}")
