"""Find the country that a label names, by rules for how labels vary and lists of exceptions."""

import gettext
import itertools
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from difflib import get_close_matches
from functools import cache

from pluralign.core.cells import tidy
from pluralign.core.country_labels import (
    ALIASES,
    CODES,
    FORM_MATTERS,
    FORMS,
    LANGUAGES,
    PARTS,
    SILENT,
    TRANSLATIONS,
    WORDS,
)
from pluralign.core.states import GONE, RENAMED, TERRITORIES, UNCLEAR

_LONGEST = 200
_SHORTEST = 4  # letters of a Latin name in another language: "man" is not the Isle of Man
_NEAR = 0.85  # ratio above which a name may be another one with a typing error
_NAMES = ("name", "common_name", "official_name")
_POSSESSIVE = re.compile(r"['’ʼ`´‘]s\b")
_FORMER = re.compile(
    r"\b(formerly known as|also known as|formerly|former name|former|previously|now|aka|ex)\b"
)
_BRACKETS = re.compile(r"^([^()\[\]]*)[(\[]([^()\[\]]*)[)\]]\s*$")
_LISTING = re.compile(r"[/;]")
_POINTED = re.compile(r"(?:[a-z]\.\s?)+[a-z]?")
_FLAG_LETTERS = {0x1F1E6 + i: chr(ord("a") + i) for i in range(26)}
_SEPARATORS = (
    re.compile(r"\s*/\s*"),
    re.compile(r"\s+[-–—:|]\s+"),
    re.compile(r"\s*;\s*"),
    re.compile(r"\s*,\s*"),
)


def country_named(label: str) -> str | None:
    """Id of the country, or the part of a country, that a label names.

    Case, accents, articles, abbreviations, forms of government and the order of words do not
    matter. A second name in brackets or after a slash must be of the same country. A label that
    names no country, or several, gives None.

    >>> [country_named(text) for text in ("Korea, Dem. People's Rep.", "Bahamas, The", "DRC")]
    ['PRK', 'BHS', 'COD']
    >>> country_named("Myanmar/Burma"), country_named("Japón")
    ('MMR', 'JPN')
    >>> country_named("Korea"), country_named("Yugoslavia"), country_named("Georgia, USA")
    (None, None, None)
    """
    text = tidy(label)
    if not text or len(text) > _LONGEST:
        return None
    code = _codes().get(_code_spelled(text))
    if code is not None:
        return code
    key = country_key(text)
    if not key or successors(text):
        return None
    return _by_key().get(key) or _without_form(key) or _of_parts(text) or _translated(text)


def successors(label: str) -> tuple[str, ...]:
    """Ids of today's countries on the territory of a former state, or those of an unclear label.

    >>> successors("Former Czechoslovakia"), successors("Korea"), successors("Mexico")
    (('CZE', 'SVK'), ('KOR', 'PRK'), ())
    """
    key = country_key(tidy(label)[:_LONGEST])
    return _no_country().get(key, ())


def country_key(text: str) -> str:
    """The key of a label in the tables: its words in their usual form, each once, sorted.

    >>> country_key("St. Vincent & the Grenadines"), country_key("Korea, S.")
    ('grenadines saint vincent', 'korea south')
    """
    plain = _FORMER.sub(" ", _POSSESSIVE.sub("s", _without_accents(text)))
    words: set[str] = set()
    for word in _with_joined_letters(re.findall(r"[^\W_]+", plain)):
        words.update(WORDS.get(word, word).split())
    return " ".join(sorted(words - SILENT))


def _with_joined_letters(words: list[str]) -> Iterator[str]:
    """The words, with single letters in a row joined: "u", "s", "a" become "usa"."""
    for single, run in itertools.groupby(words, key=lambda word: len(word) == 1):
        together = list(run)
        joined = "".join(together)
        if single and joined.isascii():
            yield joined
        else:
            yield from together


def names_of(known: list[str]) -> dict[str, str]:
    """Names in lower case -> ids, for the known ids: a mistaken label may be near one of them."""
    wanted = set(known)
    listed = {name: id_ for name, id_ in (ALIASES | PARTS).items() if id_ in wanted}
    return listed | {_spelled(name): id_ for name, id_ in _names() if id_ in wanted}


def _code_spelled(text: str) -> str:
    """A label in the spelling of codes: "U.A.E." without its points, a flag as its two letters.

    >>> _code_spelled("U.A.E."), _code_spelled("\U0001f1f2\U0001f1fd"), _code_spelled("St. Lucia")
    ('uae', 'mx', 'st. lucia')
    """
    letters = text.translate(_FLAG_LETTERS).casefold()
    return re.sub(r"[.\s]", "", letters) if _POINTED.fullmatch(letters) else letters


def _without_form(key: str) -> str | None:
    left = " ".join(word for word in key.split() if word not in FORMS)
    return None if left in FORM_MATTERS else _by_key().get(left)


