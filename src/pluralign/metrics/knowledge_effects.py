"""Effects of language, of naming the place, and of the place itself, on answers to knowledge."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from pluralign.metrics.scored_answers import (
    Cell,
    Cells,
    PairedMeans,
    ScoredAnswer,
    cells_of,
    credit_in,
    keyed,
    local_languages,
    paired_means,
)

EffectKind = Literal["language", "naming", "place", "home"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnowledgeEffect:
    """One effect on the credit that the people of a place give to answers.

    Attributes:
        kind: ``language``, ``naming``, ``place`` or ``home``; see `language_place_effects`.
        community: The place whose counts give the credit; "" for all places together, each question
            of each place counting the same.
        language: Language of the words; of ``language`` and ``home`` the first of the two.
        place_named: Whether the place is named; of ``naming`` it is in the first of the two.
        other: The other place that is compared; "" for the mean over all others.
        means: Both mean credits, and the effect as their difference.
    """

    kind: EffectKind
    community: str
    language: str
    means: PairedMeans
    place_named: bool = True
    other: str = ""


def language_place_effects(
    scored: Sequence[ScoredAnswer],
    languages: Mapping[str, str] | None = None,
    *,
    english: str = "en",
) -> tuple[KnowledgeEffect, ...]:
    """Separate the effects of the language, of naming the place, and of the place.

    All are differences of mean credits on the same questions, paired by question. Credit is what
    the counts of one place give (`answer_credit`); draws of one question are averaged first.

    * ``language``, for a place c with a local language: credit in c of answers about c in the local
      language, minus the same in English. The place stays the same, named or not.
    * ``naming``: credit in c of answers about c where the words name c, minus the same where they
      do not. The language stays the same.
    * ``place``: credit in c of answers about c, minus credit in c of answers to the same questions
      about another place, in the same language; both places are named. A model that does not
      distinguish places has 0. With ``other`` empty, the mean over all other places is compared;
      with ``community`` empty, too, all places are taken together.
    * ``home``: credit in c of answers about *other* places in the language of c, minus the same in
      those answers' second language: English, or where c speaks English, the place's own language.
      A model that follows the named place has 0; one that takes the language for the place has
      more.

    Intervals are those of 95 % for one effect, by Student's t, clustered by topic. The audit
    `knowledge` widens them by the number of effects that it compares.

    A worked example. On two questions, answers about Iran in Persian have credits of 1 and 0.5 in
    Iran, in English 0.5 and 0; answers about the United States in English have 0.25 and 0 there.
    So the effect of Persian is (0.5 + 0.5) / 2 = 0.5, and the effect of the place in English is
    (0.25 + 0) / 2 = 0.125.

    >>> def answer(question, community, language, credit):
    ...     return ScoredAnswer(
    ...         model="m", question=question, topic=question, community=community,
    ...         language=language, place_named=True, form="short",
    ...         credits={"IRN": credit, "USA": 0.0},
    ...     )
    >>> scored = [
    ...     answer("q1", "IRN", "fa", 1.0), answer("q2", "IRN", "fa", 0.5),
    ...     answer("q1", "IRN", "en", 0.5), answer("q2", "IRN", "en", 0.0),
    ...     answer("q1", "USA", "en", 0.25), answer("q2", "USA", "en", 0.0),
    ... ]
    >>> effects = language_place_effects(scored, {"IRN": "fa", "USA": "en"})
    >>> for effect in effects:
    ...     if effect.community == "IRN" and not effect.other:
    ...         print(effect.kind, effect.language, effect.means.difference.value)
    language fa 0.5
    place en 0.125

    Args:
        scored: Answers of one model in one form.
        languages: Place -> its local language. Default: its language that is not English; English
            where it has no other.
        english: The language that local ones are compared with.

    Returns:
        The effects, by kind, place, language and other place.

    Raises:
        InvalidInput: If answers are of several models or forms, or a place was asked in several
            languages and ``languages`` does not name its own.
        NotEnoughData: If there are no answers.
    """
    cells = cells_of(scored)
    homes = local_languages(scored, languages, english=english)
    return (
        *_language_effects(cells, homes, english),
        *_naming_effects(cells),
        *_place_effects(cells),
        *_home_effects(cells, homes, english),
    )


def _language_effects(
    cells: Cells, homes: Mapping[str, str], english: str
) -> Iterator[KnowledgeEffect]:
    for community, local in sorted(homes.items()):
        for named in (True, False):
            ours = cells.get((community, local, named), {})
            theirs = cells.get((community, english, named), {})
            means = paired_means(credit_in(community, ours), credit_in(community, theirs), ours)
            if local != english and means is not None:
                yield KnowledgeEffect(
                    kind="language",
                    community=community,
                    language=local,
                    means=means,
                    place_named=named,
                )


def _naming_effects(cells: Cells) -> Iterator[KnowledgeEffect]:
    for community, language, named in sorted(cells):
        if not named:
            continue
        with_name = cells[community, language, True]
        without = cells.get((community, language, False), {})
        means = paired_means(
            credit_in(community, with_name), credit_in(community, without), with_name
        )
        if means is not None:
            yield KnowledgeEffect(
                kind="naming", community=community, language=language, means=means
            )


def _place_effects(cells: Cells) -> Iterator[KnowledgeEffect]:
    named = sorted((language, community) for community, language, named in cells if named)
    for language in dict.fromkeys(language for language, _ in named):
        asked = {c: cells[c, language, True] for tag, c in named if tag == language}
        own: dict[str, float] = {}
        elsewhere: dict[str, float] = {}
        rows: dict[str, Cell] = {}
        for community, about_it in asked.items():
            others = {place: about for place, about in asked.items() if place != community}
            own |= keyed(community, credit_in(community, about_it))
            elsewhere |= keyed(community, _mean_credit(community, others.values()))
            rows |= keyed(community, about_it)
            compared = {"": list(others.values())} | {place: [a] for place, a in others.items()}
            for other, about_others in compared.items():
                mean = _mean_credit(community, about_others)
                means = paired_means(credit_in(community, about_it), mean, about_it)
                if means is not None:
                    yield _place_effect(community, language, other, means)
        everywhere = paired_means(own, elsewhere, rows)
        if everywhere is not None:
            yield _place_effect("", language, "", everywhere)


def _place_effect(community: str, language: str, other: str, means: PairedMeans) -> KnowledgeEffect:
    return KnowledgeEffect(
        kind="place", community=community, language=language, means=means, other=other
    )


def _home_effects(
    cells: Cells, homes: Mapping[str, str], english: str
) -> Iterator[KnowledgeEffect]:
    for community, home in sorted(homes.items()):
        at_home, away = [], []
        for other, local in sorted(homes.items()):
            second = local if home == english else english
            ours, theirs = cells.get((other, home, True)), cells.get((other, second, True))
            if other != community and second != home and ours and theirs:
                both = credit_in(community, ours).keys() & credit_in(community, theirs)
                at_home.append({question: ours[question] for question in ours if question in both})
                away.append({question: theirs[question] for question in ours if question in both})
        topics = {question: cell for asked in at_home for question, cell in asked.items()}
        means = paired_means(
            _mean_credit(community, at_home), _mean_credit(community, away), topics
        )
        if means is not None:
            yield KnowledgeEffect(kind="home", community=community, language=home, means=means)


def _mean_credit(community: str, asked: Iterable[Mapping[str, Cell]]) -> dict[str, float]:
    """Question -> mean credit in a community over answers about several places."""
    found: dict[str, list[float]] = {}
    for cells in asked:
        for question, credit in credit_in(community, cells).items():
            found.setdefault(question, []).append(credit)
    return {question: float(np.mean(every)) for question, every in found.items()}
