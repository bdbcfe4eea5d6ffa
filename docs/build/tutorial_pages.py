"""Run the tutorials and write a page for each: its text, code, output and pictures.

Run: ``python docs/build/tutorial_pages.py [NAME ...]``, or ``make tutorials``. A tutorial is a
Python file in percent format: cells begin with ``# %%``, text is in comments of cells that begin
with ``# %% [markdown]``.
"""

import io
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import chdir, redirect_stdout
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

ROOT = Path(__file__).resolve().parents[2]
TUTORIALS = ROOT / "tutorials"
PAGES, PICTURES = Path("tutorials"), Path("images/tutorials")
"""Folders of the pages and their pictures, in ``docs``."""
_CELL = re.compile(r"^# %%[ \t]*(\[markdown\])?[ \t]*$\n", re.M)
_LABEL = re.compile(r'aria-label="([^"]*)"')
_TITLE = re.compile(r"Title text '(.*)'", re.S)
_NOTE = (
    "This page is the output of [{file}](../../tutorials/{file}), a plain Python file. Run it in "
    "an empty folder, where it leaves its files: `python PATH/{file}`. VS Code opens it as a "
    "notebook; `jupytext --to notebook` and `marimo convert` make one of it. {needs}"
)


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a tutorial: text in Markdown, or code."""

    text: bool
    source: str


@dataclass(frozen=True, slots=True)
class Shown:
    """The output of a cell of code, and the pictures that it saved: name -> SVG."""

    printed: str
    pictures: dict[str, str]


@dataclass(frozen=True, slots=True)
class Page:
    """The page of a tutorial, and its pictures: name of the file -> SVG."""

    markdown: str
    pictures: dict[str, str] = field(default_factory=dict)


def names() -> list[str]:
    """The names of all tutorials."""
    return sorted(path.stem for path in TUTORIALS.glob("*.py"))


def cells_of(source: str) -> list[Cell]:
    r"""The cells of a file in percent format, without empty ones.

    >>> cells_of("# %% [markdown]\n# # Tea\n#\n# Two towns.\n\n# %%\nprint(1)\n")
    [Cell(text=True, source='# Tea\n\nTwo towns.'), Cell(text=False, source='print(1)')]
    """
    before, *parts = _CELL.split(source)
    if before.strip():
        raise ValueError("a tutorial begins with a cell, `# %%`")
    cells = []
    for mark, content in zip(parts[::2], parts[1::2], strict=True):
        source = content.strip("\n")
        if mark is not None:
            source = re.sub(r"^# ?", "", source, flags=re.M)
        if source:
            cells.append(Cell(mark is not None, source))
    return cells


def run(cells: Sequence[Cell], folder: Path) -> list[Shown | None]:
    """Run the cells of code in a folder, in one namespace; None for each cell of text."""
    names: dict[str, Any] = {"__name__": "__main__"}
    with chdir(folder), patch.dict(os.environ, {"PLURALIGN_CACHE": str(folder / "cache")}):
        return [None if cell.text else _run(cell, names, folder) for cell in cells]


def _run(cell: Cell, names: dict[str, Any], folder: Path) -> Shown:
    before, printed = set(folder.glob("*.svg")), io.StringIO()
    with redirect_stdout(printed):
        exec(compile(cell.source, "<tutorial>", "exec"), names)
    new = sorted(set(folder.glob("*.svg")) - before)
    pictures = {path.name: _on_white(path.read_text(encoding="utf-8")) for path in new}
    return Shown(printed.getvalue().rstrip(), pictures)


def _on_white(svg: str) -> str:
    """A picture that can be read on a dark page, too."""
    head, end, body = svg.partition(">")
    return f'{head}{end}<rect width="100%" height="100%" fill="white"/>{body}\n'


def page_of(name: str, folder: Path) -> Page:
    """Run a tutorial in a folder, and make its page."""
    source = (TUTORIALS / f"{name}.py").read_text(encoding="utf-8")
    cells = cells_of(source)
    pictures: dict[str, str] = {}
    parts = []
    for cell, shown in zip(cells, run(cells, folder), strict=True):
        if shown is None:
            parts.append(cell.source)
        else:
            parts += _code(cell.source, shown, name)
            pictures |= {f"{name}-{file}": svg for file, svg in shown.pictures.items()}
    title, _, rest = "\n\n".join(parts).partition("\n\n")
    note = _NOTE.format(file=f"{name}.py", needs=_needs(source))
    return Page(f"{title}\n\n{rest}\n\n## Run it yourself\n\n{note}\n", pictures)


def _code(source: str, shown: Shown, name: str) -> Iterator[str]:
    # A last line that only names a chart draws it in a notebook; on the page it is a picture.
    code = re.sub(r"\n+\w+\Z", "", source) if shown.pictures else source
    yield f"```python\n{code}\n```"
    if shown.printed:
        lines = (line.rstrip() for line in shown.printed.splitlines())
        yield "```text\n" + "\n".join(lines) + "\n```"
    for file, svg in shown.pictures.items():
        yield f"![{title_of(svg)}](../{PICTURES.as_posix()}/{name}-{file})"


def _needs(source: str) -> str:
    """The extras that the text of a tutorial names, and that there is no need of a network."""
    found = re.search(r"pluralign\[([\w,]+)\]", source)
    if found is None:
        return "It needs no network."
    extras = [f"`{extra}`" for extra in found[1].split(",")]
    listed = f"extra {extras[0]}" if len(extras) == 1 else f"extras {' and '.join(extras)}"
    return f"It needs the {listed}, and no network."


def title_of(svg: str) -> str:
    """The title of a picture, which is read aloud in its place.

    Raises:
        ValueError: If it has none.
    """
    for label in labels(svg):
        if found := _TITLE.fullmatch(label):
            return " ".join(found[1].split())
    raise ValueError("a picture needs a title")


def labels(svg: str) -> list[str]:
    """The labels of a picture: its title, its axes, and the numbers of each mark."""
    return [unescape(label) for label in _LABEL.findall(svg)]


def write(page: Page, name: str, docs: Path) -> None:
    """Write a page and its pictures; pictures of an earlier page are deleted."""
    pictures = docs / PICTURES
    pictures.mkdir(parents=True, exist_ok=True)
    (docs / PAGES).mkdir(exist_ok=True)
    for old in pictures.glob(f"{name}-*.svg"):
        old.unlink()
    for file, svg in page.pictures.items():
        (pictures / file).write_text(svg, encoding="utf-8")
    (docs / PAGES / f"{name}.md").write_text(page.markdown, encoding="utf-8")


def main(given: Sequence[str]) -> None:
    """Write the pages of the named tutorials, or of all."""
    for name in given or names():
        with TemporaryDirectory() as folder:
            write(page_of(name, Path(folder)), name, ROOT / "docs")
        print(f"docs/{PAGES}/{name}.md")


if __name__ == "__main__":
    main(sys.argv[1:])
