"""Heads without one person each, from one factorisation, against exact refits."""

import time

import numpy as np

from pluralign.core import rng_for
from pluralign.rewards import fit_bradley_terry
from pluralign.rewards.influence import heads_without


def planted(pairs: int, dimensions: int, people: int) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    rng = rng_for(5, "influence")
    x_N_D = rng.normal(size=(pairs, dimensions)) / np.sqrt(dimensions)
    flipped_N = rng.random(pairs) > 1 / (1 + np.exp(-3 * x_N_D[:, 0] * np.sqrt(dimensions)))
    x_N_D[flipped_N] *= -1
    return x_N_D, rng.integers(people, size=pairs)


def test_the_step_without_a_person_is_close_to_the_exact_refit() -> None:
    x_N_D, unit_N = planted(600, 20, 40)
    weight_N = rng_for(1).uniform(0.5, 1.5, size=600)
    theta_D = fit_bradley_terry(x_N_D, 2.0, None, weight_N)
    step_U_D = heads_without(x_N_D, theta_D, 2.0, unit_N, weight_N)
    for unit in range(40):
        others = unit_N != unit
        exact_D = fit_bradley_terry(x_N_D[others], 2.0, None, weight_N[others]) - theta_D
        error = np.linalg.norm(step_U_D[unit] - exact_D) / np.linalg.norm(exact_D)
        assert error < 0.06


def test_a_person_without_pairs_changes_nothing_and_the_prior_does_not_matter() -> None:
    x_N_D, unit_N = planted(200, 10, 5)
    unit_N = np.where(unit_N == 3, 4, unit_N)
    prior_D = rng_for(2).normal(size=10)
    theta_D = fit_bradley_terry(x_N_D, 5.0, prior_D)
    step_U_D = heads_without(x_N_D, theta_D, 5.0, unit_N)
    assert not step_U_D[3].any()
    others = unit_N != 0
    exact_D = fit_bradley_terry(x_N_D[others], 5.0, prior_D) - theta_D
    assert np.linalg.norm(step_U_D[0] - exact_D) < 0.15 * np.linalg.norm(exact_D)


def test_a_prior_that_learned_from_the_same_people_moves_with_them() -> None:
    x_N_D, unit_N = planted(900, 12, 30)
    prior_D = fit_bradley_terry(x_N_D, 3.0)
    theta_D = fit_bradley_terry(x_N_D[:500], 8.0, prior_D)
    moved_U_D = heads_without(x_N_D, prior_D, 3.0, unit_N)
    step_U_D = heads_without(x_N_D[:500], theta_D, 8.0, unit_N[:500], None, moved_U_D)
    still_U_D = heads_without(x_N_D[:500], theta_D, 8.0, unit_N[:500])
    for unit in range(30):
        others = unit_N != unit
        exact_prior_D = fit_bradley_terry(x_N_D[others], 3.0)
        exact_D = fit_bradley_terry(x_N_D[:500][others[:500]], 8.0, exact_prior_D) - theta_D
        error = np.linalg.norm(step_U_D[unit] - exact_D) / np.linalg.norm(exact_D)
        assert error < 0.06
        assert np.linalg.norm(still_U_D[unit] - exact_D) > np.linalg.norm(step_U_D[unit] - exact_D)


def test_pairs_of_nobody_stay_and_units_at_the_end_may_have_no_pairs() -> None:
    x_N_D, unit_N = planted(300, 8, 6)
    theta_D = fit_bradley_terry(x_N_D, 4.0)
    all_U_D = heads_without(x_N_D, theta_D, 4.0, unit_N)
    nobody_N = np.where(unit_N == 5, -1, unit_N)
    some_U_D = heads_without(x_N_D, theta_D, 4.0, nobody_N, None, np.zeros((7, 8)))
    assert np.allclose(some_U_D[:5], all_U_D[:5])
    assert not some_U_D[5:].any()


def test_four_hundred_people_take_less_than_five_seconds() -> None:
    x_N_D, unit_N = planted(4000, 768, 400)
    theta_D = fit_bradley_terry(x_N_D, 3.0)
    since = time.process_time()
    assert heads_without(x_N_D, theta_D, 3.0, unit_N).shape == (400, 768)
    assert time.process_time() - since < 5
