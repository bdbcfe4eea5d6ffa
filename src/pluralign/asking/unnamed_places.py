"""Questions without the name of their place, so that a respondent has to assume one."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pluralign.asking.place_names import has_known_names, words_for_place
from pluralign.core import (
    KnowledgeQuestion,
    PlaceWords,
    community_name,
    count_of,
    parse_toml,
    without_gaps,
)
from pluralign.core.demonyms import demonyms
from pluralign.metrics.answer_variety import WITHOUT_BLANKS

_FILE = Path(__file__).parent / "place_phrases.toml"
_OPENING = "¿¡"
_ACCENTS = re.compile("[\u0300-\u036f]")
_COMMAS = ",،，、፣"
_WORD_ENDS = r"(?=[\s?!.,;:؟،؛।。，、፣።\"»”)]|$)"
"""A blank, punctuation or the end: vowel signs are part of a word, but not of ``\\w``."""


@dataclass(frozen=True, slots=True)
class _Naming:
    """How questions name one place in one language.

    Attributes:
        phrases: Expressions that can be left out.
        names: Parts of words that name it.
    """

    phrases: tuple[re.Pattern[str], ...]
    names: re.Pattern[str]


def without_place(
    text: str, language: str, community: str, own: PlaceWords | None = None
) -> str | None:
    """The question without the name of its place; None where it cannot be left out.

    A phrase such as "in Iran" is left out, and the question stays as it is otherwise. Where a word
    still names the place or its people after that ("Iranian"), there is no such question. A
    question that never named its place stays the same.

    Args:
        text: The question.
        language: BCP 47 tag of its language. Phrases are known in English, and for the regions of
            BLEnD (arXiv 2406.09948) in their languages.
        community: Id of the community asked about.
        own: The test's own words for the place in this language, which are used, too.

    >>> without_place("What is the most popular fruit in Iran?", "en", "IRN")
    'What is the most popular fruit?'
    >>> without_place("What do Iranians eat at New Year?", "en", "IRN") is None
    True
    >>> yucatan = PlaceWords("Yucatán", ("en Yucatán",))
    >>> without_place("¿Qué se desayuna en Yucatán?", "es", "MEX/yucatan", yucatan)
    '¿Qué se desayuna?'
    """
    naming = _naming(language.partition("-")[0], community, own)
    text = unicodedata.normalize("NFC", text)
    left = text
    for phrase in naming.phrases:
        left = _cut(phrase, left)
    if naming.names.search(_plain(left)):
        return None
    return text if left == text else _as_sentence(left)


@dataclass(frozen=True, slots=True)
class PlaceWithoutPhrases:
    """A place of which no phrases are known in a language of a test.

    Attributes:
        community: Id of the community.
        language: BCP 47 tag.
        questions: Number of questions in this language.
        naming: Number of them that name the place as far as its name is known.
    """

    community: str
    language: str
    questions: int
    naming: int

    def __str__(self) -> str:
        asked = count_of(self.questions, "question")
        if self.naming:
            found = (
                f"{self.naming:,} of {asked} name the place or its country, and cannot be asked "
            )
            found += "without it"
        else:
            found = f"{asked} may name the place by a name that is not known, and would still name "
            found += "it when asked without it"
        example = f'place.{self.language} = {{ name = "...", phrases = ["...", "..."] }}'
        return (
            f"{self.community} in {self.language}: {found}. Write its name and the phrases with it "
            f"into the test: {example}"
        )


def places_without_phrases(questions: Sequence[KnowledgeQuestion]) -> Iterator[PlaceWithoutPhrases]:
    """Places and languages of questions that may name their place in words that are not known.

    Phrases are known in English, for the regions of BLEnD in their languages, and where a test has
    words of its own; names are known of countries. A language is left out if no question in it
    needs a phrase.
    """
    texts: dict[tuple[str, str], list[str]] = {}
    for question in questions:
        for language, text in question.texts.items():
            if not question.place.get(language):
                texts.setdefault((question.community, language), []).append(text)
    for (community, language), own in texts.items():
        if not _naming(language.partition("-")[0], community, None).phrases:
            naming = sum(without_place(text, language, community) is None for text in own)
            if naming or not has_known_names(community):
                yield PlaceWithoutPhrases(community, language, len(own), naming)


def _cut(phrase: re.Pattern[str], text: str) -> str:
    """A text without a phrase, which has no accents, wherever it has it."""
    for found in reversed(list(phrase.finditer(_plain_letters(text)))):
        text = text[: found.start()] + text[found.end() :]
    return text


def _as_sentence(text: str) -> str:
    """A text without gaps, doubled commas and commas at either end, with a capital letter first."""
    text = re.sub(rf"([{_COMMAS}])(\s*[{_COMMAS}])+", r"\1", without_gaps(text))
    text = text.strip(f" {_COMMAS}")
    head = text[:1] if text.startswith(tuple(_OPENING)) else ""
    rest = text.removeprefix(head).lstrip(f" {_COMMAS}")
    return head + rest[:1].upper() + rest[1:]


@cache
def _naming(language: str, community: str, own: PlaceWords | None) -> _Naming:
    known = _table().get(language, {}).get(community)
    if known is not None:
        phrases, names = (
            tuple(re.compile(_plain(one)) for one in known["phrases"]),
            tuple(known["names"]),
        )
    elif language == "en":
        phrases, names = _english(community)
    else:
        phrases, names = (), words_for_place(community, language)
    if own is not None:
        phrases, names = (*_own_phrases(own.phrases), *phrases), (own.name, *names)
    return _Naming(phrases, _any_of(names, language))


def _english(community: str) -> tuple[tuple[re.Pattern[str], ...], tuple[str, ...]]:
    """English phrases for any community, and its name with the words for its people."""
    name = re.escape(_plain(community_name(community)))
    phrases = (
        re.compile(rf"(?<!\w)(the )?{name}'s(?!\w)"),
        re.compile(rf"(?<!\w)([Ii]n|from|of|across) (the )?{name}(?!\w)"),
    )
    names = (community_name(community), *words_for_place(community, "en"), *demonyms(community))
    return phrases, tuple(name.removeprefix("the ") for name in names)


def _own_phrases(phrases: Sequence[str]) -> tuple[re.Pattern[str], ...]:
    """The phrases of a test: whole words in any case, the longest first.

    In scripts without blanks between words a phrase is found within a longer text.
    """
    found = []
    for phrase in sorted(phrases, key=len, reverse=True):
        words = r"\s+".join(map(re.escape, _plain(phrase).split()))
        before = "" if WITHOUT_BLANKS.match(phrase[0]) else r"(?<!\w)"
        after = "" if WITHOUT_BLANKS.match(phrase[-1]) else _WORD_ENDS
        found.append(re.compile(before + words + after, re.IGNORECASE))
    return tuple(found)


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


def _plain_letters(text: str) -> str:
    """A text whose letters have no accents, with the same number of characters."""
    return "".join(_plain(character) or character for character in text)


@cache
def _table() -> Mapping[str, Mapping[str, Mapping[str, list[str]]]]:
    table: Mapping[str, Mapping[str, Mapping[str, list[str]]]] = parse_toml(
        _FILE.read_text(encoding="utf-8")
    )
    return table
