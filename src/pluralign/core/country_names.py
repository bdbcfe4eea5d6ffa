"""From a label to the country it names: rules for how labels vary, and lists of the exceptions."""

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
from pluralign.core.labels import (
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
_SHORTEST = 4  # letters of a Latin name in another language: "man" is no Isle of Man
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
    """Id of the country, or part of one, that a label names; None where it names none, or more than one.

    Case, accents, articles, abbreviations, forms of government and the order of words do not
    matter, a second name in brackets or behind a slash must be of the same country.

    >>> [country_named(text) for text in ("Korea, Dem. People's Rep.", "Bahamas, The", "DRC", "Myanmar/Burma", "Japón")]
    ['PRK', 'BHS', 'COD', 'MMR', 'JPN']
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
    """Ids of the countries where a state is now that is no more, or of those that an unclear label may name.

    >>> successors("Former Czechoslovakia"), successors("Korea"), successors("Mexico")
    (('CZE', 'SVK'), ('KOR', 'PRK'), ())
    """
    key = country_key(tidy(label)[:_LONGEST])
    return _no_country().get(key, ())


def country_key(text: str) -> str:
    """How a label is looked up: its words as they are read, each once, in sorted order.

    >>> country_key("St. Vincent & the Grenadines"), country_key("Korea, S.")
    ('grenadines saint vincent', 'korea south')
    """
    plain = _FORMER.sub(" ", _POSSESSIVE.sub("s", _without_accents(text)))
    words: list[str] = []
    for single, run in itertools.groupby(
        re.findall(r"[^\W_]+", plain), key=lambda word: len(word) == 1
    ):
        together = list(run)
        words += (
            ["".join(together)]
            if single and len(together) > 1 and "".join(together).isascii()
            else together
        )
    read = itertools.chain.from_iterable(WORDS.get(word, word).split() for word in words)
    return " ".join(sorted(set(read) - SILENT))


def names_of(known: list[str]) -> dict[str, str]:
    """Names in lower case that typing errors may be compared with -> ids, of those known."""
    wanted = set(known)
    listed = {name: id_ for name, id_ in (ALIASES | PARTS).items() if id_ in wanted}
    return listed | {_spelled(name): id_ for name, id_ in _names() if id_ in wanted}


def _code_spelled(text: str) -> str:
    """A label as a code is spelled: "U.A.E." without its points, a flag as its two letters.

    >>> _code_spelled("U.A.E."), _code_spelled("\U0001f1f2\U0001f1fd"), _code_spelled("St. Lucia")
    ('uae', 'mx', 'st. lucia')
    """
    letters = text.translate(_FLAG_LETTERS).casefold()
    return re.sub(r"[.\s]", "", letters) if _POINTED.fullmatch(letters) else letters


def _without_form(key: str) -> str | None:
    left = " ".join(word for word in key.split() if word not in FORMS)
    return None if left in FORM_MATTERS else _by_key().get(left)


def _of_parts(text: str) -> str | None:
    """What all parts of a label name: "Burma (Myanmar)", "Scotland, UK", "Guam (US)"."""
    brackets = _BRACKETS.match(text)
    parts = list(brackets.groups()) if brackets else []
    for separator in _SEPARATORS:
        parts = parts or (separator.split(text) if separator.search(text) else [])
    found = [_of_part(_FORMER.sub("", part.casefold())) if part.strip() else None for part in parts]
    if not found or None in found:
        return None
    named = {id_ for id_ in found if id_ is not None}
    if len(named) > 1 and _LISTING.search(text):  # "Denmark/Greenland" is both
        return None
    narrow = max(named, key=lambda id_: (len(id_), id_ in _rulers()))
    return (
        narrow
        if all(f"{narrow}/".startswith(f"{id_}/") or _rulers().get(narrow) == id_ for id_ in named)
        else None
    )


def _of_part(text: str) -> str | None:
    """What one part names; there "Rhodesia" is a former name, as in "Zimbabwe (Rhodesia)"."""
    return country_named(text) or RENAMED.get(country_key(text))


def _translated(text: str) -> str | None:
    """What a name in another language names; without its accents, unless it then looks like an English name.

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
    """Words in their own order, marks that belong to letters kept."""
    plain = unicodedata.normalize("NFKC", text.casefold())
    return " ".join(
        "".join(
            c if c.isalnum() or unicodedata.category(c)[0] == "M" else " " for c in plain
        ).split()
    )


@cache
def _names() -> tuple[tuple[str, str], ...]:
    """Each name of ISO 3166, with its id."""
    import pycountry

    countries = list(pycountry.countries)
    return tuple(
        (name, c.alpha_3) for c in countries for f in _NAMES if (name := getattr(c, f, None))
    )


@cache
def _codes() -> dict[str, str]:
    import pycountry

    codes = {
        getattr(c, field).casefold(): c.alpha_3
        for c in pycountry.countries
        for field in ("alpha_2", "alpha_3")
    }
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
    return {territory: state for state, own in TERRITORIES.items() for territory in own.split()}


@cache
def _by_spelling() -> dict[str, str]:
    return {_spelled(name): id_ for name, id_ in _names()}


@cache
def _by_translation(spelled: Callable[[str], str]) -> dict[str, str]:
    """Names in other languages -> ids; a name that two languages give to different countries is left out."""
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
    """The names that Unicode's CLDR gives for everyday use, Kosovo among them."""
    import babel
    import pycountry

    ids = {c.alpha_2: c.alpha_3 for c in pycountry.countries} | {"XK": "XKX"}
    for language in (*TRANSLATIONS, *LANGUAGES):
        for code, name in babel.Locale.parse(language).territories.items():
            if code in ids:
                yield name, ids[code]
