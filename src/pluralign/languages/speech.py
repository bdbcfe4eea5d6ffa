"""Texts in a reader's language: sentences, numbers, names of places."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from pluralign.audits import Amount, Language, Place, Sentence, Share
from pluralign.core import InvalidSettings, community_name, with_article

LANGUAGES = ("en", "es", "ar", "hi")
"""Languages that the pages can speak."""

SOURCE = "en"


@dataclass(frozen=True)
class Speech:
    r"""A language.

    Attributes:
        language: One of `LANGUAGES`.
        places: Community -> name of its place in this language, where the data give one.

    >>> Speech("es", {"MEX/yucatan": "Yucatán"}).place("MEX/yucatan")
    'Yucatán (México)'
    >>> Speech("es")("The world"), Speech("es").place("MEX"), Speech("es").percent(0.254)
    ('El mundo', 'México', '25,4\xa0%')
    """

    language: str = SOURCE
    places: Mapping[str, str] = field(default_factory=dict, hash=False)
    _catalog: dict[str, str] = field(init=False, repr=False, compare=False)
    _locale: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.language not in LANGUAGES:
            raise InvalidSettings(
                f"there is no translation into {self.language!r}",
                where="--language",
                hint=f"there is {', '.join(LANGUAGES)}; see docs/reports.md for how to add one",
            )
        from babel import Locale

        object.__setattr__(self, "_catalog", catalog(self.language))
        object.__setattr__(self, "_locale", Locale.parse(self.language))

    def __call__(self, text: str, **values: str) -> str:
        """A text in this language, with its fields filled; English where it is not translated."""
        return (
            (self._catalog.get(text) or text).format(**values)
            if values
            else self._catalog.get(text) or text
        )

    @property
    def rtl(self) -> bool:
        """Whether it is written from right to left."""
        return str(self._locale.text_direction) == "rtl"

    @property
    def name(self) -> str:
        """Its name among its speakers."""
        return str(self._locale.get_display_name(self._locale) or self.language)

    def number(self, value: float, digits: int = 1) -> str:
        """A number with that number of decimals; a number that rounds to zero has no sign."""
        return _decimal(value if round(value, digits) else 0, digits, self.language)

    def percent(self, value: float, digits: int = 1) -> str:
        """A fraction in percent."""
        return (
            self.number(100 * value, digits)
            + str(self._locale.percent_formats[None].pattern).rpartition("0")[2]
        )

    def points(self, value: float, digits: int = 1) -> str:
        """A difference of two fractions in percentage points, with its sign.

        >>> Speech().points(0.341), Speech("es").points(-0.2404), Speech().points(0.0)
        ('+34.1', '-24,0', '0.0')
        """
        sign = "+" if round(100 * value, digits) > 0 else ""
        return sign + self.number(100 * value, digits)

    def place(self, id_: str | None) -> str:
        """Name of a community."""
        if id_ is None:
            return self("all communities")
        if id_ == "~world":
            return self("World")
        return _place(id_, self.language, self.places.get(id_, ""))

    def with_names(self, places: Mapping[str, Mapping[str, str]]) -> "Speech":
        """This language, with the names that a test gives to its places in it, or in English.

        Args:
            places: Community -> language -> name.

        >>> Speech("es").with_names({"MEX/yucatan": {"es": "Yucatán"}}).place("MEX/yucatan")
        'Yucatán (México)'
        """
        found = {c: names.get(self.language) or names.get(SOURCE) for c, names in places.items()}
        own = {community: name for community, name in found.items() if name}
        return replace(self, places={**self.places, **own})

    def inline(self, id_: str | None) -> str:
        """Name of a community within a sentence; in English with its article.

        >>> Speech().inline("NLD"), Speech("es").inline("NLD")
        ('the Netherlands', 'Países Bajos')
        """
        return with_article(self.place(id_)) if self.language == SOURCE else self.place(id_)

    def tongue(self, language: Language) -> str:
        """Name of a language within a sentence.

        >>> Speech("es").tongue(Language("fa")), Speech().tongue(Language("fa"))
        ('persa', 'Persian')
        """
        name = self._locale.languages.get(language.tag.partition("-")[0].lower())
        return str(name or language)

    def joined(self, names: Sequence[str]) -> str:
        """Names in a sentence, joined as the language joins them.

        >>> Speech().joined(["Mexico", "Brazil"])
        'Mexico and Brazil'
        >>> Speech("es").joined(["México", "Brasil", "China"])
        'México, Brasil y China'
        """
        from babel.lists import format_list

        return str(format_list(list(names), locale=self.language))

    def sentence(self, sentence: Sentence) -> str:
        """A finding's claim."""
        return self(
            sentence.template, **{name: self._value(v) for name, v in sentence.values.items()}
        )

    def _value(self, value: object) -> str:
        if isinstance(value, Place):
            return self.inline(value.id)
        if isinstance(value, Language):
            return self.tongue(value)
        if isinstance(value, Share):
            return self.percent(value.value, 0)
        if isinstance(value, Amount):
            return self.number(value.value, 1)
        return self.number(value, 0) if isinstance(value, int) else str(value)


@lru_cache(maxsize=100_000)
def _decimal(value: float, digits: int, language: str) -> str:
    from babel.numbers import format_decimal

    return str(
        format_decimal(value, "#,##0" + ("." + "0" * digits if digits else ""), locale=language)
    )


@lru_cache(maxsize=10_000)
def _place(id_: str, language: str, own: str) -> str:
    """The name of a place in a language; ``own`` where the data give it a name."""
    from babel import Locale

    head, slash, _ = id_.partition("/")
    code = _alpha_2(head)
    known = Locale.parse(language).territories.get(code) if code else None
    if known is None:
        return own or community_name(id_)
    return f"{own or community_name(id_)} ({known})" if slash else own or str(known)


@cache
def catalog(language: str) -> dict[str, str]:
    """English text -> its translation."""
    if language == SOURCE:
        return {}
    from babel.messages.pofile import read_po

    with (files("pluralign.languages") / f"{language}.po").open("rb") as file:
        return {str(m.id): str(m.string) for m in read_po(file) if m.id and m.string}


def language_of(community: str) -> str:
    """The language of a community's page: the most spoken one that we have, else English.

    A country speaks its official languages, and English where many of its people do.

    >>> [language_of(c) for c in ("MEX", "EGY", "IND", "PRY", "JPN", "~hill")]
    ['es', 'ar', 'hi', 'es', 'en', 'en']
    """
    from babel.languages import get_territory_language_info

    code = _alpha_2(community.partition("/")[0])
    spoken = get_territory_language_info(code) if code else {}
    shares = {
        tag: float(spoken[tag]["population_percent"] or 0)
        for tag in LANGUAGES
        if tag in spoken and (tag == SOURCE or spoken[tag].get("official_status") in _OFFICIAL)
    }
    return max(shares, key=lambda tag: (shares[tag], tag != SOURCE), default=SOURCE)


_OFFICIAL = {"official", "de_facto_official"}


@cache
def _alpha_2(alpha_3: str) -> str | None:
    import pycountry

    if alpha_3 == "XKX":
        return "XK"
    found = pycountry.countries.get(alpha_3=alpha_3)
    return found.alpha_2 if found is not None else None
