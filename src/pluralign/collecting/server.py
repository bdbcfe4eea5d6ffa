"""Serve a study until it is stopped: one process, one writer."""

import logging
import secrets
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import uvicorn

from pluralign.collecting.app import asking, create_app
from pluralign.collecting.choosing import Chooser
from pluralign.collecting.documents import publish_documents
from pluralign.collecting.forgetting import forget_withdrawn
from pluralign.collecting.new_study import PROMPTS_FILE
from pluralign.collecting.operations import SERVER_FILE, RunningServer
from pluralign.collecting.overview import drafts, removed_communities
from pluralign.collecting.personal import open_personal
from pluralign.collecting.store.engines import sqlite_version, sqlite_warning
from pluralign.collecting.store.store import Store, open_store
from pluralign.collecting.study import Study, open_study
from pluralign.collecting.study_texts import add_prompts, read_prompts
from pluralign.web.listening import address, bound, stopped_by_signals

_log = logging.getLogger("pluralign.collecting")
_SECONDS_TO_DRAIN = 30
_SECONDS_KEPT_OPEN = 150
"""Longer than proxies keep idle connections (Caddy 120, nginx 60): a form that is sent into a
connection just as it is closed is lost, and a proxy does not send forms again."""
_ANY_ADDRESS = ("0.0.0.0", "::", "")


@dataclass(frozen=True, slots=True)
class Listening:
    """How a server is reached.

    Attributes:
        host: Address to listen on; ``0.0.0.0`` are all of this machine.
        port: Port; 0 takes a free one.
        proxies: Addresses of proxies whose ``X-Forwarded-*`` headers are trusted, by commas.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    proxies: str = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Started:
    """A report of a server that has started.

    Attributes:
        address: URL of its first page.
        warnings: Things that its operator should know.
    """

    address: str
    warnings: Sequence[str] = field(default=())


def serve(
    folder: Path,
    url: str | None,
    listening: Listening,
    started: Callable[[Started], None],
    progress: Callable[[str], None] = lambda step: None,
) -> None:
    """Serve a study until SIGTERM or SIGINT; then the requests that it has are finished.

    Args:
        folder: The study's folder.
        url: URL of its database; SQLite in the folder by default.
        listening: How it is reached.
        started: Called with its address, when it can be reached.
        progress: Called with what is done next, until then.

    Raises:
        InvalidSettings: If the study or its database cannot be opened, or another process has it
            open.
        InvalidInput: If the address is not available, or a line of `prompts.jsonl` is not valid.
    """
    study = open_study(folder)
    progress(f"reading {PROMPTS_FILE}")
    prompts = read_prompts(folder / PROMPTS_FILE)
    with (
        closing(bound(listening.host, listening.port)) as listener,
        open_store(folder, url) as store,
        open_personal(folder) as personal,
    ):
        now = int(time.time())
        store.write(lambda c: publish_documents(c, study.settings, now))
        progress(f"adding new texts of {len(prompts):,} prompts to the store")
        store.write(lambda c: add_prompts(c, prompts, now))
        forget_withdrawn(store, personal)
        with _described(study, listening, listener.getsockname()[1]) as server:
            progress("preparing the choice of pairs")
            rng = np.random.default_rng(secrets.randbits(128))
            asks = asking(store, study, Chooser(store, study), rng)
            app = create_app(study, store, personal, operator=server.token, asks=asks)
            config = uvicorn.Config(
                app,
                ws="none",
                access_log=False,  # addresses of people are not written down
                server_header=False,
                forwarded_allow_ips=listening.proxies,
                log_level="warning",
                timeout_graceful_shutdown=_SECONDS_TO_DRAIN,
                timeout_keep_alive=_SECONDS_KEPT_OPEN,
            )
            listener.listen()
            served = uvicorn.Server(config)
            with stopped_by_signals(served):
                started(Started(server.public, _warnings(study, store)))
                served.run([listener])


@contextmanager
def _described(study: Study, listening: Listening, port: int) -> Iterator[RunningServer]:
    """The server's description in the study's folder, for commands; deleted at the end."""
    local = "127.0.0.1" if listening.host in _ANY_ADDRESS else listening.host
    public = study.settings.address or address(_seen_from_outside(listening.host), port)
    server = RunningServer(address(local, port), public, secrets.token_urlsafe(32))
    server.write(study.folder)
    try:
        yield server
    finally:
        (study.folder / SERVER_FILE).unlink(missing_ok=True)


def _warnings(study: Study, store: Store) -> list[str]:
    found = []
    if store.url.startswith("sqlite") and (old := sqlite_warning(sqlite_version())) is not None:
        found.append(old)
    if unread := drafts(study.settings):
        found.append(
            f"texts in {', '.join(unread)} are marked as drafts: have speakers of the languages "
            "read them, then write their names into read_by in study.toml"
        )
    settings = study.settings
    if settings.privacy.epsilon is not None and not (settings.address or "").startswith("https:"):
        found.append(
            "privacy.epsilon is set and address does not begin with https: browsers exchange "
            "choices over HTTPS alone"
        )
    with store.reading() as connection:
        removed = removed_communities(connection, settings)
    if removed:
        found.append(
            f"people of {', '.join(removed)} take part, and study.toml has no table for it: nobody "
            "else can join; write the table again, or leave them to end or withdraw"
        )
    return found


def _seen_from_outside(host: str) -> str:
    """An address of this machine in its network; no packet is sent."""
    if host not in _ANY_ADDRESS:
        return host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"
