"""``pluralign data``: the sources, the contents of one, and the cache on disk."""

from pathlib import Path
from typing import Annotated, Any

import typer

from pluralign.cli.completion import complete_source, complete_source_setting
from pluralign.cli.later import CommandGroup
from pluralign.cli.options import AsJson, SkipBad, Wide, overrides

data = typer.Typer(
    cls=CommandGroup,
    help="List the sources of data, look into one, make choices private, and manage the "
    "cached embeddings.",
    epilog="Example: `pluralign data show pairs.jsonl`",
    no_args_is_help=True,
)


@data.command("list")
def list_sources(wide: Wide = False, as_json: AsJson = False) -> None:
    """List the sources of pairs and surveys that settings can name.

    Example: `pluralign data list --wide`
    """
    from pluralign.cli.output import Output
    from pluralign.cli.source_tables import show_sources

    show_sources(Output(as_json=as_json, wide=wide))


@data.command("show")
def show_source(
    source: Annotated[
        str,
        typer.Argument(
            help="Name of a source (see `pluralign data list`), or a .jsonl, .json, .csv or "
            ".parquet file of pairs.",
            autocompletion=complete_source,
        ),
    ],
    sets: Annotated[
        list[str] | None, overrides(complete_source_setting, "path=opinions.csv")
    ] = None,
    skip_bad: SkipBad = False,
    wide: Wide = False,
    as_json: AsJson = False,
) -> None:
    """Read a source and report its rows, licence, communities and people.

    Rows that are dropped are counted by reason.

    Examples:
    * `pluralign data show pairs.jsonl`
    * `pluralign data show global_opinions --set path=opinions.csv`
    """
    from pluralign.cli.output import Output
    from pluralign.cli.source_tables import show_report
    from pluralign.core import NotEnoughData
    from pluralign.sources import report_on

    report = report_on(source_of(source, sets, skip_bad))
    show_report(report, Output(as_json=as_json, wide=wide))
    if not report.tally.made:
        raise NotEnoughData(
            "no pair can be made of this source", where=source, hint=report.tally.why() or None
        )


@data.command("convert")
def convert_files(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="IN",
            help="Files of pairs (.jsonl, .json, .csv or .parquet), or the name of a source (see "
            "`pluralign data list`).",
            autocompletion=complete_source,
        ),
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The .parquet file to write.")],
    sets: Annotated[
        list[str] | None, overrides(complete_source_setting, "columns.rater=user_id")
    ] = None,
    skip_bad: SkipBad = False,
    as_json: AsJson = False,
) -> None:
    """Check pairs once, and write them as one Parquet file with typed columns.

    Every command reads the file as the same pairs; DuckDB, Polars, pandas and Spark read it, too.
    Columns that pluralign does not use are kept. All rows are checked before one is written, and
    dropped rows are counted by reason. The pairs of several inputs follow each other; an id that
    was used before gets the number of its input as a prefix.

    Examples:
    * `pluralign data convert pairs.jsonl pairs.parquet`
    * `pluralign data convert 2025.csv 2026.csv all.parquet --set columns.rater=user_id`
    """
    from pluralign.cli.output import Output
    from pluralign.cli.screen import Screen
    from pluralign.cli.source_tables import show_converted
    from pluralign.core import InvalidInput
    from pluralign.sources import convert_pairs

    if out.suffix != ".parquet":
        raise InvalidInput(
            f"the last argument must be a .parquet file, got {out.name!r}",
            where="data convert",
            hint="write pluralign data convert pairs.jsonl pairs.parquet",
        )
    if out.resolve() in [Path(source).resolve() for source in inputs]:
        raise InvalidInput(
            "the file to write must not be one of the inputs",
            where=str(out),
            hint="give it a new name",
        )
    sources = [source_of(source, sets, skip_bad) for source in inputs]
    with Screen() as screen:
        converted = convert_pairs(sources, out, screen)
    show_converted(converted, Output(as_json=as_json))


