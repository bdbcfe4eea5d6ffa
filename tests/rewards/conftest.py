"""A small steered model on hashed words, and requests to score."""

import pytest

from pluralign.core import RewardRequest, rng_for
from pluralign.encoders import HashEncoder
from pluralign.rewards import EmbeddingTrunk, LinearRewardModel


@pytest.fixture
def model() -> LinearRewardModel:
    rng = rng_for(0, "heads")
    trunk = EmbeddingTrunk(HashEncoder(32))
    reference_D, delta_C_D = rng.normal(size=64), rng.normal(size=(3, 64))
    about = {
        "method": "scpo",
        "pairs": {"GBR": 12},
        "licences": ["CC0"],
        "loss": {10.0: 0.61, 3.0: 0.6, 0.3: 0.62},
    }
    return LinearRewardModel(trunk, reference_D, ("GBR", "MEX", "~yoruba"), delta_C_D, about)


@pytest.fixture
def requests() -> list[RewardRequest]:
    said = ["Tea, of course.", "Coffee.", "Neither of them, thank you.", "茶", "!"]
    return [
        RewardRequest(prompt, text)
        for prompt in ("Tea or coffee?", "What do you drink?")
        for text in said
    ]
