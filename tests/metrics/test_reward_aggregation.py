"""Several communities, one value: who decides, and who cannot."""

import numpy as np
import pytest

from pluralign.metrics import RewardScale, normalise_then_sum, proportional, worst_off


def _rewards(seed=0, shape=(6, 8, 3)):
    return np.random.default_rng(seed).normal(size=shape)


def test_a_community_with_wide_margins_decides_no_more_than_others():
    reward = _rewards()
    wide = reward * np.array([1.0, 50.0, 1.0])
    assert normalise_then_sum(wide) == pytest.approx(normalise_then_sum(reward), abs=1e-2)
    summed = wide.sum(axis=2)
    first = (wide[..., 1].argmax(axis=1) == summed.argmax(axis=1)).mean()
    assert first > 0.9  # a plain sum follows the wide one


def test_it_is_what_trl_computes():
    torch = pytest.importorskip("torch")
    utils = pytest.importorskip("trl.trainer.utils")
    reward, weight = _rewards(1), np.array([1.0, 0.5, 2.0])
    rewards_per_func = torch.tensor(reward.reshape(-1, 3))
    grouped = rewards_per_func.view(-1, 8, 3)
    mean_k = torch.nanmean(grouped, dim=1, keepdim=True)
    reward_k = (grouped - mean_k) / (utils.nanstd(grouped, dim=1, keepdim=True) + 1e-4)
    summed = (reward_k.view(-1, 3) * torch.tensor(weight)).nansum(dim=1)
    advantages = (summed - summed.mean()) / (utils.nanstd(summed) + 1e-4)
    assert normalise_then_sum(reward, weight).ravel() == pytest.approx(advantages.numpy())


def test_a_candidate_without_rewards_has_no_advantage_and_moves_no_other():
    reward = _rewards(6)
    without = np.concatenate([reward, np.full((6, 1, 3), np.nan)], axis=1)
    found = normalise_then_sum(without)
    assert np.isnan(found[:, -1]).all()
    assert found[:, :-1] == pytest.approx(normalise_then_sum(reward))


def test_the_worst_off_community_has_a_veto():
    shaped = np.array([[[0.99, 0.1], [0.6, 0.6], [0.2, 0.99]]])
    assert worst_off(shaped).argmax(axis=1).tolist() == [1]


def test_proportional_gives_a_minority_its_share_and_a_large_beta_the_winner_everything():
    certain = 40.0 * np.eye(2)[None]  # each community wants a candidate of its own
    share = np.array([0.6, 0.4])
    assert proportional(certain, share)[0] == pytest.approx(share)
    assert proportional(certain, share, beta=200.0)[0, 0] > 0.999


def test_proportional_does_not_depend_on_the_order_and_sums_to_one():
    reward, share = _rewards(2), np.array([0.2, 0.3, 0.5])
    chance = proportional(reward, share, beta=1.0)
    order = np.random.default_rng(3).permutation(8)
    assert proportional(reward[:, order], share, beta=1.0) == pytest.approx(chance[:, order])
    assert chance.sum(axis=1) == pytest.approx(np.ones(6))


def test_shaped_rewards_do_not_depend_on_the_units_of_a_reward_model():
    reward = _rewards(4).ravel()
    plain, stretched = RewardScale.of(reward), RewardScale.of(7 * reward + 100)
    assert stretched.shaped(7 * reward + 100) == pytest.approx(plain.shaped(reward))
    assert np.median(plain.shaped(reward)) == pytest.approx(0.5)


def test_one_enormous_reward_moves_no_scale():
    reward = _rewards(5).ravel()
    hacked = np.append(reward, 1e6)
    assert RewardScale.of(hacked).spread == pytest.approx(RewardScale.of(reward).spread, rel=0.05)
    assert RewardScale.of(hacked).shaped(hacked).max() <= 1.0


@pytest.mark.parametrize("reward", [[1.0, 2.0], [1.0, np.nan, 2.0, 3.0], [1.0] * 9])
def test_rewards_without_a_scale_are_refused(reward):
    with pytest.raises(ValueError, match=r"finite|equal"):
        RewardScale.of(np.array(reward))
