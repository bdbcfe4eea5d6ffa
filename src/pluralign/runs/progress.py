"""How a long run tells what it is doing; the command line draws it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from pluralign.core import MANIFEST, told_faults


class Reporter(Protocol):
    """Hears what a run is doing."""

    def stage(self, name: str) -> None:
        """A new stage begins."""
        ...

    def progress(self, done: int, total: int) -> None:
        """So much of the stage is done; total 0 where it is not known."""
        ...

    def note(self, text: str) -> None:
        """Something the reader should know."""
        ...


class Silent:
    """Hears everything and says nothing."""

    def stage(self, name: str) -> None:
        """Say nothing."""

    def progress(self, done: int, total: int) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Say nothing."""


def note_earlier(reporter: Reporter, out: Path, faults: Mapping[str, str] | None) -> None:
    """Report that a run goes on from earlier work, and which files it makes again.

    Args:
        reporter: Hears the notes.
        out: The folder.
        faults: As `RunFolder.claim` gives them.
    """
    if faults is None:
        return
    reporter.note(f"resuming earlier work in {out}")
    if MANIFEST in faults:
        reporter.note(
            f"{MANIFEST} is {faults[MANIFEST]}: what lies here cannot be checked, and is made again"
        )
    elif faults:
        reporter.note(f"missing or damaged, and made again: {told_faults(faults)}")
