"""Policies on tables of a few answers, where the optimum of each method is known exactly."""

from itertools import combinations, product

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import log_expit, logsumexp
from tests.methods.policies.tabular import ANSWERS, build_table, chances, load_table, talk

from pluralign.core import Sampling
from pluralign.methods.policies import (
    Lesson,
    PolicyTuningConfig,
    best_candidates,
    top_share,
    tune_policy,
)
from pluralign.metrics import (
    best_of_n,
    best_of_n_divergence,
    best_of_n_win_rate,
    proportional,
    sampled_divergence,
)

START_X_Y = np.array([[0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4], [0.25, 0.25, 0.25, 0.25]])
BETA = 0.5


def best_of_n_policy(start_Y, reward_Y, n):
    """The distribution of the best of n samples; of equal ones each is as likely as at the start.

    The n samples are all at most r with probability P(reward <= r)^n.
    """
    upto_Y = np.array([start_Y[reward_Y <= r].sum() for r in reward_Y])
    below_Y = np.array([start_Y[reward_Y < r].sum() for r in reward_Y])
    return (upto_Y**n - below_Y**n) * start_Y / (upto_Y - below_Y)


def divergence(p_Y, q_Y):
    return float((p_Y * np.log(p_Y / q_Y)).sum())


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    pytest.importorskip("transformers")
    return build_table(tmp_path_factory.mktemp("table") / "start", START_X_Y)


# DPO


def _wins():
    """Prompt -> how often each answer was preferred to each other one, exhaustively labelled.

    On the hill people follow Bradley-Terry with rewards log(1, 2, 4, 8), in exact proportions. On
    the coast they prefer in a circle, which no reward explains.
    """
    worth_Y = np.array([1, 2, 4, 8])
    circle = np.ones((4, 4), int)
    circle[0, 1] = circle[1, 2] = circle[2, 0] = 4
    return {"hill": np.repeat(worth_Y[:, None], 4, axis=1), "coast": circle}


@pytest.fixture(scope="module")
def learned(table, tmp_path_factory):
    """The start model, and what DPO made of it."""
    pytest.importorskip("trl")
    lessons = [
        Lesson(talk(prompt), ANSWERS[i], ANSWERS[j])
        for prompt, win_Y_Y in _wins().items()
        for a, b in combinations(range(4), 2)
        for i, j in ((a, b), (b, a))
        for _ in range(win_Y_Y[i, j])
    ]
    config = PolicyTuningConfig(
        learning_rate=0.01, epochs=60, batch=len(lessons), accumulation=1, beta=BETA
    )
    adapter = tmp_path_factory.mktemp("dpo") / "adapter"
    tune_policy(load_table(table), lessons, adapter, "dpo", config)
    return load_table(table), load_table(table, adapter)


def _optimum(win_Y_Y, start_Y):
    """The minimum of the loss of DPO over all distributions."""

    def loss(log_Y):
        implied_Y = BETA * (log_Y - np.log(start_Y))
        margin_Y_Y = implied_Y[:, None] - implied_Y[None, :]
        np.fill_diagonal(margin_Y_Y, np.inf)
        return -(win_Y_Y * log_expit(margin_Y_Y)).sum()

    log_Y = minimize(loss, np.zeros(len(start_Y)), tol=1e-10).x
    return np.exp(log_Y - logsumexp(log_Y))


@pytest.mark.slow
def test_dpo_reaches_the_start_policy_times_the_exponential_of_the_rewards(learned):
    """The optimum is proportional to start * exp(reward / beta) (Rafailov et al. 2023, eq. 4)."""
    _, tuned = learned
    found_Y = chances(tuned, "hill")
    wanted_Y = START_X_Y[0] * np.array([1, 2, 4, 8]) ** (1 / BETA)
    assert found_Y / found_Y.sum() == pytest.approx(wanted_Y / wanted_Y.sum(), abs=2e-3)


@pytest.mark.slow
def test_dpo_reaches_the_minimum_of_its_loss_where_no_reward_explains_the_choices(learned):
    _, tuned = learned
    found_Y = chances(tuned, "coast")
    wanted_Y = _optimum(_wins()["coast"], START_X_Y[1])
    assert found_Y / found_Y.sum() == pytest.approx(wanted_Y, abs=2e-3)


