"""The models of a run of `pluralign align`, opened for answering."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pluralign.aligning.palette_shares import BY_PROMPT, Shares, open_shares
from pluralign.aligning.policy_folders import adapters_of, people_of, scales_of
from pluralign.aligning.rewarding import Acceptance
from pluralign.aligning.routers import PromptRouter, load_router, read_routers
from pluralign.core import Conversation, InvalidSettings, Steer
from pluralign.models import open_reward_model
from pluralign.settings import AlignSettings
from pluralign.settings.align import PolicyMethod
from pluralign.surveying.respondents import open_chat_model

if TYPE_CHECKING:
    from pluralign.respondents.local import AdaptedModel, LocalChatModel


@dataclass(frozen=True, slots=True)
class Moved:
    """Models that have moved since the run.

    Attributes:
        reward: Folder or URL of the reward model; None if it has not moved.
        model: Folder or name of the start model; None if it has not moved.
    """

    reward: str | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Routed:
    """The communities that answer a conversation.

    Attributes:
        steer: The communities; None for the start model.
        abstained: Why the start model answers although a community was asked for; else None.
    """

    steer: Steer | None
    abstained: str | None = None


class ConversationRouter(Protocol):
    """Chooses the communities that answer a conversation, by its words."""

    def routed(self, conversation: Conversation) -> Routed:
        """The communities."""
        ...


@dataclass(frozen=True, slots=True)
class PolicyModels:
    """The models of a run, open.

    Attributes:
        chat: The start model. It is only to be used through the policies from now on.
        adapted: The start model with the communities' adapters.
        acceptance: The reward model, and the answers that communities accept by it; without scales
            if the run has not scored any answers.
        people: Community -> people behind its reward model.
        router: Chooses communities by the prompt, for the mode ``auto``; None without one.
    """

    chat: "LocalChatModel"
    adapted: "AdaptedModel"
    acceptance: Acceptance
    people: Mapping[str, int]
    router: ConversationRouter | None = None


def open_policy_models(
    run: Path, settings: AlignSettings, method: str | None, moved: Moved
) -> PolicyModels:
    """Open the models of a run.

    Args:
        run: The folder.
        settings: Its settings.
        method: The method whose adapters answer. Default: the first that trained any.
        moved: Models that have moved since the run.

    Raises:
        InvalidInput: If an adapter is of another model, or a model cannot be opened.
        InvalidSettings: If the run has no adapters of the method, or its model is a server.
    """
    from pluralign.respondents.local import AdaptedModel, LocalChatModel

    named = {} if moved.model is None else {"name": moved.model}
    start = settings.model.model_copy(update=named)
    if start.kind != "local":
        raise InvalidSettings(
            "the start model is behind a server, which does not answer with adapters",
            where=str(run),
            hint="run `pluralign align` with a model on this machine",
        )
    place = moved.reward or settings.reward.model
    reward = open_reward_model(place)
    wanted = settings.communities or tuple(reward.communities)
    used, adapters = adapters_of(run, settings, wanted, method)
    chat = open_chat_model(start)
    assert isinstance(chat, LocalChatModel)
    return PolicyModels(
        chat,
        AdaptedModel(chat.loaded, adapters),
        Acceptance(reward, scales_of(run), settings.palette.accept),
        people_of(place),
        _router(run, settings, used, tuple(adapters)),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _ByShares:
    """Shares of several communities by the prompt."""

    shares: Shares

    def routed(self, conversation: Conversation) -> Routed:
        (shares,) = self.shares.of([conversation])
        return Routed(Steer(shares))


@dataclass(frozen=True, slots=True, eq=False)
class _ByRouter:
    """One community by the router of the run, which may abstain."""

    router: PromptRouter

    def routed(self, conversation: Conversation) -> Routed:
        route = self.router.route_prompt(conversation)
        if route.community is None:
            return Routed(None, route.reason or "the router abstained")
        return Routed(Steer.to(route.community))


def _router(
    run: Path, settings: AlignSettings, method: PolicyMethod, communities: Sequence[str]
) -> ConversationRouter | None:
    """Shares by the prompt where the settings have them, or the router of the method."""
    if communities and settings.palette.shares == BY_PROMPT:
        return _ByShares(open_shares(run, settings.palette, communities))
    saved = read_routers(run)
    if saved is None or method not in saved.of_method:
        return None
    router = load_router(run, method)
    return None if router is None else _ByRouter(router)
