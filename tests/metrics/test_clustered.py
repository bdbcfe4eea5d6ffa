"""Cluster-robust errors: laws, planted coverage, and the ways in which raters and questions err."""

import numpy as np
import pytest

from pluralign.core import rng_for
from pluralign.metrics import Clusters, effective_clusters, group_means, t_interval
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
    found = one_group([1.0, 1.0, 1.0, 0.0], [1, 2, 3, 4], bounds=(0.0, 1.0)).estimate(0)
    assert found.low == 0.0
    assert found.high == 1.0
    assert t_interval(0.5, 0.0, 3) == (0.5, 0.5)


def test_one_rater_shows_no_error() -> None:
    found = one_group([1.0, 0.0], ["ana", "ana"]).estimate(0)
    assert (found.low, found.high) == (None, None)
    assert found.n_raters == 1


@pytest.mark.slow
@pytest.mark.parametrize("even", [True, False])
@pytest.mark.parametrize("raters", [20, 50])
def test_an_interval_covers_the_planted_accuracy_as_often_as_it_promises(
    raters: int, even: bool
) -> None:
    inside, societies = 0, 600
    for seed in range(societies):
        rng = rng_for(seed, "coverage", str(even))
        size_G = np.full(raters, 15) if even else 1 + rng.poisson(rng.gamma(1.5, 8, raters))
        own_G = rng.beta(7, 4.3, raters)
        rater_N = np.repeat(np.arange(raters), size_G)
        credit_N = rng.binomial(1, own_G[rater_N]).astype(float)
        found = one_group(credit_N, rater_N, bounds=(0.0, 1.0)).estimate(0)
        assert found.low is not None and found.high is not None
        inside += found.low <= 7 / 11.3 <= found.high
    assert 0.925 <= inside / societies <= 0.975
