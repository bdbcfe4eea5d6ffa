"""Pages and audits in the folder of a run, with the settings by which they can be written again."""

import html
import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from shlex import quote
from typing import Any

from pluralign.core import PluralignError, read_json_object
from pluralign.runs.audits import AUDIT

AUDITED = "audit"
"""Name of the folder of a run's audit."""
PAGE_SETTINGS = "pluralign-report"
"""Name of the ``meta`` element of a page with the settings of its report."""
_SETTINGS = re.compile(rf'<meta name="{PAGE_SETTINGS}" content="([^"]*)">')
_OURS = '<meta name="generator" content="pluralign">'
_HEAD = 10_000
_EXTRAS = ("communities", "charts", "tables", "report.md")

Derived = dict[str, dict[str, Any] | None]
"""Name of a page, or ``audit`` -> its settings; None where it cannot be written from the run alone.
"""


def derived_files(folder: Path) -> Derived:
    """The audit and the pages in the folder of a run, the audit first: pages show its findings."""
    found: Derived = {}
    if (folder / AUDITED).is_dir():
        found[AUDITED] = _audit_settings(folder / AUDITED / AUDIT)
    for page in sorted(folder.glob("*.html")):
        head = _head(page)
        if _OURS in head:
            found[page.name] = _page_settings(head)
    return found


def delete_derived(folder: Path, names: Mapping[str, Any]) -> None:
    """Delete pages, the files next to them that their reports wrote, and the audit."""
    for name in names:
        path = folder / name
        if path.suffix:
            path.unlink(missing_ok=True)
        extras = path.with_suffix("")
        if name == AUDITED or any((extras / known).exists() for known in _EXTRAS):
            _delete_folder(extras)


def _delete_folder(path: Path) -> None:
    """Delete a folder, or the link to one.

    Raises:
        OSError: If it cannot be deleted.
    """
    if path.is_symlink():
        path.unlink()
    elif path.is_dir():
        shutil.rmtree(path)


def command_for(name: str, folder: Path) -> str:
    """The command that writes a page or an audit again."""
    if name == AUDITED:
        return f"pluralign audit {quote(str(folder))}"
    return f"pluralign report {quote(str(folder))} --out {quote(str(folder / name))}"


def _head(page: Path) -> str:
    with page.open(encoding="utf-8", errors="replace") as file:
        return file.read(_HEAD)


def _page_settings(head: str) -> dict[str, Any] | None:
    found = _SETTINGS.search(head)
    if found is None:
        return None
    try:
        settings = json.loads(html.unescape(found[1]))
    except ValueError:
        return None
    complete = isinstance(settings, dict) and isinstance(settings.get("choice"), dict)
    return settings if complete else None


def _audit_settings(path: Path) -> dict[str, Any] | None:
    """The tables of an audit of the run alone; None where it had other evidence too."""
    try:
        record = read_json_object(path)
        if record["given"]:
            return None
        tables = {key: value for key, value in record["settings"].items() if value is not None}
        for row in record["thresholds"]:
            limits = {key: row[key] for key in ("concern", "risk")}
            tables.setdefault(row["audit"], {})[row["check"]] = limits
    except (PluralignError, OSError, KeyError, TypeError, AttributeError):
        return None
    return tables
