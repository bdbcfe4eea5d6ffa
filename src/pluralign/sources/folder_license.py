"""The licence that a folder of data states: on its data set card, or in a file of its own."""

import re
from pathlib import Path

NOT_STATED = "not stated"
_FILES = ("license", "licence", "copying", "terms")
_ENDINGS = ("", ".txt", ".md")
_FRONT_MATTER = re.compile(r"\A\ufeff?---\s*\n(.*?)\n---", re.DOTALL)
# A value on the line of its key, or a list on the lines below.
_FIELD = re.compile(r"^licen[sc]e:[ \t]*(.*(?:\n[ \t]*-[ \t].*)*)", re.MULTILINE)
_COMMENT = re.compile(r"(?:^|\s)#.*")
_BETWEEN = re.compile(r"[\n,\[\]]")
_LONGEST = 100


def folder_license(folder: Path) -> str:
    """The licence of the data in a folder, in the words of the folder.

    It is ``license`` in the front matter of ``README.md``, as the hub writes it; else the first
    line of a file named LICENSE, LICENCE, COPYING or TERMS (plain, ``.txt`` or ``.md``, in capitals
    or not); else "not stated".

    >>> folder_license(Path("no such folder"))
    'not stated'
    """
    if not folder.is_dir():
        return NOT_STATED
    files = {path.name.lower(): path for path in sorted(folder.iterdir()) if path.is_file()}
    card = _of_card(files["readme.md"]) if "readme.md" in files else ""
    if card:
        return card
    for name in (file + ending for file in _FILES for ending in _ENDINGS):
        line = _first_line(files[name]) if name in files else ""
        if line:
            return line
    return NOT_STATED


def _of_card(path: Path) -> str:
    front = _FRONT_MATTER.match(_text(path))
    found = _FIELD.search(front[1]) if front else None
    if found is None:
        return ""
    parts = _BETWEEN.split(_COMMENT.sub("", found[1]))
    names = [part.strip(" \t\r-'\"") for part in parts]
    return ", ".join(name for name in names if re.search(r"\w", name))


def _first_line(path: Path) -> str:
    lines = (line.strip(" \t#*") for line in _text(path).splitlines())
    return next((line[:_LONGEST] for line in lines if line), "")


def _text(path: Path) -> str:
    return path.read_text("utf-8-sig", errors="replace")
