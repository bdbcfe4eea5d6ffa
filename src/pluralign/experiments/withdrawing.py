"""A person takes their word back: the run is made again as if it had never seen them.

The list of people who withdrew is written first, then a receipt that is not finished, then all that
the run wrote is deleted, then the run is made anew. So a stop at any point brings nobody back: the
same command, or the run's own, goes on from there, and the next withdrawal finishes it first.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pluralign.core import (
    MANIFEST,
    AnyPath,
    InvalidInput,
    InvalidSettings,
    Manifest,
    PreferencePair,
    Reporter,
    as_path,
    file_digest,
    prompt_text,
    requests_of,
    text_digest,
)
from pluralign.encoders import forget_texts
from pluralign.experiments.rater_ids import check_raters
from pluralign.experiments.receipts import (
    Receipt,
    digests,
    last_receipt,
    next_receipt,
    now,
    pairs_by_community,
    read_receipt,
    receipt_paths,
    write_receipt,
)
from pluralign.experiments.recorded_settings import recorded_settings, recorded_tables
from pluralign.experiments.reward_run import run_experiment
from pluralign.runs.derived_files import Derived, command_for, delete_derived, derived_files
from pluralign.runs.folder import RECORD, STATE, RunFolder, as_json
from pluralign.runs.lock import alone_in
from pluralign.runs.progress_bars import reporting
from pluralign.runs.withdrawn import CLEARED, Withdrawn, read_withdrawn
from pluralign.settings.experiment import Settings
from pluralign.settings.resolved_experiment import Resolved
from pluralign.sources.pair_loading import load_pairs

WriteAgain = Callable[[Path, Derived, Reporter], list[str]]
"""``(folder, derived files, reporter) -> names of those that were written again``."""


def withdraw(
    run: AnyPath,
    raters: Sequence[str],
    settings: Resolved | AnyPath | None = None,
    reporter: Reporter | None = None,
    cache: AnyPath | None = None,
    again: WriteAgain | None = None,
) -> tuple[Receipt, Path]:
    """Take the choices of people out of a run, and make the run again without them.

    Models, predictions, tables and cached vectors afterwards are those of a run that never saw
    these people. The folder remembers them by keyed digests, so that no later run in it reads them.

    Args:
        run: Folder of a run of reward models.
        raters: Ids of the people.
        settings: The experiment, or its file; by default as the run's record has it.
        reporter: Is notified of the progress.
        cache: Folder of kept embeddings; the default one where None.
        again: Writes the pages and the audit of the folder again, such as
            `pluralign.reports.write_derived`; where None, they are deleted alone.

    Returns:
        The receipt, and its file in the folder ``withdrawals`` of the run.

    Raises:
        InvalidInput: If there is no run, its pairs have no raters, or a rater is unknown or not
            named.
        InvalidSettings: If another process works in the folder, or the record does not have all
            settings.
        PluralignError: If the run cannot be made without these people, such as where too few are
            left; its models stay deleted.
    """
    folder, given = as_path(run), list(dict.fromkeys(raters))
    if not folder.is_dir():
        raise InvalidInput("no such folder", where=str(folder), hint="name the folder of a run")
    if not given:
        raise InvalidInput("no rater is named", where=str(folder), hint="name at least one rater")
    with reporting(reporter) as drawn:
        if _stopped_for_others(folder, given):
            drawn.note("an earlier withdrawal from this run was stopped: it is finished first")
            _carry_out(folder, (), settings, drawn, cache, again)
        return _carry_out(folder, given, settings, drawn, cache, again)


def begin_withdrawal(
    run: AnyPath,
    raters: Sequence[str],
    settings: Resolved | AnyPath | None = None,
    reporter: Reporter | None = None,
    cache: AnyPath | None = None,
) -> None:
    """Do the first half of `withdraw`: delete all that learned from people, and note who they are.

    From here on the people may be deleted from the source, and `withdraw` with the same people
    makes the run again. Use it where several runs read one source that is about to change. The
    people need not have pairs: perhaps only texts of theirs are in pairs of others. Does nothing
    for a run from which they have withdrawn already, or begun to.

    Args:
        run: Folder of a run of reward models.
        raters: Ids of the people.
        settings: As in `withdraw`.
        reporter: Is notified of the progress.
        cache: Folder of kept embeddings; the default one where None.

    Raises:
        InvalidInput: If there is no run.
        InvalidSettings: If another process works in the folder, or the record does not have all
            settings.
    """
    folder = as_path(run)
    if not without_receipt(folder, raters):
        return
    with reporting(reporter) as drawn:
        if _stopped_for_others(folder, raters):
            _carry_out(folder, (), settings, drawn, as_path(cache), None)
        with alone_in(folder):
            _, receipt, _ = _begun(folder, raters, settings, drawn, as_path(cache), known=False)
            _clear(folder, receipt)


def note_withdrawal(run: AnyPath, raters: Iterable[str]) -> None:
    """Note people in the folder of a run that is not finished: no later run there reads them.

    A process that works in the folder now may have read them already, so `begin_withdrawal` must
    follow once the run is finished.
    """
    folder = as_path(run)
    gone = read_withdrawn(folder)
    gone.joined_by(map(gone.digest, raters)).write(folder)


def is_unfinished(run: AnyPath) -> bool:
    """Whether a run was begun and not finished, so that its settings are not recorded yet.

    A run that a withdrawal stopped in is not: its receipt has the settings.
    """
    folder = as_path(run)
    path = last_receipt(folder)
    stopped = path is not None and read_receipt(path).finished is None
    return folder.is_dir() and not stopped and not (folder / RECORD).is_file()


def without_receipt(run: AnyPath, raters: Iterable[str]) -> list[str]:
    """The people among these whose withdrawal from a run has not begun."""
    folder = as_path(run)
    gone = read_withdrawn(folder)
    named = {digest for path in receipt_paths(folder) for digest in read_receipt(path).people}
    return [rater for rater in raters if rater not in gone or gone.digest(rater) not in named]


def finished_receipt(run: AnyPath, rater: str) -> tuple[Receipt, Path] | None:
    """The receipt of a person's withdrawal from a run; None if there is none that is finished."""
    folder = as_path(run)
    digest = read_withdrawn(folder).digest(rater)
    for path in receipt_paths(folder):
        receipt = read_receipt(path)
        if digest in receipt.people and receipt.finished is not None:
            return receipt, path
    return None


