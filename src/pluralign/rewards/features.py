"""Features of pairs, computed from a table of vectors when they are read.

A matrix with a row for each pair takes 3 kB a pair with MiniLM, and every part of it (training
pairs, folds) as much again. The vectors of the distinct texts and three indices a pair contain the
same numbers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from pluralign.core import BoolArray, FloatArray, IntArray
from pluralign.rewards.threads import one_blas_thread

CHUNK = 128
"""Pairs whose features are computed at once: few enough that they stay in the cache of a core."""

# Vectors of one text in two batches differ by some 1e-7, of two texts by more than 1e-3.
_ROUNDING = 1e-5

Rows = IntArray | np.ndarray[Any, np.dtype[np.bool_]]


class PairFeatures(Protocol):
    """Features of chosen minus features of rejected, N pairs in D dimensions."""

    @property
    def shape(self) -> tuple[int, int]:
        """N and D."""
        ...

    def take(self, rows: Rows) -> "PairFeatures":
        """The pairs at these positions, in this order, or where a mask is true."""
        ...

    def dense(self, rows: slice = slice(None)) -> FloatArray:
        """The features of these pairs as a matrix, shape (n, D)."""
        ...

    def alike(self) -> BoolArray:
        """Whether both responses have the same features, shape (N,), so that no reward differs."""
        ...

    def prompts(self) -> tuple[FloatArray, IntArray] | None:
        """Vectors of the P distinct prompts, shape (P, d), and which one each pair has, shape (N,).

        None where a prompt has no vector of its own.
        """
        ...


@dataclass(frozen=True, slots=True)
class DenseFeatures:
    """Features that are at hand as a matrix.

    Attributes:
        difference_N_D: Features of chosen minus features of rejected, shape (N, D).
    """

    difference_N_D: FloatArray

    def __repr__(self) -> str:
        return f"DenseFeatures(shape {self.shape})"

    @property
    def shape(self) -> tuple[int, int]:
        """N and D."""
        pairs, dimensions = self.difference_N_D.shape
        return pairs, dimensions

    def take(self, rows: Rows) -> "DenseFeatures":
        """The pairs at these positions, in this order, or where a mask is true."""
        return DenseFeatures(self.difference_N_D[rows])

    def dense(self, rows: slice = slice(None)) -> FloatArray:
        """The features of these pairs, shape (n, D)."""
        return self.difference_N_D[rows]

    def alike(self) -> BoolArray:
        """Whether a pair's responses have the same features, shape (N,)."""
        same_N: BoolArray = np.all(self.difference_N_D == 0, axis=1)
        return same_N

    def prompts(self) -> tuple[FloatArray, IntArray] | None:
        """None: only differences of features are at hand."""
        return None


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Scores of texts on principal components, by which a prompt and a response are multiplied.

    Attributes:
        prompt_T_p: Scores of each text as a prompt, float32, shape (T, p).
        response_T_r: Scores of each text as a response, float32, shape (T, r).
    """

    prompt_T_p: FloatArray
    response_T_r: FloatArray


@dataclass(frozen=True, slots=True)
class TableFeatures:
    """Features that are computed from the vectors of the distinct texts.

    With e the vectors, a pair's features are ``e(chosen) - e(rejected)``, followed by ``scale *
    e(prompt)`` times that by element where there are prompts. With scores u of prompts and v of
    responses, ``scale`` times each product of an element of ``u(prompt)`` and one of ``v(chosen) -
    v(rejected)`` follows in its place.

    Attributes:
        vector_T_d: Vectors of T distinct texts, float32 or float16, shape (T, d); a file that is
            mapped into memory (``np.load(path, mmap_mode="r")``) does for a table of any size.
        index_3_N: Rows of the chosen and the rejected responses, and of the prompts where they
            count, in ``vector_T_d``; shape (2, N) or (3, N).
        scale: Weight of the second part; unused without prompts.
        scores: Scores of the texts; None where vectors are multiplied by element.

    >>> vector_T_d = np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 2.0]], dtype=np.float32)
    >>> TableFeatures(vector_T_d, np.array([[0], [1], [2]]), scale=0.5).dense().tolist()
    [[1.0, -1.0, 1.0, -1.0]]
    """

    vector_T_d: FloatArray
    index_3_N: IntArray
    scale: float = 0.0
    scores: Scores | None = None

    def __repr__(self) -> str:
        return f"TableFeatures(shape {self.shape}, from {len(self.vector_T_d):,} distinct texts)"

    @property
    def shape(self) -> tuple[int, int]:
        """N and D."""
        columns, pairs = self.index_3_N.shape
        own = self.vector_T_d.shape[1]
        if self.scores is not None:
            return pairs, own + self.scores.prompt_T_p.shape[1] * self.scores.response_T_r.shape[1]
        return pairs, (columns - 1) * own

    def take(self, rows: Rows) -> "TableFeatures":
        """The pairs at these positions, in this order, or where a mask is true."""
        return TableFeatures(self.vector_T_d, self.index_3_N[:, rows], self.scale, self.scores)

    def dense(self, rows: slice = slice(None)) -> FloatArray:
        """The features of these pairs, float32, shape (n, D)."""
        chosen, rejected, *prompt = self.index_3_N[:, rows]
        response_n_d = self._vectors(chosen) - self._vectors(rejected)
        if not prompt:
            return response_n_d
        if self.scores is None:
            return with_prompts(self._vectors(prompt[0]), response_n_d, self.scale)
        score_T_r = self.scores.response_T_r
        score_n_r = score_T_r[chosen] - score_T_r[rejected]
        return with_scores(response_n_d, self.scores.prompt_T_p[prompt[0]], score_n_r, self.scale)

    def alike(self) -> BoolArray:
        """Whether a pair's responses share one vector, shape (N,)."""
        same_N: BoolArray = self.index_3_N[0] == self.index_3_N[1]
        return same_N

    def prompts(self) -> tuple[FloatArray, IntArray] | None:
        """Vectors of the distinct prompts, shape (P, d), and which one each pair has, shape (N,).

        Prompts are in an order of their vectors. None where the vectors are of a prompt and a
        response together.
        """
        if len(self.index_3_N) < 3:
            return None
        row_P, prompt_N = np.unique(self.index_3_N[2], return_inverse=True)
        vector_P_d, sorted_P = np.unique(self._vectors(row_P), axis=0, return_inverse=True)
        return vector_P_d, sorted_P[prompt_N]

    def _vectors(self, row_n: IntArray) -> FloatArray:
        vector_n_d: FloatArray = self.vector_T_d[row_n].astype(np.float32, copy=False)
        return vector_n_d


