"""Settings of a survey of a language model: one TOML file, validated whole before anything is asked."""

import re
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, Tag, field_validator, model_validator

from pluralign.core.units import Unit
from pluralign.settings.toml_tables import FolderName
from pluralign.settings.variants import SettingsTable, SettingsVariant, by_kind

Parser = Literal["strict", "published"]
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
Positive = Annotated[float, Field(gt=0)]

CHANGES_NO_ANSWER = {
    "device", "batch_tokens", "api_key_env", "concurrency", "timeout_s", "retries",
    "requests_per_minute",
    "tokens_per_minute", "max_cost", "price_in", "price_out",
}  # fmt: skip
"""Settings of a model that say how it is reached, not what it says: a run goes on when they change."""


class ModelSettings(SettingsVariant):
    """Which language model, and how it is reached: what all kinds have in common."""

    needs_name: ClassVar[bool] = True

    kind: str
    name: str = ""
    """Folder or hub name of a local model; the server's name of the model of an endpoint."""
    called: str | None = None
    """Name of the model in results. Default: its name."""

    @model_validator(mode="after")
    def _is_named(self) -> Self:
        if self.needs_name and not self.name:
            raise ValueError(
                'name = "..." is needed: a folder or hub name, or what the server calls the model'
            )
        return self


class LocalModelSettings(ModelSettings):
    """A model on this machine, opened with Transformers."""

    kind: Literal["local"] = "local"
    """``local``: Transformers on this machine; ``endpoint``: any OpenAI-compatible server;
    ``simulated``: a respondent that is no model."""
    revision: str | None = None
    """Branch, tag or commit on the hub."""
    adapter: Path | None = None
    """Folder of a PEFT adapter to put on it."""
    device: str | None = None
    """``cpu``, ``cuda``, ... Default: a GPU where there is one."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Number format of the weights; ``auto`` is bfloat16 on a GPU that has it."""
    attention: str | None = None
    """Attention implementation of Transformers."""
    batch_tokens: Annotated[int, Field(ge=1), Unit("tokens")] = 16384
    """Most tokens of one batch, padding included."""
    trust_remote_code: bool = False
    """Whether code that comes with the model may run."""


class EndpointModelSettings(ModelSettings):
    """A model behind a server that speaks OpenAI's protocol."""

    kind: Literal["endpoint"] = "endpoint"
    base_url: str | None = None
    """Address, such as ``http://127.0.0.1:8000/v1``. Default: the OpenAI service."""
    api_key_env: str = "OPENAI_API_KEY"
    """Environment variable that contains the key. A key never stands in a settings file."""
    concurrency: Annotated[int, Field(ge=1, le=1024), Unit("requests")] = 64
    """Requests in flight."""
    timeout_s: Annotated[Positive, Unit("seconds")] = 60.0
    """Seconds after which a request is given up and tried again."""
    retries: Annotated[int, Field(ge=0)] = 6
    """How often a request is tried again, with growing pauses."""
    requests_per_minute: Annotated[Positive, Unit("requests a minute")] | None = None
    """Most requests a minute."""
    tokens_per_minute: Annotated[Positive, Unit("tokens a minute")] | None = None
    """Most tokens a minute."""
    max_cost: Positive | None = None
    """Cost before which the run stops; needs both prices."""
    price_in: Positive | None = None
    """Price of a million tokens read."""
    price_out: Positive | None = None
    """Price of a million tokens written."""
    extra_body: dict[str, Any] = Field(default_factory=dict)
    """Further fields of every request."""

    @field_validator("api_key_env")
    @classmethod
    def _names_a_variable(cls, name: str) -> str:
        if not _VARIABLE.fullmatch(name):
            raise ValueError(
                "api_key_env must be the name of an environment variable, not the key itself"
            )
        return name

    @model_validator(mode="after")
    def _costs_are_known(self) -> Self:
        if self.max_cost is not None and (self.price_in is None or self.price_out is None):
            raise ValueError("max_cost needs price_in and price_out")
        return self


