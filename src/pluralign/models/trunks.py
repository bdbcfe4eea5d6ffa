"""Trunks by the names that settings and cards give them."""

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pluralign.core import Encoder, InvalidSettings, Reporter, Silent, printable
from pluralign.encoders import (
    CachedEncoder,
    EndpointEncoder,
    encoder_named,
    opened_endpoint,
    packaged_folder,
)
from pluralign.encoders.cache import Agree
from pluralign.huggingface.trusting import TRUSTED_CODE, is_code_trusted, remember, require_trust
from pluralign.rewards import EmbeddingTrunk, LinearRewardModel, Trunk
from pluralign.scaling import SpreadEncoder
from pluralign.settings.experiment import (
    AnyTrunkSettings,
    EmbeddingTrunkSettings,
    EncoderEndpoint,
    TransformerTrunkSettings,
    TrunkSettings,
)
from pluralign.settings.validation import validated

if TYPE_CHECKING:
    from pluralign.rewards.transformer.backbones import Backbone, ModelSource
    from pluralign.rewards.transformer.tokenized_texts import TextForm
    from pluralign.rewards.transformer.trunk import Output, RequestEncoder

_MINILM = "sentence-transformers/all-MiniLM-L6-v2"
Around = Callable[[Encoder], Encoder]


@dataclass(frozen=True, slots=True)
class OpenTrunk:
    """A trunk, and how it can be opened again.

    Attributes:
        trunk: Reads requests. Under trained parts of a transformer its one feature is the
            reference's reward. Principal components are fitted in each repeat (`fit_trunk`).
        described: For the cards of models on it.
        backbone: The transformer; None under an embedding trunk.
        form: How requests are written in training.
        score_form: How they are written when they are scored.
        make_encoder: Makes its encoder in another process, without a cache.
    """

    trunk: Trunk
    described: Mapping[str, object]
    backbone: "Backbone | None" = None
    form: "TextForm | None" = None
    score_form: "TextForm | None" = None
    make_encoder: Callable[[], Encoder] | None = None

    def own_reference(self) -> LinearRewardModel | None:
        """The reward model that the trunk already is; None where it has no trained head."""
        if self.backbone is None or not self.backbone.has_head:
            return None
        from pluralign.rewards.transformer.trunk import own_head

        if self.trunk.dimensions == 1:
            return reward_itself(self.trunk)
        return LinearRewardModel(self.trunk, own_head(self.backbone))


def open_trunk(
    settings: AnyTrunkSettings,
    cache: Path | None = None,
    reporter: Reporter | None = None,
    around: Around | None = None,
    workers: Executor | None = None,
) -> OpenTrunk:
    """Open the trunk that settings name, with a cache around it.

    Args:
        settings: The table.
        cache: Where vectors and rewards are kept; the default place where None.
        reporter: Is notified of the progress, and of settings that had to be changed.
        around: A wrapper of the encoder that replaces the cache on disk.
        workers: Encode the texts that are not in the cache; None: this process does.

    Raises:
        InvalidInput: If it cannot be opened.
        MissingExtra: If what it needs is not installed.
    """
    reporter = reporter or Silent()
    if settings.kind == "embedding":
        named = _encoder(settings, cache, kept=around is None)
        if settings.endpoint is not None and isinstance(named, EndpointEncoder):
            # Workers must find the model of this process, whose vectors are in the cache.
            known = settings.endpoint.model_copy(update={"probe": named.probe})
            settings = settings.model_copy(update={"endpoint": known})
        make = encoder_maker(settings, cache)
        encoder = around(named) if around else _kept(named, make, cache, reporter, workers)
        described: dict[str, object] = {
            "kind": "embedding",
            "encoder": settings.encoder,
            "interaction": settings.interaction,
        }
        if settings.components:
            described["components"] = settings.components
        if settings.endpoint is not None and isinstance(named, EndpointEncoder):
            described["endpoint"] = settings.endpoint.model_dump(exclude_unset=True)
        trunk = EmbeddingTrunk(encoder, settings.interaction)
        return OpenTrunk(trunk, described, make_encoder=make)
    from pluralign.rewards.transformer.backbones import load_backbone

    reporter.stage(f"loading {settings.model}")
    backbone = load_backbone(model_source(settings))
    for note in backbone.notes:
        reporter.note(note)
    return transformer_trunk(settings, backbone, cache, reporter, around, workers)


