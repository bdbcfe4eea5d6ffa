"""The bars of a notebook and of a terminal, drawn where somebody can see them."""

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from pluralign.core import Reporter, Silent
from pluralign.runs.progress_bars import NotebookBar, TerminalBar, in_notebook, reporting


class Cell:
    """The output of a cell: what is shown in it, and what replaced it."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def display(self, html: str, display_id: bool = False) -> "Cell":
        assert display_id
        self.shown.append(html)
        return self

    def update(self, html: str) -> None:
        assert self.shown, "an output is shown before it is written anew"
        self.shown.append(html)


@pytest.fixture
def cell(monkeypatch: pytest.MonkeyPatch) -> Cell:
    """A notebook's kernel, as much of it as is used."""
    cell, ipython = Cell(), ModuleType("IPython")
    ipython.get_ipython = lambda: SimpleNamespace(kernel=object())  # type: ignore[attr-defined]
    display: Any = ModuleType("IPython.display")
    display.HTML, display.display = str, cell.display
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    monkeypatch.setattr("pluralign.runs.progress_bars._SECONDS", -1.0)
    return cell


def test_a_reporter_that_is_given_is_used() -> None:
    given = Silent()
    with reporting(given) as reporter:
        assert reporter is given


def test_no_progress_is_drawn_without_an_output(capsys: pytest.CaptureFixture[str]) -> None:
    with reporting(None) as reporter:
        reporter.stage("encoding")
        reporter.note("a remark")
    assert capsys.readouterr() == ("", "")


def test_a_notebook_gets_a_bar_that_goes_away_and_notes_that_stay(cell: Cell) -> None:
    assert in_notebook()
    with reporting(None) as reporter:
        assert isinstance(reporter, NotebookBar)
        reporter.stage("encoding <texts>")
        reporter.progress(1000, 4000)
        reporter.note("read & counted")
    begun, moved, noted, ended = cell.shown
    assert begun == "<progress></progress> encoding &lt;texts&gt; 0"
    assert 'max="4000" value="1000"' in moved
    assert "1,000 of 4,000" in moved
    assert "note: read &amp; counted" in noted
    assert ended == "note: read &amp; counted"


def test_the_bar_of_a_notebook_goes_away_when_the_work_fails(cell: Cell) -> None:
    with pytest.raises(ZeroDivisionError), reporting(None) as reporter:
        reporter.stage("encoding")
        raise ZeroDivisionError
    assert cell.shown[-1] == ""


def test_a_bar_is_not_drawn_more_often_than_it_can_be_seen(
    cell: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pluralign.runs.progress_bars._SECONDS", 3600.0)
    with reporting(None) as reporter:
        reporter.stage("encoding")
        for k in range(1000):
            reporter.progress(k, 1000)
    assert len(cell.shown) == 2


def test_a_terminal_of_ipython_is_no_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    ipython = ModuleType("IPython")
    ipython.get_ipython = SimpleNamespace  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    assert not in_notebook()


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with reporting(None) as reporter:
        assert isinstance(reporter, TerminalBar)
        drive(reporter)


def drive(reporter: Reporter) -> None:
    reporter.stage("encoding")
    reporter.progress(1, 0)
    reporter.progress(1, 2)
    reporter.stage("fitting")
    reporter.note("[red]a remark[/red] of https://any:secret@host")


def test_a_terminal_shows_notes_as_they_are_without_secrets(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with TerminalBar() as bar:
        drive(bar)
    shown = capsys.readouterr().err
    assert "note: [red]a remark[/red]" in shown
    assert "secret" not in shown
