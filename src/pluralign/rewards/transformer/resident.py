"""A steerable transformer with its parts in memory, for a server that scores small batches."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import numpy as np

from pluralign.core import (
    AnyRequest,
    AnySteer,
    FloatArray,
    InvalidInput,
    NotEnoughData,
    RewardRequest,
    Steer,
    as_requests,
    as_steer,
    text_digest,
)
from pluralign.huggingface.quieting import quiet
from pluralign.rewards.transformer.adapters import head_module
from pluralign.rewards.transformer.blending import (
    Adapter,
    blend_adapters,
    blend_copies,
    coefficients,
)
from pluralign.rewards.transformer.mixed import (
    BASE,
    rewards_by_adapter,
    rewards_of,
    takes_mixed_batches,
)
from pluralign.rewards.transformer.model import TransformerRewardModel, attach, attached, in_use
from pluralign.rewards.transformer.tokenized_texts import Tokens

Blend = tuple[tuple[Path, float], ...]
"""Folders of parts and how much of each, none of them 0; the reference is the empty one."""


class ResidentRewardModel:
    """A `TransformerRewardModel` whose parts stay in memory; its rewards are the same.

    Adapters are read and put on the model when it is opened. Full copies are read when they are
    first asked for, and their weights take the place of the reference's, on the same model, when
    the steer changes.

    While it is open, nobody else is to use the backbone; ``close``, or the end of a ``with``, gives
    it back as it was. Not thread-safe: one thread calls it.

    Args:
        model: The model to open.
        blends: How many blended adapters are kept, >= 1; the one that was not used for longest goes
            first.
        memory: How many bytes of weights of full copies and their blends are kept on the CPU,
            besides the reference's; other weights are read again when they are asked for.

    Raises:
        InvalidInput: If a part is missing, nothing is to be kept, or the backbone is in use.
        DamagedFile: If a part cannot be read.
    """

    def __init__(
        self, model: TransformerRewardModel, blends: int = 8, memory: int = 8 * 2**30
    ) -> None:
        if blends < 1:
            raise InvalidInput(f"{blends} blends are to be kept", hint="keep one or more")
        self._model = model
        self._open = True
        self._parts: _Adapters | _Copies = (
            _Adapters(model, blends)
            if model.kind == "lora" and model.folders
            else _Copies(model, memory)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def communities(self) -> tuple[str, ...]:
        """Ids it can be steered to."""
        return self._model.communities

    def score(self, requests: Sequence[AnyRequest], steer: AnySteer = None) -> FloatArray:
        """Rewards under ``steer`` in logits, shape (N,); None: the reference's rewards.

        Raises:
            UnknownCommunity: If the model has no such community; near ones are named.
            NotEnoughData: If there are no requests.
            InvalidInput: If it is closed.
        """
        steers = [as_steer(steer, self.communities)]
        return self.rewards_under(as_requests(requests), steers)[:, 0]

    def score_all(self, requests: Sequence[AnyRequest]) -> FloatArray:
        """Rewards for every community in logits, shape (N, C), columns as in ``communities``.

        Raises:
            NotEnoughData: If there are no requests, or the model has no community.
            InvalidInput: If it is closed.
        """
        if not self.communities:
            raise NotEnoughData(
                "the model is steered to nobody", hint="ask for its reward with score"
            )
        steers = [Steer.to(community) for community in self.communities]
        return self.rewards_under(as_requests(requests), steers)

    def rewards_under(
        self, requests: Sequence[RewardRequest], steers: Sequence[Steer | None]
    ) -> FloatArray:
        """Rewards of each request under each steer in logits, shape (N, S).

        Args:
            requests: N requests.
            steers: S steers; None is the reference.

        Raises:
            UnknownCommunity: If the model has no such community; near ones are named.
            NotEnoughData: If there are no requests, or no steers.
            InvalidInput: If it is closed.
        """
        return np.stack(self.rewards_each(requests, [steers] * len(requests)))

    def rewards_each(
        self, requests: Sequence[RewardRequest], steers: Sequence[Sequence[Steer | None]]
    ) -> list[FloatArray]:
        """Rewards of each request under its own steers; equal requests under equal steers run once.

        Args:
            requests: N requests.
            steers: For each request its steers; None is the reference.

        Returns:
            For each request its rewards in logits, aligned with its steers, float32.

        Raises:
            UnknownCommunity: If the model has no such community; near ones are named.
            NotEnoughData: If there are no requests, or one has no steers.
            InvalidInput: If it is closed, or there are more or fewer requests than lists of steers.
        """
        if not self._open:
            raise InvalidInput("this model is closed", hint="open another one")
        if len(requests) != len(steers):
            raise InvalidInput(
                f"{len(requests)} requests with {len(steers)} lists of steers",
                hint="give one to each",
            )
        if not all(steers):
            raise NotEnoughData(
                "no steers to score a request under", hint="None stands for the reference"
            )
        blends = [[self._blend(steer) for steer in own] for own in steers]
        tokens_U, place_N = self._model.tokenised(requests)
        # Each different text under each different blend is scored once, in one row.
        row: dict[tuple[int, Blend], int] = {}
        rows_N = []
        for place, own in zip(place_N, blends, strict=True):
            rows_N.append([row.setdefault((place, blend), len(row)) for blend in own])
        tokens = [tokens_U[place] for place, _ in row]
        reward_J = self._parts.rewards(tokens, [blend for _, blend in row])
        return [reward_J[rows] for rows in rows_N]

    def close(self) -> None:
        """Give the backbone back as it was; a second time does nothing."""
        self._open = False
        self._parts.close()

    def _blend(self, steer: Steer | None) -> Blend:
        if steer is None:
            return ()
        shares = self._model.by_folder(coefficients(steer, self.communities))
        return tuple(sorted((folder, share) for folder, share in shares.items() if share))


class _Adapters:
    """Adapters on a model: every part, and the blends that were used last."""

    def __init__(self, model: TransformerRewardModel, most: int) -> None:
        base = model.backbone.model
        self._head = getattr(base, head_module(base)).state_dict()
        self._read = {
            folder: Adapter.read(folder) for folder in dict.fromkeys(model.folders.values())
        }
        self._parts: dict[Blend, str] = {
            ((folder, 1.0),): f"part{k}" for k, folder in enumerate(self._read)
        }
        self._most = most
        self._blends: OrderedDict[Blend, str] = OrderedDict()
        self._runner = model.runner()
        self._held = ExitStack()
        named = dict(zip(self._parts.values(), self._read.values(), strict=True))
        with quiet():
            self._peft = self._held.enter_context(attached(base, named))
        self._mixed = takes_mixed_batches(self._peft)

    def rewards(self, tokens: Sequence[Tokens], blends: Sequence[Blend]) -> FloatArray:
        """Reward of each request under a blend of its own, shape (N,)."""
        reward_N = np.empty(len(tokens), np.float32)
        for few in self._lots(blends):
            self._attach([blend for blend in few if not self._stays(blend)])
            name = {(): BASE, **self._parts, **self._blends}
            rows = [row for row, blend in enumerate(blends) if blend in few]
            lot, names = [tokens[row] for row in rows], [name[blends[row]] for row in rows]
            reward_N[rows] = rewards_by_adapter(self._peft, self._mixed, self._runner, lot, names)
        return reward_N

    def close(self) -> None:
        """Take the adapters off the model."""
        self._held.close()

    def _stays(self, blend: Blend) -> bool:
        return not blend or blend in self._parts

    def _lots(self, blends: Sequence[Blend]) -> list[set[Blend]]:
        """Blends that are on the model at one time; the first lot contains all that stay."""
        distinct = dict.fromkeys(blends)
        made = [blend for blend in distinct if not self._stays(blend)]
        lots = [
            set(made[start : start + self._most]) for start in range(0, len(made), self._most)
        ] or [set()]
        lots[0] |= {blend for blend in distinct if self._stays(blend)}
        return lots

    def _attach(self, blends: Sequence[Blend]) -> None:
        """Put blends on the model; the blends used longest ago make room."""
        # Blends that are there come first, so that none of them makes room for the others.
        for blend in sorted(blends, key=lambda blend: blend not in self._blends):
            if blend not in self._blends:
                self._make_room()
                self._blends[blend] = self._made(blend)
            self._blends.move_to_end(blend)

    def _made(self, blend: Blend) -> str:
        name = f"blend-{text_digest(repr(blend))[:16]}"
        adapter = blend_adapters(
            [(self._read[folder], share) for folder, share in blend], self._head
        )
        try:
            with quiet():
                attach(self._peft, name, adapter).eval()
        except BaseException:
            self._remove(name)
            raise
        return name

    def _make_room(self) -> None:
        if len(self._blends) == self._most:
            _, name = self._blends.popitem(last=False)
            self._remove(name)

    def _remove(self, name: str) -> None:
        # PEFT warns if the active adapter is deleted.
        self._peft.set_adapter(next(iter(self._parts.values())), inference_mode=True)
        if name in self._peft.peft_config:
            self._peft.delete_adapter(name)


class _Copies:
    """Weights of full copies: the last steer's in the model, recently used ones on the CPU."""

    def __init__(self, model: TransformerRewardModel, memory: int) -> None:
        self._model = model.backbone.model
        self._held = ExitStack()
        self._held.enter_context(in_use(self._model))
        self._runner = model.runner()
        self._memory = memory
        self._own: dict[str, Any] = {}
        self._kept: OrderedDict[Blend, Mapping[str, Any]] = OrderedDict()
        self._now: Blend | None = ()

    def rewards(self, tokens: Sequence[Tokens], blends: Sequence[Blend]) -> FloatArray:
        """Reward of each request under a blend of its own, shape (N,)."""
        reward_N = np.empty(len(tokens), np.float32)
        # The blend whose weights are in the model comes first: it needs no loading.
        for blend in sorted(dict.fromkeys(blends), key=lambda blend: blend != self._now):
            self._put(blend)
            rows = [row for row, own in enumerate(blends) if own == blend]
            reward_N[rows] = rewards_of(
                self._model.eval(), self._runner, [tokens[row] for row in rows]
            )
        return reward_N

    def close(self) -> None:
        """Give the model its own weights back."""
        self._put(())
        self._kept.clear()
        self._held.close()

    def _put(self, blend: Blend) -> None:
        """Load the weights of a blend into the model, unless they are there."""
        if blend == self._now:
            return
        self._own = self._own or {
            k: v.detach().to("cpu", copy=True) for k, v in self._model.state_dict().items()
        }
        weights = self._weights(blend)
        self._now = None  # should loading be interrupted, nobody knows
        self._model.load_state_dict(weights)
        self._now = blend

    def _weights(self, blend: Blend) -> Mapping[str, Any]:
        if not blend:
            return self._own
        if blend in self._kept:
            self._kept.move_to_end(blend)
            return self._kept[blend]
        weights = {
            name: value.to(self._own[name])
            for name, value in blend_copies(self._own, blend).items()
        }
        self._kept[blend] = weights
        if len(self._kept) > self._memory // sum(value.nbytes for value in self._own.values()):
            self._kept.popitem(last=False)
        return weights
