"""BLEnD: everyday knowledge of people in many regions, as pairs (Myung et al. 2024, 2406.09948)."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from pluralign.core import InvalidInput, KnowledgeQuestion, PreferencePair, Tally
from pluralign.sources.answer_keys import answer_key
from pluralign.sources.knowledge_blend import REGIONS, BlendKnowledge
from pluralign.sources.knowledge_reading import read_knowledge

_NAMES = {community: name.replace("_", " ") for name, (community, _) in REGIONS.items()}
"""Community -> its name in English questions."""
_ANYWHERE = "this region"
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CountedAnswer:
    """An answer, and how many people of a region gave it.

    Attributes:
        local: Its variants in the language of the region.
        english: Its variants in English; the first is shown.
        people: Number of people who gave it, >= 1.
    """

    local: tuple[str, ...]
    english: tuple[str, ...]
    people: int


@dataclass(frozen=True, slots=True)
class RegionQuestion:
    """A question as one region was asked it, and the answers of its people.

    Attributes:
        asked: The question.
        answers: Different answers, the most common first, and in the order of their words where
            equally many people gave two.
    """

    asked: KnowledgeQuestion
    answers: tuple[CountedAnswer, ...]

    @property
    def community(self) -> str:
        """Id of the community."""
        return self.asked.community


@dataclass(frozen=True, slots=True)
class BlendPairs:
    """Pairs of common answers: of this region, and of another region to the same question.

    The chosen answer is the one that most people of a region gave. The rejected one is the most
    common answer of another region, if nobody here gave it: answers that are equal or of which one
    has all words of the other (see `answer_key`) make no pair. One answer of several regions makes
    one pair. ``strength`` is the share of the chosen answer among all that the region gave; pairs
    have no rater, because answers were published as counts. ``question`` is the id, and ``stem``
    the English question without the region, so that a question is on one side of a split for all
    regions. ``extra`` has the topic, the counts and ``rejected_in``, the communities of the
    rejected answer.

    In the language of the region, an answer of another region is written as this region's people
    wrote it under any question. Answers that they never wrote are left out and counted, because
    their language alone would give them away.

    Attributes:
        path: Folder of ``REGION.jsonl.gz`` or ``REGION.jsonl``, as `BlendKnowledge` reads it.
        language: ``en``, or ``local`` for the language of each region.
        place: Whether the question names the region; if not, it asks about "this region", and only
            the steer distinguishes regions. Local questions are asked as published, and nearly all
            name it.
        fewest_people: Smallest number of people who make an answer common, >= 1.
        skip_bad: Drop and count rows that cannot be read, instead of stopping at the first.
        license: Licence of the data.

    Raises:
        InvalidInput: If ``fewest_people`` is below 1, or local questions are asked without the
            place.
    """

    name: ClassVar[str] = "blend"
    about: ClassVar[str] = (
        "BLEnD: a region's common answers to everyday questions against those of other regions"
    )

    path: Path
    language: Literal["en", "local"] = "en"
    place: bool = False
    fewest_people: int = 2
    skip_bad: bool = False
    license: str = "CC-BY-SA-4.0"

    def __post_init__(self) -> None:
        if self.fewest_people < 1:
            raise InvalidInput(
                f"fewest_people must be at least 1, got {self.fewest_people}",
                where="fewest_people",
            )
        if self.language == "local" and not self.place:
            raise InvalidInput(
                "questions in local languages are asked as published, with the region",
                where="place",
                hint='set place = true, or language = "en"',
            )

    def pairs(self, tally: Tally | None = None) -> Iterator[PreferencePair]:
        """Stream the pairs, question by question; ``tally`` counts the questions of all regions.

        Raises:
            InvalidInput: If the folder, a file or a row cannot be read, or a community has two
                questions of one id.
            NotEnoughData: If nobody answered a question.
        """
        counts = tally if tally is not None else Tally()
        test = read_knowledge(BlendKnowledge(self.path, skip_bad=self.skip_bad), counts)
        by_id: dict[str, list[RegionQuestion]] = defaultdict(list)
        for question in test.questions:
            answers = _merged(question)
            if {"en", question.language} <= question.texts.keys() and answers:
                by_id[question.id].append(RegionQuestion(question, answers))
            else:
                counts.drop_kept("no question or answer in both languages")
        wordings = self._wordings(by_id)
        for asked in by_id.values():
            yield from self._of_question(asked, wordings, counts)

    def _wordings(
        self, by_id: Mapping[str, Sequence[RegionQuestion]]
    ) -> Mapping[str, Mapping[Key, str]]:
        """Community -> the key of an English answer -> how its people write it, for local pairs."""
        wordings: dict[str, dict[Key, str]] = defaultdict(dict)
        if self.language == "local":
            for question in (question for asked in by_id.values() for question in asked):
                for answer in question.answers:
                    for variant in answer.english:
                        wordings[question.community].setdefault(
                            answer_key(variant), answer.local[0]
                        )
        return wordings

    def _of_question(
        self,
        asked: Sequence[RegionQuestion],
        wordings: Mapping[str, Mapping[Key, str]],
        tally: Tally,
    ) -> Iterator[PreferencePair]:
        stem = _unnamed(asked[0])
        for here in asked:
            if here.answers[0].people < self.fewest_people:
                tally.drop_kept(f"no answer that at least {self.fewest_people} people gave")
                continue
            others = [
                other
                for other in asked
                if other.community != here.community
                and other.answers[0].people >= self.fewest_people
            ]
            rejected = self._rejected(here, others, wordings[here.community], tally)
            if not rejected:
                tally.drop_kept("no other region with a different common answer")
                continue
            for text, regions in rejected.items():
                yield self._pair(here, text, regions, stem)

    def _rejected(
        self,
        here: RegionQuestion,
        others: Sequence[RegionQuestion],
        wording: Mapping[Key, str],
        tally: Tally,
    ) -> dict[str, list[RegionQuestion]]:
        """Text of each wrong answer -> the regions whose common answer it is."""
        accepted = _accepted(here)
        texts: dict[Key, str] = {}
        regions: dict[str, list[RegionQuestion]] = defaultdict(list)
        for other in others:
            answer = other.answers[0]
            key = answer_key(answer.english[0])
            text = wording.get(key) if self.language == "local" else answer.english[0]
            problem = _problem(accepted, (*answer.english, text or ""))
            if problem is not None:
                tally.leave_out(problem)
            elif text is None:
                tally.leave_out("another region's answer that nobody here wrote in the language")
            else:
                if key in texts:
                    tally.leave_out("one wrong answer of several regions")
                regions[texts.setdefault(key, text)].append(other)
        return regions

    def _pair(
        self, here: RegionQuestion, rejected: str, regions: Sequence[RegionQuestion], stem: str
    ) -> PreferencePair:
        answer, asked = here.answers[0], here.asked
        local = self.language == "local"
        language = asked.language if local else "en"
        return PreferencePair(
            id=f"{asked.id}:{asked.community}>{regions[0].community}",
            prompt=asked.text_in(language) if self.place else _unnamed(here),
            chosen=answer.local[0] if local else answer.english[0],
            rejected=rejected,
            community=asked.community,
            strength=answer.people / sum(given.people for given in here.answers),
            question=asked.id,
            stem=stem,
            language=language,
            source=self.name,
            license=self.license,
            extra={
                "topic": asked.topic or None,
                "chosen_people": answer.people,
                "rejected_people": [other.answers[0].people for other in regions],
                "rejected_in": [other.community for other in regions],
            },
        )


def without_region(question: str, region: str) -> str:
    """An English question about "this region" in place of the one that it names.

    >>> without_region("What do people in the US eat?", "US")
    'What do people in this region eat?'
    """
    name = re.compile(rf"\b(?:the\s+)?{re.escape(region)}\b", re.IGNORECASE)
    return name.sub(_ANYWHERE, question)


def _unnamed(question: RegionQuestion) -> str:
    return without_region(question.asked.text_in("en"), _NAMES[question.community])


def _merged(question: KnowledgeQuestion) -> tuple[CountedAnswer, ...]:
    """The answers with a form in both languages; equal ones are one, with all their people."""
    merged: dict[Key, CountedAnswer] = {}
    for answer in sorted(question.answers, key=lambda answer: -(answer.count or 0)):
        local, english = answer.variants_in(question.language), answer.variants_in("en")
        if not local or not english or answer.count is None:
            continue
        key = answer_key(english[0])
        first = merged.get(key, CountedAnswer((), (), 0))
        merged[key] = CountedAnswer(
            first.local + local, first.english + english, first.people + answer.count
        )
    ordered = sorted(merged.items(), key=lambda item: (-item[1].people, item[0]))
    return tuple(answer for _, answer in ordered)


def _accepted(question: RegionQuestion) -> set[frozenset[str]]:
    """The words of every answer that people of the region gave, in both languages."""
    texts = (text for given in question.answers for text in given.english + given.local)
    keys = map(answer_key, texts)
    return {frozenset(key) for key in keys if key}  # no words would be a part of every answer


def _problem(accepted: Collection[frozenset[str]], variants: Sequence[str]) -> str | None:
    """Why the common answer of another region is not wrong here; None where it is."""
    answers = {frozenset(answer_key(variant)) for variant in variants if variant}
    if any(words in accepted for words in answers):
        return "another region's answer that people here gave, too"
    if any(a < b or b < a for a in answers for b in accepted):
        return "another region's answer that overlaps with one given here"
    return None
