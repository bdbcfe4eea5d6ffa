"""Distil a sentence encoder into one vector for each token, by the recipe of model2vec.

The recipe is that of model2vec 0.10 (``distill``: mean of the hidden states, principal components,
weights by rank). Its own extra pins an old transformers, so the three steps are written here, and
model2vec keeps and runs the result.
"""

import copy
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from pluralign.core import FloatArray, IntArray, InvalidInput
from pluralign.encoders.library import is_plain
from pluralign.encoders.sentence_encoder import SentenceEncoder

if TYPE_CHECKING:
    from model2vec import StaticModel

_SIF = 1e-4
_TOKENS_AT_ONCE = 256
_UNUSED = re.compile(r"\[unused\d+\]")


def distilled(
    source: SentenceEncoder, dimensions: int, progress: Callable[[int, int], None]
) -> "StaticModel":
    """Distil a static model; nothing is drawn at random.

    Args:
        source: The encoder to distil from.
        dimensions: Length of a vector, at most that of the source.
        progress: Called with (tokens done, tokens in all).

    Returns:
        A model with a vector for each token; special and unused tokens have zeros.

    Raises:
        InvalidInput: If the source has no fast tokenizer, or shorter vectors.
    """
    from model2vec import StaticModel

    if not is_plain(source.model) or not 1 <= dimensions <= source.dimensions:
        raise InvalidInput(
            f"cannot distil {dimensions} dimensions from this model",
            where=str(source.folder),
            hint="it must be a transformer with a fast tokenizer, no prompt, "
            "and at least as many dimensions",
        )
    tokenizer = copy.deepcopy(source.model.tokenizer.backend_tokenizer)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    token_T = np.array(_ordinary_tokens(source), dtype=np.int64)
    hidden_T_H = _hidden(source, token_T, progress)
    vector_V_D = np.zeros((tokenizer.get_vocab_size(), dimensions), np.float32)
    vector_V_D[token_T] = (
        principal_components(hidden_T_H, dimensions) * rank_weights(len(token_T))[:, None]
    )
    return StaticModel(vectors=vector_V_D, tokenizer=tokenizer, normalize=True, max_length=None)


def rank_weights(n: int, coefficient: float = _SIF) -> FloatArray:
    """Weigh tokens down by how frequent they must be, given only their rank (Zipf's law).

    ``coefficient / (coefficient + p)`` with ``p`` proportional to 1 / (rank + 1): smooth inverse
    frequency (Arora et al. 2017).

    Args:
        n: Number of tokens, most frequent first.
        coefficient: Softness, > 0.

    Returns:
        Weights in (0, 1), shape (n,), rising.

    >>> rank_weights(3).round(5).tolist()
    [0.00022, 0.00032, 0.00043]
    """
    inverse = 1.0 / np.arange(2, n + 2)
    weights: FloatArray = coefficient / (coefficient + inverse / inverse.sum())
    return weights


def principal_components(row_N_H: FloatArray, dimensions: int) -> FloatArray:
    """Centre rows and turn them onto their principal components.

    The largest score of each component is positive.

    Args:
        row_N_H: Shape (N, H).
        dimensions: How many components, at most H.

    Returns:
        Scores, shape (N, dimensions), the component of most variance first.

    >>> rows = np.array([[0.0, 0.0], [1.0, 1.0], [5.0, 5.0]])
    >>> principal_components(rows, 1).round(2).ravel().tolist()
    [-2.83, -1.41, 4.24]
    """
    centred_N_H = row_N_H.astype(np.float64) - row_N_H.mean(axis=0, dtype=np.float64)
    _, vector_H_H = np.linalg.eigh(centred_N_H.T @ centred_N_H)
    score_N_D = centred_N_H @ vector_H_H[:, ::-1][:, :dimensions]
    largest_D = score_N_D[np.abs(score_N_D).argmax(axis=0), np.arange(dimensions)]
    signed: FloatArray = score_N_D * np.where(largest_D < 0, -1.0, 1.0)
    return signed


def _ordinary_tokens(source: SentenceEncoder) -> list[int]:
    """Ids of the tokens that texts are made of, in the order of the vocabulary."""
    tokenizer = source.model.tokenizer
    special = set(tokenizer.all_special_ids)
    return sorted(
        i
        for token, i in tokenizer.get_vocab().items()
        if i not in special and not _UNUSED.fullmatch(token)
    )


def _hidden(
    source: SentenceEncoder, token_T: IntArray, progress: Callable[[int, int], None]
) -> FloatArray:
    """Mean hidden state of each token between the special ones, shape (T, H)."""
    import torch

    before, after = _around(source)
    parts: list[FloatArray] = []
    source.model.eval()
    with torch.inference_mode():
        for start in range(0, len(token_T), _TOKENS_AT_ONCE):
            ids = [
                [*before, token, *after]
                for token in token_T[start : start + _TOKENS_AT_ONCE].tolist()
            ]
            input_ids = torch.tensor(ids, device=source.model.device)
            features = {"input_ids": input_ids, "attention_mask": torch.ones_like(input_ids)}
            parts.append(
                source.model(features)["token_embeddings"].float().mean(dim=1).cpu().numpy()
            )
            progress(min(start + _TOKENS_AT_ONCE, len(token_T)), len(token_T))
    return np.concatenate(parts)


def _around(source: SentenceEncoder) -> tuple[list[int], list[int]]:
    """Special tokens before and after a text."""
    encoded = source.model.tokenizer("a", return_special_tokens_mask=True)
    ids, special = encoded["input_ids"], encoded["special_tokens_mask"]
    first, last = special.index(0), len(special) - special[::-1].index(0)
    return ids[:first], ids[last:]
