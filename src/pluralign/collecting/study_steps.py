"""Steps of a study's operator as functions: releases, runs that use them, withdrawals.

They do the work of the commands ``pluralign collect used`` and ``withdraw``, in the running server
of the study or, where none runs, in its store. The extra ``collect`` is needed.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pluralign.core import AnyPath, Reporter, as_path, file_digest

if TYPE_CHECKING:
    from pluralign.experiments.withdrawing import WriteAgain


def releases_of(study: AnyPath) -> list[Path]:
    """Folders of the releases of a study, the oldest first.

    Args:
        study: The study's folder.

    Raises:
        InvalidSettings: If there is no study.
    """
    from pluralign.collecting.operations import operate

    found = operate(as_path(study), None, "releases", {})["releases"]
    return [Path(one["folder"]) for one in found]


def given_with_key(study: AnyPath, key: str, database: str | None = None) -> dict[str, Any]:
    """Everything that the person of a key gave, as the page of that person has it.

    Args:
        study: The study's folder.
        key: The person's key, in words.
        database: URL of the study's database; SQLite in its folder where None.

    Raises:
        InvalidInput: If nobody in the study has this key.
    """
    from pluralign.collecting.operations import operate

    return operate(as_path(study), database, "export", {"key": key})


def note_run(study: AnyPath, run: AnyPath, database: str | None = None) -> list[str]:
    """Note that a run uses releases of a study, so that a withdrawal reaches its models.

    Args:
        study: The study's folder.
        run: Folder of a finished run of reward models.
        database: URL of the study's database; SQLite in its folder where None.

    Returns:
        The ids of the releases that the run read.

    Raises:
        InvalidInput: If the folder has no such run, or the study not this release.
    """
    from pluralign.collecting.leaving_models import releases_of_run
    from pluralign.collecting.operations import operate
    from pluralign.collecting.release_files import RELEASES
    from pluralign.runs.folder import RECORD

    study, run = as_path(study), as_path(run)
    home = (study / RELEASES).resolve()
    own = [one.name for one in releases_of_run(run) if one.resolve().parent == home]
    for id_ in own:
        digest = file_digest(run / RECORD)
        arguments = {"release": id_, "run": str(run.resolve()), "digest": digest}
        operate(study, database, "used", arguments)
    return own


def withdraw_person(
    study: AnyPath,
    key: str | None = None,
    *,
    participant: str | None = None,
    runs: AnyPath | None = None,
    database: str | None = None,
    reporter: Reporter | None = None,
    again: "WriteAgain | None" = None,
) -> dict[str, Any]:
    """Withdraw a person: from the store, from releases on disk, and from every known model.

    Args:
        study: The study's folder.
        key: The person's key, in words.
        participant: Id of the person, in place of the key.
        runs: Folder in which to look for further runs that read a release of the study.
        database: URL of the study's database; SQLite in its folder where None.
        reporter: Receives the progress.
        again: Writes pages and audits of a run again, as `pluralign.reports.write_derived` does;
            they are deleted where None.

    Returns:
        The receipt (`pluralign.collecting.withdrawing.WithdrawalReceipt`) as a dictionary.

    Raises:
        InvalidInput: If nobody in the study has this key or id.
        PluralignError: If a run or a release cannot be read. Finished parts stay finished;
            `finish_withdrawals` resumes.
    """
    from pluralign.collecting.operations import operate

    study = as_path(study)
    person = {"key": key, "participant": participant}
    receipt = operate(study, database, "withdraw", person)
    chosen = {"withdrawal": receipt["id"]}
    finished = _finish(study, chosen, runs, database, reporter, again)
    return finished[0] if finished else receipt


def finish_withdrawals(
    study: AnyPath,
    *,
    runs: AnyPath | None = None,
    database: str | None = None,
    reporter: Reporter | None = None,
    again: "WriteAgain | None" = None,
) -> list[dict[str, Any]]:
    """Finish the withdrawals that people began on the pages, or that were stopped.

    Arguments and errors are those of `withdraw_person`.

    Returns:
        The receipts.
    """
    return _finish(as_path(study), {}, runs, database, reporter, again)


def narrow_releases(
    study: AnyPath,
    *,
    database: str | None = None,
    reporter: Reporter | None = None,
    again: "WriteAgain | None" = None,
) -> dict[str, Any]:
    """Take people out of releases for purposes that they no longer consent to.

    Arguments and errors are those of `withdraw_person`.

    Returns:
        ``releases`` with digests before and after, and ``runs``, as on a receipt.
    """
    from pluralign.collecting.leaving_models import leave
    from pluralign.collecting.operations import operate
    from pluralign.collecting.pending_withdrawals import Leaving

    study = as_path(study)
    work = Leaving(**operate(study, database, "narrowed", {}))
    runs = leave(study, work, reporter, again=again)
    releases = operate(study, database, "revised", {"releases": list(work.traces)})
    return {"releases": releases, "runs": runs}


def _finish(
    study: Path,
    chosen: Mapping[str, Any],
    runs: AnyPath | None,
    database: str | None,
    reporter: Reporter | None,
    again: "WriteAgain | None",
) -> list[dict[str, Any]]:
    """Finish withdrawals in releases and runs; return their receipts."""
    from pluralign.collecting.leaving_models import leave, runs_in
    from pluralign.collecting.operations import operate
    from pluralign.collecting.pending_withdrawals import Leaving

    for run in runs_in(as_path(runs)) if runs is not None else ():
        note_run(study, run, database)
    finished = []
    for one in operate(study, database, "pending", chosen)["pending"]:
        outcomes = leave(study, Leaving(**one), reporter, again=again)
        arguments = {"withdrawal": one["withdrawal"], "runs": outcomes}
        finished.append(operate(study, database, "finished", arguments))
    return finished
