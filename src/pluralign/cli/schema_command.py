"""``pluralign schema``: print the schema of a kind of file, or check a file against it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pluralign.cli.options import AsJson

if TYPE_CHECKING:
    from pluralign.cli.output import Output
    from pluralign.schemas import CheckedFile

_SHOWN = 20


def schema(
    kind: Annotated[
        Literal["pairs", "answers", "knowledge-answers", "results", "findings", "release"],
        typer.Argument(help="The kind of file."),
    ],
    check: Annotated[
        Path | None,
        typer.Option(
            "--check",
            help="File to check: .jsonl, .json or .parquet; of a release its release.json.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print the JSON Schema (draft 2020-12) of a kind of file, or check a file row by row.

    The exit code is 2 if a row does not fit. The first 20 are printed with their lines, and all of
    them with `--json`.

    Examples:
    * `pluralign schema pairs`
    * `pluralign schema pairs --check pairs.jsonl`
    """
    from pluralign.cli.output import Output
    from pluralign.schemas import check_file, kind_named

    found = kind_named(kind)
    output = Output(as_json=as_json)
    if check is None:
        output.json(found.schema())
        return
    checked = check_file(found, check)
    if as_json:
        faults = [{"where": fault.where, "what": fault.what} for fault in checked.faults]
        output.json({"schema": found.id, "rows": checked.rows, "faults": faults})
    else:
        _show(checked, found.id, output)
    if checked.faults:
        raise typer.Exit(2)


def _show(checked: "CheckedFile", name: str, output: "Output") -> None:
    from pluralign.core import count_of

    for fault in checked.faults[:_SHOWN]:
        output.text(f"{fault.where}: {fault.what}")
    more = len(checked.faults) - _SHOWN
    if more > 0:
        output.line(f"... and {count_of(more, 'row')} more: --json prints all")
    fitting = checked.rows - len(checked.faults)
    output.line(f"{fitting:,} of {count_of(checked.rows, 'row')} fit {name}")
