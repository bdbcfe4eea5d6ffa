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
    """How the tuned model is compared with its start."""

    strategies: tuple[str, ...] = ("culture_unaware", "culture_aware")
    """How the survey's questions are put: names, or paths of templates of your own."""
    method: Literal["generate", "likelihood"] = "generate"
    """``generate``: let it write; ``likelihood``: the probability of every option."""
    temperature: Annotated[float, Field(ge=0)] = 0.0
    """0 takes the likeliest word each time."""
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Draw among the likeliest words that together have this probability."""
    max_new_tokens: Annotated[int, Field(ge=1), Unit("tokens")] = 32
    """Most tokens of one answer."""
    limit: Annotated[int, Field(ge=1)] | None = None
    """Ask only so many questions of the survey, drawn by the seed."""
    parser: Parser = "strict"
    """How answers are read: ``strict`` is ours, ``published`` is CultureSPA's first integer."""
    draws: Annotated[int, Field(ge=1)] = 2000
    """Bootstrap draws over questions."""
    tasks: tuple[str, ...] = ()
    """Tasks of lm-eval that measure general ability, such as ``mmlu``; none by default."""
    include_path: Path | None = None
    """Folder of lm-eval tasks of your own."""
    tasks_limit: Annotated[int, Field(ge=1)] | None = None
    """Only so many items of each task."""
    tasks_chat: bool = False
    """Whether the items of tasks are put through the model's chat template."""


class PluraliseSettings(SettingsTable):
    """CultureSPA (arXiv 2410.12971): a language model pluralises itself."""

    name: FolderName = "pluralise"
    """Name of the run; also of its folder where ``--out`` is not given."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Seed of examples, draws, training and intervals."""
    communities: tuple[str, ...] | None = None
    """Which cultures; default: every community of the survey."""
    survey: dict[str, Any]
    """The survey, whose questions are the first examples and whose answers are the measure."""
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
                'model.kind = "simulated" writes no questions: name a model, kind = "local" or "endpoint"'
            )
        if self.model.kind == "local" and self.model.adapter is not None:
            raise ValueError("model.adapter cannot be tuned further: merge it into the model first")
        if self.communities is not None and len(self.communities) < 2:
            raise ValueError(
                "communities names fewer than two: one culture cannot be told from others"
            )
        if not self.tune.kinds or len(set(self.tune.kinds)) != len(self.tune.kinds):
            raise ValueError("tune.kinds names none, or one twice")
        if not self.evaluate.strategies or len(set(self.evaluate.strategies)) != len(
            self.evaluate.strategies
        ):
            raise ValueError("evaluate.strategies names none, or one twice")
        return self
