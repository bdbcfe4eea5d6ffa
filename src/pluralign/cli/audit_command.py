"""``pluralign audit``: find cultural risks in recorded evidence."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from pluralign.cli.completion import (
    complete_audit_setting,
    complete_method,
    complete_source,
)
from pluralign.cli.options import AsJson, Explain, Wide, overrides


def audit(
    folder: Annotated[
        Path | None,
        typer.Argument(
            help="Folder of a run of reward models, of a survey, of policies or of a test of "
            "knowledge. Without one, give files."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Folder to write to. The default is FOLDER/audit, or runs/audit."
        ),
    ] = None,
    answers: Annotated[
        list[Path] | None,
        typer.Option(
            "--answers",
            help="File of recorded answers, JSON Lines, plain or gzip. It needs --survey.",
        ),
    ] = None,
    surveys: Annotated[
        list[str] | None,
        typer.Option(
            "--survey",
            help="Folder in CultureSPA's layout, or SOURCE=PATH. Further surveys are compared "
            "with the first.",
            autocompletion=complete_source,
        ),
    ] = None,
    pairs: Annotated[
        list[Path] | None,
        typer.Option("--pairs", help="File of pairs: .jsonl, .json, .csv or .parquet."),
    ] = None,
    residents: Annotated[
        Path | None,
        typer.Option(help="Shares of residents, a CSV file: community, attribute, group, share."),
    ] = None,
    axes: Annotated[
        list[str] | None,
        typer.Option(
            "--axes",
            help="NAME=FILE.csv: positions of countries on the axes of a theory. May be repeated.",
        ),
    ] = None,
    items: Annotated[
        Path | None, typer.Option(help="Answers to items about reasoning on cultures, JSON Lines.")
    ] = None,
    abilities: Annotated[
        Path | None,
        typer.Option(
            help="General ability of policies, a CSV file: method, steer, task, before, after, n."
        ),
    ] = None,
    sets: Annotated[
        Path | None,
        typer.Option("--sets", help="Sets of responses with perturbed versions, JSON Lines."),
    ] = None,
    concepts: Annotated[
        Path | None,
        typer.Option(help="Words to swap in --sets, a CSV file: community, concept, other."),
    ] = None,
    rewards: Annotated[
        list[str] | None,
        typer.Option(
            "--reward",
            help="Reward model that scores --sets: a folder or the URL of a server. May be "
            "repeated.",
        ),
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(
            "--method",
            "-m",
            help="Audit this method alone. May be repeated.",
            autocompletion=complete_method,
        ),
    ] = None,
    parser: Annotated[
        Literal["strict", "published"], typer.Option(help="Rule by which --answers are read.")
    ] = "strict",
    numbering: Annotated[
        Literal["auto", "codes", "one"],
        typer.Option(help="Numbers of the options where the rows of --answers do not give them."),
    ] = "auto",
    config: Annotated[
        Path | None, typer.Option(help="File of settings and thresholds, TOML.")
    ] = None,
    overridden: Annotated[
        list[str] | None,
        overrides(complete_audit_setting, "simplification.alike.concern=0.2"),
    ] = None,
    explain: Explain = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with code 1 if there is a concern or a risk.")
    ] = False,
    all_checks: Annotated[
        bool,
        typer.Option(
            "--all", help="List all checks, also those that read evidence which is not there."
        ),
    ] = False,
    wide: Wide = False,
    as_json: AsJson = False,
) -> None:
    """Find cultural risks in recorded evidence, each as a claim that can be checked.

    The audit asks no language model: it reads the files that runs wrote. Every claim has its
    numbers, their intervals, and the people and rows behind it. A check for which the evidence is
    missing is reported as "not assessed"; if there is no evidence of its kind at all, it does not
    apply, and is only counted.

    Examples:
    * `pluralign audit runs/uk`
    * `pluralign audit runs/knowledge`
    * `pluralign audit --answers answers.jsonl --survey wvs --out runs/audit`
    * `pluralign audit --pairs pairs.jsonl --residents residents.csv`
    * `pluralign audit --sets sets.jsonl --reward runs/uk/models/seed-0/adaptive`
    """
    from pluralign.auditing import Given, run_audit
    from pluralign.cli.audit_tables import show_audit
    from pluralign.cli.explained_settings import show_explained
    from pluralign.cli.output import Output
    from pluralign.cli.screen import Screen
    from pluralign.cli.survey_commands import survey_table
    from pluralign.settings import audit_origins, explain_audit, read_settings, resolve_audit
    from pluralign.settings.resolved_survey import survey_source

    output = Output(as_json=as_json, wide=wide)
    where = config.name if config else "options"
    settings, audits = resolve_audit(
        read_settings(config) if config else {}, where, overridden or []
    )
    if method:
        settings = settings.model_copy(update={"methods": tuple(method)})
    if explain:
        origin = audit_origins(read_settings(config) if config else {}, where, overridden or [])
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
        abilities,
        sets,
        concepts,
        rewards or (),
        parser,
        numbering,
    )
    place = out or (folder or Path("runs")) / "audit"
    with Screen() as screen:
        outcome = run_audit(given, settings, audits, place, screen)
    show_audit(outcome, place, output, all_checks=all_checks)
    if strict and outcome.alarmed:
        raise typer.Exit(1)


def _named(text: str) -> tuple[str, Path]:
    """A theory's name and its file; the file's own name where none is given."""
    name, sign, path = text.partition("=")
    return (name, Path(path)) if sign else (Path(text).stem, Path(text))
