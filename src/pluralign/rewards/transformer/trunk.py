"""A transformer as a trunk: features of its last layer for a request, or its reward."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from pluralign.core import (
    BoolArray,
    Encoder,
    FloatArray,
    IntArray,
    NotEnoughData,
    PreferencePair,
    RewardRequest,
    requests_of,
)
from pluralign.huggingface.processes import split_between_processes
from pluralign.rewards.features import TableFeatures, distinct
from pluralign.rewards.transformer.backbones import Backbone
from pluralign.rewards.transformer.forward import Forward, ForwardRunner
from pluralign.rewards.transformer.heads import check_length, scalar_head
from pluralign.rewards.transformer.tokenized_texts import (
    TextForm,
    Tokens,
    request_key,
    request_of,
    tokenise,
)
from pluralign.rewards.trunk import EncodedPairs

Output = Literal["hidden", "reward"]
_LOT = 16_384
_Run = Callable[[Forward, Sequence[Tokens]], FloatArray]


class RequestEncoder:
    """The encoder port over requests: a text is a request's key, a vector the model's output.

    So scores and hidden states are cached as embeddings are: by content and model fingerprint, in
    one pass over the distinct requests, kept through an interruption. Under a launcher of several
    processes each does its part.

    Args:
        backbone: The model.
        form: How requests are written.
        output: ``reward``: one number, the reward in logits. ``hidden``: the input of the
            scalar head, divided by the square root of its length, and a 1 for the head's bias.
        tokens: Tokens in a batch; None takes what suits the device.
        note: Is called with a sentence where requests were cut, or memory was short.

    Raises:
        InvalidSettings: If texts may be longer than the model reads.

    Attributes:
        truncated: How many distinct requests were cut to the longest allowed, so far.
    """

    def __init__(
        self,
        backbone: Backbone,
        form: TextForm,
        output: Output = "reward",
        tokens: int | None = None,
        note: Callable[[str], None] | None = None,
    ) -> None:
        check_length(backbone.model, form)
        self.backbone = backbone
        self.form = form
        self.truncated = 0
        self._output = output
        self._note = note or (lambda text: None)
        self._runner = ForwardRunner(backbone.tokenizer, backbone.model.device, tokens, note)

    @property
    def fingerprint(self) -> str:
        """Changes whenever an output would change."""
        return f"{self.backbone.fingerprint}+{self.form.fingerprint}+{self._output}"

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return (
            1
            if self._output == "reward"
            else int(scalar_head(self.backbone.model)[2].in_features) + 1
        )

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Vectors of request keys, shape (N, D), float32."""
        return self._shared_out(texts, self._runner.run)

    def encode_shard(self, texts: Sequence[str]) -> FloatArray:
        """As `encode`, for vectors to be kept: on a CPU the same bits on any number of cores."""
        on_cpu = str(self.backbone.model.device) == "cpu"
        return self._shared_out(texts, self._runner.run_on_threads if on_cpu else self._runner.run)

    def _shared_out(self, texts: Sequence[str], run: _Run) -> FloatArray:
        if not texts:
            return np.zeros((0, self.dimensions), np.float32)
        place = {key: row for row, key in enumerate(dict.fromkeys(texts))}
        vector_U_D = split_between_processes(list(place), lambda keys: self._encode(keys, run))
        return vector_U_D[[place[key] for key in texts]]

    def tokens_of(self, keys: Sequence[str]) -> list[int]:
        """A number for the tokens that are read of each request: the same for the same tokens."""
        return [
            hash(tuple(t.ids))
            for t in tokenise(self.backbone.tokenizer, [request_of(k) for k in keys], self.form)
        ]

    def _encode(self, keys: Sequence[str], run: _Run) -> FloatArray:
        lots = [keys[start : start + _LOT] for start in range(0, len(keys), _LOT)]
        if not lots:
            return np.zeros((0, self.dimensions), np.float32)
        before = self.truncated
        vector_N_D = np.concatenate([self._lot(lot, run) for lot in lots])
        if cut := self.truncated - before:
            self._note(
                f"{cut:,} of {len(keys):,} responses with their prompts are cut to "
                f"{self.form.max_length} tokens"
            )
        return vector_N_D

    def _lot(self, keys: Sequence[str], run: _Run) -> FloatArray:
        tokens = tokenise(self.backbone.tokenizer, [request_of(key) for key in keys], self.form)
        self.truncated += sum(t.cut for t in tokens)
        model = self.backbone.model.eval()
        if self._output == "reward":
            return run(lambda batch: model(**batch).logits, tokens)
        with without_head(model):
            hidden_N_D = run(lambda batch: model(**batch).logits, tokens)
        scaled_N_D = hidden_N_D / np.float32(np.sqrt(hidden_N_D.shape[1]))
        return np.concatenate([scaled_N_D, np.ones((len(keys), 1), np.float32)], axis=1)


