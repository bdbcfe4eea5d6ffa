"""Cluster-robust errors: laws, planted coverage, and the ways in which raters and questions err."""

import numpy as np
import pytest

from pluralign.core import rng_for
from pluralign.metrics import (
    Clusters,
    disaggregate,
    effective_clusters,
    group_means,
    t_interval,
    wilson_interval,
)
from pluralign.metrics.clustered import cluster_spread, two_way_spread


def one_group(value_N, rater_N, **more):
    clusters = Clusters(cluster_N=rater_N, **more.pop("ways", {}))
    return group_means(np.asarray(value_N)[:, None], np.zeros(len(value_N), int), clusters, **more)


def test_with_equal_clusters_the_error_is_that_of_the_cluster_means() -> None:
    value_N = rng_for(0, "values").normal(size=60)
    found = one_group(value_N, np.repeat(np.arange(12), 5))
    mean_K = value_N.reshape(12, 5).mean(axis=1)
    assert found.spread.variance_C_S[0, 0] == pytest.approx(mean_K.var(ddof=1) / 12)
    assert found.spread.df_C_S[0, 0] == pytest.approx(11)


def test_the_error_of_leaving_one_out_is_what_refitting_without_each_rater_gives() -> None:
    rng = rng_for(1, "values")
    rater_N = rng.integers(6, size=40)
    value_N, weight_N = rng.normal(size=40), rng.random(40) + 0.1
    found = one_group(value_N, rater_N, weight_N=weight_N)
    mean = np.average(value_N, weights=weight_N)
    left_K = [np.average(value_N[rater_N != k], weights=weight_N[rater_N != k]) for k in range(6)]
    expected = 5 / 6 * sum((left - mean) ** 2 for left in left_K)
    assert found.spread.variance_C_S[0, 0] == pytest.approx(expected)


def test_copies_of_a_raters_pairs_prove_nothing_new() -> None:
    value_N, rater_N = rng_for(2, "values").normal(size=30), np.arange(30) % 10
    once, twice = one_group(value_N, rater_N), one_group(np.tile(value_N, 2), np.tile(rater_N, 2))
    assert twice.spread.variance_C_S == pytest.approx(once.spread.variance_C_S)


def test_uneven_clusters_count_as_fewer() -> None:
    assert effective_clusters(np.repeat(np.arange(20), 4)) == pytest.approx(20)
    assert effective_clusters(np.repeat(np.arange(20), [100] + [1] * 19)) < 1.5
    assert effective_clusters([0, 1], [3.0, 1.0]) == pytest.approx(1.6)


def test_an_average_over_independent_communities_adds_their_errors() -> None:
    rng = rng_for(3, "values")
    value_N, rater_N = rng.normal(size=80), np.repeat(np.arange(16), 5)
    group_N = np.repeat([0, 1], 40)
    spread = cluster_spread(value_N[:, None], group_N, rater_N, np.ones(80))
    assert spread.average_S[0] == pytest.approx(spread.variance_C_S[:, 0].sum() / 4)
    assert 7 <= spread.average_df_S[0] <= 14


def test_communities_that_share_questions_share_their_error() -> None:
    easy_Q = rng_for(4, "questions").normal(size=25)
    value_N = np.concatenate([easy_Q, easy_Q])
    question_N, group_N = np.tile(np.arange(25), 2), np.repeat([0, 1], 25)
    spread = cluster_spread(value_N[:, None], group_N, question_N, np.ones(50))
    # Both communities err alike, so averaging them makes nothing more certain.
    assert spread.average_S[0] == pytest.approx(spread.variance_C_S[0, 0])
    assert spread.average_df_S[0] == pytest.approx(24)


def test_the_wider_of_two_ways_is_used_where_only_one_was_held_out() -> None:
    rng = rng_for(5, "values")
    rater_N, question_N = np.repeat(np.arange(30), 30), np.tile(np.arange(30), 30)
    value_N = rng.normal(size=30)[question_N] + 0.1 * rng.normal(size=900)
    ones, none = np.ones(900), np.zeros(900, int)
    by_rater = cluster_spread(value_N[:, None], none, rater_N, ones).variance_C_S[0, 0]
    by_question = cluster_spread(value_N[:, None], none, question_N, ones).variance_C_S[0, 0]
    ways = (rater_N, question_N)
    wider = two_way_spread(value_N[:, None], none, ways, ones, both=False).variance_C_S[0, 0]
    both = two_way_spread(value_N[:, None], none, ways, ones, both=True).variance_C_S[0, 0]
    assert by_question > 10 * by_rater
    assert wider == pytest.approx(by_question)
    assert by_question <= both <= by_question + by_rater


