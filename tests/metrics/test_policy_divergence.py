"""Divergence from samples against the divergence of known distributions."""

import numpy as np
import pytest

from pluralign.metrics import sampled_divergence


def test_the_mean_over_samples_is_the_divergence_of_the_distributions():
    rng = np.random.default_rng(0)
    tuned, start = rng.dirichlet(np.full(9, 3.0)), rng.dirichlet(np.full(9, 3.0))
    exact = float((tuned * np.log(tuned / start)).sum())
    estimates = sampled_divergence(np.log(tuned), np.log(start))
    assert (tuned * estimates).sum() == pytest.approx(exact)
    assert (estimates >= 0).all()


def test_a_policy_does_not_differ_from_itself():
    same = np.log(np.random.default_rng(1).random(5))
    assert sampled_divergence(same, same).tolist() == [0.0] * 5


def test_answers_must_correspond():
    with pytest.raises(ValueError, match="shapes"):
        sampled_divergence(np.zeros(2), np.zeros(3))
