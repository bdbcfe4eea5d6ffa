"""A small server of embeddings for tests, which answers in both protocols, or misbehaves."""

import base64
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

from pluralign.core import FloatArray
from pluralign.encoders import HashEncoder

Answer = tuple[int, Any]
Fault = Callable[[int, list[str]], Answer | None]


def hashed(texts: Sequence[str]) -> FloatArray:
    """The vectors of the served model."""
    return HashEncoder(32).encode(texts)


@dataclass
class Served:
    """A server: ``fault`` gets the number of a request and its texts, and may answer for it."""

    fault: Fault = lambda number, texts: None
    model: Callable[[Sequence[str]], FloatArray] = hashed
    url: str = ""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def sizes(self) -> list[int]:
        """The numbers of texts of the requests so far."""
        return [len(body.get("input", body.get("inputs"))) for body in self.bodies]

    @property
    def texts(self) -> set[str]:
        """The texts that it was sent so far."""
        return {text for body in self.bodies for text in body.get("input", body.get("inputs"))}

    def answer(self, path: str, body: dict[str, Any]) -> Answer:
        """Status and body of an answer; vectors come in a shuffled order with their indices."""
        texts = body["inputs" if path == "/embed" else "input"]
        with self.lock:
            self.bodies.append(body)
            number = len(self.bodies)
        if (answer := self.fault(number, texts)) is not None:
            return answer
        vectors = self.model(texts)
        if path == "/embed":
            return 200, vectors.tolist()
        data = [
            {"object": "embedding", "index": i, "embedding": _written(vectors[i], body)}
            for i in reversed(range(len(texts)))
        ]
        return 200, {"object": "list", "data": data, "model": body["model"]}


def _written(vector_D: FloatArray, body: dict[str, Any]) -> Any:
    if body.get("encoding_format") == "base64":
        return base64.b64encode(vector_D.astype("<f4").tobytes()).decode()
    return np.asarray(vector_D).tolist()


@contextmanager
def running(*servers: Served) -> Iterator[list[str]]:
    """Servers on loopback; gives their addresses for the protocol of OpenAI."""
    with ExitStack() as stack:
        for server in servers:
            stack.enter_context(_running(server))
        yield [f"{server.url}/v1" for server in servers]


@contextmanager
def _running(served: Served) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            served.headers.append(dict(self.headers))
            status, answer = served.answer(self.path, sent)
            body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        served.url = f"http://127.0.0.1:{server.server_address[1]}"
        yield
        server.shutdown()
