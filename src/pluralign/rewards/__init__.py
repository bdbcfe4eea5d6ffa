"""Reward models behind the port: a frozen trunk, and a linear head for each community."""

from pluralign.rewards.embedding import EmbeddingRewardModel
from pluralign.rewards.length import LengthReward
from pluralign.rewards.saving import annotate_card, load_card, load_reward_model, save_reward_model
from pluralign.rewards.solver import bradley_terry_loss, fit_bradley_terry, fit_path, one_blas_thread
from pluralign.rewards.trunk import INTERACTION, EmbeddingTrunk, EncodedPairs

__all__ = [
    "INTERACTION",
    "EmbeddingRewardModel",
    "EmbeddingTrunk",
    "EncodedPairs",
    "LengthReward",
    "annotate_card",
    "bradley_terry_loss",
    "fit_bradley_terry",
    "fit_path",
    "load_card",
    "load_reward_model",
    "one_blas_thread",
    "save_reward_model",
]
