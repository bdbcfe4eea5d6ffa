"""Settings of an experiment: one TOML file, validated whole before anything starts."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, Tag, model_validator

from pluralign.core.units import Unit
from pluralign.encoders import EmbeddingServers
from pluralign.encoders.endpoint.probing import PROBE_NUMBERS
from pluralign.methods import ranked
from pluralign.methods.builtin import COMPARED_BY_DEFAULT
from pluralign.methods.strength_weights import StrengthWeight
from pluralign.rewards.transformer.config import PartKind, TrainingConfig
from pluralign.settings.privacy import PrivacySettings
from pluralign.settings.toml_tables import FolderName, VariableName
from pluralign.settings.variants import SettingsTable, SettingsVariant, by_kind

DEFAULT_METHODS = tuple(method.name for method in COMPARED_BY_DEFAULT)
Auto = Literal["auto"]
Ridge = Annotated[float, Field(gt=0, allow_inf_nan=False), Unit("pairs")] | Auto
Fraction = Annotated[float, Field(gt=0, le=1)]


class SplitSettings(SettingsTable):
    """The split into training pairs and test pairs."""

    by: Literal["rater", "question", "stem", "both", "source", "prism", "files"] = "rater"
    """Unit that is kept on one side of the split: ``rater``, ``question``, ``stem``, ``both``,
    ``source``, ``prism`` or ``files``."""
    test: Annotated[float, Field(gt=0, lt=1)] | Path = 0.2
    """Fraction of the data to test on; with ``by = "files"``, the test file; not used
    with ``by = "source"``."""
    train: Path | None = None
    """With ``by = "files"``: the training file."""
    draw: Literal["random", "hash"] = "random"
    """``random`` shuffles all units and takes the first; ``hash`` derives side and fold of a unit
    from its own id and the seed, so that a person who leaves changes nobody else's."""
    test_where: dict[str, str] = Field(default_factory=dict)
    """Values of further columns that a test pair must have, such as ``{reason = "anchor"}`` for the
    randomly chosen pairs of a collected release; other pairs of the test side are not used. When
    unset: all of them are."""

    @model_validator(mode="after")
    def _files_go_together(self) -> "SplitSettings":
        by_files = self.by == "files"
        if by_files != isinstance(self.test, Path) or by_files != (self.train is not None):
            raise ValueError(
                'with by = "files", train and test must be files; with any other split, test must '
                "be a part such as 0.2, and train must not be set"
            )
        return self


class ReferenceSettings(SettingsTable):
    """The model that steering starts from."""

    fit_on: tuple[str, ...] | Literal["pooled"] | None = None
    """Communities to fit the reference on, or ``"pooled"`` for all of them. When unset: pooled,
    unless ``model`` is given."""
    model: Path | None = None
    """A saved reward model to use as the reference instead."""
    ridge: Ridge = "auto"
    """Pull towards zero, in pairs; ``auto`` chooses it by cross-validation on the training data."""
    part: Literal["same", "lora", "full"] = "same"
    """For a trained transformer: whether the reference is trained as an adapter, as a full copy, or
    in the same way as the communities."""
    training: dict[str, Any] = Field(default_factory=dict)
    """For a trained transformer: settings of ``[training]`` that differ for the reference."""

    @model_validator(mode="after")
    def _one_of_them(self) -> "ReferenceSettings":
        if self.fit_on is not None and self.model is not None:
            raise ValueError("only one of fit_on and model may be set")
        if self.fit_on == ():
            raise ValueError("fit_on must name at least one community")
        TrainingConfig.model_validate(self.training)
        return self


class TrunkSettings(SettingsVariant):
    """The model that reads prompts and responses: the settings that all kinds share."""

    kind: str

    @property
    def tuned(self) -> bool:
        """Whether communities are trained parts of a transformer, not linear heads."""
        return False


