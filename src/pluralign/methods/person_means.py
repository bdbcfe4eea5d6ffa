"""Person-level privacy: a head from the noisy mean of one clipped vector of each person.

A person's vector is the mean of what their choices ask of the head. It is taken along a few
directions that come from public texts, and clipped, so that one person can move the mean little;
normal noise hides the rest. One mean is published, so nothing composes.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pluralign.core import FloatArray, InvalidInput, NotEnoughData, count_of, listed
from pluralign.methods.method import steered
from pluralign.methods.training import TrainingSet
from pluralign.metrics.gaussian_noise import noise_of_mean, people_needed
from pluralign.rewards import LinearRewardModel, one_blas_thread

_BITS = 256
_SAMPLE = 20_000


@dataclass(frozen=True, slots=True)
class PersonMeansConfig:
    """Settings of person-level privacy.

    Attributes:
        epsilon: Privacy parameter of each person, > 0, for replacing one of them; delta is 1 in 10
            times the number of people of the community.
        dimensions: Number of public directions, >= 1.
        clip: Largest norm of a person's vector, > 0; features of a pair have norm 1 at most.
        step: Spread of the margins that a community adds, > 0, as a multiple of the spread of the
            reference's margins.
        seeded: Whether the noise comes from the seed of the run, for experiments on choices that
            are known anyway: a reader of the seed can remove the noise. By default it comes from a
            secure source of randomness; then every fit differs, and costs epsilon again.
    """

    epsilon: float = 4.0
    dimensions: int = 20
    clip: float = 0.3
    step: float = 0.5
    seeded: bool = False

    def __post_init__(self) -> None:
        numbers = (self.epsilon, self.clip, self.step)
        if not all(0 < number < np.inf for number in numbers) or self.dimensions < 1:
            raise InvalidInput(
                "epsilon, clip and step must be numbers > 0 and dimensions >= 1, got "
                f"{', '.join(map(str, numbers))} and {self.dimensions}"
            )


@dataclass(frozen=True, slots=True)
class PublicDirections:
    """Directions in which people's vectors are taken; nobody's choices decide them.

    Attributes:
        basis_D_M: A column for each direction; features times it have equal spread in each
            direction on public pairs, and a mean squared norm of 1.
        margin_spread: Root mean square of the reference's margins on public pairs, in logits.
        feature_N_M: Features of public pairs in these directions.
    """

    basis_D_M: FloatArray
    margin_spread: float
    feature_N_M: FloatArray


def fit_person_means(
    train: TrainingSet,
    reference: LinearRewardModel,
    config: PersonMeansConfig,
    rng: np.random.Generator,
) -> LinearRewardModel:
    """The reference plus the noisy mean of the people's vectors, each community alone.

    Public are the texts of communities that are not steered to: they give the directions, the
    scale of the features and the size of the step. The choices of the community change the head
    through its noisy mean alone.

    Raises:
        NotEnoughData: If no pairs are public, or a community has too few people; the message has
            the number needed.
        InvalidInput: If choices were reported by randomised response, a pair has no rater, the
            reference was fitted on the choices to protect, or a person chose for two communities
            that are steered to, or for one of them and for the reference.
    """
    _check_protected(train)
    public = public_directions(train, reference, config.dimensions)
    noise = rng if config.seeded else np.random.default_rng(secrets.randbits(_BITS))
    heads = []
    for community in train.communities:
        mean_M = private_mean(train.of(community), public, config, noise)
        spread = float(np.sqrt(((public.feature_N_M @ mean_M) ** 2).mean()))
        scale = config.step * public.margin_spread / spread if spread else 0.0
        heads.append(reference.reference_D + scale * (public.basis_D_M @ mean_M))
    return steered(reference, train.communities, np.stack(heads))


def _check_protected(train: TrainingSet) -> None:
    """Refuse choices that were reported, or that the reference has learned from already."""
    if train.flip_N.any():
        raise InvalidInput(
            "person-means needs the choices themselves, got reports of them",
            where="privacy.epsilon",
            hint="leave privacy.epsilon out, and set person-means.epsilon",
        )
    known = () if train.reference_fit is None else train.reference_fit.communities
    exposed = [community for community in train.communities if community in known]
    if exposed:
        raise InvalidInput(
            f"the reference was fitted on the choices of {', '.join(exposed)}, which person-means "
            "is to protect",
            where="reference.fit_on",
            hint="fit the reference on other communities",
        )
    _check_once(train, known)


def _check_once(train: TrainingSet, known: Sequence[str]) -> None:
    """Refuse people whom one fit would cost epsilon more than once, or more than epsilon."""
    homes: dict[str, set[str]] = {}
    for pair in train.encoded.pairs:
        if pair.rater is not None and pair.community in {*train.communities, *known}:
            homes.setdefault(pair.rater, set()).add(pair.community)
    several = [own for own in homes.values() if len(own) > 1]
    several = [own for own in several if not own.isdisjoint(train.communities)]
    if several:
        raise InvalidInput(
            f"{count_of(len(several), 'person', 'people')} chose for more than one of "
            f"{listed(sorted(set().union(*several)))}: epsilon is for one mean of a person",
            where="person-means",
            hint="steer to communities that share no people with each other or the reference",
        )


def public_directions(
    train: TrainingSet, reference: LinearRewardModel, dimensions: int
) -> PublicDirections:
    """The main directions of the pairs of communities that are not steered to.

    Raises:
        NotEnoughData: If there are no such pairs.
    """
    rows = np.flatnonzero(~np.isin(train.community_N, train.communities))
    if not len(rows):
        raise NotEnoughData(
            "no pairs are public: every community in the data is steered to",
            where="communities",
            hint="name the communities to steer to, and fit the reference on others",
        )
    public = train.encoded.take(rows[:: max(1, len(rows) // _SAMPLE)])
    difference_N_D = public.features.dense().astype(np.float64)
    with one_blas_thread():
        square_D_D = difference_N_D.T @ difference_N_D / len(difference_N_D)
        values, vectors = np.linalg.eigh(square_D_D)
        # At most as many directions as the texts have; the least ones are rounding errors.
        kept = [k for k in np.argsort(-values)[:dimensions] if values[k] > 1e-9 * values[-1]]
        basis_D_M = vectors[:, kept] / np.sqrt(values[kept] * len(kept))
        spread = float(np.sqrt((public.margins(reference.reference_D) ** 2).mean()))
        return PublicDirections(basis_D_M, spread, difference_N_D @ basis_D_M)


def private_mean(
    own: TrainingSet, public: PublicDirections, config: PersonMeansConfig, rng: np.random.Generator
) -> FloatArray:
    """The noisy mean of the clipped vectors of a community's people, shape (M,).

    Raises:
        NotEnoughData: If there are too few people.
        InvalidInput: If a pair has no rater.
    """
    if any(pair.rater is None for pair in own.encoded.pairs):
        raise InvalidInput(
            "person-means needs a rater for each pair", hint="leave the method out of this run"
        )
    vector_P_M = person_vectors(own, public.basis_D_M, config.clip)
    people, dimensions = vector_P_M.shape
    needed = people_needed(dimensions, config.epsilon)
    if people < needed:
        raise NotEnoughData(
            f"privacy of people with epsilon {config.epsilon:g} in "
            f"{count_of(dimensions, 'direction')} needs {needed:,} people, "
            f"{own.communities[0]} has {people:,}",
            where="person-means",
            hint="raise epsilon, lower dimensions, or gather more people",
        )
    deviation = noise_of_mean(people, config.epsilon, config.clip)
    mean_M: FloatArray = vector_P_M.mean(axis=0) + deviation * rng.normal(size=dimensions)
    return mean_M


def person_vectors(own: TrainingSet, basis_D_M: FloatArray, clip: float) -> FloatArray:
    """The mean of each person's features of chosen minus rejected, clipped, shape (P, M)."""
    feature_N_M = np.stack([own.encoded.margins(column_D) for column_D in basis_D_M.T], axis=1)
    # Not the units that folds keep whole: these are questions after a split by question.
    raters = [str(pair.rater) for pair in own.encoded.pairs]
    people, person_N = np.unique(np.array(raters), return_inverse=True)
    sum_P_M = np.zeros((len(people), feature_N_M.shape[1]))
    np.add.at(sum_P_M, person_N, _clipped(feature_N_M, 1.0))
    return _clipped(sum_P_M / np.bincount(person_N)[:, None], clip)


def _clipped(vector_N_M: FloatArray, most: float) -> FloatArray:
    """The vectors, each shortened to a norm of at most ``most``."""
    norm_N = np.linalg.norm(vector_N_M, axis=1, keepdims=True)
    shortened: FloatArray = vector_N_M * np.minimum(1, most / np.maximum(norm_N, 1e-300))
    return shortened
