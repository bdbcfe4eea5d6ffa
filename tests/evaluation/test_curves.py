import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pluralign.core import InvalidInput
from pluralign.evaluation import fraction_needed

SIZES = np.array([0.1, 0.3, 1.0])


def needed(values: list[float], target: float) -> float | None:
    draws = np.tile(values, (20, 1))
    return fraction_needed(SIZES, np.array(values), target, draws, np.full(20, target)).fraction


def test_a_value_that_a_size_reaches_exactly_needs_that_size() -> None:
    assert needed([0.5, 0.6, 0.7], 0.6) == pytest.approx(0.3)
    assert needed([0.5, 0.6, 0.7], 0.7) == pytest.approx(1.0)


def test_a_value_that_the_smallest_size_reaches_needs_no_more() -> None:
    assert needed([0.7, 0.6, 0.8], 0.65) == pytest.approx(0.1)


def test_a_value_that_is_never_reached_has_no_fraction_and_no_interval() -> None:
    draws = np.tile([0.5, 0.6, 0.7], (20, 1))
    found = fraction_needed(SIZES, draws[0], 0.8, draws, np.full(20, 0.8))
    assert (found.fraction, found.low, found.high) == (None, None, None)


def test_the_upper_end_is_open_where_some_draws_never_reach_the_target() -> None:
    draws = np.tile([0.5, 0.6, 0.7], (100, 1))
    target_B = np.where(np.arange(100) < 10, 0.9, 0.6)
    found = fraction_needed(SIZES, draws[0], 0.6, draws, target_B)
    assert (found.fraction, found.low, found.high) == (pytest.approx(0.3), pytest.approx(0.3), None)


@given(st.lists(st.floats(0, 1), min_size=3, max_size=3), st.floats(0, 1), st.floats(0, 1))
def test_a_higher_target_never_needs_less(values: list[float], a: float, b: float) -> None:
    low, high = (needed(sorted(values), target) for target in sorted((a, b)))
    assert low is not None or high is None
    assert high is None or low is None or 0.1 * (1 - 1e-9) <= low <= high * (1 + 1e-9) <= 1 + 1e-6


def test_sizes_that_do_not_increase_are_refused() -> None:
    with pytest.raises(InvalidInput, match="do not increase"):
        fraction_needed(np.array([0.5, 0.5]), np.zeros(2), 0.5, np.zeros((3, 2)), np.zeros(3))
