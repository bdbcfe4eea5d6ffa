"""``pluralign audit``: name the cultural risks that recorded evidence shows."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from pluralign.cli.options import AsJson, Wide


def audit(
    folder: Annotated[
        Path | None,
        typer.Argument(help="Folder of a run, of reward models or of a survey; or give files."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Folder to write to; FOLDER/audit by default, else runs/audit."
        ),
    ] = None,
    answers: Annotated[
        list[Path] | None,
        typer.Option("--answers", help="Recorded answers, JSONL, plain or gzip; needs --survey."),
    ] = None,
    surveys: Annotated[
        list[str] | None,
        typer.Option(
            "--survey",
            help="Folder in CultureSPA's layout, or SOURCE=PATH. Given again: further surveys, held against the first.",
        ),
    ] = None,
    pairs: Annotated[
        list[Path] | None,
        typer.Option("--pairs", help="Preference pairs: .jsonl, .json, .csv or .parquet."),
    ] = None,
    residents: Annotated[
        Path | None, typer.Option(help="Who lives where, CSV: community, attribute, group, share.")
    ] = None,
    axes: Annotated[
        list[str] | None,
        typer.Option(
            "--axes",
            help="NAME=FILE.csv: places of countries on the axes of a theory. May be repeated.",
        ),
    ] = None,
    items: Annotated[
        Path | None, typer.Option(help="Answers to items that ask to reason about cultures, JSONL.")
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option("--method", "-m", help="Audit this method only; may be repeated."),
    ] = None,
    parser: Annotated[
        Literal["strict", "published"], typer.Option(help="How --answers are read.")
    ] = "strict",
    numbering: Annotated[
        Literal["auto", "codes", "one"],
        typer.Option(help="How options were numbered where --answers do not say."),
    ] = "auto",
    config: Annotated[
        Path | None, typer.Option(help="Settings and thresholds, a TOML file.")
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="As --set small=10 or --set simplification.alike.concern=0.2.",
        ),
    ] = None,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain", help="Print every setting and threshold with its reason; audit nothing."
        ),
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 where there is a concern or a risk.")
    ] = False,
    wide: Wide = False,
    as_json: AsJson = False,
) -> None:
    """Name the cultural risks that recorded evidence shows, each as a claim that can be checked.

    No model is asked: what runs wrote is read again. Every claim comes with its numbers, their intervals, the people
    and the rows behind it. What the evidence does not tell is "not assessed".

    Examples: `pluralign audit runs/uk`, `pluralign audit --answers answers.jsonl --survey wvs --out runs/audit`,
    `pluralign audit --pairs pairs.jsonl --residents residents.csv`
    """
    from pluralign.auditing import Given, run_audit
    from pluralign.cli.audit_tables import show_audit
    from pluralign.cli.explained_settings import show_explained
    from pluralign.cli.output import Output
    from pluralign.cli.screen import Screen
    from pluralign.cli.surveying import survey_table
    from pluralign.settings import audit_origins, explain_audit, read_settings, resolve_audit
    from pluralign.settings.resolved_survey import survey_source

    output = Output(as_json=as_json, wide=wide)
    where = config.name if config else "options"
    settings, audits = resolve_audit(
        read_settings(config) if config else {}, where, overrides or []
    )
    if method:
        settings = settings.model_copy(update={"methods": tuple(method)})
    if explain:
        origin = audit_origins(read_settings(config) if config else {}, where, overrides or [])
        if method:
            origin["methods"] = "--method"
        show_explained(explain_audit(settings, audits, origin), output)
        return
    given = Given(
        folder,
        answers or (),
        [survey_source(survey_table(name), Path.cwd(), "--survey") for name in surveys or ()],
        pairs or (),
        residents,
        [_named(text) for text in axes or ()],
        items,
        parser,
        numbering,
    )
    place = out or (folder / "audit" if folder is not None else Path("runs") / "audit")
    with Screen() as screen:
        outcome = run_audit(given, settings, audits, place, screen)
    show_audit(outcome, place, output)
    if strict and outcome.alarmed:
        raise typer.Exit(1)


def _named(text: str) -> tuple[str, Path]:
    """A theory's name and its file; the file's own name where none is given."""
    name, sign, path = text.partition("=")
    return (name, Path(path)) if sign else (Path(text).stem, Path(text))
