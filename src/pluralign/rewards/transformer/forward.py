"""Run a model over many requests: batches of like length, halved where memory is short."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from pluralign.core import FloatArray, InvalidInput
from pluralign.huggingface.batch_threads import on_one_thread_each
from pluralign.rewards.transformer.tokenized_texts import Tokens

TOKENS_PER_BATCH = {"cpu": 1024, "cuda": 65_536, "mps": 8192}
Forward = Callable[[dict[str, Any]], Any]


class ForwardRunner:
    """Runs a model over tokens without gradients; remembers the batch size that fits into memory.

    Args:
        tokenizer: For the pad token.
        device: Where batches go.
        tokens: Tokens in a batch, padding included; None takes what suits the device.
        note: Is called with a sentence where a batch did not fit.
    """

    def __init__(
        self,
        tokenizer: Any,
        device: Any,
        tokens: int | None = None,
        note: Callable[[str], None] | None = None,
    ) -> None:
        self._pad = int(tokenizer.pad_token_id)
        self._device = device
        kind = str(device).partition(":")[0]
        self.tokens = tokens or TOKENS_PER_BATCH.get(kind, 8192)
        # Tensor cores are fastest where the sides of matrices are multiples of 8.
        self._multiple = 8 if kind == "cuda" else 1
        self._note = note or (lambda text: None)

    def run(self, forward: Forward, tokens: Sequence[Tokens]) -> FloatArray:
        """Outputs of a model for each request.

        Args:
            forward: Takes a padded batch (``input_ids``, ``attention_mask``, perhaps
                ``token_type_ids``) on the device, returns a tensor of shape (B, D).
            tokens: N requests.

        Returns:
            Shape (N, D), float32.

        Raises:
            InvalidInput: If a single request does not fit into memory.
        """
        import torch

        # Longest first: a batch that does not fit into memory fails at once, not after most of the
        # work.
        order = sorted(range(len(tokens)), key=lambda i: -len(tokens[i]))
        rows: list[int] = []
        parts: list[Any] = []
        with torch.inference_mode():
            while len(rows) < len(order):
                width = self._width(len(tokens[order[len(rows)]]))
                batch = order[len(rows) : len(rows) + max(1, self.tokens // width)]
                try:
                    parts.append(forward(self.batch([tokens[i] for i in batch])).float())
                except torch.OutOfMemoryError:
                    self._halve(len(batch), width)
                    continue
                rows += batch
            found = torch.cat(parts).cpu().numpy()
        output_N_D = np.empty_like(found)
        output_N_D[rows] = found
        return output_N_D

    def run_on_threads(self, forward: Forward, tokens: Sequence[Tokens]) -> FloatArray:
        """As `run` on a CPU, with the same bits on any number of cores: a batch has one thread."""
        import torch

        lengths = [len(t) for t in tokens]
        outputs: dict[int, Any] = {}

        def compute(batch: list[int]) -> None:
            with torch.inference_mode():
                found = forward(self.batch([tokens[i] for i in batch])).float().numpy()
            outputs.update(zip(batch, found, strict=True))

        on_one_thread_each(compute, self._batches(lengths))
        return np.stack([outputs[i] for i in range(len(tokens))])

    def _batches(self, lengths: Sequence[int]) -> Iterator[list[int]]:
        """Rows of like length, longest first, as many as have room in a batch."""
        order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
        start = 0
        while start < len(order):
            end = start + max(1, self.tokens // self._width(lengths[order[start]]))
            yield order[start:end]
            start = end

    def batch(self, tokens: Sequence[Tokens]) -> dict[str, Any]:
        """Tokens as padded tensors on the device."""
        return {
            k: v.to(self._device, non_blocking=True)
            for k, v in padded(tokens, self._pad, self._multiple).items()
        }

    def _width(self, length: int) -> int:
        return -(-length // self._multiple) * self._multiple

    def _halve(self, requests: int, width: int) -> None:
        import torch

        if requests == 1:
            raise InvalidInput(
                f"one request of {width} tokens does not fit into memory",
                hint="lower trunk.max_length",
            ) from None
        # At least one request, however long.
        self.tokens = max(width, requests * width // 2)
        torch.cuda.empty_cache()
        self._note(
            f"out of memory with {requests} requests of {width} tokens; "
            f"continuing with {self.tokens // width}"
        )


def padded(tokens: Sequence[Tokens], pad: int, multiple: int = 1) -> dict[str, Any]:
    """Tokens as tensors, padded at the right to the longest of them, shape (N, T)."""
    import torch

    width = -(-max(len(t) for t in tokens) // multiple) * multiple
    ids = np.full((len(tokens), width), pad, dtype=np.int64)
    mask = np.zeros((len(tokens), width), dtype=np.int64)
    typed = tokens[0].types is not None
    types = np.zeros((len(tokens), width), dtype=np.int64)
    for row, t in enumerate(tokens):
        ids[row, : len(t)] = t.ids
        mask[row, : len(t)] = 1
        if t.types is not None:
            types[row, : len(t)] = t.types
    arrays = {"input_ids": ids, "attention_mask": mask} | (
        {"token_type_ids": types} if typed else {}
    )
    return {name: torch.from_numpy(array) for name, array in arrays.items()}
