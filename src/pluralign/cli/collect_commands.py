"""``pluralign collect``: people take part in a study."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pluralign.cli.collect_options import Database, StudyFolder, require_collecting
from pluralign.cli.later import CommandGroup
from pluralign.cli.options import AsJson, Wide

if TYPE_CHECKING:
    from pluralign.cli.printed_tables import PrintedTable
    from pluralign.collecting.server import Started

collect = typer.Typer(
    cls=CommandGroup,
    help="Let people take part: a study's web pages, from invitation to withdrawal.",
    epilog="Start with two commands: `pluralign collect init tea --community MEX`, then "
    "`pluralign collect serve tea`. To look at a study with simulated people: "
    "`pluralign collect demo`.",
    no_args_is_help=True,
)


@collect.command()
def init(
    study: StudyFolder,
    community: Annotated[
        list[str] | None,
        typer.Option(
            "--community",
            "-c",
            help="Community that takes part, such as MEX, MEX/oaxaca or ~yoruba. May be repeated.",
        ),
    ] = None,
) -> None:
    """Write a new study: settings with texts in four languages to edit, and first prompts.

    The texts are templates, not legal advice. Edit study.toml and prompts.jsonl, let a speaker of
    each language read them, and write that person's name into read_by.

    Example: `pluralign collect init tea --community MEX --community ~hill`
    """
    require_collecting()
    from pluralign.collecting.new_study import DEFAULT_COMMUNITY, PROMPTS_FILE, write_study
    from pluralign.collecting.study import STUDY_FILE

    written = write_study(study, community or [DEFAULT_COMMUNITY])
    typer.echo(f"wrote {written.folder / STUDY_FILE} and {written.folder / PROMPTS_FILE}")
    typer.echo(
        "the texts are templates, not legal advice: edit them, and have them checked before "
        "people read them"
    )
    typer.echo(f"next: pluralign collect serve {study}")


@collect.command()
def serve(
    study: StudyFolder,
    host: Annotated[
        str,
        typer.Option(help="Address to listen on; 0.0.0.0 lets phones of the same network in."),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65535)
    ] = 8000,
    database: Database = None,
    forwarded_allow_ips: Annotated[
        str,
        typer.Option(
            help="Addresses of the proxies in front of the server whose X-Forwarded headers are "
            "trusted, separated by commas.",
        ),
    ] = "127.0.0.1",
) -> None:
    """Serve the pages of a study, in one process that needs no other service.

    Changed texts of study.toml are published as a new version, and new prompts of prompts.jsonl
    are added. After Ctrl-C or SIGTERM the server finishes the requests that it has. A study on the
    internet needs a proxy that ends TLS in front of it.

    Example: `pluralign collect serve tea --host 0.0.0.0`
    """
    require_collecting()
    from pluralign.collecting.server import Listening
    from pluralign.collecting.server import serve as run

    listening = Listening(host, port, forwarded_allow_ips)
    run(study, database, listening, _announce(study), lambda step: typer.echo(step, err=True))


@collect.command()
def invite(
    study: StudyFolder,
    community: Annotated[
        str | None,
        typer.Option("--community", "-c", help="Community of the people who are invited."),
    ] = None,
    thin_first: Annotated[
        bool,
        typer.Option(
            "--thin-first",
            help="Invite for the community that lacks most people, by `people` in study.toml.",
        ),
    ] = False,
    uses: Annotated[
        int, typer.Option(help="Number of people who may join with it.", min=1, max=100_000)
    ] = 1,
    days: Annotated[int, typer.Option(help="Days until it expires.", min=1, max=3650)] = 30,
    label: Annotated[
        str, typer.Option(help="For whom it is; stewards see it, participants do not.")
    ] = "",
    qr: Annotated[
        Path | None,
        typer.Option("--qr", metavar="FILE.svg", help="Also write the QR code to a file."),
    ] = None,
    database: Database = None,
) -> None:
    """Make an invitation, and print its link and QR code.

    The link is not stored: print it or pass it on now. One link can invite many people, for example
    on a poster.

    Example: `pluralign collect invite tea --community MEX --uses 30 --qr poster.svg`
    """
    require_collecting()
    import segno

    from pluralign.collecting.operations import operate, running_server
    from pluralign.collecting.study import open_study
    from pluralign.core import InvalidSettings

    if thin_first == (community is not None):
        raise InvalidSettings(
            "name a community, or let --thin-first choose it, not both"
            if thin_first
            else "the community is missing",
            where="--community",
            hint="write --community MEX or --thin-first",
        )
    arguments = {"community": community, "uses": uses, "days": days, "label": label}
    made = operate(study, database, "invite", arguments)
    token = made["token"]
    if thin_first:
        typer.echo(f"an invitation for {made['community']}, which lacks most people", err=True)
    server = running_server(study)
    address = open_study(study).settings.address or (server.public if server else None)
    link = f"{address or 'http://127.0.0.1:8000'}/join/{token}"
    code = segno.make(link, error="m", micro=False)
    typer.echo(link)  # first: it is stored nowhere, and the file may fail
    if qr is not None:
        code.save(str(qr), kind="svg", scale=8, border=4)
    code.terminal(compact=True)
    if address is None:
        typer.echo(
            "no server runs: the link has the default address; set address in study.toml", err=True
        )


@collect.command()
def status(
    study: StudyFolder, database: Database = None, wide: Wide = False, as_json: AsJson = False
) -> None:
    """Print how many people, answers and texts a study has, and what is left to do.

    Example: `pluralign collect status tea`
    """
    require_collecting()
    from pluralign.cli.output import Output
    from pluralign.collecting.operations import operate

    found = operate(study, database, "status", {})
    output = Output(as_json=as_json, wide=wide)
    if as_json:
        output.json(found)
        return
    output.line(f"the study is {found['state']}; consent text version {found['consent_version']}")
    output.line(f"texts that wait for a steward: {found['waiting']}")
    if found["drafts"]:
        output.line(f"texts that nobody has checked yet: {', '.join(found['drafts'])}")
    output.table(_by_community(found["communities"]))


@collect.command()
def pause(study: StudyFolder, database: Database = None) -> None:
    """Stop taking answers for a while; people can still see, change and withdraw what they gave.

    Example: `pluralign collect pause tea`
    """
    _set_state(study, database, "paused")


@collect.command()
def resume(study: StudyFolder, database: Database = None) -> None:
    """Take answers again after a pause.

    Example: `pluralign collect resume tea`
    """
    _set_state(study, database, "open")


@collect.command()
def close(study: StudyFolder, database: Database = None) -> None:
    """End a study: no more answers; people can still see and withdraw what they gave.

    Example: `pluralign collect close tea`
    """
    _set_state(study, database, "closed")


def _set_state(study: Path, database: str | None, state: str) -> None:
    require_collecting()
    from pluralign.collecting.operations import operate

    operate(study, database, "state", {"state": state})
    typer.echo(f"the study is {state}")


def _announce(study: Path) -> Any:
    def announce(started: "Started") -> None:
        for warning in started.warnings:
            typer.echo(f"warning: {warning}", err=True)
        typer.echo(f"serving {study} at {started.address}; stop with Ctrl-C", err=True)

    return announce


def _by_community(rows: list[dict[str, Any]]) -> "PrintedTable":
    from pluralign.cli.printed_tables import PrintedColumn, PrintedTable

    heads = ("community", "people", "hoped", "answers", "texts")
    columns = [PrintedColumn(head=head, right=head != "community") for head in heads]
    return PrintedTable(columns=columns, rows=[[str(row[head]) for head in heads] for row in rows])
