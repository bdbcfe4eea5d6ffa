"""Strategies of asking: small template files that users can copy and change."""

import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from pluralign.core import InvalidSettings, parse_toml

FIELDS = ("question", "options", "culture", "nearest", "farthest", "examples")
_KEYS = ("about", "system", "user", "paraphrases", "translations")
_FOLDER = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Strategy:
    """A way to ask a question.

    Attributes:
        name: Name of the template file without its suffix, also in results.
        about: Its purpose, in one line.
        user: The user turn, with fields such as ``{question}``.
        system: The system turn; empty for none.
        paraphrases: Name -> another wording of the user turn.
        translations: Language tag -> (system, user) in that language.
        path: Path of the template.

    Raises:
        InvalidSettings: If a field is unknown, or ``{question}`` or ``{options}`` is missing from a
            user turn.
    """

    name: str
    about: str
    user: str
    system: str = ""
    paraphrases: Mapping[str, str] = field(default_factory=dict)
    translations: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    path: Path = _FOLDER

    def __post_init__(self) -> None:
        turns = {"user": self.user} | {
            f"paraphrases.{name}": text for name, text in self.paraphrases.items()
        }
        turns |= {f"translations.{tag}.user": user for tag, (_, user) in self.translations.items()}
        for key, text in turns.items():
            missing = {"question", "options"} - _fields_of(text, f"{self.path}: {key}")
            if missing:
                raise InvalidSettings(
                    f"the field {{{min(missing)}}} is missing", where=f"{self.path}: {key}"
                )
        _fields_of(self.system, f"{self.path}: system")

    @property
    def needs(self) -> frozenset[str]:
        """The fields of its texts."""
        texts = [self.system, self.user, *self.paraphrases.values()]
        for turns in self.translations.values():
            texts += turns
        return frozenset().union(*(_fields_of(text, self.name) for text in texts))

    @property
    def names_community(self) -> bool:
        """Whether it asks for each community separately."""
        fields = self.needs & {"culture", "nearest", "farthest", "examples"}
        return bool(fields or self.translations)

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
    ``about``, ``system``, ``[paraphrases]`` and ``[translations.TAG]`` with ``user`` and
    ``system``. Other fields: ``{culture}``, ``{nearest}``, ``{farthest}``, ``{examples}``.

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
    for key in table:
        if key not in _KEYS:
            raise InvalidSettings(
                "unknown key", where=f"{path}: {key}", hint=f"known: {', '.join(_KEYS)}"
            )
    wordings = _table(table, "paraphrases", path)
    paraphrases = {name: _turn(wordings, name, path) for name in wordings}
    translations: dict[str, tuple[str, str]] = {}
    for tag in _table(table, "translations", path):
        turns = _table(_table(table, "translations", path), tag, path)
        translations[tag] = _turn(turns, "system", path), _turn(turns, "user", path)
    return Strategy(
        name=path.stem,
        about=_text(table, "about", path),
        user=_turn(table, "user", path),
        system=_turn(table, "system", path),
        paraphrases=paraphrases,
        translations=translations,
        path=path,
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
