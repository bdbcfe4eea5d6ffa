"""How parts are trained: one table of settings."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Part = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1)]
PartKind = Literal["lora", "full"]
"""What is trained for a community: a LoRA adapter with its own head, or a full copy."""
LEARNING_RATES: dict[PartKind, float] = {"lora": 2e-4, "full": 2e-5}


class TrainingConfig(BaseModel):
    """How parts are trained."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False
    )

    learning_rate: Positive | None = None
    """Peak learning rate. Default: 2e-4 for adapters, 2e-5 for full copies."""
    batch: Count = 16
    """Pairs in a step, over all processes."""
    micro_batch: Count | None = None
    """Pairs in one forward pass. Default: the whole batch, and less where memory is short."""
    epochs: Positive = 2.0
    """Passes over the training pairs."""
    max_steps: Count | None = None
    """Steps. Default: as many as ``epochs`` asks for."""
    schedule: Literal["linear", "cosine", "constant"] = "linear"
    """Decay of the learning rate after the warm-up."""
    warmup: Part = 0.05
    """Part of the steps in which the learning rate rises."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    """AdamW's weight decay."""
    clip: Annotated[float, Field(ge=0)] = 1.0
    """Largest norm of the gradient; 0 leaves it as it is."""
    loss_over: Literal["pairs", "weights"] = "pairs"
    """Divide the loss of a batch by the number of its pairs (as published) or by the sum of their weights."""
    dropout: bool = False
    """Whether the model's dropout is on in training."""
    group_by: Literal["length", "turn", "random"] = "length"
    """Which pairs share a batch: of like length; of one rater's turn, whose responses are encoded once; any."""
    held_out: Part = 0.1
    """Part of the training raters (or questions) to stop early by; 0 trains to the end."""
    evaluations: Count = 8
    """How often the held-out loss is measured in a whole training."""
    patience: Count = 3
    """Stop after so many evaluations without a better one; the best is kept."""
    checkpoints: Annotated[int, Field(ge=0)] = 4
    """How often a checkpoint is kept in a whole training, where nothing is held out."""
    rank: Count = 16
    """Rank of an adapter."""
    alpha: Positive = 2.0
    """Scale of an adapter, in units of its rank."""
    lora_dropout: Part = 0.0
    """Dropout inside an adapter; counts only with ``dropout``."""
    targets: str | tuple[str, ...] = "all-linear"
    """Modules that adapters are put on: ``all-linear``, or their names."""
    gradient_checkpointing: bool = False
    """Trade time for memory."""
    report_to: tuple[str, ...] = ()
    """Trackers to report to, such as ``trackio``, ``wandb`` or ``tensorboard``."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Draws order, adapters and dropout; a run sets it to the seed of each repeat."""
