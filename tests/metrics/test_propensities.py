"""Weights by propensity: sums over chosen pairs become sums over all pairs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pluralign.core import InvalidInput
from pluralign.metrics.propensities import propensity_weights


def _expected_total(value_N, share_N, n_shown):
    """Expected weighted sum over every order in which pairs can be shown without repeats."""

    def rest(shown, chances, probability):
        if len(shown) == n_shown:
            weight_N = propensity_weights(chances, ["p"] * n_shown, range(n_shown))
            return probability * float(weight_N @ value_N[list(shown)])
        left = [at for at in range(len(value_N)) if at not in shown]
        # The next choice depends on what was seen before: an adaptive policy.
        share = share_N[left] * (1 + value_N[list(shown)].sum())
        chance = share / share.sum() if share.sum() else np.full(len(left), 1 / len(left))
        return sum(
            rest((*shown, at), [*chances, c], probability * c)
            for at, c in zip(left, chance.tolist(), strict=True)
        )

    return rest((), [], 1.0)


@pytest.mark.parametrize("n_shown", [1, 2, 3, 5])
def test_a_weighted_sum_is_unbiased_for_any_policy_without_repeats(n_shown):
    rng = np.random.default_rng(n_shown)
    value_N, share_N = rng.random(5), rng.random(5) ** 3
    assert _expected_total(value_N, share_N, n_shown) == pytest.approx(n_shown * value_N.sum())


@given(st.integers(0, 10**6))
def test_the_order_of_rows_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    propensity, person, time = rng.uniform(0.01, 1, 12), rng.integers(3, size=12), rng.random(12)
    order = rng.permutation(12)
    whole = propensity_weights(propensity, person, time)
    assert propensity_weights(propensity[order], person[order], time[order]).tolist() == (
        whole[order].tolist()
    )


def test_without_pairs_there_are_no_weights():
    assert propensity_weights([], np.array([], dtype=str), np.array([], dtype=str)).tolist() == []


@pytest.mark.parametrize("wrong", [0.0, -0.1, 1.01, float("nan")])
def test_a_propensity_that_is_no_probability_is_refused(wrong):
    with pytest.raises(InvalidInput, match=r"row 1: a propensity must be > 0 and at most 1"):
        propensity_weights([0.5, wrong], ["a", "a"], [1, 2])
