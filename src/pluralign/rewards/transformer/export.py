"""Write a steered transformer as a plain Hugging Face model, or as a PEFT adapter."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pluralign.core import Steer
from pluralign.huggingface.model_folders import whole_folder
from pluralign.huggingface.processes import writing
from pluralign.huggingface.quieting import quiet
from pluralign.rewards.linear import LinearRewardModel
from pluralign.rewards.transformer.backbones import Backbone
from pluralign.rewards.transformer.blending import Adapter, coefficients
from pluralign.rewards.transformer.model import TransformerRewardModel, attached, swapped
from pluralign.rewards.transformer.tokenized_texts import TextForm
from pluralign.rewards.transformer.trunk import set_head

TEXT = "pluralign.json"


def export_model(model: TransformerRewardModel, steer: Steer | None, folder: Path) -> None:
    """Write a model under a steer as a plain folder for ``AutoModelForSequenceClassification``.

    It has ``num_labels=1``, ``problem_type="regression"`` and a ``pad_token_id``;
    ``pluralign.json`` in the same folder states how its texts are written.

    Args:
        model: The model.
        steer: Which communities; None writes the reference.
        folder: Where to; it must not be there yet, and appears whole or not at all.

    Raises:
        InvalidInput: If the folder is there already.
        UnknownCommunity: If the model has no such community.
    """
    shares = model.by_folder(coefficients(steer, model.communities)) if steer is not None else {}
    base = model.backbone

    def write(target: Path) -> None:
        if not shares:
            _write_model(base.model, base, target)
        elif model.kind == "full":
            with swapped(base.model, shares) as blended:
                _write_model(blended, base, target)
        else:
            merged = copy.deepcopy(base.model)
            with quiet(), attached(merged, {"export": model.adapter(shares)}) as peft:
                _write_model(peft.merge_and_unload(), base, target)

    _whole_folder(folder, write, model.form)


def export_adapter(model: TransformerRewardModel, steer: Steer, folder: Path) -> None:
    """Write a model under a steer as a PEFT adapter with its head (``task_type="SEQ_CLS"``).

    Args:
        model: A model whose parts are adapters.
        steer: Which communities; a blend becomes one adapter whose rank is the sum of ranks.
        folder: Where to; it must not be there yet.

    Raises:
        InvalidInput: If parts are full copies, the steer is the reference, or the folder is there
            already.
        UnknownCommunity: If the model has no such community.
    """
    shares = model.by_folder(coefficients(steer, model.communities))

    def write(target: Path) -> None:
        adapter = model.adapter(shares)
        named = {
            **adapter.config,
            "base_model_name_or_path": model.backbone.source.name,
            "inference_mode": True,
        }
        Adapter(named, adapter.tensors).write(target)
        model.backbone.tokenizer.save_pretrained(target)

    _whole_folder(folder, write, model.form)


def export_heads(
    model: LinearRewardModel, backbone: Backbone, form: TextForm, steer: Steer | None, folder: Path
) -> None:
    """Write a frozen transformer with the head of a steer, as `export_model` writes a model.

    Args:
        model: Linear heads on a `TransformerTrunk` of ``backbone``.
        backbone: The model they sit on.
        form: How requests are written.
        steer: Which communities; None writes the reference.
        folder: Where to; it must not be there yet.
    """

    def write(target: Path) -> None:
        headed = copy.deepcopy(backbone.model)
        set_head(headed, model.head(steer))
        _write_model(headed, backbone, target)

    _whole_folder(folder, write, form)


def _write_model(model: Any, backbone: Backbone, folder: Path) -> None:
    model.config.id2label, model.config.label2id = {0: "reward"}, {"reward": 0}
    model.config.architectures = [type(model).__name__]
    with quiet():
        model.save_pretrained(folder, safe_serialization=True)
    backbone.tokenizer.save_pretrained(folder)


def _whole_folder(folder: Path, write: Callable[[Path], None], form: TextForm) -> None:
    with writing() as main:
        if main:
            with whole_folder(folder) as target:
                write(target)
                told = {"text": form.kind, "max_length": form.max_length, "overlong": form.overlong}
                (target / TEXT).write_text(
                    json.dumps(told, indent=2), encoding="utf-8", newline="\n"
                )