def _of_parts(text: str) -> str | None:
    """The country of all parts of a label: "Burma (Myanmar)", "Scotland, UK", "Guam (US)"."""
    named: set[str] = set()
    for part in _parts_of(text):
        id_ = _of_part(_FORMER.sub("", part.casefold())) if part.strip() else None
        if id_ is None:
            return None
        named.add(id_)
    if not named or (len(named) > 1 and _LISTING.search(text)):  # "Denmark/Greenland" is both
        return None
    # Of "Scotland" and "UK", or "Guam" and "US", the label means the narrower one.
    narrow = max(named, key=lambda id_: (len(id_), id_ in _rulers()))
    for id_ in named:
        if not (f"{narrow}/".startswith(f"{id_}/") or _rulers().get(narrow) == id_):
            return None
    return narrow


def _parts_of(text: str) -> list[str]:
    """The parts of a label by its brackets, or else by its first separator; empty without parts."""
    brackets = _BRACKETS.match(text)
    if brackets:
        return list(brackets.groups())
    for separator in _SEPARATORS:
        if separator.search(text):
            return separator.split(text)
    return []


def _of_part(text: str) -> str | None:
    """The country that one part names; a former name counts, as in "Zimbabwe (Rhodesia)"."""
    return country_named(text) or RENAMED.get(country_key(text))


def _translated(text: str) -> str | None:
    """The country of a name in another language.

    The name may lack its accents, unless it then looks like the English name of another country.

    >>> _translated("Rusia"), _translated("Nig\u0113ra"), _translated("Nigera")
    ('RUS', 'NER', None)
    """
    exact = _by_translation(_in_words).get(_in_words(text))
    if exact is not None:
        return exact
    plain = _spelled(text)
    id_ = _by_translation(_spelled).get(plain)
    near = get_close_matches(plain, _by_spelling(), n=1, cutoff=_NEAR) if id_ else []
    return None if near and _by_spelling()[near[0]] != id_ else id_


def _without_accents(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in plain if not unicodedata.combining(c))


def _spelled(text: str) -> str:
    """Words in their own order, without accents."""
    return _in_words(_without_accents(text))


def _in_words(text: str) -> str:
    """Words in their own order, with the marks that belong to letters."""
    plain = unicodedata.normalize("NFKC", text.casefold())
    letters = [c if c.isalnum() or unicodedata.category(c)[0] == "M" else " " for c in plain]
    return " ".join("".join(letters).split())


@cache
def _names() -> tuple[tuple[str, str], ...]:
    """Each name of ISO 3166, with its id."""
    import pycountry

    found: list[tuple[str, str]] = []
    for country in pycountry.countries:
        names = [getattr(country, field, None) for field in _NAMES]
        found += [(name, country.alpha_3) for name in names if name]
    return tuple(found)


@cache
def _codes() -> dict[str, str]:
    import pycountry

    codes: dict[str, str] = {}
    for country in pycountry.countries:
        codes[country.alpha_2.casefold()] = country.alpha_3
        codes[country.alpha_3.casefold()] = country.alpha_3
    del codes["na"]  # a mark of a missing value
    return codes | CODES


@cache
def _by_key() -> dict[str, str]:
    listed = {country_key(name): id_ for name, id_ in (ALIASES | PARTS).items()}
    return listed | {country_key(name): id_ for name, id_ in _names()}


@cache
def _no_country() -> dict[str, tuple[str, ...]]:
    return {country_key(name): tuple(ids.split(", ")) for name, ids in (GONE | UNCLEAR).items()}


@cache
def _rulers() -> dict[str, str]:
    """Territory -> the state that it belongs to."""
    rulers: dict[str, str] = {}
    for state, territories in TERRITORIES.items():
        rulers |= dict.fromkeys(territories.split(), state)
    return rulers


@cache
def _by_spelling() -> dict[str, str]:
    return {_spelled(name): id_ for name, id_ in _names()}


@cache
def _by_translation(spelled: Callable[[str], str]) -> dict[str, str]:
    """Names in other languages -> ids, without names of different countries in two languages."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for name, id_ in _translations():
        found[spelled(name)].add(id_)
    sure = {name: next(iter(ids)) for name, ids in found.items() if len(ids) == 1}
    return {name: id_ for name, id_ in sure.items() if len(name) >= _SHORTEST or not name.isascii()}


@cache
def _translations() -> tuple[tuple[str, str], ...]:
    return (*_iso_translations(), *_everyday_translations())


def _iso_translations() -> Iterator[tuple[str, str]]:
    """The names of ISO 3166, as `pycountry` translates them."""
    import pycountry

    for language in TRANSLATIONS:
        with suppress(OSError):
            words = gettext.translation("iso3166-1", pycountry.LOCALES_DIR, [language])
            for name, id_ in _names():
                yield words.gettext(name), id_


def _everyday_translations() -> Iterator[tuple[str, str]]:
    """The names for everyday use in Unicode's CLDR, Kosovo among them."""
    import babel
    import pycountry

    ids = {c.alpha_2: c.alpha_3 for c in pycountry.countries} | {"XK": "XKX"}
    for language in (*TRANSLATIONS, *LANGUAGES):
        for code, name in babel.Locale.parse(language).territories.items():
            if code in ids:
                yield name, ids[code]
