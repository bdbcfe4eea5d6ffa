"""A model whose communities are trained parts of a transformer scores the same over HTTP."""

from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from pluralign.core import RewardRequest, Steer
from pluralign.experiments import run_experiment
from pluralign.models import open_model
from pluralign.settings import resolve

pytest.importorskip("trl")

REQUESTS = [
    RewardRequest("What matters?", text)
    for text in ("My family, above all.", "What I earn.", "The river.")
]
RUN = {
    "name": "trained",
    "seed": 0,
    "min_pairs": 1,
    "min_raters": 2,
    "communities": ["~hill", "~marsh"],
    "methods": ["full"],
    "pairs": {"source": "society", "each": 40, "thin": 20, "world": 60},
    "reference": {"fit_on": ["~world"]},
    "training": {"epochs": 1, "batch": 16, "learning_rate": 5e-3, "evaluations": 1},
    "intervals": {"draws": 100},
}


@pytest.fixture(scope="module", params=["lora", "head", "full"])
def trained(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    tiny_encoder: Path,
    cache: Path,
) -> Path:
    """Folder of a model with a part for each of two communities."""
    folder = tmp_path_factory.mktemp("trained")
    trunk = {
        "kind": "transformer",
        "model": str(tiny_encoder),
        "max_length": 64,
        "community": request.param,
    }
    run_experiment(
        resolve(RUN | {"trunk": trunk}, base=folder, where="trained.toml"),
        folder / "run",
        cache=cache,
    )
    return folder / "run" / "models" / "seed-0" / "full"


@pytest.mark.slow
def test_rewards_over_http_are_those_of_the_model(serving: Any, trained: Path) -> None:
    model = open_model(trained)
    url = serving(model=trained, name="trained")
    items = [{"prompt": one.prompt, "response": one.response} for one in REQUESTS]
    told = httpx.post(
        f"{url}/v1/rewards", json={"items": items, "communities": ["~hill", "~marsh", "~world"]}
    ).json()
    rewards = [item["rewards"] for item in told["items"]]
    for id_, steer in (
        ("~hill", Steer.to("~hill")),
        ("~marsh", Steer.to("~marsh")),
        ("~world", None),
    ):
        assert [row[id_]["value"] for row in rewards] == pytest.approx(
            model.score(REQUESTS, steer), abs=1e-4
        )
    assert not np.allclose(
        [row["~hill"]["value"] for row in rewards], [row["~marsh"]["value"] for row in rewards]
    )
    assert told["interval"].startswith("none: ")
    assert rewards[0]["~hill"]["low"] is None

    prompts, queries = (
        [one.prompt for one in REQUESTS],
        [f"{one.prompt}{one.response}" for one in REQUESTS],
    )
    sent = {"query": queries, "prompts": prompts}
    blend = {"blend": {"~hill": 0.7, "~marsh": 0.3}}
    answer = httpx.post(f"{url}/get_reward", json=sent | {"labels": ["~marsh", "", blend]}).json()
    expected = [
        model.score(REQUESTS[:1], Steer.to("~marsh"))[0],
        model.score(REQUESTS[1:2])[0],
        model.score(REQUESTS[2:], Steer({"~hill": 0.7, "~marsh": 0.3}))[0],
    ]
    assert answer["rewards"] == pytest.approx(expected, abs=1e-4)
