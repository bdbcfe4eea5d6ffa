"""Curves of gains over the distance from the start model are those of Gao et al. (2022)."""

import numpy as np
import pytest

from pluralign.core import rng_for
from pluralign.metrics import GainCurve, best_of_n_divergence, fit_gains


@pytest.mark.parametrize("shape", ["best-of-n", "tuned"])
def test_a_planted_curve_is_found_again(shape) -> None:
    distance_K = np.sqrt([best_of_n_divergence(n) for n in (2, 4, 8, 16, 64)])
    planted = GainCurve(shape, 1.3, 0.4)
    found = fit_gains(distance_K, planted.at(distance_K), shape)
    assert (found.a, found.b) == (pytest.approx(1.3), pytest.approx(0.4))


def test_noise_moves_the_curve_a_little() -> None:
    distance_K = np.linspace(0.2, 3, 40)
    planted = GainCurve("best-of-n", 1.0, 0.2)
    noisy_K = planted.at(distance_K) + rng_for(0, "noise").normal(0, 0.05, 40)
    found = fit_gains(distance_K, noisy_K, "best-of-n")
    assert abs(found.a - 1.0) < 0.1 and abs(found.b - 0.2) < 0.05


def test_the_curves_are_the_published_formulas() -> None:
    d = np.array([0.5, 2.0])
    assert GainCurve("best-of-n", 2.0, 0.5).at(d).tolist() == (d * (2 - 0.5 * d)).tolist()
    assert GainCurve("tuned", 2.0, 0.5).at(d).tolist() == pytest.approx(d * (2 - 0.5 * np.log(d)))


def test_too_few_points_and_no_distance_are_refused() -> None:
    with pytest.raises(ValueError, match="3 different distances"):
        fit_gains(np.array([1.0, 1.0, 2.0]), np.zeros(3), "best-of-n")
    with pytest.raises(ValueError, match="positive"):
        fit_gains(np.array([0.0, 1.0, 2.0]), np.zeros(3), "tuned")
