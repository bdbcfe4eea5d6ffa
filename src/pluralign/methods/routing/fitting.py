"""Fit routers on prompts of known communities, and choose one by the reward that its routes earn.

All routers are fitted on training prompts. The strength of the regularisation and the threshold
below which a router abstains are chosen on other prompts, by the mean reward of the policies that
it picks there. Of all that are within one standard error of the best (Breiman et al. 1984), the one
that abstains most is taken: a policy that is not clearly better than the start model for the
prompts that would be sent to it is not used.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pluralign.core import FloatArray, IntArray, NotEnoughData
from pluralign.encoders import unit_rows
from pluralign.methods.routing.measures import reward_of_routes
from pluralign.methods.routing.router import LinearRouter

ALWAYS = 1.0
"""Threshold of a router that always abstains."""
THRESHOLDS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, ALWAYS)
FEWEST_HELD_OUT = 5
"""Least number of prompts on which a router is chosen."""
_TEMPERATURE = 0.1
_STEPS = 1000


@dataclass(frozen=True, slots=True)
class ChosenRouter:
    """A router, and what was found of it on the prompts on which it was chosen.

    Attributes:
        router: The router, with its threshold.
        gain: Mean reward of its routes on those prompts, less that of the start model.
        best: The largest such gain of all that were tried.
        tried: Number of routers with thresholds that were tried.
        prompts: Number of prompts.
    """

    router: LinearRouter
    gain: float
    best: float
    tried: int
    prompts: int


def fit_centroids(
    embedding_N_D: FloatArray, label_N: IntArray, communities: Sequence[str]
) -> LinearRouter:
    """The router to the nearest mean of each community's prompts, by the cosine.

    Shares are a softmax over the similarities divided by 0.1, as in `shares_by_prompt`.

    Args:
        embedding_N_D: Embeddings of training prompts, of length 1, shape (N, D).
        label_N: Numbers of their communities, shape (N,); C for prompts of none of them.
        communities: The C communities.

    Raises:
        NotEnoughData: If there are fewer than two communities, or one has no prompt.
    """
    _check(label_N, communities)
    classes = np.unique(label_N)
    mean_K_D = np.stack([embedding_N_D[label_N == k].mean(axis=0) for k in classes])
    weight_K_D = unit_rows(mean_K_D).astype(np.float64) / _TEMPERATURE
    return LinearRouter("centroid", tuple(communities), weight_K_D, np.zeros(len(classes)))


def fit_logistic(
    embedding_N_D: FloatArray, label_N: IntArray, communities: Sequence[str], ridge: float
) -> LinearRouter:
    """The router by multinomial logistic regression; each community counts equally.

    Args:
        embedding_N_D: Embeddings of training prompts, shape (N, D).
        label_N: Numbers of their communities, shape (N,); C for prompts of none of them.
        communities: The C communities.
        ridge: Strength of the L2 penalty, > 0, in the units of scikit-learn's ``1 / C``.

    Raises:
        NotEnoughData: If there are fewer than two communities, or one has no prompt.
    """
    from sklearn.linear_model import LogisticRegression

    _check(label_N, communities)
    model = LogisticRegression(C=1 / ridge, class_weight="balanced", max_iter=_STEPS)
    model.fit(embedding_N_D, label_N)
    weight_K_D, bias_K = np.asarray(model.coef_), np.asarray(model.intercept_)
    if len(weight_K_D) == 1:  # of two classes, scikit-learn keeps the difference alone
        weight_K_D = np.concatenate([np.zeros_like(weight_K_D), weight_K_D])
        bias_K = np.concatenate([np.zeros(1), bias_K])
    return LinearRouter("logistic", tuple(communities), weight_K_D, bias_K)


def choose_router(
    routers: Sequence[LinearRouter], embedding_V_D: FloatArray, reward_V_C1: FloatArray
) -> ChosenRouter:
    """Choose a router and its threshold on held-out prompts, by the reward of its routes.

    Args:
        routers: Routers to the same communities, by falling penalty.
        embedding_V_D: Embeddings of held-out prompts, shape (V, D).
        reward_V_C1: Reward of each community's policy for each of these prompts, and last that of
            the start model, shape (V, C + 1); each row in the eyes of the prompt's own community.

    Raises:
        NotEnoughData: If there are fewer than five prompts.
    """
    if len(embedding_V_D) < FEWEST_HELD_OUT:
        raise NotEnoughData(
            f"at least {FEWEST_HELD_OUT} held-out prompts are needed to choose a router, "
            f"got {len(embedding_V_D)}",
            hint="give more prompts that declare their community, or raise prompts.validation",
        )
    careful = [replace(r, threshold=t) for t in reversed(THRESHOLDS) for r in routers]
    reward_T_V = np.stack(
        [reward_of_routes(r.columns(embedding_V_D), reward_V_C1) for r in careful]
    )
    gain_T = (reward_T_V - reward_V_C1[:, -1]).mean(axis=1)
    best = int(gain_T.argmax())
    behind_T_V = reward_T_V[best] - reward_T_V
    error_T = behind_T_V.std(axis=1, ddof=1) / np.sqrt(len(embedding_V_D))
    near = int(np.argmax(behind_T_V.mean(axis=1) <= error_T))
    return ChosenRouter(
        careful[near],
        float(gain_T[near]),
        float(gain_T[best]),
        len(careful),
        len(embedding_V_D),
    )


def _check(label_N: IntArray, communities: Sequence[str]) -> None:
    if len(communities) < 2:
        named = ", ".join(communities) or "none"
        raise NotEnoughData(
            f"a router needs at least two communities, got {named}",
            hint="there is nothing to route: name the community, as in name@MEX",
        )
    without = [c for k, c in enumerate(communities) if not (label_N == k).any()]
    if without:
        raise NotEnoughData(
            f"no training prompt declares the community {', '.join(without)}",
            hint="give prompts of it, or leave it out",
        )
