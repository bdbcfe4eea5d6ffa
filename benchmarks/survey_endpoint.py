"""Overhead of the endpoint respondent over a plain loop of the openai client, on a local server.

Run: python benchmarks/survey_endpoint.py. A separate process serves chat completions on loopback,
each after a pause. Both ways send the same requests, 64 at once, and alternate. The server reports
its mean number of concurrent requests.
"""

import argparse
import asyncio
import json
import multiprocessing
import socket
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from openai import AsyncOpenAI

from pluralign.asking import load_strategy, put
from pluralign.core import Ask, Sampling
from pluralign.respondents.chat import ChatRespondent
from pluralign.respondents.endpoint import EndpointChatModel, EndpointSettings
from pluralign.respondents.recorded import RecordedRespondent
from pluralign.simulation import SocietySurvey

AT_ONCE = 64


def serve(port: int, pause: float) -> None:
    import uvicorn

    state = {"now": 0, "most": 0, "area": 0.0, "since": 0.0, "first": 0.0, "last": 0.0}

    def count(step: int) -> None:
        now = time.perf_counter()
        if state["now"]:
            state["area"] += state["now"] * (now - state["since"])
        elif not state["first"]:
            state["first"] = now
        state["since"] = state["last"] = now
        state["now"] += step
        state["most"] = max(state["most"], state["now"])

    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "2"}}
    usage = {"prompt_tokens": 90, "completion_tokens": 1, "total_tokens": 91}
    body = {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": "m",
        "choices": [choice],
        "usage": usage,
    }
    answer = json.dumps(body).encode()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        text = answer
        if scope["path"] == "/state":
            span = max(state["last"] - state["first"], 1e-9)
            text = json.dumps({"mean": state["area"] / span, "most": state["most"]}).encode()
            state.update(now=0, most=0, area=0.0, first=0.0)
        else:
            while (await receive()).get("more_body"):
                pass
            count(1)
            await asyncio.sleep(pause)
            count(-1)
        head = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(text)).encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": text})

    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", access_log=False)


def ours(url: str, asks: list[Ask]) -> None:
    model = EndpointChatModel(EndpointSettings("m", url, concurrency=AT_ONCE))
    with tempfile.TemporaryDirectory() as folder:
        respondent = RecordedRespondent(
            ChatRespondent(model, Sampling()), Path(folder) / "answers.jsonl"
        )
        assert all(reply.text == "2" for reply in respondent.answer(asks))


def plain(url: str, asks: list[Ask]) -> None:
    async def everything() -> None:
        limit = asyncio.Semaphore(AT_ONCE)
        async with AsyncOpenAI(api_key="none", base_url=url) as client:

            async def one(ask: Ask) -> str:
                async with limit:
                    found = await client.chat.completions.create(
                        model="m",
                        messages=[{"role": m.role, "content": m.content} for m in ask.conversation],  # type: ignore[misc]
                        temperature=0,
                        max_tokens=32,
                    )
                    return found.choices[0].message.content or ""

            assert all(text == "2" for text in await asyncio.gather(*map(one, asks)))

    asyncio.run(everything())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--answers", type=int, default=2000)
    parser.add_argument(
        "--pause", type=float, default=0.4, help="seconds that the server takes for an answer"
    )
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    survey = SocietySurvey(questions=-(-given.answers // 5)).survey()
    asks = put(load_strategy("culture_aware"), survey, survey.communities)[: given.answers]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = multiprocessing.get_context("spawn").Process(
        target=serve, args=(port, given.pause), daemon=True
    )
    server.start()
    try:
        wait_for(port)
        measure(port, asks, given.pause, given.rounds)
    finally:
        server.terminate()
        server.join(timeout=5)


def measure(port: int, asks: list[Ask], pause: float, rounds: int) -> None:
    url = f"http://127.0.0.1:{port}/v1"
    told: dict[str, list[tuple[float, float, float, float]]] = {"ours": [], "plain": []}
    for _ in range(rounds):
        for name, arm in (("ours", ours), ("plain", plain)):
            state(port)
            clock, cpu = time.perf_counter(), time.process_time()
            arm(url, asks)
            clock, cpu = time.perf_counter() - clock, time.process_time() - cpu
            flight = state(port)
            told[name].append((clock, cpu, flight["mean"], flight["most"]))
    n, ideal = len(asks), len(asks) * pause / AT_ONCE
    best = {name: min(rows) for name, rows in told.items()}
    print(
        f"\n{n:,} answers of {pause} s each, {AT_ONCE} at once; ideal {ideal:.2f} s; best of "
        f"{rounds} rounds in turns\n"
    )
    print(
        f"{'way':38} {'clock':>8} {'over ideal':>14} {'processor':>14} "
        f"{'in flight, mean, most':>24}"
    )
    for name, label in (
        ("ours", "ours, every answer kept as it comes"),
        ("plain", "openai client in a loop, nothing kept"),
    ):
        clock, cpu, mean, most = best[name]
        over, used = 1000 * (clock - ideal) / n, 1000 * cpu / n
        print(
            f"{label:38} {clock:6.2f} s {over:6.2f} ms each {used:6.2f} ms each {mean:17.1f} "
            f"{most:6.0f}"
        )
    added = [1000 * (best["ours"][k] - best["plain"][k]) / n for k in (0, 1)]
    print(
        f"\nours adds {added[0]:+.2f} ms an answer by the clock, {added[1]:+.2f} ms of processor "
        "(target: < 1 ms)"
    )


def state(port: int) -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/state", timeout=5) as found:
        value: dict[str, float] = json.load(found)
        return value


def wait_for(port: int) -> None:
    for _ in range(200):
        try:
            state(port)
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit("the server did not start")


if __name__ == "__main__":
    main()
