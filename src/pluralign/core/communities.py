"""Communities: people who share a life. A country is one kind of community."""

import re
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches
from functools import cache, lru_cache
from typing import Any

from pluralign.core.cells import is_missing, tidy
from pluralign.core.country_names import country_named, names_of, successors
from pluralign.core.errors import InvalidInput, UnknownCommunity

_ID = re.compile(
    r"^(?:[A-Z]{3}(?:/[a-z0-9][a-z0-9-]*)*|~[a-z0-9][a-z0-9-]*(?:/[a-z0-9][a-z0-9-]*)*)$"
)
_LONGEST_ID, _DEEPEST = 200, 8
_REMEMBERED = 4096
"""Most communities kept in memory: requests name ids, too, so their number is unbounded."""
_MOST_NAMES = 4
_CODE = 3  # letters of a country code
_NEAR = 0.82  # ratio above which a typing error is likely
_TIE = 0.05  # ratios that are nearly those of the best match
_SAMPLE = re.compile(r"\s*\(([^()]*\bsample)\)\s*$", re.IGNORECASE)


def _check_size(id_: str) -> None:
    if len(id_) > _LONGEST_ID:
        raise InvalidInput(
            f"a community id must have at most {_LONGEST_ID} characters, got {len(id_)}: "
            f"{id_!r:.60}...",
            hint="write an ISO code (MEX), a part of a country (MEX/oaxaca) or ~name (~yoruba)",
        )
    if (levels := id_.count("/") + 1) > _DEEPEST:
        raise InvalidInput(
            f"a community id must have at most {_DEEPEST} levels, got {levels}: {id_!r:.60}",
            hint="leave levels out, as in MEX/oaxaca/juchitan",
        )


@dataclass(frozen=True, slots=True)
class Community:
    """People who share a life.

    Attributes:
        id: ``MEX`` (a country: ISO 3166-1 alpha-3), ``MEX/oaxaca`` (part of a country) or
            ``~yoruba`` (not of a single country).
        name: Name in English.
        country: ISO 3166-1 alpha-3 code, or None.
        parent: Id of the community this one is part of, or None.
        languages: BCP 47 tags of its main languages, when known.

    Raises:
        InvalidInput: If the id does not have one of the three forms, or has more than 200
            characters or more than 8 levels (``MEX/oaxaca/juchitan`` has three).

    >>> community("MEX")
    Community(id='MEX', name='Mexico', country='MEX', parent='~world', languages=())
    """

    id: str
    name: str
    country: str | None = None
    parent: str | None = None
    languages: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_size(self.id)
        if not _ID.fullmatch(self.id):
            raise InvalidInput(
                f"{self.id!r} is not a community id",
                hint="write an ISO code (MEX), a part of a country (MEX/oaxaca) or ~name (~yoruba)",
            )


WORLD = Community("~world", "World")
"""Everybody who was asked, of any community."""


@lru_cache(_REMEMBERED)
def community(id_: str) -> Community:
    """Find a community by its id.

    Args:
        id_: ``MEX``, ``MEX/oaxaca``, ``~yoruba`` or ``~world``.

    Returns:
        The community. Its name is that of ISO 3166 where it is a country, or a part of one by
        its letters in ISO 3166-2 (``IND/as``); else it is made from the id.

    Raises:
        InvalidInput: If the id is malformed, longer than 200 characters or deeper than 8 levels.
        UnknownCommunity: If the country code does not exist; near matches are named.

    >>> community("MEX/oaxaca").parent
    'MEX'
    >>> community("~yoruba").name, community("~yoruba").country
    ('Yoruba', None)
    >>> community("IND/as").name, community("NGA/north").name
    ('Assam', 'North')
    """
    if id_ == WORLD.id:
        return WORLD
    _check_size(id_)
    if not _ID.fullmatch(id_):
        found = resolve_community(id_)
        raise InvalidInput(
            f"{id_!r} is not a community id",
            hint=f"did you mean {found.id!r}?" if found else "write MEX, MEX/oaxaca or ~yoruba",
        )
    head, _, tail = id_.rpartition("/")
    if id_.startswith("~"):
        return Community(id_, _title(tail.removeprefix("~")), None, head or WORLD.id)
    code = id_[:3]
    names = _country_names()
    if code not in names:
        raise UnknownCommunity(
            f"no country has the code {code!r}",
            hint=community_hint(code, list(names)) or "see ISO 3166-1",
        )
    if head:
        return Community(id_, _subdivision_name(head, tail) or _title(tail), code, head)
    return Community(code, names[code], code, WORLD.id)


