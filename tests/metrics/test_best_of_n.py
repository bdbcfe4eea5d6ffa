"""Best of n against all draws, and against the closed forms of a known distribution."""

from itertools import combinations

import numpy as np
import pytest

from pluralign.metrics import best_of_n, best_of_n_divergence, best_of_n_win_rate


def _over_all_draws(score_N, judged_N, n):
    """The mean over every set of n candidates; of equal scores each is taken alike."""
    values = []
    for drawn in combinations(range(len(score_N)), n):
        highest = max(score_N[i] for i in drawn)
        values.append(np.mean([judged_N[i] for i in drawn if score_N[i] == highest]))
    return np.mean(values)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 7])
def test_it_is_the_mean_over_all_draws_with_and_without_equal_scores(n):
    rng = np.random.default_rng(0)
    for _ in range(5):
        score, judged = rng.integers(0, 4, size=7).astype(float), rng.normal(size=7)
        found = best_of_n(score[None], judged[None], n)[0]
        assert found == pytest.approx(_over_all_draws(score, judged, n), abs=1e-12)


def test_of_uniform_rewards_it_grows_as_n_over_n_plus_one():
    uniform = np.random.default_rng(1).random((400, 64))
    for n in (1, 4, 16):
        assert best_of_n(uniform, uniform, n).mean() == pytest.approx(n / (n + 1), abs=0.01)


def test_one_candidate_is_chance_and_equal_scores_stay_chance():
    rng = np.random.default_rng(2)
    judged = rng.normal(size=(3, 8))
    assert best_of_n(rng.normal(size=(3, 8)), judged, 1) == pytest.approx(judged.mean(axis=1))
    assert best_of_n(np.zeros((3, 8)), judged, 8) == pytest.approx(judged.mean(axis=1))


def test_the_divergence_and_win_rate_are_reached_by_a_tabular_policy():
    states, n = 4000, 4
    rank = np.arange(1, states + 1) / states
    best = rank**n - (rank - 1 / states) ** n  # the probability that each state is the best
    divergence = float((best * np.log(best * states)).sum())
    below = np.arange(states) / states
    wins = float((best * (below + 0.5 / states)).sum())
    assert divergence == pytest.approx(best_of_n_divergence(n), abs=2e-3)
    assert wins == pytest.approx(best_of_n_win_rate(n), abs=2e-3)


def test_bad_input_is_refused():
    good = np.zeros((2, 3))
    for score, judged, n in [
        (good, good, 0),
        (good, good, 4),
        (good, np.zeros((2, 4)), 1),
        (np.full((2, 3), np.nan), good, 1),
    ]:
        with pytest.raises(ValueError, match=r"n must|shapes|finite"):
            best_of_n(score, judged, n)
