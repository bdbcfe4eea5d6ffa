"""Consoles, and the progress of long work."""

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from pluralign.core import printable
from pluralign.runs.progress_bars import TerminalBar

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


class Screen(TerminalBar):
    """Draws progress on standard error: bars on a terminal, one line a stage elsewhere."""

    def __init__(self) -> None:
        super().__init__(console(stderr=True))

    def stage(self, name: str) -> None:
        """Begin a bar, or print a line."""
        super().stage(name)
        if not self.console.is_terminal:
            self.console.print(f"{name} ...", markup=False)
