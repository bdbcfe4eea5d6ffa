"""Trunks: the features of a prompt and a response for a linear reward."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from pluralign.core import (
    BoolArray,
    Encoder,
    FloatArray,
    IntArray,
    InvalidInput,
    NotEnoughData,
    PreferencePair,
    RewardRequest,
    count_of,
    listed,
    prompt_text,
)
from pluralign.rewards.features import (
    PairFeatures,
    TableFeatures,
    distinct,
    nearly_equal,
    products,
    with_prompts,
)

INTERACTION = 0.5


@dataclass(frozen=True, slots=True)
class EncodedPairs:
    """Pairs with the features of their texts, each distinct text encoded once.

    Attributes:
        pairs: The pairs, N of them.
        features: Features of chosen minus features of rejected, shape (N, D).
    """

    pairs: tuple[PreferencePair, ...]
    features: PairFeatures

    def __post_init__(self) -> None:
        if len(self.pairs) != self.features.shape[0]:
            raise ValueError(
                f"{len(self.pairs)} pairs and {self.features.shape[0]} rows of features"
            )

    def __len__(self) -> int:
        return len(self.pairs)

    def __repr__(self) -> str:
        communities = sorted({pair.community for pair in self.pairs})
        return (
            f"EncodedPairs({count_of(len(self), 'pair')} of {listed(communities)}; "
            f"{self.features.shape[1]:,} features)"
        )

    def take(self, index: IntArray) -> "EncodedPairs":
        """The pairs at these positions, in this order."""
        return EncodedPairs(tuple(self.pairs[i] for i in index.tolist()), self.features.take(index))

    def of(self, communities: Sequence[str]) -> "EncodedPairs":
        """The pairs whose rater belongs to one of these communities."""
        wanted = set(communities)
        return self.take(np.flatnonzero([p.community in wanted for p in self.pairs]))

    @property
    def alike_N(self) -> BoolArray:
        """Whether the trunk reads both responses alike, shape (N,): their rewards are equal."""
        return self.features.alike()

    def margins(self, theta_D: FloatArray) -> FloatArray:
        """Reward of chosen minus rejected, in logits: shape (N,) for a head, (N, C) for heads."""
        return products(self.features, theta_D)


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

    @property
    def kinds(self) -> Mapping[str, slice]:
        """Kind of feature -> which dimensions it has; together they are all D, each once."""
        ...

    def features(self, requests: Sequence[RewardRequest]) -> FloatArray:
        """Features of each request, float32, shape (N, D)."""
        ...

    def encode_pairs(self, pairs: Sequence[PreferencePair]) -> EncodedPairs:
        """Pairs with the difference of their features."""
        ...


@dataclass(frozen=True, slots=True)
class EmbeddingTrunk:
    """A frozen sentence encoder, read by a linear head.

    The features of a prompt x and a response y, with e the encoder's unit vectors of d dimensions,
    are ``[e(y), interaction * sqrt(d) * e(x) * e(y)]``: the response, and its relation to the
    prompt. The second half lets a taste depend on the prompt ("Yes" is not the same answer to every
    question); without it a survey's short options are hard to distinguish.

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
            raise InvalidInput(
                f"interaction must be a number >= 0, got {self.interaction}",
                hint=f"use {INTERACTION}",
            )

    @property
    def fingerprint(self) -> str:
        """Changes whenever the features of any text would change."""
        return f"{self.encoder.fingerprint}+interaction={float(self.interaction)!r}"

    @property
    def dimensions(self) -> int:
        """Length D of a feature vector."""
        return 2 * self.encoder.dimensions

    @property
    def kinds(self) -> Mapping[str, slice]:
        """``response``: the text itself; ``interaction``: how it answers the prompt."""
        half = self.encoder.dimensions
        return {"response": slice(0, half), "interaction": slice(half, 2 * half)}

    def features(self, requests: Sequence[RewardRequest]) -> FloatArray:
        """Features of each request, float32, shape (N, D).

        Raises:
            NotEnoughData: If there are no requests.
        """
        if not requests:
            raise NotEnoughData("no requests to score")
        texts, index = distinct(
            [prompt_text(r.prompt) for r in requests] + [r.response for r in requests]
        )
        vector_T_d = self.encoder.encode(texts)
        prompt_N, response_N = np.split(index, 2)
        return with_prompts(vector_T_d[prompt_N], vector_T_d[response_N], self._scale(vector_T_d))

    def encode_pairs(self, pairs: Sequence[PreferencePair]) -> EncodedPairs:
        """Encode the texts of the pairs, each distinct one once.

        Responses that the encoder reads alike (the same once cut, or but for case or blanks) share
        one vector, so that rounding does not make one of them the better.

        Raises:
            NotEnoughData: If there are no pairs.
        """
        if not pairs:
            raise NotEnoughData("no pairs to encode")
        # Prompts first: the order in which texts are encoded decides what a stopped run has kept.
        texts, index = distinct(
            [prompt_text(p.prompt) for p in pairs]
            + [p.chosen for p in pairs]
            + [p.rejected for p in pairs]
        )
        vector_T_d = self.encoder.encode(texts)
        prompt_N, chosen_N, rejected_N = np.split(index, 3)
        rejected_N = np.where(nearly_equal(vector_T_d, chosen_N, rejected_N), chosen_N, rejected_N)
        index_3_N = np.stack([chosen_N, rejected_N, prompt_N])
        return EncodedPairs(
            tuple(pairs), TableFeatures(vector_T_d, index_3_N, self._scale(vector_T_d))
        )

    def _scale(self, vector_T_d: FloatArray) -> float:
        # Products of unit vectors shrink with their length d: sqrt(d) undoes it.
        return float(self.interaction * np.sqrt(vector_T_d.shape[1]))
