"""Questions without the name of their place, so that a respondent has to assume one."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pluralign.asking.place_names import words_for_place
from pluralign.core import community_name, parse_toml, without_gaps
from pluralign.core.demonyms import demonyms

_FILE = Path(__file__).parent / "place_phrases.toml"
_OPENING = "¿¡"
_ACCENTS = re.compile("[\u0300-\u036f]")


@dataclass(frozen=True, slots=True)
class _Naming:
    """How questions name one place in one language.

    Attributes:
        phrases: Expressions that can be left out.
        names: Parts of words that name it.
    """

    phrases: tuple[re.Pattern[str], ...]
    names: re.Pattern[str]


def without_place(text: str, language: str, community: str) -> str | None:
    """The question without the name of its place; None where it cannot be left out.

    A phrase such as "in Iran" is left out, and the question stays as it is otherwise. Where a word
    still names the place or its people after that ("Iranian"), there is no such question. A
    question that never named its place stays the same.

    Args:
        text: The question.
        language: BCP 47 tag of its language. Phrases are known in English, and for the regions of
            BLEnD (arXiv 2406.09948) in their languages.
        community: Id of the community asked about.

    >>> without_place("What is the most popular fruit in Iran?", "en", "IRN")
    'What is the most popular fruit?'
    >>> without_place("What do Iranians eat at New Year?", "en", "IRN") is None
    True
    """
    naming = _naming(language.partition("-")[0], community)
    left = text
    for phrase in naming.phrases:
        left = phrase.sub("", left)
    if naming.names.search(_plain(left)):
        return None
    return text if left == text else _as_sentence(left)


def _as_sentence(text: str) -> str:
    """A text without gaps and without a comma at either end, with a capital letter first."""
    text = without_gaps(text).strip(" ,،，")
    start = re.match(rf"[{_OPENING}]?\s*", text)
    head = start.group().strip() if start else ""
    rest = text[start.end() :] if start else text
    return head + rest[:1].upper() + rest[1:]


@cache
def _naming(language: str, community: str) -> _Naming:
    known = _table().get(language, {}).get(community)
    if known is not None:
        return _Naming(tuple(map(re.compile, known["phrases"])), _any_of(known["names"], language))
    if language == "en":
        return _english(community)
    return _Naming((), _any_of(words_for_place(community, language), language))


def _english(community: str) -> _Naming:
    """English phrases for any community, by its name and the words for its people."""
    name = re.escape(community_name(community))
    phrases = (
        re.compile(rf"(?<!\w)(the )?{name}'s(?!\w)"),
        re.compile(rf"(?<!\w)([Ii]n|from|of|across) (the )?{name}(?!\w),?"),
    )
    names = (community_name(community), *words_for_place(community, "en"), *demonyms(community))
    return _Naming(phrases, _any_of([name.removeprefix("the ") for name in names], "en"))


def _any_of(names: Sequence[str], language: str) -> re.Pattern[str]:
    """Any of some names: whole words in English ("US" is not in "use"), else parts of words."""
    joined = "|".join(re.escape(_plain(name)) for name in names)
    if language == "en":
        return re.compile(rf"(?<!\w)(?:{joined})(?!\w)")
    return re.compile(joined, re.IGNORECASE)


def _plain(text: str) -> str:
    """A text without accents: the name in the id of a region, Yucatan, has none."""
    decomposed = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", _ACCENTS.sub("", decomposed))


@cache
def _table() -> Mapping[str, Mapping[str, Mapping[str, list[str]]]]:
    table: Mapping[str, Mapping[str, Mapping[str, list[str]]]] = parse_toml(
        _FILE.read_text(encoding="utf-8")
    )
    return table
