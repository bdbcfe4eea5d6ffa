"""How strongly a model steers on a prompt: less on one unlike those that a community was asked.

Choices show what a community prefers among answers to what it was asked. About other questions they
show less, and what they show may mislead. So a prompt's *familiarity* to a community is the share
of its vector q that the prompts asked explain,

    f(q) = q' G (G + I)^-1 q,   G = sum of q_i q_i' over the distinct prompts that it was asked,

1 minus the variance that is left of a linear function of prompts once its values at these prompts
are known with unit noise (Rasmussen and Williams 2006, section 2.1; G is cut to its `RANK` largest
eigenvalues). The strength of steering is 0 up to the familiarity ``start``, 1 from ``full`` on, and
rises in proportion between the two.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pluralign.core import FloatArray, RewardRequest, prompt_text
from pluralign.rewards.features import distinct
from pluralign.rewards.threads import one_blas_thread
from pluralign.rewards.trunk import Trunk

RANK = 64
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Fading:
    """Strength of steering by the familiarity of a prompt.

    Attributes:
        asked: Community -> the directions of the prompts that it was asked, float32, shape (R, d);
            familiarity is the squared length of a prompt's vector along them.
        anyone_R_d: Directions of the prompts that anyone was asked, for a community whose head is
            made of what others teach.
        start: Familiarity up to which a model does not steer, >= 0.
        full: Familiarity from which it steers at full strength, > ``start``.

    Raises:
        ValueError: If ``full`` is not above ``start``.
    """

    asked: Mapping[str, FloatArray]
    anyone_R_d: FloatArray
    start: float
    full: float

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.full < np.inf:
            raise ValueError(f"fading from a familiarity of {self.start} to one of {self.full}")

    def __repr__(self) -> str:
        return f"Fading(from familiarity {self.start:.2f} to {self.full:.2f})"

    def strengths(self, prompt_N_d: FloatArray, communities: Sequence[str]) -> FloatArray:
        """Strength of steering to each community on each prompt, in [0, 1], shape (N, C).

        >>> mexico, anyone = np.eye(2, dtype=np.float32)[:1], np.eye(2, dtype=np.float32)
        >>> fading = Fading({"MEX": mexico}, anyone, start=0.2, full=0.6)
        >>> prompt_N_d = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
        >>> fading.strengths(prompt_N_d, ["MEX", "KEN"]).round(2).tolist()
        [[1.0, 1.0], [0.4, 1.0], [0.0, 1.0]]
        """
        familiar_N_C = np.zeros((len(prompt_N_d), len(communities)))
        # Communities that were asked the same may share their directions, which are read once.
        known: dict[int, FloatArray] = {}
        for c, community in enumerate(communities):
            directions = self.asked.get(community, self.anyone_R_d)
            if id(directions) not in known:
                known[id(directions)] = familiarity(prompt_N_d, directions)
            familiar_N_C[:, c] = known[id(directions)]
        return ramp(familiar_N_C, self.start, self.full)

    def shared(self) -> "Fading":
        """The same, with one array of directions for all communities whose directions are equal."""
        first = {self.anyone_R_d.tobytes(): self.anyone_R_d}
        asked = {id_: first.setdefault(own.tobytes(), own) for id_, own in self.asked.items()}
        return replace(self, asked=asked)

    def knowing(self, community: str, prompt_n_d: FloatArray) -> "Fading":
        """The same for one more community, which was asked these prompts, and learns from others.

        Args:
            community: Its id.
            prompt_n_d: Vectors of the prompts that it was asked itself, shape (n, d); may be none.
        """
        # f = g / (g + 1) along a direction, so that what anyone was asked had g = f / (1 - f).
        share_R = np.square(self.anyone_R_d, dtype=np.float64).sum(axis=1)
        anyone_R_d = self.anyone_R_d / np.sqrt(np.maximum(1 - share_R, _ROUNDING))[:, None]
        directions = asked_directions(np.concatenate([anyone_R_d, prompt_n_d]))
        return replace(self, asked={**self.asked, community: directions})


def strengths_on(
    trunk: Trunk,
    fading: Fading | None,
    requests: Sequence[RewardRequest],
    communities: Sequence[str],
) -> FloatArray:
    """Strength of steering to each community on the prompt of each request, shape (N, C).

    Each distinct prompt is read once.

    Args:
        trunk: Reads the prompts.
        fading: Where steering is weaker; None where it is nowhere.
        requests: Requests, N of them.
        communities: Ids, C of them.
    """
    everywhere_N_C = np.ones((len(requests), len(communities)))
    if fading is None or not requests:
        return everywhere_N_C
    texts, text_N = distinct([prompt_text(one.prompt) for one in requests])
    prompt_T_d = trunk.prompts([RewardRequest(text, "") for text in texts])
    return (
        everywhere_N_C if prompt_T_d is None else fading.strengths(prompt_T_d, communities)[text_N]
    )


def mean_strengths(strength_N_C: FloatArray, share_S_C: FloatArray) -> FloatArray:
    """Strength of each steer: the mean over its communities by their shares, shape (N, S).

    >>> mean_strengths(np.array([[1.0, 0.5]]), np.array([[1.0, 0.0], [0.3, 0.3], [0, 0]])).tolist()
    [[1.0, 0.75, 1.0]]
    """
    total_S_1 = share_S_C.sum(axis=1, keepdims=True)
    # Of 1 - strength: exactly 0 where steering is full, also where shares sum to 1 by rounding.
    weaker_N_S = (1 - strength_N_C) @ (share_S_C / np.where(total_S_1, total_S_1, 1)).T
    strengths: FloatArray = 1 - weaker_N_S
    return strengths


def ramp(familiar: FloatArray, start: float, full: float) -> FloatArray:
    """Strength of steering at each familiarity, in [0, 1], of the same shape."""
    strength: FloatArray = np.clip((familiar - start) / (full - start), 0, 1)
    return strength


def familiarity(prompt_N_d: FloatArray, direction_R_d: FloatArray) -> FloatArray:
    """Squared length of each prompt's vector along some directions, shape (N,).

    Directions are read as they are stored, which takes most of the time.
    """
    along_N_R = prompt_N_d.astype(direction_R_d.dtype, copy=False) @ direction_R_d.T
    familiar_N: FloatArray = np.square(along_N_R, dtype=np.float64).sum(axis=1)
    return familiar_N


def asked_directions(prompt_n_d: FloatArray, rank: int = RANK) -> FloatArray:
    """Directions of the prompts that a community was asked, by which prompts are familiar to it.

    Args:
        prompt_n_d: Vectors of the distinct prompts, shape (n, d).
        rank: Largest number of directions, R.

    Returns:
        Eigenvectors of G, each times the root of ``g / (g + 1)`` with g its eigenvalue, the largest
        first; float32, shape (min(R, n, d), d).
    """
    wide_n_d = prompt_n_d.astype(np.float64)
    with one_blas_thread():
        if len(wide_n_d) < wide_n_d.shape[1]:
            value_k, left_n_k = np.linalg.eigh(wide_n_d @ wide_n_d.T)
            value_k, left_n_k = value_k[::-1][:rank], left_n_k[:, ::-1][:, :rank]
            length_k = np.sqrt(np.maximum(value_k, np.finfo(np.float64).tiny))
            direction_k_d = (left_n_k.T @ wide_n_d) / length_k[:, None]
        else:
            value_k, right_d_k = np.linalg.eigh(wide_n_d.T @ wide_n_d)
            value_k, direction_k_d = value_k[::-1][:rank], right_d_k[:, ::-1][:, :rank].T
    value_k = np.maximum(value_k, 0)
    directions: FloatArray = direction_k_d * np.sqrt(value_k / (value_k + 1))[:, None]
    return directions.astype(np.float32)