def _stopped_for_others(folder: Path, raters: Sequence[str]) -> bool:
    """Whether the last withdrawal from a run is not finished, and is not that of these people."""
    path = last_receipt(folder)
    if path is None:
        return False
    receipt, gone = read_receipt(path), read_withdrawn(folder)
    people = {gone.digest(rater) for rater in raters}
    return receipt.finished is None and not people <= set(receipt.people)


def _carry_out(
    folder: Path,
    raters: Sequence[str],
    settings: Resolved | AnyPath | None,
    reporter: Reporter,
    cache: AnyPath | None,
    again: WriteAgain | None,
) -> tuple[Receipt, Path]:
    """Withdraw people from a run, or go on with a withdrawal that was stopped."""
    with alone_in(folder):
        path, receipt, resolved = _begun(folder, raters, settings, reporter, as_path(cache))
        fresh = _clear(folder, receipt)
    run_experiment(resolved, folder, reporter, fresh, cache)
    with alone_in(folder):
        rewritten = [] if again is None else again(folder, receipt.derived, reporter)
        return _finished(folder, path, receipt, rewritten), path


def _begun(
    folder: Path,
    raters: Sequence[str],
    given: Resolved | AnyPath | None,
    reporter: Reporter,
    cache: Path | None,
    known: bool = True,
) -> tuple[Path, Receipt, Resolved]:
    """The receipt, of a withdrawal that was stopped or a new one, after which nobody is read."""
    gone, path = read_withdrawn(folder), last_receipt(folder)
    receipt = None if path is None else read_receipt(path)
    if path is None or receipt is None or receipt.finished is not None:
        tables = recorded_tables(folder)
        resolved = recorded_settings(given, tables, folder)
        reporter.stage("reading pairs")
        pairs = load_pairs(
            resolved.sources, resolved.settings.limit, resolved.settings.seed, withdrawn=gone
        ).pairs
        if known:
            _check_people(raters, pairs, folder, gone)
        path, receipt = _new_receipt(folder, raters, resolved, tables, gone, pairs, cache)
    elif not {gone.digest(rater) for rater in raters} <= set(receipt.people):
        raise InvalidSettings(
            "an earlier withdrawal from this run was stopped",
            where=str(path),
            hint="give its command again, then this one",
        )
    else:
        # Where a run with other settings is in the folder by now, that run is made again.
        newer = _is_replaced(folder, receipt) and (folder / RECORD).is_file()
        tables = recorded_tables(folder) if newer else receipt.tables
        resolved = recorded_settings(given, tables, folder)
    gone.joined_by(receipt.people).write(folder)
    return path, receipt, resolved


