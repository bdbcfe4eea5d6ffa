"""Settings of policies: the answers that they learn from, and how."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from pluralign.methods.adapter_training import AdapterConfig, Count, Positive

OfflineMethod = Literal["raft", "dpo", "orpo"]
"""A method that learns from answers of the start model."""
OnlineMethod = Literal["grpo", "rloo"]
"""A method that learns from answers which it samples while it learns."""
TunedMethod = Literal[OfflineMethod, OnlineMethod]
"""A method that tunes a policy."""
OFFLINE: tuple[OfflineMethod, ...] = ("raft", "dpo", "orpo")
"""Methods that learn from answers of the start model."""
ONLINE: tuple[OnlineMethod, ...] = ("grpo", "rloo")
"""Methods that learn from answers which they sample while they learn (reinforcement learning)."""
TUNED: tuple[TunedMethod, ...] = (*OFFLINE, *ONLINE)
"""All methods that tune a policy."""
RATES: dict[TunedMethod, float] = {
    "raft": 1e-4,
    "dpo": 5e-5,
    "orpo": 5e-5,
    "grpo": 2e-5,
    "rloo": 2e-5,
}
"""Peak learning rates where none is set."""
BETAS: dict[TunedMethod, float] = {"dpo": 0.1, "orpo": 0.1, "grpo": 0.04, "rloo": 0.05}
"""Values of ``tune.beta`` where none is set."""

Aggregate = Literal["normalised", "worst-off", "proportional"]
"""How the rewards of several communities become one reward."""


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
    aggregate: Aggregate = "normalised"
    """Reward of a joint policy: the communities' rewards on one scale, summed (``normalised``), the
    reward of the community that likes an answer least (``worst-off``), or the share of people who
    prefer it to any other answer to the prompt, as a probability (``proportional``)."""


class PolicyTuningConfig(AdapterConfig):
    """How a policy learns."""

    kinds: tuple[Literal["specific", "joint"], ...] = ("specific",)
    """``specific``: an adapter for each community; ``joint``: one for all."""
    learning_rate: Positive | None = None
    """Peak learning rate. Default: 1e-4 for ``raft``, 5e-5 for ``dpo`` and ``orpo``, 2e-5 for
    ``grpo`` and ``rloo``."""
    epochs: Positive = 1.0
    """Passes over the selected answers; ``grpo``, ``rloo``: over the prompts."""
    batch: Count = 4
    """Answers, or pairs, in one forward pass."""
    accumulation: Count = 4
    """Forward passes in one step."""
    beta: Positive | None = None
    """``dpo``, ``grpo``, ``rloo``: strength of the pull to the start model; ``orpo``: weight of the
    odds ratio. Default: 0.1 for ``dpo`` and ``orpo``, 0.04 for ``grpo``, 0.05 for ``rloo``."""
    group: Annotated[int, Field(ge=2)] = 8
    """``grpo``, ``rloo``: answers that are sampled to a prompt and compared with each other. It
    divides ``tune.batch`` * ``tune.accumulation``, the answers of one step."""
    no_answer: Annotated[float, Field(le=0)] = -1.0
    """``grpo``, ``rloo``: reward of an answer without words. Rewards of the other answers lie
    between 0 and 1."""

    def rate_of(self, method: TunedMethod) -> float:
        """The peak learning rate of a method."""
        return RATES[method] if self.learning_rate is None else self.learning_rate

    def beta_of(self, method: TunedMethod) -> float:
        """The value of ``beta`` of a method that has one."""
        return BETAS[method] if self.beta is None else self.beta
