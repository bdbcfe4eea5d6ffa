"""Strategies of asking: small template files that users can copy and change."""

import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Literal, cast

from pluralign.core import InvalidSettings, parse_toml

FIELDS = ("question", "options", "culture", "nearest", "farthest", "examples")
_KEYS = ("about", "language", "system", "user", "paraphrases", "translations")
_TRANSLATION_KEYS = ("machine_written", "signed_by", "answer", "system", "user")
_FOLDER = Path(__file__).parent / "templates"

Words = Literal["en", "local"]
"""Language of the words around a question: English, or the main language of the community."""


@dataclass(frozen=True, slots=True)
class Translation:
    """The words of a strategy in another language.

    Attributes:
        user: The user turn.
        system: The system turn; empty for none.
        answer: The word before the answer of an example.
        machine_written: Whether it was written by machine and no native reader has signed it.
        signed_by: Name and date of the native reader who signed it; empty where nobody has.
    """

    user: str
    system: str = ""
    answer: str = "Answer:"
    machine_written: bool = False
    signed_by: str = ""


@dataclass(frozen=True, slots=True)
class Strategy:
    """A way to ask a question.

    Attributes:
        name: Name of the template file without its suffix, also in results.
        about: Its purpose, in one line.
        user: The user turn, with fields such as ``{question}``.
        system: The system turn; empty for none.
        paraphrases: Name -> another wording of the user turn.
        translations: Language tag -> its words in that language.
        language: ``local`` where it is always asked in the main language of the community; ``en``
            where it is asked in English unless the settings have other languages.
        path: Path of the template.

    Raises:
        InvalidSettings: If a field is unknown, ``{question}`` or ``{options}`` is missing from a
            user turn, or a translation has other fields than the English words.
    """

    name: str
    about: str
    user: str
    system: str = ""
    paraphrases: Mapping[str, str] = field(default_factory=dict)
    translations: Mapping[str, Translation] = field(default_factory=dict)
    language: Words = "en"
    path: Path = _FOLDER

    def __post_init__(self) -> None:
        turns = {"user": self.user} | {
            f"paraphrases.{name}": text for name, text in self.paraphrases.items()
        }
        turns |= {f"translations.{tag}.user": t.user for tag, t in self.translations.items()}
        for key, text in turns.items():
            missing = {"question", "options"} - _fields_of(text, f"{self.path}: {key}")
            if missing:
                raise InvalidSettings(
                    f"the field {{{min(missing)}}} is missing", where=f"{self.path}: {key}"
                )
        own = _fields_of(self.system, f"{self.path}: system") | _fields_of(self.user, self.name)
        for tag, translation in self.translations.items():
            where = f"{self.path}: translations.{tag}"
            differing = own ^ _fields_of(translation.system + translation.user, where)
            if differing:
                raise InvalidSettings(
                    f"a translation must have the fields of the English words, but "
                    f"{{{min(differing)}}} is in one of them only",
                    where=where,
                )

    @property
    def needs(self) -> frozenset[str]:
        """The fields of its texts."""
        texts = [self.system, self.user, *self.paraphrases.values()]
        return frozenset().union(*(_fields_of(text, self.name) for text in texts))

    @property
    def names_community(self) -> bool:
        """Whether it asks for each community separately."""
        fields = self.needs & {"culture", "nearest", "farthest", "examples"}
        return bool(fields) or self.language == "local"

    @property
    def shows_gold(self) -> bool:
        """Whether the words show real answers of the community's people."""
        return "examples" in self.needs

    def wordings(self, n: int) -> dict[str, str]:
        """Name -> user turn of the first ``n`` wordings; the first has no name.

        Raises:
            InvalidSettings: If the template has fewer.
        """
        found = {"": self.user} | dict(self.paraphrases)
        if n > len(found):
            raise InvalidSettings(
                f"paraphrases must be at most {len(found)}, the wordings of {self.name}, got {n}",
                where="asking.paraphrases",
                hint=f"add wordings under [paraphrases] to a copy of {self.path}",
            )
        return dict(list(found.items())[:n])


def strategies() -> tuple[str, ...]:
    """Names of the strategies that come with the package.

    >>> "culture_aware" in strategies()
    True
    """
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


