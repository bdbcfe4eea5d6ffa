"""Settings of language models that follow a reward model: one TOML file, validated whole."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from pluralign.asking import MOST_TOGETHER
from pluralign.core.units import Unit
from pluralign.methods.policies import ONLINE, PolicyTuningConfig, SelectConfig, TunedMethod
from pluralign.methods.routing import RouterKind
from pluralign.settings.name_hints import nearest
from pluralign.settings.survey import AnyModelSettings
from pluralign.settings.toml_tables import FolderName
from pluralign.settings.variants import SettingsTable

_BY_PROMPT = "by-prompt"
Share = Annotated[float, Field(gt=0, lt=1)]
Probability = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]


def _no_servers(name: str) -> str:
    if name == "endpoint":
        raise ValueError(
            "only trunk.encoder may be servers of embeddings: use minilm, static, hash, or a "
            "sentence-transformers model"
        )
    return name


OwnEncoder = Annotated[str, AfterValidator(_no_servers)]
"""The name of an encoder that runs in this process."""
Combine = Literal["weights", "outputs", "drafts"]
PolicyMethod = Literal["best-of-n", TunedMethod]


class PromptSettings(SettingsTable):
    """The prompts that the model answers."""

    path: Path
    """File of prompts (JSONL, JSON, CSV, Parquet): ``prompt`` or ``messages``, and perhaps ``id``,
    ``community``, ``language``. Files of preference pairs will do."""
    test: Share = 0.3
    """Share of prompts that nothing is learned from and that policies are measured on. A digest of
    the words decides, so a prompt is on the same side in every run."""
    validation: Share = 0.1
    """Share of prompts whose answers give each community's rewards their scale."""
    limit: Count | None = None
    """Number of prompts, drawn by the seed. When unset: all."""
    skip_bad: bool = False
    """Whether rows that cannot be read are dropped and counted, instead of stopping the run."""

    @model_validator(mode="after")
    def _leaves_some(self) -> "PromptSettings":
        if self.test + self.validation >= 1:
            raise ValueError("test and validation must leave prompts to learn from: sum below 1")
        return self


class AlignRewardSettings(SettingsTable):
    """The reward models."""

    model: str
    """Folder of a saved reward model, or the URL of a server of ``pluralign serve``: it chooses."""
    judge: str | None = None
    """Folder or URL of another reward model, of other people: it measures what the first chose."""


class SampleSettings(SettingsTable):
    """How answers are sampled from the start model."""

    n: Annotated[int, Field(ge=2), Unit("answers")] = 8
    """Answers to each prompt."""
    kind: Literal["temperature", "negatively-correlated"] = "temperature"
    """``temperature``: each answer is drawn alone. ``negatively-correlated``: one call asks for
    ``sample.in_one_call`` answers that represent diverse values (arXiv 2507.09650); for models that
    follow instructions."""
    in_one_call: Annotated[int, Field(ge=2, le=MOST_TOGETHER), Unit("answers")] = 4
    """``negatively-correlated``: answers that one call asks for; it divides ``sample.n``."""
    tries: Count = 3
    """``negatively-correlated``: calls before a prompt whose replies have another number of answers
    is given up, and counted."""
    temperature: Annotated[float, Field(gt=0)] = 1.0
    """Temperature of sampling."""
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Total probability of the likeliest words among which to draw."""
    max_new_tokens: Annotated[int, Field(ge=1), Unit("tokens")] = 128
    """Most tokens of one answer."""

    @model_validator(mode="after")
    def _fits(self) -> "SampleSettings":
        if self.kind == "negatively-correlated" and self.n % self.in_one_call:
            raise ValueError(
                f"sample.in_one_call ({self.in_one_call}) must divide sample.n ({self.n})"
            )
        return self


class RouteSettings(SettingsTable):
    """The router that picks a community's policy by the words of a prompt."""

    kinds: tuple[RouterKind, ...] = ("centroid", "logistic")
    """Routers to fit: ``centroid`` (the nearest mean of a community's prompts), ``logistic``
    (multinomial logistic regression). The better one on the validation prompts is kept. Empty: no
    router."""
    encoder: OwnEncoder = "minilm"
    """Encoder of prompts: ``minilm``, ``static``, ``hash``, or a sentence-transformers model."""
    penalties: tuple[Annotated[float, Field(gt=0)], ...] = (10.0, 1.0, 0.1, 0.01)
    """``logistic``: strengths of the L2 penalty to choose from, on the validation prompts."""

    @model_validator(mode="after")
    def _tries_some(self) -> "RouteSettings":
        if len(set(self.kinds)) != len(self.kinds):
            raise ValueError("kinds must name each router once")
        if not self.penalties:
            raise ValueError("penalties must have at least one number")
        return self


class PolicyEvaluation(SettingsTable):
    """How tuned policies are measured."""

    n: Annotated[int, Field(ge=1), Unit("answers")] = 4
    """Answers of each policy to each test prompt, sampled as those of the start model."""
    encoder: OwnEncoder | None = None
    """Encoder by which the variety of answers is measured: ``minilm``, ``static``, ``hash``, or a
    sentence-transformers model. When unset: the reward model's own features, and words alone where
    it is behind a server."""
    survey: Path | dict[str, Any] | None = None
    """Survey that the start model and every tuned policy answer: a settings file of ``pluralign
    survey``, whose model is not used, or a source with its settings."""
    ability: tuple[str, ...] = ()
    """Tasks of lm-eval that measure general ability before and after, such as ``mmlu``."""
    ability_path: Path | None = None
    """Folder of your own lm-eval tasks."""
    ability_limit: Count | None = None
    """Largest number of items of each task. When unset: all."""
    ability_chat: bool = False
    """Whether the items of tasks are written with the model's chat template."""
    pass_file: str | None = None
    """Conditions that policies must meet, registered before the answers have rewards: a TOML file,
    or ``tapestry``."""


