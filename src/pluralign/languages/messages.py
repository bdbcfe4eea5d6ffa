"""Texts of pages, for translators: ``python -m pluralign.languages.messages`` updates catalogues.

A catalogue is a ``.po`` file in this package; texts without a translation appear in English.
"""

import ast
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from pluralign.audits import BUILT_IN, EVIDENCE_KINDS
from pluralign.languages.speech import LANGUAGES, SOURCE

_SAID = r"""\bsay\((?:"((?:[^"\\]|\\.)+)"|'([^']+)')"""
_TABLES = {"_LABELS", "_NUMBERS", "_OTHERS", "_STATUS", "_TITLES"}


def messages() -> list[str]:
    """Every text of pages and of our findings, in the order of the files.

    >>> "Risks found" in messages()
    True
    """
    found = dict.fromkeys(_of_pages()) | dict.fromkeys(_of_collecting())
    for audit in BUILT_IN:
        for check in audit.checks:
            found |= dict.fromkeys((check.asks, check.causes, check.remedies))
    found |= dict.fromkeys(EVIDENCE_KINDS.values())
    return list(found | dict.fromkeys(_of_claims()))


def _of_pages() -> Iterator[str]:
    folder = _folder("pluralign.reports")
    modules = sorted(folder.rglob("*.py")) + sorted(_folder("pluralign.charts").glob("*.py"))
    modules += sorted(_folder("pluralign.runs").glob("*plots.py"))
    for path in [*modules, _folder("pluralign.languages") / "speech.py"]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and getattr(node.func, "id", "") in {"say", "self"}
                and node.args
            ):
                yield from _texts(node.args[0])
            if (
                isinstance(node, ast.Assign)
                and {getattr(t, "id", "") for t in node.targets} & _TABLES
            ):
                yield from _texts(node.value)
    page = (folder / "templates" / "page.html.jinja").read_text(encoding="utf-8")
    yield from (a or b for a, b in re.findall(r"page\.say\((?:\"([^\"]+)\"|'([^']+)')", page))


def _of_collecting() -> Iterator[str]:
    """Texts of the pages of a study, and sentences that refuse what a person sent."""
    folder = _folder("pluralign.collecting")
    for path in sorted(folder.rglob("*.jinja")):
        template = path.read_text(encoding="utf-8")
        for a, b in re.findall(_SAID, template):
            yield (a or b).replace('\\"', '"')
    for path in sorted(folder.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named = {
            getattr(target, "id", ""): node.value
            for node in tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _refuses(node.func) and node.args:
                first = node.args[0]
                yield from _texts(named.get(getattr(first, "id", ""), first))


def _refuses(function: ast.expr) -> bool:
    """Whether a call makes a `NotAccepted`, or calls its constructor from a class of its own."""
    return getattr(function, "id", "") in {"NotAccepted", "say"} or (
        isinstance(function, ast.Attribute) and function.attr == "__init__"
    )


def _of_claims() -> Iterator[str]:
    """Templates of claims, and how to look further."""
    for path in sorted(_folder("pluralign.audits").glob("*.py")):
        if path.name == "sentences.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and _is_claim(node.value)
            ):
                yield node.value


def _is_claim(text: str) -> bool:
    starts = (
        "Read ",
        "Compare ",
        "Look ",
        "Count ",
        "Leave out",
        "Make ",
        "Weigh",
        "See ",
        "Ask the ",
        "Draw the",
        "Find out",
    )
    return bool(re.search(r"\{(subject|community|share)\}", text)) or (
        text.endswith((".", "?")) and text.startswith(starts)
    )


def _texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    if isinstance(node, ast.Dict):
        for value in node.values:
            yield from _texts(value)


def _folder(package: str) -> Path:
    return Path(str(files(package)))


def update(language: str) -> int:
    """Bring one catalogue up to date; translations of texts that no longer exist are dropped.

    Returns:
        How many texts are not translated.
    """
    from babel.messages.catalog import Catalog
    from babel.messages.pofile import read_po, write_po

    path = _folder("pluralign.languages") / f"{language}.po"
    old: Any = (
        read_po(path.open("rb"), locale=language) if path.is_file() else Catalog(locale=language)
    )
    known = {m.id: m.string for m in old if m.id}
    new = Catalog(
        locale=language, project="pluralign", fuzzy=False, header_comment=old.header_comment
    )
    for text in messages():
        new.add(text, known.get(text, ""), flags=())
    with path.open("wb") as file:
        write_po(file, new, width=120, omit_header=False)
    return sum(not known.get(text) for text in messages())


if __name__ == "__main__":
    for name in LANGUAGES:
        if name != SOURCE:
            print(f"{name}: {update(name)} texts to translate")  # noqa: T201
