"""Settings of CultureSPA (arXiv 2410.12971): a table for each stage, by default as published."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from pluralign.methods.adapter_training import AdapterConfig, Count, Positive

BATCHES = {"joint": (4, 32), "specific": (1, 8)}


class StageConfig(BaseModel):
    """Settings of a stage: unknown keys are refused."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False
    )


class GenerationConfig(StageConfig):
    """How the model writes questions."""

    per_topic: Count = 1000
    """Questions for each topic, before the filter."""
    topics: Path | None = None
    """JSON of topic -> ids of the survey's questions. Default: the 13 topics of the World Values
    Survey, or one topic for another survey."""
    file: Path | None = None
    """File of questions (JSONL: ``topic, question, options``) that are used instead of questions
    that the model writes."""
    seed_examples: Count = 3
    """Questions of the survey shown in each prompt."""
    own_examples: Annotated[int, Field(ge=0)] = 2
    """Earlier questions of the model shown in each prompt; while there are too few, questions of
    the survey are shown instead."""
    seeds_per_topic: Count | None = None
    """Largest number of the survey's questions for each topic, drawn by the seed; 1 is a published
    variant."""
    temperature: Annotated[float, Field(ge=0)] = 0.9
    """Of the draws."""
    top_p: Annotated[float, Field(gt=0, le=1)] = 0.95
    """Of the draws."""
    max_new_tokens: Count = 256
    """Most tokens of one question."""
    round_size: Count = 32
    """Prompts for each topic between two looks at what was written."""


class AnsweringConfig(StageConfig):
    """How the model answers the questions that were kept."""

    unaware: str = "culture_unaware"
    """Strategy that names no culture."""
    aware: str = "culture_aware"
    """Strategy that names one; ``cross_culture_thinking`` is the published variant CCT."""
    similarity: Path | None = None
    """Similarity of countries, as JSON, for ``cross_culture_thinking``. Default: computed from the
    survey."""
    temperature: Annotated[float, Field(ge=0)] = 0.6
    """Of the draws."""
    top_p: Annotated[float, Field(gt=0, le=1)] = 0.9
    """Of the draws."""
    max_new_tokens: Count = 32
    """Most tokens of one answer."""


class CollectingConfig(StageConfig):
    """Which shifted answers are learned from."""

    fraction: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Part of each culture's shifted answers, drawn by the seed."""


class TuningConfig(AdapterConfig):
    """How the model learns its own culture-aware answers."""

    kinds: tuple[Literal["joint", "specific"], ...] = ("joint",)
    """``joint``: one adapter for all cultures; ``specific``: one for each."""
    learning_rate: Positive = 1e-4
    """Peak learning rate."""
    epochs: Positive = 1.0
    """Passes over the collected answers."""
    batch: Count | None = None
    """Answers in one forward pass. Default: 4 for joint, 1 for specific."""
    accumulation: Count | None = None
    """Forward passes in one step. Default: 32 for joint, 8 for specific."""
