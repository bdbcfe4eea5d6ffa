"""Settings of CultureSPA: one TOML file, validated whole before anything starts."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from pluralign.core.units import Unit
from pluralign.methods.culturespa import (
    AnsweringConfig,
    CollectingConfig,
    GenerationConfig,
    TuningConfig,
)
from pluralign.settings.survey import AnyModelSettings, Parser
from pluralign.settings.toml_tables import FolderName
from pluralign.settings.variants import SettingsTable


class ComparisonSettings(SettingsTable):
    """Settings of the comparison of the tuned models with their start."""

    strategies: tuple[str, ...] = ("culture_unaware", "culture_aware")
    """Strategies of the survey's asks: names, or paths of your own templates."""
    method: Literal["generate", "likelihood"] = "generate"
    """Form of the answers: written ones (``generate``), or probabilities (``likelihood``)."""
    temperature: Annotated[float, Field(ge=0)] = 0.0
    """Temperature of sampling; 0 takes the likeliest word each time."""
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Total probability of the likeliest words among which to draw."""
    max_new_tokens: Annotated[int, Field(ge=1), Unit("tokens")] = 32
    """Most tokens of one answer."""
    limit: Annotated[int, Field(ge=1)] | None = None
    """Number of questions of the survey to ask, drawn by the seed. When unset: all."""
    parser: Parser = "strict"
    """Parser of answers: ``strict`` is ours, ``published`` reads CultureSPA's first integer."""
    draws: Annotated[int, Field(ge=1)] = 2000
    """Number of bootstrap draws over questions."""
    tasks: tuple[str, ...] = ()
    """Tasks of lm-eval that measure general ability, such as ``mmlu``; none by default."""
    include_path: Path | None = None
    """Folder of your own lm-eval tasks."""
    tasks_limit: Annotated[int, Field(ge=1)] | None = None
    """Largest number of items of each task. When unset: all."""
    tasks_chat: bool = False
    """Whether the items of tasks are written with the model's chat template."""


class PluraliseSettings(SettingsTable):
    """CultureSPA (arXiv 2410.12971): a language model pluralises itself."""

    name: FolderName = "pluralise"
    """Name of the run; without ``--out`` it is also the name of its folder."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Seed of examples, draws, training and intervals."""
    communities: tuple[str, ...] | None = None
    """Communities whose cultures to use. When unset: every community of the survey."""
    survey: dict[str, Any]
    """The survey, whose questions are the first examples, and whose answers are the target."""
    model: AnyModelSettings
    questions: GenerationConfig = GenerationConfig()
    answer: AnsweringConfig = AnsweringConfig()
    collect: CollectingConfig = CollectingConfig()
    tune: TuningConfig = TuningConfig()
    evaluate: ComparisonSettings = ComparisonSettings()

    @model_validator(mode="after")
    def _fits(self) -> "PluraliseSettings":
        if self.model.kind == "simulated":
            raise ValueError(
                'model.kind must be "local" or "endpoint": a simulated model writes no questions'
            )
        if self.model.kind == "local" and self.model.adapter is not None:
            raise ValueError("model.adapter cannot be tuned further: merge it into the model first")
        if self.communities is not None and len(self.communities) < 2:
            raise ValueError("communities must name at least two cultures to compare")
        if not self.tune.kinds or len(set(self.tune.kinds)) != len(self.tune.kinds):
            raise ValueError("tune.kinds must name at least one kind, each once")
        strategies = self.evaluate.strategies
        if not strategies or len(set(strategies)) != len(strategies):
            raise ValueError("evaluate.strategies must name at least one strategy, each once")
        return self
