"""all-MiniLM-L6-v2 as a graph for onnxruntime, made from its published weights without torch.

The operators of the domain ``com.microsoft`` are onnxruntime's own, with the exact GELU.
torch's own exporter needs three more packages and writes a graph that runs more slowly.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pluralign.core import MissingExtra

_LAYERS, _HEADS, _NORM_EPS = 6, 12, 1e-12
_OWN = "com.microsoft"
_OPSET, _IR = 17, 9


def write_graph(folder: Path, target: Path) -> None:
    """Write the graph: ``token`` (int64) and ``read`` (bool), shape (B, T) -> ``vector``, (B, D).

    Args:
        folder: Where the model lies.
        target: The file.

    Raises:
        MissingExtra: If onnx is not installed.
    """
    try:
        from onnx import TensorProto, helper, save
    except ImportError as error:
        raise MissingExtra.named("onnx", "onnx") from error
    from safetensors.numpy import load_file

    graph = _Graph(load_file(folder / "model.safetensors"))
    graph.pooled(graph.hidden())
    sizes = {"token": TensorProto.INT64, "read": TensorProto.BOOL}
    inputs = [helper.make_tensor_value_info(n, kind, ["B", "T"]) for n, kind in sizes.items()]
    output = helper.make_tensor_value_info("vector", TensorProto.FLOAT, ["B", graph.width])
    made = helper.make_graph(graph.nodes, "all-MiniLM-L6-v2", inputs, [output], graph.constants)
    domains = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_OWN, 1)]
    save(helper.make_model(made, opset_imports=domains, ir_version=_IR), str(target))


class _Graph:
    """Nodes and constants of the graph so far; a method adds some, and returns its output's name.

    Args:
        weights: Name -> tensor.
    """

    def __init__(self, weights: Mapping[str, NDArray[np.float32]]) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.width = weights["embeddings.word_embeddings.weight"].shape[1]
        self._weights = weights

    def hidden(self) -> str:
        """The last hidden states, shape (B, T, D)."""
        hidden = self._embedded()
        for i in range(_LAYERS):
            layer = f"encoder.layer.{i}"
            attended = self._linear(
                f"{layer}.attention.output.dense", self._attention(layer, hidden)
            )
            hidden = self._norm(f"{layer}.attention.output.LayerNorm", attended, hidden)
            inner = f"{layer}.intermediate.dense"
            inner = self._add(
                "BiasGelu", self._product(inner, hidden), self._own(f"{inner}.bias"), domain=_OWN
            )
            hidden = self._norm(
                f"{layer}.output.LayerNorm", self._linear(f"{layer}.output.dense", inner), hidden
            )
        return hidden

    def pooled(self, hidden: str) -> None:
        """The mean of the hidden states of the tokens that are read: the output."""
        from onnx import TensorProto

        read = self._add("Cast", "read", to=TensorProto.FLOAT)
        tokens, last = (
            self._constant("tokens", np.array([1])),
            self._constant("last", np.array([2])),
        )
        weighed = self._add("Mul", hidden, self._add("Unsqueeze", read, last))
        total = self._add("ReduceSum", weighed, tokens, keepdims=0)
        self._add("Div", total, self._add("ReduceSum", read, tokens, keepdims=1), output="vector")

    def _embedded(self) -> str:
        words, positions, types = (
            self._weights[f"embeddings.{table}_embeddings.weight"]
            for table in ("word", "position", "token_type")
        )
        zero, one, two = (self._constant(f"at {i}", np.array([i])) for i in range(3))
        length = self._add("Slice", self._add("Shape", "token"), one, two)
        places = self._add("Slice", self._constant("places", positions + types[0]), zero, length)
        read = self._add("Gather", self._constant("words", words), "token")
        return self._norm("embeddings.LayerNorm", read, places)

    def _attention(self, layer: str, hidden: str) -> str:
        """The outputs of the heads of a layer, side by side, shape (B, T, D)."""
        from onnx import TensorProto

        parts = [f"{layer}.attention.self.{name}" for name in ("query", "key", "value")]
        biases = np.concatenate([self._weights[f"{part}.bias"] for part in parts])
        return self._add(
            "MultiHeadAttention",
            *(self._product(part, hidden) for part in parts),
            self._constant(f"{layer}.biases", biases),
            self._add("Cast", "read", to=TensorProto.INT32),
            domain=_OWN,
            num_heads=_HEADS,
        )

    def _linear(self, name: str, x: str) -> str:
        return self._add("Add", self._product(name, x), self._own(f"{name}.bias"))

    def _product(self, name: str, x: str) -> str:
        weight = self._constant(f"{name}.weight", self._weights[f"{name}.weight"].T)
        return self._add("MatMul", x, weight)

    def _norm(self, name: str, x: str, y: str) -> str:
        added = self._add("Add", x, y)
        scale, shift = self._own(f"{name}.weight"), self._own(f"{name}.bias")
        return self._add("LayerNormalization", added, scale, shift, axis=-1, epsilon=_NORM_EPS)

    def _own(self, name: str) -> str:
        return self._constant(name, self._weights[name])

    def _constant(self, name: str, value: NDArray[Any]) -> str:
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def _add(self, kind: str, *inputs: str, output: str | None = None, **options: Any) -> str:
        from onnx import helper

        output = output or f"{kind} {len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **options))
        return output
