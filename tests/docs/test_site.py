"""The documentation site: every page is in its navigation, every package with public names in its
reference. `make docs` builds it and checks its links."""

import ast
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import pytest

import site_tree

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
SOURCE = ROOT / "src" / "pluralign"
SITE = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]
INDEX = (DOCS / "reference/index.md").read_text(encoding="utf-8")


def pages_in(entry: Any) -> Iterator[str]:
    """The pages of an entry of the navigation: a path, a title with one, or a list of entries."""
    if isinstance(entry, str):
        yield entry
    else:
        for part in entry.values() if isinstance(entry, dict) else entry:
            yield from pages_in(part)


def public_packages() -> list[str]:
    """The packages under pluralign that have public names, in themselves or in packages below."""
    files = SOURCE.glob("*/**/__init__.py")
    listed = (path for path in files if "__all__" in path.read_text(encoding="utf-8"))
    return sorted({path.relative_to(SOURCE).parts[0] for path in listed})


def public_modules(module: Any) -> Iterator[Any]:
    """A module and those in it that have public names."""
    if module.exports:
        yield module
    for part in module.modules.values():
        if part.public:
            yield from public_modules(part)


def undocumented(package: Any) -> Iterator[str]:
    """Public names that have no docstring, and would be left out of the reference."""
    for module in public_modules(package):
        for name in map(str, module.exports):
            if not module.members[name].docstring:
                yield f"{module.path}.{name}"


def test_every_page_is_in_the_navigation_once() -> None:
    written = sorted(site_tree.place_of(path).as_posix() for path in site_tree.pages())
    assert sorted(pages_in(SITE["nav"])) == written


def test_the_site_has_the_links_of_its_own_pages() -> None:
    page = site_tree.DOCS / "tutorials/own_pairs.md"
    text = "[a](../methods.md#scpo) [b](../../tutorials/own_pairs.py) [c](https://x.org) [d](#e)"
    assert site_tree.on_site(text, page) == (
        "[a](../methods.md#scpo) [b](own_pairs.py) [c](https://x.org) [d](#e)"
    )
    root = site_tree.ROOT / "STABILITY.md"
    moved = site_tree.on_site("[a](CHANGELOG.md) [b](docs/schemas.md#x)", root)
    assert moved == "[a](changelog.md) [b](schemas.md#x)"
    with pytest.raises(ValueError, match="no page of LICENSE"):
        site_tree.on_site("[a](LICENSE)", root)


def test_the_tree_of_the_site_has_pages_pictures_and_tutorials(tmp_path: Path) -> None:
    site_tree.write_tree(tmp_path / "docs")
    written = {path.relative_to(tmp_path / "docs").as_posix() for path in tmp_path.rglob("*.*")}
    assert set(pages_in(SITE["nav"])) <= written
    assert {"images/methods.png", "site.css", "tutorials/own_pairs.py"} <= written
    assert not [path for path in written if path.startswith("build/")]


def test_llms_txt_has_every_page_of_the_navigation() -> None:
    listed = [page for pages in SITE["plugins"]["llmstxt"]["sections"].values() for page in pages]
    assert sorted(listed) == sorted(pages_in(SITE["nav"]))


@pytest.mark.parametrize("package", public_packages())
def test_a_package_with_public_names_has_a_page_and_a_row_in_the_reference(package: str) -> None:
    page = (DOCS / f"reference/{package}.md").read_text(encoding="utf-8")
    assert page == f"# `pluralign.{package}`\n\n::: pluralign.{package}\n"
    tree = ast.parse((SOURCE / package / "__init__.py").read_text(encoding="utf-8"))
    summary = (ast.get_docstring(tree) or "").splitlines()[0]
    assert f"| [`pluralign.{package}`]({package}.md) | {summary} |" in INDEX


@pytest.mark.slow
def test_a_public_name_that_is_also_a_module_is_written_in_that_module() -> None:
    # Else the reference would show the module in place of the name.
    listed = (path for path in SOURCE.glob("*/**/__init__.py") if "__all__" in path.read_text())
    for path in listed:
        name = ".".join(("pluralign", *path.parent.relative_to(SOURCE).parts))
        package = import_module(name)
        modules = {module.name for module in iter_modules(package.__path__)}
        for both in modules & set(package.__all__):
            assert getattr(package, both).__module__ == f"{name}.{both}"


@pytest.mark.slow
def test_every_public_name_is_documented() -> None:
    griffe = pytest.importorskip("griffe", reason="pip install '.[docs]'")
    extensions = griffe.load_extensions("docs/build/public_names.py")
    package = griffe.load("pluralign", search_paths=["src"], extensions=extensions)
    names = [name for module in public_modules(package) for name in module.exports]
    assert len(names) > 800
    missing = [path for path in undocumented(package) if path != "pluralign.__version__"]
    # Modules of the command line list names for its tests, and the reference leaves them out.
    assert [path for path in missing if path.split(".")[1] in public_packages()] == []


def test_public_packages_are_found() -> None:
    assert {"core", "methods", "collecting"} <= set(public_packages())
    assert "cli" not in public_packages()


def test_the_first_page_names_the_needs_and_the_completion_of_the_shell() -> None:
    start = (DOCS / "start.md").read_text(encoding="utf-8")
    first = start.partition("\n## ")[0]
    assert "no GPU" in first
    assert "no PyTorch" in first.replace("\n", " ")
    assert "guide.md#completion-in-the-shell" in start
    assert "neither PyTorch nor a GPU" in (DOCS / "index.md").read_text(encoding="utf-8")
