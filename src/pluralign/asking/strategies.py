"""Strategies: how a question is put, each a small template file that anybody can copy and change."""

import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from pluralign.core import InvalidSettings, parse_toml

PLACES = ("question", "options", "culture", "nearest", "farthest", "examples")
_KEYS = ("about", "system", "user", "paraphrases", "translations")
_FOLDER = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Strategy:
    """How a question is put.

    Attributes:
        name: Name of the template file, without its suffix; what results call it.
        about: What it does, in a line.
        user: The user turn, with places such as ``{question}``.
        system: The system turn; empty for none.
        paraphrases: Name -> another wording of the user turn.
        translations: Language tag -> (system, user) in that language.
        path: Where the template lies.

    Raises:
        InvalidSettings: If a place is unknown, or ``{question}`` or ``{options}`` is missing from a
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
            missing = {"question", "options"} - _places(text, f"{self.path}: {key}")
            if missing:
                raise InvalidSettings(
                    f"the place {{{min(missing)}}} is missing", where=f"{self.path}: {key}"
                )
        _places(self.system, f"{self.path}: system")

    @property
    def needs(self) -> frozenset[str]:
        """The places it fills in."""
        texts = [self.system, self.user, *self.paraphrases.values()]
        texts += [text for turns in self.translations.values() for text in turns]
        return frozenset(place for text in texts for place in _places(text, self.name))

    @property
    def names_community(self) -> bool:
        """Whether each community is asked for by itself."""
        return bool(self.needs & {"culture", "nearest", "farthest", "examples"}) or bool(
            self.translations
        )

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
                f"{n} wordings, but {self.name} has {len(found)}",
                where="asking.paraphrases",
                hint=f"ask for {len(found)}, or add some under [paraphrases] to a copy of {self.path}",
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
    ``system``. Other places: ``{culture}``, ``{nearest}``, ``{farthest}``, ``{examples}``.

    Raises:
        InvalidSettings: If there is none of that name, or the file is not written so.

    >>> load_strategy("culture_aware").names_community, load_strategy("self_alignment").shows_gold
    (True, True)
    """
    is_own = not str(name).endswith(".toml")
    path = _FOLDER / f"{name}.toml" if is_own else Path(name)
    if str(name) not in strategies() if is_own else not path.is_file():
        near = get_close_matches(str(name), strategies(), n=2, cutoff=0.6)
        hint = (
            f"did you mean {' or '.join(near)}?"
            if near
            else f"known: {', '.join(strategies())}; or a .toml file"
        )
        raise InvalidSettings(f"there is no strategy {str(name)!r}", hint=hint)
    try:
        table = parse_toml(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise InvalidSettings(
            f"not valid TOML: {error}", where=str(path), hint="mend the file"
        ) from error
    for key in table:
        if key not in _KEYS:
            raise InvalidSettings(
                "unknown key", where=f"{path}: {key}", hint=f"known: {', '.join(_KEYS)}"
            )
    translations = _table(table, "translations", path)
    return Strategy(
        name=path.stem,
        about=_text(table, "about", path),
        user=_text(table, "user", path).strip("\n"),
        system=_text(table, "system", path).strip("\n"),
        paraphrases={
            k: _text(_table(table, "paraphrases", path), k, path).strip("\n")
            for k in table.get("paraphrases", {})
        },
        translations={
            tag: tuple(
                _text(_table(translations, tag, path), key, path).strip("\n")
                for key in ("system", "user")
            )  # type: ignore[misc]
            for tag in translations
        },
        path=path,
    )


def _places(text: str, where: str) -> set[str]:
    try:
        found = {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
    except ValueError as error:
        raise InvalidSettings(
            f"a brace is open or alone: {error}", where=where, hint="write {{ for a brace"
        ) from error
    strange = sorted(found - set(PLACES))
    if strange:
        near = get_close_matches(strange[0], PLACES, n=1)
        hint = f"did you mean {{{near[0]}}}?" if near else f"known: {', '.join(PLACES)}"
        raise InvalidSettings(f"unknown place {{{strange[0]}}}", where=where, hint=hint)
    return found


def _text(table: Mapping[str, object], key: str, path: Path) -> str:
    value = table.get(key, "")
    if not isinstance(value, str):
        raise InvalidSettings("not a text", where=f"{path}: {key}")
    return value


def _table(table: Mapping[str, object], key: str, path: Path) -> Mapping[str, object]:
    value = table.get(key, {})
    if not isinstance(value, dict):
        raise InvalidSettings("not a table", where=f"{path}: {key}")
    return value
