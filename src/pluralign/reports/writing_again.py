"""Pages and audits of a run that was made again, such as after a withdrawal."""

from collections.abc import Mapping
from typing import Any

from pluralign.auditing import run_audit
from pluralign.core import AnyPath, PluralignError, Reporter, as_path
from pluralign.reports.choosing import Choice
from pluralign.reports.writing import ReportOptions, write_report
from pluralign.runs.derived_files import AUDITED


def write_derived(
    folder: AnyPath,
    derived: Mapping[str, Mapping[str, Any] | None],
    reporter: Reporter,
) -> list[str]:
    """Write the audit and the pages of a run as they were written before.

    Args:
        folder: Folder of the run.
        derived: As `pluralign.runs.derived_files.derived_files` found them.
        reporter: Receives the reason where one of them cannot be written.

    Returns:
        Names of those that were written.
    """
    folder, written = as_path(folder), []
    for name, settings in derived.items():
        if settings is None:
            continue
        reporter.stage(f"writing {name}")
        try:
            if name == AUDITED:
                run_audit(folder, settings, reporter=reporter)
            else:
                write_report([folder], folder / name, _options(settings))
        except (PluralignError, TypeError) as error:
            reporter.note(f"{name} was not written again: {error}")
            continue
        written.append(name)
    return written


def _options(settings: Mapping[str, Any]) -> ReportOptions:
    choice = {key: tuple(names) for key, names in settings["choice"].items()}
    return ReportOptions(**{**settings, "choice": Choice(**choice)})
