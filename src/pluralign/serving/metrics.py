"""Counts of a server, for Prometheus."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from pluralign.rewards import Scorable
from pluralign.serving.batching import Batch

MEDIA_TYPE = CONTENT_TYPE_LATEST
SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60)
_OF_PROCESS = re.compile(r"gauge_live\w+_(\d+)\.db")
_COUNTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


class Metrics:
    """The counts of one process; several processes behind one port share a folder."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        labels = ["endpoint", "status"]
        self.requests = Counter(
            "pluralign_requests", "Requests answered", labels, registry=self._registry
        )
        self.seconds = Histogram(
            "pluralign_request_seconds",
            "Time to answer",
            ["endpoint"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.responses = Counter(
            "pluralign_responses_scored", "Responses scored", registry=self._registry
        )
        self.tokens = Counter(
            "pluralign_tokens_scored", "Tokens scored, estimated", registry=self._registry
        )
        self.batch = Histogram(
            "pluralign_batch_responses",
            "Responses in a batch",
            buckets=_COUNTS,
            registry=self._registry,
        )
        self.batch_seconds = Histogram(
            "pluralign_batch_seconds",
            "Time to score a batch",
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.waiting = Gauge(
            "pluralign_waiting_responses",
            "Responses that wait to be scored",
            registry=self._registry,
            multiprocess_mode="livesum",
        )
        self.vectors = Counter(
            "pluralign_vectors", "Texts looked up", ["remembered"], registry=self._registry
        )
        self._remembered, self._encoded = map(self.vectors.labels, ("yes", "no"))
        self.thoughts = Counter(
            "pluralign_thoughts",
            "Responses with thoughts left out, or no answer",
            ["outcome"],
            registry=self._registry,
        )
        self._left_out, self._no_answer = map(self.thoughts.labels, ("left_out", "no_answer"))
        self.chats = Counter(
            "pluralign_chats", "Chat requests", ["mode", "outcome"], registry=self._registry
        )
        self.open_chats = Gauge(
            "pluralign_open_chats",
            "Chat requests that are answered or wait",
            registry=self._registry,
            multiprocess_mode="livesum",
        )
        self.read_tokens = Counter(
            "pluralign_chat_prompt_tokens", "Tokens of prompts read", registry=self._registry
        )
        self.generated_tokens = Counter(
            "pluralign_generated_tokens", "Tokens generated", registry=self._registry
        )
        self._found = self._missed = 0

    def scored(self, batch: Batch) -> None:
        """Count a batch."""
        self.responses.inc(batch.responses)
        self.tokens.inc(batch.tokens)
        self.batch.observe(batch.responses)
        self.batch_seconds.observe(batch.seconds)

    def read(self, responses: Sequence[Scorable]) -> None:
        """Count responses whose thoughts are left out, and responses without an answer."""
        for one in responses:
            if one.request is None:
                self._no_answer.inc()
            elif one.thought:
                self._left_out.inc()

    def looked_up(self, found: int, missed: int) -> None:
        """Count the texts looked up so far in the memory of vectors."""
        self._remembered.inc(found - self._found)
        self._encoded.inc(missed - self._missed)
        self._found, self._missed = found, missed

    def generated(self, prompt_tokens: int, completion_tokens: int) -> None:
        """Count the tokens of an answer of a language model."""
        self.read_tokens.inc(prompt_tokens)
        self.generated_tokens.inc(completion_tokens)

    def answered(self, endpoint: str, status: int, seconds: float) -> None:
        """Count a request."""
        self.requests.labels(endpoint, str(status)).inc()
        self.seconds.labels(endpoint).observe(seconds)

    def exposed(self) -> bytes:
        """All counts of all processes."""
        if SHARED_FOLDER not in os.environ:
            return generate_latest(self._registry)
        _forget_the_dead(Path(os.environ[SHARED_FOLDER]))
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return generate_latest(together)


def _forget_the_dead(folder: Path) -> None:
    """Remove the gauges of a killed process."""
    for path in folder.glob("gauge_live*.db"):
        named = _OF_PROCESS.fullmatch(path.name)
        if named and not _alive(int(named[1])):
            mark_process_dead(named[1], str(folder))  # type: ignore[no-untyped-call]


def _alive(process: int) -> bool:
    """Whether a process runs; on Windows, where asking would send it a signal, always true."""
    if os.name == "nt":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
