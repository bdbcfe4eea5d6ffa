"""Settings explained: value, origin, meaning, allowed values and unit of each."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import BaseModel

from pluralign.settings.meanings import Meaning, meanings_of_class, meanings_of_settings
from pluralign.settings.toml_tables import flat, origin_of, shown, shown_fields
from pluralign.settings.variants import SettingsVariant


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """One setting of a resolved settings file.

    Attributes:
        key: Its dotted key.
        value: Its value, as text.
        origin: Origin of the value: the file, an option or the default.
        description: Its meaning, in sentences.
        allowed: The values that it allows, in words.
        unit: Unit of its number; empty where there is none.
    """

    key: str
    value: str
    origin: str
    description: str = ""
    allowed: str = ""
    unit: str = ""

    def as_dict(self) -> dict[str, str]:
        """The setting as a JSON object; ``from`` is its origin."""
        found = asdict(self)
        found["from"] = found.pop("origin")
        return found


def explained(
    lines: Iterable[tuple[str, str]],
    meanings: Mapping[str, Meaning],
    origin: Mapping[str, str],
    notes: Mapping[str, str] | None = None,
) -> list[Explained]:
    """Join keys and values with their meanings and origins.

    Args:
        lines: Dotted keys and values, as text.
        meanings: Dotted key -> its meaning; a key in a free table has the meaning of the table.
        origin: Dotted key -> the origin of its value.
        notes: Dotted key -> a sentence that is added to its meaning.
    """
    found = []
    for key, value in lines:
        meaning = _meaning(key, meanings)
        sentences = (meaning.description if meaning else "", (notes or {}).get(key, ""))
        found.append(
            Explained(
                key=key,
                value=value,
                origin=origin_of(key, origin),
                description=" ".join(filter(None, sentences)),
                allowed=meaning.allowed if meaning else "",
                unit=meaning.unit if meaning else "",
            )
        )
    return found


def lines_of_settings(settings: BaseModel, **which: Any) -> list[tuple[str, str]]:
    """Dotted keys and values of a model of settings, as text and without secrets.

    Of a table of several kinds, these are the keys of its own kind.
    """
    tables = shown(settings, **which)
    for name, variant in _variants(settings):
        own = type(variant).model_fields
        tables[name] = {key: value for key, value in tables[name].items() if key in own}
    return flat(tables)


def notes_on_kinds(settings: BaseModel) -> dict[str, str]:
    """Key of each kind -> a sentence on the kinds whose settings `lines_of_settings` leaves out."""
    notes = {}
    for name, variant in _variants(settings):
        kinds = variant.family().items()
        others = [f"`{kind}`" for kind, cls in kinds if cls is not type(variant)]
        verb = "has" if len(others) == 1 else "have"
        joined = " and ".join(others)
        notes[f"{name}.kind"] = (
            f"Only the settings of this kind are listed; {joined} {verb} others."
        )
    return notes


def _variants(settings: BaseModel) -> list[tuple[str, SettingsVariant]]:
    """The tables of several kinds, with their names."""
    return [(name, table) for name, table in settings if isinstance(table, SettingsVariant)]


def lines_of_source(source: Any, head: str) -> list[tuple[str, str]]:
    """Dotted keys and values of a source, as text and without secrets."""
    named = (f"{head}source", source.name)
    return [named, *((f"{head}{name}", value) for name, value in shown_fields(source))]


def meanings_of(settings: type[BaseModel]) -> dict[str, Meaning]:
    """Dotted key -> its meaning, for a model of settings."""
    return dict(meanings_of_settings(settings))


def meanings_of_source(source: Any, head: str) -> dict[str, Meaning]:
    """Dotted key -> its meaning, for a source."""
    about = getattr(source, "about", "")
    found = {f"{head}source": Meaning(f"The source that reads the data: {about}.", {})}
    for name, meaning in meanings_of_class(type(source)).items():
        found[f"{head}{name}"] = meaning
    return found


def _meaning(key: str, meanings: Mapping[str, Meaning]) -> Meaning | None:
    while key not in meanings and "." in key:
        key = key.rpartition(".")[0]
    return meanings.get(key)
