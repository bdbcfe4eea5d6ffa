"""``pluralign withdraw``: take the choices of a person out of a run."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pluralign.cli.options import AsJson

if TYPE_CHECKING:
    from pluralign.experiments import Receipt


def withdraw(
    run: Annotated[Path, typer.Argument(help="Folder of a run of reward models.")],
    rater: Annotated[
        list[str],
        typer.Option("--rater", help="Id of a person who withdraws. May be repeated."),
    ],
    config: Annotated[
        Path | None,
        typer.Option(
            help="Settings file of the run. The default is the settings in its record.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Take the choices of people out of a run, and make it again as if it had never had them.

    Models, predictions, tables and cached vectors of texts that nobody else gave are deleted and
    made anew from the other people's choices, then the pages and the audit in the folder. The
    folder remembers who withdrew by keyed digests, so that no later run in it reads their choices.
    A receipt gives the digests of all files before and after, and what cannot be recalled. To
    resume after a stop, give the same command again.

    With split.draw = "hash" in the settings, all other people stay in the training data or the
    test data in which they were.

    Example: `pluralign withdraw runs/uk --rater r17`
    """
    from pluralign.cli.output import Output
    from pluralign.cli.screen import Screen
    from pluralign.experiments import withdraw as withdraw_from
    from pluralign.reports import write_derived

    with Screen() as screen:
        receipt, path = withdraw_from(run, rater, config, screen, again=write_derived)
    if as_json:
        Output(as_json=True).json(asdict(receipt) | {"receipt": str(path)})
        return
    typer.echo("\n".join(_lines(receipt, path)))


def _lines(receipt: "Receipt", path: Path) -> list[str]:
    from pluralign.core import count_of

    people = count_of(len(receipt.people), "person", "people")
    pairs = count_of(sum(receipt.pairs.values()), "pair")
    changed = sum(receipt.after.get(name) != digest for name, digest in receipt.before.items())
    lines = [
        f"{people} withdrew: {pairs} of {', '.join(receipt.pairs)} left out",
        f"{count_of(changed, 'file')} changed or deleted, "
        f"{count_of(receipt.vectors, 'cached vector')} deleted",
    ]
    if receipt.draw == "random":
        lines.append('the other people were dealt anew, because the run has split.draw = "random"')
    if receipt.rewritten:
        lines.append(f"written again: {', '.join(receipt.rewritten)}")
    for name, command in receipt.deleted.items():
        lines.append(f"{name} is deleted; to write it again: {command}")
    if receipt.untouched:
        lines.append(f"not changed, look into them: {', '.join(receipt.untouched[:10])}")
    lines += ["these cannot be recalled:", *(f"  - {what}" for what in receipt.not_recalled)]
    return [*lines, f"receipt: {path}"]
