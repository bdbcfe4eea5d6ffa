"""``pluralign data export`` and ``pluralign push``: data sets, and uploads to the hub."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from pluralign.cli.collect_options import Database, require_collecting
from pluralign.cli.completion import complete_source, complete_source_setting
from pluralign.cli.data_commands import source_of
from pluralign.cli.options import SkipBad, overrides

if TYPE_CHECKING:
    from pluralign.core import PreferencePair
    from pluralign.interop import Upload


def export_dataset(
    pairs: Annotated[
        str,
        typer.Argument(
            metavar="RUN_OR_PAIRS",
            help="Folder of a finished run; or a .jsonl, .json, .csv or .parquet file of pairs, or "
            "the name of a source.",
            autocompletion=complete_source,
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write: new or empty.")],
    licence: Annotated[
        str, typer.Option("--license", help="Licence of the whole (SPDX), such as CC-BY-4.0.")
    ],
    about: Annotated[
        str, typer.Option(help="The people who compared and their task, in sentences.")
    ],
    name: Annotated[
        str | None, typer.Option(help="Name of the data set. The default is that of the folder.")
    ] = None,
    keep_ids: Annotated[
        bool,
        typer.Option(
            "--keep-ids",
            help="Keep the ids of people and pairs. Without it, both get new numbers.",
        ),
    ] = False,
    sets: Annotated[
        list[str] | None, overrides(complete_source_setting, "path=opinions.csv")
    ] = None,
    skip_bad: SkipBad = False,
    database: Database = None,
) -> None:
    """Write pairs as a data set with a card, which `datasets` and the Hugging Face hub read.

    Of a run, these are the pairs that it read, without people who withdrew from it. The folder has
    pairs.jsonl, README.md and croissant.json; `pluralign push` uploads it. Pairs of a release whose
    people did not agree to publication are refused.

    Examples:
    * `pluralign data export pairs.jsonl --out tea --license CC-BY-4.0 --about "Two towns."`
    * `pluralign data export runs/mine --out mine --license CC-BY-4.0 --about "Two towns."`
    """
    from pluralign.cli.screen import console
    from pluralign.core import count_of
    from pluralign.interop import DatasetSheet, Origin, write_dataset

    if _is_run(Path(pairs)):
        refuse_pending(Path(pairs), database)
    origins = [Origin.of(folder) for folder in _origins(pairs, sets, skip_bad)]
    found = _pairs(pairs, sets, skip_bad)
    people = len({pair.rater for pair in found if pair.rater is not None})
    called = name or out.resolve().name
    shown = found if keep_ids else renumbered(found)
    write_dataset(shown, out, DatasetSheet(called, about, licence), origins)
    line = f"{count_of(len(found), 'pair')} of {count_of(people, 'person', 'people')} written to"
    console().print(f"{line} {out}", markup=False, soft_wrap=True)
    console().print(f"  pluralign push {out} --to OWNER/{called} --dry-run", markup=False)


def _origins(given: str, sets: list[str] | None, skip_bad: bool) -> list[Path]:
    """The run and the releases that pairs are from; none where they are of another source.

    Raises:
        InvalidInput: If the people of a release did not agree to its publication.
    """
    from pluralign.interop import check_distribution

    if run := _is_run(Path(given)):
        releases = _releases(Path(given))
    else:
        source = source_of(given, sets, skip_bad)
        releases = [source.path] if source.name == "collected" else []
    for release in releases:
        check_distribution(release)
    return [Path(given), *releases] if run else releases


def _pairs(given: str, sets: list[str] | None, skip_bad: bool) -> "Sequence[PreferencePair]":
    """The pairs of a run, a file or a source; its rows are counted on standard error."""
    from pluralign.cli.source_tables import show_tally
    from pluralign.core import InvalidInput, Tally
    from pluralign.experiments import pairs_of_run

    if not _is_run(Path(given)):
        tally, source = Tally(), source_of(given, sets, skip_bad)
        found = list(source.pairs(tally))
        show_tally(tally, "kept")
        return found
    if sets or skip_bad:
        raise InvalidInput(
            "the settings of a run are in its record", where=given, hint="leave out --set"
        )
    loaded = pairs_of_run(given)
    for tally in loaded.tallies:
        show_tally(tally, "kept")
    return loaded.pairs


def renumbered(pairs: "Sequence[PreferencePair]") -> "list[PreferencePair]":
    """Pairs with new ids, their people numbered as they first appear.

    The id of a pair is its number: in some sources it contains the id of its person.

    >>> from pluralign.core import PreferencePair
    >>> pairs = [PreferencePair(f"{r}:5", "Tea?", "Yes", "No", "GBR", r) for r in "zaz"]
    >>> [(pair.id, pair.rater) for pair in renumbered(pairs)]
    [('1', 'p1'), ('2', 'p2'), ('3', 'p1')]
    """
    from dataclasses import replace

    raters = dict.fromkeys(pair.rater for pair in pairs if pair.rater is not None)
    ids: dict[str | None, str | None] = {None: None}
    ids |= {rater: f"p{number}" for number, rater in enumerate(raters, 1)}
    return [
        replace(pair, id=str(number), rater=ids[pair.rater]) for number, pair in enumerate(pairs, 1)
    ]


def push(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER",
            help="A model with its README.md, a data set, a release of a study, or a finished run.",
        ),
    ],
    to: Annotated[str, typer.Option(metavar="OWNER/NAME", help="Repository on the hub.")],
    licence: Annotated[
        str | None,
        typer.Option("--license", help="Of a run: the licence of its numbers, as CC-BY-4.0."),
    ] = None,
    public: Annotated[
        bool, typer.Option("--public", help="Make a new repository public. The default is private.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be uploaded, and send nothing.")
    ] = False,
    database: Database = None,
) -> None:
    """Upload a model, a data set, a release, or the numbers of a run to the Hugging Face hub.

    Everything is checked before anything is sent, and sent in one commit. Of a run, only its
    numbers leave this machine: no predictions, which have ids of people, and no models. A folder in
    which somebody waits to be withdrawn is refused, and so is a data set from whose run or release
    people withdrew since it was exported. The access token is that of `hf auth login`, or
    the environment variable HF_TOKEN.

    Examples:
    * `pluralign push tea --to owner/tea --dry-run`
    * `pluralign push runs/mine --to owner/mine-numbers --license CC-BY-4.0`
    """
    from pluralign.cli.screen import console
    from pluralign.core import InvalidInput
    from pluralign.interop import planned_upload, read_origins, write_run_numbers
    from pluralign.interop import push as upload

    refuse_pending(folder, database)
    for origin in read_origins(folder):
        if origin.folder.is_dir():
            refuse_pending(origin.folder, database)
    run = _is_run(folder)
    if run != (licence is not None):
        raise InvalidInput(
            "the numbers of a run need a licence" if run else "the option is for runs only",
            where="--license",
            hint="add --license CC-BY-4.0"
            if run
            else "the README.md of the folder states its licence",
        )
    with TemporaryDirectory() as temporary:
        if licence is not None:
            folder = write_run_numbers(folder, temporary, to.rpartition("/")[2], licence)
        planned = planned_upload(folder, to, not public)
        for line in _lines(planned):
            console().print(line, markup=False, soft_wrap=True)
        if dry_run:
            console().print("nothing was sent (--dry-run)")
            return
        console().print(f"uploaded to {upload(folder, to, not public)}", markup=False)


def _lines(planned: "Upload") -> list[str]:
    """The files of an upload with their sizes, and where they go."""
    width = max(len(name) for name in planned.files)
    files = [f"  {name:{width}} {size:>12,} bytes" for name, size in planned.files.items()]
    seen = "private" if planned.private else "public"
    return [*files, f"to {planned.repo_id} on the hub, a {seen} {planned.kind} repository"]


def _is_run(folder: Path) -> bool:
    from pluralign.runs.folder import RECORD

    return (folder / RECORD).is_file()


def refuse_pending(folder: Path, database: str | None) -> None:
    """Refuse a release, or a run that read one, from which a person waits to be withdrawn.

    Args:
        folder: The folder.
        database: URL of the study's database; SQLite in its folder where None.

    Raises:
        InvalidInput: If a withdrawal of its study is not finished, or its database is not known.
        MissingExtra: If it is of a study, and the extra ``collect`` is not installed.
    """
    from pluralign.core import InvalidInput

    for release in _releases(folder) if _is_run(folder) else [folder.resolve()]:
        study = release.parent.parent
        if not (study / "study.toml").is_file():
            continue
        if _waits(study, release.name, database):
            raise InvalidInput(
                "a person is waiting to be withdrawn from it",
                where=str(folder),
                hint=f"pluralign collect withdraw {study} --pending",
            )


def _releases(run: Path) -> list[Path]:
    """The releases of studies that a run read; none where it is a run of another kind."""
    from pluralign.core import PluralignError
    from pluralign.experiments.recorded_settings import recorded_tables

    try:
        sources = recorded_tables(run)["sources"]
    except PluralignError:
        return []
    return [Path(one["path"]).resolve() for one in sources if one["source"] == "collected"]


def _waits(study: Path, release: str, database: str | None) -> bool:
    """Whether a withdrawal from a release is not finished."""
    require_collecting()
    from pluralign.collecting.operations import operate, running_server
    from pluralign.core import InvalidInput

    known = database is not None or (study / "store.db").is_file()
    if not known and running_server(study) is None:
        raise InvalidInput(
            "the study's database is not here, so people may be waiting to be withdrawn",
            where=str(study),
            hint="name its database with --database",
        )
    pending = operate(study, database, "pending", {})["pending"]
    return any(release in one["traces"] for one in pending)
