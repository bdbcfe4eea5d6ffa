"""A running taste is the posterior of a logistic regression."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit

from pluralign.collecting.choosing.running_taste import PRIOR_LOGITS, RunningTaste


def _taken(n, d=4, seed=0):
    rng = np.random.default_rng(seed)
    feature_N_D = rng.normal(size=(n, d)) / np.sqrt(d)
    takes = rng.random(n) < expit(feature_N_D @ rng.normal(size=d) * 3)
    return np.where(takes[:, None], feature_N_D, -feature_N_D)


def _first_taken(n):
    """The first response was taken in each of n pairs."""
    return [(row, 1) for row in range(n)]


def _loss(theta_D, taken_N_D):
    prior = (theta_D**2).sum() / (2 * PRIOR_LOGITS**2)
    return np.logaddexp(0, -taken_N_D @ theta_D).sum() + prior


def test_a_fit_is_the_most_probable_taste_and_its_information_the_curvature():
    taken = _taken(60)
    found = RunningTaste(taken, _first_taken(60))
    best = minimize(_loss, np.zeros(4), args=(taken,), method="BFGS", tol=1e-8).x
    np.testing.assert_allclose(found.theta_D, best, atol=1e-4)
    step = 1e-3 * np.eye(4)
    theta = found.theta_D
    curvature = [
        [
            (_loss(theta + a + b, taken) - _loss(theta + a, taken) - _loss(theta + b, taken)
             + _loss(theta, taken)) / 1e-6
            for b in step
        ]
        for a in step
    ]  # fmt: skip
    np.testing.assert_allclose(np.linalg.inv(found.inverse_D_D), curvature, atol=0.01)


def test_learning_answer_by_answer_stays_near_the_whole_fit():
    taken = _taken(200, seed=2)
    running = RunningTaste(taken)
    for row, sign in _first_taken(200):
        running.learn(row, sign)
    whole = RunningTaste(taken, _first_taken(200))
    assert len(running) == 200
    assert np.linalg.norm(running.theta_D - whole.theta_D) < 0.1 * np.linalg.norm(whole.theta_D)
    np.testing.assert_allclose(running.inverse_D_D, whole.inverse_D_D, rtol=0.2, atol=0.02)


def test_without_answers_every_direction_is_as_uncertain_as_the_prior():
    empty = RunningTaste(np.zeros((0, 3)))
    np.testing.assert_allclose(empty.inverse_D_D, PRIOR_LOGITS**2 * np.eye(3))
    gain_N = empty.gains(np.array([[1.0, 0, 0], [0, 2.0, 0]]))
    assert gain_N == pytest.approx([np.log(2), np.log(5)])


def test_an_answer_lowers_what_the_same_pair_would_reveal():
    pair = np.array([[1.0, 0, 0]])
    taste = RunningTaste(pair)
    before = taste.gains(pair)[0]
    taste.learn(0, 1)
    assert taste.gains(pair)[0] < before
    assert pair[0] @ taste.theta_D > 0


def test_taking_the_second_response_is_the_opposite_of_taking_the_first():
    taken = _taken(40, seed=3)
    first = RunningTaste(taken, _first_taken(40))
    second = RunningTaste(-taken, [(row, -1) for row in range(40)])
    np.testing.assert_allclose(second.theta_D, first.theta_D)
