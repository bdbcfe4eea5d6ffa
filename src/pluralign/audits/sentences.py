"""Sentences that can be translated: a template with the values of its fields."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pycountry

from pluralign.core import community_title, with_article


@dataclass(frozen=True, slots=True)
class Place:
    """A community in a sentence, written by its name.

    >>> str(Place("USA")), str(Place("NGA/north"))
    ('the United States', 'North (Nigeria)')
    """

    id: str

    def __str__(self) -> str:
        return with_article(community_title(self.id))


@dataclass(frozen=True, slots=True)
class Language:
    """A language in a sentence, written by its name; by its tag where it has none.

    >>> str(Language("fa")), str(Language("zh-Hans")), str(Language("el")), str(Language("qx"))
    ('Persian', 'Chinese', 'Greek', 'qx')
    """

    tag: str

    def __str__(self) -> str:
        code = self.tag.partition("-")[0].lower()
        key = "alpha_2" if len(code) == 2 else "alpha_3"
        found = pycountry.languages.get(**{key: code})
        return self.tag if found is None else _short_name(found.name)


def _short_name(name: str) -> str:
    """A name of ISO 639 without the centuries of a language: "Modern Greek (1453-)" is Greek."""
    return str(name).partition(" (")[0].removeprefix("Modern ")


@dataclass(frozen=True, slots=True)
class Share:
    """A fraction in a sentence, written in per cent.

    >>> str(Share(0.254))
    '25 %'
    """

    value: float

    def __str__(self) -> str:
        return f"{100 * self.value:.0f} %"


@dataclass(frozen=True, slots=True)
class Amount:
    """A number in a sentence, written with one decimal.

    >>> str(Amount(28.44))
    '28.4'
    """

    value: float

    def __str__(self) -> str:
        return f"{self.value:,.1f}"


Value = str | int | Place | Language | Share | Amount


@dataclass(frozen=True, slots=True)
class Sentence:
    """One plain sentence.

    Attributes:
        template: The English sentence with named fields in braces; also the key of its
            translations.
        values: The values of the fields.

    >>> str(Sentence("{model} speaks for {community} in {share} of its answers.",
    ...              {"model": "m", "community": Place("MEX"), "share": Share(0.5)}))
    'm speaks for Mexico in 50 % of its answers.'
    """

    template: str
    values: Mapping[str, Value] = field(default_factory=dict)

    def __str__(self) -> str:
        shown = {
            name: f"{v:,}" if isinstance(v, int) else str(v) for name, v in self.values.items()
        }
        return self.template.format(**shown)


_NAMED: Mapping[str, type[Place] | type[Language]] = {"place": Place, "language": Language}


def value_to_row(value: Value) -> object:
    """A value as JSON; communities, languages, shares and amounts name their type."""
    if isinstance(value, Place):
        return {"place": value.id}
    if isinstance(value, Language):
        return {"language": value.tag}
    if isinstance(value, Share):
        return {"share": round(value.value, 6)}
    if isinstance(value, Amount):
        return {"amount": round(value.value, 6)}
    return value


def value_from_row(row: object) -> Value:
    """The value that `value_to_row` wrote.

    >>> value_from_row(value_to_row(Place("MEX")))
    Place(id='MEX')
    """
    if isinstance(row, Mapping):
        kind, inner = next(iter(row.items()))
        if kind in _NAMED:
            return _NAMED[kind](str(inner))
        return (Share if kind == "share" else Amount)(float(inner))
    return row if isinstance(row, int) else str(row)
