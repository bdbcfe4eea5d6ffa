"""Which community's answers a model falls back on when it is asked about a place."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pluralign.core import Estimate
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


@dataclass(frozen=True, slots=True, kw_only=True)
class CultureFit:
    """How well the answers about one place fit the counts of each community.

    Attributes:
        community: The place that was asked about.
        language: Language of the words.
        place_named: Whether the words name the place.
        credits: Community -> mean credit of these answers in it, all on the same questions.
        default: The other community with the largest mean credit.
        lead: Credit in ``default``, credit in the place itself, and their difference: above 0
            where the answers fit ``default`` better than the place.
        as_close: Further communities whose mean credit is not below that of ``default`` by more
            than its error: the interval of the difference contains 0.
        too_few: Communities that are not compared, since fewer than half of the questions have a
            credit in them.
    """

    community: str
    language: str
    place_named: bool
    credits: Mapping[str, Estimate]
    default: str
    lead: PairedMeans
    as_close: tuple[str, ...]
    too_few: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultCulture:
    """The community whose counts the answers about all other places fit best.

    Attributes:
        community: The community.
        in_english: Whether the words are in English; else in the language of each place.
        place_named: Whether they name the place.
        lead: Credit in the community, credit in the places themselves, and their difference; each
            question of each place counts the same.
        by_place: Place -> the same for it alone.
        as_close: Further communities that are not behind by more than the error.
        candidates: Number of communities among which this one is the best.
    """

    community: str
    in_english: bool
    place_named: bool
    lead: PairedMeans
    by_place: Mapping[str, PairedMeans]
    as_close: tuple[str, ...]
    candidates: int


def default_cultures(
    scored: Sequence[ScoredAnswer],
    languages: Mapping[str, str] | None = None,
    *,
    english: str = "en",
) -> tuple[DefaultCulture, ...]:
    """Find the community whose answers a model gives about all other places.

    There are three versions: the place is named, in its own language or in English; or it is not
    named, in its own language, which is not English.

    Rule of decision: a model has a default culture where ``lead.difference`` is above a threshold
    with its whole interval, widened by the number of versions and candidates. `culture_fits` has
    the same for one place; with few topics its many tests find less.

    Args:
        scored: Answers of one model in one form.
        languages: Place -> its local language; see `language_place_effects`.
        english: The language that local ones are compared with.

    Returns:
        One for each version with answers about two places or more.

    Raises:
        InvalidInput: As `language_place_effects`.
        NotEnoughData: If there are no answers.
    """
    cells = cells_of(scored)
    homes = local_languages(scored, languages, english=english)
    found = []
    for in_english, named in ((False, True), (True, True), (False, False)):
        asked = dict(_ways(cells, homes, english, in_english, named))
        default = _default(asked, in_english, named)
        if default is not None:
            found.append(default)
    return tuple(found)


def _ways(
    cells: Cells, homes: Mapping[str, str], english: str, in_english: bool, named: bool
) -> Iterator[tuple[str, Mapping[str, Cell]]]:
    """Each place with its questions in one version."""
    for (community, language, place_named), asked in sorted(cells.items()):
        spoken = language == english if in_english else language == homes[community] != english
        if place_named == named and spoken:
            yield community, asked


def _default(
    asked: Mapping[str, Mapping[str, Cell]], in_english: bool, named: bool
) -> DefaultCulture | None:
    """The community that answers about all other places fit best; None for fewer than two."""
    if len(asked) < 2:
        return None
    names = {name for about in asked.values() for cell in about.values() for name in cell.credits}
    leads = {}
    for name in sorted(names):
        lead = _lead(asked, name)
        others = sum(len(about) for place, about in asked.items() if place != name)
        if lead is not None and 2 * lead.difference.n >= others:
            leads[name] = lead
    if not leads:
        return None
    default = max(leads, key=lambda name: leads[name].difference.value)
    against = {name: _lead(asked, default, name) for name in leads if name != default}
    alone = {place: _lead({place: about}, default) for place, about in asked.items()}
    return DefaultCulture(
        community=default,
        in_english=in_english,
        place_named=named,
        lead=leads[default],
        by_place={place: lead for place, lead in alone.items() if lead is not None},
        as_close=tuple(n for n, m in against.items() if m and _contains_zero(m.difference)),
        candidates=len(leads),
    )


def _lead(
    asked: Mapping[str, Mapping[str, Cell]], name: str, other: str | None = None
) -> PairedMeans | None:
    """Credit of answers about all further places in one community, against another.

    Args:
        asked: Place -> its questions.
        name: The community.
        other: The other community; the place itself if None.
    """
    first: dict[str, float] = {}
    second: dict[str, float] = {}
    rows: dict[str, Cell] = {}
    for place, about in asked.items():
        if place not in {name, other}:
            first |= keyed(place, credit_in(name, about))
            second |= keyed(place, credit_in(other or place, about))
            rows |= keyed(place, about)
    return paired_means(first, second, rows)


def culture_fits(
    scored: Sequence[ScoredAnswer],
    languages: Mapping[str, str] | None = None,
    *,
    english: str = "en",
) -> tuple[CultureFit, ...]:
    """Find the other community whose counts the answers about each place fit best.

    There are two versions: the place is named; or it is not named, but the words are in its local
    language, which is not English. (In English, without a name, there is nothing to go by.)

    Rule of decision, set before any model was measured: a model has a default culture for a place
    where ``lead.difference`` is above a threshold with its whole interval. The interval is widened
    by the number of places, ways of asking and candidates; the audit `knowledge` does so. Further
    communities that fit as well are reported, too (``as_close``). A community whose people agree
    little gives credit to many answers, so a model that answers at random fits it best: read
    ``credits`` of both, too.

    Args:
        scored: Answers of one model in one form.
        languages: Place -> its local language; see `language_place_effects`.
        english: The language that local ones are compared with.

    Returns:
        One for each place, language and version with a credit in a second community.

    Raises:
        InvalidInput: As `language_place_effects`.
        NotEnoughData: If there are no answers.

    >>> answers = [
    ...     ScoredAnswer(model="m", question=f"q{k}", topic="", community="IRN", language="fa",
    ...                  place_named=False, form="short", credits={"IRN": 0.25, "USA": 1.0})
    ...     for k in range(8)
    ... ]
    >>> [fit] = culture_fits(answers)
    >>> fit.default, fit.lead.difference.value
    ('USA', 0.75)
    """
    cells = cells_of(scored)
    homes = local_languages(scored, languages, english=english)
    found = []
    for (community, language, named), asked in sorted(cells.items()):
        if named or language == homes[community] != english:
            fit = _fit(community, language, named, asked)
            if fit is not None:
                found.append(fit)
    return tuple(found)


def _fit(
    community: str, language: str, named: bool, asked: Mapping[str, Cell]
) -> CultureFit | None:
    """How well the answers about a place fit each community; None without a second one."""
    times = Counter(name for cell in asked.values() for name in cell.credits)
    compared = sorted(name for name, count in times.items() if 2 * count >= len(asked))
    common = {q: cell for q, cell in asked.items() if cell.credits.keys() >= set(compared)}
    others = [name for name in compared if name != community]
    if not others or not common:
        return None
    by_name = {name: credit_in(name, common) for name in compared}
    total = {name: sum(by_name[name].values()) for name in others}
    default = max(others, key=lambda name: total[name])
    against = {
        name: paired_means(by_name[default], by_name[name], common)
        for name in compared
        if name != default
    }
    means = {name: one for name, one in against.items() if one is not None}
    return CultureFit(
        community=community,
        language=language,
        place_named=named,
        credits={default: means[community].first} | {name: m.second for name, m in means.items()},
        default=default,
        lead=means[community],
        as_close=tuple(n for n in others if n != default and _contains_zero(means[n].difference)),
        too_few=tuple(sorted(times.keys() - set(compared))),
    )


def _contains_zero(difference: Estimate) -> bool:
    return difference.low is None or difference.low <= 0