def community_name(id_: str) -> str:
    """Name of a community in English; the id itself where it names no community.

    >>> community_name("MEX"), community_name("our people")
    ('Mexico', 'our people')
    """
    try:
        return community(id_).name
    except (InvalidInput, UnknownCommunity):
        return id_


def community_title(id_: str, own: str = "") -> str:
    """Name of a community in English, with its country where it is a part of one.

    Args:
        id_: Id of the community.
        own: Its English name, where a test gives one; it is used instead of that of the id.

    >>> community_title("NGA/north"), community_title("MEX"), community_title("~yoruba")
    ('North (Nigeria)', 'Mexico', 'Yoruba')
    >>> community_title("MEX/yucatan", "Yucatán")
    'Yucatán (Mexico)'
    """
    country, slash, _ = id_.partition("/")
    name = own or community_name(id_)
    if not slash or country.startswith("~"):
        return name
    return f"{name} ({community_name(country)})"


def reference_name(fitted_on: Sequence[str]) -> str:
    """Name of the model that steering starts from, with the communities that it was fitted on.

    Args:
        fitted_on: Ids of these communities; empty where they are unknown.

    >>> reference_name(["USA"]), reference_name(["GBR", "USA"])
    ('reference (United States)', 'reference (United Kingdom, United States)')
    >>> reference_name([]), reference_name(["BRA", "CHN", "IND", "MEX", "NGA"])
    ('reference', 'reference (5 communities)')
    """
    if not fitted_on:
        return "reference"
    if len(fitted_on) > _MOST_NAMES:
        return f"reference ({len(fitted_on)} communities)"
    return f"reference ({', '.join(map(community_name, fitted_on))})"


def resolve_community(label: str) -> Community | None:
    """Find the community of a label as data sets write it.

    Understands ids, ISO alpha-2 and alpha-3 codes, names in English and other languages, and the
    forms of names in data sets ("Britain", "S. Korea", "Gambia, The", "Congo, Dem. Rep.", "India
    (Non-national sample)"). A former state ("Yugoslavia") and a name of several countries ("Korea")
    give None: see `community_hint`. The kind of sample in brackets is not part of the community:
    see `sample_note`. Marks of a missing value name no community, so ``NA`` is not Namibia
    (``NAM``).

    Args:
        label: The label.

    Returns:
        The community, or None where the label names none; the caller counts such labels.

    >>> [resolve_community(text).id for text in ("Britain", "S. Korea", "Palest. ter.", "mx")]
    ['GBR', 'KOR', 'PSE', 'MEX']
    >>> resolve_community("Atlantis") is None
    True
    """
    if len(label) > _LONGEST_ID:
        return None
    text = tidy(_SAMPLE.sub("", tidy(label)))
    if is_missing(text):
        return None
    # "UAE" has the form of an id, but it is not an ISO code.
    known = text.startswith("~") or text[:3] in _country_names()
    if _ID.fullmatch(text) and known:
        with suppress(InvalidInput):  # the id may have too many levels
            return community(text)
    id_ = country_named(text)
    return community(id_) if id_ else None


def sample_note(label: str) -> str | None:
    """The kind of sample that a label states, in lower case.

    >>> sample_note("India (Non-national sample)")
    'non-national sample'
    >>> sample_note("Spain") is None
    True
    """
    match = _SAMPLE.search(label)
    return match[1].lower() if match else None


def near_communities(label: str, known: list[str]) -> list[str]:
    """The communities among ``known`` that a mistaken label may mean, best first.

    A label that names a country never means another one: "Austria" is not near Australia.

    >>> near_communities("Mexcio", ["MEX", "GBR"]), near_communities("Britian", ["MEX", "GBR"])
    (['MEX'], ['GBR'])
    >>> near_communities("Niger", ["NGA"]), near_communities("DRC", ["GRC"])
    ([], [])
    """
    text = tidy(label)[:_LONGEST_ID]
    found = resolve_community(text)
    if found is not None:
        if found.id in known:
            return [found.id]
        known = _of_same_kind(found, known)
    elif is_missing(text) or successors(text):
        return []
    if len(text) <= _CODE:
        return [id_ for id_ in known if _swapped(text.upper(), id_)]
    return _near_in_spelling(_plain(text), known)


