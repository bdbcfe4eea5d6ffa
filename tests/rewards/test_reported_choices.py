from typing import get_args

import numpy as np
import pytest
from scipy.optimize import check_grad

from pluralign.core import FloatArray, flip_probability, rng_for
from pluralign.rewards import (
    LossKind,
    fit_path,
    fit_reports,
    fit_tilted,
    report_losses,
    report_slopes,
)
from pluralign.rewards.features import DenseFeatures
from pluralign.rewards.reported_choices import Reports, forward_loss

KINDS: tuple[LossKind, ...] = get_args(LossKind)
RIDGES = (10.0, 1.0)
# As many pairs as dimensions are searched among dimensions, fewer among pairs.
SIZES = pytest.mark.parametrize(("pairs", "dimensions"), [(400, 10), (12, 12), (7, 40)])


def choices(pairs: int, dimensions: int, seed: int = 0) -> tuple[FloatArray, FloatArray]:
    """Differences of the features of chosen and rejected responses, and the planted head."""
    rng = rng_for(seed, "choices")
    truth_D = rng.normal(size=dimensions)
    x_N_D = rng.normal(size=(pairs, dimensions))
    chosen_N = rng.random(pairs) < 1 / (1 + np.exp(-x_N_D @ truth_D))
    return x_N_D * np.where(chosen_N, 1.0, -1.0)[:, None], truth_D


def reported(x_N_D: FloatArray, flip: float, seed: int = 0) -> FloatArray:
    """The differences as they are reported by randomised response."""
    flipped_N = rng_for(seed, "flips").random(len(x_N_D)) < flip
    return x_N_D * np.where(flipped_N, -1.0, 1.0)[:, None]


def of(x_N_D: FloatArray, flip: float, kind: LossKind, ridges: tuple[float, ...] = RIDGES):  # type: ignore[no-untyped-def]
    pairs, dimensions = x_N_D.shape
    prior_D = np.full(dimensions, 0.1)
    return fit_reports(x_N_D, ridges, prior_D, np.ones(pairs), np.full(pairs, flip), kind)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("flip", [0.0, 0.018, 0.269, 0.475])
def test_the_slope_of_each_loss_is_its_derivative(kind: LossKind, flip: float) -> None:
    margin_N, flip_N, step = np.linspace(-6, 6, 25), np.full(25, flip), 1e-6
    rise_N = report_losses(margin_N + step, flip_N, kind) - report_losses(
        margin_N - step, flip_N, kind
    )
    assert report_slopes(margin_N, flip_N, kind) == pytest.approx(rise_N / 2 / step, abs=1e-8)


@pytest.mark.parametrize("flip", [0.018, 0.269, 0.475])
def test_over_the_flips_the_unbiased_loss_is_the_plain_loss_of_the_choice(flip: float) -> None:
    margin_N = np.linspace(-8, 8, 33)
    same, opposite = (
        report_losses(z, np.full(33, flip), "unbiased") for z in (margin_N, -margin_N)
    )
    plain = report_losses(margin_N, np.zeros(33), "plain")
    assert (1 - flip) * same + flip * opposite == pytest.approx(plain)


@pytest.mark.parametrize("flip", [0.018, 0.269, 0.475])
def test_the_forward_loss_is_the_likelihood_of_the_report(flip: float) -> None:
    margin_N = np.linspace(-50, 50, 101)
    sure_N = 1 / (1 + np.exp(-margin_N))
    likely_N = (1 - flip) * sure_N + flip * (1 - sure_N)
    assert np.exp(-report_losses(margin_N, np.full(101, flip), "forward")) == pytest.approx(
        likely_N
    )


@pytest.mark.parametrize("kind", KINDS)
def test_ridges_with_priors_of_their_own_have_the_heads_that_each_has_alone(kind: LossKind) -> None:
    x_N_D, truth_D = choices(60, 5)
    weight_N, flip_N = np.ones(60), np.full(60, 0.1)
    prior_K_D = np.stack([truth_D, np.zeros(5)])
    found_K_D = fit_reports(x_N_D, RIDGES, prior_K_D, weight_N, flip_N, kind)
    for found_D, ridge, prior_D in zip(found_K_D, RIDGES, prior_K_D, strict=True):
        (alone_D,) = fit_reports(x_N_D, [ridge], prior_D, weight_N, flip_N, kind)
        np.testing.assert_allclose(found_D, alone_D, atol=1e-5)


