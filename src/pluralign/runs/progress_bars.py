"""The progress of long work in a notebook, or in Python on a terminal."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import TYPE_CHECKING, Any, Self

from pluralign.core import Reporter, Silent, masked, printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID


_SECONDS = 0.1
"""How long a bar in a notebook stands before it is drawn again."""


@contextmanager
def reporting(given: Reporter | None) -> Iterator[Reporter]:
    """The reporter that is given, else one that draws a bar where somebody can see it.

    Args:
        given: A reporter, or None.

    Yields:
        A bar in a notebook and on a terminal, silence elsewhere. The bar goes away at the end.
    """
    if given is not None:
        yield given
    elif in_notebook():
        with NotebookBar() as bar:
            yield bar
    elif sys.stderr.isatty():
        with TerminalBar() as bar:
            yield bar
    else:
        yield Silent()


def in_notebook() -> bool:
    """Whether this is the kernel of a notebook, which shows HTML; no terminal is."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and hasattr(shell, "kernel")


class TerminalBar:
    """Draws a bar on a terminal, and prints notes above it; as a context it takes the bar away.

    Args:
        console: The console; standard error where None. No bar is drawn where it is no terminal.
    """

    def __init__(self, console: "Console | None" = None) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        self.console = console or Console(stderr=True, highlight=False)
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=self.console,
            disable=not self.console.is_terminal,
            transient=True,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bars.stop()

    def stage(self, name: str) -> None:
        """Begin a bar."""
        if self._task is not None:
            self._bars.remove_task(self._task)
        self._task = self._bars.add_task(printable(name), total=None)

    def progress(self, done: int, total: int) -> None:
        """Move the bar."""
        if self._task is not None:
            self._bars.update(self._task, completed=done, total=total or None)

    def note(self, text: str) -> None:
        """Print a remark; where lines are piped, it is one line."""
        soft_wrap = not self.console.is_terminal
        remark = f"note: {printable(masked(text))}"
        self.console.print(remark, markup=False, soft_wrap=soft_wrap)


class NotebookBar:
    """Draws a bar in the output of a cell, and leaves its notes there.

    Rich and tqdm draw in notebooks with ipywidgets only, which many notebooks lack; every notebook
    has an output that can be written anew, which is used here.
    """

    def __init__(self) -> None:
        self._stage, self._done, self._total = "", 0, 0
        self._notes: list[str] = []
        self._shown: Any = None
        self._drawn = 0.0

    def stage(self, name: str) -> None:
        """Begin a bar."""
        self._stage, self._done, self._total = name, 0, 0
        self._draw()

    def progress(self, done: int, total: int) -> None:
        """Move the bar."""
        self._done, self._total = done, total
        if time.monotonic() - self._drawn > _SECONDS:
            self._draw()

    def note(self, text: str) -> None:
        """Show a remark below the bar; it stays when the bar goes."""
        self._notes.append(masked(text))
        self._draw()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._stage = ""  # the bar goes, the notes stay
        self._draw()

    def _draw(self) -> None:
        from IPython.display import HTML, display

        html, self._drawn = HTML(self._html()), time.monotonic()
        if self._shown is None:
            self._shown = display(html, display_id=True)
        else:
            self._shown.update(html)

    def _html(self) -> str:
        lines = [f"note: {escape(note)}" for note in self._notes]
        if self._stage:
            total = f' max="{self._total}" value="{self._done}"' if self._total else ""
            of = f" {self._done:,}" + (f" of {self._total:,}" if self._total else "")
            lines.insert(0, f"<progress{total}></progress> {escape(self._stage)}{of}")
        return "<br>".join(lines)
