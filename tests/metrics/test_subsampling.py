import math

import numpy as np
import pytest
from scipy.stats import t

from pluralign.core import FloatArray, rng_for
from pluralign.metrics import subsample_error, subsample_half_width

FITS = np.array([[0.3, -1.0], [0.1, 2.0], [0.4, 0.5], [0.2, 0.0]])


def means_of_random_parts(people: int, fits: int, societies: int, held_out: float) -> FloatArray:
    """Means of normal numbers over random parts of the same people, shape (B, societies)."""
    rng = rng_for(0, "subsampling", people)
    value_S_N = rng.normal(size=(societies, people))
    drawn_B_S_n = rng.random((fits, societies, people)).argsort(axis=2)[
        :, :, round(people * held_out) :
    ]
    mean_B_S: FloatArray = np.take_along_axis(value_S_N[None], drawn_B_S_n, axis=2).mean(axis=2)
    return mean_B_S


def test_the_error_is_the_spread_of_the_fits_over_the_root_of_the_share_left_out() -> None:
    mean = (1 + 2 + 6) / 3
    spread = math.sqrt(((1 - mean) ** 2 + (2 - mean) ** 2 + (6 - mean) ** 2) / 2)
    found = subsample_error(np.array([[1.0], [2.0], [6.0]]), held_out=0.2)
    assert found.tolist() == pytest.approx([spread / math.sqrt(0.2)])


def test_an_interval_is_as_wide_as_students_t_gives() -> None:
    half = subsample_half_width(FITS, held_out=0.25)
    assert half / subsample_error(FITS, held_out=0.25) == pytest.approx(t.ppf(0.975, 3))
    wider = subsample_half_width(FITS, held_out=0.25, level=0.99)
    assert wider / subsample_error(FITS, held_out=0.25) == pytest.approx(t.ppf(0.995, 3))


def test_the_order_of_fits_and_a_shift_change_nothing_and_a_factor_scales() -> None:
    error = subsample_error(FITS, held_out=0.2)
    assert subsample_error(FITS[::-1], held_out=0.2) == pytest.approx(error)
    assert subsample_error(FITS + np.array([100.0, -3.0]), held_out=0.2) == pytest.approx(error)
    assert subsample_error(FITS * -2.5, held_out=0.2) == pytest.approx(2.5 * error)


def test_every_number_has_its_own_error_in_its_own_place() -> None:
    value_B_N_C = rng_for(0, "fits").normal(size=(5, 3, 2))
    error_N_C = subsample_error(value_B_N_C, held_out=0.2)
    assert error_N_C.shape == (3, 2)
    assert error_N_C[1, 0] == pytest.approx(subsample_error(value_B_N_C[:, 1, 0], held_out=0.2))


def test_a_number_that_one_fit_lacks_has_no_error_and_the_others_keep_theirs() -> None:
    lacking = FITS.copy()
    lacking[2, 0] = np.nan
    error = subsample_error(lacking, held_out=0.2)
    assert np.isnan(error[0])
    assert error[1] == pytest.approx(subsample_error(FITS, held_out=0.2)[1])


def test_fits_that_agree_have_no_error() -> None:
    assert subsample_half_width(np.ones((5, 2)), held_out=0.2).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("fits", [0, 1])
def test_fewer_than_two_fits_show_no_spread(fits: int) -> None:
    with pytest.raises(ValueError, match=f"{fits} fits show no spread"):
        subsample_error(np.zeros((fits, 2)), held_out=0.2)
    with pytest.raises(ValueError, match="no spread"):
        subsample_half_width(np.zeros((fits, 2)), held_out=0.2)


@pytest.mark.parametrize("held_out", [0.0, 1.0, -0.2, 1.5, float("nan")])
def test_a_share_outside_0_and_1_is_refused(held_out: float) -> None:
    with pytest.raises(ValueError, match="must be in \\(0, 1\\)"):
        subsample_error(FITS, held_out)


def test_means_of_random_parts_of_one_sample_show_the_standard_error_of_such_a_mean() -> None:
    mean_B_S = means_of_random_parts(people=50, fits=5, societies=2000, held_out=0.2)
    known = 1 / math.sqrt(0.8 * 50)
    assert mean_B_S[0].std() == pytest.approx(known, rel=0.05)
    assert math.sqrt(np.mean(subsample_error(mean_B_S, held_out=0.2) ** 2)) == pytest.approx(
        known, rel=0.04
    )


def test_intervals_around_the_first_of_five_fits_cover_the_truth() -> None:
    mean_B_S = means_of_random_parts(people=50, fits=5, societies=2000, held_out=0.2)
    covered = np.abs(mean_B_S[0]) <= subsample_half_width(mean_B_S, held_out=0.2)
    assert 0.94 <= covered.mean() <= 0.98
