"""Write a saved model under a steer as a folder that other tools load, with a README."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from pluralign.core import (
    WORLD,
    AnyPath,
    Encoder,
    InvalidInput,
    Message,
    RewardRequest,
    Steer,
    SteerableRewardModel,
    as_path,
    read_steer,
)
from pluralign.huggingface.model_folders import whole_folder
from pluralign.interop.encoder_folder import (
    QUERY,
    is_half,
    rewards_in_library,
    write_encoder_folder,
)
from pluralign.interop.model_card import write_model_card
from pluralign.interop.model_sheet import ModelSheet
from pluralign.models import open_with_trunk
from pluralign.rewards import EmbeddingTrunk, LinearRewardModel, load_card

if TYPE_CHECKING:
    from pluralign.models.trunks import OpenTrunk

Shape = Literal["model", "adapter"]
_SAME, _SAME_IN_HALF = 1e-4, 0.05
"""How far rewards of an exported encoder may differ from ours, as a share of the largest reward."""
_PROBES = (
    RewardRequest("Tea or coffee?", "Tea, please."),
    RewardRequest("¿Qué importa más en la vida?", "La familia, antes que nada."),
    RewardRequest(
        (Message("user", "Hi"), Message("assistant", "Hello"), Message("user", "Bye")), ""
    ),
)


@dataclass(frozen=True, slots=True)
class Exported:
    """The folder that was written.

    Attributes:
        folder: The folder.
        shape: A whole transformer, an adapter, or a sentence encoder with heads.
        steer: The steer of the weights; None: the reference.
        communities: Communities that are routes of an encoder's folder; empty for one steer alone.
        apart: Of an encoder, the largest difference between its rewards and ours when they were
            compared, in logits.
    """

    folder: Path
    shape: Literal["model", "adapter", "encoder"]
    steer: Steer | None
    communities: tuple[str, ...] = ()
    apart: float = 0.0


def write_export(
    source: AnyPath,
    out: AnyPath,
    words: Sequence[str],
    strength: float = 1.0,
    shape: Shape = "model",
    cache: AnyPath | None = None,
    trust_encoder: str | None = None,
    all_communities: bool = False,
) -> Exported:
    """Export a saved model under a steer, with a ``README.md`` for its readers.

    A model on a transformer becomes a folder of Transformers, or a PEFT adapter; a model on a
    sentence encoder becomes a folder of sentence-transformers. Neither comes with code.

    Args:
        source: Folder of a saved model.
        out: Folder to write; it does not exist yet, or is empty.
        words: Which communities, as `pluralign.core.read_steer` reads them.
        strength: How strongly to steer.
        shape: A whole model, or a PEFT adapter with its head, which only trained adapters have.
        cache: Where vectors and rewards are kept; the default place where None.
        trust_encoder: A model that may be opened although only the card names it.
        all_communities: Of a model on a sentence encoder, every community as a route of its own
            next to the reference; ``words`` is empty then, and strength 1.

    Returns:
        The folder, and how it was written.

    Raises:
        InvalidInput: If the encoder is pluralign's own, or the steer cannot have that shape.
        UnknownCommunity: If the model has no such community.
    """
    source, out, cache = as_path(source), as_path(out), as_path(cache)
    model, opened = open_with_trunk(source, cache, around=_bare, trust_encoder=trust_encoder)
    steer = read_steer(model.communities, words or [WORLD.id], strength, where="--community")
    _refuse_shape(opened, words, strength, shape, all_communities)
    if opened.backbone is None:
        assert isinstance(model, LinearRewardModel)
        routes: dict[str, Steer | None] = {QUERY: steer}
        if all_communities:
            routes |= {id_: Steer.to(id_) for id_ in model.communities}
        apart = _write_encoder(model, routes, out)
        all_ = model.communities if all_communities else ()
        done = Exported(out, "encoder", steer, communities=all_, apart=apart)
    else:
        _write_transformer(model, opened, steer, shape, out)
        done = Exported(out, shape, steer)
    card = load_card(source)
    write_model_card(out, ModelSheet(str(out), steer=steer, base_model=_base(card)), card)
    return done


def _bare(encoder: Encoder) -> Encoder:
    """No cache around the encoder: the few texts of a check are encoded anew."""
    return encoder


def _refuse_shape(
    opened: "OpenTrunk",
    words: Sequence[str],
    strength: float,
    shape: Shape,
    all_communities: bool,
) -> None:
    if all_communities and opened.backbone is not None:
        raise InvalidInput(
            "the weights of a transformer are steered as a whole, to one community or a blend",
            where="--all-communities",
            hint="name a community with --community",
        )
    if all_communities and (words or strength != 1):
        raise InvalidInput(
            "all communities are exported at strength 1, each as itself",
            where="--all-communities",
            hint="leave --community and --strength out",
        )
    if opened.backbone is None and shape == "adapter":
        raise InvalidInput(
            "a head on a sentence encoder is no adapter",
            where="--as adapter",
            hint="export it as a model",
        )


def _write_encoder(
    model: LinearRewardModel, routes: Mapping[str, Steer | None], out: Path
) -> float:
    """Write an encoder with a head for each route, if it gives our rewards.

    Returns:
        The largest difference between its rewards and ours, in logits.
    """
    from pluralign.encoders import SentenceEncoder, StaticEncoder

    trunk = model.trunk
    assert isinstance(trunk, EmbeddingTrunk)
    encoder = trunk.encoder
    if not isinstance(encoder, SentenceEncoder | StaticEncoder):
        raise InvalidInput(
            "the encoder is pluralign's own, which no other tool computes",
            where=encoder.fingerprint,
            hint='run with trunk.encoder = "minilm", or any sentence-transformers model',
        )
    heads = {route: model.head(steer) for route, steer in routes.items()}
    ours_N_R = trunk.features(_PROBES).astype(np.float64) @ np.stack(list(heads.values()), axis=1)
    with whole_folder(out) as target, tempfile.TemporaryDirectory() as scratch:
        source = encoder.folder
        if isinstance(encoder, SentenceEncoder) and not (source / "modules.json").is_file():
            # A plain folder of Transformers: the library adds its pooling when it saves it.
            source = Path(scratch)
            encoder.model.save(scratch, create_model_card=False)
        write_encoder_folder(source, heads, trunk, target)
        found_N_R = rewards_in_library(target, _PROBES, list(routes))
        same = _SAME_IN_HALF if is_half(source) else _SAME
        apart = float(np.abs(ours_N_R - found_N_R).max())
        if not apart <= same * max(1.0, float(np.abs(ours_N_R).max())):
            raise InvalidInput(
                "sentence-transformers computes other rewards from it, "
                f"up to {apart:.2g} logits apart",
                where=str(encoder.folder),
                hint="score with pluralign, or run with another encoder",
            )
    return apart


def _write_transformer(
    model: SteerableRewardModel,
    opened: "OpenTrunk",
    steer: Steer | None,
    shape: Shape,
    out: Path,
) -> None:
    from pluralign.rewards.transformer.export import export_adapter, export_heads, export_model
    from pluralign.rewards.transformer.model import TransformerRewardModel

    assert opened.backbone is not None and opened.score_form is not None
    if not isinstance(model, TransformerRewardModel):
        assert isinstance(model, LinearRewardModel)
        if shape == "adapter":
            raise InvalidInput(
                "a head alone is no adapter", where="--as adapter", hint="export it as a model"
            )
        export_heads(model, opened.backbone, opened.score_form, steer, out)
    elif shape == "model":
        export_model(model, steer, out)
    elif steer is None:
        raise InvalidInput(
            "the reference is no adapter", where="--as adapter", hint="export it as a model"
        )
    else:
        export_adapter(model, steer, out)


def _base(card: Mapping[str, object]) -> str | None:
    """The model that a transformer was made from; an encoder's name is found by the model card."""
    trunk = card["trunk"]
    assert isinstance(trunk, dict)
    name = trunk.get("model")
    return None if name is None or str(name).startswith("..") else str(name)
