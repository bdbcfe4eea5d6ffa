"""How parts are trained: one table of settings."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from pluralign.core.units import Unit

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Part = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1)]
PartKind = Literal["lora", "full"]
"""The trained part of a community: a LoRA adapter with its own head, or a full copy."""
LEARNING_RATES: dict[PartKind, float] = {"lora": 2e-4, "full": 2e-5}


class TrainingConfig(BaseModel):
    """How parts are trained."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False
    )

    learning_rate: Positive | None = None
    """Peak learning rate. Default: 2e-4 for adapters, 2e-5 for full copies."""
    batch: Annotated[Count, Unit("pairs")] = 16
    """Number of pairs in a step, over all processes."""
    micro_batch: Annotated[Count, Unit("pairs")] | None = None
    """Number of pairs in one forward pass. When unset: the whole batch, and less where memory is
    short."""
    epochs: Annotated[Positive, Unit("passes")] = 2.0
    """Number of passes over the training pairs."""
    max_steps: Annotated[Count, Unit("steps")] | None = None
    """Number of steps. When unset, ``epochs`` determines it."""
    schedule: Literal["linear", "cosine", "constant"] = "linear"
    """Decay of the learning rate after the warm-up."""
    warmup: Part = 0.05
    """Fraction of the steps in which the learning rate rises."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    """AdamW's weight decay."""
    clip: Annotated[float, Field(ge=0)] = 1.0
    """Largest norm of the gradient; 0 turns clipping off."""
    loss_over: Literal["pairs", "weights"] = "pairs"
    """Divisor of the loss of a batch: the number of its pairs (as published), or the sum of their
    weights."""
    dropout: bool = False
    """Whether the model's dropout is active in training."""
    group_by: Literal["length", "turn", "random"] = "length"
    """Pairs that share a batch: pairs of similar length; pairs of one rater's turn, whose responses
    are encoded once; or any pairs."""
    held_out: Part = 0.1
    """Fraction of the training raters (or questions) held out for early stopping; 0 trains to the
    end."""
    evaluations: Count = 8
    """Number of measurements of the held-out loss in a whole training."""
    patience: Annotated[Count, Unit("evaluations")] = 3
    """Number of evaluations without improvement after which training stops; the best model is
    kept."""
    checkpoints: Annotated[int, Field(ge=0)] = 4
    """Number of checkpoints in a whole training, where nothing is held out."""
    rank: Count = 16
    """Rank of an adapter."""
    alpha: Positive = 2.0
    """Scale of an adapter, in units of its rank."""
    lora_dropout: Part = 0.0
    """Dropout inside an adapter; has an effect only with ``dropout``."""
    targets: str | tuple[str, ...] = "all-linear"
    """Modules that get adapters: ``all-linear``, or their names."""
    gradient_checkpointing: bool = False
    """Whether to recompute activations, which needs less memory and more time."""
    report_to: tuple[str, ...] = ()
    """Experiment trackers to report to, such as ``trackio``, ``wandb`` or ``tensorboard``."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Seed of the order, the adapters and the dropout; a run sets it to the seed of each repeat."""
