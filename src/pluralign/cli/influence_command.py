"""``pluralign influence``: the difference that a person makes to a model."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pluralign.cli.options import AsJson, Wide

if TYPE_CHECKING:
    from pluralign.cli.output import Output
    from pluralign.cli.printed_tables import PrintedTable
    from pluralign.experiments import Influence, Influences

_MOST = 20
_REFITTED = "The reference, where it learned from the person, and the method were fitted again."
_ONE_STEP = (
    "One step of Newton's method for each person, not a refit; --rater fits the models again. One "
    "interval in twenty is without the true value, so a single difference proves nothing."
)


def influence(
    run: Annotated[Path, typer.Argument(help="Folder of a run of reward models.")],
    rater: Annotated[
        list[str] | None,
        typer.Option(
            "--rater",
            help="Id of a person. May be repeated. The models are fitted again without each. "
            "The default is all people, by one step for each.",
        ),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            help="Method of the run. The default is the first preferred one; for all people, the "
            "first that only weighs pairs, such as full.",
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(help="Settings file of the run. The default is the settings in its record."),
    ] = None,
    wide: Wide = False,
    as_json: AsJson = False,
) -> None:
    """Show what a person's choices changed in the model of their community, and what they did not.

    The model is compared with the same model without the person, on the test pairs of the other
    people of the community, which no model of the repeat has seen. Intervals are over these
    people. Ridges stay those of the run.

    The numbers and texts are about one person: show them to that person, or keep them with the
    data. Without --rater, a table ranks all people: it is for those who may see the data.

    Example: `pluralign influence runs/uk --rater r17`
    """
    from dataclasses import asdict

    from pluralign.cli.output import Output
    from pluralign.cli.screen import Screen
    from pluralign.experiments import influence as influence_in

    output = Output(as_json=as_json, wide=wide)
    with Screen() as screen:
        found = influence_in(run, rater, method, config, screen)
    if as_json:
        output.json(asdict(found))
        return
    _show(found, output)


def _show(found: "Influences", output: "Output") -> None:
    shown = found.people if output.whole or found.refitted else found.people[:_MOST]
    output.table(_people_table(found, shown))
    if len(shown) < len(found.people):
        output.line(f"{len(found.people) - len(shown):,} more with --wide")
    for rater, why in found.not_measured.items():
        output.line(f"{rater}: {why}")
    if found.refitted:
        for one in shown:
            output.line()
            for line in _unchanged(one, len(found.seeds)):
                output.line(line)
            output.table(_pairs_table(one))
    output.line(_REFITTED if found.refitted else _ONE_STEP, style="dim")


def _people_table(found: "Influences", people: "list[Influence]") -> "PrintedTable":
    from dataclasses import asdict

    from pluralign.cli.numbers import percent_number, scaled
    from pluralign.cli.printed_tables import PrintedColumn, PrintedTable

    table = PrintedTable(
        title=f"What people's choices changed in {found.method} [95 %]",
        columns=[
            PrintedColumn(head="rater", cut="middle"),
            PrintedColumn(head="community", cut="middle", rank=1),
            PrintedColumn(head="pairs", right=True, rank=2),
            PrintedColumn(head="margins moved, logits", interval=True),
            PrintedColumn(head="at most", right=True, rank=3),
            PrintedColumn(head="preference turned, %", interval=True),
            PrintedColumn(head="accuracy, points", interval=True, rank=1),
        ],
    )
    for one in people:
        table.rows.append([
            one.rater,
            one.community,
            f"{max(one.pairs.values()):,}",
            scaled(asdict(one.changes.moved), digits=4),
            f"{one.changes.largest:.3f}",
            percent_number(asdict(one.changes.turned)),
            percent_number(asdict(one.changes.gain), signed=True),
        ])  # fmt: skip
    return table


def _unchanged(one: "Influence", repeats: int) -> list[str]:
    """Sentences on the basis of the numbers of a person, and on what they did not change."""
    from pluralign.core import count_of, with_interval

    found = one.changes
    same = -found.turned
    people = "" if same.n_raters is None else f" of {count_of(same.n_raters, 'person', 'people')}"
    share = with_interval(
        1 + same.value,
        None if same.low is None else 1 + same.low,
        None if same.high is None else 1 + same.high,
        scale=100,
    )
    lines = [
        f"{one.rater} in {one.community}: {max(one.pairs.values()):,} pairs in "
        f"{len(one.pairs)} of {count_of(repeats, 'repeat')}; measured on "
        f"{count_of(same.n, 'test pair')}{people}",
        f"not changed: the preferred response on {share} % of these pairs; margins of "
        f"{found.margin:.2f} logits on average moved by {found.moved.value:.4f}",
    ]
    gain = found.gain
    if gain.low is not None and gain.high is not None and gain.low <= 0 <= gain.high:
        lines.append("not changed beyond chance: the accuracy (its interval contains 0)")
    for community, change in one.elsewhere.items():
        moved = f"margins moved by at most {change:.4f}" if change else "no margin moved"
        lines.append(f"in {community}: {moved}")
    return lines


def _pairs_table(one: "Influence") -> "PrintedTable":
    from pluralign.cli.printed_tables import PrintedColumn, PrintedTable

    table = PrintedTable(
        title=f"Margins that moved most without {one.rater}, logits (below 0 the other response "
        "is preferred)",
        columns=[
            PrintedColumn(head="prompt", cut="end", rank=1),
            PrintedColumn(head="preferred response", cut="end"),
            PrintedColumn(head="other response", cut="end"),
            PrintedColumn(head="margin", right=True),
            PrintedColumn(head="without", right=True),
        ],
    )
    for pair in one.examples:
        texts = (pair.prompt, pair.preferred, pair.other)
        table.rows.append([*texts, f"{pair.margin:.3f}", f"{pair.without:.3f}"])
    return table
