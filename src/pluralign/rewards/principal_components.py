"""Principal components of prompts and of responses, whose products let a taste depend on both."""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.linalg.blas import dsyrk

from pluralign.core import FloatArray, IntArray
from pluralign.rewards.features import Scores, TableFeatures
from pluralign.rewards.threads import one_blas_thread

_BLOCK = 1024
_NAMES = ("prompt_mean", "prompt_directions", "response_directions")
_NOTHING = 1e-9  # of the mean square of the vectors: float32 rounds each to about 1e-14 of it


@dataclass(frozen=True, slots=True, eq=False)
class PrincipalComponents:
    """Directions of the largest variance among prompts, and among responses.

    The scores of a prompt x are ``(e(x) - mean) @ prompt_d_p``, those of a response y ``e(y) @
    response_d_r``, with e the encoder's vectors.

    Attributes:
        mean_d: Mean of the distinct prompts, float32, shape (d,).
        prompt_d_p: Directions of prompts, float32, shape (d, p), times a factor that matches the
            scale of the products with that of products by element (see `fit_components`).
        response_d_r: Directions of responses, float32, orthonormal, shape (d, r).
    """

    mean_d: FloatArray
    prompt_d_p: FloatArray
    response_d_r: FloatArray

    def __repr__(self) -> str:
        prompts, responses = self.shape
        return f"PrincipalComponents({prompts} of prompts, {responses} of responses)"

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of components of prompts and of responses."""
        return self.prompt_d_p.shape[1], self.response_d_r.shape[1]

    @property
    def digest(self) -> str:
        """Digest of the arrays."""
        arrays = [array.astype("<f4").tobytes() for array in self.tensors().values()]
        return hashlib.sha256(b"".join(arrays)).hexdigest()

    def tensors(self) -> dict[str, FloatArray]:
        """The arrays by the names that a saved model gives them."""
        arrays = (self.mean_d, self.prompt_d_p, self.response_d_r)
        return dict(zip(_NAMES, arrays, strict=True))

    @classmethod
    def zeros(cls, dimensions: int, prompts: int, responses: int) -> "PrincipalComponents":
        """Arrays of these shapes that are still to be read."""
        shapes = ((dimensions,), (dimensions, prompts), (dimensions, responses))
        return cls(*(np.zeros(shape, dtype=np.float32) for shape in shapes))

    @classmethod
    def of_tensors(cls, tensors: Mapping[str, FloatArray]) -> "PrincipalComponents":
        """The components of a saved model; other tensors may be among these."""
        return cls(*(tensors[name] for name in _NAMES))

    def scores(self, vector_T_d: FloatArray) -> Scores:
        """Scores of texts, each as a prompt and as a response."""
        return Scores(self.of_prompts(vector_T_d), self.of_responses(vector_T_d))

    def of_prompts(self, vector_T_d: FloatArray) -> FloatArray:
        """Scores of prompts, float32, shape (T, p)."""
        return _projected(vector_T_d, self.mean_d, self.prompt_d_p)

    def of_responses(self, vector_T_d: FloatArray) -> FloatArray:
        """Scores of responses, float32, shape (T, r)."""
        return _projected(vector_T_d, np.zeros_like(self.mean_d), self.response_d_r)


def fit_components(features: TableFeatures, components: int) -> PrincipalComponents:
    """Fit the components on the texts of training pairs, each distinct text counted once.

    The products of scores get the mean square over these pairs that products of whole vectors by
    element, ``sqrt(d) * e(x) * (e(chosen) - e(rejected))``, have. Neither the order of pairs nor
    the choice between two responses matters: no label is read.

    Args:
        features: The training pairs, with their prompts.
        components: Largest number of components of prompts, and of responses, > 0. Fewer than
            n distinct texts vary in fewer directions, and then there are fewer.

    Returns:
        The components, each with the sign that makes its largest element positive.
    """
    chosen_N, rejected_N, prompt_N = features.index_3_N
    vector_T_d = features.vector_T_d
    with one_blas_thread():
        prompt_t_d, prompt_N = _distinct(vector_T_d, prompt_N)
        response_t_d, both_2N = _distinct(vector_T_d, np.concatenate([chosen_N, rejected_N]))
        mean_d, prompt_d_p = _directions(prompt_t_d, components)
        response_d_r = _directions(response_t_d, components)[1].astype(np.float32)
        # Scores of the distinct texts alone, so that no other row of the table matters.
        square_t = _squares(_projected(prompt_t_d, mean_d, prompt_d_p))
        score_t_r = _projected(response_t_d, np.zeros_like(mean_d), response_d_r)
    chosen_N, rejected_N = np.split(both_2N, 2)
    of_scores_N = square_t[prompt_N] * _squares(score_t_r[chosen_N] - score_t_r[rejected_N])
    factor = _root_ratio(_products_by_element(features), of_scores_N)
    return PrincipalComponents(
        mean_d.astype(np.float32), (factor * prompt_d_p).astype(np.float32), response_d_r
    )


def _distinct(vector_T_d: FloatArray, row_N: IntArray) -> tuple[FloatArray, IntArray]:
    """The distinct vectors among some rows, in an order of their own, and each row among them."""
    own, own_N = np.unique(row_N, return_inverse=True)
    own_T_d = np.ascontiguousarray(vector_T_d[own], dtype=np.float32)
    as_bytes = own_T_d.view(np.dtype((np.void, own_T_d.itemsize * own_T_d.shape[1]))).ravel()
    _, first, distinct_T = np.unique(as_bytes, return_index=True, return_inverse=True)
    return own_T_d[first], distinct_T[own_N]


def _directions(vector_T_d: FloatArray, components: int) -> tuple[FloatArray, FloatArray]:
    """Mean of vectors, and the directions in which they vary most, the first one most, (d, k)."""
    mean_d = vector_T_d.mean(axis=0, dtype=np.float64)
    dimensions = len(mean_d)
    covariance_d_d = np.zeros((dimensions, dimensions), order="F")
    for start in range(0, len(vector_T_d), _BLOCK):
        block = vector_T_d[start : start + _BLOCK] - mean_d
        covariance_d_d = dsyrk(1, block.T, beta=1, c=covariance_d_d, overwrite_c=True, lower=True)
    value_d, direction_d_d = np.linalg.eigh(covariance_d_d, UPLO="L")
    kept = min(components, int((value_d > _NOTHING * np.square(vector_T_d).sum()).sum()))
    direction_d_k = direction_d_d[:, ::-1][:, :kept]
    return mean_d, direction_d_k * _signs(direction_d_k)


def _signs(direction_d_k: FloatArray) -> FloatArray:
    """1 or -1 for each direction, so that its largest element becomes positive."""
    if not direction_d_k.size:
        return np.ones(direction_d_k.shape[1])
    largest = np.abs(direction_d_k).argmax(axis=0)
    signs: FloatArray = np.sign(direction_d_k[largest, np.arange(direction_d_k.shape[1])])
    return signs


def _products_by_element(features: TableFeatures) -> FloatArray:
    """Sum of squares of the product by element of each pair, float64, shape (N,)."""
    vector_T_d = features.vector_T_d
    square_N = np.empty(features.shape[0])
    for start in range(0, len(square_N), _BLOCK):
        rows = slice(start, start + _BLOCK)
        chosen, rejected, prompt = features.index_3_N[:, rows]
        square_N[rows] = _squares(vector_T_d[prompt] * (vector_T_d[chosen] - vector_T_d[rejected]))
    square_N *= vector_T_d.shape[1]
    return square_N


def _root_ratio(above_N: FloatArray, below_N: FloatArray) -> float:
    """Root of the ratio of two sums; they are exact, so that the order of pairs does not matter."""
    below = math.fsum(below_N.tolist())
    return math.sqrt(math.fsum(above_N.tolist()) / below) if below > 0 else 1.0


def _squares(matrix_n_k: FloatArray) -> FloatArray:
    """Sum of squares of each row, float64."""
    squares_n: FloatArray = np.square(matrix_n_k, dtype=np.float64).sum(axis=1)
    return squares_n


def _projected(vector_T_d: FloatArray, mean_d: FloatArray, direction_d_k: FloatArray) -> FloatArray:
    """Vectors less the mean, along directions; rounded, so that batches do not show."""
    score_T_k = np.empty((len(vector_T_d), direction_d_k.shape[1]), dtype=np.float32)
    wide_d_k = direction_d_k.astype(np.float64)
    with one_blas_thread():
        for start in range(0, len(vector_T_d), _BLOCK):
            rows = slice(start, start + _BLOCK)
            score_T_k[rows] = (vector_T_d[rows].astype(np.float64) - mean_d) @ wide_d_k
    return score_T_k
