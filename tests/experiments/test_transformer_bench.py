"""Whole runs on a tiny transformer: heads, adapters and full copies."""

import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.scaling.test_spreading import Here

from pluralign.core import DamagedFile, InvalidInput, InvalidSettings, RewardRequest, Steer
from pluralign.experiments import Outcome, run_experiment
from pluralign.models import open_model, open_spread_model
from pluralign.scaling import SpreadRewardModel, WorkerPool
from pluralign.settings import explain, resolve

pytest.importorskip("trl")

Go = Callable[..., Outcome]
REQUESTS = [
    RewardRequest("What matters?", text)
    for text in ("My family, above all.", "What I earn.", "The river.")
]
SOCIETY = {"source": "society", "each": 40, "thin": 20, "world": 60}


@pytest.fixture
def small(tables: dict[str, Any], tiny_encoder: Path) -> dict[str, Any]:
    del tables["fit"]
    return tables | {
        "communities": ["~hill"],
        "methods": ["reference", "full", "scpo"],
        "pairs": SOCIETY,
        "reference": {"fit_on": ["~world"]},
        "trunk": {"kind": "transformer", "model": str(tiny_encoder), "max_length": 64},
        "training": {"epochs": 1, "batch": 16, "learning_rate": 5e-3, "evaluations": 2},
    }


def results(outcome: Outcome) -> list[tuple[Any, ...]]:
    kept = ("method", "steer", "community", "subset", "value", "low", "high")
    return [tuple(row[k] for k in kept) for row in outcome.results]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["lora", "full"])
def test_a_run_on_trained_parts_measures_saves_and_goes_on_from_what_is_there(
    go: Go, small: dict[str, Any], tmp_path: Path, kind: str
) -> None:
    first = go(small, tmp_path / "run", f"trunk.community={kind}")
    assert {row["method"] for row in first.results} == {"reference", "full", "scpo"}
    trained = first.record["training"]["3"]["scpo"]["~hill"]
    assert trained["pairs"] > 0 and trained["steps"] > 0 and trained["held_out_pairs"] > 0
    model = open_model(tmp_path / "run/models/seed-3/scpo")
    rewards = model.score(REQUESTS, Steer.to("~hill"))
    np.testing.assert_allclose(model.score_all(REQUESTS)[:, 0], rewards, atol=1e-5)
    assert not np.allclose(rewards, model.score(REQUESTS), atol=1e-4)
    with ThreadPoolExecutor(1) as workers:
        spread = open_spread_model(tmp_path / "run/models/seed-3/scpo", workers)
        assert isinstance(spread, SpreadRewardModel)
        np.testing.assert_allclose(spread.score(REQUESTS, "~hill"), rewards, atol=1e-6)
    shutil.rmtree(tmp_path / "run/predictions")  # as if stopped between training and measuring
    stamp = (tmp_path / "run/models/seed-3/scpo/parts/~hill/training.json").stat().st_mtime_ns
    again = go(small, tmp_path / "run", f"trunk.community={kind}")
    assert results(again) == results(first)
    assert (
        tmp_path / "run/models/seed-3/scpo/parts/~hill/training.json"
    ).stat().st_mtime_ns == stamp


@pytest.mark.slow
def test_the_reference_of_a_saved_run_can_be_moved_with_it(
    go: Go, small: dict[str, Any], tmp_path: Path
) -> None:
    go(small, tmp_path / "run", 'methods=["full"]')
    before = open_model(tmp_path / "run/models/seed-3/full").score(REQUESTS, Steer.to("~hill", 0.5))
    (tmp_path / "run").rename(tmp_path / "moved")
    after = open_model(tmp_path / "moved/models/seed-3/full").score(
        REQUESTS, Steer.to("~hill", 0.5)
    )
    np.testing.assert_array_equal(before, after)


@pytest.mark.slow
def test_heads_on_workers_that_open_the_transformer_have_the_same_results(
    go: Go, small: dict[str, Any], tmp_path: Path
) -> None:
    overrides = ["trunk.community=head", 'methods=["reference", "scpo"]', "fit.ridge=1.0"]
    go(small, tmp_path / "here", *overrides)
    resolved = resolve(small, base=tmp_path, where="tiny.toml", overrides=overrides)
    with WorkerPool(Here, size=1) as workers:
        run_experiment(resolved, tmp_path / "there", cache=tmp_path / "cache", workers=workers)
    here, there = (tmp_path / place / "results.jsonl" for place in ("here", "there"))
    assert here.read_bytes() == there.read_bytes()


@pytest.mark.slow
def test_heads_on_the_frozen_trunk_take_every_method(
    go: Go, small: dict[str, Any], tmp_path: Path
) -> None:
    outcome = go(
        small,
        tmp_path / "run",
        "trunk.community=head",
        'methods=["reference", "scpo", "pooled", "adaptive"]',
    )
    assert {row["method"] for row in outcome.results} == {"reference", "scpo", "pooled", "adaptive"}
    model = open_model(tmp_path / "run/models/seed-3/adaptive")
    assert model.score_all(REQUESTS).shape == (3, 1)


