"""The routers of a run: read from its folder, with the encoder that reads prompts for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pluralign.core import (
    AnyPath,
    DamagedFile,
    Encoder,
    FloatArray,
    InvalidInput,
    InvalidSettings,
    PolicyPrompt,
    Prompt,
    as_path,
    check_written,
    prompt_text,
)
from pluralign.encoders import unit_rows
from pluralign.methods.routing import LinearRouter, Route
from pluralign.models import open_encoder
from pluralign.runs.finished import AGAIN, read_object
from pluralign.runs.policy_rows import BEST_OF_N

ROUTERS = "route/router.json"


@dataclass(frozen=True, slots=True, eq=False)
class PromptRouter:
    """A router of one method's policies, with the encoder of its prompts.

    Attributes:
        method: The method, such as ``raft``.
        router: The router.
        encoder: Encodes prompts as those that it was fitted on.
    """

    method: str
    router: LinearRouter
    encoder: Encoder

    @property
    def communities(self) -> tuple[str, ...]:
        """The communities that it can pick."""
        return self.router.communities

    def route(self, embedding_D: FloatArray, declared: str | None = None) -> Route:
        """Route a prompt by its embedding, shape (D,); a declared community is followed."""
        return self.router.route(unit_rows(np.asarray(embedding_D)[None])[0], declared)

    def route_prompt(self, prompt: Prompt, declared: str | None = None) -> Route:
        """Route a prompt by its words; a declared community is followed."""
        if declared is not None:
            return self.router.route(np.zeros(self.router.dimensions), declared)
        return self.route(self.encoder.encode([prompt_text(prompt)])[0])


@dataclass(frozen=True, slots=True, eq=False)
class MethodRouters:
    """The routers of one method.

    Attributes:
        kept: Kind of the one that a run uses.
        routers: One of each kind.
    """

    kept: str
    routers: Sequence[LinearRouter]


@dataclass(frozen=True, slots=True, eq=False)
class SavedRouters:
    """Content of ``route/router.json``.

    Attributes:
        encoder: Name of the encoder of prompts.
        fingerprint: Its fingerprint.
        most_frequent: The community that most training prompts declare.
        of_method: Method -> its routers.
    """

    encoder: str
    fingerprint: str
    most_frequent: str
    of_method: dict[str, MethodRouters]


def load_router(run_folder: AnyPath, method: str | None = None) -> PromptRouter | None:
    """Open the router of a run; None if it has none.

    Args:
        run_folder: Folder of `pluralign align`.
        method: The method whose policies it picks. Default: the first that trained any, as of
            `CommunityPolicies.open`; ``best-of-n`` for a run that trained none.

    Raises:
        InvalidSettings: If the run has no policies of the method.
        InvalidInput: If the encoder is no longer the one that the router was fitted with.
        MissingExtra: If the encoder needs a library that is not installed.
        DamagedFile: If the file is damaged.
    """
    saved = read_routers(run_folder)
    if saved is None:
        return None
    trained = [one for one in saved.of_method if one != BEST_OF_N]
    method = method or next(iter(trained), BEST_OF_N)
    if method not in saved.of_method:
        raise InvalidSettings(
            f"no router of {method!r}: there are routers of {', '.join(saved.of_method)}",
            where=str(run_folder),
        )
    encoder = open_encoder(saved.encoder)
    if encoder.fingerprint != saved.fingerprint:
        raise InvalidInput(
            f"the encoder {saved.encoder} is not the one that the router was fitted with",
            where=str(as_path(run_folder) / ROUTERS),
            hint="repeat the stage: pluralign align ... --again route",
        )
    own = saved.of_method[method]
    (kept,) = [router for router in own.routers if router.kind == own.kept]
    return PromptRouter(method, kept, encoder)


def read_routers(run_folder: AnyPath) -> SavedRouters | None:
    """The routers of a run as they were written; None if it has none.

    Raises:
        DamagedFile: If the file is damaged or was altered.
    """
    folder = as_path(run_folder)
    if not (folder / ROUTERS).exists():
        return None
    check_written(folder, ROUTERS, hint=AGAIN)
    found = read_object(folder / ROUTERS) or {}
    try:
        of_method = {method: _routers(own) for method, own in found["methods"].items()}
        return SavedRouters(
            found["encoder"], found["fingerprint"], found["most frequent"], of_method
        )
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise DamagedFile(
            f"not the routers of a run: {error}", where=str(folder / ROUTERS), hint=AGAIN
        ) from error


def embeddings_of(encoder: Encoder, prompts: Sequence[PolicyPrompt]) -> FloatArray:
    """Embeddings of prompts, of length 1, shape (N, D)."""
    return unit_rows(encoder.encode([prompt_text(prompt.prompt) for prompt in prompts]))


def _routers(value: Any) -> MethodRouters:
    return MethodRouters(value["kept"], [LinearRouter.from_json(one) for one in value["routers"]])