def _of_same_kind(found: Community, known: list[str]) -> list[str]:
    """Communities of the same country, or the peoples where it is of no single country."""
    if found.country is None:
        return _peoples(known)
    return [id_ for id_ in known if id_[:3] == found.id[:3]]


def _near_in_spelling(plain: str, known: list[str]) -> list[str]:
    """Communities whose names differ from a text by typing errors: the best and its near ties."""
    spelled = names_of(known)
    for id_ in known:
        spelled |= {_plain(id_): id_, _plain(community_name(id_)): id_}
    matches = get_close_matches(plain, spelled, n=3, cutoff=_NEAR)
    ratios = [SequenceMatcher(None, match, plain).ratio() for match in matches]
    near: dict[str, None] = {}  # a set that keeps its order
    for match, ratio in zip(matches, ratios, strict=True):
        if ratio > ratios[0] - _TIE:
            near[spelled[match]] = None
    return list(near)


def community_hint(label: str, known: list[str]) -> str | None:
    """A hint for the user whose label names no community; None where we have no hint.

    Args:
        label: The label.
        known: Ids that it may mean.

    >>> community_hint("Mexcio", ["MEX", "GBR"])
    'did you mean MEX?'
    >>> community_hint("Czechoslovakia", ["MEX"])
    "'Czechoslovakia' does not name one country of today; write CZE (Czechia) or SVK (Slovakia)"
    >>> community_hint("NA", ["MEX"])
    "'NA' marks a missing value; for Namibia write NAM"
    """
    if tidy(label).casefold() == "na":
        return f"{label!r} marks a missing value; for Namibia write NAM"
    several = successors(label)
    if several:
        return f"{label!r:.80} does not name one country of today; write {_or(several)}"
    near = near_communities(label, known)
    return f"did you mean {' or '.join(near)}?" if near else None


def _or(ids: Sequence[str]) -> str:
    *others, last = [f"{id_} ({community_name(id_)})" for id_ in ids]
    return f"{', '.join(others)} or {last}" if others else last


def _peoples(known: list[str]) -> list[str]:
    """Communities that are not of a single country."""
    return [id_ for id_ in known if id_.startswith("~")]


def _swapped(code: str, other: str) -> bool:
    """Whether two letters next to each other changed places: MXE for MEX.

    >>> _swapped("MXE", "MEX"), _swapped("DRC", "GRC")
    (True, False)
    """
    return other in {code[:i] + code[i + 1] + code[i] + code[i + 2 :] for i in range(len(code) - 1)}


def _subdivision_name(country: str, code: str) -> str | None:
    """The name of a part of a country in ISO 3166-2; None where it has no code of letters.

    Codes of digits are left out: data sets number their regions, too.

    >>> [_subdivision_name(*parts) for parts in (("ESP", "h"), ("ESP", "ct"), ("FRA", "01"))]
    ['Huelva', 'Catalunya', None]
    """
    import pycountry

    known = pycountry.countries.get(alpha_3=country)
    if known is None or not re.fullmatch("[a-z]{1,3}", code):
        return None
    subdivisions: Any = pycountry.subdivisions
    found = subdivisions.get(code=f"{known.alpha_2}-{code.upper()}")
    return None if found is None else str(found.name).partition(" [")[0]


def _title(slug: str) -> str:
    return slug.replace("-", " ").title()


def _plain(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text)
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return " ".join(re.sub(r"[^a-z0-9]+", " ", plain.casefold()).split())


@cache
def _country_names() -> dict[str, str]:
    import pycountry

    names = {c.alpha_3: getattr(c, "common_name", c.name) for c in pycountry.countries}
    # Kosovo has no ISO 3166-1 entry; XKX is the user-assigned code that the World Bank and the EU
    # use.
    return names | {"XKX": "Kosovo"}