def _encoder(settings: EmbeddingTrunkSettings, cache: Path | None, kept: bool) -> Encoder:
    """The encoder that settings name, without a cache around it.

    Args:
        settings: The table.
        cache: The cache folder.
        kept: Whether vectors will be kept there: servers must have the model of those.
    """
    endpoint = settings.endpoint
    if endpoint is None or settings.encoder != "endpoint":  # a rehearsal replaces the encoder
        return encoder_named(settings.encoder, cache)
    if kept:
        return opened_endpoint(endpoint.servers(), cache, endpoint.probe)
    return EndpointEncoder(endpoint.servers(), endpoint.probe)


def transformer_trunk(
    settings: TransformerTrunkSettings,
    backbone: "Backbone",
    cache: Path | None,
    reporter: Reporter,
    around: Around | None = None,
    workers: Executor | None = None,
) -> OpenTrunk:
    """The trunk of a transformer that is loaded already; workers load it by its settings."""
    from pluralign.huggingface.processes import all_agree
    from pluralign.rewards.transformer.trunk import TransformerTrunk

    form, score_form = _text_forms(settings, backbone)
    encoder = _request_encoder(settings, backbone, score_form, reporter.note)
    described = settings.model_dump(exclude={"encoder", "interaction", "tokens"})
    described["text"] = form.kind
    make = partial(_loaded_request_encoder, settings)
    cached = (
        around(encoder) if around else _kept(encoder, make, cache, reporter, workers, all_agree)
    )
    trunk = TransformerTrunk(cached, encoder.tokens_of)
    return OpenTrunk(trunk, described, backbone, form, score_form, make)


def _kept(
    encoder: Encoder,
    make: Callable[[], Encoder],
    cache: Path | None,
    reporter: Reporter,
    workers: Executor | None,
    agree: Agree | None = None,
) -> CachedEncoder:
    """A cache on disk around an encoder; workers encode the missing texts, where there are some."""
    if workers is None:
        return CachedEncoder(encoder, cache, reporter.progress, agree)
    return SpreadEncoder(make, workers, cache, reporter.progress, agree, encoder)


def encoder_maker(
    settings: EmbeddingTrunkSettings, cache: Path | None = None
) -> Callable[[], Encoder]:
    """A function that makes the encoder that settings name, here and on workers.

    Args:
        settings: The table. A folder gets its whole path, because workers start elsewhere.
        cache: Cache folder, for distilled encoders; the default one where None.
    """
    path = Path(settings.encoder)
    whole = {"encoder": str(path.absolute())} if path.exists() else {}
    return partial(_encoder, settings.model_copy(update=whole), cache, kept=False)


def _loaded_request_encoder(settings: TransformerTrunkSettings) -> "RequestEncoder":
    """The encoder of requests in another process."""
    from pluralign.rewards.transformer.backbones import load_backbone

    backbone = load_backbone(model_source(settings))
    return _request_encoder(settings, backbone, _text_forms(settings, backbone)[1])


def _text_forms(
    settings: TransformerTrunkSettings, backbone: "Backbone"
) -> tuple["TextForm", "TextForm"]:
    """How requests are written in training, and when they are scored."""
    from pluralign.rewards.transformer.tokenized_texts import TextForm, form_for

    kind = form_for(backbone.tokenizer) if settings.text == "auto" else settings.text
    form = TextForm(kind, settings.max_length, settings.overlong)
    if settings.score_text == "same":
        return form, form
    return form, replace(form, kind=settings.score_text)


