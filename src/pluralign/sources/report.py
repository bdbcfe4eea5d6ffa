"""A report on a source: pairs and people by community, and the rows that were dropped."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from pluralign.core import PairSource, PreferencePair, Survey, SurveySource, Tally
from pluralign.sources.survey_pairs import counted_pairs

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class SourceReport:
    """Counts of a source.

    Attributes:
        name: Name of the data set.
        license: Its licence or terms.
        tally: Rows read, kept and dropped, pairs made, and what was left out, flagged and noted.
        pairs: Community -> number of pairs.
        people: Community -> number of raters; for a survey the largest number of people who
            answered one question; None where that was not published.
        questions: Community -> number of questions answered; None where the source is not a survey.
        languages: Language tag, or "not stated" -> number of pairs.
    """

    name: str
    license: str
    tally: Tally
    pairs: Mapping[str, int]
    people: Mapping[str, int | None]
    questions: Mapping[str, int] | None
    languages: Mapping[str, int]


def report_on(source: PairSource) -> SourceReport:
    """Read a whole source and count its pairs and people.

    Args:
        source: A source of pairs; one that is a survey, too, is read once.

    Returns:
        Counts, communities in sorted order. The report on a source without pairs has the reasons.

    Raises:
        InvalidInput: If a row cannot be read.
        NotEnoughData: If there are no rows at all.
    """
    tally = Tally()
    questions: Counter[str] | None = None
    people: dict[str, int | None]
    if isinstance(source, SurveySource):
        survey = source.survey(tally)
        people = _answered(survey)
        questions = Counter(d.community for d in survey.distributions)
        n_pairs, languages, _ = _count(counted_pairs(survey, tally))
    else:
        n_pairs, languages, raters = _count(source.pairs(tally))
        people = {community: len(raters[community]) or None for community in n_pairs}
    tally.made = n_pairs.total()
    return SourceReport(
        name=source.name,
        license=source.license,
        tally=tally,
        pairs=_sorted(n_pairs),
        people=_sorted(people),
        questions=None if questions is None else _sorted(questions),
        languages=_sorted(languages),
    )


def _count(
    pairs: Iterable[PreferencePair],
) -> tuple[Counter[str], Counter[str], defaultdict[str, set[str]]]:
    n_pairs: Counter[str] = Counter()
    languages: Counter[str] = Counter()
    raters: defaultdict[str, set[str]] = defaultdict(set)
    for pair in pairs:
        n_pairs[pair.community] += 1
        languages[pair.language or "not stated"] += 1
        if pair.rater is not None:
            raters[pair.community].add(pair.rater)
    return n_pairs, languages, raters


def _answered(survey: Survey) -> dict[str, int | None]:
    most: dict[str, int | None] = {}
    for d in survey.distributions:
        known = [n for n in (most.get(d.community), d.n) if n is not None]
        most[d.community] = max(known, default=None)
    return most


def _sorted(counts: Mapping[str, _Value]) -> dict[str, _Value]:
    return dict(sorted(counts.items()))
