"""Trunks: the features of a prompt and a response for a linear reward."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
    with_scores,
)
from pluralign.rewards.principal_components import PrincipalComponents, fit_components

INTERACTION = 0.5
"""Default weight of the products of prompt and response in the features of a trunk."""
COMPONENTS = "+components="
"""Where the part of a fingerprint begins that names principal components."""


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

    def prompts(self, requests: Sequence[RewardRequest]) -> FloatArray | None:
        """Vector of each request's prompt, shape (N, d); None where prompts have none."""
        ...


@dataclass(frozen=True, slots=True)
class EmbeddingTrunk:
    """A frozen sentence encoder, read by a linear head.

    The features of a prompt x and a response y, with e the encoder's unit vectors of d dimensions,
    are ``[e(y), interaction * sqrt(d) * e(x) * e(y)]``: the response, and its relation to the
    prompt. The second half lets a taste depend on the prompt ("Yes" is not the same answer to every
    question); without it a survey's short options are hard to distinguish. With principal
    components, every product of a prompt's and a response's score takes the place of the product by
    element, in which a taste for one direction of responses depends on that direction of the
    prompt alone.

    Attributes:
        encoder: The encoder.
        interaction: Weight of the second part, >= 0; 0 leaves it out of every reward.
        components: Principal components of prompts and responses, fitted on training texts (see
            `fit_trunk`); None: vectors are multiplied by element.

    Raises:
        InvalidInput: If the interaction is not a finite number >= 0.
    """

    encoder: Encoder
    interaction: float = INTERACTION
    components: PrincipalComponents | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.interaction < np.inf:
            raise InvalidInput(
                f"interaction must be a number >= 0, got {self.interaction}",
                hint=f"use {INTERACTION}",
            )

    @property
    def fingerprint(self) -> str:
        """Changes whenever the features of any text would change."""
        plain = f"{self.encoder.fingerprint}+interaction={float(self.interaction)!r}"
        if self.components is None:
            return plain
        prompts, responses = self.components.shape
        return f"{plain}{COMPONENTS}{prompts}x{responses}:{self.components.digest[:16]}"

    @property
    def dimensions(self) -> int:
        """Length D of a feature vector."""
        if self.components is None:
            return 2 * self.encoder.dimensions
        prompts, responses = self.components.shape
        return self.encoder.dimensions + prompts * responses

    @property
    def kinds(self) -> Mapping[str, slice]:
        """``response``: the text itself; ``interaction``: how it answers the prompt."""
        own = self.encoder.dimensions
        return {"response": slice(0, own), "interaction": slice(own, self.dimensions)}

    def features(self, requests: Sequence[RewardRequest]) -> FloatArray:
        """Features of each request, float32, shape (N, D).

        Raises:
            NotEnoughData: If there are no requests.
        """
        return self.features_of(*self.vectors(requests))

    def vectors(self, requests: Sequence[RewardRequest]) -> tuple[FloatArray, FloatArray]:
        """Vectors of the prompts and of the responses, each distinct text encoded once, (N, d).

        Raises:
            NotEnoughData: If there are no requests.
        """
        if not requests:
            raise NotEnoughData("no requests to score")
        texts, index = distinct(
            [prompt_text(r.prompt) for r in requests] + [r.response for r in requests]
        )
        vector_T_d = self.encoder.encode(texts)
        return vector_T_d[index[: len(requests)]], vector_T_d[index[len(requests) :]]

    def features_of(self, prompt_N_d: FloatArray, response_N_d: FloatArray) -> FloatArray:
        """Features of requests whose texts are encoded already, float32, shape (N, D)."""
        if self.components is None:
            return with_prompts(prompt_N_d, response_N_d, self._scale(response_N_d))
        prompt_N_p = self.components.of_prompts(prompt_N_d)
        score_N_r = self.components.of_responses(response_N_d)
        return with_scores(response_N_d, prompt_N_p, score_N_r, self.interaction)

    def encode_pairs(self, pairs: Sequence[PreferencePair]) -> EncodedPairs:
        """Encode the texts of the pairs, each distinct one once.

        Responses that the encoder reads alike (the same once cut, or but for case or blanks) share
        one vector, so that rounding does not make one of them the better.

        Raises:
            NotEnoughData: If there are no pairs.
        """
        if not pairs:
            raise NotEnoughData("no pairs to encode")
        texts, index = distinct(texts_of(pairs))
        vector_T_d = self.encoder.encode(texts)
        prompt_N, chosen_N, rejected_N = np.split(index, 3)
        rejected_N = np.where(nearly_equal(vector_T_d, chosen_N, rejected_N), chosen_N, rejected_N)
        index_3_N = np.stack([chosen_N, rejected_N, prompt_N])
        return self.read_again(EncodedPairs(tuple(pairs), TableFeatures(vector_T_d, index_3_N)))

    def read_again(self, encoded: EncodedPairs) -> EncodedPairs:
        """Pairs with the features of this trunk, from vectors of its encoder.

        Args:
            encoded: Pairs that a trunk with the same encoder has encoded.
        """
        table = encoded.features
        assert isinstance(table, TableFeatures), "features of an embedding trunk"
        if self.components is None:
            scale, scores = self._scale(table.vector_T_d), None
        else:
            scale, scores = self.interaction, self.components.scores(table.vector_T_d)
        return replace(encoded, features=replace(table, scale=scale, scores=scores))

    def prompts(self, requests: Sequence[RewardRequest]) -> FloatArray | None:
        """Vector of each request's prompt, float32, shape (N, d)."""
        texts, index_N = distinct([prompt_text(r.prompt) for r in requests])
        vectors: FloatArray = self.encoder.encode(texts)[index_N]
        return vectors

    def _scale(self, vector_T_d: FloatArray) -> float:
        # Products of unit vectors shrink with their length d: sqrt(d) undoes it.
        return self.interaction * math.sqrt(vector_T_d.shape[1])