class SimulatedModelSettings(ModelSettings):
    """A respondent that knows each community's answers more or less; no language model."""

    needs_name: ClassVar[bool] = False

    kind: Literal["simulated"] = "simulated"
    knowledge: Annotated[float, Field(ge=0, le=1)] = 0.7
    """How much of each community it knows."""
    default_culture: str | None = None
    """The community that shows through. Default: the first of the survey."""
    flattening: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Pull of every community towards the mean of all."""
    position_bias: Annotated[float, Unit("logits")] = 0.0
    """Pull towards the option shown first, in logits."""
    refusal_rate: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of asks it refuses."""


AnyModelSettings = Annotated[
    Annotated[LocalModelSettings, Tag("local")]
    | Annotated[EndpointModelSettings, Tag("endpoint")]
    | Annotated[SimulatedModelSettings, Tag("simulated")],
    by_kind("local", "endpoint", "simulated"),
]


class SamplingSettings(SettingsTable):
    """How the model draws its words."""

    temperature: Annotated[float, Field(ge=0)] = 0.0
    """0 takes the likeliest word each time."""
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Draw among the likeliest words that together have this probability."""
    max_new_tokens: Annotated[int, Field(ge=1), Unit("tokens")] = 32
    """Most tokens of one answer."""


class AskingSettings(SettingsTable):
    """How questions are put."""

    numbering: Literal["codes", "one"] = "codes"
    """What stands before the options: the survey's own codes, or numbers from 1."""
    orders: Annotated[int, Field(ge=1)] = 1
    """Orders of the options to ask in; above 1, scales are also put reversed and other options shuffled."""
    paraphrases: Annotated[int, Field(ge=1)] = 1
    """Wordings to ask in, of those that the template has."""
    draws: Annotated[int, Field(ge=1)] = 1
    """How often each ask is put; needs a temperature above 0 to differ."""
    similarity: Path | None = None
    """How alike countries are, as JSON (country -> country -> percent); default: computed from the survey."""
    neighbours: Path | None = None
    """Nearest questions of each question, as JSON, for self-alignment; default: by the words they share."""


class EvaluateSettings(SettingsTable):
    """How answers are read and measured."""

    parser: Parser = "strict"
    """``published``: CultureSPA's first integer in the text; ``strict``: ours, which tells refusals from answers."""
    draws: Annotated[int, Field(ge=1)] = 2000
    """Bootstrap draws over questions."""


class SurveySettings(SettingsTable):
    """A survey of a language model."""

    name: FolderName = "survey"
    """Name of the run; also of its folder where ``--out`` is not given."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Seed of orders, draws and intervals."""
    communities: tuple[str, ...] | None = None
    """Whose answers to ask for; default: every community of the survey."""
    strategies: tuple[str, ...] = ("culture_unaware", "culture_aware")
    """How questions are put: names, or paths of templates of your own."""
    method: Literal["generate", "likelihood"] = "generate"
    """``generate``: let it write; ``likelihood``: the probability of every option, local models only."""
    limit: Annotated[int, Field(ge=1)] | None = None
    """Ask only so many questions, drawn by the seed."""
    survey: dict[str, Any]
    """The survey: a source with its settings, such as ``source = "shares"``, ``path = "wvs"``."""
    model: AnyModelSettings
    sampling: SamplingSettings = SamplingSettings()
    asking: AskingSettings = AskingSettings()
    evaluate: EvaluateSettings = EvaluateSettings()

    @model_validator(mode="after")
    def _fits(self) -> "SurveySettings":
        if self.method == "likelihood" and self.model.kind == "endpoint":
            raise ValueError(
                'method = "likelihood" needs the model itself: use a local one, or method = "generate"'
            )
        if not self.strategies or len(set(self.strategies)) != len(self.strategies):
            raise ValueError("strategies names none, or one twice")
        if self.communities == ():
            raise ValueError("communities names none")
        return self
