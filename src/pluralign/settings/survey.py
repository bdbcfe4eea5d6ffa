"""Settings of a survey of a language model: one TOML file, validated before the first ask."""

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, Tag, model_validator

from pluralign.core.units import Unit
from pluralign.settings.toml_tables import FolderName, VariableName
from pluralign.settings.variants import SettingsTable, SettingsVariant, by_kind

Parser = Literal["strict", "published"]
Positive = Annotated[float, Field(gt=0)]

CHANGES_NO_ANSWER = {
    "device", "batch_tokens", "api_key_env", "concurrency", "timeout_s", "retries",
    "requests_per_minute",
    "tokens_per_minute", "max_cost", "price_in", "price_out",
}  # fmt: skip
"""Settings of a model that do not affect its answers: they may change before resuming."""


class ModelSettings(SettingsVariant):
    """The language model and the access to it: the settings that all kinds share."""

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
                'name = "..." is needed: a folder, a hub name, or the server\'s name of the model'
            )
        return self


class LocalModelSettings(ModelSettings):
    """A model on this machine, opened with Transformers."""

    kind: Literal["local"] = "local"
    """Kind of model: Transformers on this machine (``local``), any OpenAI-compatible server
    (``endpoint``), or a respondent without a language model (``simulated``)."""
    revision: str | None = None
    """Branch, tag or commit on the hub."""
    adapter: Path | None = None
    """Folder of a PEFT adapter to put on it."""
    device: str | None = None
    """Device, such as ``cpu`` or ``cuda``. Default: a GPU if there is one."""
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
    api_key_env: VariableName = "OPENAI_API_KEY"
    """Name of the environment variable with the key. A settings file never contains a key."""
    concurrency: Annotated[int, Field(ge=1, le=1024), Unit("requests")] = 64
    """Number of requests in flight."""
    timeout_s: Annotated[Positive, Unit("seconds")] = 60.0
    """Seconds after which a request is cancelled and sent again."""
    retries: Annotated[int, Field(ge=0)] = 6
    """Number of retries of a request, with growing pauses."""
    requests_per_minute: Annotated[Positive, Unit("requests a minute")] | None = None
    """Most requests a minute."""
    tokens_per_minute: Annotated[Positive, Unit("tokens a minute")] | None = None
    """Most tokens a minute."""
    max_cost: Positive | None = None
    """Largest cost: the run stops before it spends more. Needs both prices."""
    price_in: Positive | None = None
    """Price of a million tokens read."""
    price_out: Positive | None = None
    """Price of a million tokens written."""
    extra_body: dict[str, Any] = Field(default_factory=dict)
    """Further fields of every request."""

    @model_validator(mode="after")
    def _costs_are_known(self) -> Self:
        if self.max_cost is not None and (self.price_in is None or self.price_out is None):
            raise ValueError("max_cost needs price_in and price_out")
        return self


class SimulatedModelSettings(ModelSettings):
    """A respondent without a language model, which mixes communities' answers."""

    needs_name: ClassVar[bool] = False

    kind: Literal["simulated"] = "simulated"
    knowledge: Annotated[float, Field(ge=0, le=1)] = 0.7
    """Weight of each community's own answers in its answers."""
    default_culture: str | None = None
    """Community whose answers are the rest. Default: the first of the survey."""
    flattening: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Weight of the mean of all communities in its answers."""
    position_bias: Annotated[float, Unit("logits")] = 0.0
    """Utility of the option shown first."""
    refusal_rate: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of asks that it refuses."""


AnyModelSettings = Annotated[
    Annotated[LocalModelSettings, Tag("local")]
    | Annotated[EndpointModelSettings, Tag("endpoint")]
    | Annotated[SimulatedModelSettings, Tag("simulated")],
    by_kind("local", "endpoint", "simulated"),
]


class SamplingSettings(SettingsTable):
    """Settings of the model's sampling."""

    temperature: Annotated[float, Field(ge=0)] = 0.0
    """Temperature of sampling; 0 takes the likeliest word each time."""
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Total probability of the likeliest words among which to draw."""
    max_new_tokens: Annotated[int, Field(ge=1), Unit("tokens")] = 32
    """Most tokens of one answer."""


class AskingSettings(SettingsTable):
    """Settings of the asks."""

    numbering: Literal["codes", "one"] = "codes"
    """Labels of the options: the survey's own codes (``codes``), or numbers from 1 (``one``)."""
    orders: Annotated[int, Field(ge=1)] = 1
    """Number of orders of the options. Above 1, scales are also reversed, and options without an
    order are shuffled."""
    paraphrases: Annotated[int, Field(ge=1)] = 1
    """Number of wordings of the template to use."""
    draws: Annotated[int, Field(ge=1)] = 1
    """Number of times each ask is sampled; answers differ only with a temperature above 0."""
    languages: Annotated[tuple[Literal["en", "local"], ...], Field(min_length=1)] = ("en",)
    """Languages of the words around the questions, for strategies that name a culture: English
    (``en``), the main language of the community (``local``), or both."""
    similarity: Path | None = None
    """JSON file of the similarity of countries (country -> country -> percent). When unset, it is
    computed from the survey."""
    neighbours: Path | None = None
    """JSON file of the nearest questions of each question, for self-alignment. When unset, shared
    words decide."""


class EvaluateSettings(SettingsTable):
    """Settings of reading and measuring the answers."""

    parser: Parser = "strict"
    """Parser of answers: ``strict`` is ours, which distinguishes refusals from answers;
    ``published`` reads CultureSPA's first integer in the text."""
    draws: Annotated[int, Field(ge=1)] = 2000
    """Number of bootstrap draws over questions."""


class SurveySettings(SettingsTable):
    """A survey of a language model."""

    name: FolderName = "survey"
    """Name of the run; without ``--out`` it is also the name of its folder."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Seed of orders, draws and intervals."""
    communities: tuple[str, ...] | None = None
    """Communities whose answers to ask for. When unset: every community of the survey."""
    strategies: tuple[str, ...] = ("culture_unaware", "culture_aware")
    """Strategies of the asks: names, or paths of your own templates."""
    method: Literal["generate", "likelihood"] = "generate"
    """Form of the answers: written ones (``generate``), or the probability of every option
    (``likelihood``, for local models only)."""
    limit: Annotated[int, Field(ge=1)] | None = None
    """Number of questions to ask, drawn by the seed. When unset: all."""
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
                'method = "likelihood" needs a local model: use one, or set method = "generate"'
            )
        if not self.strategies or len(set(self.strategies)) != len(self.strategies):
            raise ValueError("strategies must name at least one strategy, each once")
        if self.communities == ():
            raise ValueError("communities must name at least one community")
        return self
