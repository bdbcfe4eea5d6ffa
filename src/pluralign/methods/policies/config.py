"""Settings of policies: the answers that they learn from, and how."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from pluralign.methods.adapter_training import AdapterConfig, Count, Positive

TunedMethod = Literal["raft", "dpo", "orpo"]
TUNED: tuple[TunedMethod, ...] = ("raft", "dpo", "orpo")
RATES: dict[TunedMethod, float] = {"raft": 1e-4, "dpo": 5e-5, "orpo": 5e-5}
"""Peak learning rates where none is set."""


class SelectConfig(BaseModel):
    """Answers that policies learn from."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False
    )

    share: Annotated[float, Field(gt=0, le=1)] = 0.25
    """``raft``: share of each prompt's answers to learn, the best ones."""
    gap: Annotated[float, Field(ge=0)] = 0.5
    """``dpo``, ``orpo``: least difference in reward of a pair, in spreads of the rewards."""
    length_ratio: Annotated[float, Field(ge=1)] = 1.5
    """``dpo``, ``orpo``: largest ratio of the lengths of a pair, so that length is not learned."""
    aggregate: Literal["normalised", "worst-off"] = "normalised"
    """Reward of a joint policy: the communities' rewards on one scale, summed (``normalised``), or
    the reward of the community that likes an answer least (``worst-off``)."""


class PolicyTuningConfig(AdapterConfig):
    """How a policy learns."""

    kinds: tuple[Literal["specific", "joint"], ...] = ("specific",)
    """``specific``: an adapter for each community; ``joint``: one for all."""
    learning_rate: Positive | None = None
    """Peak learning rate. Default: 1e-4 for ``raft``, 5e-5 for ``dpo`` and ``orpo``."""
    epochs: Positive = 1.0
    """Passes over the selected answers."""
    batch: Count = 4
    """Answers, or pairs, in one forward pass."""
    accumulation: Count = 4
    """Forward passes in one step."""
    beta: Positive = 0.1
    """``dpo``: strength of the pull to the start model; ``orpo``: weight of the odds ratio."""
