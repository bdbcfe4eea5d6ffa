"""Texts shared among servers: each server takes the next texts when it is free."""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Condition, Thread

import numpy as np

from pluralign.clients.retries import pause
from pluralign.core import FloatArray, count_of
from pluralign.encoders.endpoint.endpoint_settings import EmbeddingServers
from pluralign.encoders.endpoint.errors import EndpointFailed, NotNow, RequestRefused, TextRefused
from pluralign.encoders.endpoint.server import EmbeddingServer

_log = logging.getLogger(__name__)
_TRIES_OF_A_HALF = 2
_LONG = 500
_TICK = 1.0
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class TextBatch:
    """Texts of one request.

    Attributes:
        rows: Rows of the texts.
        tries: How often servers may still fail at it before it is halved.
    """

    rows: tuple[int, ...]
    tries: int

    def halves(self) -> "list[TextBatch]":
        """Both halves of a batch of several texts."""
        half = len(self.rows) // 2
        return [TextBatch(self.rows[:half], self.tries), TextBatch(self.rows[half:], self.tries)]


@dataclass(slots=True)
class SharedTexts:
    """Texts that wait for a server, and the vectors so far; all threads change it under its lock.

    Attributes:
        texts: The texts.
        waiting: Batches that were not sent yet, or that a server gave back.
        vectors: Row -> vector, of all rows that are done.
        error: Why the work stops.
        workers: How many threads take texts.
        changed: The lock of every change, which is notified of it.
    """

    texts: Sequence[str]
    waiting: deque[TextBatch] = field(default_factory=deque)
    vectors: dict[int, FloatArray] = field(default_factory=dict)
    error: BaseException | None = None
    workers: int = 0
    changed: Condition = field(default_factory=Condition)

    @property
    def over(self) -> bool:
        """Whether nothing is left to do."""
        return self.error is not None or len(self.vectors) == len(self.texts)

    def take(self, most: int) -> TextBatch | None:
        """The next batch of at most ``most`` texts; None if nothing is left to do."""
        with self.changed:
            self.changed.wait_for(lambda: self.over or self.waiting)
            if self.over:
                return None
            batch = self.waiting.popleft()
            if len(batch.rows) > most:
                self.waiting.appendleft(TextBatch(batch.rows[most:], batch.tries))
                batch = TextBatch(batch.rows[:most], batch.tries)
            self.changed.notify()
            return batch

    def give_back(self, batches: Sequence[TextBatch]) -> None:
        """Let any server take these."""
        with self.changed:
            self.waiting.extend(batches)
            self.changed.notify_all()

    def keep(self, batch: TextBatch, embedding_N_D: FloatArray) -> None:
        """Keep the vectors of a batch."""
        with self.changed:
            self.vectors.update(zip(batch.rows, embedding_N_D, strict=True))
            self.changed.notify_all()

    def stop(self, error: BaseException) -> None:
        """Stop all work; the first error counts."""
        with self.changed:
            self.error = self.error or error
            self.changed.notify_all()

    def rest(self, seconds: float) -> None:
        """Wait, but not longer than there is work."""
        with self.changed:
            self.changed.wait_for(lambda: self.over, seconds)


@dataclass(frozen=True, slots=True)
class Fleet:
    """Servers of one model.

    Attributes:
        servers: The servers.
        limits: The limits of requests.
        ask: Server, texts -> their vectors, shape (N, D).
        check: Raises an error if a server's model is not the right one.
    """

    servers: Sequence[EmbeddingServer]
    limits: EmbeddingServers
    ask: Callable[[EmbeddingServer, list[str]], FloatArray]
    check: Callable[[EmbeddingServer], None]


def shared(texts: Sequence[str], fleet: Fleet) -> FloatArray:
    """Encode texts with several servers, each of them as fast as it is.

    A server that fails gives its texts back at once, and waits before it takes others; after
    ``tries`` failures in a row it counts as down, until the next call. A server that is new, or was
    down, is checked before it gets texts.

    Args:
        texts: Distinct texts, at least one.
        fleet: The servers.

    Returns:
        Shape (N, D), float32, row i for ``texts[i]``.

    Raises:
        EndpointFailed: If no server answers, or an answer cannot be used.
        TextRefused: If a text is refused; the error contains its beginning.
        PluralignError: An error of the check.
    """
    work = SharedTexts(texts)
    limits, rows = fleet.limits, range(len(texts))
    for start in rows[:: limits.batch]:
        work.waiting.append(TextBatch(tuple(rows[start : start + limits.batch]), limits.tries))
    for server in fleet.servers:
        _start(limits.concurrency if server.checked else 1, server, fleet, work)
    try:
        with work.changed:
            while not work.changed.wait_for(lambda: work.over or not work.workers, _TICK):
                pass  # on Windows only a wait that ends lets Ctrl-C through
    except BaseException as error:  # an interrupt: the threads end with what they are doing
        work.stop(error)
        raise
    if work.error is not None:
        raise work.error
    if not work.over:
        raise _nobody_answers(fleet.servers)
    return np.stack([work.vectors[row] for row in rows])