@pytest.mark.slow
def test_dpo_does_not_hold_the_compared_answers_above_all_others(learned):
    """Its loss depends on ratios alone: a part of the probability goes to answers never seen."""
    start, tuned = learned
    assert chances(start, "hill").sum() == pytest.approx(1, abs=1e-3)
    assert chances(tuned, "hill").sum() < 0.99


# Best of n


@pytest.mark.parametrize("reward_Y", [(0.0, 1.0, 2.0, 3.0), (1.0, 0.0, 1.0, 2.0)])
@pytest.mark.parametrize("n", [1, 2, 4])
def test_the_curve_estimates_the_best_of_n_policy_without_bias(reward_Y, n):
    """The expectation over everything that may be sampled, by enumeration."""
    start_Y, reward_Y, judged_Y = START_X_Y[0], np.array(reward_Y), np.array([5.0, -1.0, 2.0, 3.0])
    drawn_S_N = np.array(list(product(range(4), repeat=4)))
    chance_S = start_Y[drawn_S_N].prod(axis=1)
    estimate_S = best_of_n(reward_Y[drawn_S_N], judged_Y[drawn_S_N], n)
    wanted = best_of_n_policy(start_Y, reward_Y, n) @ judged_Y
    assert chance_S @ estimate_S == pytest.approx(wanted, abs=1e-12)


def test_the_bounds_of_divergence_and_win_rate_hold_for_every_table_and_are_reached_without_ties():
    rng = np.random.default_rng(0)
    for n in (2, 4, 16):
        for _ in range(50):
            start_Y = rng.dirichlet(np.ones(6))
            reward_Y = rng.integers(0, 4, 6).astype(float)
            best_Y = best_of_n_policy(start_Y, reward_Y, n)
            assert best_Y.sum() == pytest.approx(1)
            assert divergence(best_Y, start_Y) <= best_of_n_divergence(n) + 1e-12
            assert _win_rate(best_Y, start_Y, reward_Y) <= best_of_n_win_rate(n) + 1e-12
        fine_Y = rng.dirichlet(np.ones(3000))
        best_Y = best_of_n_policy(fine_Y, np.arange(3000.0), n)
        assert divergence(best_Y, fine_Y) == pytest.approx(best_of_n_divergence(n), rel=0.01)
        wins = _win_rate(best_Y, fine_Y, np.arange(3000.0))
        assert wins == pytest.approx(best_of_n_win_rate(n), rel=0.01)


def _win_rate(policy_Y, start_Y, reward_Y):
    """How often a sample of the policy beats one of the start; equal rewards are half a win."""
    margin_Y_Y = reward_Y[:, None] - reward_Y[None, :]
    return float(policy_Y @ ((margin_Y_Y > 0) + 0.5 * (margin_Y_Y == 0)) @ start_Y)


DRAWS, OF = 3000, 4


