"""A reward server under load from another process, compared with direct batched scoring.

Run: python benchmarks/serving.py [--encoder minilm|hash] [--responses 1500] [--connections 64]
[--processes 1] [--rounds 3] [--minutes 10]. The model has 200 communities and 5 repeats with random
heads, because only time is measured. Each connection sends one sample, waits for its answer, and
sends the next (closed loop), over loopback. Direct scoring and the server alternate, and the median
of the paired ratios is reported. Prompts are repeated, responses are not. --minutes measures the
server's memory instead.
"""

import argparse
import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pycountry

from pluralign.core import RewardRequest, Steer, rng_for
from pluralign.encoders import encoder_named
from pluralign.models import open_model
from pluralign.rewards import EmbeddingTrunk, LinearRewardModel, annotate_card, save_reward_model

COMMUNITIES, REPEATS, PROMPTS = 200, 5, 200
TEXT = (
    "the people here would rather keep what they have than lose a part of it for something that "
    "others promise and "
    "nobody has seen because family neighbours work faith money time health children school land "
    "water peace law "
    "respect honest help trust share old young city village language food music home road market "
    "doctor teacher"
)


def made_model(folder: Path, encoder: str) -> Path:
    """A run's folder with random heads; its first repeat."""
    trunk = EmbeddingTrunk(encoder_named(encoder))
    ids = tuple(sorted(c.alpha_3 for c in pycountry.countries)[:COMMUNITIES])
    for seed in range(REPEATS):
        rng = rng_for(seed, "heads")
        delta_C_D = rng.normal(size=(COMMUNITIES, trunk.dimensions)) * 0.1
        about = {
            "data_fingerprint": "made up",
            "people": {c: {"pairs": 900, "raters": 60} for c in ids},
        }
        model = LinearRewardModel(trunk, rng.normal(size=trunk.dimensions), ids, delta_C_D, about)
        place = folder / "models" / f"seed-{seed}" / "made"
        save_reward_model(
            model, place, {"kind": "embedding", "encoder": encoder, "interaction": 0.5}
        )
        value = {"value": 0.62, "low": 0.58, "high": 0.66, "n": 400, "n_raters": 30}
        annotate_card(place, {"accuracy": dict.fromkeys(ids, value)})
    record = {
        "settings": {"methods": ["made"], "split": {"by": "rater", "test": 0.2}},
        "data": {"pairs": 900 * COMMUNITIES, "sources": []},
        "people": about["people"],
        "communities": {"steered": list(ids)},
    }
    (folder / "record.json").write_text(json.dumps(record), encoding="utf-8")
    return folder / "models" / "seed-0" / "made"


def made_requests(n: int, words: int, seed: int = 0) -> list[RewardRequest]:
    """Distinct responses with lengths around ``words``; a prompt has several, as in training."""
    vocabulary = TEXT.split()

    def text(length: int, rng: np.random.Generator) -> str:
        return " ".join(rng.choice(vocabulary, size=max(3, length)))

    of_prompts, rng = rng_for(0, "prompts"), rng_for(seed, "responses")
    prompts = [text(15, of_prompts) for _ in range(PROMPTS)]
    lengths = (words * np.exp(rng.normal(0, 0.5, size=n))).astype(int)
    return [
        RewardRequest(prompts[i % PROMPTS], f"{text(int(length), rng)} {seed} {i}")
        for i, length in enumerate(lengths)
    ]


