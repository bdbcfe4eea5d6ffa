import numpy as np
import pytest

from pluralign.core import InvalidInput, rng_for
from pluralign.metrics import Drawn, average_draws, standard_error

NAN = float("nan")


def drawn(value: float, n: int = 10, n_raters: int | None = 4, seed: int = 0) -> Drawn:
    return Drawn(value, value + rng_for(seed, "draws").normal(0, 0.1, 400), n, n_raters)


def test_noise_common_to_two_numbers_cancels_in_their_difference():
    difference = (drawn(0.7) - drawn(0.5)).estimate
    assert difference.value == pytest.approx(0.2)
    assert (difference.low, difference.high) == (pytest.approx(0.2), pytest.approx(0.2))


def test_a_difference_rests_on_the_smaller_sample_and_on_people_only_if_both_do():
    assert (drawn(0.7, n=9, n_raters=3) - drawn(0.5)).estimate.n == 9
    assert (drawn(0.7, n_raters=3) - drawn(0.5)).n_raters == 3
    assert (drawn(0.7, n_raters=None) - drawn(0.5)).n_raters is None


def test_numbers_with_other_draws_cannot_be_paired():
    with pytest.raises(InvalidInput, match="not paired"):
        drawn(0.7) - Drawn(0.5, np.zeros(3), 10)


def test_the_mean_counts_each_community_the_same():
    draws_B_C = np.array([[0.0, 1.0], [1.0, 1.0]])
    mean = Drawn.mean(np.array([0.5, 1.0]), draws_B_C, n=7, n_raters=3)
    assert (mean.value, mean.draws_B.tolist(), mean.n, mean.n_raters) == (0.75, [0.5, 1.0], 7, 3)


def test_a_draw_that_lacks_a_community_is_averaged_over_the_others_and_not_lost():
    draws_B_C = np.array([[0.2, 0.4, 0.6], [0.2, NAN, 0.6], [NAN, NAN, NAN]])
    np.testing.assert_allclose(average_draws(draws_B_C), [0.4, 0.4, NAN])


def test_the_error_of_an_average_is_unknown_where_one_community_s_is():
    draws_B_C = np.array([[0.2, NAN], [0.4, NAN]])
    mean = Drawn.mean(np.array([0.3, 0.9]), draws_B_C, n=3)
    assert mean.estimate.value == pytest.approx(0.6)
    assert mean.estimate.low is None
    assert mean.error == float("inf")


def test_the_order_of_communities_changes_no_average():
    draws_B_C = rng_for(1, "draws").random((50, 6))
    draws_B_C[rng_for(2, "holes").random((50, 6)) < 0.1] = NAN
    np.testing.assert_allclose(average_draws(draws_B_C), average_draws(draws_B_C[:, ::-1]))


def test_draws_that_measured_nothing_do_not_enter_the_standard_error():
    assert standard_error(np.array([1.0, NAN, 3.0])) == 1.0
    assert standard_error(np.array([1.0, NAN])) == float("inf")
