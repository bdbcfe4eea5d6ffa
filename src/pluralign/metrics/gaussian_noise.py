"""How much Gaussian noise hides one person in a mean: zero-concentrated differential privacy.

A mechanism that adds normal noise of standard deviation s to a vector that one person can move by
at most b is rho-zCDP with rho = b^2 / (2 s^2); rhos add up over mechanisms; and rho-zCDP is
(epsilon, delta)-differentially private with epsilon = rho + 2 sqrt(rho ln(1 / delta)) (Bun and
Steinke 2016).
"""

import math

from pluralign.core import InvalidInput

LOUDEST = 0.5
"""Largest expected norm of the noise, as a part of the largest mean, at which a mean is of use."""
_MOST = 10**9


def rho_of(epsilon: float, delta: float) -> float:
    """The rho of zCDP that is (epsilon, delta)-differentially private.

    Args:
        epsilon: Privacy parameter, > 0.
        delta: Probability of a failure of the promise, in (0, 1).

    Raises:
        InvalidInput: If one is out of range.

    >>> round(rho_of(1.0, 1e-5), 5)
    0.02082
    """
    if not 0 < epsilon < math.inf or not 0 < delta < 1:
        raise InvalidInput(
            f"epsilon must be > 0 and delta in (0, 1), got {epsilon} and {delta}",
            hint="1 and 1e-5 are usual",
        )
    log = math.log(1 / delta)
    return (math.sqrt(log + epsilon) - math.sqrt(log)) ** 2


def epsilon_of(rho: float, delta: float) -> float:
    """The epsilon of (epsilon, delta)-differential privacy that rho-zCDP gives.

    >>> round(epsilon_of(rho_of(4.0, 1e-3), 1e-3), 9)
    4.0
    """
    return rho + 2 * math.sqrt(rho * math.log(1 / delta))


def delta_for(people: int) -> float:
    """The delta for a number of people: 1 / (10 people), so that less than one is expected to fail.

    >>> delta_for(200)
    0.0005
    """
    return 1 / (10 * people)


def noise_of_mean(people: int, epsilon: float, clip: float = 1.0) -> float:
    """Standard deviation of the noise in each direction of a mean of clipped vectors.

    Replacing one of the people moves the mean of vectors of norm <= ``clip`` by at most
    ``2 clip / people``; delta is that of `delta_for`.

    Args:
        people: Number of people, >= 1.
        epsilon: Privacy parameter of a person, > 0.
        clip: Largest norm of a person's vector, > 0.

    >>> round(noise_of_mean(200, 1.0, clip=0.3), 4)
    0.0121
    """
    return 2 * clip / people / math.sqrt(2 * rho_of(epsilon, delta_for(people)))


def people_needed(dimensions: int, epsilon: float) -> int:
    """Fewest people whose mean is not drowned by its noise.

    The expected norm of the noise, about ``sqrt(dimensions)`` times that in each direction, is at
    most half of the largest norm of a mean (`LOUDEST`).

    Args:
        dimensions: Number of directions, >= 1.
        epsilon: Privacy parameter of a person, > 0.

    >>> people_needed(20, 1.0), people_needed(384, 1.0), people_needed(20, 8.0)
    (67, 325, 9)
    """
    low, high = 0, _MOST
    while high - low > 1:
        middle = (low + high) // 2
        drowned = math.sqrt(dimensions) * noise_of_mean(middle, epsilon) > LOUDEST
        low, high = (middle, high) if drowned else (low, middle)
    return high