@pytest.fixture(scope="module")
def drawn(table):
    """Answers to one prompt: 3,000 times four, shape (S, N)."""
    chat = load_table(table)
    how = Sampling(temperature=1.0, top_p=1.0, max_new_tokens=3, seed=5)
    replies = chat.sample([talk("hill")] * 4, how, DRAWS * OF // 4)
    found = [ANSWERS.index(reply.text) for own in replies for reply in own]
    return np.array(found).reshape(DRAWS, OF)


@pytest.mark.slow
@pytest.mark.parametrize("reward_Y", [(0.0, 1.0, 2.0, 3.0), (1.0, 0.0, 1.0, 2.0)])
def test_the_best_of_sampled_answers_are_distributed_as_the_order_statistics(drawn, reward_Y):
    reward_Y = np.array(reward_Y)
    best_S = drawn[np.arange(DRAWS), best_candidates(reward_Y[drawn])]
    found_Y = np.bincount(best_S, minlength=4) / DRAWS
    wanted_Y = best_of_n_policy(START_X_Y[0], reward_Y, OF)
    assert (np.abs(found_Y - wanted_Y) < 4 * np.sqrt(wanted_Y / DRAWS)).all()


@pytest.mark.slow
def test_raft_on_one_of_n_learns_the_best_of_n_policy(table, drawn, tmp_path):
    """Supervised learning reproduces its lessons: the winners, which are best of n."""
    pytest.importorskip("trl")
    reward_Y = np.array([0.0, 3.0, 2.0, 1.0])
    kept_S_N = top_share(reward_Y[drawn], 1 / OF)
    lessons = [Lesson(talk("hill"), ANSWERS[y]) for y in drawn[kept_S_N][:300]]
    config = PolicyTuningConfig(learning_rate=0.02, epochs=50, batch=300, accumulation=1)
    tune_policy(load_table(table), lessons, tmp_path / "raft", "raft", config)
    found_Y = chances(load_table(table, tmp_path / "raft"), "hill")
    winner_Y = np.bincount(drawn[kept_S_N][:300], minlength=4) / 300
    assert found_Y == pytest.approx(winner_Y, abs=0.01)
    assert found_Y == pytest.approx(best_of_n_policy(START_X_Y[0], reward_Y, OF), abs=0.1)


# Divergence from the start model


@pytest.fixture(scope="module")
def writers(tmp_path_factory):
    """Two tables whose answers may have several words: folders of the start and of another."""
    folder, rng = tmp_path_factory.mktemp("writers"), np.random.default_rng(3)
    for name in ("start", "tuned"):
        first, following = (
            rng.dirichlet(np.full(4, 4.0), 1),
            0.6 * rng.dirichlet(np.full(4, 4.0), 4),
        )
        build_table(folder / name, first, following)
    return load_table(folder / "start"), load_table(folder / "tuned")


def _replies(most):
    """Every answer of at most so many words, with whether it was cut: no end was sampled."""
    ended = [
        (" ".join(words), False)
        for length in range(1, most)
        for words in product(ANSWERS, repeat=length)
    ]
    return ended + [(" ".join(words), True) for words in product(ANSWERS, repeat=most)]


def _log_probs(chat, replies, temperature):
    texts, cut = zip(*replies, strict=True)
    talks = [talk("hill")] * len(replies)
    return chat.log_probs(talks, texts, cut=cut, temperature=temperature)


@pytest.mark.slow
@pytest.mark.parametrize("most", [1, 2, 3])
@pytest.mark.parametrize("temperature", [1.0, 0.6])
def test_the_probabilities_of_all_replies_that_can_be_sampled_sum_to_one(
    writers, most, temperature
):
    for chat in writers:
        total = np.exp(_log_probs(chat, _replies(most), temperature)).sum()
        assert total == pytest.approx(1, abs=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("temperature", [1.0, 0.6])
def test_the_divergence_of_samples_is_that_of_the_tables_also_of_cut_answers(writers, temperature):
    start, tuned = writers
    replies = _replies(2)
    log_R, start_R = (_log_probs(chat, replies, temperature) for chat in (tuned, start))
    exact = float((np.exp(log_R) * (log_R - start_R)).sum())
    how = Sampling(temperature=temperature, top_p=1.0, max_new_tokens=2, seed=1)
    (drawn,) = tuned.sample([talk("hill")], how, 4000)
    sampled = [(reply.text, reply.finish_reason == "length") for reply in drawn]
    assert 0.2 < np.mean([cut for _, cut in sampled]) < 0.95
    at_S = [replies.index(one) for one in sampled]
    for estimate_S in (
        log_R[at_S] - start_R[at_S],
        sampled_divergence(log_R[at_S], start_R[at_S]),
    ):
        error = estimate_S.std() / np.sqrt(len(estimate_S))
        assert abs(estimate_S.mean() - exact) < 4 * error


# Proportional population aggregation


def test_proportional_aggregation_by_hand():
    """Two communities of 3/4 and 1/4; odds of 3 to 1, and the reverse, on each pair of neighbours.

    The first prefers a to b by 3:1, b to c by 3:1, so a to c by 9:1; the second the reverse. Shares
    of all people who prefer a to b: 3/4 * 3/4 + 1/4 * 1/4 = 5/8, and so b to c; a to c: 3/4 * 9/10
    + 1/4 * 1/10 = 7/10. The least shares are 5/8 of a, 3/8 of b and 3/10 of c.
    """
    three = np.log(3)
    reward = np.array([[[2 * three, 0.0], [three, three], [0.0, 2 * three]]])
    share_C = np.array([0.75, 0.25])
    least_N = np.array([5 / 8, 3 / 8, 3 / 10])
    assert proportional(reward, share_C)[0] == pytest.approx(least_N / least_N.sum())
    sharp_N = least_N * np.exp(2.0 * least_N)
    assert proportional(reward, share_C, beta=2.0)[0] == pytest.approx(sharp_N / sharp_N.sum())
