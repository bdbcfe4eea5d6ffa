"""Names of places in many languages, and the main language of a place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from pluralign.core import community, parse_toml, with_article

_REGIONS = Path(__file__).parent / "regions.toml"
_NEXT = {"su": "id"}
"""Language -> the language whose names of countries it takes where CLDR has none of its own."""
_COMMAS = {"am": "፣ ", "ar": "، ", "fa": "، ", "zh": "，"}
"""Language -> the comma between a region and its country, where it is another one."""
_KOSOVO = {"XKX": "XK"}
"""Kosovo's code has no entry in ISO 3166-1."""


@dataclass(frozen=True, slots=True)
class _Region:
    language: str
    names: Mapping[str, str]


def place_name(community_id: str, language: str, own: str = "") -> str:
    """The name of a community's place in a language, as it is within a sentence.

    Names of countries are those of Unicode's CLDR, names of regions those of ``regions.toml``. The
    name is English where there is none in the language. A region that we do not know has its
    country after it.

    Args:
        community_id: Id of the community.
        language: BCP 47 tag.
        own: The name of the place in the language, where a test has one; it is used instead.

    Raises:
        InvalidInput: If the id is malformed.
        UnknownCommunity: If there is no such country.

    >>> place_name("MEX", "fa"), place_name("USA", "en"), place_name("NGA/north", "ha")
    ('مکزیک', 'the United States', 'Arewacin Najeriya')
    >>> place_name("MEX/oaxaca", "es"), place_name("~yoruba", "fa")
    ('Oaxaca, México', 'Yoruba')
    >>> place_name("MEX/yucatan", "es", "Yucatán")
    'Yucatán, México'
    """
    known = community(community_id)
    if community_id in _regions():
        names = _regions()[community_id].names
        return own or names.get(language, names["en"])
    if known.country is None:
        return own or known.name
    country = _country_in(known.country, language)
    if community_id == known.country:
        return own or country
    return f"{own or known.name}{_COMMAS.get(language, ', ')}{country}"


def words_for_place(community_id: str, language: str) -> tuple[str, ...]:
    """The names by which a text in a language may name a place: its own, and its country's.

    The own name of a region that we do not know is that of its id, in Latin letters.

    >>> words_for_place("MEX/oaxaca", "es"), words_for_place("IRN", "fa")
    (('Oaxaca', 'México'), ('ایران',))
    """
    known = community(community_id)
    if community_id in _regions():
        own = place_name(community_id, language)
    elif known.country == community_id:
        return (_country_in(community_id, language),)
    else:
        own = known.name
    return (own,) if known.country is None else (own, _country_in(known.country, language))


def has_known_names(community_id: str) -> bool:
    """Whether names of a place in its languages are known: of countries, and of some regions.

    >>> has_known_names("MEX"), has_known_names("IND/as"), has_known_names("MEX/oaxaca")
    (True, True, False)
    """
    return community(community_id).country == community_id or community_id in _regions()


def list_names(names: Sequence[str], language: str) -> str:
    """Join names as the language joins them.

    >>> list_names(["Iran", "Peru", "Togo"], "en"), list_names(["伊朗", "秘鲁"], "zh")
    ('Iran, Peru and Togo', '伊朗和秘鲁')
    """
    from babel.lists import format_list

    if language == "en":  # without CLDR's comma before "and"
        return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    return str(format_list(list(names), locale=_locale(language)))


@lru_cache(maxsize=1024)
def main_language(community_: str) -> str | None:
    """The main official language of a country or of a region that we know; None for others.

    Official languages come from Unicode's CLDR, those of regions from ``regions.toml``.

    >>> main_language("MEX"), main_language("IND/as"), main_language("~yoruba")
    ('es', 'as', None)
    """
    from babel.languages import get_official_languages

    known = community(community_)
    if known.languages:
        return known.languages[0]
    if community_ in _regions():
        return _regions()[community_].language
    code = _alpha_2(known.country) if known.country else None
    found = get_official_languages(code, de_facto=True) if code else ()
    return str(found[0]).partition("_")[0] if found else None


def _country_in(country: str, language: str) -> str:
    """The name of a country in a language, in the one that it takes names from, or in English."""
    code = _alpha_2(country)
    for tag in (language, _NEXT.get(language)):
        known = _locale(tag).territories if tag and tag != "en" else {}
        if code in known:
            return str(known[code])
    return with_article(community(country).name)


@cache
def _locale(language: str) -> Any:
    """The locale of a language; the English one where Babel does not know the language."""
    from babel import Locale, UnknownLocaleError

    try:
        return Locale.parse(language, sep="-")
    except (UnknownLocaleError, ValueError):
        return Locale("en")


def _alpha_2(country: str) -> str | None:
    import pycountry

    found = pycountry.countries.get(alpha_3=country)
    return _KOSOVO.get(country) if found is None else str(found.alpha_2)


@cache
def _regions() -> Mapping[str, _Region]:
    tables: dict[str, Any] = parse_toml(_REGIONS.read_text(encoding="utf-8"))
    return {id_: _Region(table["language"], table["names"]) for id_, table in tables.items()}