@SIZES
@pytest.mark.parametrize("kind", KINDS)
def test_without_flips_every_loss_gives_the_plain_heads_bit_for_bit(
    kind: LossKind, pairs: int, dimensions: int
) -> None:
    x_N_D, _ = choices(pairs, dimensions)
    plain = fit_path(x_N_D, RIDGES, np.full(dimensions, 0.1), np.ones(pairs))
    assert np.array_equal(of(x_N_D, flip_probability(float("inf")), kind), plain)


@SIZES
@pytest.mark.parametrize("kind", ["unbiased", "forward"])
def test_as_epsilon_grows_the_heads_become_the_plain_ones(
    kind: LossKind, pairs: int, dimensions: int
) -> None:
    x_N_D, _ = choices(pairs, dimensions)
    plain = of(x_N_D, 0.0, kind)
    assert of(x_N_D, flip_probability(32), kind) == pytest.approx(plain, abs=1e-6)


@SIZES
@pytest.mark.parametrize("kind", ["unbiased", "forward"])
def test_a_head_is_where_the_gradient_of_its_loss_and_ridge_is_zero(
    kind: LossKind, pairs: int, dimensions: int
) -> None:
    x_N_D = reported(choices(pairs, dimensions)[0], 0.3)
    prior_D, flip_N = np.full(dimensions, 0.1), np.full(pairs, 0.3)
    for ridge, theta_D in zip(RIDGES, of(x_N_D, 0.3, kind), strict=True):
        slope_N = report_slopes(x_N_D @ theta_D, flip_N, kind)
        assert slope_N @ x_N_D + ridge * (theta_D - prior_D) == pytest.approx(0, abs=1e-4)


def test_the_gradient_of_the_forward_objective_is_its_slope() -> None:
    x_N_D = choices(30, 6)[0]
    rng = rng_for(0, "points")
    reports = Reports(DenseFeatures(x_N_D), rng.normal(size=30), rng.random(30), np.full(30, 0.2))
    for _ in range(5):
        b_D = rng.normal(size=6)
        error = check_grad(
            lambda b: forward_loss(reports, 0.7, b)[0],
            lambda b: forward_loss(reports, 0.7, b)[1],
            b_D,
        )
        assert error < 1e-5


def test_a_tilt_is_a_soft_label() -> None:
    x_N_D, _ = choices(50, 5)
    q_N = rng_for(1, "soft").random(50)
    soft = fit_tilted(x_N_D, [2.0], np.zeros(5), np.ones(50), 1 - q_N)
    both_2N_D, weight_2N = np.concatenate([x_N_D, -x_N_D]), np.concatenate([q_N, 1 - q_N])
    assert soft == pytest.approx(fit_path(both_2N_D, [2.0], np.zeros(5), weight_2N), abs=1e-7)


def test_both_corrections_find_the_planted_scale_that_the_plain_loss_shrinks() -> None:
    x_N_D, truth_D = choices(20_000, 5)
    x_N_D = reported(x_N_D, 0.3)
    scale = {
        kind: float(of(x_N_D, 0.3, kind, (0.1,))[0] @ truth_D / (truth_D @ truth_D))
        for kind in KINDS
    }
    assert scale["plain"] < 0.5
    assert scale["unbiased"] == pytest.approx(1, abs=0.1)
    assert scale["forward"] == pytest.approx(1, abs=0.1)


def test_pairs_with_and_without_privacy_are_fitted_together() -> None:
    x_N_D, _ = choices(300, 4)
    flip_N = np.where(np.arange(300) < 100, 0.0, 0.4)
    for kind in KINDS[1:]:
        heads = fit_reports(x_N_D, [1.0], np.zeros(4), np.ones(300), flip_N, kind)
        slope_N = report_slopes(x_N_D @ heads[0], flip_N, kind)
        assert slope_N @ x_N_D + heads[0] == pytest.approx(0, abs=1e-4)


def test_the_slope_of_the_forward_loss_without_flips_is_plain_where_the_sigmoid_is_0() -> None:
    margin_N = np.array([-1000.0, -20.0, 1000.0])
    slope_N = report_slopes(margin_N, np.zeros(3), "forward")
    np.testing.assert_allclose(slope_N, report_slopes(margin_N, np.zeros(3), "plain"))
