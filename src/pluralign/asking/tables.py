"""Which cultures are alike, and which questions: tables that strategies compare and quote from."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from pluralign.core import Survey
from pluralign.metrics import similarity


@dataclass(frozen=True, slots=True)
class CultureTables:
    """Which cultures are alike, and which questions.

    Attributes:
        similarity: Community -> community -> how alike, higher being more; computed from the survey
            where empty.
        neighbours: Question -> questions near it, nearest first; by shared words where empty.
    """

    similarity: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    neighbours: Mapping[str, Sequence[str]] = field(default_factory=dict)


def culture_tables(survey: Survey, given: CultureTables, needs: Collection[str]) -> CultureTables:
    """Tables with what a strategy needs and nobody gave, computed from the survey.

    Cultures are alike by the mean similarity of their people's answers, questions near by the words
    they share.

    Args:
        survey: The survey.
        given: Tables of the caller; what they hold is kept.
        needs: Places of the strategy, or of several.
    """
    alike, near = given.similarity, given.neighbours
    if not alike and {"nearest", "farthest"} & set(needs):
        alike = _alikeness(survey)
    if not near and "examples" in needs:
        near = _shared_words(survey)
    return CultureTables(alike, near)


def _alikeness(survey: Survey) -> dict[str, dict[str, float]]:
    """Mean similarity of every two communities over their common questions."""
    place = {community: c for c, community in enumerate(survey.communities)}
    total_C_C = np.zeros((len(place), len(place)))
    common_C_C = np.zeros((len(place), len(place)))
    for question in survey.questions:
        answered = [
            d
            for c in place
            if (d := survey.distribution(question, c)) is not None and sum(d.probs_O) > 0
        ]
        if len(answered) < 2:
            continue
        at = np.ix_([place[d.community] for d in answered], [place[d.community] for d in answered])
        shares_C_O = np.array([d.normalised() for d in answered])
        total_C_C[at] += similarity(shares_C_O[:, None], shares_C_O[None])
        common_C_C[at] += 1
    return {
        first: {
            second: float(total_C_C[i, j] / common_C_C[i, j])
            for second, j in place.items()
            if i != j and common_C_C[i, j]
        }
        for first, i in place.items()
    }


def _shared_words(survey: Survey) -> dict[str, list[str]]:
    """The other questions of each, by the share of words they have in common."""
    words = {id_: frozenset(q.text.casefold().split()) for id_, q in survey.questions.items()}
    return {
        id_: sorted(
            (other for other in words if other != id_),
            key=lambda o: -len(own & words[o]) / max(1, len(own | words[o])),
        )
        for id_, own in words.items()
    }
