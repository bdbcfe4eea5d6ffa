"""Trunks: what a prompt and a response look like to a linear reward."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from pluralign.core import (
    Encoder,
    FloatArray,
    IntArray,
    InvalidInput,
    NotEnoughData,
    PreferencePair,
    RewardRequest,
    prompt_text,
)

INTERACTION = 0.5


@dataclass(frozen=True, slots=True)
class EncodedPairs:
    """Pairs beside the embeddings of their texts, each distinct text encoded once.

    Attributes:
        pairs: The pairs, N of them.
        difference_N_D: Features of chosen minus features of rejected, float32, shape (N, D).
    """

    pairs: tuple[PreferencePair, ...]
    difference_N_D: FloatArray

    def __post_init__(self) -> None:
        if len(self.pairs) != len(self.difference_N_D):
            raise ValueError(f"{len(self.pairs)} pairs and {len(self.difference_N_D)} rows of features")

    def __len__(self) -> int:
        return len(self.pairs)

    def take(self, index: IntArray) -> "EncodedPairs":
        """The pairs at these positions, in this order."""
        return EncodedPairs(tuple(self.pairs[i] for i in index.tolist()), self.difference_N_D[index])

    def of(self, communities: Sequence[str]) -> "EncodedPairs":
        """The pairs whose rater belongs to one of these communities."""
        wanted = set(communities)
        return self.take(np.flatnonzero([p.community in wanted for p in self.pairs]))

    def margins(self, theta_D: FloatArray) -> FloatArray:
        """Reward of chosen minus rejected under a head, in logits, shape (N,), or (N, C) for heads (D, C)."""
        margin: FloatArray = self.difference_N_D.astype(np.float64) @ theta_D
        return margin


class Trunk(Protocol):
    """Turns prompts and responses into the features that linear heads read."""

    @property
    def fingerprint(self) -> str:
        """Changes whenever the features of any request would change."""
        ...

    @property
    def dimensions(self) -> int:
        """Length D of a feature vector."""
        ...

    def features(self, requests: Sequence[RewardRequest]) -> FloatArray:
        """Features of each request, float32, shape (N, D)."""
        ...

    def encode_pairs(self, pairs: Sequence[PreferencePair]) -> EncodedPairs:
        """Pairs beside the difference of their features."""
        ...


@dataclass(frozen=True, slots=True)
class EmbeddingTrunk:
    """A frozen sentence encoder, read by a linear head.

    The features of a prompt x and a response y, with e the encoder's unit vectors of d dimensions, are
    ``[e(y), interaction * sqrt(d) * e(x) * e(y)]``: what is said, and how it answers what was asked. The second half
    lets a taste depend on the prompt ("Yes" is not the same answer to every question); without it a survey's short
    options cannot be told apart.

    Attributes:
        encoder: The encoder.
        interaction: Weight of the second half, >= 0; 0 leaves it out of every reward.

    Raises:
        InvalidInput: If the interaction is not a finite number >= 0.
    """

    encoder: Encoder
    interaction: float = INTERACTION

    def __post_init__(self) -> None:
        if not 0 <= self.interaction < np.inf:
            raise InvalidInput(f"interaction is {self.interaction}, not a number >= 0", hint=f"use {INTERACTION}")

    @property
    def fingerprint(self) -> str:
        """Changes whenever the features of any text would change."""
        return f"{self.encoder.fingerprint}+interaction={float(self.interaction)!r}"

    @property
    def dimensions(self) -> int:
        """Length D of a feature vector."""
        return 2 * self.encoder.dimensions

    def features(self, requests: Sequence[RewardRequest]) -> FloatArray:
        """Features of each request, float32, shape (N, D).

        Raises:
            NotEnoughData: If there are no requests.
        """
        if not requests:
            raise NotEnoughData("no requests to score")
        prompt_N_d, response_N_d = self._encode(
            [prompt_text(r.prompt) for r in requests], [r.response for r in requests]
        )
        return self._join(prompt_N_d, response_N_d)

    def encode_pairs(self, pairs: Sequence[PreferencePair]) -> EncodedPairs:
        """Encode the texts of the pairs, each distinct one once.

        Raises:
            NotEnoughData: If there are no pairs.
        """
        if not pairs:
            raise NotEnoughData("no pairs to encode")
        prompt_N_d, chosen_N_d, rejected_N_d = self._encode(
            [prompt_text(p.prompt) for p in pairs], [p.chosen for p in pairs], [p.rejected for p in pairs]
        )
        return EncodedPairs(tuple(pairs), self._join(prompt_N_d, chosen_N_d - rejected_N_d))

    def _encode(self, *columns: list[str]) -> list[FloatArray]:
        """Encode columns of texts, each distinct text once, shape (N, d) each."""
        texts, index = _distinct([text for column in columns for text in column])
        embedding = self.encoder.encode(texts)
        return [embedding[index_N] for index_N in np.split(index, len(columns))]

    def _join(self, prompt_N_d: FloatArray, response_N_d: FloatArray) -> FloatArray:
        scale = np.float32(self.interaction * np.sqrt(prompt_N_d.shape[1]))
        return np.concatenate([response_N_d, scale * prompt_N_d * response_N_d], axis=1, dtype=np.float32)


def _distinct(texts: list[str]) -> tuple[list[str], IntArray]:
    """The distinct texts in order of appearance, and where each text is among them."""
    position: dict[str, int] = {}
    index_N = np.fromiter((position.setdefault(t, len(position)) for t in texts), dtype=np.intp, count=len(texts))
    return list(position), index_N