class EncoderEndpoint(SettingsTable):
    """Servers of embeddings, with ``encoder = "endpoint"``."""

    urls: tuple[str, ...]
    """Addresses of the servers, which share the texts: for ``openai`` such as
    ``http://10.0.0.7:8000/v1``, for ``tei`` without a path."""
    model: str
    """The servers' name of the model. Cached vectors belong to this name."""
    protocol: Literal["openai", "tei"] = "openai"
    """``openai`` asks ``/embeddings``, ``tei`` (text-embeddings-inference) asks ``/embed``."""
    api_key_env: VariableName | None = None
    """Name of the environment variable with the key. When unset, no key is sent."""
    dimensions: Annotated[int, Field(ge=1)] | None = None
    """Length of the vectors to ask for. When unset: the model's own."""
    truncate: bool = False
    """Whether a server is asked to read the beginning of a text that is too long for its model
    (vLLM and ``tei``). Otherwise it refuses the text, and the run stops."""
    batch: Annotated[int, Field(ge=1, le=4096), Unit("texts")] = 32
    """Largest number of texts in a request; halved for a server that refuses it as too large."""
    concurrency: Annotated[int, Field(ge=1, le=256), Unit("requests")] = 4
    """Number of requests in flight to each server."""
    timeout_s: Annotated[float, Field(gt=0), Unit("seconds")] = 120.0
    """Seconds after which a request is sent again."""
    tries: Annotated[int, Field(ge=1, le=100)] = 6
    """Number of failures in a row, with growing pauses, after which a server counts as down."""
    probe: tuple[float, ...] | None = None
    """Sixteen numbers by which a change of the servers' model is noticed; cards of saved models
    have them. When unset: the numbers of the cached vectors, or of the first server that
    answers."""

    @model_validator(mode="after")
    def _can_be_asked(self) -> Self:
        self.servers()
        if self.probe is not None and len(self.probe) != PROBE_NUMBERS:
            raise ValueError(f"probe must have {PROBE_NUMBERS} numbers, got {len(self.probe)}")
        return self

    def servers(self) -> EmbeddingServers:
        """The servers with their limits."""
        return EmbeddingServers(**self.model_dump(exclude={"probe"}))

    @property
    def name(self) -> str:
        """The servers and the key that they are sent, as a user trusts them."""
        return " ".join([*self.urls, *([self.api_key_env] if self.api_key_env else [])])


class EmbeddingTrunkSettings(TrunkSettings):
    """A frozen sentence encoder, and features of its vectors."""

    kind: Literal["embedding"] = "embedding"
    """Kind of trunk: a frozen sentence encoder (``embedding``), or any Hugging Face model
    (``transformer``)."""
    encoder: str = "minilm"
    """``minilm``, ``minilm-onnx``, ``static``, ``hash``, ``endpoint`` (servers of embeddings), or
    the name or folder of a sentence-transformers model."""
    endpoint: EncoderEndpoint | None = None
    interaction: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.5
    """Weight of the features that let a taste depend on the prompt; 0 leaves them out."""
    components: Annotated[int, Field(ge=0, le=64)] = 32
    """Largest number of principal components of the training prompts, and of the training
    responses, whose products let a taste depend on the prompt. With 0, vectors are multiplied by
    element."""

    @model_validator(mode="after")
    def _an_endpoint_has_servers(self) -> Self:
        if (self.encoder == "endpoint") != (self.endpoint is not None):
            raise ValueError(
                'encoder = "endpoint" and [trunk.endpoint] with urls and model go together'
            )
        return self


class TransformerTrunkSettings(TrunkSettings):
    """Any Hugging Face model."""

    kind: Literal["transformer"] = "transformer"
    model: str
    """With ``kind = "transformer"``: name on the Hugging Face hub or folder of the model, or
    ``minilm``."""
    community: Literal["lora", "full", "head"] = "lora"
    """Weights of each community: an adapter with its own head (``lora``), a full copy (``full``),
    or a head on the frozen model (``head``)."""
    text: Literal["auto", "chat", "pair", "plain", "joined"] = "auto"
    """Text form of a request. ``auto``: the chat template if the tokenizer has one, else a text
    pair."""
    score_text: Literal["same", "chat", "pair", "plain", "joined"] = "same"
    """Text form of a request when it is scored; a value other than ``same`` reproduces the
    published procedure."""
    max_length: Annotated[int, Field(ge=8), Unit("tokens")] = 512
    """Largest number of tokens of a request."""
    overlong: Literal["cut", "drop"] = "cut"
    """Treatment of longer training pairs: cut from the left of the prompt, or left out. Scoring
    always cuts."""
    revision: str | None = None
    """Branch, tag or commit of the model on the hub."""
    label: str | None = None
    """Name or number of the output that is the reward, for a model with several outputs."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Number format of the model; ``auto`` is bfloat16 on a GPU that supports it."""
    attention: str | None = None
    """Attention implementation, such as ``flash_attention_2``. When unset, Transformers chooses."""
    tokens: Annotated[int, Field(ge=1), Unit("tokens")] | None = None
    """Number of tokens in a scoring batch. When unset, it suits the device and is reduced where
    memory is short."""
    trust_remote_code: bool = False
    """Whether code that comes with the model may run."""

    @property
    def tuned(self) -> bool:
        """Whether communities are trained parts, not linear heads."""
        return self.community != "head"

    @property
    def part_kind(self) -> PartKind:
        """The kind of weights that are trained for a community."""
        assert self.community != "head", "heads are fitted, not trained"
        return self.community