def test_where_raters_and_questions_vary_both_errors_are_added() -> None:
    inside = 0
    for seed in range(200):
        rng = rng_for(seed, "both")
        rater_N, question_N = np.repeat(np.arange(25), 25), np.tile(np.arange(25), 25)
        value_N = rng.normal(size=25)[rater_N] + rng.normal(size=25)[question_N]
        value_N = value_N + rng.normal(size=625)
        ways = {"question_N": question_N, "both": True}
        found = one_group(value_N, rater_N, ways=ways).estimate(0)
        assert found.low is not None and found.high is not None
        inside += found.low <= 0 <= found.high
    assert 0.91 <= inside / 200 <= 0.99


def test_few_questions_are_a_given_list_and_cause_no_error() -> None:
    rng = rng_for(6, "values")
    rater_N, question_N = np.repeat(np.arange(40), 3), np.tile(np.arange(3), 40)
    value_N = rng.normal(size=3)[question_N] + rng.normal(size=120)
    ways = {"question_N": question_N}
    assert (
        one_group(value_N, rater_N, ways=ways).estimate(0)
        == one_group(value_N, rater_N).estimate(0)
    )  # fmt: skip


def test_models_that_never_differed_are_not_proved_alike_unless_they_are_one_model() -> None:
    value_N, rater_N = np.zeros(50), np.arange(50) % 10
    found = one_group(value_N, rater_N, bounds=(-1.0, 1.0)).estimate(0)
    assert found.low == pytest.approx(-found.high)
    assert 0.03 < found.high < 0.06  # about two and a half of 50 pairs
    same = one_group(value_N, rater_N, bounds=(-1.0, 1.0), certain=["0"]).estimate(0)
    assert (same.low, same.high) == (0.0, 0.0)


def test_half_a_pair_is_as_much_larger_as_a_reported_choice_moves_a_corrected_mean() -> None:
    """One report in n moves the mean of (credit - 0.25) / 0.5 by 2 / n, a choice moves 1 / n."""
    ways = {"flip_N": np.full(40, 0.25)}
    known = one_group(np.zeros(40), np.arange(40) % 20, bounds=(-1.0, 1.0))
    reported = one_group(np.zeros(40), np.arange(40) % 20, bounds=(-1.0, 1.0), ways=ways)
    assert known.spread.variance_C_S[0, 0] == pytest.approx((1 / 40) ** 2)
    assert reported.spread.variance_C_S[0, 0] == pytest.approx((2 / 40) ** 2)
    mixed = {"flip_N": np.where(np.arange(40) < 10, 0.25, 0.0)}
    widest = one_group(np.zeros(40), np.arange(40) % 20, bounds=(-1.0, 1.0), ways=mixed)
    assert widest.spread.average_S[0] == pytest.approx((2 / 40) ** 2)


def test_an_interval_stays_within_what_is_possible() -> None:
    found = one_group([1.0, 1.0, 1.0, -1.0], [1, 2, 3, 4], bounds=(-1.0, 1.0)).estimate(0)
    assert found.low == -1.0
    assert found.high == 1.0
    assert t_interval(0.5, 0.0, 3) == (0.5, 0.5)


def ends(value_N, rater_N, **more) -> tuple[float, float]:
    """Both ends of the interval of an accuracy."""
    found = one_group(value_N, rater_N, bounds=(0.0, 1.0), **more).estimate(0)
    assert found.low is not None and found.high is not None
    assert 0 <= found.low <= found.value <= found.high <= 1
    return found.low, found.high


def credits_of(seed: int, raters: int, mean: float) -> tuple[np.ndarray, np.ndarray]:
    """Credits of raters with 15 pairs each, whose own accuracies differ around a mean."""
    rng = rng_for(seed, "credits", str(mean))
    rater_N = np.repeat(np.arange(raters), 15)
    own_G = rng.beta(11.5 * mean, 11.5 * (1 - mean), raters)
    return rng.binomial(1, own_G[rater_N]).astype(float), rater_N


def test_intervals_of_an_accuracy_and_of_the_share_of_errors_are_mirror_images() -> None:
    for seed, mean in enumerate([0.02, 0.3, 0.62, 0.95, 0.99]):
        value_N, rater_N = credits_of(seed, 12, mean)
        low, high = ends(value_N, rater_N)
        assert ends(1 - value_N, rater_N) == pytest.approx((1 - high, 1 - low))


def test_the_interval_of_an_accuracy_in_the_middle_is_that_of_students_t() -> None:
    value_N, rater_N = credits_of(0, 400, 0.5)
    by_t = one_group(value_N, rater_N).estimate(0)
    assert ends(value_N, rater_N) == pytest.approx((by_t.low, by_t.high), abs=5e-4)