def _new_receipt(
    folder: Path,
    raters: Sequence[str],
    resolved: Resolved,
    tables: dict[str, Any],
    gone: Withdrawn,
    pairs: Sequence[PreferencePair],
    cache: Path | None,
) -> tuple[Path, Receipt]:
    theirs = [pair for pair in pairs if pair.rater in set(raters)]
    others = [pair for pair in pairs if pair.rater not in set(raters)]
    gone.write(folder)  # its key, without which the receipt names nobody
    receipt = Receipt(
        people=sorted(gone.digest(rater) for rater in raters),
        pairs=pairs_by_community(theirs),
        vectors=forget_texts(_own_texts(theirs, others, resolved.settings), cache),
        begun=now(),
        finished=None,
        draw=resolved.settings.split.draw,
        before=digests(folder),
        tables=tables,
        derived=derived_files(folder),
    )
    path = next_receipt(folder)
    write_receipt(path, receipt)
    return path, receipt


def _check_people(
    raters: Sequence[str], pairs: Sequence[PreferencePair], folder: Path, gone: Withdrawn
) -> None:
    """Check that each person has pairs, and has not withdrawn."""
    for rater in raters:
        if rater in gone:
            raise InvalidInput(
                f"{rater!r} has withdrawn already", where=str(folder), hint="leave this rater out"
            )
    check_raters(raters, {pair.rater for pair in pairs if pair.rater is not None}, folder)


def _own_texts(
    theirs: Sequence[PreferencePair], others: Sequence[PreferencePair], settings: Settings
) -> list[str]:
    """The texts that only these people gave, as the cache names them."""
    return sorted(_texts(theirs, settings) - _texts(others, settings))


def _texts(pairs: Sequence[PreferencePair], settings: Settings) -> set[str]:
    if settings.trunk.kind == "embedding":
        return {text for p in pairs for text in (prompt_text(p.prompt), p.chosen, p.rejected)}
    from pluralign.rewards.transformer.tokenized_texts import request_key

    return {request_key(request) for side in requests_of(pairs) for request in side}


def _finished(folder: Path, path: Path, receipt: Receipt, rewritten: list[str]) -> Receipt:
    after, manifest = digests(folder), Manifest.read(folder)
    assert manifest is not None, "a run that ended has a manifest"
    others = sorted(after.keys() - manifest.files.keys() - {MANIFEST})
    stems = {name.removesuffix(".html") for name in rewritten}
    left = [name for name in receipt.derived if name not in rewritten]
    done = replace(
        receipt,
        finished=now(),
        after=after,
        untouched=[
            name for name in others if name.split("/")[0].removesuffix(".html") not in stems
        ],
        rewritten=rewritten,
        deleted={name: command_for(name, folder) for name in left},
    )
    write_receipt(path, done)
    return done


def _clear(folder: Path, receipt: Receipt) -> bool:
    """Delete the files of the old run, audits and pages; False where the new run has begun."""
    run = RunFolder(folder)
    if _is_replaced(folder, receipt):
        return False
    delete_derived(folder, receipt.derived)
    # The state comes first: with it, a run takes the folder over with all that is left in it.
    run.write_json(STATE, CLEARED)
    run.clear(keep=STATE)
    return True


def _is_replaced(folder: Path, receipt: Receipt) -> bool:
    """Whether a new run has begun in the place of the one that is withdrawn from."""
    if not (folder / STATE).is_file():
        return False
    old = {receipt.before.get(STATE), text_digest(as_json(CLEARED))}
    return file_digest(folder / STATE) not in old
