"""Which community's answers a model falls back on when it is asked about a place."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pluralign.core import Estimate
from pluralign.metrics.scored_answers import (
    Cell,
    PairedMeans,
    ScoredAnswer,
    cells_of,
    credit_in,
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