def load_strategy(name: str | Path) -> Strategy:
    """Read a strategy: one of ours by name, or a template file by its path.

    A template is TOML: ``user`` with ``{question}`` and ``{options}``, and, where wanted,
    ``about``, ``system``, ``[paraphrases]`` and ``[translations.TAG]`` with ``user``, ``system``,
    ``answer`` (the word before the answer of an example), ``machine_written`` and ``signed_by``.
    ``language`` is ``en`` or ``local``; by default ``local`` where there are translations. Other
    fields: ``{culture}``, ``{nearest}``, ``{farthest}``, ``{examples}``.

    Raises:
        InvalidSettings: If there is no such strategy, or the file is not such a template.

    >>> load_strategy("culture_aware").names_community, load_strategy("self_alignment").shows_gold
    (True, True)
    """
    is_own = not str(name).endswith(".toml")
    path = _FOLDER / f"{name}.toml" if is_own else Path(name)
    if str(name) not in strategies() if is_own else not path.is_file():
        near = get_close_matches(str(name), strategies(), n=2, cutoff=0.6)
        known = f"known: {', '.join(strategies())}; or a .toml file"
        hint = f"did you mean {' or '.join(near)}?" if near else known
        raise InvalidSettings(f"there is no strategy {str(name)!r}", hint=hint)
    try:
        table = parse_toml(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise InvalidSettings(
            f"not valid TOML: {error}", where=str(path), hint="correct the file"
        ) from error
    _check_keys(table, _KEYS, str(path))
    wordings = _table(table, "paraphrases", path)
    paraphrases = {name: _turn(wordings, name, path) for name in wordings}
    translated = _table(table, "translations", path)
    translations = {tag: _translation(translated, tag, path) for tag in translated}
    return Strategy(
        name=path.stem,
        about=_text(table, "about", path),
        user=_turn(table, "user", path),
        system=_turn(table, "system", path),
        paraphrases=paraphrases,
        translations=translations,
        language=_language(table, "local" if translations else "en", path),
        path=path,
    )


def _translation(translated: Mapping[str, object], tag: str, path: Path) -> Translation:
    table = _table(translated, tag, path)
    where = f"{path}: translations.{tag}"
    _check_keys(table, _TRANSLATION_KEYS, where)
    written = table.get("machine_written", False)
    if not isinstance(written, bool):
        raise InvalidSettings("must be true or false", where=f"{where}.machine_written")
    signed_by = _text(table, "signed_by", path).strip()
    return Translation(
        user=_turn(table, "user", path),
        system=_turn(table, "system", path),
        answer=_text(table, "answer", path) or "Answer:",
        machine_written=written and not signed_by,
        signed_by=signed_by,
    )


def _language(table: Mapping[str, object], default: Words, path: Path) -> Words:
    language = _text(table, "language", path) or default
    if language not in ("en", "local"):
        raise InvalidSettings(
            f"must be en or local, got {language!r}",
            where=f"{path}: language",
            hint="en asks in English, local in the main language of each community",
        )
    return cast("Words", language)


def _check_keys(table: Mapping[str, object], known: tuple[str, ...], where: str) -> None:
    for key in table:
        if key not in known:
            raise InvalidSettings(
                "unknown key", where=f"{where}: {key}", hint=f"known: {', '.join(known)}"
            )


def _fields_of(text: str, where: str) -> set[str]:
    try:
        found = {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
    except ValueError as error:
        raise InvalidSettings(
            f"braces must be in pairs: {error}", where=where, hint="write {{ for a brace"
        ) from error
    strange = sorted(found - set(FIELDS))
    if strange:
        near = get_close_matches(strange[0], FIELDS, n=1)
        hint = f"did you mean {{{near[0]}}}?" if near else f"known: {', '.join(FIELDS)}"
        raise InvalidSettings(f"unknown field {{{strange[0]}}}", where=where, hint=hint)
    return found


def _turn(table: Mapping[str, object], key: str, path: Path) -> str:
    return _text(table, key, path).strip("\n")


def _text(table: Mapping[str, object], key: str, path: Path) -> str:
    value = table.get(key, "")
    if not isinstance(value, str):
        raise InvalidSettings(f"must be text, got {type(value).__name__}", where=f"{path}: {key}")
    return value


def _table(table: Mapping[str, object], key: str, path: Path) -> Mapping[str, object]:
    value = table.get(key, {})
    if not isinstance(value, dict):
        raise InvalidSettings(
            f"must be a table, got {type(value).__name__}", where=f"{path}: {key}"
        )
    return value
