"""The words around a knowledge question: a small file of templates for each language."""

import string
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pluralign.core import ANSWER_FORMS, AnswerForm, InvalidSettings, parse_toml

FALLBACK = "en"
"""Language of the words around questions in a language without templates."""

_FOLDER = Path(__file__).parent / "templates" / "knowledge"
_KEYS = ("machine_written", "signed_by", "system", *ANSWER_FORMS)
_WAYS = ("named", "unnamed")


@dataclass(frozen=True, slots=True)
class Template:
    """The words around a knowledge question.

    Attributes:
        text: The user turn, with ``{question}``; with ``{options}`` where there are options, and
            ``{place}`` where the place is named.
        system: The system turn; empty for none.
        language: BCP 47 tag of these words; `FALLBACK` where the language has no templates.
        machine_written: Whether they were written by machine and no native reader has signed them.
        signed_by: Name of the native reader and date; empty where nobody has signed.
    """

    text: str
    system: str = ""
    language: str = FALLBACK
    machine_written: bool = False
    signed_by: str = ""


def template_languages() -> tuple[str, ...]:
    """Tags of the languages with templates, sorted.

    >>> "en" in template_languages()
    True
    """
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


def template(form: AnswerForm, language: str, place_named: bool) -> Template:
    """The template for a question in a language.

    The file of the tag is used, else that of its first part (``pt`` for ``pt-BR``), else the
    English one: `Template.language` is the language found.

    Args:
        form: ``short`` or ``options``.
        language: BCP 47 tag of the question.
        place_named: Whether the words name the place.

    >>> "{place}" in template("short", "en", place_named=True).text
    True
    """
    known = template_languages()
    found = next((t for t in (language, language.partition("-")[0]) if t in known), FALLBACK)
    return _templates(_FOLDER / f"{found}.toml")[form, place_named]


@cache
def _templates(path: Path) -> Mapping[tuple[AnswerForm, bool], Template]:
    """The templates of a file by form and by whether the place is named.

    Raises:
        InvalidSettings: If the file is not such a file.
    """
    try:
        table = parse_toml(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise InvalidSettings(f"not valid TOML: {error}", where=str(path)) from error
    for key in table:
        if key not in _KEYS:
            raise InvalidSettings(
                "unknown key", where=f"{path}: {key}", hint=f"known: {', '.join(_KEYS)}"
            )
    signed_by = _value(table, "signed_by", str, path, "").strip()
    about: dict[str, Any] = {
        "system": _value(table, "system", str, path, "").strip("\n"),
        "language": path.stem,
        "machine_written": _value(table, "machine_written", bool, path) and not signed_by,
        "signed_by": signed_by,
    }
    return {
        (form, way == "named"): Template(_text(table, form, way, path), **about)
        for form in ANSWER_FORMS
        for way in _WAYS
    }


def _text(table: Mapping[str, Any], form: AnswerForm, way: str, path: Path) -> str:
    """A user turn with the fields that it must have, and no others."""
    text: str = _value(_value(table, form, dict, path), way, str, path).strip("\n")
    needed = {"question"}
    needed |= {"options"} if form == "options" else set()
    needed |= {"place"} if way == "named" else set()
    found = {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
    if found != needed:
        wanted = ", ".join(f"{{{name}}}" for name in sorted(needed))
        raise InvalidSettings(
            f"the text must have the fields {wanted} and no others", where=f"{path}: {form}.{way}"
        )
    return text


def _value(
    table: Mapping[str, Any], key: str, kind: type, path: Path, missing: object = None
) -> Any:
    value = table.get(key, missing)
    if not isinstance(value, kind):
        raise InvalidSettings(
            f"must be a {kind.__name__}, got {type(value).__name__}", where=f"{path}: {key}"
        )
    return value
