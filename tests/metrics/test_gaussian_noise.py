import math

import pytest

from pluralign.core import InvalidInput
from pluralign.metrics.gaussian_noise import (
    LOUDEST,
    delta_for,
    epsilon_of,
    noise_of_mean,
    people_needed,
    rho_of,
)


@pytest.mark.parametrize("epsilon", [0.1, 1.0, 8.0])
@pytest.mark.parametrize("delta", [1e-2, 1e-6])
def test_rho_is_the_inverse_of_the_conversion_to_epsilon(epsilon: float, delta: float) -> None:
    assert epsilon_of(rho_of(epsilon, delta), delta) == pytest.approx(epsilon)


def test_noise_falls_with_people_and_epsilon_and_grows_with_the_clip() -> None:
    noise = noise_of_mean(100, 1.0)
    assert noise_of_mean(200, 1.0) < noise > noise_of_mean(100, 2.0)
    assert noise_of_mean(100, 1.0, clip=0.3) == pytest.approx(0.3 * noise)


def test_the_noise_has_the_deviation_that_zcdp_asks_for() -> None:
    people, epsilon, clip = 200, 1.0, 0.3
    sensitivity = 2 * clip / people
    rho = sensitivity**2 / (2 * noise_of_mean(people, epsilon, clip) ** 2)
    assert epsilon_of(rho, delta_for(people)) == pytest.approx(epsilon)


@pytest.mark.parametrize(("dimensions", "epsilon"), [(1, 8.0), (20, 1.0), (384, 0.5)])
def test_the_people_needed_are_the_fewest_whose_mean_is_of_use(
    dimensions: int, epsilon: float
) -> None:
    needed = people_needed(dimensions, epsilon)
    assert math.sqrt(dimensions) * noise_of_mean(needed, epsilon) <= LOUDEST
    if needed > 1:
        assert math.sqrt(dimensions) * noise_of_mean(needed - 1, epsilon) > LOUDEST


def test_fifty_people_do_not_carry_a_large_head_and_need_few_directions() -> None:
    assert people_needed(384, 1.0) > 50 * 6
    assert people_needed(20, 4.0) < 50


@pytest.mark.parametrize(("epsilon", "delta"), [(0, 0.1), (math.inf, 0.1), (1, 0), (1, 1)])
def test_parameters_out_of_range_are_refused(epsilon: float, delta: float) -> None:
    with pytest.raises(InvalidInput):
        rho_of(epsilon, delta)
