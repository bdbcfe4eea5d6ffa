"""all-MiniLM-L6-v2 on torch alone, which starts in a fraction of the time that transformers takes.

The network is that of Devlin et al. (2019). torch's own `TransformerEncoder` is not used: its fused
layer reads long texts more slowly, and on a GPU it computes an approximate GELU.
"""

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from pluralign.core import FloatArray
from pluralign.encoders.minilm_tokens import MiniLmTokens
from pluralign.huggingface.devices import default_device

_LAYERS, _HEADS, _NORM_EPS = 6, 12, 1e-12
_TABLES = (
    "embeddings.word_embeddings",
    "embeddings.position_embeddings",
    "embeddings.token_type_embeddings",
)


class MiniLmNetwork:
    """Runs all-MiniLM-L6-v2, batch by batch.

    Args:
        folder: Where the model lies; its files are the published ones.
        device: ``"cpu"``, ``"cuda"``, ...; None takes a GPU where there is one.
        longest: How many tokens of a text are read.

    Attributes:
        longest: As given.
        device: Where it runs.
        device_type: Kind of the device.
    """

    def __init__(self, folder: Path, device: str | None, longest: int) -> None:
        self.longest: int | None = longest
        self.device = torch.device(device or default_device(apple=True))
        stored = load_file(folder / "model.safetensors")
        self._tensors = {name: t.to(self.device, copy=True) for name, t in stored.items()}
        self.device_type: str = self.device.type
        self._tokens = MiniLmTokens(folder, longest)

    def tokens(self, texts: list[str]) -> tuple[dict[str, list[list[int]]], list[bool]]:
        """Features of each text, cut where it is too long, and whether it was."""
        return self._tokens.of(texts)

    def vectors(self, batch: dict[str, list[list[int]]]) -> FloatArray:
        """Vectors of a batch that `tokens` made, shape (B, D), float32."""
        rows = [torch.tensor(ids) for ids in batch["input_ids"]]
        token_B_T = pad_sequence(rows, batch_first=True).to(self.device)
        length_B = torch.tensor([len(row) for row in rows], device=self.device)
        read_B_T = torch.arange(token_B_T.shape[1], device=self.device) < length_B[:, None]
        with torch.inference_mode():
            hidden_B_T_D = self._hidden(token_B_T, read_B_T)
            vector_B_D = (hidden_B_T_D * read_B_T[:, :, None]).sum(dim=1) / length_B[:, None]
            embedding: FloatArray = vector_B_D.cpu().numpy()
        return embedding

    def _hidden(self, token_B_T: Tensor, read_B_T: Tensor) -> Tensor:
        """The last hidden states, shape (B, T, D), attending only to tokens of ``read_B_T``."""
        words, positions, types = (self._tensors[f"{table}.weight"] for table in _TABLES)
        hidden = functional.embedding(token_B_T, words) + types[0] + positions[: token_B_T.shape[1]]
        hidden = self._norm("embeddings.LayerNorm", hidden)
        for i in range(_LAYERS):
            layer = f"encoder.layer.{i}"
            attended = self._linear(
                f"{layer}.attention.output.dense", self._attention(layer, hidden, read_B_T)
            )
            hidden = self._norm(f"{layer}.attention.output.LayerNorm", hidden + attended)
            inner = _gelu(self._linear(f"{layer}.intermediate.dense", hidden))
            hidden = self._norm(
                f"{layer}.output.LayerNorm", hidden + self._linear(f"{layer}.output.dense", inner)
            )
        return hidden

    def _attention(self, layer: str, hidden_B_T_D: Tensor, read_B_T: Tensor) -> Tensor:
        """The outputs of the heads of a layer, side by side, shape (B, T, D)."""
        by_head = (*hidden_B_T_D.shape[:2], _HEADS, -1)
        query, key, value = (
            self._linear(f"{layer}.attention.self.{name}", hidden_B_T_D)
            .view(by_head)
            .transpose(1, 2)
            for name in ("query", "key", "value")
        )
        gathered = functional.scaled_dot_product_attention(
            query, key, value, attn_mask=read_B_T[:, None, None, :]
        )
        return gathered.transpose(1, 2).flatten(2)

    def _linear(self, name: str, x: Tensor) -> Tensor:
        return functional.linear(x, self._tensors[f"{name}.weight"], self._tensors[f"{name}.bias"])

    def _norm(self, name: str, x: Tensor) -> Tensor:
        weight, bias = self._tensors[f"{name}.weight"], self._tensors[f"{name}.bias"]
        return functional.layer_norm(x, weight.shape, weight, bias, _NORM_EPS)


def _gelu(x_B_T_D: Tensor) -> Tensor:
    """The exact GELU, computed by torch itself.

    For tensors in row order in memory, oneDNN computes it and keeps something for every shape that
    it has seen: with texts of all lengths, memory grows for thousands of batches.
    """
    return functional.gelu(x_B_T_D.transpose(1, 2)).transpose(1, 2)
