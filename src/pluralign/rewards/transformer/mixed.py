"""Several adapters on one model: each request under its own, in one batch where PEFT can."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from pluralign.core import FloatArray
from pluralign.rewards.transformer.forward import ForwardRunner
from pluralign.rewards.transformer.tokenized_texts import Tokens

BASE = "__base__"  # what PEFT calls the model without its adapters


@dataclass(frozen=True, slots=True)
class AdapterTokens(Tokens):
    """A request as one adapter is to read it.

    Attributes:
        adapter: Its name.
    """

    adapter: str


class AdapterRunner(ForwardRunner):
    """A runner whose batches name the adapter of each request, where requests do."""

    def batch(self, tokens: Sequence[Tokens]) -> dict[str, Any]:
        """Tokens as padded tensors on the device, with ``adapter_names`` for PEFT."""
        names = [t.adapter for t in tokens if isinstance(t, AdapterTokens)]
        return super().batch(tokens) | ({"adapter_names": names} if names else {})


def rewards_of(model: Any, runner: ForwardRunner, tokens: Sequence[Tokens]) -> FloatArray:
    """Rewards that a model gives as it stands, in logits, shape (N,)."""
    return runner.run(lambda batch: model(**batch).logits, tokens)[:, 0]


def rewards_by_adapter(
    peft: Any, mixed: bool, runner: AdapterRunner, tokens: Sequence[Tokens], names: Sequence[str]
) -> FloatArray:
    """Reward of each request under an adapter of its own.

    Args:
        peft: PEFT's model, in ``eval`` mode.
        mixed: Whether it `takes_mixed_batches`.
        runner: Runs it.
        tokens: N requests.
        names: The adapter of each; ``__base__`` is the model without any.

    Returns:
        Rewards in logits, shape (N,), float32.
    """
    reward_N = np.empty(len(tokens), np.float32)
    for rows in lots_of([len(t) for t in tokens], names, runner.tokens if mixed else 0):
        lot, own = [tokens[i] for i in rows], [names[i] for i in rows]
        if mixed and (
            len(set(own)) > 1 or own[0] == BASE
        ):  # in a mixed batch the model itself needs no switch
            lot = [
                AdapterTokens(t.ids, t.types, t.cut, name) for t, name in zip(lot, own, strict=True)
            ]
            reward_N[rows] = rewards_of(peft, runner, lot)
        else:
            with _under(peft, own[0]):
                reward_N[rows] = rewards_of(peft, runner, lot)
    return reward_N


def lots_of(lengths: Sequence[int], names: Sequence[str], most: int) -> list[list[int]]:
    """Requests that go through a model together: of one adapter, or of several up to a batch.

    An adapter costs a step of its own in each layer of each batch that it is in, so one that fills
    a batch goes alone.

    Args:
        lengths: Tokens of each request, > 0.
        names: The adapter of each.
        most: Tokens of several adapters together, at most.

    Returns:
        Rows of each lot.

    >>> lots_of([4, 3, 2, 9], ["a", "b", "a", "c"], most=10)
    [[0, 2, 1], [3]]
    """
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        rows.setdefault(name, []).append(row)
    lots: list[list[int]] = []
    filled = 0
    for own in rows.values():
        more = sum(lengths[row] for row in own)
        if lots and filled + more <= most:
            lots[-1] += own
            filled += more
        else:
            lots.append(own)
            filled = more
    return lots


def takes_mixed_batches(model: Any) -> bool:
    """Whether PEFT can run several adapters in one batch: heads must be single linear layers."""
    import torch
    from peft.utils import ModulesToSaveWrapper

    if getattr(
        model.config, "relative_attention", False
    ):  # DeBERTa: its positions pass the adapted layers once
        return False
    heads = [m for m in model.modules() if isinstance(m, ModulesToSaveWrapper)]
    return all(isinstance(h.original_module, torch.nn.Linear) for h in heads)


@contextmanager
def _under(peft: Any, name: str) -> Iterator[None]:
    """While it is entered, every request is read under one adapter, or none."""
    if name == BASE:
        with peft.disable_adapter():
            yield
        return
    if peft.active_adapter != name:
        peft.set_adapter(name, inference_mode=True)
    yield
