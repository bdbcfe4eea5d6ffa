"""Test pairs as columns, and the margins that models give them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol

import numpy as np

from pluralign.core import (
    NO_STEER,
    BoolArray,
    FloatArray,
    IntArray,
    NotEnoughData,
    PreferencePair,
    RewardRequest,
    Steer,
    corrected_credit,
    count_of,
    listed,
    prompt_text,
    short_id,
)
from pluralign.metrics import Clusters, correct

StrArray = np.ndarray[Any, np.dtype[np.str_]]
IdArray = np.ndarray[Any, np.dtype[Any]]
OWN = "own"
"""Steer of the rows in which each community is measured under the steer to itself."""


MOST_CELLS = 2**25
"""Margins of all pairs under all steers that are in memory at once; further ones come one steer at
a time, because they grow with pairs times communities."""


class LazyMargins(Mapping[str, FloatArray]):
    """Margins by steer, each made when it is asked for.

    Args:
        steers: The steers, in order.
        margin_of: Makes the margins under a steer, shape (N,).
    """

    def __init__(self, steers: Iterable[str], margin_of: Callable[[str], FloatArray]) -> None:
        self._steers, self._margin_of = dict.fromkeys(steers), margin_of

    def __getitem__(self, steer: str) -> FloatArray:
        if steer not in self._steers:
            raise KeyError(steer)
        return self._margin_of(steer)

    def __iter__(self) -> Iterator[str]:
        return iter(self._steers)

    def __len__(self) -> int:
        return len(self._steers)

    def in_memory(self, pairs: int) -> Mapping[str, FloatArray]:
        """All of them, where they are at most `MOST_CELLS`; else themselves."""
        return dict(self) if pairs * len(self) <= MOST_CELLS else self


class Scoring(Protocol):
    """A model that scores pairs under every steer, such as any `SteerableRewardModel`."""

    @property
    def communities(self) -> tuple[str, ...]:
        """Ids it can be steered to."""
        ...

    def score(self, requests: Sequence[RewardRequest], steer: Steer | None = None) -> FloatArray:
        """Rewards, shape (N,)."""
        ...

    def score_all(self, requests: Sequence[RewardRequest]) -> FloatArray:
        """Rewards for every community, shape (N, C)."""
        ...


@dataclass(frozen=True, slots=True)
class TestPairs:
    """Test pairs as columns, over one or several repeats.

    Attributes:
        pair_N: Id of each pair; the same pair may come again in another repeat.
        community_N: Id of the rater's community.
        cluster_N: Id of the rater; of the stem for a pair without one.
        reference_N: Margin of the repeat's reference, in logits.
        raters: Whether clusters are people, with the exception of ``nobody_N``.
        flip_N: Probability that each reported choice is the opposite of the choice, where choices
            are private; None where all are known.
        stem_N: Id of the stem of each pair; None in files of early versions.
        nobody_N: Pairs without a rater among pairs with one, shape (N,); None where there are none.
        strength_N: Strength of each choice, relative to the mean of the test pairs of its source,
            because units differ; nan where it is not known. None where none is known.
    """

    __test__: ClassVar[bool] = False  # pytest takes a class called Test... for tests

    pair_N: IdArray
    community_N: StrArray
    cluster_N: IdArray
    reference_N: FloatArray
    raters: bool
    flip_N: FloatArray | None = None
    stem_N: IdArray | None = None
    nobody_N: BoolArray | None = None
    strength_N: FloatArray | None = None

    def __post_init__(self) -> None:
        if not len(self.pair_N):
            raise NotEnoughData(
                "no test pairs to judge by", hint="lower split.test, or gather more pairs"
            )

    def __len__(self) -> int:
        return len(self.pair_N)

    def __repr__(self) -> str:
        clusters = count_of(len(np.unique(self.cluster_N)), "rater" if self.raters else "stem")
        communities = np.unique(self.community_N).tolist()
        return f"TestPairs({count_of(len(self), 'pair')} of {listed(communities)}; {clusters})"

    @property
    def person_N(self) -> BoolArray:
        """Whether the cluster of each pair is a person, shape (N,)."""
        if self.nobody_N is None:
            return np.full(len(self), self.raters)
        return ~self.nobody_N

    def clusters(self, both: bool = False) -> Clusters:
        """The clusters behind errors.

        Args:
            both: Whether the split held out raters and questions.
        """
        return Clusters(
            cluster_N=self.cluster_N,
            person_N=self.person_N,
            question_N=self.stem_N if self.raters else None,
            both=both,
            pair_N=self.pair_N,
            flip_N=0.0 if self.flip_N is None else self.flip_N,
        )

    def people(self) -> int | None:
        """Number of different raters; None where there are none."""
        return len(np.unique(self.cluster_N[self.person_N])) or None

    def take(self, keep_N: np.ndarray[Any, np.dtype[Any]]) -> "TestPairs":
        """Some of the pairs."""
        return TestPairs(
            self.pair_N[keep_N],
            self.community_N[keep_N],
            self.cluster_N[keep_N],
            self.reference_N[keep_N],
            self.raters,
            None if self.flip_N is None else self.flip_N[keep_N],
            None if self.stem_N is None else self.stem_N[keep_N],
            None if self.nobody_N is None else self.nobody_N[keep_N],
            None if self.strength_N is None else self.strength_N[keep_N],
        )

    def credit(self, margin_N: FloatArray) -> FloatArray:
        """Credit of each pair for margins of shape (N,): its mean is the accuracy on the choices.

        Where choices are private, the flips are undone in the mean; see `corrected_credit`.
        """
        credit_N = correct(margin_N)
        return credit_N if self.flip_N is None else corrected_credit(credit_N, self.flip_N)

    def numbered(self) -> "TestPairs":
        """The same pairs with numbers as ids of pairs, clusters and stems, in the ids' order.

        Every measure sorts the ids, and numbers are sorted many times faster than texts.
        """
        stem_N = None if self.stem_N is None else _numbers(self.stem_N)
        pair_N, cluster_N = _numbers(self.pair_N), _numbers(self.cluster_N)
        return replace(self, pair_N=pair_N, cluster_N=cluster_N, stem_N=stem_N)

    @classmethod
    def of(cls, pairs: Sequence[PreferencePair], reference_N: FloatArray) -> "TestPairs":
        """Columns of pairs; clusters are raters, and stems of pairs without a rater."""
        nobody_N = np.array([p.rater is None for p in pairs], dtype=np.bool_)
        stems = [short_id(p.stem) for p in pairs]
        cluster = [
            stem if p.rater is None else short_id(str(p.rater))
            for p, stem in zip(pairs, stems, strict=True)
        ]
        return cls(
            np.array([p.id for p in pairs], dtype=np.str_),
            np.array([p.community for p in pairs], dtype=np.str_),
            np.array(cluster, dtype=np.str_),
            np.asarray(reference_N, dtype=np.float64),
            not nobody_N.all(),
            np.array([p.flip for p in pairs]) if any(p.flip for p in pairs) else None,
            np.array(stems, dtype=np.str_),
            nobody_N if nobody_N.any() and not nobody_N.all() else None,
            _relative_strengths(pairs),
        )

    @classmethod
    def join(cls, parts: Sequence["TestPairs"]) -> "TestPairs":
        """Several repeats as one; a rater drawn in two of them is one cluster."""
        stems = [p.stem_N for p in parts if p.stem_N is not None]
        raters = any(p.raters for p in parts)
        person_N = np.concatenate([p.person_N for p in parts])
        return cls(
            np.concatenate([p.pair_N for p in parts]),
            np.concatenate([p.community_N for p in parts]),
            np.concatenate([p.cluster_N for p in parts]),
            np.concatenate([p.reference_N for p in parts]),
            raters,
            _joined(parts, [p.flip_N for p in parts], 0.0),
            np.concatenate(stems) if len(stems) == len(parts) else None,
            ~person_N if raters and not person_N.all() else None,
            _joined(parts, [p.strength_N for p in parts], np.nan),
        )


def _numbers(ids_N: IdArray) -> IntArray:
    """Where each id stands among the distinct ones, shape (N,)."""
    numbers_N: IntArray = np.unique(ids_N, return_inverse=True)[1]
    return numbers_N


def _joined(
    parts: Sequence[TestPairs], columns: Sequence[FloatArray | None], absent: float
) -> FloatArray | None:
    """A column of several repeats, ``absent`` where a repeat lacks it; None where all lack it."""
    if all(column is None for column in columns):
        return None
    pairs = zip(parts, columns, strict=True)
    return np.concatenate([np.full(len(p), absent) if c is None else c for p, c in pairs])


def _relative_strengths(pairs: Sequence[PreferencePair]) -> FloatArray | None:
    """Strengths over the mean strength of their source, shape (N,); None where none is above 0."""
    known: dict[str | None, list[float]] = {}
    for pair in pairs:
        if pair.strength is not None:
            known.setdefault(pair.source, []).append(pair.strength)
    mean = {source: float(np.mean(values)) for source, values in known.items()}
    relative_N = np.full(len(pairs), np.nan)
    for i, pair in enumerate(pairs):
        if pair.strength is not None and mean[pair.source] > 0:
            relative_N[i] = pair.strength / mean[pair.source]
    return None if np.isnan(relative_N).all() else relative_N


def margins_by_steer(model: Scoring, pairs: Sequence[PreferencePair]) -> dict[str, FloatArray]:
    """Margins of every pair under every steer of a model.

    Args:
        model: Any steerable reward model; one that steers to nobody is asked once.
        pairs: N pairs.

    Returns:
        Community steered to -> margins in logits, shape (N,); the one key `NO_STEER` where it does
        not steer.

    Raises:
        NotEnoughData: If there are no pairs.
    """
    if not pairs:
        raise NotEnoughData("no pairs to score")
    # Many pairs share a response: each different one is scored once.
    position: dict[tuple[str, str], int] = {}
    requests: list[RewardRequest] = []
    index_2N = []
    for pair, response in [(p, p.chosen) for p in pairs] + [(p, p.rejected) for p in pairs]:
        key = (prompt_text(pair.prompt), response)
        if key not in position:
            position[key] = len(requests)
            requests.append(RewardRequest(pair.prompt, response))
        index_2N.append(position[key])
    chosen_N, rejected_N = np.split(np.array(index_2N), 2)
    if not model.communities:
        reward_M = model.score(requests)
        return {NO_STEER: reward_M[chosen_N] - reward_M[rejected_N]}
    reward_M_C = model.score_all(requests)
    margin_N_C = reward_M_C[chosen_N] - reward_M_C[rejected_N]
    return {community: margin_N_C[:, c] for c, community in enumerate(model.communities)}


def margins_on(margins: Mapping[str, FloatArray], keep_N: BoolArray) -> LazyMargins:
    """The margins of some of the pairs."""
    return LazyMargins(margins, lambda steer: margins[steer][keep_N])


def own_margins(margins: Mapping[str, FloatArray], judged: TestPairs) -> FloatArray:
    """Margins under the steer to the rater's community, else of the reference, shape (N,)."""
    if NO_STEER in margins:
        return margins[NO_STEER]
    own_N = judged.reference_N.copy()
    for community, margin_N in margins.items():
        rows = judged.community_N == community
        own_N[rows] = margin_N[rows]
    return own_N