class PaletteSettings(SettingsTable):
    """Several communities' adapters combined for one answer, and the other modes of answering."""

    combine: tuple[Combine, ...] = ()
    """Ways of combining the adapters of each method, each measured as a policy: ``weights`` (shares
    of what the adapters add), ``outputs`` (the distributions of the next token, mixed by the
    shares), ``drafts`` (each community's adapter drafts, the start model merges, and the reward
    model of each community accepts the result or not). The first is that of `pluralign serve`."""
    shares: dict[str, Probability] | Literal["by-prompt"] | None = None
    """Community -> its share, with the sum 1; or ``"by-prompt"``: a softmax over the similarity of
    the prompt to the mean of each community's training prompts. When unset: equal shares."""
    temperature: Annotated[float, Field(gt=0)] = 0.1
    """``by-prompt``: near 0 the nearest community has the whole share, for large values all have
    the same."""
    encoder: OwnEncoder = "minilm"
    """``by-prompt``: sentence encoder of the prompts."""
    accept: Probability = 0.5
    """``drafts``: least reward with which a community accepts an answer, on its scale from 0 to 1,
    on which 0.5 is the median of the start model's answers to the validation prompts."""
    population: dict[str, Probability] | None = None
    """Community -> its share of the population, with the sum 1, by which the mode
    ``distributional`` draws the community that answers. When unset: equal shares."""
    candidates: Annotated[int, Field(ge=1), Unit("answers")] = 4
    """Mode ``overton``: candidates by each community's adapter."""
    top: Annotated[float, Field(gt=0, le=1)] = 0.25
    """Mode ``overton``: share of the candidates that count as a community's best."""

    @field_validator("shares", mode="before")
    @classmethod
    def _named(cls, shares: object) -> object:
        if isinstance(shares, str) and shares != _BY_PROMPT:
            raise ValueError(f"{shares!r} is not known: {nearest(shares, [_BY_PROMPT])}")
        return shares


class AlignSettings(SettingsTable):
    """Language models that follow each community's reward model."""

    data: Literal["prompts"] = "prompts"
    """``prompts``: answers to prompts are sampled and scored. With ``task``, examples of a target
    task are written from documents, and the settings are those of ``docs/task_data.md``."""
    name: FolderName = "align"
    """Name of the run; without ``--out`` it is also the name of its folder."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Seed of draws, training and intervals."""
    communities: tuple[str, ...] | None = None
    """Communities to follow. When unset: every community of the reward model."""
    methods: tuple[PolicyMethod, ...] = ("best-of-n",)
    """Ways of following a reward: ``best-of-n`` (the best of several answers, no training),
    ``raft`` (learn the best ones), ``dpo`` and ``orpo`` (learn the best against the worst),
    ``grpo`` and ``rloo`` (sample while they learn, and compare the answers to a prompt)."""
    prompts: PromptSettings
    model: AnyModelSettings
    reward: AlignRewardSettings
    sample: SampleSettings = SampleSettings()
    select: SelectConfig = SelectConfig()
    tune: PolicyTuningConfig = PolicyTuningConfig()
    route: RouteSettings = RouteSettings()
    evaluate: PolicyEvaluation = PolicyEvaluation()
    palette: PaletteSettings = PaletteSettings()

    @model_validator(mode="after")
    def _fits(self) -> "AlignSettings":
        if self.model.kind == "simulated":
            raise ValueError(
                'model.kind must be "local" or "endpoint": a simulated model writes no answers'
            )
        if not self.methods or len(set(self.methods)) != len(self.methods):
            raise ValueError("methods must name at least one method, each once")
        if self.tuned and self.model.kind != "local":
            raise ValueError(
                f'model.kind must be "local" to train {", ".join(self.tuned)}: '
                'with a server use methods = ["best-of-n"]'
            )
        if self.palette.combine and not (self.tuned and "specific" in self.tune.kinds):
            raise ValueError(
                "palette.combine needs adapters of communities: add raft, dpo, ... to methods, "
                'and "specific" to tune.kinds'
            )
        answers = self.tune.batch * self.tune.accumulation
        if set(self.methods) & set(ONLINE) and answers % self.tune.group:
            raise ValueError(
                f"tune.group ({self.tune.group}) must divide tune.batch * tune.accumulation "
                f"({answers}), the answers of one step"
            )
        if self.model.kind == "local" and self.model.adapter is not None and self.tuned:
            raise ValueError("model.adapter cannot be tuned further: merge it into the model first")
        if self.evaluate.ability and self.model.kind != "local":
            raise ValueError('model.kind must be "local" to measure evaluate.ability with lm-eval')
        return self

    @property
    def tuned(self) -> tuple[TunedMethod, ...]:
        """The methods that train."""
        return tuple(method for method in self.methods if method != "best-of-n")