def _start(threads: int, server: EmbeddingServer, fleet: Fleet, work: SharedTexts) -> None:
    with work.changed:
        work.workers += threads
    for _ in range(threads):
        Thread(target=_serve, args=(server, fleet, work), daemon=True).start()


def _serve(server: EmbeddingServer, fleet: Fleet, work: SharedTexts) -> None:
    """A thread of a server: it takes texts until nothing is left or the server is down."""
    try:
        if not server.checked and _is_up(server, fleet, work):
            _start(fleet.limits.concurrency - 1, server, fleet, work)
        if server.checked:
            _take_texts(server, fleet, work)
    except BaseException as error:
        work.stop(error)
    finally:
        with work.changed:
            work.workers -= 1
            work.changed.notify_all()


def _is_up(server: EmbeddingServer, fleet: Fleet, work: SharedTexts) -> bool:
    """Whether a server answers with the right model; one that does not answer is asked again."""
    for turn in range(fleet.limits.tries):
        if work.over:
            return False
        try:
            fleet.check(server)
        except NotNow as error:
            _pause(server, turn, error, fleet, work)
        except RequestRefused as error:
            raise EndpointFailed(
                f"a first request fails: {error}",
                where=server.url,
                hint="check model, dimensions and truncate in the settings",
            ) from None
        else:
            server.checked, server.down = True, False
            return True
    _is_down(server, work)
    return False


def _take_texts(server: EmbeddingServer, fleet: Fleet, work: SharedTexts) -> None:
    failures = 0
    while (batch := work.take(server.limit)) is not None:
        try:
            work.keep(batch, fleet.ask(server, [work.texts[row] for row in batch.rows]))
            failures = 0
        except RequestRefused as error:
            _refused(server, batch, work, error)
        except NotNow as error:
            _failed(server, batch, work, error)
            _pause(server, failures, error, fleet, work)
            failures += 1
        if failures == fleet.limits.tries:
            _is_down(server, work)
            return


def _pause(
    server: EmbeddingServer, turn: int, error: NotNow, fleet: Fleet, work: SharedTexts
) -> None:
    """Wait before a server is asked again; not after its last try."""
    server.why = str(error)
    if turn + 1 < fleet.limits.tries:
        work.rest(pause(turn, error.retry_after, fleet.limits.timeout_s))


def _refused(
    server: EmbeddingServer, batch: TextBatch, work: SharedTexts, error: RequestRefused
) -> None:
    """Send the texts in halves; stop if it is one text that is refused."""
    if len(batch.rows) == 1:
        work.stop(_text_refused(server, work.texts[batch.rows[0]], error))
        return
    if error.too_much:
        server.limit = max(1, min(server.limit, len(batch.rows) // 2))
    work.give_back(batch.halves())


def _failed(server: EmbeddingServer, batch: TextBatch, work: SharedTexts, error: NotNow) -> None:
    """Give the texts back; texts at which servers fail again and again are halved."""
    tries = batch.tries - error.texts_fault
    if tries > 0:
        work.give_back([TextBatch(batch.rows, tries)])
    elif len(batch.rows) > 1:
        work.give_back(TextBatch(batch.rows, _TRIES_OF_A_HALF).halves())
    else:
        work.stop(_text_refused(server, work.texts[batch.rows[0]], error))


def _is_down(server: EmbeddingServer, work: SharedTexts) -> None:
    with work.changed:
        first, server.down, server.checked = not server.down, True, False
    if first and not work.over:
        _log.warning("%s gets no texts for now: %s", server.url, server.why)


def _text_refused(server: EmbeddingServer, text: str, error: Exception) -> TextRefused:
    hint = "leave it out of the data, or look into the server's log"
    if not text.strip():
        hint = "leave empty texts out of the data"
    elif len(text) > _LONG:
        hint = "if it is too long, set truncate = true (where the server can do that)"
    return TextRefused(
        f"a text of {count_of(len(text), 'character')}, {_shown(text)}, gets no vector: {error}",
        where=server.url,
        hint=hint,
    )


def _shown(text: str) -> str:
    """A text, or its beginning, in quotes."""
    return repr(text) if len(text) <= _SHOWN else f"{text[:_SHOWN]!r} ..."


def _nobody_answers(fleet: Sequence[EmbeddingServer]) -> EndpointFailed:
    named = "; ".join(f"{server.url}: {server.why}" for server in fleet[:4])
    more = f"; and {len(fleet) - 4} more" if len(fleet) > 4 else ""
    return EndpointFailed(
        f"no server of embeddings answers: {named}{more}",
        hint="start a server, then run the same command again: all vectors so far are kept",
    )
