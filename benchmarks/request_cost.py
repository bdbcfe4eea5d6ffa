"""Processor time of one request on a server: ours, plain FastAPI, and bare ASGI, in turns.

Run: python benchmarks/request_cost.py [--requests 2000] [--connections 1 64] [--rounds 5]

Ours scores one response for one community with the hash encoder, whose scoring costs next to
nothing. Plain FastAPI validates the same body with pydantic and answers with a constant; bare ASGI
reads the body and answers with a constant. All three run in a process of their own on uvicorn with
uvloop and httptools, and the time is that of the whole process, its system calls included.
"""

import argparse
import asyncio
import os
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from serving import bodies, load, made_model, made_requests, served

_PATHS = ("/get_reward", "/v1/rewards")
_ASKED = {"/get_reward": {"labels": ["AFG"]}, "/v1/rewards": {"communities": ["AFG"]}}


async def bare(scope: Any, receive: Any, send: Any) -> None:
    """An application that reads the body and answers with a constant."""
    while (await receive()).get("more_body", False):
        pass
    headers = [(b"content-type", b"application/json"), (b"content-length", b"15")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"rewards":[0]}'})


def plain() -> Any:
    """An application of FastAPI that validates the bodies and answers with a constant."""
    from fastapi import FastAPI
    from pydantic import BaseModel

    class GetReward(BaseModel):
        query: tuple[str, ...]
        prompts: tuple[str, ...]
        labels: tuple[Any, ...]

    class Item(BaseModel):
        prompt: str
        response: str

    class Rewards(BaseModel):
        items: tuple[Item, ...]
        communities: tuple[str, ...]

    app = FastAPI()

    @app.post("/get_reward")
    async def get_reward(body: GetReward) -> dict[str, list[float]]:
        return {"rewards": [0.0]}

    @app.post("/v1/rewards")
    async def rewards(body: Rewards) -> dict[str, list[float]]:
        return {"rewards": [0.0]}

    return app


def serve_plainly(name: str, port: Any) -> None:
    """Run one of the two applications above, and report its port."""
    import uvicorn

    from pluralign.web.listening import bound

    socket = bound("127.0.0.1", 0)
    port.send(socket.getsockname()[1])
    app = bare if name == "bare ASGI" else plain()
    config = uvicorn.Config(
        app, loop="uvloop", http="httptools", log_level="warning", access_log=False
    )
    uvicorn.Server(config).run([socket])


@contextmanager
def plainly_served(name: str) -> Iterator[tuple[str, int]]:
    """A server of one of the two applications: its address and its process."""
    context = get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=serve_plainly, args=(name, there))
    process.start()
    there.close()
    try:
        yield f"http://127.0.0.1:{here.recv()}", int(process.pid or 0)
    finally:
        process.terminate()
        process.join()


def processor_seconds(process: int) -> float:
    """Time that a process took of the processor, in user mode and in the kernel."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def milliseconds(url: str, process: int, sent: Sequence[bytes], connections: int) -> float:
    """Processor time of the server for one request."""
    before = processor_seconds(process)
    asyncio.run(load(url, sent, connections))
    return (processor_seconds(process) - before) / len(sent) * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 64])
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with ExitStack() as running, tempfile.TemporaryDirectory() as folder:
        model = made_model(Path(folder), "hash")
        ours, own_process, _ = running.enter_context(served(model))
        servers = {"ours": (ours, own_process.pid)}
        for name in ("plain FastAPI", "bare ASGI"):
            servers[name] = running.enter_context(plainly_served(name))
        print(f"{'path':12} {'connections':>11}  " + "  ".join(f"{name:>13}" for name in servers))
        seeds = count()
        for path in _PATHS:
            for connections in arguments.connections:
                took: dict[str, list[float]] = {name: [] for name in servers}
                for _ in range(arguments.rounds + 1):
                    # Responses that the server has not met: it remembers vectors of texts.
                    requests = made_requests(arguments.requests, 30, next(seeds))
                    sent = bodies(requests, path, _ASKED[path])
                    for name, (url, process) in servers.items():
                        took[name].append(milliseconds(url, process, sent, connections))
                # The first round warms up.
                medians = [statistics.median(found[1:]) for found in took.values()]
                cells = "  ".join(f"{value:10.3f} ms" for value in medians)
                print(f"{path:12} {connections:11d}  {cells}", flush=True)


if __name__ == "__main__":
    main()
