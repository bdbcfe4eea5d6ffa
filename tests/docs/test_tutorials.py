"""The tutorials run, and the outputs and pictures on their pages are those of today."""

import re
from pathlib import Path

import pytest

import tutorial_pages
from tutorial_pages import PAGES, PICTURES, TUTORIALS, labels, page_of, title_of

DOCS = Path(__file__).resolve().parents[2] / "docs"
NAMES = tutorial_pages.names()
_CLAIMS = {
    "steer_trl": r"~hill: \+\d\.\d+ logits \[\+\d",
    "take_part": r"the same weights, byte for byte: True",
}
"""Tutorials whose outputs differ from run to run or between processors -> what is true of each."""
_LIBRARIES = {"steer_trl": ["trl"], "take_part": ["sqlalchemy"]}


def without_outputs(markdown: str) -> str:
    return re.sub(r"^```text\n.*?^```$", "", markdown, flags=re.M | re.S)


def committed(name: str) -> tuple[str, dict[str, str]]:
    """The page of a tutorial and its pictures, as the site shows them."""
    pictures = sorted((DOCS / PICTURES).glob(f"{name}-*.svg"))
    found = {path.name: path.read_text(encoding="utf-8") for path in pictures}
    return (DOCS / PAGES / f"{name}.md").read_text(encoding="utf-8"), found


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_tutorial_runs_and_its_page_shows_what_it_gives(name: str, tmp_path: Path) -> None:
    for module in ("altair", "vl_convert", *_LIBRARIES.get(name, [])):
        pytest.importorskip(module, reason="the tutorials need every extra")
    page, (markdown, pictures) = page_of(name, tmp_path), committed(name)
    again = f"run `make tutorials ARGS={name}`"
    assert page.pictures.keys() == pictures.keys(), again
    if name in _CLAIMS:
        assert without_outputs(page.markdown) == without_outputs(markdown), again
        assert re.search(_CLAIMS[name], page.markdown)
        assert re.search(_CLAIMS[name], markdown)
        return
    assert page.markdown == markdown, again
    for file, svg in page.pictures.items():
        assert labels(svg) == labels(pictures[file]), again


@pytest.mark.parametrize("name", NAMES)
def test_a_tutorial_begins_with_pluralign_and_ends_in_a_picture(name: str) -> None:
    source = (TUTORIALS / f"{name}.py").read_text(encoding="utf-8")
    code = [cell.source for cell in tutorial_pages.cells_of(source) if not cell.text]
    assert "pluralign" in code[0]
    assert not re.search(r"\b(torch|trl|transformers)\b", code[0])
    markdown, pictures = committed(name)
    last = list(pictures.values())[-1]
    assert markdown.rindex(f"![{title_of(last)}]") > markdown.rindex("```text")


def test_every_page_has_its_tutorial() -> None:
    assert sorted(path.stem for path in (DOCS / PAGES).glob("*.md")) == NAMES


def test_cells_are_text_or_code_and_none_is_lost() -> None:
    cells = tutorial_pages.cells_of("# %% [markdown]\n# # Tea\n#\n# Two.\n\n# %%\n\n# %%\nx = 1\n")
    assert [(cell.text, cell.source) for cell in cells] == [
        (True, "# Tea\n\nTwo."),
        (False, "x = 1"),
    ]
    with pytest.raises(ValueError, match="begins with a cell"):
        tutorial_pages.cells_of("import this\n# %%\n")


def test_a_picture_without_a_title_is_refused() -> None:
    assert title_of("<g aria-label=\"Title text 'A &amp; B'\"/>") == "A & B"
    with pytest.raises(ValueError, match="needs a title"):
        title_of('<g aria-label="X-axis"/>')


def test_a_cell_shows_what_it_prints_and_saves(tmp_path: Path) -> None:
    code = "from pathlib import Path\nprint(1)\nPath('a.svg').write_text('<svg>')"
    cells = tutorial_pages.cells_of(f"# %% [markdown]\n# # T\n\n# %%\n{code}\n")
    text, shown = tutorial_pages.run(cells, tmp_path)
    assert text is None
    assert shown is not None and shown.printed == "1" and list(shown.pictures) == ["a.svg"]
