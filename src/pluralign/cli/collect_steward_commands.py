"""``pluralign collect steward`` and ``propose``: people who answer for communities."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pluralign.cli.collect_options import Database, StudyFolder, require_collecting
from pluralign.cli.later import CommandGroup
from pluralign.cli.options import AsJson

if TYPE_CHECKING:
    from pluralign.cli.printed_tables import PrintedTable

steward = typer.Typer(
    cls=CommandGroup,
    help="Add, list and revoke the stewards of a study: people who answer for communities.",
    epilog="Example: `pluralign collect steward add tea Ana --community MEX`",
    no_args_is_help=True,
)
Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the steward.")]


@steward.command()
def add(
    study: StudyFolder,
    name: Name,
    community: Annotated[
        list[str] | None,
        typer.Option(
            "--community",
            "-c",
            help="Community that they answer for. May be repeated. The default is all.",
        ),
    ] = None,
    database: Database = None,
) -> None:
    """Add a steward, and print a link that lets them in once.

    There is no password. The link works for three days and one browser, the session for 14 days;
    only digests of both are stored. Stewards read new texts, invite people, and agree to releases.

    Example: `pluralign collect steward add tea Ana --community MEX`
    """
    arguments = {"name": name, "communities": community or []}
    _print_link(study, database, "steward-add", arguments)


@steward.command()
def link(study: StudyFolder, name: Name, database: Database = None) -> None:
    """Print a new link for a steward, such as for another device or after their session ended.

    Example: `pluralign collect steward link tea Ana`
    """
    _print_link(study, database, "steward-link", {"name": name})


@steward.command()
def revoke(study: StudyFolder, name: Name, database: Database = None) -> None:
    """Revoke a steward: their links and sessions end at once, their decisions stay in the log.

    Example: `pluralign collect steward revoke tea Ana`
    """
    require_collecting()
    from pluralign.collecting.operations import operate

    operate(study, database, "steward-revoke", {"name": name})
    typer.echo(f"{name} is not a steward any more")


@steward.command("list")
def list_(study: StudyFolder, database: Database = None, as_json: AsJson = False) -> None:
    """Print the stewards of a study, with those who were revoked.

    Example: `pluralign collect steward list tea`
    """
    require_collecting()
    from pluralign.cli.output import Output
    from pluralign.collecting.operations import operate

    found = operate(study, database, "stewards", {})
    output = Output(as_json=as_json, wide=False)
    if as_json:
        output.json(found)
    elif found["stewards"]:
        output.table(_table(found["stewards"]))
    else:
        output.line("nobody yet; `pluralign collect steward add` adds a steward")


def propose(
    study: StudyFolder,
    purpose: Annotated[
        list[str] | None,
        typer.Option(
            "--purpose",
            help="Purpose: train, evaluate, publish-rows or publish-quotes. May be repeated. "
            "Without purposes, the open proposals are printed.",
        ),
    ] = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Propose a release to the stewards, who agree on their pages; print the open proposals.

    `pluralign collect release STUDY --proposal ID` then makes the release with the agreement of
    these stewards. A proposal is open for 30 days.

    Example: `pluralign collect propose tea --purpose train`
    """
    require_collecting()
    from pluralign.cli.output import Output
    from pluralign.collecting.operations import operate

    found = operate(study, database, "propose", {"purposes": purpose or []})
    output = Output(as_json=as_json, wide=False)
    if as_json:
        output.json(found)
        return
    for one in found["proposals"]:
        agreed = ", ".join(one["agreed"]) or "nobody yet"
        typer.echo(f"{one['id']}: {' '.join(one['purposes'])}; agreed: {agreed}")
    if not found["proposals"]:
        output.line("no release is proposed")


def _print_link(study: Path, database: str | None, name: str, arguments: dict[str, Any]) -> None:
    require_collecting()
    from pluralign.collecting.operations import operate, running_server
    from pluralign.collecting.study import open_study

    token = operate(study, database, name, arguments)["token"]
    server = running_server(study)
    address = open_study(study).settings.address or (server.public if server else None)
    typer.echo(f"{address or 'http://127.0.0.1:8000'}/steward/enter/{token}")
    if address is None:
        typer.echo(
            "no server runs: the link has the default address; set address in study.toml", err=True
        )


def _table(rows: list[dict[str, Any]]) -> "PrintedTable":
    from pluralign.cli.printed_tables import PrintedColumn, PrintedTable

    columns = [PrintedColumn(head=head) for head in ("steward", "communities", "added", "state")]
    return PrintedTable(columns=columns, rows=[_row(row) for row in rows])


def _row(row: dict[str, Any]) -> list[Any]:
    communities = " ".join(row["communities"]) or "all"
    return [row["name"], communities, _day(row["made_at"]), _state(row)]


def _state(row: dict[str, Any]) -> str:
    if row["revoked_at"] is not None:
        return f"revoked {_day(row['revoked_at'])}"
    return "has a session" if row["entered"] else "has no session"


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()
