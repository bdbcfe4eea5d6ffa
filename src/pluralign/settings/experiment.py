"""Settings of an experiment: one TOML file, validated whole before anything starts."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pluralign.rewards.transformer.config import PartKind, TrainingConfig
from pluralign.settings.toml_tables import FolderName

DEFAULT_METHODS = (
    "reference",
    "length",
    "full",
    "scpo",
    "scpo-filter-only",
    "scpo-weight-only",
    "scpo-inverse-weight",
    "pooled",
    "adaptive",
)
Auto = Literal["auto"]
Ridge = Annotated[float, Field(gt=0, allow_inf_nan=False)] | Auto
Fraction = Annotated[float, Field(gt=0, le=1)]


class _Table(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False
    )


class SplitSettings(_Table):
    """Which pairs train and which test."""

    by: Literal["rater", "question", "stem", "both", "prism", "files"] = "rater"
    """What must not be on both sides. ``prism``: PRISM's published raters. ``files``: given train and test files."""
    test: Annotated[float, Field(gt=0, lt=1)] | Path = 0.2
    """Part to test on; with ``by = "files"`` the test file."""
    train: Path | None = None
    """With ``by = "files"``: the training file."""

    @model_validator(mode="after")
    def _files_go_together(self) -> "SplitSettings":
        if (self.by == "files") != isinstance(self.test, Path) or (self.by == "files") != (
            self.train is not None
        ):
            raise ValueError(
                'by = "files" takes train and test files, every other split a test part such as 0.2'
            )
        return self


class ReferenceSettings(_Table):
    """The model that steering starts from."""

    fit_on: tuple[str, ...] | Literal["pooled"] | None = None
    """Communities to fit it on, or ``"pooled"``: all of them. Default: ``pooled``, unless ``model`` is given."""
    model: Path | None = None
    """A saved reward model to start from instead."""
    ridge: Ridge = "auto"
    """Pull towards zero, in pairs; ``auto`` chooses it inside the training raters."""
    part: Literal["same", "lora", "full"] = "same"
    """Under trained parts: whether the reference is trained as an adapter, a full copy, or as the communities are."""
    training: dict[str, Any] = Field(default_factory=dict)
    """Under trained parts: settings of ``[training]`` that are others for the reference."""

    @model_validator(mode="after")
    def _one_of_them(self) -> "ReferenceSettings":
        if self.fit_on is not None and self.model is not None:
            raise ValueError("fit_on and model exclude each other")
        if self.fit_on == ():
            raise ValueError("fit_on names no community")
        TrainingConfig.model_validate(self.training)
        return self


_EMBEDDING = {"encoder", "interaction"}


class TrunkSettings(_Table):
    """What reads prompts and responses."""

    kind: Literal["embedding", "transformer"] = "embedding"
    """Kind of trunk: a frozen sentence encoder, or any Hugging Face model."""
    encoder: str = "minilm"
    """``minilm``, ``static``, ``hash``, or the name or folder of a sentence-transformers model."""
    interaction: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.5
    """Weight of the features that let a taste depend on the prompt."""
    model: str | None = None
    """With ``kind = "transformer"``: name on the Hugging Face hub or folder of the model; or ``minilm``."""
    community: Literal["lora", "full", "head"] = "lora"
    """What a community is: an adapter with its own head, a full copy, or a head on the frozen model."""
    text: Literal["auto", "chat", "pair", "plain", "joined"] = "auto"
    """How requests are written. ``auto``: the chat template, else a text pair, whichever the tokenizer has."""
    score_text: Literal["same", "chat", "pair", "plain", "joined"] = "same"
    """How requests are written when they are scored; other than ``same`` repeats the published way."""
    max_length: Annotated[int, Field(ge=8)] = 512
    """Tokens at most."""
    overlong: Literal["cut", "drop"] = "cut"
    """Training pairs that are longer: cut from the left of the prompt, or left out. Scoring always cuts."""
    revision: str | None = None
    """Branch, tag or commit of the model on the hub."""
    label: str | None = None
    """Which of several outputs is the reward, by name or number."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Number format of the model; ``auto`` is bfloat16 on a GPU that has it."""
    attention: str | None = None
    """Attention implementation, such as ``flash_attention_2``. Default: what Transformers chooses."""
    tokens: Annotated[int, Field(ge=1)] | None = None
    """Tokens in a batch when scoring. Default: what suits the device, and less where memory is short."""
    trust_remote_code: bool = False
    """Whether code that comes with the model may run."""

    @model_validator(mode="after")
    def _of_one_kind(self) -> "TrunkSettings":
        own = {
            "embedding": {"encoder", "interaction"},
            "transformer": set(TrunkSettings.model_fields) - _EMBEDDING,
        }
        foreign = sorted(self.model_fields_set - own[self.kind] - {"kind"})
        if foreign:
            other = "transformer" if self.kind == "embedding" else "embedding"
            raise ValueError(
                f'{", ".join(foreign)} belong to kind = "{other}", and kind is "{self.kind}"'
            )
        if self.kind == "transformer" and self.model is None:
            raise ValueError(
                'kind = "transformer" needs a model, as in model = "OpenAssistant/reward-model-deberta-v3-base"'
            )
        return self

    @property
    def tuned(self) -> bool:
        """Whether communities are trained parts of a transformer, not linear heads."""
        return self.kind == "transformer" and self.community != "head"

    @property
    def part_kind(self) -> PartKind:
        """What is trained for a community."""
        assert self.community != "head", "heads are fitted, not trained"
        return self.community