@contextmanager
def served(model: Path, *options: str) -> Iterator[tuple[str, subprocess.Popen[bytes], float]]:
    """A server in a separate process: its address, the process, and the seconds to start."""
    since = time.perf_counter()
    command = [
        sys.executable,
        "-m",
        "pluralign.cli.main",
        "serve",
        str(model),
        "--port",
        "0",
        *options,
    ]
    log = tempfile.NamedTemporaryFile("w+b", delete=False)  # noqa: SIM115  the server writes to it
    process = subprocess.Popen(command, stderr=log, start_new_session=True)
    try:
        url = ""
        while not url or not answers(f"{url}/readyz"):
            assert process.poll() is None, Path(log.name).read_text(encoding="utf-8")
            found = [
                word
                for word in Path(log.name).read_text(encoding="utf-8").split()
                if word.startswith("http://")
            ]
            url = found[0] if found else ""
            time.sleep(0.02)
        yield url, process, time.perf_counter() - since
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        Path(log.name).unlink()


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def bodies(requests: Sequence[RewardRequest], path: str, asked: dict[str, Any]) -> list[bytes]:
    """Whole HTTP requests, as bytes."""
    found = []
    for one in requests:
        if path == "/get_reward":
            sent: dict[str, Any] = {
                "query": [one.prompt + one.response],
                "prompts": [one.prompt],
                **asked,
            }
        else:
            sent = {"items": [{"prompt": one.prompt, "response": one.response}], **asked}
        body = json.dumps(sent).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        found.append(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return found


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sent: bytes) -> bytes:
    writer.write(sent)
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
    body = await reader.readexactly(length)
    assert head.startswith(b"HTTP/1.1 200"), (head, body)
    return body


async def load(
    url: str, sent: Sequence[bytes], connections: int, until: float | None = None
) -> list[float]:
    """Send all requests once, or repeatedly until a time; return the seconds of each answer."""
    host, _, port = url.removeprefix("http://").partition(":")
    waiting, took = list(range(len(sent)))[::-1], []

    async def caller() -> None:
        reader, writer = await asyncio.open_connection(host, int(port), limit=2**22)
        while waiting or (until is not None and time.time() < until):
            if not waiting:
                waiting.extend(range(len(sent)))
            since = time.perf_counter()
            await ask(reader, writer, sent[waiting.pop()])
            took.append(time.perf_counter() - since)
        writer.close()

    await asyncio.gather(*(caller() for _ in range(connections)))
    return took


def caller_process(arguments: argparse.Namespace) -> None:
    """The client process: read requests, send them, print the times as JSON."""
    import uvloop

    requests = made_requests(arguments.responses, arguments.words, arguments.seed)
    sent = bodies(requests, arguments.path, json.loads(arguments.asked))
    until = time.time() + arguments.minutes * 60 if arguments.minutes else None
    since = time.perf_counter()
    took = uvloop.run(load(arguments.call, sent, arguments.connections, until))
    seconds = time.perf_counter() - since
    print(
        json.dumps({"per_second": len(took) / seconds, "median_ms": statistics.median(took) * 1e3})
    )


