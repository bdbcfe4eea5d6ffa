"""The steerable transformer: one model, and for each community a LoRA adapter with its own head, or a full copy."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pluralign.core import FloatArray, InvalidInput, NotEnoughData, RewardRequest, Steer
from pluralign.huggingface.quieting import quiet
from pluralign.rewards.transformer.adapters import head_module, own_layers_back
from pluralign.rewards.transformer.backbones import Backbone
from pluralign.rewards.transformer.blending import (
    Adapter,
    blend_adapters,
    blend_copies,
    coefficients,
)
from pluralign.rewards.transformer.finetuning import PartKind
from pluralign.rewards.transformer.forward import Runner
from pluralign.rewards.transformer.texts import TextForm, Tokens, tokenise

_BLEND = "blend"


@dataclass(frozen=True, slots=True)
class TransformerRewardModel:
    """A transformer with a trained part for each community.

    With parameters theta of the reference and theta_c of a community, a steer stands for ``theta + strength * sum over
    c of share_c * (theta_c - theta)``: the same blend of parameters as that of linear heads.

    Heads alone on the frozen trunk are a `pluralign.rewards.LinearRewardModel` on a `TransformerTrunk`.

    Attributes:
        backbone: The reference: model, tokenizer, and where they came from.
        form: How requests are written, at training as at scoring.
        kind: What a part is: ``lora`` or ``full``.
        folders: Community -> folder of its part; communities of a pooled model share one.
        about: Facts for the card.
        tokens: Tokens in a batch; None takes what suits the device.
        note: Hears that memory was short.
    """

    backbone: Backbone
    form: TextForm
    kind: PartKind
    folders: Mapping[str, Path]
    about: Mapping[str, object] = field(default_factory=dict)
    tokens: int | None = None
    note: Callable[[str], None] | None = None

    @property
    def communities(self) -> tuple[str, ...]:
        """Ids it can be steered to."""
        return tuple(self.folders)

    def score(self, requests: Sequence[RewardRequest], steer: Steer | None = None) -> FloatArray:
        """Rewards under ``steer`` in logits, shape (N,); those of the reference where it is None.

        Raises:
            UnknownCommunity: If the model has no such community; near ones are named.
            NotEnoughData: If there are no requests.
        """
        parts = coefficients(steer, self.communities) if steer is not None else {}
        tokens, place_N = self._tokens(requests)
        if not any(parts.values()):
            return self._rewards(self.backbone.model, tokens)[place_N]
        return self._blended(parts, tokens)[place_N]

    def score_all(self, requests: Sequence[RewardRequest]) -> FloatArray:
        """Rewards for every community in logits, shape (N, C), columns as in ``communities``.

        Adapters go through the trunk together, in one batch; full copies one after the other.

        Raises:
            NotEnoughData: If there are no requests, or the model has no community.
        """
        if not self.folders:
            raise NotEnoughData("the model is steered to nobody", hint="ask for its reward with score")
        tokens, place_N = self._tokens(requests)
        folders = list(dict.fromkeys(self.folders.values()))
        with quiet():
            reward_N_P = self._adapters(folders, tokens) if self.kind == "lora" else self._copies(folders, tokens)
        return reward_N_P[:, [folders.index(f) for f in self.folders.values()]][place_N]

    def _tokens(self, requests: Sequence[RewardRequest]) -> tuple[list[Tokens], list[int]]:
        """Tokens of the distinct requests, and where each request is among them."""
        if not requests:
            raise NotEnoughData("no requests to score")
        place = {r: k for k, r in enumerate(dict.fromkeys(requests))}
        return tokenise(self.backbone.tokenizer, list(place), self.form), [place[r] for r in requests]

    def _rewards(self, model: Any, tokens: Sequence[Tokens]) -> FloatArray:
        model.eval()
        return self._runner(1).run(lambda batch: model(**batch).logits, tokens)[:, 0]

    def _runner(self, copies: int) -> Runner:
        runner = Runner(self.backbone.tokenizer, self.backbone.model.device, self.tokens, self.note)
        runner.tokens = max(1, runner.tokens // copies)
        return runner

    def _adapters(self, folders: Sequence[Path], tokens: Sequence[Tokens]) -> FloatArray:
        """Rewards under every adapter, shape (N, P): each request stands in the batch once for each adapter."""
        adapters = {f"part{k}": Adapter.read(folder) for k, folder in enumerate(folders)}
        with attached(self.backbone.model, adapters) as model:
            if not _takes_mixed_batches(model):
                parts = []
                for name in adapters:
                    model.set_adapter(name)
                    parts.append(self._rewards(model, tokens))
                return np.stack(parts, axis=1)

            def forward(batch: dict[str, Any]) -> Any:
                rows = len(batch["input_ids"])
                repeated = {k: v.repeat(len(adapters), 1) for k, v in batch.items()}
                names = [name for name in adapters for _ in range(rows)]
                return model(**repeated, adapter_names=names).logits.view(len(adapters), rows).T

            model.eval()
            return self._runner(len(adapters)).run(forward, tokens)

    def _copies(self, folders: Sequence[Path], tokens: Sequence[Tokens]) -> FloatArray:
        parts = []
        for folder in folders:
            with swapped(self.backbone.model, {folder: 1.0}) as model:
                parts.append(self._rewards(model, tokens))
        return np.stack(parts, axis=1)

    def _blended(self, parts: Mapping[str, float], tokens: Sequence[Tokens]) -> FloatArray:
        shares = self.by_folder(parts)
        with quiet():
            if self.kind == "full":
                with swapped(self.backbone.model, shares) as model:
                    return self._rewards(model, tokens)
            with attached(self.backbone.model, {_BLEND: self.adapter(shares)}) as model:
                return self._rewards(model, tokens)

    def by_folder(self, parts: Mapping[str, float]) -> dict[Path, float]:
        """Coefficients of the distinct parts."""
        shares: dict[Path, float] = {}
        for community, share in parts.items():
            folder = self.folders[community]
            shares[folder] = shares.get(folder, 0.0) + share
        return shares

    def adapter(self, shares: Mapping[Path, float]) -> Adapter:
        """One adapter for a blend.

        Raises:
            InvalidInput: If parts are full copies, or nothing is blended.
        """
        if self.kind != "lora" or not shares:
            raise InvalidInput("this steer is no adapter", hint="export it as a model")
        head = getattr(self.backbone.model, head_module(self.backbone.model)).state_dict()
        return blend_adapters([(Adapter.read(folder), share) for folder, share in shares.items()], head)


@contextmanager
def attached(model: Any, adapters: Mapping[str, Adapter]) -> Iterator[Any]:
    """A model with adapters, for the time it is entered."""
    from peft import PeftConfig, PeftModelForSequenceClassification, set_peft_model_state_dict

    with own_layers_back(model):
        peft: Any = None
        for name, adapter in adapters.items():
            config = PeftConfig.from_peft_type(**{**adapter.config, "inference_mode": True})
            if peft is None:
                peft = PeftModelForSequenceClassification(model, config, adapter_name=name)
            else:
                peft.add_adapter(name, config)
            set_peft_model_state_dict(peft, dict(adapter.tensors), adapter_name=name)
        peft.set_adapter(next(iter(adapters)), inference_mode=True)
        yield peft


@contextmanager
def swapped(model: Any, shares: Mapping[Path, float]) -> Iterator[Any]:
    """A model with the parameters of a blend of full copies, for the time it is entered."""
    kept = {name: value.detach().clone() for name, value in model.state_dict().items()}
    try:
        model.load_state_dict(blend_copies(kept, list(shares.items())))
        yield model
    finally:
        model.load_state_dict(kept)


def _takes_mixed_batches(model: Any) -> bool:
    """Whether PEFT can run several adapters in one batch: their heads must be single linear layers."""
    import torch
    from peft.utils import ModulesToSaveWrapper

    if getattr(model.config, "relative_attention", False):  # DeBERTa: its positions pass the adapted layers once
        return False
    heads = [m for m in model.modules() if isinstance(m, ModulesToSaveWrapper)]
    return all(isinstance(h.original_module, torch.nn.Linear) for h in heads)
