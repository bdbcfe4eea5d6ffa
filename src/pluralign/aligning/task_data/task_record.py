"""The content of ``record.json`` of a run on a task."""

import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pluralign._version import __version__
from pluralign.aligning.task_data.task_work import TaskWork
from pluralign.core import MANIFEST, file_digest
from pluralign.settings.toml_tables import shown


def task_record(work: TaskWork, stages: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The content of ``record.json``.

    Args:
        work: The run.
        stages: Name of a stage -> its summary.
    """
    files = work.settings.task
    return {
        "name": work.settings.name,
        "manifest": MANIFEST,
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "settings": shown(work.settings),
        "versions": {"pluralign": __version__, "python": platform.python_version()},
        "communities": [one.community for one in work.communities()],
        "data": {
            "examples": len(work.examples),
            "test items": len(work.test),
            "files": {
                name: file_digest(path)
                for name, path in (("examples", files.examples), ("test", files.test))
                if path
            },
            "licenses": {one.community: one.license for one in work.communities()},
        },
        "stages": stages,
        "seconds": {name: stage["seconds"] for name, stage in stages.items()},
    }
