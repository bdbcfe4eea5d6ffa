"""Five thousand random bodies: no endpoint fails, every refusal is a problem, nothing is left."""

import gc
import json
import random
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from pluralign.core import community

BODIES, SEEDS = 1000, range(5)
SIMPLE: dict[str, Any] = {
    "/v1/rewards": {
        "items": [{"prompt": "Tea?", "response": "Yes."}],
        "communities": ["~coast"],
        "strength": 1.0,
    },
    "/v1/rank": {
        "prompt": [{"role": "user", "content": "Tea?"}],
        "responses": ["Yes.", "No."],
        "thoughts": "keep",
    },
    "/v1/compare": {
        "prompt": "Tea?",
        "response": "Yes.",
        "other": "No.",
        "blend": {"~coast": 0.5, "~hill": 0.5},
    },
    "/get_reward": {
        "query": ["Tea?Yes."],
        "prompts": ["Tea?"],
        "labels": [{"community": "~coast", "strength": 0.5}],
    },
    "/classify": {
        "model": "served@~coast",
        "input": ["<|im_start|>user\nTea?<|im_end|>\n<|im_start|>assistant\nYes."],
    },
    "/pooling": {
        "messages": [{"role": "user", "content": "Tea?"}, {"role": "assistant", "content": "Yes."}]
    },
    "/score": {"queries": "Tea?", "documents": ["Yes.", "No."], "use_activation": True},
    "/v1/score": {"text_1": ["Tea?"], "text_2": ["Yes."], "model": "served"},
    "/predict": {"inputs": [["Tea?", "Yes."]], "raw_scores": True},
    "/steered/~coast/predict": {"inputs": "Yes.", "truncate": True},
    "/steered/~hill=0.5,~coast=0.5/classify": {"input": "Yes."},
}
WORDS = (
    *(
        "",
        " ",
        "\x00",
        "\u202e",
        "é",
        "家",
        "💜",
        "<think>",
        "</think>",
        "<|im_start|>",
        "<|x|>user",
        "[INST]",
        "null",
    ),
    *(
        "~coast",
        "~world",
        "MEX",
        "MEX/oaxaca",
        "~" + "a" * 300,
        "MEX/" + "/".join("abcdefghij"),
        "all",
        "~a/b=0.5",
        "=,=",
    ),
    *(
        "served@~coast",
        "served@",
        "{",
        '{"community": "MEX"}',
        '{"blend": {"~coast": NaN}}',
        "[" * 2000,
        "x" * 5000,
    ),
)
NUMBERS = (
    0,
    -1,
    1,
    0.5,
    2**63,
    10**400,
    -0.0,
    1e308,
    5e-324,
    float("nan"),
    float("inf"),
    True,
    False,
    None,
)
KEYS = (
    "items",
    "prompt",
    "response",
    "communities",
    "blend",
    "strength",
    "unknown",
    "thoughts",
    "input",
    "messages",
)


class Mutations:
    """Bodies that differ from ordinary ones in one to four places.

    Args:
        seed: Of what is drawn.
    """

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)

    def bodies(self, many: int) -> Iterator[tuple[str, bytes]]:
        for _ in range(many):
            path = self.draw.choice(list(SIMPLE))
            value = deepcopy(SIMPLE[path])
            for _ in range(self.draw.randint(1, 4)):
                value = self._changed(value)
            yield path, self._damaged(json.dumps(value).encode())

    def _changed(self, value: Any) -> Any:
        if self.draw.random() < 0.3 or not isinstance(value, dict | list) or not value:
            return self._odd(value)
        at = self.draw.choice(list(value) if isinstance(value, dict) else range(len(value)))
        match self.draw.randrange(6):
            case 0:
                del value[at]
            case 1 if isinstance(value, dict):
                value[self.draw.choice((*KEYS, *WORDS))] = self._odd(None)
            case 1:
                value.extend(value * self.draw.choice((1, 3, 50)))
            case _:
                value[at] = self._changed(value[at])
        return value

    def _odd(self, value: Any) -> Any:
        match self.draw.randrange(7):
            case 0:
                return self.draw.choice(NUMBERS)
            case 1:
                return [value] * self.draw.choice((0, 1, 2, 300))
            case 2:
                return {self.draw.choice((*KEYS, *WORDS)): value}
            case 3 if isinstance(value, str):
                return value + self.draw.choice(WORDS)
            case 4:
                return "".join(self.draw.choices(WORDS, k=3))
            case _:
                return self.draw.choice(WORDS)

    def _damaged(self, sent: bytes) -> bytes:
        if self.draw.random() < 0.9 or not sent:
            return sent
        at = self.draw.randrange(len(sent))
        return (
            sent[:at]
            + self.draw.randbytes(self.draw.randrange(3))
            + sent[at + self.draw.randrange(3) :]
        )


def resident() -> int:
    """Bytes of memory of this process."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096


@pytest.fixture(scope="module")
def served(asking: Any) -> TestClient:
    client: TestClient = asking()
    return client


@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_body_is_answered_or_refused_with_a_problem(served: TestClient, seed: int) -> None:
    statuses = set()
    for path, body in Mutations(seed).bodies(BODIES):
        answer = served.post(path, content=body)
        statuses.add(answer.status_code)
        assert answer.status_code < 500, (path, body[:500], answer.text)
        if answer.status_code == 200:
            assert answer.json() is not None
        else:
            assert answer.headers["content-type"] == "application/problem+json", (path, body[:500])
            assert answer.json()["status"] == answer.status_code
    assert {200, 400, 422} <= statuses <= {200, 400, 404, 405, 413, 422}


@pytest.mark.skipif(
    not Path("/proc/self/statm").exists(), reason="memory is read as Linux shows it"
)
def test_nothing_is_left_behind(served: TestClient) -> None:
    for path, body in Mutations(0).bodies(500):
        served.post(path, content=body)
    before = resident()
    for path, body in Mutations(99).bodies(1000):
        served.post(path, content=body)
    assert resident() - before < 50_000_000
    info = community.cache_info()
    assert info.maxsize is not None
    assert info.currsize <= info.maxsize
    counts = served.get("/metrics").text
    assert "pluralign_waiting_responses 0.0" in counts
    endpoints = {
        line.split('"')[1]
        for line in counts.splitlines()
        if line.startswith("pluralign_requests_total")
    }
    assert len(endpoints) < 20
