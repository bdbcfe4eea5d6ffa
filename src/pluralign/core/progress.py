"""How a long run reports what it is doing; the command line draws it."""

from typing import Protocol


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