@pytest.mark.slow
def test_a_model_with_a_reward_head_is_the_reference_as_it_is(
    go: Go, small: dict[str, Any], tmp_path: Path
) -> None:
    go(small, tmp_path / "first", "trunk.community=full", 'methods=["reference"]')
    trained = tmp_path / "first/models/seed-3/reference/parts/reference"
    del small["reference"]
    outcome = go(
        small, tmp_path / "second", f"trunk.model='{trained}'", 'methods=["reference", "scpo"]'
    )
    assert outcome.record["communities"]["reference"] == []
    expected = open_model(tmp_path / "first/models/seed-3/reference").score(REQUESTS)
    np.testing.assert_allclose(
        open_model(tmp_path / "second/models/seed-3/scpo").score(REQUESTS), expected, atol=1e-5
    )


@pytest.mark.slow
def test_studies_train_parts_of_their_own(go: Go, small: dict[str, Any], tmp_path: Path) -> None:
    small |= {"curves": {"fractions": [0.5], "by": ["raters"]}, "sensitivity": {"tau": [0.6, 1.0]}}
    go(small, tmp_path / "run")
    rows = (tmp_path / "run/studies/sensitivity.jsonl").read_text().splitlines()
    assert sorted({json.loads(row)["tau"] for row in rows}) == [0.6, 1.0]
    curve = [
        json.loads(row)
        for row in (tmp_path / "run/studies/curve-raters.jsonl").read_text().splitlines()
    ]
    assert {row["fraction"] for row in curve if "fraction" in row} == {0.5, 1.0}


@pytest.mark.slow
def test_a_part_that_was_tampered_with_is_refused(
    go: Go, small: dict[str, Any], tmp_path: Path
) -> None:
    go(small, tmp_path / "run", 'methods=["full"]')
    part = tmp_path / "run/models/seed-3/full/parts/~hill/adapter_model.safetensors"
    part.write_bytes(part.read_bytes()[:-1] + b"\x01")
    with pytest.raises(DamagedFile, match="altered"):
        open_model(tmp_path / "run/models/seed-3/full")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["lora", "full"])
def test_trained_parts_that_were_damaged_are_trained_again_to_the_same_weights(
    go: Go, small: dict[str, Any], tmp_path: Path, kind: str
) -> None:
    small |= {"methods": ["reference", "scpo"]}
    first = go(small, tmp_path / "whole", f"trunk.community={kind}")
    weights = {
        p.relative_to(tmp_path / "whole"): p.read_bytes()
        for p in sorted((tmp_path / "whole").rglob("*.safetensors"))
    }
    reference = "reference/merged" if kind == "lora" else "reference/parts/reference"
    settings = [f"{reference}/tokenizer_config.json", "reference/parts/reference/training.json"]
    for name in [*weights, *(Path("models/seed-3") / name for name in settings)]:
        shutil.rmtree(tmp_path / "run", ignore_errors=True)
        shutil.copytree(tmp_path / "whole", tmp_path / "run")
        data = bytearray((tmp_path / "run" / name).read_bytes())
        data[-3] ^= 64
        (tmp_path / "run" / name).write_bytes(
            data if "scpo" in name.parts else data[: len(data) // 2]
        )
        again = go(small, tmp_path / "run", f"trunk.community={kind}")
        assert results(again) == results(first), name
        assert all((tmp_path / "run" / one).read_bytes() == weights[one] for one in weights), name


def settled(tables: dict[str, Any], *overrides: str) -> Any:
    return resolve(tables, base=Path(), where="tiny.toml", overrides=overrides)


def test_faithful_mode_is_one_line_and_shows_the_origin_of_its_values(
    small: dict[str, Any],
) -> None:
    del small["training"]
    found = settled(small, "method.faithful=true", "training.max_steps=10")
    training, trunk = found.settings.training, found.settings.trunk
    assert (trunk.community, trunk.text, trunk.score_text) == ("full", "joined", "pair")
    assert (training.learning_rate, training.batch, training.max_steps, training.loss_over) == (
        1e-6,
        8,
        10,
        "pairs",
    )
    lines = {line.key: line.origin for line in explain(found)}
    assert (lines["training.batch"], lines["training.max_steps"]) == ("method.faithful", "--set")


def test_methods_that_need_linear_heads_are_left_out_unless_named(small: dict[str, Any]) -> None:
    named = small.pop("methods")
    assert "adaptive" not in settled(small).settings.methods
    assert "adaptive" in settled(small, "trunk.community=head").settings.methods
    with pytest.raises(InvalidSettings, match="adaptive works on linear heads"):
        settled(small | {"methods": [*named, "adaptive"]})


@pytest.mark.parametrize(
    ("override", "what"),
    [
        ("trunk.encoder=hash", "encoder belongs to kind"),
        ("trunk.kind=embedding", "belongs to kind"),
        ("training.batch=0", "batch"),
        ("training.bach=8", "unknown key"),
        ("sensitivity.ridge=[1.0]", "linear heads"),
        ("fit.ridge=1.0", "a ridge is for linear heads"),
        ("reference.training.batches=3", "batches"),
    ],
)
def test_settings_that_do_not_fit_a_transformer_are_refused(
    small: dict[str, Any], override: str, what: str
) -> None:
    with pytest.raises(InvalidSettings, match=what):
        settled(small, override)


def test_the_error_for_an_unavailable_model_names_the_missing_files(
    go: Go, small: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(InvalidInput, match=r"config\.json, tokenizer\.json and the weights"):
        go(small, tmp_path / "run", "trunk.model=nobody/nothing")
    assert not (tmp_path / "run").exists()


def test_training_is_refused_where_nothing_is_trained(tables: dict[str, Any]) -> None:
    with pytest.raises(InvalidSettings, match=r"\[training\] is for transformers"):
        settled(tables, "training.epochs=3")