@data.command("private")
def write_private(
    source: Annotated[
        str,
        typer.Argument(
            help="Name of a source (see `pluralign data list`), or a .jsonl, .json, .csv or "
            ".parquet file of pairs.",
            autocompletion=complete_source,
        ),
    ],
    epsilon: Annotated[float, typer.Option(help="Privacy parameter of each report, > 0.")],
    out: Annotated[Path, typer.Option("--out", help="The .jsonl file to write.")],
    per: Annotated[
        str, typer.Option(help="Unit that epsilon protects: each `label`, or each `person`.")
    ] = "label",
    ledger: Annotated[
        Path | None, typer.Option(help="Ledger of the reports; by default one of the user's.")
    ] = None,
    sets: Annotated[
        list[str] | None, overrides(complete_source_setting, "path=opinions.csv")
    ] = None,
    skip_bad: SkipBad = False,
    as_json: AsJson = False,
) -> None:
    """Write the pairs of a source with private choices: each passes randomised response once.

    The source can be deleted afterwards. Each report is kept in the ledger and never drawn again,
    so the same command writes the same reports, without the people who withdrew.

    Example: `pluralign data private pairs.jsonl --epsilon 2 --out reported.jsonl`
    """
    from pluralign.cli.output import Output
    from pluralign.cli.source_tables import show_written_reports
    from pluralign.core import InvalidInput, Tally
    from pluralign.settings.privacy import SourcePrivacy
    from pluralign.settings.validation import validated
    from pluralign.sources import write_reports

    given = {"epsilon": epsilon, "per": per, "ledger": ledger}
    reports = validated(SourcePrivacy, given, "data private").around(
        source_of(source, sets, skip_bad)
    )
    if Path(source).resolve() == out.resolve():
        raise InvalidInput(
            "--out must be another file than the source",
            where=str(out),
            hint="write the reports to a new file, and delete the source afterwards",
        )
    tally = Tally()
    show_written_reports(
        write_reports(reports, out, tally), reports, tally, out, Output(as_json=as_json)
    )


@data.command("ledger")
def show_ledger(
    path: Annotated[
        Path | None, typer.Argument(help="The ledger; by default the one of the user.")
    ] = None,
    withdraw: Annotated[
        str | None,
        typer.Option(help="Id of a rater whose choices later readings leave out."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what the people of a ledger of private choices have spent, or withdraw one of them.

    Later readings of a source with this ledger leave out the choices of those who withdrew. Reports
    that were written to files before must be written again.

    Examples:
    * `pluralign data ledger ledger.jsonl`
    * `pluralign data ledger ledger.jsonl --withdraw r17`
    """
    from pluralign.cli.output import Output
    from pluralign.cli.source_tables import show_accounts
    from pluralign.sources import default_ledger, read_ledger, withdraw_choices

    file = path or default_ledger()
    accounts = read_ledger(file) if withdraw is None else [withdraw_choices(file, withdraw)]
    show_accounts(accounts, Output(as_json=as_json))


def source_of(source: str, sets: list[str] | None, skip_bad: bool) -> Any:
    """The source with a name, or the reader of a file of pairs."""
    from pluralign.settings import built, source_named
    from pluralign.settings.toml_tables import override
    from pluralign.sources.arrow_rows import is_saved_dataset
    from pluralign.sources.row_files import file_kind

    tables: dict[str, object] = {}
    if file_kind(Path(source)) is not None or is_saved_dataset(Path(source)):
        source, tables["path"] = "jsonl", source
    for text in sets or []:
        override(tables, text.strip().removeprefix("pairs."))
    if skip_bad:
        tables["skip_bad"] = True
    return built(source_named(source), tables, Path.cwd(), source)


@data.command("cache")
def show_cache(
    clear: Annotated[
        bool,
        typer.Option(
            "--clear", help="Delete the cached embeddings, and distilled and ONNX encoders."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show the size of the cached embeddings, or delete them.

    Example: `pluralign data cache --clear`
    """
    from pluralign.cli.output import Output
    from pluralign.cli.source_tables import show_cache_info
    from pluralign.encoders import cache_size, clear_cache

    show_cache_info(clear_cache() if clear else cache_size(), clear, Output(as_json=as_json))
