"""Reward servers: types of requests and answers, a typed client, and a server as a reward model."""

from pluralign.rewards.remote.client import RewardClient, RewardServerFailed, TooMuchAtOnce
from pluralign.rewards.remote.model import RemoteRewardModel

__all__ = ["RemoteRewardModel", "RewardClient", "RewardServerFailed", "TooMuchAtOnce"]
