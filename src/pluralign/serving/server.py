"""The parts of a running server: a reward model, policies, or both, with what they share."""

import time
from dataclasses import dataclass, field
from typing import TypeVar

from starlette.requests import Request

from pluralign.serving.chat_service import ChatService, Policies, open_policies
from pluralign.serving.metrics import Metrics
from pluralign.serving.problems import Refused
from pluralign.serving.server_settings import ServeSettings
from pluralign.serving.service import Opened, Service, open_to_serve
from pluralign.serving.threads import Aside

Part = TypeVar("Part")


@dataclass(frozen=True, slots=True)
class LoadedModels:
    """The models of a server.

    Attributes:
        rewards: The reward model; None without one.
        policies: The policies; None without them.
    """

    rewards: Opened | None
    policies: Policies | None


def load(settings: ServeSettings) -> LoadedModels:
    """Load the models of a server.

    Raises:
        PluralignError: If a model cannot be loaded.
    """
    return LoadedModels(open_to_serve(settings), open_policies(settings))


@dataclass(slots=True)
class Server:
    """The parts of a running server.

    Attributes:
        settings: Settings of the server.
        metrics: Counts for Prometheus.
        aside: Threads for long work next to the event loop.
        rewards: The reward model; None without one.
        chat: The policies; None without them.
        since: Start time of the server, in seconds since 1970.
        draining: Whether the server is stopping.
    """

    settings: ServeSettings
    metrics: Metrics
    aside: Aside
    rewards: Service | None
    chat: ChatService | None
    since: int = field(default_factory=lambda: int(time.time()))
    draining: bool = False

    @classmethod
    def of(cls, settings: ServeSettings, loaded: LoadedModels, metrics: Metrics) -> "Server":
        """Make the parts from loaded models, in a running event loop."""
        aside, policies = Aside(), loaded.policies
        rewards = (
            None if loaded.rewards is None else Service(settings, loaded.rewards, metrics, aside)
        )
        chat = None if policies is None else ChatService(settings, policies, metrics)
        return cls(settings, metrics, aside, rewards, chat)

    def now(self) -> int:
        """Seconds since 1970."""
        return int(time.time())

    def exposed(self) -> bytes:
        """The counts, for Prometheus."""
        if self.rewards is not None:
            self.metrics.waiting.set(self.rewards.batcher.waiting)
        if self.chat is not None:
            self.metrics.open_chats.set(self.chat.queue.size)
        return self.metrics.exposed()

    async def close(self) -> None:
        """Accept no more requests, and finish the waiting ones."""
        self.draining = True
        if self.rewards is not None:
            await self.rewards.close()
        if self.chat is not None:
            await self.chat.close()
        self.aside.close()


def server_of(request: Request) -> Server:
    """The parts of the server that has the request."""
    server: Server = request.app.state.server
    return server


def service_of(request: Request) -> Service:
    """The reward model of the server.

    Raises:
        Refused: If it has none.
    """
    return _part(server_of(request).rewards, "reward model", "pluralign serve MODEL")


def chat_of(request: Request) -> ChatService:
    """The policies of the server.

    Raises:
        Refused: If it has none.
    """
    return _part(server_of(request).chat, "policies", "pluralign serve MODEL --policies RUN")


def _part(part: Part | None, name: str, command: str) -> Part:
    if part is None:
        raise Refused(404, f"this server has no {name}", f"start it with {command}")
    return part
