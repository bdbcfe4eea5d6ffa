"""Tables of similar cultures and near questions, from which strategies compare and quote."""

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from pluralign.core import Survey
from pluralign.metrics import similarity


@dataclass(frozen=True, slots=True)
class CultureTables:
    """The similarity of cultures, and the neighbours of questions.

    Attributes:
        similarity: Community -> community -> similarity, higher for more alike; computed from the
            survey where empty.
        neighbours: Question -> questions near it, nearest first; by shared words where empty.
    """

    similarity: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    neighbours: Mapping[str, Sequence[str]] = field(default_factory=dict)


def culture_tables(survey: Survey, given: CultureTables, needs: Collection[str]) -> CultureTables:
    """Complete the tables that a strategy needs from the survey.

    The similarity of cultures is the mean similarity of their people's answers. Questions are near
    by the words that they share.

    Args:
        survey: The survey.
        given: Tables of the caller; they are kept unless empty.
        needs: Fields of the strategy, or of several strategies.
    """
    alike, near = given.similarity, given.neighbours
    if not alike and {"nearest", "farthest"} & set(needs):
        alike = _alikeness(survey)
    if not near and "examples" in needs:
        near = _shared_words(survey)
    return CultureTables(alike, near)


def _alikeness(survey: Survey) -> dict[str, dict[str, float]]:
    """Mean similarity of every two communities over their common questions."""
    communities = survey.communities
    total_C_C = np.zeros((len(communities), len(communities)))
    common_C_C = np.zeros((len(communities), len(communities)))
    for question in survey.questions:
        shares = {
            c: _shares(survey, question, community) for c, community in enumerate(communities)
        }
        rows = [c for c, own in shares.items() if own is not None]
        if len(rows) < 2:
            continue
        shares_C_O = np.array([shares[c] for c in rows])
        total_C_C[np.ix_(rows, rows)] += similarity(shares_C_O[:, None], shares_C_O[None])
        common_C_C[np.ix_(rows, rows)] += 1
    found: dict[str, dict[str, float]] = {community: {} for community in communities}
    for i, j in itertools.permutations(range(len(communities)), 2):
        if common_C_C[i, j]:
            mean = float(total_C_C[i, j] / common_C_C[i, j])
            found[communities[i]][communities[j]] = mean
    return found


def _shares(survey: Survey, question: str, community: str) -> tuple[float, ...] | None:
    """The shares of real answers; None where nobody gave one."""
    answered = survey.distribution(question, community)
    return None if answered is None or not any(answered.probs_O) else answered.normalised()


def _shared_words(survey: Survey) -> dict[str, list[str]]:
    """The other questions for each question, by the share of words that they have in common."""
    words = {id_: frozenset(q.text.casefold().split()) for id_, q in survey.questions.items()}
    found: dict[str, list[str]] = {}
    for id_, own in words.items():
        shared = {
            other: len(own & theirs) / max(1, len(own | theirs)) for other, theirs in words.items()
        }
        del shared[id_]
        found[id_] = sorted(shared, key=lambda other: -shared[other])
    return found