def _request_encoder(
    settings: TransformerTrunkSettings,
    backbone: "Backbone",
    form: "TextForm",
    note: Callable[[str], None] | None = None,
) -> "RequestEncoder":
    from pluralign.rewards.transformer.trunk import RequestEncoder

    output: Output = "reward" if settings.tuned else "hidden"
    return RequestEncoder(backbone, form, output, settings.tokens, note)


def reopen(
    described: Mapping[str, Any],
    folder: Path,
    cache: Path | None = None,
    around: Around | None = None,
    trust_encoder: str | None = None,
    workers: Executor | None = None,
) -> OpenTrunk:
    """Open the trunk of a card, if it is packaged, in the same run, or named by the user.

    Args:
        described: The card's ``trunk``.
        folder: Where the card lies; a model that was trained in the same run is named from there.
        cache: Where vectors and rewards are kept; the default place where None.
        around: A wrapper of the encoder that replaces the cache on disk.
        trust_encoder: The encoder or model that the user trusts although only the card names it.
        workers: Encode the texts that are not in the cache; None: this process does.

    Raises:
        InvalidSettings: If the card names a model that the user has not named, or asks to run its
            code.
    """
    kind = TrunkSettings.family()[described["kind"]]
    fields = {key: value for key, value in described.items() if key in kind.model_fields}
    if described["kind"] == "embedding":
        fields.setdefault("components", 0)  # cards of versions without them
    name = _named_on_card(described)
    inside = _inside_run(name, folder) if described["kind"] == "transformer" else None
    if inside is None:
        require_trust(name, str(folder), trust_encoder)
    else:
        fields["model"] = name = str(inside)
    if fields.get("trust_remote_code") and not is_code_trusted(name):
        raise InvalidSettings(
            f"its card asks to run the code that comes with {printable(name)!r}, which was not run",
            where=str(folder),
            hint=f"read that code; if you trust it, set {TRUSTED_CODE}=1",
        )
    settings = validated(kind, fields, f"{folder}: card.json: trunk")
    assert isinstance(settings, EmbeddingTrunkSettings | TransformerTrunkSettings)
    return open_trunk(settings, cache, around=around, workers=workers)


def _named_on_card(described: Mapping[str, Any]) -> str:
    """The encoder or model that a card names, or the servers with the variable of their key."""
    if described["kind"] != "embedding":
        return str(described["model"])
    endpoint = described.get("endpoint")
    if endpoint is None:
        return str(described["encoder"])
    return validated(EncoderEndpoint, endpoint, "card.json: trunk.endpoint").name


def _inside_run(name: str, folder: Path) -> Path | None:
    """The folder of a model in the same run as the card; None where it is elsewhere."""
    place, home = (folder / name).resolve(), folder.resolve()
    run = home.parents[2] if home.parent.parent.name == "models" else home
    return place if (place / "config.json").is_file() and run in place.parents else None


def remember_trunk(settings: AnyTrunkSettings) -> None:
    """Remember that the user has named this encoder or model: cards of the run may name it too."""
    if settings.kind == "embedding":
        remember(settings.endpoint.name if settings.endpoint else settings.encoder)
    else:
        remember(settings.model, settings.trust_remote_code)


def model_source(settings: TransformerTrunkSettings) -> "ModelSource":
    """Which model the settings name."""
    from pluralign.rewards.transformer.backbones import ModelSource

    name = settings.model
    if name == "minilm":
        name = str(packaged_folder() or _MINILM)
    return ModelSource(
        name,
        settings.revision,
        settings.label,
        settings.precision,
        settings.attention,
        trust_remote_code=settings.trust_remote_code,
    )


def reward_itself(trunk: Trunk) -> LinearRewardModel:
    """The reference on a trunk whose one feature is its reward."""
    import numpy as np

    return LinearRewardModel(trunk, np.ones(1))
