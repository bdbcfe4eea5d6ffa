from dataclasses import dataclass

import numpy as np
import pytest
from scipy.optimize import check_grad

from pluralign.core import FloatArray, IntArray, InvalidInput, NotEnoughData, rng_for
from pluralign.rewards import bradley_terry_loss, fit_bradley_terry, fit_path, fit_paths


@dataclass(frozen=True)
class Problem:
    difference_N_D: FloatArray
    weight_N: FloatArray
    prior_D: FloatArray
    ridge: float = 0.7

    def fit(self) -> FloatArray:
        return fit_bradley_terry(self.difference_N_D, self.ridge, self.prior_D, self.weight_N)

    def slope(self, theta_D: FloatArray) -> FloatArray:
        return bradley_terry_loss(
            self.difference_N_D, self.weight_N, self.ridge, self.prior_D, theta_D
        )[1]

    def taking(self, rows: IntArray, share: float = 1.0) -> "Problem":
        return Problem(
            self.difference_N_D[rows], self.weight_N[rows] * share, self.prior_D, self.ridge
        )


def problem(pairs: int, dimensions: int, seed: int = 0) -> Problem:
    rng = rng_for(seed, "problem", pairs, dimensions)
    truth_D = rng.normal(size=dimensions)
    x_N_D = rng.normal(size=(pairs, dimensions))
    flip_N = np.where(rng.random(pairs) < 1 / (1 + np.exp(-x_N_D @ truth_D)), 1.0, -1.0)
    return Problem(
        x_N_D * flip_N[:, None], rng.uniform(0.1, 2, size=pairs), rng.normal(size=dimensions)
    )


# As many pairs as dimensions is solved among dimensions, one fewer among pairs.
SIZES = pytest.mark.parametrize(
    ("pairs", "dimensions"), [(200, 10), (12, 12), (11, 12), (7, 40), (1, 3), (3, 1)]
)


def test_the_gradient_is_the_slope_of_the_loss() -> None:
    p, rng = problem(30, 6), rng_for(0, "points")
    for _ in range(5):
        error = check_grad(
            lambda t: bradley_terry_loss(p.difference_N_D, p.weight_N, p.ridge, p.prior_D, t)[0],
            p.slope,
            rng.normal(size=6),
        )
        assert error < 1e-5


def test_the_loss_of_more_pairs_than_a_block_is_their_sum() -> None:
    p = problem(20_000, 3)
    theta_D = np.ones(3)
    parts = [p.taking(rows) for rows in np.array_split(np.arange(20_000), 3)]
    losses = [
        bradley_terry_loss(q.difference_N_D, q.weight_N, 0, q.prior_D, theta_D) for q in parts
    ]
    whole = bradley_terry_loss(p.difference_N_D, p.weight_N, 0, p.prior_D, theta_D)
    assert sum(loss for loss, _ in losses) == pytest.approx(whole[0])
    np.testing.assert_allclose(np.sum([slope for _, slope in losses], axis=0), whole[1])


@SIZES
def test_at_the_answer_the_gradient_vanishes(pairs: int, dimensions: int) -> None:
    p = problem(pairs, dimensions)
    assert np.abs(p.slope(p.fit())).max() < 1e-4


@SIZES
def test_no_point_nearby_is_better(pairs: int, dimensions: int) -> None:
    p, rng = problem(pairs, dimensions), rng_for(0, "nearby")
    theta_D = p.fit()
    best, _ = bradley_terry_loss(p.difference_N_D, p.weight_N, p.ridge, p.prior_D, theta_D)
    for scale in (1e-3, 0.1, 10):
        near_D = theta_D + scale * rng.normal(size=dimensions)
        assert (
            bradley_terry_loss(p.difference_N_D, p.weight_N, p.ridge, p.prior_D, near_D)[0] > best
        )


@pytest.mark.parametrize("ridge", [30.0, 1.0, 0.01])
def test_pairs_split_in_halves_cross_from_one_form_to_the_other_without_a_change(
    ridge: float,
) -> None:
    """Eleven pairs in twelve dimensions use the dual; doubled at half weight, the primal."""
    p = problem(11, 12)
    dual = Problem(p.difference_N_D, p.weight_N, p.prior_D, ridge)
    primal = dual.taking(np.tile(np.arange(11), 2), share=0.5)
    np.testing.assert_allclose(dual.fit(), primal.fit(), atol=1e-5)


