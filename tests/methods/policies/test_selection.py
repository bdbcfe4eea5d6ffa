"""Which candidates a policy learns from."""

import numpy as np
import pytest

from pluralign.methods.policies import best_and_worst, best_candidates, top_share


def _rewards(seed=0, shape=(20, 8)):
    rng = np.random.default_rng(seed)
    reward = rng.normal(size=shape)
    reward[rng.random(shape) < 0.2] = np.nan
    return reward, rng.integers(5, 60, size=shape).astype(float)


def test_a_candidate_without_a_reward_is_never_taken():
    reward, length = _rewards()
    best = best_candidates(reward)
    assert not np.isnan(reward[np.arange(20), best]).any()
    assert not (top_share(reward, 1.0) & np.isnan(reward)).any()
    picked = best_and_worst(reward, length, gap=0.0, length_ratio=3.0).pair_K_3
    assert not np.isnan(reward[picked[:, 0], picked[:, 1]]).any()
    assert not np.isnan(reward[picked[:, 0], picked[:, 2]]).any()


def test_the_smallest_share_keeps_the_best_and_a_whole_share_keeps_all():
    reward, _ = _rewards(1)
    only = top_share(reward, 1e-9)
    assert only.sum(axis=1).tolist() == [1] * 20
    assert (only.argmax(axis=1) == best_candidates(reward)).all()
    assert (top_share(reward, 1.0) == ~np.isnan(reward)).all()


@pytest.mark.parametrize("share", [0.2, 0.5])
def test_no_candidate_that_is_left_out_has_a_higher_reward_than_one_that_is_kept(share):
    reward, _ = _rewards(2)
    kept = top_share(reward, share)
    for values, here in zip(reward, kept, strict=True):
        assert values[here].min() >= np.nanmax(np.append(values[~here], -np.inf))


def test_pairs_have_the_gap_and_matched_lengths_and_no_allowed_pair_is_wider():
    reward, length = _rewards(3)
    picked = best_and_worst(reward, length, gap=0.5, length_ratio=1.5)
    assert len(picked.pair_K_3) > 5
    for prompt, chosen, rejected in picked.pair_K_3:
        margin = reward[prompt, chosen] - reward[prompt, rejected]
        longer = max(length[prompt, chosen], length[prompt, rejected])
        assert margin >= 0.5
        assert longer <= 1.5 * min(length[prompt, chosen], length[prompt, rejected])
        for other in range(8):
            ratio = max(length[prompt, other], length[prompt, chosen])
            ratio /= min(length[prompt, other], length[prompt, chosen])
            if ratio <= 1.5 and not np.isnan(reward[prompt, other]):
                assert reward[prompt, chosen] - reward[prompt, other] <= margin


def test_prompts_without_a_pair_are_counted_by_reason():
    reward = np.array([[np.nan, 1.0], [0.5, 0.5], [0.0, 1.0], [0.0, 1.0]])
    length = np.array([[9.0, 9.0], [9.0, 9.0], [9.0, 90.0], [9.0, 10.0]])
    picked = best_and_worst(reward, length, gap=0.1, length_ratio=2.0)
    assert picked.pair_K_3.tolist() == [[3, 1, 0]]
    assert sorted(picked.without.values()) == [1, 1, 1]


def test_equal_rewards_make_no_pair_even_without_a_gap():
    picked = best_and_worst(np.ones((1, 4)), np.ones((1, 4)), gap=0.0, length_ratio=2.0)
    assert len(picked.pair_K_3) == 0