def test_the_interval_of_an_accuracy_near_1_reaches_further_down_than_up() -> None:
    value_N, rater_N = credits_of(1, 20, 0.95)
    low, high = ends(value_N, rater_N)
    assert value_N.mean() - low > 1.3 * (high - value_N.mean())


@pytest.mark.parametrize("credit", [0.0, 1.0])
@pytest.mark.parametrize("raters", [5, 20, 100])
def test_raters_who_are_all_served_prove_no_perfect_accuracy(raters: int, credit: float) -> None:
    value_N, rater_N = np.full(3 * raters, credit), np.repeat(np.arange(raters), 3)
    low, high = ends(value_N, rater_N)
    half_pair = t_interval(credit, (1 / len(value_N)) ** 2, raters - 1, (0.0, 1.0))
    assert low <= half_pair[0] <= half_pair[1] <= high
    assert high - low < 0.4


def test_an_accuracy_that_is_1_but_for_rounding_has_the_interval_of_1() -> None:
    exact = wilson_interval(1.0, variance=1e-4, clusters=20)
    assert wilson_interval(1 - 1e-16, variance=1e-4, clusters=20) == pytest.approx(exact)


def test_an_average_of_accuracies_has_the_same_kind_of_interval() -> None:
    value_N, rater_N = credits_of(2, 40, 0.95)
    means = group_means(
        value_N[:, None], rater_N % 2, Clusters(cluster_N=rater_N), bounds=(0.0, 1.0)
    )
    spread = means.spread
    expected = wilson_interval(
        value_N.mean(), spread.average_S[0], float(spread.average_df_S[0]) + 1
    )
    assert (means.average().low, means.average().high) == pytest.approx(expected)


def test_an_accuracy_corrected_for_reports_errs_alike_to_both_sides() -> None:
    """Noise, not the share itself, causes its error: it may lie past 1, where Wilson has no end."""
    value_N, rater_N = credits_of(3, 20, 0.95)
    found = one_group(value_N, rater_N, bounds=(0.0, 1.0), ways={"flip_N": 0.25})
    expected = t_interval(value_N.mean(), found.spread.variance_C_S[0, 0], 19, (0.0, 1.0))
    assert (found.estimate(0).low, found.estimate(0).high) == pytest.approx(expected)
    past = one_group(np.full(40, 1.02), np.arange(40), bounds=(0.0, 1.0)).estimate(0)
    assert past.low is not None and past.high is not None
    assert past.low < past.value == past.high


def test_differences_and_unbounded_means_keep_students_t() -> None:
    value_N, rater_N = credits_of(4, 20, 0.9)
    for bounds in [(-1.0, 1.0), (0.0, np.inf)]:
        found = one_group(value_N, rater_N, bounds=bounds)
        expected = t_interval(value_N.mean(), found.spread.variance_C_S[0, 0], 19, bounds)
        assert (found.estimate(0).low, found.estimate(0).high) == pytest.approx(expected)


def test_an_accuracy_of_one_rater_has_no_interval_alone_or_in_an_average() -> None:
    clusters = Clusters(cluster_N=["ana", "ana", "ben", "eve"])
    by = disaggregate(
        [1, 0, 1, 0], ["a", "a", "b", "b"], clusters, rng_for(0), bounds=(0, 1), draws=50
    )
    assert (by.by_community["a"].low, by.average.low) == (None, None)
    assert by.by_community["b"].low is not None


def test_one_rater_shows_no_error() -> None:
    found = one_group([1.0, 0.0], ["ana", "ana"]).estimate(0)
    assert (found.low, found.high) == (None, None)
    assert found.n_raters == 1


@pytest.mark.slow
@pytest.mark.parametrize("mean", [7 / 11.3, 0.95])
@pytest.mark.parametrize("even", [True, False])
@pytest.mark.parametrize("raters", [20, 50])
def test_an_interval_covers_the_planted_accuracy_as_often_as_it_promises(
    raters: int, even: bool, mean: float
) -> None:
    inside, societies = 0, 600
    for seed in range(societies):
        rng = rng_for(seed, "coverage", str(even))
        size_G = np.full(raters, 15) if even else 1 + rng.poisson(rng.gamma(1.5, 8, raters))
        own_G = rng.beta(11.3 * mean, 11.3 * (1 - mean), raters)
        rater_N = np.repeat(np.arange(raters), size_G)
        credit_N = rng.binomial(1, own_G[rater_N]).astype(float)
        found = one_group(credit_N, rater_N, bounds=(0.0, 1.0)).estimate(0)
        assert found.low is not None and found.high is not None
        inside += found.low <= mean <= found.high
    assert 0.925 <= inside / societies <= 0.975
