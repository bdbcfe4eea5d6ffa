import time
import tracemalloc

import numpy as np
import pytest

from pluralign.core import InvalidInput, NotEnoughData, rng_for
from pluralign.metrics import draw_group_means, draw_means, percentile_interval


def society(seed, raters=60, truth=0.62):
    """Credits of raters who are served unequally well; the mean over raters is ``truth``."""
    rng = rng_for(seed, "raters")
    served_R = rng.beta(4 * truth, 4 * (1 - truth), raters)
    rater_N = np.repeat(np.arange(raters), rng.poisson(15, raters) + 1)
    return (rng.random(rater_N.size) < served_R[rater_N]).astype(float), rater_N


def coverage(cluster, truth=0.62, societies=400):
    hits = 0
    for seed in range(societies):
        value_N, rater_N = society(seed, truth=truth)
        low, high = percentile_interval(
            draw_means(value_N, cluster(rater_N), rng_for(seed, "bootstrap"), draws=600)
        )
        hits += low <= truth <= high
    return hits / societies


@pytest.mark.slow
def test_intervals_over_raters_cover_the_truth_and_intervals_over_rows_do_not():
    assert 0.92 <= coverage(lambda rater_N: rater_N) <= 0.98
    assert coverage(lambda rater_N: np.arange(rater_N.size)) < 0.8


def test_the_spread_of_draws_is_the_standard_error_over_clusters():
    rng = rng_for(1)
    mean_K = rng.normal(size=200)
    draws = draw_means(np.repeat(mean_K, 5), np.repeat(np.arange(200), 5), rng, draws=4000)
    assert draws.std() == pytest.approx(mean_K.std() / np.sqrt(200), rel=0.05)
    assert draws.mean() == pytest.approx(mean_K.mean(), abs=0.01)


def test_one_cluster_gives_no_interval():
    draws = draw_means([1, 0, 1], ["ana"] * 3, rng_for(0), draws=10)
    assert np.isnan(draws).all()
    assert percentile_interval(draws) == (None, None)


def test_the_same_generator_gives_the_same_draws_so_differences_are_paired():
    rng = rng_for(3)
    first, second, rater = rng.random(300), rng.random(300), rng.integers(40, size=300)
    difference = draw_means(first - second, rater, rng_for(7, "b"))
    separate = draw_means(first, rater, rng_for(7, "b")) - draw_means(
        second, rater, rng_for(7, "b")
    )
    np.testing.assert_allclose(difference, separate, atol=1e-12)


def test_shuffling_rows_or_renaming_raters_changes_nothing():
    value, rater = society(5)
    draws = draw_means(value, rater, rng_for(0))
    order = rng_for(9).permutation(value.size)
    np.testing.assert_allclose(
        draw_means(value[order], rater[order], rng_for(0)), draws, atol=1e-12
    )
    names = np.array([f"r{i:03d}" for i in range(60)])
    np.testing.assert_array_equal(draw_means(value, names[rater], rng_for(0)), draws)


def test_whole_weights_act_as_repeated_pairs():
    value, rater = society(6)
    weight = rng_for(2).integers(0, 4, value.size)
    weighted = draw_means(value, rater, rng_for(0), weight_N=weight)
    repeated = draw_means(np.repeat(value, weight), np.repeat(rater, weight), rng_for(0))
    np.testing.assert_allclose(weighted, repeated, atol=1e-12)


def test_raters_are_resampled_within_their_community():
    value = np.array([1.0] * 10 + [0.0] * 10)
    means = draw_group_means(value, ["a"] * 10 + ["b"] * 10, np.arange(20), rng_for(0), draws=50)
    assert (means == [1.0, 0.0]).all()


def test_questions_asked_everywhere_are_resampled_jointly():
    easy_Q = rng_for(4).normal(size=50)
    value = np.concatenate([easy_Q, easy_Q + 0.1])
    group, question = np.repeat(["a", "b"], 50), np.tile(np.arange(50), 2)
    means = draw_group_means(value, group, question, rng_for(0), draws=200)
    np.testing.assert_allclose(means[:, 1] - means[:, 0], 0.1)
    apart = draw_group_means(value, group, np.arange(100), rng_for(0), draws=200)
    assert (apart[:, 1] - apart[:, 0]).std() > 0.05


def test_a_community_missing_from_a_joint_draw_is_not_a_number_there():
    group = ["a"] * 40 + ["b"] * 2
    question = [*range(40), 0, 1]
    means = draw_group_means(np.arange(42.0), group, question, rng_for(0), draws=500)
    missing = np.isnan(means[:, 1]).mean()
    assert missing == pytest.approx(np.exp(-2), abs=0.05)
    assert percentile_interval(means[:, 1]) == (40.0, 41.0)


@pytest.mark.parametrize(
    ("value", "cluster", "error"),
    [
        ([], [], NotEnoughData),
        ([1.0, 2.0], ["ana"], InvalidInput),
        ([1.0, 2.0], ["ana", None], InvalidInput),
        ([1.0, float("inf")], ["ana", "ben"], InvalidInput),
    ],
)
def test_bad_input_is_refused(value, cluster, error):
    with pytest.raises(error):
        draw_means(value, cluster, rng_for(0))


def test_no_draws_and_no_level_are_refused():
    with pytest.raises(InvalidInput, match="0 draws"):
        draw_means([1.0, 2.0], [1, 2], rng_for(0), draws=0)
    with pytest.raises(InvalidInput, match="level"):
        percentile_interval([1.0], level=95)


@pytest.mark.slow
@pytest.mark.parametrize("raters", [1_000, 100_000])
def test_a_hundred_thousand_pairs_take_seconds_and_little_memory(raters):
    rng = rng_for(0)
    value, rater = rng.random(100_000), rng.permutation(100_000) % raters
    start = time.perf_counter()
    draw_means(value, rater, rng)
    assert (
        time.perf_counter() - start < 10
    )  # about 1.5 s on a free core; the rest is for busy machines
    tracemalloc.start()
    draw_means(value, rater, rng, draws=20)
    assert tracemalloc.get_traced_memory()[1] < 40e6
    tracemalloc.stop()
