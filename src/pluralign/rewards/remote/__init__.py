"""Reward servers: what is sent and answered, a typed client, and a server behind the port of reward models."""

from pluralign.rewards.remote.client import RewardClient, RewardServerFailed, TooMuchAtOnce
from pluralign.rewards.remote.model import RemoteRewardModel

__all__ = ["RemoteRewardModel", "RewardClient", "RewardServerFailed", "TooMuchAtOnce"]