AnyTrunkSettings = Annotated[
    Annotated[EmbeddingTrunkSettings, Tag("embedding")]
    | Annotated[TransformerTrunkSettings, Tag("transformer")],
    by_kind("embedding", "transformer"),
]


class MethodSettings(SettingsTable):
    """Settings that all methods share."""

    faithful: bool = False
    """Whether to train transformers as SCPO was published. It changes defaults of trunk and
    training; your own settings override them."""


class FitSettings(SettingsTable):
    """Settings of the fit of linear heads."""

    ridge: Ridge = "auto"
    """Pull towards the reference, in pairs; ``auto`` chooses it for each method by cross-validation
    on the training data."""
    strength: StrengthWeight = "none"
    """Weight of a training pair by the strength of its choice: ``none``, its square root (``root``)
    or all of it (``full``); a pair without a strength keeps its weight."""


class IntervalSettings(SettingsTable):
    """Settings of intervals."""

    draws: Annotated[int, Field(ge=100, le=100_000)] = 2000
    """Number of draws of raters, or question stems, behind gaps, ratios and studies."""


class CurveSettings(SettingsTable):
    """Learning curves; none where ``fractions`` is empty."""

    fractions: tuple[Fraction, ...] = ()
    """Fractions of the training data to learn from; the whole training data is added."""
    by: tuple[Literal["pairs", "raters"], ...] = ("pairs", "raters")
    """Units to take fractions of; ``raters`` means questions or stems where there are no raters."""
    methods: tuple[str, ...] = tuple(
        method.name for method in ranked(COMPARED_BY_DEFAULT) if method.steers
    )
    """Methods to draw curves for."""
    repeats: Annotated[int, Field(ge=1)] = 1
    """Number of repeats to draw curves for."""


class SensitivitySettings(SettingsTable):
    """SCPO under other settings; none where both lists are empty."""

    tau: tuple[Fraction, ...] = ()
    """Values of tau for ``scpo``, each combined with every beta."""
    beta: tuple[Annotated[float, Field(gt=0, allow_inf_nan=False), Unit("logits")], ...] = ()
    """Values of beta for ``scpo``, each combined with every tau."""
    ridge: tuple[Annotated[float, Field(gt=0, allow_inf_nan=False), Unit("pairs")], ...] = ()
    """Values of the ridge, for ``full``, ``scpo`` and its ablations."""
    repeats: Annotated[int, Field(ge=1)] = 1
    """Number of repeats to measure."""


