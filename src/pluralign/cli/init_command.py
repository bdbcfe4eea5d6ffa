"""``pluralign init``: write a first settings file for a data file."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pluralign.cli.completion import complete_pairs_setting
from pluralign.cli.options import AsJson, SkipBad, Wide, overrides

if TYPE_CHECKING:
    from pluralign.cli.output import Output
    from pluralign.core import PairSource
    from pluralign.experiments.first_settings import Look, Proposal
    from pluralign.sources.recognised import Recognised

_MOST = 15
_LONGEST_NAME = 80


def init(
    data: Annotated[
        list[Path],
        typer.Argument(
            help="The data: files of pairs, votes or survey answers, or folders of such files. "
            "Several are read together, each with its own layout."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Settings file to write. The default is the data's name with .toml."
        ),
    ] = None,
    sets: Annotated[
        list[str] | None, overrides(complete_pairs_setting, "pairs.community=GBR")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a settings file that already exists.")
    ] = False,
    skip_bad: SkipBad = False,
    wide: Wide = False,
    as_json: AsJson = False,
) -> None:
    """Look at data files, and write a commented settings file that runs as it is.

    The command recognises the layout of the data, reads it, and chooses a split, a reference and
    the communities that can be steered to. The reason for each choice is a comment in the file. Of
    several files, `--set pairs.0.KEY=VALUE` sets a key of the first one.

    Examples:
    * `pluralign init pairs.csv`, then `pluralign run pairs.toml`
    * `pluralign init uk.csv mexico.jsonl --out both.toml --set pairs.0.community=GBR`
    """
    from pluralign.cli.output import Output
    from pluralign.core import InvalidSettings, whole_file
    from pluralign.experiments.first_settings import look_at, propose
    from pluralign.experiments.settings_writing import settings_text

    tables = _given(len(data), sets or [], skip_bad)
    found, sources = [], []
    for k, (path, given) in enumerate(zip(data, tables, strict=True)):
        recognised, source = _recognised(path, given, f"pairs.{k}" if len(data) > 1 else "pairs")
        found.append(recognised)
        sources.append(source)
    name = _run_name(data)
    place = out or Path(f"{name}.toml")
    name = _run_name([out]) if out is not None else name
    if place.exists() and not force:
        raise InvalidSettings(
            "the file already exists",
            where=str(place),
            hint="name another with --out, or replace it with --force",
        )
    look = look_at(sources)
    proposal = propose(look)
    folder = place.resolve().parent
    text = settings_text(list(map(str, data)), name, folder, found, look, proposal)
    folder.mkdir(parents=True, exist_ok=True)
    with whole_file(place) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")
    _show(place, found, look, proposal, Output(as_json=as_json, wide=wide))


def _recognised(
    data: Path, given: dict[str, object], where: str
) -> "tuple[Recognised, PairSource]":
    """The layout of the data with the settings that the user gave, and its source."""
    from dataclasses import replace
    from typing import get_type_hints

    from pluralign.core import InvalidInput, InvalidSettings
    from pluralign.settings import built, source_named
    from pluralign.settings.toml_tables import is_path
    from pluralign.sources.recognised import Recognised, recognise

    name = given.pop("source", None)
    if not data.exists():
        raise InvalidInput("no such file or folder", where=str(data), hint="check the path")
    named = Recognised(source=str(name), settings={"path": data})
    found = recognise(data) if name is None else named
    cls = source_named(found.source)
    hints = get_type_hints(cls)
    for key, value in given.items():
        if key in hints and is_path(hints[key]) and isinstance(value, str):
            given[key] = Path(value)
    reasons = {key: why for key, why in found.reasons.items() if key not in given}
    found = replace(found, settings=found.settings | given, reasons=reasons)
    try:
        return found, built(cls, found.settings, Path.cwd(), where)
    except InvalidSettings as error:
        remedy = f"give it, for example --set {error.where}=..."
        hints_joined = "; ".join(part for part in (remedy, error.hint) if part)
        raise InvalidSettings(error.what, where=error.where, hint=hints_joined) from error


def _given(files: int, sets: list[str], skip_bad: bool) -> list[dict[str, Any]]:
    """The settings that the user gave to the source of each file, without ``pairs.``."""
    from pluralign.core import InvalidSettings
    from pluralign.settings.toml_tables import override

    each: list[dict[str, Any]] = [{} for _ in range(files)]
    tables: dict[str, object] = {"pairs": each if files > 1 else each[0]}
    for text in sets:
        override(tables, text)
    others = [key for key in tables if key != "pairs"]
    if others:
        raise InvalidSettings(
            "only settings of the source can be given here",
            where=f"--set {others[0]}",
            hint="write --set pairs.KEY=VALUE, and change other settings in the file",
        )
    if skip_bad:
        for given in each:
            given["skip_bad"] = True
    return each


def _run_name(paths: Sequence[Path]) -> str:
    """The names of files without their suffixes, as the name of a run may be."""
    import re

    from pluralign.sources.row_files import file_stem

    stems = [file_stem(path.resolve()).removesuffix(".toml") for path in paths]
    name = re.sub(r"[/\\\x00-\x1f\x7f]", "-", "-".join(stems))[:_LONGEST_NAME]
    return name if name.strip(". ") else "pairs"


def _show(
    place: Path, found: "Sequence[Recognised]", look: "Look", proposal: "Proposal", output: "Output"
) -> None:
    import shlex

    from pluralign.cli.printed_tables import PrintedColumn, PrintedTable
    from pluralign.core import count_of, listed

    if output.as_json:
        output.json(
            {
                "settings": str(place),
                **_sources_as_json(found),
                "pairs": look.pairs,
                "people": look.people,
                "steered": proposal.steered,
                "split": proposal.split,
                "draw": proposal.draw,
                "reference": proposal.reference,
            }
        )
        return
    raters = f" by {count_of(look.raters, 'person', 'people')}" if look.raters else ""
    names = listed([one.source for one in found])
    source = "Source" if len(found) == 1 else "Sources"
    output.line(f"{source} {names}: {count_of(look.pairs, 'pair')}{raters}", style="bold")
    for reason, n in look.dropped.most_common():
        output.line(f"{count_of(n, 'row')} dropped: {reason}")
    table = PrintedTable(
        columns=[
            PrintedColumn(head="community", cut="middle", least=14),
            PrintedColumn(head="pairs", right=True),
            PrintedColumn(head="people", right=True),
            PrintedColumn(head="role"),
        ]
    )
    most = None if output.whole else _MOST
    for community, count in list(look.people.items())[:most]:
        role = "steered to" if community in proposal.steered else "not steered to"
        if community in proposal.reference:
            role = "reference"
        people = "-" if count["raters"] is None else f"{count['raters']:,}"
        table.rows.append([community, f"{count['pairs']:,}", people, role])
    output.table(table)
    if len(look.people) > len(table.rows):
        output.line(f"... and {len(look.people) - len(table.rows)} more; --wide lists all")
    output.line(f"Held out for the test: {proposal.split}s. Reference: {_reference(proposal)}.")
    output.line(f"\nWritten to {place}. Check it, rehearse it, and run it:")
    output.line(f"  pluralign run {shlex.quote(str(place))} --dry-run")
    output.line(f"  pluralign run {shlex.quote(str(place))}")


def _sources_as_json(found: "Sequence[Recognised]") -> dict[str, object]:
    """The layout of the one file, or a list of the layouts of several."""
    layouts = [{"source": one.source, "columns": one.columns} for one in found]
    return dict(layouts[0]) if len(layouts) == 1 else {"sources": layouts}


def _reference(proposal: "Proposal") -> str:
    if isinstance(proposal.reference, str):
        return "all pairs (pooled)"
    return ", ".join(proposal.reference)
