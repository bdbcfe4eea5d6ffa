"""MAP: a ridge whose covariance is learned from the communities that were seen.

The head of community c is ``m + u_c``: m is one head for all communities steered to, and ``u_c ~
N(0, S)``, where S, the covariance of communities, contains the directions in which they differ, and
how far. Given its pairs, the most probable head is

    m + argmin over u of   sum over pairs of  weight * loss(x . (m + u))  +  u' S^-1 u / 2
    S = (I + B B') / ridge

With B of rank 0 this is a ridge towards m; with a small ridge in the columns of B alone it is LoRe.
A community that was not seen gets the same minimum: m without choices, and the more of its own the
more choices it has.

B is learned from halves. The training units (raters, questions) are dealt into two halves, and
every community's difference from m is fitted on each; the directions are those of ``mean over
communities of u_1 u_2'``, made symmetric. A difference that one half shows by chance is absent from
the other, so noise is not taken for a difference. Expectation and maximisation on all pairs, with a
normal posterior around each head, was tried first: it takes the pairs of a question for
independent, and on the World Values Survey its variances grew with every step while the loss on
held-out training questions rose from 0.46 to 0.65. The rank, the length of B and the ridge are
chosen by the loss on held-out units.

The model is that of mixed effects (Laird and Ware 1982), for choices; no code was ported.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import product
from typing import Annotated, NamedTuple

import numpy as np

from pluralign.core import BoolArray, FloatArray, InvalidInput, NotEnoughData, rng_for
from pluralign.core.units import Unit
from pluralign.methods.adapting import steered_by
from pluralign.methods.baselines import RidgeConfig, pooled_heads
from pluralign.methods.ridges import FOLDS, choose_ridge, held_out_margins, mean_losses
from pluralign.methods.training import TrainingSet, check_ridges
from pluralign.rewards import HeadPrior, LinearRewardModel, one_blas_thread


@dataclass(frozen=True, slots=True)
class MapConfig:
    """Settings of MAP.

    Attributes:
        ranks: Candidate ranks of the learned part of the covariance, each >= 0.
        ratios: Candidate variances that the learned part adds along its first direction, > 0, as
            multiples of the variance that every direction has.
        ridges: Candidate pulls of a community towards the head for all, > 0, in pairs.
        mean_ridges: Candidate pulls of the head for all communities towards the reference, > 0, in
            pairs.
    """

    ranks: tuple[int, ...] = (0, 2, 5)
    ratios: tuple[float, ...] = (3.0, 10.0, 30.0)
    ridges: tuple[Annotated[float, Unit("pairs")], ...] = (30.0, 10.0, 3.0, 1.0, 0.3)
    mean_ridges: tuple[Annotated[float, Unit("pairs")], ...] = (100.0, 30.0, 10.0, 3.0, 1.0, 0.3)

    def __post_init__(self) -> None:
        check_ridges(*self.ridges, *self.mean_ridges)
        if not self.ranks or min(self.ranks) < 0:
            raise InvalidInput(f"each rank must be >= 0, got {self.ranks}", hint="0 is a ridge")
        positive = all(0 < ratio < np.inf for ratio in self.ratios)
        if max(self.ranks) and not (self.ratios and positive):
            raise InvalidInput(
                f"each ratio must be a number > 0, got {self.ratios}", hint="10 is moderate"
            )


@dataclass(frozen=True, slots=True)
class CommunityPrior:
    """The head for all communities, and how communities differ from it.

    Attributes:
        reference: The reference, whose trunk reads the texts.
        mean_D: The head for all communities, shape (D,).
        low_D_r: The learned part B of the covariance ``S = (I + B B') / ridge``, shape (D, r).
        ridge: Pull towards the head for all in directions that B does not have, > 0, in pairs.
    """

    reference: LinearRewardModel
    mean_D: FloatArray
    low_D_r: FloatArray
    ridge: float

    @property
    def heads(self) -> HeadPrior:
        """The distribution of heads."""
        return HeadPrior(self.mean_D, self.low_D_r, self.ridge)

    def covariance(self) -> FloatArray:
        """The covariance S of communities, shape (D, D)."""
        return self.heads.covariance()

    def head(self, choices: TrainingSet) -> FloatArray:
        """The most probable head of a community given its choices, shape (D,)."""
        return self.heads.head(choices.encoded, choices.loss)

    def adapt(self, choices: TrainingSet) -> LinearRewardModel:
        """A model of the community that made these choices."""
        return LinearRewardModel(self.reference.trunk, self.head(choices))

    def path(self, choices: TrainingSet, ridges: Sequence[float]) -> FloatArray:
        """The most probable head under several ridges, shape (K, D)."""
        return self.heads.path(choices.encoded, ridges, choices.loss)


class _Shape(NamedTuple):
    """Rank and ratio of the learned part of a covariance."""

    rank: int
    ratio: float


def learn_map(
    train: TrainingSet, reference: LinearRewardModel, config: MapConfig, rng: np.random.Generator
) -> CommunityPrior:
    """Learn the head for all from the communities steered to, and the covariance from all.

    Where there are too few units to leave any out, the first ridges and rank are taken.
    """
    pooled = choose_ridge(pooled_heads, train, reference, RidgeConfig(), rng, config.mean_ridges)
    seed = int(rng.integers(2**32))
    shapes = _shapes(config)

    def priors(part: TrainingSet, anchor: LinearRewardModel) -> list[CommunityPrior]:
        mean_D = pooled_heads(part, anchor, RidgeConfig(), [pooled.ridge])[0, 0]
        middle = float(np.median(config.ridges))
        round_ = CommunityPrior(anchor, mean_D, np.zeros((len(mean_D), 0)), middle)
        value_R, vector_D_R = shared_directions(round_, part, rng_for(seed, "halves"))
        return [replace(round_, low_D_r=low_part(value_R, vector_D_R, *shape)) for shape in shapes]

    def heads(inner: TrainingSet) -> FloatArray:
        own = [inner.of(c) for c in inner.communities]
        found = priors(inner, inner.refitted(reference))
        paths = [np.stack([p.path(o, config.ridges) for o in own], axis=1) for p in found]
        return np.concatenate(paths)

    best = 0
    # Without units to leave out, the first candidate stays.
    with suppress(NotEnoughData):
        margin_N_K = held_out_margins(heads, train, len(shapes) * len(config.ridges), rng)
        best = int(np.argmin(mean_losses(margin_N_K, train)))
    shape, ridge = divmod(best, len(config.ridges))
    return replace(priors(train, reference)[shape], ridge=config.ridges[ridge])


def fit_map(
    train: TrainingSet, reference: LinearRewardModel, config: MapConfig, rng: np.random.Generator
) -> LinearRewardModel:
    """MAP: the most probable head of each community under the covariance of communities.

    Its own prior is saved with it, so adapting it to all pairs of a community is its fit.
    """
    learned = learn_map(train, reference, config, rng)
    prior = with_counts(learned.heads, train.of(*train.communities))
    return replace(steered_by(learned, train, reference), prior=prior)


def with_counts(prior: HeadPrior, seen: TrainingSet) -> HeadPrior:
    """The prior with the number of communities, people and pairs that its mean is learned from."""
    raters = {pair.rater for pair in seen.encoded.pairs}
    return replace(
        prior,
        communities=len(set(seen.community_N.tolist())),
        people=None if None in raters else len(raters),
        pairs=len(seen.encoded),
    )


def shared_directions(
    prior: CommunityPrior, train: TrainingSet, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Directions in which both halves of the units agree that communities differ.

    Args:
        prior: The head for all, and a ridge; its covariance is used as it is.
        train: Pairs of communities, steered to or not.
        rng: Deals the units into halves.

    Returns:
        Variances in falling order, shape (R,), 0 where halves disagree, and their directions, as
        columns, shape (D, R). R is at most D and twice the number of communities in both halves;
        it is 0 where these are fewer than two.
    """
    first_N = _first_half(train, rng)
    halves = [train.without(first_N), train.without(~first_N)]
    both = sorted(set(halves[0].community_N.tolist()) & set(halves[1].community_N.tolist()))
    if len(both) < 2:
        return np.zeros(0), np.zeros((len(prior.mean_D), 0))
    first_C_D, second_C_D = (
        np.stack([prior.head(half.of(c)) for c in both]) - prior.mean_D for half in halves
    )
    with one_blas_thread():
        # All other directions have variance 0: a few communities span few of many dimensions.
        basis_D_R = np.linalg.qr(np.concatenate([first_C_D, second_C_D]).T).Q
        moment_R_R = (first_C_D @ basis_D_R).T @ (second_C_D @ basis_D_R) / len(both)
        value_R, turn_R_R = np.linalg.eigh((moment_R_R + moment_R_R.T) / 2)
        vector_D_R: FloatArray = basis_D_R @ turn_R_R[:, ::-1]
    return np.maximum(value_R[::-1], 0), vector_D_R


def _first_half(train: TrainingSet, rng: np.random.Generator) -> BoolArray:
    """Whether the unit of each pair is in the first half, shape (N,)."""
    if train.place_N is not None:
        half_N: BoolArray = train.place_N * FOLDS % 1 < 0.5  # half of the units of every fold
        return half_N
    units = int(train.unit_N.max()) + 1
    shuffled_N: BoolArray = (rng.permutation(units) % 2 == 0)[train.unit_N]
    return shuffled_N


def _shapes(config: MapConfig) -> list[_Shape]:
    """The shapes to try; a rank of 0 has no ratio."""
    learned = [_Shape(*shape) for shape in product(filter(None, config.ranks), config.ratios)]
    return [_Shape(0, 0.0), *learned] if 0 in config.ranks else learned


def low_part(value_R: FloatArray, vector_D_R: FloatArray, rank: int, ratio: float) -> FloatArray:
    """B of a covariance, shape (D, r): its first direction has the ratio, the others their part.

    Args:
        value_R: Variances in falling order, as `shared_directions` gives them, shape (R,).
        vector_D_R: Their directions, as columns, shape (D, R).
        rank: Most directions to keep, >= 0; directions without variance are left out.
        ratio: Variance that is added along the first direction, as a multiple of the variance
            that every direction has.
    """
    kept = min(rank, int(np.count_nonzero(value_R)))
    if not kept:
        return np.zeros((len(vector_D_R), 0))
    low_D_r: FloatArray = vector_D_R[:, :kept] * np.sqrt(ratio * value_R[:kept] / value_R[0])
    return low_D_r