class Settings(SettingsTable):
    """An experiment."""

    @property
    def reference_training(self) -> TrainingConfig:
        """Training settings of the reference, if it is a trained part."""
        return TrainingConfig.model_validate(self.training.model_dump() | self.reference.training)

    @property
    def transformer(self) -> TransformerTrunkSettings:
        """The trunk of an experiment on a transformer."""
        assert isinstance(self.trunk, TransformerTrunkSettings)
        return self.trunk

    name: FolderName = "experiment"
    """Name of the experiment; without ``--out`` the folder is ``runs/NAME``."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Seed of the first repeat."""
    repeats: Annotated[int, Field(ge=1, le=1000)] = 1
    """Number of refits, with seeds ``seed``, ``seed + 1``, ...; each draws a new split."""
    communities: tuple[str, ...] | None = None
    """Communities to steer to. When unset: every community with enough people that the reference
    was not fitted on."""
    min_pairs: Annotated[int, Field(ge=1), Unit("pairs")] = 200
    """Smallest number of pairs of a community that is steered to without being named."""
    min_raters: Annotated[int, Field(ge=1), Unit("people")] = 10
    """Smallest number of raters of a community that is steered to without being named; ignored
    where pairs have no raters."""
    methods: tuple[str, ...] = DEFAULT_METHODS
    """Methods to compare."""
    baselines: tuple[str, ...] | None = None
    """Methods, among ``methods``, with which the others are compared in each community. When unset:
    ``reference`` and ``full``, and methods of your own that are marked as baselines. On average
    over communities, every two methods are compared."""
    limit: Annotated[int, Field(ge=1), Unit("pairs")] = 1_000_000
    """Largest number of pairs; a seeded sample is drawn from larger data."""
    matrix: bool = False
    """Whether to write every steer on every community to ``results.jsonl``, for any number of
    communities. By default, with more than 20 communities, the effects of a steer on the other
    communities are in ``matrix.parquet``."""
    pairs: tuple[dict[str, Any], ...] = ()
    """Sources of pairs: ``source`` names one, the other keys are its settings. A list,
    ``[[pairs]]``, joins several."""
    privacy: PrivacySettings = PrivacySettings()
    split: SplitSettings = SplitSettings()
    reference: ReferenceSettings = ReferenceSettings()
    trunk: AnyTrunkSettings = EmbeddingTrunkSettings()
    method: MethodSettings = MethodSettings()
    fit: FitSettings = FitSettings()
    training: TrainingConfig = TrainingConfig()
    intervals: IntervalSettings = IntervalSettings()
    curves: CurveSettings = CurveSettings()
    sensitivity: SensitivitySettings = SensitivitySettings()

    @property
    def components(self) -> int:
        """Largest number of principal components of texts; 0 where the trunk has none."""
        return self.trunk.components if self.trunk.kind == "embedding" else 0

    @model_validator(mode="after")
    def _pairs_come_from_one_table(self) -> Self:
        if (self.split.by == "files") == bool(self.pairs):
            raise ValueError('exactly one of [pairs] and [split] with by = "files" must be given')
        return self

    @model_validator(mode="after")
    def _methods_are_named_once(self) -> Self:
        if not self.methods:
            raise ValueError("methods must name at least one method")
        if len(set(self.methods)) < len(self.methods):
            raise ValueError("methods must name each method once")
        unknown = sorted(set(self.baselines or ()) - set(self.methods))
        if unknown:
            known = ", ".join(self.methods)
            raise ValueError(f"baselines must be among {known}, got {', '.join(unknown)}")
        return self

    @model_validator(mode="after")
    def _only_transformers_are_trained(self) -> Self:
        if self.method.faithful and not self.trunk.tuned:
            raise ValueError(
                'method.faithful is for trained transformers only: set trunk.kind = "transformer"'
            )
        if self.trunk.kind == "embedding" and (
            self.training != TrainingConfig() or self.reference.training
        ):
            raise ValueError('[training] is for transformers only: set trunk.kind = "transformer"')
        return self

    @model_validator(mode="after")
    def _only_heads_are_fitted(self) -> Self:
        if not self.trunk.tuned:
            return self
        if self.reference.model is not None or self.sensitivity.ridge:
            raise ValueError(
                "reference.model and sensitivity.ridge are for linear heads only; name trunk.model"
            )
        if self.fit.ridge != "auto" or self.reference.ridge != "auto":
            raise ValueError("a ridge is for linear heads only; trained parts use [training]")
        if self.privacy.loss == "unbiased":
            raise ValueError(
                'privacy.loss = "unbiased" is for linear heads only: without a ridge it falls '
                'without end; use "forward"'
            )
        return self

    @model_validator(mode="after")
    def _curves_are_of_methods_that_run(self) -> Self:
        named = "methods" in self.curves.model_fields_set
        unknown = sorted(set(self.curves.methods) - set(self.methods))
        if self.curves.fractions and unknown and named:
            raise ValueError(f"curves.methods must be among methods, got {', '.join(unknown)}")
        return self
