"""Write a saved model under a steer as a folder that other tools load, described for its readers."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pluralign.core import InvalidInput, Steer, read_steer
from pluralign.interop.model_card import ModelSheet, write_model_card
from pluralign.models import open_with_trunk
from pluralign.rewards import LinearRewardModel, load_card

if TYPE_CHECKING:
    from pluralign.models.trunks import OpenTrunk
    from pluralign.rewards.transformer.backbones import Backbone
    from pluralign.rewards.transformer.texts import TextForm

Shape = Literal["model", "adapter"]


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written.

    Attributes:
        folder: Where.
        shape: A whole model, or an adapter.
        steer: What it was steered to; None: the reference.
    """

    folder: Path
    shape: Shape
    steer: Steer | None


def write_export(
    source: Path,
    out: Path,
    words: Sequence[str],
    strength: float = 1.0,
    shape: Shape = "model",
    cache: Path | None = None,
    trust_encoder: str | None = None,
) -> Exported:
    """Export a saved model under a steer, with a ``README.md`` that says whom it was made with and how to load it.

    Args:
        source: Folder of a saved model whose trunk is a transformer.
        out: Folder to write; not there yet, or empty.
        words: Which communities, as `pluralign.core.read_steer` reads them.
        strength: How strongly.
        shape: A plain model for ``AutoModelForSequenceClassification``, or a PEFT adapter with its head.
        cache: Where vectors and rewards are kept; the default place where None.
        trust_encoder: A model that may be opened although only the card names it.

    Returns:
        What was written.

    Raises:
        InvalidInput: If the trunk is no transformer, or the steer cannot have that shape.
        UnknownCommunity: If the model has no such community.
    """
    from pluralign.rewards.transformer.export import export_adapter, export_heads, export_model
    from pluralign.rewards.transformer.model import TransformerRewardModel

    model, opened = open_with_trunk(source, cache, trust_encoder=trust_encoder)
    steer = read_steer(model.communities, words, strength, where="--community")
    if isinstance(model, TransformerRewardModel):
        if shape == "model":
            export_model(model, steer, out)
        elif steer is None:
            raise InvalidInput(
                "the reference is no adapter", where="--as adapter", hint="export it as a model"
            )
        else:
            export_adapter(model, steer, out)
    else:
        assert isinstance(model, LinearRewardModel)
        backbone, form = _transformer(opened, source, shape)
        export_heads(model, backbone, form, steer, out)
    card = load_card(source)
    write_model_card(out, ModelSheet(str(out), steer=steer, base_model=_base(card)), card)
    return Exported(out, shape, steer)


def _transformer(opened: "OpenTrunk", source: Path, shape: Shape) -> tuple["Backbone", "TextForm"]:
    if opened.backbone is None or opened.score_form is None:
        raise InvalidInput(
            "the trunk is a sentence encoder under features of our own, which no Hugging Face model computes",
            where=str(source),
            hint='score with pluralign, or run with trunk.kind = "transformer"',
        )
    if shape == "adapter":
        raise InvalidInput(
            "a head alone is no adapter", where="--as adapter", hint="export it as a model"
        )
    return opened.backbone, opened.score_form


def _base(card: object) -> str | None:
    assert isinstance(card, dict)
    name = str(card["trunk"].get("model"))
    return None if name.startswith("..") else name
