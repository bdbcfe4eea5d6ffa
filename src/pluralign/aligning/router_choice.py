"""Routers of a run: fitted of each kind, the better one kept, and written for later use."""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

from pluralign.aligning.routers import ROUTERS
from pluralign.core import Encoder, FloatArray, IntArray, MissingExtra
from pluralign.methods.routing import (
    ChosenRouter,
    LinearRouter,
    RouterKind,
    fit_centroids,
    fit_logistic,
)
from pluralign.runs.folder import RunFolder
from pluralign.settings.align import RouteSettings


def need_router_library() -> None:
    """Check that the library for routers is there.

    Raises:
        MissingExtra: If scikit-learn is not installed.
    """
    if find_spec("sklearn") is None:
        raise MissingExtra.named("embed", "sklearn")


def fitted_routers(
    settings: RouteSettings,
    embedding_N_D: FloatArray,
    label_N: IntArray,
    communities: Sequence[str],
) -> dict[RouterKind, list[LinearRouter]]:
    """The routers of each kind to choose from, by falling penalty.

    Args:
        settings: The kinds and the penalties.
        embedding_N_D: Embeddings of training prompts, shape (N, D).
        label_N: Numbers of their communities, shape (N,).
        communities: The communities.
    """
    routers: dict[RouterKind, list[LinearRouter]] = {}
    if "centroid" in settings.kinds:
        routers["centroid"] = [fit_centroids(embedding_N_D, label_N, communities)]
    if "logistic" in settings.kinds:
        routers["logistic"] = [
            fit_logistic(embedding_N_D, label_N, communities, penalty)
            for penalty in sorted(settings.penalties, reverse=True)
        ]
    return routers


def write_routers(
    folder: RunFolder,
    settings: RouteSettings,
    encoder: Encoder,
    most_frequent: str,
    chosen: Mapping[str, Sequence[ChosenRouter]],
) -> dict[str, Any]:
    """Write the chosen routers of each method, and keep the better one.

    Args:
        folder: The run's folder.
        settings: The settings of routing.
        encoder: The encoder of prompts.
        most_frequent: The community that most training prompts declare.
        chosen: Method -> the chosen router of each kind.

    Returns:
        Method -> what was found of its routers, for the summary.
    """
    saved = {
        "encoder": settings.encoder,
        "fingerprint": encoder.fingerprint,
        "most frequent": most_frequent,
        "methods": {
            method: {
                "kept": _best(own).router.kind,
                "routers": [one.router.as_json() for one in own],
            }
            for method, own in chosen.items()
        },
    }
    folder.write_json(ROUTERS, saved)
    return {
        method: {one.router.kind: _about(one) for one in own} | {"kept": _best(own).router.kind}
        for method, own in chosen.items()
    }


def _best(chosen: Sequence[ChosenRouter]) -> ChosenRouter:
    return max(chosen, key=lambda one: one.gain)


def _about(chosen: ChosenRouter) -> dict[str, Any]:
    return {
        "threshold": chosen.router.threshold,
        "gain over the start model": round(chosen.gain, 4),
        "validation prompts": chosen.prompts,
        "tried": chosen.tried,
    }
