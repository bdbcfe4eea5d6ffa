"""Routers: from the embedding of a prompt to the community whose policy answers it.

CultureManager (arXiv 2602.22475) has an adapter for each culture and a router that picks one of
them for each prompt. How its router works is in none of its published texts; the routers here are
ours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from scipy.special import softmax

from pluralign.core import FloatArray, IntArray

RouterKind = Literal["centroid", "logistic"]
"""Kinds of routers: the nearest centroid of the prompts, or a logistic regression."""


@dataclass(frozen=True, slots=True)
class Route:
    """The policy that answers a prompt.

    Attributes:
        community: Its community; None where the router abstains and the start model answers.
        shares: Community -> its probability, in [0, 1]; the rest to 1 is the start model's.
        reason: Why the router abstained; None where it did not.
    """

    community: str | None
    shares: Mapping[str, float]
    reason: str | None


class Router(Protocol):
    """Picks the community whose policy answers a prompt."""

    @property
    def communities(self) -> tuple[str, ...]:
        """The communities that it can pick."""
        ...

    def route(self, embedding_D: FloatArray, declared: str | None = None) -> Route:
        """Route a prompt by its embedding, shape (D,); a declared community is followed."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class LinearRouter:
    """A router whose shares are ``softmax(W e + b)`` of the embedding e; plain numbers.

    The last class may be "none of these": prompts of no community that has a policy.

    Attributes:
        kind: ``centroid`` or ``logistic``.
        communities: The C communities that it can pick.
        weight_K_D: W, shape (K, D); K is C, or C + 1 with the class "none of these".
        bias_K: b, shape (K,).
        threshold: Share, in [0, 1], that the likeliest community must exceed, or the router
            abstains: at 0 it always picks one, at 1 it always abstains.

    Raises:
        ValueError: If the shapes differ, a number is not finite or the threshold is out of range.
    """

    kind: RouterKind
    communities: tuple[str, ...]
    weight_K_D: FloatArray
    bias_K: FloatArray
    threshold: float = 0.0

    def __post_init__(self) -> None:
        classes = len(self.bias_K)
        if self.weight_K_D.ndim != 2 or len(self.weight_K_D) != classes:
            raise ValueError(f"weights of shape {self.weight_K_D.shape} for {classes} classes")
        if classes - len(self.communities) not in (0, 1):
            raise ValueError(f"{classes} classes for {len(self.communities)} communities")
        if not (np.isfinite(self.weight_K_D).all() and np.isfinite(self.bias_K).all()):
            raise ValueError("a weight is not a finite number")
        if not 0 <= self.threshold <= 1:
            raise ValueError(f"the threshold must be in [0, 1], got {self.threshold}")

    @property
    def dimensions(self) -> int:
        """Length of an embedding."""
        return int(self.weight_K_D.shape[1])

    def shares(self, embedding_N_D: FloatArray) -> FloatArray:
        """Probabilities of the communities and of none of them, shape (N, C + 1), rows sum to 1."""
        share_N_K = softmax(embedding_N_D @ self.weight_K_D.T + self.bias_K, axis=1)
        share_N_C1 = np.zeros((len(embedding_N_D), len(self.communities) + 1))
        share_N_C1[:, : share_N_K.shape[1]] = share_N_K
        return share_N_C1

    def columns(self, embedding_N_D: FloatArray) -> IntArray:
        """The policy of each prompt: the number of a community, or C where it abstains.

        >>> router = LinearRouter("centroid", ("MEX", "GBR"), np.eye(2), np.zeros(2), 0.6)
        >>> router.columns(np.array([[3.0, 0.0], [0.0, 3.0], [1.0, 1.0]])).tolist()
        [0, 1, 2]
        """
        share_N_C1 = self.shares(embedding_N_D)
        likeliest_N = share_N_C1.argmax(axis=1)
        unsure_N = share_N_C1.max(axis=1) <= self.threshold
        found_N: IntArray = np.where(unsure_N, len(self.communities), likeliest_N)
        return found_N

    def route(self, embedding_D: FloatArray, declared: str | None = None) -> Route:
        """Route one prompt.

        Args:
            embedding_D: Embedding of the prompt, shape (D,).
            declared: The community that the user names; it is followed without a look at the words.

        >>> router = LinearRouter("centroid", ("MEX", "GBR"), np.eye(2), np.zeros(2), 0.6)
        >>> router.route(np.array([1.0, 1.0])).reason
        'no community is likely enough: MEX has a share of 0.50, and more than 0.60 is needed'
        >>> router.route(np.array([1.0, 1.0]), declared="GBR").community
        'GBR'
        """
        if declared is not None:
            return self._declared(declared)
        embedding_1_D = np.asarray(embedding_D, dtype=np.float64)[None]
        share_C1 = self.shares(embedding_1_D)[0]
        column = int(self.columns(embedding_1_D)[0])
        shares = {c: float(share_C1[k]) for k, c in enumerate(self.communities)}
        if column < len(self.communities):
            return Route(self.communities[column], shares, None)
        return Route(None, shares, self._doubt(share_C1))

    def as_json(self) -> dict[str, Any]:
        """The router as plain values."""
        return {
            "kind": self.kind,
            "communities": list(self.communities),
            "threshold": self.threshold,
            "weight": self.weight_K_D.tolist(),
            "bias": self.bias_K.tolist(),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "LinearRouter":
        """Read what `as_json` gave.

        Raises:
            KeyError: If a value is missing.
            ValueError: If the values do not make a router.

        >>> router = LinearRouter("centroid", ("MEX", "GBR"), np.eye(2), np.zeros(2), 0.6)
        >>> LinearRouter.from_json(router.as_json()).as_json() == router.as_json()
        True
        """
        if value["kind"] not in ("centroid", "logistic"):
            raise ValueError(f"no router is of the kind {value['kind']!r}")
        return cls(
            value["kind"],
            tuple(value["communities"]),
            np.array(value["weight"], dtype=np.float64),
            np.array(value["bias"], dtype=np.float64),
            float(value["threshold"]),
        )

    def _declared(self, community: str) -> Route:
        if community in self.communities:
            return Route(community, {community: 1.0}, None)
        known = ", ".join(self.communities)
        return Route(None, {}, f"no policy for {community}: there are policies for {known}")

    def _doubt(self, share_C1: FloatArray) -> str:
        """Why the start model answers a prompt with these shares."""
        if self.threshold >= 1:
            return "no policy was clearly better than the start model for prompts sent to it"
        best = int(share_C1[:-1].argmax())
        if share_C1[-1] > share_C1[best]:
            return "the prompt is most like those of no community that has a policy"
        return (
            f"no community is likely enough: {self.communities[best]} has a share of "
            f"{share_C1[best]:.2f}, and more than {self.threshold:.2f} is needed"
        )


def numbered(labels: Sequence[str], communities: Sequence[str]) -> IntArray:
    """The number of each label among communities; C for other labels.

    >>> numbered(["GBR", "KOR"], ["MEX", "GBR"]).tolist()
    [1, 2]
    """
    number = {c: k for k, c in enumerate(communities)}
    return np.array([number.get(label, len(communities)) for label in labels], dtype=np.int64)
