"""The promises of choosing, on people whose taste is planted: a small run of the benchmark."""

import choosing as benchmark
import numpy as np
import pytest


def _mean_and_error(values):
    values = np.asarray(values)
    return values.mean(axis=0), values.std(axis=0, ddof=1) / np.sqrt(len(values))


@pytest.mark.slow
def test_the_mixture_beats_random_pairs_at_equal_answers():
    marks, seeds = (50, 100, 200), range(16)
    mixed, alike = (
        np.array([benchmark.curve(16, policy, seed, marks=marks) for seed in seeds])
        for policy in ("mixture", "random")
    )
    gain, error = _mean_and_error((mixed - alike).mean(axis=1))
    assert gain > 3 * error
    assert gain > 2  # percentage points


@pytest.mark.slow
def test_weights_and_anchors_are_unbiased_where_all_answers_alike_are_not():
    found = [benchmark.estimates(seed, n=60, people=8) for seed in range(100)]
    biases = {name: _mean_and_error([one[name] for one in found]) for name in found[0]}
    bias, error = biases["all answers alike"]
    assert bias > 5 * error
    for name in ("anchors", "propensity weights"):
        bias, error = biases[name]
        assert abs(bias) < 3 * error, name
    assert biases["propensity weights"][1] < biases["anchors"][1]  # with a smaller error


@pytest.mark.slow
def test_inviting_thin_communities_first_raises_the_worst_community():
    worst = {
        rule: np.array(
            [min(benchmark.community_accuracy(seed, rule, 30).values()) for seed in range(8)]
        )
        for rule in ("thin first", "in proportion")
    }
    gain, error = _mean_and_error(worst["thin first"] - worst["in proportion"])
    assert gain > 3 * error
