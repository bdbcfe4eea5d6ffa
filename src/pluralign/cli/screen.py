"""Consoles, and the progress of long work."""

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.segment import Segment

from pluralign.core import masked, printable

_WIDTH_WITHOUT_TERMINAL = 132


class _PlainConsole(Console):
    """A console on which texts from elsewhere, such as the name of a model, control nothing."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render, without the control characters that are in texts."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=printable(segment.text))


def console(stderr: bool = False, width: int | None = None) -> Console:
    """A console on standard output or standard error.

    Args:
        stderr: Whether it prints on standard error.
        width: Characters in a line; by default those of the terminal.
    """
    found = _PlainConsole(stderr=stderr, width=width, highlight=False)
    if width is None and not found.is_terminal:
        return _PlainConsole(stderr=stderr, width=_WIDTH_WITHOUT_TERMINAL, highlight=False)
    return found


class Screen:
    """Draws progress on standard error: bars on a terminal, one line a stage elsewhere."""

    def __init__(self) -> None:
        self._console = console(stderr=True)
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
            transient=True,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> "Screen":
        self._bars.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bars.stop()

    def stage(self, name: str) -> None:
        """Begin a bar, or print a line."""
        if self._task is not None:
            self._bars.remove_task(self._task)
        self._task = self._bars.add_task(name, total=None)
        if not self._console.is_terminal:
            self._console.print(f"{name} ...", markup=False)

    def progress(self, done: int, total: int) -> None:
        """Move the bar."""
        if self._task is not None:
            self._bars.update(self._task, completed=done, total=total or None)

    def note(self, text: str) -> None:
        """Print a remark."""
        soft_wrap = not self._console.is_terminal
        self._console.print(f"note: {masked(text)}", markup=False, soft_wrap=soft_wrap)