@dataclass(frozen=True, slots=True)
class TransformerTrunk:
    """A transformer that is not trained any further, read by linear heads or by its own.

    Attributes:
        encoder: A `RequestEncoder`, or a cache around one.
        tokens_of: `RequestEncoder.tokens_of`; without it no two responses are taken to be read
            alike.
    """

    encoder: Encoder
    tokens_of: Callable[[Sequence[str]], list[int]] | None = None

    @property
    def fingerprint(self) -> str:
        """Changes whenever the features of any request would change."""
        return self.encoder.fingerprint

    @property
    def dimensions(self) -> int:
        """Length D of a feature vector."""
        return self.encoder.dimensions

    @property
    def kinds(self) -> Mapping[str, slice]:
        """One kind: a transformer reads prompt and response together."""
        return {"all": slice(None)}

    def features(self, requests: Sequence[RewardRequest]) -> FloatArray:
        """Features of each request, float32, shape (N, D).

        Raises:
            NotEnoughData: If there are no requests.
        """
        if not requests:
            raise NotEnoughData("no requests to score")
        return self.encoder.encode([request_key(r) for r in requests])

    def prompts(self, requests: Sequence[RewardRequest]) -> FloatArray | None:
        """None: a transformer reads prompt and response together."""
        return None

    def encode_pairs(self, pairs: Sequence[PreferencePair]) -> EncodedPairs:
        """Read the distinct responses of the pairs; equal tokens share one vector.

        Raises:
            NotEnoughData: If there are no pairs.
        """
        if not pairs:
            raise NotEnoughData("no pairs to encode")
        chosen, rejected = requests_of(pairs)
        keys, index = distinct([request_key(request) for request in (*chosen, *rejected)])
        chosen_N, rejected_N = index.reshape(2, -1)
        rejected_N = np.where(self._alike(keys, chosen_N, rejected_N), chosen_N, rejected_N)
        return EncodedPairs(
            tuple(pairs), TableFeatures(self.encoder.encode(keys), np.stack([chosen_N, rejected_N]))
        )

    def alike(self, pairs: Sequence[PreferencePair]) -> BoolArray:
        """Whether both responses are read as the same tokens, shape (N,); no model runs."""
        chosen, rejected = requests_of(pairs)
        keys, index = distinct([request_key(request) for request in (*chosen, *rejected)])
        return self._alike(keys, *index.reshape(2, -1))

    def _alike(self, keys: Sequence[str], chosen_N: IntArray, rejected_N: IntArray) -> BoolArray:
        if self.tokens_of is None:
            return np.zeros(len(chosen_N), dtype=np.bool_)
        lots = [keys[start : start + _LOT] for start in range(0, len(keys), _LOT)]
        number_T = np.array([number for lot in lots for number in self.tokens_of(lot)])
        same_N: BoolArray = number_T[chosen_N] == number_T[rejected_N]
        return same_N


def own_head(backbone: Backbone) -> FloatArray:
    """The scalar head of a model as a head on its ``hidden`` output, shape (D,), float64."""
    layer = scalar_head(backbone.model)[2]
    weight: FloatArray = layer.weight.detach().float().cpu().numpy()[0].astype(np.float64)
    bias = 0.0 if layer.bias is None else float(layer.bias.detach())
    return np.append(weight * np.sqrt(len(weight)), bias)


def set_head(model: Any, head_D: FloatArray) -> None:
    """Write a head on the ``hidden`` output into a model.

    Raises:
        ValueError: If the head has a bias and the model's layer has none.
    """
    import torch

    layer = scalar_head(model)[2]
    if layer.bias is None and head_D[-1] != 0:
        raise ValueError(f"the head's bias is {head_D[-1]}, and the model's layer has none")
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(head_D[None, :-1] / np.sqrt(len(head_D) - 1)))
        if layer.bias is not None:
            layer.bias.fill_(float(head_D[-1]))


@contextmanager
def without_head(model: Any) -> Iterator[None]:
    """While it is entered, the model returns what its scalar head reads."""
    import torch

    parent, child, layer = scalar_head(model)
    setattr(parent, child, torch.nn.Identity())
    try:
        yield
    finally:
        setattr(parent, child, layer)
