"""Communities: people who share a life. A country is one kind."""

import re
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches
from functools import cache, lru_cache

from pluralign.core.cells import is_missing, tidy
from pluralign.core.country_names import country_named, names_of, successors
from pluralign.core.errors import InvalidInput, UnknownCommunity

_ID = re.compile(
    r"^(?:[A-Z]{3}(?:/[a-z0-9][a-z0-9-]*)*|~[a-z0-9][a-z0-9-]*(?:/[a-z0-9][a-z0-9-]*)*)$"
)
_LONGEST_ID, _DEEPEST = 200, 8
_REMEMBERED = 4096
"""Communities kept in memory: ids come from requests too, so their number is unbounded."""
_MOST_NAMES = 4
_CODE = 3  # letters of a code
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
            hint="name the community by its nearest parts, such as MEX/oaxaca/juchitan",
        )


@dataclass(frozen=True, slots=True)
class Community:
    """People who share a life.

    Attributes:
        id: ``MEX`` (a country: ISO 3166-1 alpha-3), ``MEX/oaxaca`` (part of one) or ``~yoruba`` (no
            single country).
        name: Name in English.
        country: ISO 3166-1 alpha-3 code, or None.
        parent: Id of the community this one is part of, or None.
        languages: BCP 47 tags of its main languages, when known.

    Raises:
        InvalidInput: If the id is not written in one of the three forms, has more than 200
            characters, or more than 8 levels (``MEX/oaxaca/juchitan`` has three).

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


@lru_cache(_REMEMBERED)
def community(id_: str) -> Community:
    """Find a community by its id.

    Args:
        id_: ``MEX``, ``MEX/oaxaca``, ``~yoruba`` or ``~world``.

    Returns:
        The community; a country's name is the one in ISO 3166.

    Raises:
        InvalidInput: If the id is malformed, longer than 200 characters or deeper than 8 levels.
        UnknownCommunity: If the country code does not exist; near matches are named.

    >>> community("MEX/oaxaca").parent
    'MEX'
    >>> community("~yoruba").name, community("~yoruba").country
    ('Yoruba', None)
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
        return Community(id_, _title(tail), code, head)
    return Community(code, names[code], code, WORLD.id)


def community_name(id_: str) -> str:
    """Name of a community in English; the id itself where it is malformed or no country has its code.

    >>> community_name("MEX"), community_name("our people")
    ('Mexico', 'our people')
    """
    try:
        return community(id_).name
    except (InvalidInput, UnknownCommunity):
        return id_


def reference_name(fitted_on: Sequence[str]) -> str:
    """Name of the model that steering starts from: it speaks for those it was fitted on, not for the whole world.

    Args:
        fitted_on: Ids of their communities; none where they are unknown.

    >>> reference_name(["USA"]), reference_name(["GBR", "USA"])
    ('reference (United States)', 'reference (United Kingdom, United States)')
    >>> reference_name([]), reference_name(["BRA", "CHN", "IND", "MEX", "NGA"])
    ('reference', 'reference (5 communities)')
    """
    if not fitted_on:
        return "reference"
    names = ", ".join(map(community_name, fitted_on))
    return (
        f"reference ({names if len(fitted_on) <= _MOST_NAMES else f'{len(fitted_on)} communities'})"
    )


def resolve_community(label: str) -> Community | None:
    """Read a label as data sets write it.

    Understands ids, ISO alpha-2 and alpha-3 codes, names in English and other languages, and what
    data sets make of them ("Britain", "S. Korea", "Gambia, The", "Congo, Dem. Rep.", "India
    (Non-national sample)"). A state that is no more ("Yugoslavia") and a name of several countries
    ("Korea") are None: see `community_hint`. The kind of sample in brackets is not part of the
    community: see `sample_note`. Marks of a missing value name nobody, so ``NA`` is not Namibia
    (``NAM``).

    Args:
        label: The label.

    Returns:
        The community, or None where the label names none; the caller counts it.

    >>> [resolve_community(text).id for text in ("Britain", "Czech Rep.", "S. Korea", "Palest. ter.", "mx")]
    ['GBR', 'CZE', 'KOR', 'PSE', 'MEX']
    >>> resolve_community("Atlantis") is None
    True
    """
    if len(label) > _LONGEST_ID:
        return None
    text = tidy(_SAMPLE.sub("", tidy(label)))
    if is_missing(text):
        return None
    if _ID.fullmatch(text) and (
        text.startswith("~") or text[:3] in _country_names()
    ):  # "UAE" is written like a code
        with suppress(InvalidInput):  # a path may be too deep
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
    """Which of ``known`` a mistaken label may have meant, best first.

    A label that names a country never means another: "Austria" is not near Australia.

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
        known = (
            [id_ for id_ in known if id_[:3] == found.id[:3]] if found.country else _peoples(known)
        )
    elif is_missing(text) or successors(text):
        return []
    if len(text) <= _CODE:
        return [id_ for id_ in known if _swapped(text.upper(), id_)]
    spelled = names_of(known) | {
        _plain(name): id_ for id_ in known for name in (id_, community_name(id_))
    }
    plain = _plain(text)
    matches = get_close_matches(plain, spelled, n=3, cutoff=_NEAR)
    ratios = [SequenceMatcher(None, match, plain).ratio() for match in matches]
    return list(
        dict.fromkeys(
            spelled[m] for m, ratio in zip(matches, ratios, strict=True) if ratio > ratios[0] - _TIE
        )
    )


def community_hint(label: str, known: list[str]) -> str | None:
    """What to write instead of a label that names no community, where that can be said.

    Args:
        label: The label.
        known: Ids that it may have meant.

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
    named = [f"{id_} ({community_name(id_)})" for id_ in ids]
    return " or ".join(filter(None, (", ".join(named[:-1]), named[-1])))


def _peoples(known: list[str]) -> list[str]:
    """Communities of no single country."""
    return [id_ for id_ in known if id_.startswith("~")]


def _swapped(code: str, other: str) -> bool:
    """Whether two letters next to each other changed places: MXE for MEX.

    >>> _swapped("MXE", "MEX"), _swapped("DRC", "GRC")
    (True, False)
    """
    return other in {code[:i] + code[i + 1] + code[i] + code[i + 2 :] for i in range(len(code) - 1)}


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
