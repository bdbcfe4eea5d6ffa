"""``pluralign collect release``, ``used``, ``withdraw``, ``export``, ``dossier``, ``changed``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pluralign.cli.collect_options import Database, StudyFolder, require_collecting
from pluralign.cli.options import AsJson

if TYPE_CHECKING:
    from pluralign.cli.printed_tables import PrintedTable

Run = Annotated[Path, typer.Option("--run", metavar="RUN", help="Folder of a finished run.")]


def release(
    study: StudyFolder,
    purpose: Annotated[
        list[str] | None,
        typer.Option(
            "--purpose",
            help="Purpose: train, evaluate, publish-rows or publish-quotes. May be repeated: "
            "people must consent to all.",
        ),
    ] = None,
    steward: Annotated[
        list[str] | None,
        typer.Option("--steward", help="Name of a steward who agrees. May be repeated."),
    ] = None,
    proposal: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="Proposal that stewards agreed to on their pages; it has purposes and stewards.",
        ),
    ] = None,
    yes: Annotated[
        bool,
        typer.Option("--yes", help="Make the release. Without it, only the counts are printed."),
    ] = False,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Make a release: a snapshot of what people gave, for training, evaluation or publication.

    It has the newest version of each answer whose person consents now to every purpose. Communities
    with fewer people than their floor are left out, and so are communities for which no steward
    has agreed. People have new ids in each release. The folder has a data card (README.md) and
    Croissant metadata.

    Example: `pluralign collect release tea --purpose train --steward Ana --yes`
    """
    require_collecting()
    from pluralign.cli.output import Output
    from pluralign.collecting.operations import operate

    arguments = {"purposes": purpose or [], "stewards": steward or [], "proposal": proposal}
    found = operate(study, database, "release" if yes else "preview", arguments)
    output = Output(as_json=as_json, wide=False)
    if as_json:
        output.json(found)
        return
    output.table(_communities(found["communities"]))
    for reason, n in found["left_out"].items():
        output.line(f"left out: {n:,} x {reason}")
    if not yes:
        output.line("nothing was written; to make this release, give the command with --yes")
        return
    output.line(f"release {found['id']}: {found['folder']}")


def used(
    study: StudyFolder,
    run: Run,
    database: Database = None,
) -> None:
    """Note that a run uses releases of the study, so that a withdrawal reaches its models.

    Example: `pluralign collect used tea --run runs/tea`
    """
    require_collecting()
    from pluralign.collecting import note_run

    noted = note_run(study, run, database)
    typer.echo(f"{run} uses {', '.join(noted)}" if noted else f"{run} uses no release of {study}")


