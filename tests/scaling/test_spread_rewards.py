"""Rewards of workers are those of one process, and commands take workers."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.scaling import doubles
from tests.scaling.test_spreading import Here
from typer.testing import CliRunner

from pluralign.cli.main import app
from pluralign.core import InvalidInput, NotEnoughData, RewardModel, RewardRequest, Steer
from pluralign.encoders import CachedEncoder, HashEncoder
from pluralign.experiments import Outcome
from pluralign.models import open_model
from pluralign.rewards import LengthReward
from pluralign.scaling import SpreadRewardModel, WorkerNotReady, WorkerPool, reward_model

REQUESTS = [RewardRequest(f"What matters, {k % 7}?", f"reply {k % 11} here") for k in range(60)]


@pytest.fixture(scope="module")
def saved(go: Callable[..., Outcome], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that steers to the communities of the society."""
    out = tmp_path_factory.mktemp("runs") / "tiny"
    tables = {
        "methods": ["pooled"], "min_pairs": 1, "min_raters": 2, "intervals": {"draws": 100},
        "pairs": {"source": "society", "each": 40, "thin": 10, "world": 60},
        "trunk": {"encoder": "hash"}, "fit": {"ridge": 1.0},
        "reference": {"fit_on": ["~world"], "ridge": 1.0},
    }  # fmt: skip
    go(tables, out)
    return out / "models/seed-0/pooled"


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reward_model, "REQUESTS_PER_PART", 8)


@pytest.mark.usefixtures("small_parts")
def test_rewards_of_workers_are_joined_by_request(saved: Path) -> None:
    here = open_model(saved)
    with ThreadPoolExecutor(3) as pool:
        there = SpreadRewardModel(partial(open_model, saved), pool, here.communities)
        assert np.allclose(there.score_all(REQUESTS), here.score_all(REQUESTS), atol=1e-12)
        assert np.allclose(there.score(REQUESTS), here.score(REQUESTS), atol=1e-12)
        for steer in (Steer.to("~hill"), "~hill", {"~hill": 0.5, "~coast": 0.5}):
            assert np.allclose(there.score(REQUESTS, steer), here.score(REQUESTS, steer))


@pytest.mark.usefixtures("small_parts")
def test_a_model_without_communities_scores_too() -> None:
    with ThreadPoolExecutor(2) as pool:
        there: RewardModel = SpreadRewardModel(LengthReward, pool)
        assert np.array_equal(there.score(REQUESTS), LengthReward().score(REQUESTS))


@pytest.mark.usefixtures("small_parts")
def test_a_request_that_fails_alone_is_named() -> None:
    make = partial(doubles.FaultyReward, "reply 5 here")
    with ThreadPoolExecutor(2) as pool, pytest.raises(InvalidInput) as error:
        SpreadRewardModel(make, pool).score(REQUESTS[:20])
    assert "'What matters, 5? -> reply 5 here' (ValueError: bad)" in str(error.value)
    assert "2 of 20 requests cannot be scored" in str(error.value)


def test_nothing_to_score_and_a_model_that_workers_lack_are_errors(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        with pytest.raises(NotEnoughData):
            SpreadRewardModel(LengthReward, pool).score([])
        with pytest.raises(WorkerNotReady, match="cannot open the reward model"):
            SpreadRewardModel(partial(open_model, tmp_path), pool).score(REQUESTS)


def test_score_on_workers_writes_the_same_rows(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "replies.jsonl"
    rows = [{"prompt": r.prompt, "response": r.response} for r in REQUESTS]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    @contextmanager
    def here(backend: str) -> Iterator[WorkerPool | None]:
        if backend == "local":
            yield None
            return
        with WorkerPool(Here, size=2) as pool:
            yield pool

    monkeypatch.setattr("pluralign.scaling.workers_on", here)
    for backend in ("local", "processes:2"):
        monkeypatch.setenv("PLURALIGN_CACHE", str(tmp_path / f"cache {backend}"))
        words = ["score", str(saved), str(file), "--on", backend, "--out", str(tmp_path / backend)]
        found = CliRunner().invoke(app, words, catch_exceptions=False)
        assert found.exit_code == 0, found.output
    assert (tmp_path / "local").read_bytes() == (tmp_path / "processes:2").read_bytes()
    kept: Any = CachedEncoder(HashEncoder(), tmp_path / "cache processes:2")
    assert kept.folder.is_dir()


def test_a_run_on_a_task_takes_no_workers() -> None:
    found = CliRunner().invoke(app, ["align", "--data", "task", "--on", "processes:2"])
    assert found.exit_code == 2
    assert "--on" in found.stderr
