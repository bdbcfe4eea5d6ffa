"""An ordinary BERT sentence encoder on torch alone, which starts in a fraction of the time that transformers takes.

The network is that of Devlin et al. (2019). torch's own `TransformerEncoder` is not used: its fused layer reads long
texts more slowly, and on a GPU it computes an approximate GELU.
"""

import os

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from pluralign.core import DamagedFile, FloatArray
from pluralign.encoders.bert_files import BertFiles

_TABLES = (
    "embeddings.word_embeddings",
    "embeddings.position_embeddings",
    "embeddings.token_type_embeddings",
)


class Bert:
    """Runs an ordinary BERT, batch by batch.

    Args:
        files: Where it lies, and its sizes.
        device: ``"cpu"``, ``"cuda"``, ...; None takes a GPU where there is one.

    Attributes:
        longest: How many tokens of a text are read.
        device: Where it runs.

    Raises:
        DamagedFile: If a tensor is missing or has another shape.
    """

    def __init__(self, files: BertFiles, device: str | None) -> None:
        self.longest: int | None = files.longest
        self.device = torch.device(device or _default_device())
        self._files = files
        self._tensors = {
            name: tensor.to(self.device, copy=True) for name, tensor in _stored(files).items()
        }
        self._tokenizer = Tokenizer.from_file(str(files.tokenizer))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(files.longest)

    def tokens(self, texts: list[str]) -> tuple[dict[str, list[list[int]]], list[bool]]:
        """Features of each text, cut where it is too long, and whether it was."""
        encodings = self._tokenizer.encode_batch(texts)
        return {"input_ids": [encoding.ids for encoding in encodings]}, [
            bool(e.overflowing) for e in encodings
        ]

    def vectors(self, batch: dict[str, list[list[int]]]) -> FloatArray:
        """Vectors of a batch that `tokens` made, shape (B, D), float32."""
        rows = [torch.tensor(ids) for ids in batch["input_ids"]]
        token_B_T = pad_sequence(rows, batch_first=True).to(self.device)
        length_B = torch.tensor([len(row) for row in rows], device=self.device)
        read_B_T = torch.arange(token_B_T.shape[1], device=self.device) < length_B[:, None]
        with torch.inference_mode():
            hidden_B_T_D = self._hidden(token_B_T, read_B_T)
            if self._files.pooling == "cls":
                vector_B_D = hidden_B_T_D[:, 0]
            else:
                vector_B_D = (hidden_B_T_D * read_B_T[:, :, None]).sum(dim=1) / length_B[:, None]
            embedding: FloatArray = vector_B_D.cpu().numpy()
        return embedding

    def _hidden(self, token_B_T: Tensor, read_B_T: Tensor) -> Tensor:
        """The last hidden states, shape (B, T, D); only the tokens of ``read_B_T`` are attended to."""
        words, positions, types = (self._tensors[f"{table}.weight"] for table in _TABLES)
        hidden = functional.embedding(token_B_T, words) + types[0] + positions[: token_B_T.shape[1]]
        hidden = self._norm("embeddings.LayerNorm", hidden)
        for i in range(self._files.layers):
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
        """What the heads of a layer gather, side by side, shape (B, T, D)."""
        by_head = (*hidden_B_T_D.shape[:2], self._files.heads, -1)
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
        return functional.layer_norm(x, weight.shape, weight, bias, self._files.norm_eps)


def _gelu(x_B_T_D: Tensor) -> Tensor:
    """The exact GELU, computed by torch itself.

    Of tensors that lie in memory row by row oneDNN computes it, which keeps something for every shape that it has seen:
    under texts of all lengths memory grows for thousands of batches.
    """
    return functional.gelu(x_B_T_D.transpose(1, 2)).transpose(1, 2)


def _stored(files: BertFiles) -> dict[str, Tensor]:
    """The tensors that a BERT has, each of the shape that its configuration says."""
    stored = load_file(files.weights)
    shapes = _shapes(files)
    for name, shape in shapes.items():
        found = tuple(stored[name].shape) if name in stored else None
        if found != shape:
            wrong = "is missing" if found is None else f"has the shape {found}, not {shape}"
            raise DamagedFile(
                f"the tensor {name} {wrong}",
                where=str(files.weights),
                hint="fetch or install the model again",
            )
    return {name: stored[name] for name in shapes}


def _shapes(files: BertFiles) -> dict[str, tuple[int, ...]]:
    hidden, inner = files.hidden, files.inner
    parts: dict[str, tuple[int, ...]] = {"embeddings.LayerNorm": (hidden,)}
    for i in range(files.layers):
        layer = f"encoder.layer.{i}"
        parts |= {
            f"{layer}.attention.self.{name}": (hidden, hidden) for name in ("query", "key", "value")
        }
        parts |= {
            f"{layer}.attention.output.dense": (hidden, hidden),
            f"{layer}.attention.output.LayerNorm": (hidden,),
            f"{layer}.intermediate.dense": (inner, hidden),
            f"{layer}.output.dense": (hidden, inner),
            f"{layer}.output.LayerNorm": (hidden,),
        }
    tables = dict(zip(_TABLES, (files.words, files.positions, files.types), strict=True))
    return (
        {f"{name}.weight": (rows, hidden) for name, rows in tables.items()}
        | {f"{name}.weight": shape for name, shape in parts.items()}
        | {f"{name}.bias": shape[:1] for name, shape in parts.items()}
    )


def _default_device() -> str:
    """A GPU where there is one, this process's own where several run together: as sentence-transformers chooses."""
    if torch.cuda.is_available():
        return f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
    return "mps" if torch.backends.mps.is_available() else "cpu"