@SIZES
def test_the_order_of_the_pairs_does_not_matter(pairs: int, dimensions: int) -> None:
    p = problem(pairs, dimensions)
    np.testing.assert_allclose(
        p.taking(rng_for(0, "order").permutation(pairs)).fit(), p.fit(), atol=1e-5
    )


def test_pairs_of_weight_zero_do_not_matter() -> None:
    p = problem(30, 8)
    padded = Problem(
        np.vstack([p.difference_N_D, np.full((9, 8), 5.0)]),
        np.r_[p.weight_N, np.zeros(9)],
        p.prior_D,
    )
    np.testing.assert_allclose(padded.fit(), p.fit(), atol=1e-5)


@SIZES
def test_a_pull_without_end_gives_the_prior_and_no_weight_gives_exactly_that(
    pairs: int, dimensions: int
) -> None:
    p = problem(pairs, dimensions)
    np.testing.assert_allclose(
        fit_bradley_terry(p.difference_N_D, 1e9, p.prior_D, p.weight_N), p.prior_D, atol=1e-5
    )
    assert np.array_equal(
        fit_bradley_terry(p.difference_N_D, 1.0, p.prior_D, np.zeros(pairs)), p.prior_D
    )


def test_without_a_prior_the_pull_is_towards_zero() -> None:
    p = problem(20, 5)
    np.testing.assert_array_equal(
        fit_bradley_terry(p.difference_N_D, 1.0),
        fit_bradley_terry(p.difference_N_D, 1.0, np.zeros(5), np.ones(20)),
    )


@pytest.mark.parametrize("pairs", [5, 50])
@pytest.mark.parametrize("ridge", [1.0, 1e-6])
def test_pairs_without_a_contradiction_give_a_finite_head(pairs: int, ridge: float) -> None:
    x_N_D = np.abs(problem(pairs, 10).difference_N_D)
    theta_D = fit_bradley_terry(x_N_D, ridge)
    assert np.isfinite(theta_D).all()
    assert (x_N_D @ theta_D > 0).all()


@pytest.mark.parametrize("pairs", [5, 50])
@pytest.mark.parametrize("sureness", [1e3, -1e3])
def test_a_prior_that_is_sure_of_every_pair_is_no_obstacle(pairs: int, sureness: float) -> None:
    p = problem(pairs, 10)
    sure = Problem(p.difference_N_D, p.weight_N, sureness * p.prior_D)
    assert np.abs(sure.slope(sure.fit())).max() < 1e-3


def test_single_and_double_precision_features_give_the_same_head() -> None:
    for pairs in (5, 50):
        p = problem(pairs, 10)
        x_N_D = p.difference_N_D.astype(np.float32)
        single = fit_bradley_terry(x_N_D, 1.0, p.prior_D, p.weight_N)
        assert single.dtype == np.float64
        np.testing.assert_allclose(
            single, fit_bradley_terry(x_N_D.astype(float), 1.0, p.prior_D, p.weight_N), atol=1e-5
        )


@pytest.mark.parametrize("ridges", [(30.0, 3.0, 0.3), (0.3, 30.0, 3.0)])
@SIZES
def test_a_path_is_the_same_as_separate_fits(
    pairs: int, dimensions: int, ridges: tuple[float, ...]
) -> None:
    p = problem(pairs, dimensions)
    path_K_D = fit_path(p.difference_N_D, ridges, p.prior_D, p.weight_N)
    alone_K_D = np.stack(
        [fit_bradley_terry(p.difference_N_D, r, p.prior_D, p.weight_N) for r in ridges]
    )
    np.testing.assert_allclose(path_K_D, alone_K_D, atol=1e-5)


@SIZES
def test_ridges_with_priors_of_their_own_have_the_heads_that_each_has_alone(
    pairs: int, dimensions: int
) -> None:
    p = problem(pairs, dimensions)
    ridges, prior_K_D = (3.0, 0.3, 10.0), p.prior_D * np.array([[0.0], [1.0], [-1.0]])
    path_K_D = fit_path(p.difference_N_D, ridges, prior_K_D, p.weight_N)
    alone = [
        fit_bradley_terry(p.difference_N_D, ridge, prior_D, p.weight_N)
        for ridge, prior_D in zip(ridges, prior_K_D, strict=True)
    ]
    np.testing.assert_allclose(path_K_D, alone, atol=1e-5)


