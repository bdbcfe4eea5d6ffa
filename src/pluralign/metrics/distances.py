"""How far apart two answer distributions are, in [0, 1]."""

import numpy as np
import numpy.typing as npt
from scipy.special import rel_entr

from pluralign.core import FloatArray, InvalidInput


def jensen_shannon_distance(p: npt.ArrayLike, q: npt.ArrayLike) -> FloatArray:
    """Square root of the Jensen-Shannon divergence in bits: a metric (arXiv 2306.16388).

    Args:
        p: Shares over options, each row summing to 1, shape (..., O).
        q: The same, of a shape that broadcasts with ``p``.

    Returns:
        Distances in [0, 1], shape (...).

    Raises:
        InvalidInput: If a share is negative or not finite, or a row does not sum to 1 within 1e-6.

    >>> jensen_shannon_distance([[1, 0], [0.5, 0.5]], [0, 1]).round(4).tolist()
    [1.0, 0.5579]
    """
    p, q = _checked(p, q)
    # Each of p and q is set against p + q instead of the mean, which could round a tiny share to 0.
    divergence = (rel_entr(2 * p, p + q) + rel_entr(2 * q, p + q)).sum(axis=-1) / (4 * np.log(2))
    # Rounding may leave the divergence of equal rows slightly below 0.
    distance: FloatArray = np.sqrt(np.clip(divergence, 0, 1))
    return distance


def similarity(p: npt.ArrayLike, q: npt.ArrayLike) -> FloatArray:
    """One minus the Jensen-Shannon distance, in [0, 1]; arguments and errors as there.

    >>> float(similarity([0.2, 0.8], [0.2, 0.8]))
    1.0
    """
    return 1 - jensen_shannon_distance(p, q)


def wasserstein(p: npt.ArrayLike, q: npt.ArrayLike) -> FloatArray:
    """How far answers must move along an ordered scale to turn one distribution into the other.

    The 1-Wasserstein distance with options one step apart, divided by the length K - 1 of the
    scale.

    Args:
        p: Shares over ordered options, each row summing to 1, shape (..., O).
        q: The same, of a shape that broadcasts with ``p``.

    Returns:
        Distances in [0, 1], shape (...).

    Raises:
        InvalidInput: As for `jensen_shannon_distance`, or if the scale has fewer than two options.

    >>> float(wasserstein([1, 0, 0], [0, 0.5, 0.5]))
    0.75
    """
    p, q = _checked(p, q)
    if p.shape[-1] < 2:
        raise InvalidInput(
            "a scale of one option has no distances", hint="leave such questions out"
        )
    # The last cumulative sum is 0, because both rows sum to 1.
    moved = np.abs(np.cumsum(p - q, axis=-1)[..., :-1]).mean(axis=-1)
    distance: FloatArray = np.clip(moved, 0, 1)
    return distance


def total_variation(p: npt.ArrayLike, q: npt.ArrayLike) -> FloatArray:
    """Share of answers that would have to change, in [0, 1]; as `jensen_shannon_distance` else.

    >>> float(total_variation([0.75, 0.25], [0.25, 0.75]))
    0.5
    """
    p, q = _checked(p, q)
    distance: FloatArray = np.clip(np.abs(p - q).sum(axis=-1) / 2, 0, 1)
    return distance


def _checked(p: npt.ArrayLike, q: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    first, second = np.asarray(p, dtype=np.float64), np.asarray(q, dtype=np.float64)
    for shares in (first, second):
        if not shares.ndim or not shares.shape[-1]:
            raise InvalidInput("a distribution needs at least one option")
        if not (np.isfinite(shares).all() and (shares >= 0).all()):
            raise InvalidInput("a share is negative or not a finite number")
        if (np.abs(shares.sum(axis=-1) - 1) > 1e-6).any():
            raise InvalidInput(
                "shares do not sum to 1",
                hint="AnswerDistribution.normalised() leaves non-answers out",
            )
    if first.shape[-1] != second.shape[-1]:
        raise InvalidInput(f"{first.shape[-1]} options against {second.shape[-1]}")
    return first, second