def called(
    url: str, arguments: argparse.Namespace, path: str, asked: dict[str, Any], **changes: int
) -> dict[str, Any]:
    """Send requests to a server from another process."""
    given = {
        "responses": arguments.responses,
        "words": arguments.words,
        "connections": arguments.connections,
    }
    given |= {"seed": arguments.seed} | changes
    options = [word for key, value in given.items() for word in (f"--{key}", str(value))]
    command = [
        sys.executable,
        __file__,
        "--call",
        url,
        "--path",
        path,
        "--asked",
        json.dumps(asked),
        *options,
    ]
    done = subprocess.run(
        command, check=True, capture_output=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    return dict(json.loads(done.stdout))


def direct(model: Path, requests: Sequence[RewardRequest]) -> float:
    """Responses per second, all of them scored in one batch in this process."""
    opened = open_model(model, around=lambda encoder: encoder)
    steer = Steer.to(opened.communities[0])
    opened.score(requests[:64], steer)
    since = time.perf_counter()
    opened.score(requests, steer)
    return len(requests) / (time.perf_counter() - since)


def resident_megabytes(process: int) -> float:
    """Resident memory of a process and its children."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="utf-8").split()
    own = [
        line
        for line in Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
        if line.startswith("VmRSS")
    ]
    return int(own[0].split()[1]) / 1e3 + sum(resident_megabytes(int(child)) for child in children)


def throughput(model: Path, arguments: argparse.Namespace, options: list[str]) -> None:
    """Use new responses in every step of a round: only prompts are cached, as in training."""
    print(
        f"{'words':>6} {'direct/s':>9} {'server/s':>9} {'ratio':>6}  {'one/s':>7} "
        f"{'all 200/s':>9} {'cost of 200':>11}"
    )
    for words in arguments.lengths:
        arguments.words, rows = words, []
        with served(model, *options) as (url, _, _):
            called(url, arguments, "/get_reward", {"labels": ["AFG"]}, seed=99)
            for turn in range(arguments.rounds):
                alone = direct(model, made_requests(arguments.responses, words, 4 * turn))
                through = called(
                    url, arguments, "/get_reward", {"labels": ["AFG"]}, seed=4 * turn + 1
                )["per_second"]
                asked: dict[str, dict[str, Any]] = {"one": {"communities": ["AFG"]}, "all": {}}
                told = {
                    name: called(url, arguments, "/v1/rewards", asked[name], seed=seed)[
                        "per_second"
                    ]
                    for seed, name in enumerate(
                        sorted(asked, reverse=turn % 2 == 0), start=4 * turn + 2
                    )
                }
                single, every = told["one"], told["all"]
                rows.append((alone, through, through / alone, single, every, single / every))
        median = [statistics.median(column) for column in zip(*rows, strict=True)]
        print("{:6d} {:9.0f} {:9.0f} {:6.2f}  {:7.0f} {:9.0f} {:11.2f}".format(words, *median))


def idle(model: Path, arguments: argparse.Namespace, options: list[str]) -> None:
    """One caller at a time: what the server adds to scoring one response."""
    opened = open_model(model, around=lambda encoder: encoder)
    steer = Steer.to(opened.communities[0])
    with served(model, *options) as (url, _, _):
        for words in arguments.lengths:
            arguments.words, rows = words, []
            for turn in range(2 * arguments.rounds):
                took = []
                for one in made_requests(80, words, turn):
                    since = time.perf_counter()
                    opened.score([one], steer)
                    took.append((time.perf_counter() - since) * 1e3)
                told = {"connections": 1, "responses": 80, "seed": turn}
                through = called(url, arguments, "/get_reward", {"labels": ["AFG"]}, **told)[
                    "median_ms"
                ]
                rows.append((statistics.median(took), through, through - statistics.median(took)))
            median = [statistics.median(column) for column in zip(*rows, strict=True)]
            print(
                f"idle, {words} words: direct {median[0]:.1f} ms, server {median[1]:.1f}, added "
                f"{median[2]:.1f}"
            )


def memory(model: Path, arguments: argparse.Namespace, options: list[str]) -> None:
    # Vectors remembered fill up to their bound; a small one is full at once, and hides no growth.
    with served(model, *options, "--cache", "2") as (url, process, _):
        began, arguments.words = time.time(), arguments.lengths[0]
        for part in range(arguments.minutes):
            found = called(url, arguments, "/v1/rewards", {}, minutes=1, seed=part)
            memory = resident_megabytes(process.pid)
            print(
                f"{time.time() - began:5.0f} s: {found['per_second']:.0f} responses/s, "
                f"{memory:.0f} MB",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--encoder", default="minilm")
    parser.add_argument("--responses", type=int, default=1500)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--lengths", type=int, nargs="+", default=[90, 30])
    parser.add_argument("--batch-tokens", type=int)
    parser.add_argument("--minutes", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--words", type=int, default=90, help=argparse.SUPPRESS)
    parser.add_argument("--call", help=argparse.SUPPRESS)
    parser.add_argument("--path", help=argparse.SUPPRESS)
    parser.add_argument("--asked", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.call:
        caller_process(arguments)
        return
    options = ["--processes", str(arguments.processes)]
    options += ["--batch-tokens", str(arguments.batch_tokens)] if arguments.batch_tokens else []
    with tempfile.TemporaryDirectory() as folder:
        model = made_model(Path(folder), arguments.encoder)
        if arguments.minutes:
            memory(model, arguments, options)
            return
        starts = []
        for _ in range(arguments.rounds):
            with served(model, *options) as (_, _, seconds):
                starts.append(seconds)
        print(
            f"start to ready: median {statistics.median(starts):.1f} s, least {min(starts):.1f} s"
        )
        idle(model, arguments, options)
        throughput(model, arguments, options)


if __name__ == "__main__":
    main()
