"""The second half of a withdrawal: runs that learned from a person, and releases on disk.

For each release: every run that read it deletes its models first, then the release is written again
without the person, then the runs are made again. So a stop at any point brings nobody back, and the
same command goes on from there.

A run that is not finished has no recorded settings to make it again by. It notes the person, so
that no later run in its folder reads them, and waits; the rest is done. Once it is finished or
deleted, the same command does it, too.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pluralign.collecting.pending_withdrawals import WAITING, Leaving
from pluralign.collecting.release_files import RELEASES
from pluralign.collecting.release_revision import Gone, planned, put_revision
from pluralign.core import NotEnoughData, PluralignError, Reporter
from pluralign.core.digests import names_digest
from pluralign.encoders import forget_texts
from pluralign.experiments import begin_withdrawal, finished_receipt, withdraw
from pluralign.experiments.recorded_settings import recorded_tables
from pluralign.experiments.withdrawing import (
    WriteAgain,
    is_unfinished,
    note_withdrawal,
    without_receipt,
)
from pluralign.runs.folder import RECORD, STATE
from pluralign.runs.lock import alone_in
from pluralign.runs.withdrawn import read_withdrawn


def releases_of_run(run: Path) -> list[Path]:
    """Folders of the releases that a finished run read.

    Raises:
        InvalidInput: If the folder has no finished run of reward models.
    """
    sources = recorded_tables(run)["sources"]
    return [Path(one["path"]) for one in sources if one["source"] == "collected"]


def runs_in(folder: Path) -> Iterator[Path]:
    """Folders of the finished runs of reward models in a folder, at any depth."""
    for record in sorted(folder.rglob(RECORD)):
        try:
            recorded_tables(record.parent)
        except PluralignError:
            continue
        yield record.parent


def unfinished_runs_in(folder: Path) -> Iterator[Path]:
    """Folders, at any depth, of runs that are not finished: the data that they read are unknown."""
    for state in sorted(folder.rglob(STATE)):
        if is_unfinished(state.parent):
            yield state.parent


def leave(
    study: Path,
    leaving: Leaving,
    reporter: Reporter | None = None,
    cache: Path | None = None,
    again: WriteAgain | None = None,
) -> list[dict[str, Any]]:
    """Take a person out of all releases on disk, and out of the runs that read them.

    Args:
        study: The study's folder.
        leaving: The work.
        reporter: Is notified of the progress.
        cache: Folder of kept vectors; the default one where None.
        again: Writes pages and audits of a run again, as in `pluralign.experiments.withdraw`.

    Returns:
        For each run that had the person: ``run``, ``release``, ``models`` (``fitted again``,
        ``deleted``, ``folder gone`` or ``waiting``), digests ``before`` and ``after``, and its
        ``receipt``.

    Raises:
        PluralignError: If a run or a release cannot be read. Finished parts stay finished, and
            the same call resumes.
    """
    releases, outcomes = study / RELEASES, []
    for id_, trace in leaving.traces.items():
        gone = Gone.of(trace)
        runs = [Path(run) for run in leaving.runs.get(id_, ()) if leaving.scope == "erase"]
        with alone_in(releases):
            revision = planned(releases, id_, gone)
            if revision is not None:
                for run in runs if revision.changes_pairs else ():
                    _begin(run, revision.people or gone.raters, reporter, cache)
                forget_texts(revision.forgotten, cache)
                put_revision(releases, id_, revision)
        for run in runs:
            if waiting := _noted(run, gone.raters):
                if is_unfinished(run):
                    outcomes.append({"run": str(run), "release": id_, "models": WAITING})
                    continue
                _begin(run, waiting, reporter, cache)
            people = gone.raters if leaving.withdrawal else _unfinished(run, gone.raters)
            outcome = _made_again(run, people, releases / id_, reporter, cache, again)
            if outcome is not None:
                outcomes.append({"run": str(run), "release": id_} | outcome)
    return outcomes


def _begin(run: Path, raters: Sequence[str], reporter: Reporter | None, cache: Path | None) -> None:
    """Delete the models of a run that learned from people; one that is not finished waits."""
    if is_unfinished(run):
        note_withdrawal(run, raters)
    elif run.is_dir():
        begin_withdrawal(run, raters, None, reporter, cache)


def _noted(run: Path, raters: Sequence[str]) -> list[str]:
    """The people whom a run noted while it was not finished."""
    gone = read_withdrawn(run)
    return [rater for rater in without_receipt(run, raters) if rater in gone]


def _unfinished(run: Path, raters: Sequence[str]) -> list[str]:
    """The people who left a run that was not made again since."""
    gone = read_withdrawn(run)
    theirs = [rater for rater in raters if rater in gone]
    return [rater for rater in theirs if finished_receipt(run, rater) is None]


def _made_again(
    run: Path,
    raters: Sequence[str],
    source: Path,
    reporter: Reporter | None,
    cache: Path | None,
    again: WriteAgain | None,
) -> dict[str, Any] | None:
    """Make a run again without people; None if it never had them."""
    if not raters:
        return None
    if not run.is_dir():
        return {"models": "folder gone"}
    gone = read_withdrawn(run)
    theirs = [rater for rater in raters if rater in gone]
    if not theirs:
        return None
    left = _unfinished(run, theirs)
    if left and not source.is_dir():
        return {"models": "deleted", "why": "the release had too few people left"}
    if left:
        try:
            withdraw(run, left, None, reporter, cache, again)
        except NotEnoughData as error:  # its models are deleted already
            return {"models": "deleted", "why": error.what}
    found = finished_receipt(run, (left or theirs)[-1])
    assert found is not None, "a withdrawal that ended has a finished receipt"
    receipt, path = found
    digests = {"before": names_digest(receipt.before), "after": names_digest(receipt.after)}
    return {"models": "fitted again", **digests, "receipt": str(path)}
