"""The progress of a long run, which the command line draws."""

from typing import Protocol


class Reporter(Protocol):
    """An object that a run notifies of its progress."""

    def stage(self, name: str) -> None:
        """A new stage begins."""
        ...

    def progress(self, done: int, total: int) -> None:
        """``done`` of ``total`` steps of the stage are done; total 0 where it is not known."""
        ...

    def note(self, text: str) -> None:
        """A note that the user should read."""
        ...


class Silent:
    """A reporter that does nothing."""

    def stage(self, name: str) -> None:
        """Do nothing."""

    def progress(self, done: int, total: int) -> None:
        """Do nothing."""

    def note(self, text: str) -> None:
        """Do nothing."""