def texts_of(pairs: Sequence[PreferencePair]) -> list[str]:
    """The texts of pairs: all prompts, then all chosen, then all rejected responses.

    The order in which texts are encoded decides what a stopped run has kept.
    """
    prompts = [prompt_text(p.prompt) for p in pairs]
    return [*prompts, *(p.chosen for p in pairs), *(p.rejected for p in pairs)]


def fit_trunk(
    trunk: Trunk, encoded: EncodedPairs, train: IntArray, components: int
) -> tuple[Trunk, EncodedPairs]:
    """A trunk with principal components of the training texts, and all pairs as it reads them.

    The components are those of the whole training side: they stay in the folds inside it, in
    learning curves and where one person is taken out to measure their influence, because no choice
    is read to fit them. A run made again without a person fits them again.

    Args:
        trunk: The trunk that encoded the pairs.
        encoded: All pairs.
        train: Positions of the training pairs; the texts of others are not read.
        components: As in `fit_components`; 0 leaves trunk and pairs as they are.

    >>> from pluralign.encoders import HashEncoder
    >>> from pluralign.simulation import SocietySource
    >>> trunk = EmbeddingTrunk(HashEncoder(16))
    >>> encoded = trunk.encode_pairs(list(SocietySource(each=40, thin=10, world=10).pairs()))
    >>> fitted, again = fit_trunk(trunk, encoded, np.arange(40), components=3)
    >>> fitted.dimensions, again.features.shape[1]
    (25, 25)
    """
    if not components or not isinstance(trunk, EmbeddingTrunk):
        return trunk, encoded
    table = encoded.features.take(train)
    assert isinstance(table, TableFeatures), "features of an embedding trunk"
    fitted = replace(trunk, components=fit_components(table, components))
    return fitted, fitted.read_again(encoded)


def features_under(
    trunks: Sequence[Trunk], requests: Sequence[RewardRequest]
) -> Iterator[FloatArray]:
    """Features of the same requests under several trunks, float32, shape (N, D) each.

    Trunks of several fits of one run have one encoder, so their texts are encoded once.
    """
    first, *others = trunks
    if not others or not isinstance(first, EmbeddingTrunk):
        yield from (trunk.features(requests) for trunk in trunks)
        return
    prompt_N_d, response_N_d = first.vectors(requests)
    for trunk in trunks:
        assert isinstance(trunk, EmbeddingTrunk)
        yield trunk.features_of(prompt_N_d, response_N_d)