@pytest.mark.parametrize("ridge", [1e-3, 1e-6])
def test_features_of_few_directions_and_hardly_any_pull_are_no_obstacle(ridge: float) -> None:
    """Their curvature is positive by no more than rounding takes from it."""
    rng = rng_for(0, "few directions")
    features_N_D = (rng.normal(size=(600, 5)) @ rng.normal(size=(5, 300))) * 30
    head_D = fit_bradley_terry(features_N_D, ridge)
    loss, slope_D = bradley_terry_loss(features_N_D, np.ones(600), ridge, np.zeros(300), head_D)
    assert loss < 600 * np.log(2)
    assert np.abs(slope_D).max() < 1e-3


@pytest.mark.parametrize("sureness", [1.0, 1e3])
@SIZES
def test_several_priors_have_the_heads_that_each_has_alone(
    pairs: int, dimensions: int, sureness: float
) -> None:
    """Also where priors differ so much that no curvature serves them all."""
    p = problem(pairs, dimensions)
    prior_P_D = p.prior_D * np.array([[0.0], [1.0], [-sureness]])
    ridges = (10.0, 0.3)
    found_K_P_D = fit_paths(p.difference_N_D, ridges, prior_P_D, p.weight_N)
    alone = [fit_path(p.difference_N_D, ridges, prior, p.weight_N) for prior in prior_P_D]
    np.testing.assert_allclose(found_K_P_D, np.stack(alone, axis=1), rtol=1e-6, atol=1e-5)


def test_few_pairs_under_several_priors_are_fitted_to_nine_digits() -> None:
    p = problem(40, 60)
    prior_P_D = np.linspace(0, 1, 4)[:, None] * p.prior_D
    for head_D, prior_D in zip(
        fit_paths(p.difference_N_D, [0.3], prior_P_D)[0], prior_P_D, strict=True
    ):
        loss = bradley_terry_loss(p.difference_N_D, np.ones(40), 0.3, prior_D, head_D)
        assert np.abs(loss[1]).max() < 1e-7


def test_a_path_without_ridges_has_no_heads() -> None:
    for pairs in (3, 30):
        assert fit_paths(problem(pairs, 10).difference_N_D, [1.0], np.zeros((0, 10))).size == 0
        assert fit_path(problem(pairs, 10).difference_N_D, ()).shape == (0, 10)


def test_the_planted_head_is_found_from_many_pairs() -> None:
    rng = rng_for(0, "planted")
    truth_D, x_N_D = np.array([1.0, -0.5, 0.0, 2.0]), rng.normal(size=(20_000, 4))
    chosen_N = rng.random(20_000) < 1 / (1 + np.exp(-x_N_D @ truth_D))
    theta_D = fit_bradley_terry(np.where(chosen_N[:, None], x_N_D, -x_N_D), ridge=1.0)
    np.testing.assert_allclose(theta_D, truth_D, atol=0.1)


def test_no_pairs_is_not_enough_data() -> None:
    with pytest.raises(NotEnoughData):
        fit_bradley_terry(np.zeros((0, 3)), ridge=1.0)


@pytest.mark.parametrize("ridge", [0.0, -1.0, np.nan, np.inf])
def test_a_ridge_that_is_no_positive_number_is_refused(ridge: float) -> None:
    with pytest.raises(InvalidInput, match="ridge"):
        fit_path(np.ones((2, 3)), [1.0, ridge])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_refused(bad: float) -> None:
    with pytest.raises(InvalidInput, match="finite"):
        fit_bradley_terry(np.array([[1.0, bad]]), ridge=1.0)
    with pytest.raises(InvalidInput, match="finite"):
        fit_bradley_terry(np.ones((1, 2)), 1.0, weight_N=np.array([bad]))
    with pytest.raises(InvalidInput, match="finite"):
        fit_bradley_terry(np.ones((1, 2)), 1.0, prior_D=np.array([0.0, bad]))


@pytest.mark.parametrize("row", [0, 7, 9000])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e200])
@pytest.mark.filterwarnings("error")
def test_one_feature_that_is_not_finite_is_refused_among_many(bad: float, row: int) -> None:
    x_N_D = rng_for(0, "many").normal(size=(9001, 2))
    x_N_D[row, 1] = bad
    for prior_D in (None, np.array([800.0, 0.0])):
        with pytest.raises(InvalidInput, match="finite"):
            fit_bradley_terry(x_N_D, 1.0, prior_D)


def test_a_negative_weight_is_refused() -> None:
    with pytest.raises(InvalidInput, match=">= 0"):
        fit_bradley_terry(np.ones((2, 2)), 1.0, weight_N=np.array([1.0, -1.0]))
