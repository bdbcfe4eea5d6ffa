"""Small servers for tests, which answer as an OpenAI-compatible server does, or misbehave."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Behaviour:
    """Behaviour of a server: each text takes the next of its ``faults``; ``say`` decides others."""

    faults: dict[str, list[str]] = field(default_factory=dict)
    always: str | None = None
    say: Callable[[dict[str, Any]], tuple[int, bytes]] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    models: bytes | None = None
    delay: float = 0.0
    asked: Counter[str] = field(default_factory=Counter)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fault(self, text: str) -> str | None:
        with self.lock:
            waiting = self.faults.get(text, [])
            return waiting.pop(0) if waiting else self.always


def answer(text: str) -> bytes:
    return completion({"role": "assistant", "content": f"re: {text}"})


def completion(message: Any, finish: Any = "stop", usage: Any = None) -> bytes:
    choice = {"index": 0, "finish_reason": finish, "message": message}
    usage = usage or {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12}
    body = {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": "m",
        "choices": [choice],
        "usage": usage,
    }
    return json.dumps(body).encode()


def refusal(message: str, **more: Any) -> bytes:
    return json.dumps(
        {"error": {"message": message, "type": "invalid_request_error"} | more}
    ).encode()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


@contextmanager
def serving(behaviour: Behaviour) -> Iterator[str]:
    """A server on loopback; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: Any) -> None:
            pass

        def send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in {
                "Content-Type": "application/json",
                "Content-Length": str(len(body)),
                **(headers or {}),
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            self.send(
                200,
                behaviour.models
                or json.dumps(
                    {
                        "object": "list",
                        "data": [
                            {"id": "the-model", "object": "model", "created": 0, "owned_by": "me"}
                        ],
                    }
                ).encode(),
            )

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            text = body["messages"][-1]["content"]
            with behaviour.lock:
                behaviour.asked[text] += 1
                behaviour.bodies.append(body)
                behaviour.paths.append(self.path)
                behaviour.in_flight += 1
                behaviour.most_in_flight = max(behaviour.most_in_flight, behaviour.in_flight)
            try:
                time.sleep(behaviour.delay)
                self.behave(behaviour.fault(text), text, body)
            except (BrokenPipeError, ConnectionResetError):
                pass
            finally:
                with behaviour.lock:
                    behaviour.in_flight -= 1

        def behave(self, fault: str | None, text: str, body: dict[str, Any]) -> None:
            error = json.dumps({"error": {"message": f"fault {fault}"}}).encode()
            if behaviour.say is not None:
                self.send(*behaviour.say(body), behaviour.headers)
            elif fault is None:
                self.send(200, answer(text))
            elif fault == "429":
                self.send(429, error, {"Retry-After": "0.05"})
            elif fault.isdigit():
                self.send(int(fault), error)
            elif fault == "half":
                self.send_response(200)
                self.send_header("Content-Length", "10000")
                self.end_headers()
                self.wfile.write(answer(text)[:30])
                self.close_connection = True
            elif fault == "drip":
                self.send_response(200)
                self.send_header("Content-Length", "10000")
                self.end_headers()
                for _ in range(30):
                    self.wfile.write(b" ")
                    self.wfile.flush()
                    time.sleep(0.1)
                self.close_connection = True
            elif fault == "wrong json":
                self.send(200, b'{"choices": [')
            elif fault == "no choices":
                self.send(200, b'{"id": "1", "choices": []}')
            elif fault == "hang":
                time.sleep(1.0)
                self.send(200, answer(text))
            else:
                self.send(200, answer(text))

    server = _Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
    )
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
