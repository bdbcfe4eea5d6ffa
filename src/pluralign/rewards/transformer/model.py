"""The steerable transformer: a model, and an adapter with a head or a full copy by community."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from weakref import WeakSet

import numpy as np

from pluralign.core import (
    AnyRequest,
    AnySteer,
    DamagedFile,
    FloatArray,
    InvalidInput,
    NotEnoughData,
    PreferencePair,
    Prompt,
    RewardRequest,
    as_requests,
    as_steer,
    listed,
)
from pluralign.huggingface.quieting import quiet
from pluralign.rewards.explaining import Explanation, explain_steer
from pluralign.rewards.transformer.adapters import head_module, own_layers_back
from pluralign.rewards.transformer.backbones import Backbone
from pluralign.rewards.transformer.blending import (
    Adapter,
    blend_adapters,
    blend_copies,
    coefficients,
)
from pluralign.rewards.transformer.config import PartKind
from pluralign.rewards.transformer.mixed import (
    AdapterRunner,
    rewards_by_adapter,
    rewards_of,
    takes_mixed_batches,
)
from pluralign.rewards.transformer.tokenized_texts import TextForm, Tokens, tokenise

_BLEND = "blend"
_IN_USE: WeakSet[Any] = WeakSet()


@dataclass(frozen=True, slots=True)
class TransformerRewardModel:
    """A transformer with a trained part for each community.

    With parameters theta of the reference and theta_c of a community, a steer stands for ``theta +
    strength * sum over c of share_c * (theta_c - theta)``: the same blend of parameters as that of
    linear heads.

    Heads alone on the frozen trunk are a `pluralign.rewards.LinearRewardModel` on a
    `TransformerTrunk`.

    Attributes:
        backbone: The reference: model, tokenizer, and where they came from.
        form: How requests are written, at training as at scoring.
        kind: Kind of a part: ``lora`` or ``full``.
        folders: Community -> folder of its part; communities of a pooled model share one.
        about: Facts for the card.
        tokens: Tokens in a batch; None takes what suits the device.
        note: Is called with a sentence where memory was short.
    """

    backbone: Backbone
    form: TextForm
    kind: PartKind
    folders: Mapping[str, Path]
    about: Mapping[str, object] = field(default_factory=dict)
    tokens: int | None = None
    note: Callable[[str], None] | None = None

    def __repr__(self) -> str:
        return (
            f"TransformerRewardModel(steers to {listed(self.communities)}; "
            f"{self.kind} parts on {self.backbone.source.name})"
        )

    @property
    def communities(self) -> tuple[str, ...]:
        """Ids it can be steered to."""
        return tuple(self.folders)

    def score(self, requests: Sequence[AnyRequest], steer: AnySteer = None) -> FloatArray:
        """Rewards under ``steer`` in logits, shape (N,); None: the reference's rewards.

        Raises:
            UnknownCommunity: If the model has no such community; near ones are named.
            NotEnoughData: If there are no requests.
            InvalidInput: If its parts are kept in memory by a `ResidentRewardModel` meanwhile.
        """
        steer = as_steer(steer, self.communities)
        parts = coefficients(steer, self.communities) if steer is not None else {}
        tokens, place_N = self.tokenised(as_requests(requests))
        if not any(parts.values()):
            with in_use(self.backbone.model) as model:
                return rewards_of(model.eval(), self.runner(), tokens)[place_N]
        return self._blended(parts, tokens)[place_N]

    def score_all(self, requests: Sequence[AnyRequest]) -> FloatArray:
        """Rewards for every community in logits, shape (N, C), columns as in ``communities``.

        Adapters go through the trunk together, in one batch; full copies one after the other.

        Raises:
            NotEnoughData: If there are no requests, or the model has no community.
            InvalidInput: If its parts are kept in memory by a `ResidentRewardModel` meanwhile.
        """
        if not self.folders:
            raise NotEnoughData(
                "the model is steered to nobody", hint="ask for its reward with score"
            )
        tokens, place_N = self.tokenised(as_requests(requests))
        folders = list(dict.fromkeys(self.folders.values()))
        with quiet():
            reward_N_P = (
                self._adapters(folders, tokens)
                if self.kind == "lora"
                else self._copies(folders, tokens)
            )
        return reward_N_P[:, [folders.index(f) for f in self.folders.values()]][place_N]

    def explain(
        self,
        prompt: Prompt,
        a: str,
        b: str,
        community: AnySteer = None,
        *,
        pairs: Sequence[PreferencePair] | None = None,
    ) -> Explanation:
        """Explain why one of two responses is preferred; the answer prints as a small table.

        Args:
            prompt: The prompt.
            a: The first response.
            b: The other response.
            community: Id of the community, as for `score`; None for the reference.
            pairs: Not for this model: the nearest training pairs are known of linear heads only.

        Returns:
            The contributions of the reference and of the community to the margin.

        Raises:
            UnknownCommunity: If the model has no such community; near ones are named.
            InvalidInput: If ``pairs`` are given.
        """
        return explain_steer(self, prompt, a, b, community, pairs)

    def tokenised(self, requests: Sequence[RewardRequest]) -> tuple[list[Tokens], list[int]]:
        """Tokens of the distinct requests, and where each request is among them.

        Raises:
            NotEnoughData: If there are no requests.
        """
        if not requests:
            raise NotEnoughData("no requests to score")
        place = {r: k for k, r in enumerate(dict.fromkeys(requests))}
        return tokenise(self.backbone.tokenizer, list(place), self.form), [
            place[r] for r in requests
        ]

    def runner(self) -> AdapterRunner:
        """A runner on the model's device."""
        return AdapterRunner(
            self.backbone.tokenizer, self.backbone.model.device, self.tokens, self.note
        )

    def _adapters(self, folders: Sequence[Path], tokens: Sequence[Tokens]) -> FloatArray:
        """Rewards under every adapter, shape (N, P)."""
        adapters = {f"part{k}": Adapter.read(folder) for k, folder in enumerate(folders)}
        with attached(self.backbone.model, adapters) as peft:
            each = [t for t in tokens for _ in adapters]
            names = [name for _ in tokens for name in adapters]
            reward_NP = rewards_by_adapter(
                peft, takes_mixed_batches(peft), self.runner(), each, names
            )
        return reward_NP.reshape(len(tokens), len(adapters))

    def _copies(self, folders: Sequence[Path], tokens: Sequence[Tokens]) -> FloatArray:
        parts = []
        for folder in folders:
            with swapped(self.backbone.model, {folder: 1.0}) as model:
                parts.append(rewards_of(model.eval(), self.runner(), tokens))
        return np.stack(parts, axis=1)

    def _blended(self, parts: Mapping[str, float], tokens: Sequence[Tokens]) -> FloatArray:
        shares = self.by_folder(parts)
        with quiet():
            if self.kind == "full":
                with swapped(self.backbone.model, shares) as model:
                    return rewards_of(model.eval(), self.runner(), tokens)
            with attached(self.backbone.model, {_BLEND: self.adapter(shares)}) as peft:
                return rewards_of(peft, self.runner(), tokens)

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
            InvalidInput: If parts are full copies, nothing is blended, or the backbone is in use.
        """
        if self.kind != "lora" or not shares:
            raise InvalidInput("this steer is no adapter", hint="export it as a model")
        with in_use(self.backbone.model) as model:
            head = getattr(model, head_module(model)).state_dict()
        return blend_adapters(
            [(Adapter.read(folder), share) for folder, share in shares.items()], head
        )


@contextmanager
def in_use(model: Any) -> Iterator[Any]:
    """While it is entered, nobody else may change a model or score with it.

    Raises:
        InvalidInput: If somebody does already.
    """
    if model in _IN_USE:
        raise InvalidInput(
            "parts are on this model already",
            hint="close the model that has them, or load the backbone once more",
        )
    _IN_USE.add(model)
    try:
        yield model
    finally:
        _IN_USE.discard(model)


@contextmanager
def attached(model: Any, adapters: Mapping[str, Adapter]) -> Iterator[Any]:
    """A model with one adapter or more, in ``eval`` mode, while it is entered; the first is active.

    Raises:
        InvalidInput: If the model is in use.
    """
    with in_use(model), own_layers_back(model):
        peft: Any = None
        for name, adapter in adapters.items():
            peft = attach(model if peft is None else peft, name, adapter)
        peft.set_adapter(next(iter(adapters)), inference_mode=True)
        yield peft.eval()


def attach(model: Any, name: str, adapter: Adapter) -> Any:
    """Put an adapter on a model, or one more on PEFT's; PEFT's model is returned.

    Raises:
        DamagedFile: If it was made for another model.
    """
    from peft import (
        PeftConfig,
        PeftModel,
        PeftModelForSequenceClassification,
        set_peft_model_state_dict,
    )

    try:
        config = PeftConfig.from_peft_type(**{**adapter.config, "inference_mode": True})
        if isinstance(model, PeftModel):
            model.add_adapter(name, config)
        else:
            model = PeftModelForSequenceClassification(model, config, adapter_name=name)
        loaded = set_peft_model_state_dict(model, dict(adapter.tensors), adapter_name=name)
    except (RuntimeError, ValueError, TypeError, KeyError) as error:
        if isinstance(error, RuntimeError) and "size mismatch" not in str(error):
            raise
        raise _other_model(str(error)) from error
    missing = [key for key in loaded.missing_keys if f".{name}." in key]
    if missing or loaded.unexpected_keys:
        raise _other_model(", ".join([*missing, *loaded.unexpected_keys]))
    return model


def _other_model(why: str) -> DamagedFile:
    return DamagedFile(
        f"an adapter does not fit the model: {why:.300}", hint="train this part again"
    )


@contextmanager
def swapped(model: Any, shares: Mapping[Path, float]) -> Iterator[Any]:
    """A model with the parameters of a blend of full copies, for the time it is entered.

    Raises:
        InvalidInput: If the model is in use.
    """
    with in_use(model):
        kept = {name: value.detach().clone() for name, value in model.state_dict().items()}
        try:
            model.load_state_dict(blend_copies(kept, list(shares.items())))
            yield model
        finally:
            model.load_state_dict(kept)