def with_prompts(prompt_N_d: FloatArray, response_N_d: FloatArray, scale: float) -> FloatArray:
    """The response and its relation to the prompt: ``[response, scale * prompt * response]``."""
    answering_N_d = np.float32(scale) * prompt_N_d * response_N_d
    return np.concatenate([response_N_d, answering_N_d], axis=1, dtype=np.float32)


def with_scores(
    response_N_d: FloatArray, prompt_N_p: FloatArray, score_N_r: FloatArray, scale: float
) -> FloatArray:
    """The response and every product of its scores with the prompt's.

    >>> one = np.ones((1, 1), dtype=np.float32)
    >>> with_scores(one, np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]]), 0.5).tolist()
    [[1.0, 1.5, 2.0, 3.0, 4.0]]
    """
    product_N_p_r = (np.float32(scale) * prompt_N_p)[:, :, None] * score_N_r[:, None, :]
    columns = prompt_N_p.shape[1] * score_N_r.shape[1]
    product_N_pr = product_N_p_r.reshape(len(response_N_d), columns)
    return np.concatenate([response_N_d, product_N_pr], axis=1, dtype=np.float32)


def nearly_equal(vector_T_d: FloatArray, first_N: IntArray, second_N: IntArray) -> BoolArray:
    """Pairs of rows of a table that differ by rounding alone, as one text in two batches does.

    >>> vector_T_d = np.array([[1.0, 0.0], [1.0, 1e-7], [1.0, 0.1]], dtype=np.float32)
    >>> nearly_equal(vector_T_d, np.array([0, 0]), np.array([1, 2])).tolist()
    [True, False]
    """
    same_N = np.empty(len(first_N), dtype=np.bool_)
    for start in range(0, len(first_N), CHUNK):
        rows = slice(start, start + CHUNK)
        first_n_d = vector_T_d[first_N[rows]]
        distance_n = np.linalg.norm(first_n_d - vector_T_d[second_N[rows]], axis=1)
        same_N[rows] = distance_n <= _ROUNDING * np.linalg.norm(first_n_d, axis=1)
    return same_N


def as_features(difference_N_D: FloatArray | PairFeatures) -> PairFeatures:
    """A matrix as features; features stay as they are."""
    return (
        DenseFeatures(difference_N_D) if isinstance(difference_N_D, np.ndarray) else difference_N_D
    )


def chunks(features: PairFeatures, rows: slice = slice(None)) -> Iterator[tuple[slice, FloatArray]]:
    """The features of these pairs in chunks of `CHUNK`: which pairs, and their stored features."""
    first, last, _ = rows.indices(features.shape[0])
    for start in range(first, last, CHUNK):
        chunk_rows = slice(start, min(start + CHUNK, last))
        yield chunk_rows, features.dense(chunk_rows)


def products(features: PairFeatures, theta_D: FloatArray) -> FloatArray:
    """Margins under a head, in logits, float64, shape (N,), or (N, C) for heads of shape (D, C)."""
    margin = np.empty((features.shape[0], *theta_D.shape[1:]))
    with one_blas_thread():
        for rows, chunk in chunks(features):
            margin[rows] = chunk.astype(np.float64, copy=False) @ theta_D
    return margin


def distinct(texts: Sequence[str]) -> tuple[list[str], IntArray]:
    """The distinct texts in order of appearance, and where each text is among them, int32."""
    position: dict[str, int] = {}
    index_N = np.fromiter(
        (position.setdefault(t, len(position)) for t in texts), dtype=np.int32, count=len(texts)
    )
    return list(position), index_N
