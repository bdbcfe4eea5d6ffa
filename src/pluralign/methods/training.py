"""The training set of a method."""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from pluralign.core import (
    BoolArray,
    FloatArray,
    IntArray,
    InvalidInput,
    NotEnoughData,
    PreferencePair,
    count_of,
    keyed_number,
    listed,
    short_id,
)
from pluralign.rewards import (
    EncodedPairs,
    LinearRewardModel,
    LossKind,
    fit_paths,
    fit_reports,
    report_losses,
)


@dataclass(frozen=True, slots=True)
class ReferenceFit:
    """How a reference was fitted on some of the training pairs.

    Attributes:
        communities: Ids of the communities it was fitted on, together.
        ridge: Pull towards zero, > 0, in pairs.
    """

    communities: tuple[str, ...]
    ridge: float


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Training pairs of every community, and which communities to steer to.

    Attributes:
        encoded: All training pairs with their features; the pairs that the reference was fitted on
            may be among them.
        communities: Ids to steer to, C of them; each has at least one pair.
        unit_N: The unit that stays whole when a method holds out part of the training pairs: the
            rater, or the question or stem where there are no raters, each as a number, in the order
            of their names; shape (N,).
        loss: The loss of choices that were reported by randomised response; without such choices
            it changes nothing.
        place_N: A number in [0, 1) that belongs to the unit of each pair, shape (N,): folds are
            dealt by it, so that a unit that leaves changes no other unit's fold. None: folds are
            drawn at random.
        reference_fit: How the reference was fitted on some of these pairs, if units of the
            communities steered to are among them; None if it has seen none of their units.
        pool: Workers that compute sums over pairs of large fits; None: all is computed here (see
            `pluralign.rewards.fit_path`).

    Raises:
        NotEnoughData: If a community has no training pairs.
        ValueError: If units and pairs differ in number.
    """

    encoded: EncodedPairs
    communities: tuple[str, ...]
    unit_N: IntArray
    loss: LossKind = "plain"
    place_N: FloatArray | None = None
    reference_fit: ReferenceFit | None = None
    pool: Executor | None = None
    _rows: dict[str, list[int]] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.unit_N) != len(self.encoded):
            raise ValueError(f"{len(self.encoded)} pairs and {len(self.unit_N)} units")
        present = {p.community for p in self.encoded.pairs}
        missing = [c for c in self.communities if c not in present]
        if missing:
            raise NotEnoughData(
                f"no training pairs for {', '.join(missing)}", hint="leave these communities out"
            )

    def __repr__(self) -> str:
        units = count_of(len(np.unique(self.unit_N)), "unit")
        return (
            f"TrainingSet({count_of(len(self.encoded), 'pair')} of {units}; "
            f"steers to {listed(self.communities)})"
        )

    @classmethod
    def build(
        cls,
        encoded: EncodedPairs,
        communities: Sequence[str],
        by: str = "rater",
        hash_seed: int | None = None,
    ) -> "TrainingSet":
        """Build a training set; its units are raters, or questions or stems without raters.

        Args:
            encoded: All training pairs.
            communities: Ids to steer to.
            by: Unit that stays whole: ``rater``, ``both``, ``question`` or ``stem``.
            hash_seed: Seed of the hash that deals units into folds; None: they are shuffled.
        """
        units = [unit_of(p, by) for p in encoded.pairs]
        # Numbered in the order of names, so that a shuffle of units does not depend on the order of
        # the pairs.
        number = {unit: k for k, unit in enumerate(sorted(set(units)))}
        unit_N = np.fromiter((number[unit] for unit in units), dtype=np.int32, count=len(units))
        if hash_seed is None:
            return cls(encoded, tuple(communities), unit_N)
        place = {unit: keyed_number(hash_seed, "folds", unit) for unit in number}
        place_N = np.array([place[unit] for unit in units])
        return cls(encoded, tuple(communities), unit_N, place_N=place_N)

    @property
    def community_N(self) -> np.ndarray[Any, np.dtype[np.str_]]:
        """Community of each pair, shape (N,)."""
        return np.array([p.community for p in self.encoded.pairs], dtype=np.str_)

    @property
    def weight_N(self) -> FloatArray:
        """Weight of each pair as its source gave it, shape (N,)."""
        return np.array([p.weight for p in self.encoded.pairs], dtype=np.float64)

    @property
    def flip_N(self) -> FloatArray:
        """Probability that each reported choice is the opposite of the choice, shape (N,)."""
        return np.array([p.flip for p in self.encoded.pairs], dtype=np.float64)

    @property
    def effective_loss(self) -> LossKind:
        """The loss; ``plain``, which is the fastest, where no choice was flipped."""
        return self.loss if self.flip_N.any() else "plain"

    def heads(
        self, ridges: Sequence[float], prior_D: FloatArray, weight_N: FloatArray | None = None
    ) -> FloatArray:
        """One head on all pairs for each ridge, shape (K, D); see `pluralign.rewards.fit_path`.

        Args:
            ridges: K ridges, each > 0, in falling order.
            prior_D: Where the head is pulled to, shape (D,); (K, D) where each ridge has its own.
            weight_N: How much each pair counts, shape (N,); its own weight where None.
        """
        weight_N = self.weight_N if weight_N is None else weight_N
        features = self.encoded.features
        return fit_reports(features, ridges, prior_D, weight_N, self.flip_N, self.loss, self.pool)

    def paths(self, ridges: Sequence[float], prior_P_D: FloatArray) -> FloatArray:
        """One head on all pairs for each ridge and each of P priors, shape (K, P, D).

        Much faster than `heads` for each prior; see `pluralign.rewards.fit_paths`.

        Args:
            ridges: K ridges, each > 0, in falling order.
            prior_P_D: Where the heads are pulled to, shape (P, D).
        """
        if self.effective_loss == "plain":
            features = self.encoded.features
            return fit_paths(features, ridges, prior_P_D, self.weight_N, pool=self.pool)
        return np.stack([self.heads(ridges, prior_D) for prior_D in prior_P_D], axis=1)

    def knowing(self, reference_fit: ReferenceFit) -> "TrainingSet":
        """This set with the fit of its reference, where that saw units that can be held out.

        Raters are not shared by communities; questions are, and then a reference that learned
        how others answer a question looks too good on it (see `refitted`).
        """
        spoken_N = np.isin(self.community_N, reference_fit.communities)
        steered_N = np.isin(self.community_N, self.communities)
        shared = np.intersect1d(self.unit_N[spoken_N], self.unit_N[steered_N])
        return replace(self, reference_fit=reference_fit) if len(shared) else self

    def refitted(self, reference: LinearRewardModel) -> LinearRewardModel:
        """The reference as these pairs alone would have taught it.

        One that was given stays as it is (``reference_fit`` is None). One whose pairs are all left
        out has a head of zeros, and prefers no response.

        Held-out units must be new to the reference too. Else every method that stays close to
        it looks better on the held-out pairs than it is on a question that nobody has seen.
        """
        if self.reference_fit is None:
            return reference
        own = self.of(*self.reference_fit.communities)
        nothing_D = np.zeros_like(reference.reference_D)
        if not len(own.encoded):
            return LinearRewardModel(reference.trunk, nothing_D)
        head_D = own.heads([self.reference_fit.ridge], nothing_D)[0]
        return LinearRewardModel(reference.trunk, head_D)

    def losses(self, margin_n_K: FloatArray, counted_N: BoolArray) -> FloatArray:
        """Losses of the n pairs that count under K models, in nats, shape (n, K)."""
        return report_losses(margin_n_K, self.flip_N[counted_N, None], self.loss)

    def of(self, *communities: str) -> "TrainingSet":
        """The pairs of these communities, steered to those of them that this set steers to."""
        # Rows of all communities are found at once: of a thousand, each is asked for many times.
        if not self._rows:
            for row, pair in enumerate(self.encoded.pairs):
                self._rows.setdefault(pair.community, []).append(row)
        rows = sorted(row for c in set(communities) for row in self._rows.get(c, ()))
        steered_to = tuple(c for c in self.communities if c in communities)
        return self.take(np.array(rows, dtype=np.int64), steered_to)

    def without(self, held_N: np.ndarray[Any, np.dtype[np.bool_]]) -> "TrainingSet":
        """The pairs that are not held out; communities left without pairs are not steered to."""
        kept = np.flatnonzero(~held_N)
        present = set(self.community_N[kept].tolist())
        return self.take(kept, tuple(c for c in self.communities if c in present))

    def take(self, rows: IntArray, communities: tuple[str, ...]) -> "TrainingSet":
        """The pairs at these positions, steered to these communities."""
        place_n = None if self.place_N is None else self.place_N[rows]
        return replace(
            self,
            encoded=self.encoded.take(rows),
            communities=communities,
            unit_N=self.unit_N[rows],
            place_N=place_n,
        )


def unit_of(pair: PreferencePair, by: str) -> str:
    """Id of the unit that stays whole: the rater, or the question or stem of a pair without one.

    Raises:
        InvalidInput: If ``by`` is not rater, both, question or stem.
    """
    if by not in {"rater", "both", "question", "stem"}:
        raise InvalidInput(f"{by!r} is not a unit", hint="use rater, both, question or stem")
    if by in {"rater", "both"} and pair.rater is not None:
        return f"rater:{pair.rater}"
    return short_id(f"question:{pair.question}" if by == "question" else f"stem:{pair.stem}")


def check_ridges(*ridges: float) -> None:
    """Refuse pulls that are not positive.

    Raises:
        InvalidInput: If one is not a finite number > 0.
    """
    if not all(ridge > 0 and np.isfinite(ridge) for ridge in ridges):
        raise InvalidInput(
            f"each ridge must be a number > 0, got {', '.join(map(str, ridges))}",
            hint="1 pulls as hard as a pair does",
        )
