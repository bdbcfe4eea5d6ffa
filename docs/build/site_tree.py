"""Put together what the documentation site is built of: `docs`, pages of the root, tutorials.

Run: ``python docs/build/site_tree.py``, which `make docs` does; it writes `build/docs`. Pages keep
the links that a reader of the repository follows; here they get the addresses of the site.
"""

import os
import re
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
TREE = ROOT / "build/docs"
PROJECT = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "STABILITY.md": "stability.md",
    "ACCESSIBILITY.md": "accessibility.md",
    "SECURITY.md": "reporting.md",
    "CODE_OF_CONDUCT.md": "conduct.md",
}
"""A page of the root -> its page on the site; `security.md` is there already."""
_LINK = re.compile(r"(?<=\]\()(?!https?:|mailto:|#)([^)#\s]+)(?=[)#])")


def place_of(path: Path) -> Path:
    """The place on the site, relative to its root, of a file of the repository.

    >>> place_of(ROOT / "CHANGELOG.md").as_posix(), place_of(ROOT / "docs/start.md").as_posix()
    ('changelog.md', 'start.md')

    Raises:
        ValueError: If the site does not have it.
    """
    if path.is_relative_to(DOCS):
        return path.relative_to(DOCS)
    inside = path.relative_to(ROOT)
    if inside.as_posix() in PROJECT:
        return Path(PROJECT[inside.as_posix()])
    if inside.parts[0] == "tutorials":
        return inside
    raise ValueError(f"the site has no page of {inside}")


def on_site(text: str, page: Path) -> str:
    """A page of the repository with the links of the site.

    Args:
        text: The page.
        page: Its path in the repository.
    """
    here = place_of(page).parent

    def moved(link: re.Match[str]) -> str:
        target = Path(os.path.normpath(page.parent / link[1]))
        return Path(os.path.relpath(place_of(target), here)).as_posix()

    return _LINK.sub(moved, text)


def pages() -> list[Path]:
    """The pages of the repository that the site has."""
    own = [path for path in DOCS.rglob("*.md") if DOCS / "build" not in path.parents]
    return [*sorted(own), *(ROOT / name for name in PROJECT)]


def write_tree(tree: Path = TREE) -> None:
    """Write the folder that the site is built of; an earlier one is deleted."""
    shutil.rmtree(tree, ignore_errors=True)
    shutil.copytree(DOCS, tree, ignore=shutil.ignore_patterns("build", "*.md"))
    shutil.copytree(
        ROOT / "tutorials",
        tree / "tutorials",
        ignore=shutil.ignore_patterns("__pycache__"),
        dirs_exist_ok=True,
    )
    for page in pages():
        place = tree / place_of(page)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(on_site(page.read_text(encoding="utf-8"), page), encoding="utf-8")


if __name__ == "__main__":
    write_tree()
