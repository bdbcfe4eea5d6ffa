"""Write replies that show traits in plain words, and read the traits from them."""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np

from pluralign.core import BoolArray, FloatArray, IntArray, InvalidInput
from pluralign.simulation.bank import FILLERS, PHRASES, TRAITS

_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_VARIANTS = 5
_FEWEST, _MOST = 3, 5
_CHATTIEST = 0.5
_REMEMBERED = 50_000
"""Texts whose traits are kept in memory: a society reads the same replies for many people."""


@dataclass(frozen=True, slots=True)
class Drafts:
    """The content of a batch of replies, before it is written in words.

    Attributes:
        z_N_D: Trait shown (1), its opposite shown (-1) or neither (0), shape (N, D).
        variant_N_D: Index of the wording of each trait, shape (N, D).
        filler_N_F: Whether each filler occurs, shape (N, F).
    """

    z_N_D: IntArray
    variant_N_D: IntArray
    filler_N_F: BoolArray


def draft(traits: Sequence[str], n: int, rng: np.random.Generator) -> Drafts:
    """Draw replies that show three to five traits each, or all if there are fewer.

    A trait and its opposite are shown equally often.

    Args:
        traits: Traits that may be shown.
        n: Number of replies.
        rng: Generator of the draws.

    Returns:
        The drafts.
    """
    size = len(traits)
    active_N = rng.integers(min(_FEWEST, size), min(_MOST, size) + 1, size=n)
    rank_N_D = rng.random((n, size)).argsort(axis=1).argsort(axis=1)
    sign_N_D = rng.choice(np.array([-1, 1]), size=(n, size))
    z_N_D = np.where(rank_N_D < active_N[:, None], sign_N_D, 0)
    filler_N_F = rng.random((n, len(FILLERS))) < rng.random((n, 1)) * _CHATTIEST
    return Drafts(z_N_D, rng.integers(_VARIANTS, size=(n, size)), filler_N_F)


def write(traits: Sequence[str], drafts: Drafts) -> list[str]:
    """Write drafts in words: some fillers, the traits in their usual order, the other fillers.

    Args:
        traits: Traits, aligned with the columns of the drafts.
        drafts: The content of the replies.

    Returns:
        Texts, one for each draft.

    >>> no_fillers = np.zeros((1, len(FILLERS)), dtype=bool)
    >>> plan = Drafts(np.array([[1, -1]]), np.array([[0, 1]]), no_fillers)
    >>> write(["family", "money"], plan)
    ['Talk it over with your family before you decide. Do not choose for the sake of pay.']
    """
    poles = [PHRASES[t] for t in traits]
    half = len(FILLERS) // 2
    texts = []
    rows = zip(
        drafts.z_N_D.tolist(), drafts.variant_N_D.tolist(), drafts.filler_N_F.tolist(), strict=True
    )
    for z_D, variant_D, filler_F in rows:
        sentences = list(itertools.compress(FILLERS[:half], filler_F[:half]))
        for pole, z, variant in zip(poles, z_D, variant_D, strict=True):
            if z:
                sentences.append(pole[0 if z > 0 else 1][variant])
        sentences += itertools.compress(FILLERS[half:], filler_F[half:])
        texts.append(" ".join(sentences))
    return texts


def draw_replies(
    traits: Sequence[str], n: int, rng: np.random.Generator
) -> tuple[list[str], list[str]]:
    """Draw pairs of different replies.

    Args:
        traits: Traits that may be shown.
        n: Number of pairs.
        rng: Generator of the draws.

    Returns:
        The first reply of each pair, and the second.
    """
    first, second = write(traits, draft(traits, n, rng)), write(traits, draft(traits, n, rng))
    for i in range(n):
        while first[i] == second[i]:
            second[i] = write(traits, draft(traits, 1, rng))[0]
    return first, second


def read_traits(texts: Sequence[str], traits: Sequence[str]) -> FloatArray:
    """Read the traits that each text shows; sentences that are not in the bank show none.

    Args:
        texts: Texts, N of them.
        traits: Traits to look for.

    Returns:
        Trait shown (1), opposite shown (-1), neither (0), shape (N, D); several phrases of one
        trait add up.

    Raises:
        InvalidInput: If a trait is not in the bank.

    >>> texts = ["Do not choose for the sake of pay. Anything else?"]
    >>> read_traits(texts, ["family", "money"]).tolist()
    [[0.0, -1.0]]
    """
    check_traits(traits)
    column = {t: i for i, t in enumerate(traits)}
    rows = []
    for text in texts:
        z_D = [0.0] * len(traits)
        for trait, sign in _shown_in(text):
            if trait in column:
                z_D[column[trait]] += sign
        rows.append(z_D)
    return np.array(rows, dtype=np.float64).reshape(len(texts), len(traits))


def log_words(texts: Sequence[str]) -> FloatArray:
    """Natural logarithm of the number of words, shape (N,); 0 for an empty text.

    >>> log_words(["one two"]).round(3).tolist()
    [0.693]
    """
    return np.log([max(1, len(text.split())) for text in texts])


def check_traits(traits: Sequence[str]) -> None:
    """Refuse traits that are unknown or named twice.

    Raises:
        InvalidInput: If a trait is unknown or named twice, or there are no traits.
    """
    unknown = [t for t in traits if t not in PHRASES]
    if unknown:
        raise InvalidInput(f"unknown traits {unknown}", hint=f"choose among {', '.join(TRAITS)}")
    if not traits or len(set(traits)) != len(traits):
        raise InvalidInput(f"traits must be at least one, each named once, got {list(traits)}")


@lru_cache(_REMEMBERED)
def _shown_in(text: str) -> tuple[tuple[str, int], ...]:
    """The traits that a text shows, in its order, each with 1, or -1 for the opposite."""
    shown = _shown()
    sentences = _SENTENCE.split(text.strip())
    return tuple(shown[sentence] for sentence in sentences if sentence in shown)


@cache
def _shown() -> dict[str, tuple[str, int]]:
    """Phrase -> the trait that it shows, and 1, or -1 where it shows the opposite."""
    found: dict[str, tuple[str, int]] = {}
    for trait, (positive, negative) in PHRASES.items():
        found |= dict.fromkeys(positive, (trait, 1))
        found |= dict.fromkeys(negative, (trait, -1))
    return found