def withdraw(
    study: StudyFolder,
    key: Annotated[
        str | None, typer.Option("--key", metavar="WORDS", help="The person's key.")
    ] = None,
    participant: Annotated[
        str | None, typer.Option("--participant", metavar="ID", help="Id of the person.")
    ] = None,
    pending: Annotated[
        bool,
        typer.Option(
            "--pending",
            help="Finish the withdrawals that people began on the pages, or that were stopped.",
        ),
    ] = False,
    runs: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder in which to look for further runs that read a release of the study.",
        ),
    ] = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Withdraw a person: from the store, from releases on disk, and from every known model.

    Everything that they gave is deleted from the store at once. Then each run that read a release
    with them deletes its models, the release is written again without them, and the runs are made
    again, as if they had never seen the person. A run that is not finished is named and waits; the
    rest is done. To resume, or to do the runs that waited: --pending, which also takes people out
    of releases for purposes that they no longer consent to.

    Example: `pluralign collect withdraw tea --pending --runs runs`
    """
    require_collecting()
    from pluralign.cli.output import Output
    from pluralign.cli.screen import Screen
    from pluralign.collecting import finish_withdrawals, narrow_releases, withdraw_person
    from pluralign.collecting.leaving_models import unfinished_runs_in
    from pluralign.core import InvalidInput
    from pluralign.reports import write_derived

    if [key is not None, participant is not None, pending].count(True) != 1:
        raise InvalidInput("name one of --key, --participant and --pending", where="withdraw")
    unread = [str(run) for run in unfinished_runs_in(runs)] if runs is not None else []
    narrowed: dict[str, Any] = {"releases": {}, "runs": []}
    with Screen() as screen:
        how: dict[str, Any] = {"database": database, "reporter": screen, "again": write_derived}
        if pending:
            shown = finish_withdrawals(study, runs=runs, **how)
            narrowed = narrow_releases(study, **how)
        else:
            shown = [withdraw_person(study, key, participant=participant, runs=runs, **how)]
    output = Output(as_json=as_json, wide=False)
    if as_json:
        output.json({"withdrawals": shown, "narrowed": narrowed, "not_finished": unread})
        return
    lines = [line for one in shown for line in _receipt(one)]
    if narrowed["releases"]:
        lines += ["consents that people narrowed:", *_reached(narrowed)]
    if any(one["releases"] for one in [*shown, narrowed]):
        lines.append("measure what answers changed again: pluralign collect changed")
    lines = lines or ["nothing is pending"]
    for run in unread:
        lines.append(f"run {run}: not finished; if it reads a release, finish it and repeat this")
    output.line("\n".join(lines))


def export(
    study: StudyFolder,
    out: Annotated[Path, typer.Option(metavar="FILE.json", help="File to write.")],
    key: Annotated[
        str | None,
        typer.Option("--key", metavar="WORDS", help="Only what the person with this key gave."),
    ] = None,
    database: Database = None,
) -> None:
    """Write everything in a study's store into a JSON file, for its operator.

    The file has what people gave, in all versions, also without consent to any use: keep it as safe
    as the store, and train on a release instead. Keys, tokens and personal data are not in it.

    Example: `pluralign collect export tea --out tea.json`
    """
    require_collecting()
    import json

    from pluralign.collecting.operations import operate
    from pluralign.core import whole_file

    found = operate(study, database, "export", {"key": key})
    with whole_file(out, private=True) as partial:
        partial.write_text(
            json.dumps(found, ensure_ascii=False, indent=2) + "\n", "utf-8", newline="\n"
        )
    typer.echo(f"wrote {out}")


def dossier(
    study: StudyFolder,
    out: Annotated[Path, typer.Option(metavar="DIR", help="New folder for the pages.")],
    database: Database = None,
) -> None:
    """Write the texts and settings of a study as pages for an ethics board.

    It has every version of the consent and policy texts in each language, the recruitment text, the
    purposes that people are asked for, and the settings. Print index.html, or save it as PDF.

    Example: `pluralign collect dossier tea --out dossier`
    """
    require_collecting()
    from pluralign.collecting.dossier import write_dossier
    from pluralign.collecting.operations import operate
    from pluralign.collecting.study import open_study

    documents = operate(study, database, "documents", {})["documents"]
    typer.echo(f"wrote {write_dossier(open_study(study), documents, out)}")


def changed(study: StudyFolder, run: Run, database: Database = None) -> None:
    """Measure what each person's answers changed, for the page that they alone see.

    The models of a community with and without each person are compared on anchor pairs, which are
    the same for everybody. The run must have read a release of the study, and be measured on
    anchors: split.test_where = {reason = "anchor"}.

    Example: `pluralign collect changed tea --run runs/tea`
    """
    require_collecting()
    from pluralign.cli.screen import Screen
    from pluralign.collecting import note_run
    from pluralign.collecting.changed import changes_of
    from pluralign.collecting.operations import operate
    from pluralign.collecting.release_files import RELEASES
    from pluralign.core import InvalidInput

    noted = note_run(study, run, database)
    if len(noted) != 1:
        raise InvalidInput(
            f"the run must have read one release of {study}, not {len(noted)}", where=str(run)
        )
    with Screen() as screen:
        found = changes_of(study / RELEASES / noted[0], run, screen)
    arguments = {"release": noted[0], "changes": found}
    kept = operate(study, database, "changes", arguments)["people"]
    typer.echo(f"{kept} people can see what their answers changed in {noted[0]}")


def _communities(counts: dict[str, dict[str, int]]) -> "PrintedTable":
    from pluralign.cli.printed_tables import PrintedColumn, PrintedTable

    heads = ("people", "answers", "pairs")
    columns = [PrintedColumn(head="community"), *(PrintedColumn(head=h, right=True) for h in heads)]
    table = PrintedTable(columns=columns)
    for id_, of in counts.items():
        table.rows.append([id_, *(f"{of[head]:,}" for head in heads)])
    return table


def _receipt(receipt: dict[str, Any]) -> list[str]:
    """The lines of a receipt."""
    erased = receipt["scope"] == "erase"
    texts = receipt["texts_deleted"] + receipt["texts_erased"]
    lines = [
        f"withdrawal {receipt['id']}: {receipt['answers']:,} answers and {texts:,} texts "
        + ("deleted" if erased else "are not used any more")
    ]
    lines += _reached(receipt)
    if receipt["done_at"] is None and not receipt["runs"]:
        lines.append("not finished: releases and models are still to do (--pending)")
    return [*lines, "these cannot be recalled:", *(f"  - {one}" for one in receipt["not_recalled"])]


def _reached(done: dict[str, Any]) -> list[str]:
    """A line for each release that was written again, and each run that was made again."""
    lines = []
    for id_, change in done["releases"].items():
        after = change["after"][:12] or "deleted, too few people were left"
        lines.append(f"release {id_}: {change['before'][:12]} -> {after}")
    for run in done["runs"]:
        if run["models"] == "waiting":
            lines += _waiting(run["run"])
            continue
        digests = f", {run['before'][:12]} -> {run['after'][:12]}" if "after" in run else ""
        lines.append(f"run {run['run']}: models {run['models']}{digests}")
    return lines


def _waiting(run: str) -> list[str]:
    """The lines about a run that is not finished."""
    return [
        f"run {run}: not finished, so its models wait, and the withdrawal stays pending",
        f"  finish it (pluralign run ... --out {run} --fresh) or delete its folder; then give",
        "  pluralign collect withdraw STUDY --pending",
    ]