class MethodSettings(_Table):
    """How methods are run."""

    faithful: bool = False
    """Train transformers as SCPO was published: other defaults for trunk and training, which your settings override."""


class FitSettings(_Table):
    """How heads are fitted."""

    ridge: Ridge = "auto"
    """Pull towards the reference, in pairs; ``auto`` chooses it for each method inside the training raters."""


class IntervalSettings(_Table):
    """How intervals are drawn."""

    draws: Annotated[int, Field(ge=100, le=100_000)] = 2000
    """Bootstrap draws over raters (or questions)."""


class CurveSettings(_Table):
    """Learning curves; none where ``fractions`` is empty."""

    fractions: tuple[Fraction, ...] = ()
    """Fractions of the training data to learn from."""
    by: tuple[Literal["pairs", "raters"], ...] = ("pairs", "raters")
    """What to take fractions of; ``raters`` means questions or stems where there are no raters."""
    methods: tuple[str, ...] = ("full", "scpo", "pooled", "adaptive")
    """Methods to draw curves for."""
    repeats: Annotated[int, Field(ge=1)] = 1
    """Draw them over so many of the repeats."""


class SensitivitySettings(_Table):
    """SCPO under other settings; none where both lists are empty."""

    tau: tuple[Fraction, ...] = ()
    """Values of tau, each with every beta."""
    beta: tuple[Annotated[float, Field(gt=0, allow_inf_nan=False)], ...] = ()
    """Values of beta, each with every tau."""
    ridge: tuple[Annotated[float, Field(gt=0, allow_inf_nan=False)], ...] = ()
    """Values of the ridge, for full, scpo and its ablations."""
    repeats: Annotated[int, Field(ge=1)] = 1
    """Measure over so many of the repeats."""


class Settings(_Table):
    """An experiment."""

    @property
    def reference_training(self) -> TrainingConfig:
        """How the reference is trained, where it is a trained part."""
        return TrainingConfig.model_validate(self.training.model_dump() | self.reference.training)

    name: FolderName = "experiment"
    """Name of the experiment; without slashes, for its folder is named so."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Seed of the first repeat."""
    repeats: Annotated[int, Field(ge=1, le=1000)] = 1
    """Refits, with seeds ``seed``, ``seed + 1``, ...: each draws a new split."""
    communities: tuple[str, ...] | None = None
    """Communities to steer to. Default: every one with enough people that the reference was not fitted on."""
    min_pairs: Annotated[int, Field(ge=1)] = 200
    """A community with fewer pairs is not steered to unless named."""
    min_raters: Annotated[int, Field(ge=1)] = 10
    """A community with fewer raters is not steered to unless named; no matter where pairs have no raters."""
    methods: tuple[str, ...] = DEFAULT_METHODS
    """Methods to compare."""
    limit: Annotated[int, Field(ge=1)] = 1_000_000
    """Use at most so many pairs, a seeded sample where there are more."""
    matrix: bool = False
    """Write every steer on every community to ``results.jsonl``, however many communities there are. Default: with
    more than 20 communities, what a steer does to the others is in ``matrix.parquet``."""
    pairs: tuple[dict[str, Any], ...] = ()
    """Sources of pairs: ``source`` names one, the other keys are its settings."""
    split: SplitSettings = SplitSettings()
    reference: ReferenceSettings = ReferenceSettings()
    trunk: TrunkSettings = TrunkSettings()
    method: MethodSettings = MethodSettings()
    fit: FitSettings = FitSettings()
    training: TrainingConfig = TrainingConfig()
    intervals: IntervalSettings = IntervalSettings()
    curves: CurveSettings = CurveSettings()
    sensitivity: SensitivitySettings = SensitivitySettings()

    @model_validator(mode="after")
    def _fits_together(self) -> "Settings":
        if (self.split.by == "files") == bool(self.pairs):
            raise ValueError('give [pairs], or [split] with by = "files"; not both, not neither')
        if not self.methods:
            raise ValueError("methods names no method")
        if len(set(self.methods)) < len(self.methods):
            raise ValueError("methods names a method twice")
        if self.method.faithful and not self.trunk.tuned:
            raise ValueError(
                'method.faithful is about training transformers: set trunk.kind = "transformer"'
            )
        if self.trunk.tuned and (self.reference.model is not None or self.sensitivity.ridge):
            raise ValueError(
                "reference.model and sensitivity.ridge are for linear heads; here, name trunk.model"
            )
        if self.trunk.tuned and (self.fit.ridge != "auto" or self.reference.ridge != "auto"):
            raise ValueError(
                "a ridge is for linear heads; trained parts are held back by [training]"
            )
        if self.trunk.kind == "embedding" and (
            self.training != TrainingConfig() or self.reference.training
        ):
            raise ValueError('[training] is for transformers: set trunk.kind = "transformer"')
        unknown = set(self.curves.methods) - set(self.methods)
        if self.curves.fractions and unknown and "methods" in self.curves.model_fields_set:
            raise ValueError(
                f"curves.methods names {', '.join(sorted(unknown))}, which methods does not"
            )
        return self
