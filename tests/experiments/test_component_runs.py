"""Runs whose trunk multiplies principal components of prompts and responses."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pluralign import evaluate, fit, split
from pluralign.core import (
    InvalidInput,
    InvalidSettings,
    PreferencePair,
    RewardRequest,
    Steer,
    requests_of,
)
from pluralign.experiments import Outcome, influence, withdraw
from pluralign.experiments.recorded_settings import recorded_settings, recorded_tables
from pluralign.experiments.splitting import split_pairs
from pluralign.models import open_model, save_model
from pluralign.rewards import EmbeddingTrunk, LinearRewardModel
from pluralign.runs import RunFolder, open_run, refits_of
from pluralign.serving.scoring import LinearScorer, ScoreRequest
from pluralign.settings import resolve
from pluralign.sources.pair_loading import load_pairs

Go = Callable[..., Outcome]
Rows = list[dict[str, Any]]
Tables = dict[str, Any]
Write = Callable[..., Path]
METHODS = ["reference", "full", "scpo", "adaptive"]
REQUESTS = [RewardRequest("What matters?", text) for text in ("My family.", "What I earn.")]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, rows: Rows, write_rows: Write) -> Tables:
    path = write_rows(tmp_path_factory.mktemp("rows") / "all.jsonl", rows)
    return {
        "name": "tiny", "seed": 3, "repeats": 3, "min_pairs": 1, "min_raters": 2,
        "methods": METHODS, "reference": {"fit_on": ["~world"], "ridge": 1.0},
        "split": {"draw": "hash", "test": 0.3}, "fit": {"ridge": 2.0},
        "trunk": {"encoder": "hash", "components": 4}, "intervals": {"draws": 100},
        "pairs": {"source": "jsonl", "path": str(path)},
    }  # fmt: skip


@pytest.fixture(scope="module")
def run(go: Go, settings: Tables, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "run"
    go(settings, folder)
    return folder


def opened(run: Path, seed: int = 3, method: str = "adaptive") -> LinearRewardModel:
    model = open_model(run / "models" / f"seed-{seed}" / method)
    assert isinstance(model, LinearRewardModel)
    return model


def held_out_pairs(settings: Tables, seed: int) -> list[PreferencePair]:
    """The test pairs of a repeat."""
    resolved = resolve(settings)
    loaded = load_pairs(resolved.sources, resolved.settings.limit, resolved.settings.seed)
    found = split_pairs(loaded, resolved.settings, resolved.sources, seed).test
    return [loaded.pairs[i] for i in found.tolist()]


def weights(run: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(run)): path.read_bytes()
        for path in run.glob("models/*/*/model.safetensors")
    }


def test_a_saved_model_gives_the_margins_that_the_run_measured(run: Path, settings: Tables) -> None:
    for seed in (3, 4):
        model = opened(run, seed)
        judged, margins = RunFolder(run).read_predictions(seed, "adaptive")
        chosen, rejected = requests_of(held_out_pairs(settings, seed))
        assert len(chosen) == len(judged)
        for community in model.communities:
            steer = Steer.to(community)
            found = model.score(chosen, steer) - model.score(rejected, steer)
            np.testing.assert_allclose(found, margins[community], atol=1e-5)


def test_each_repeat_has_components_of_its_own_and_its_card_counts_them(run: Path) -> None:
    trunks = [opened(run, seed).trunk for seed in (3, 4, 5)]
    assert len({trunk.fingerprint for trunk in trunks}) == 3
    card = json.loads((run / "models/seed-3/full/card.json").read_text())
    assert card["trunk"]["components"] == 4 and card["trunk"]["component_counts"] == [4, 4]
    assert trunks[0].fingerprint == card["trunk"]["fingerprint"]


def test_texts_of_test_pairs_change_no_model(
    go: Go, run: Path, settings: Tables, rows: Rows, tmp_path: Path, write_rows: Write
) -> None:
    held_out = {pair.id for pair in held_out_pairs(settings, 3)}
    other = [
        row | ({"prompt": f"And {row['prompt']}", "chosen": f"So {row['chosen']}"}
               if str(row["id"]) in held_out else {})
        for row in rows
    ]  # fmt: skip
    path = write_rows(tmp_path / "other.jsonl", other)
    mine = settings | {"repeats": 1, "pairs": {"source": "jsonl", "path": str(path)}}
    go(mine, tmp_path / "run")
    of_seed = {name: blob for name, blob in weights(run).items() if "seed-3" in name}
    assert weights(tmp_path / "run") == of_seed
    assert len(of_seed) == len(METHODS)


def test_the_order_of_pairs_changes_no_components(
    go: Go, run: Path, settings: Tables, rows: Rows, tmp_path: Path, write_rows: Write
) -> None:
    path = write_rows(tmp_path / "turned.jsonl", rows[::-1])
    mine = settings | {"repeats": 1, "pairs": {"source": "jsonl", "path": str(path)}}
    go(mine, tmp_path / "run")
    assert opened(tmp_path / "run").trunk.fingerprint == opened(run).trunk.fingerprint


def test_a_withdrawal_fits_the_components_again(
    go: Go, settings: Tables, rows: Rows, tmp_path: Path, write_rows: Write
) -> None:
    gone = next(str(row["rater"]) for row in rows if row["community"] == "~hill")
    own = [row | {"chosen": f"So {row['chosen']}"} if row["rater"] == gone else row for row in rows]
    both = write_rows(tmp_path / "all.jsonl", own)
    rest = write_rows(tmp_path / "rest.jsonl", [row for row in own if row["rater"] != gone])
    for name, path in (("run", both), ("never", rest)):
        go(settings | {"pairs": {"source": "jsonl", "path": str(path)}}, tmp_path / name)
    before = weights(tmp_path / "run")
    withdraw(tmp_path / "run", [gone])
    assert weights(tmp_path / "run") == weights(tmp_path / "never") != before


def test_a_person_is_taken_out_of_a_run_with_components(run: Path, rows: Rows) -> None:
    rater = next(str(row["rater"]) for row in rows if row["community"] == "~hill")
    for raters in ([rater], None):
        found = influence(run, raters, "full")
        assert rater in {one.rater for one in found.people}


def test_a_finished_run_is_not_fitted_again(go: Go, run: Path, settings: Tables) -> None:
    before = {p: p.stat().st_mtime_ns for p in run.glob("models/*/*/model.safetensors")}
    go(settings, run)
    assert {p: p.stat().st_mtime_ns for p in before} == before


def test_a_server_scores_each_repeat_by_its_own_components(run: Path) -> None:
    folder = run / "models" / "seed-4" / "full"
    model = opened(run, 4, "full")
    repeats = refits_of(folder, model)
    assert repeats.show_spread and len(repeats.by_trunk()) == 3
    steers = (None, Steer.to("~hill"), Steer({"~hill": 0.5, "~coast": 0.5}, 0.7))
    wanted = ScoreRequest(tuple(REQUESTS), steers, repeated=True)
    alone = ScoreRequest(tuple(REQUESTS[:1]), steers[1:2])
    reward_B_N_S, reward_1_1_1 = LinearScorer(model, repeats).score([wanted, alone])
    assert reward_B_N_S.shape == (3, 2, 3) and reward_1_1_1.shape == (1, 1, 1)
    for fit_, reward_N_S in zip((4, 3, 5), reward_B_N_S, strict=True):
        for steer, reward_N in zip(steers, reward_N_S.T, strict=True):
            np.testing.assert_allclose(
                reward_N, opened(run, fit_, "full").score(REQUESTS, steer), atol=1e-9
            )
    np.testing.assert_allclose(reward_1_1_1[0, 0, 0], model.score(REQUESTS, steers[1])[0])


def test_a_reference_of_another_run_brings_its_components(
    go: Go, run: Path, settings: Tables, tmp_path: Path
) -> None:
    model = str(run / "models/seed-3/reference")
    mine = settings | {"reference": {"model": model}, "repeats": 2}
    mine |= {"communities": ["~hill", "~coast"]}
    go(mine, tmp_path / "second")
    fingerprints = {opened(tmp_path / "second", seed).trunk.fingerprint for seed in (3, 4)}
    assert fingerprints == {opened(run).trunk.fingerprint}
    with pytest.raises(InvalidSettings, match=r"fitted with trunk\.components = 4"):
        go(mine, tmp_path / "third", "trunk.components=0")


def test_an_adapted_model_reads_texts_by_the_same_components(run: Path, tmp_path: Path) -> None:
    model = opened(run)
    adapted = model.adapt([], "~lake")
    save_model(adapted, tmp_path / "adapted")
    again = open_model(tmp_path / "adapted")
    assert isinstance(again, LinearRewardModel)
    assert again.trunk.fingerprint == model.trunk.fingerprint
    steer = Steer.to("~lake")
    np.testing.assert_array_equal(again.score(REQUESTS, steer), adapted.score(REQUESTS, steer))


def test_a_run_opened_from_python_gives_the_same_models(run: Path) -> None:
    found = open_run(run).models["adaptive", 3]  # type: ignore[union-attr]
    np.testing.assert_array_equal(found.score(REQUESTS), opened(run).score(REQUESTS))


def test_a_notebook_fits_saves_and_explains_with_components(rows: Rows, tmp_path: Path) -> None:
    train, test = split(rows, seed=1)
    made = {"min_pairs": 1, "min_raters": 2, "reference": "~world", "encoder": "hash"}
    model = fit(train, "scpo", **made, trunk={"components": 3})  # type: ignore[arg-type]
    assert isinstance(model, LinearRewardModel) and isinstance(model.trunk, EmbeddingTrunk)
    assert model.trunk.components is not None and model.trunk.components.shape == (3, 3)
    assert evaluate(model, test, draws=100).rows
    parts = model.explain("What matters?", "My family.", "What I earn.", "~hill")
    difference = np.subtract(*model.score(REQUESTS, "~hill"))
    assert parts.margin == pytest.approx(float(difference))
    assert parts.nearest
    save_model(model, tmp_path / "saved")
    again = open_model(tmp_path / "saved")
    np.testing.assert_array_equal(again.score(REQUESTS), model.score(REQUESTS))
    further = fit(train, "full", **(made | {"encoder": None, "reference": tmp_path / "saved"}))  # type: ignore[arg-type]
    assert further.trunk.fingerprint == model.trunk.fingerprint  # type: ignore[attr-defined]
    with pytest.raises(InvalidInput, match="its own principal components"):
        fit(train, "full", reference=tmp_path / "saved", trunk={"components": 2}, min_pairs=1)


def test_too_few_texts_are_noted(
    go: Go, settings: Tables, tmp_path: Path, rows: Rows, write_rows: Write
) -> None:
    path = write_rows(tmp_path / "one.jsonl", [row | {"prompt": "What matters?"} for row in rows])
    mine = settings | {"repeats": 1, "pairs": {"source": "jsonl", "path": str(path)}}
    outcome = go(mine, tmp_path / "run")
    assert (
        "seed 3: 1 distinct training prompt: at most 0 principal components of them, not 4"
        in outcome.record["notes"]
    )
    assert opened(tmp_path / "run").trunk.dimensions == 256


def test_records_of_versions_without_components_are_read(
    go: Go, settings: Tables, tmp_path: Path
) -> None:
    go(settings | {"repeats": 1, "trunk": {"encoder": "hash", "components": 0}}, tmp_path / "run")
    tables = recorded_tables(tmp_path / "run")
    assert tables["trunk"].pop("components") == 0
    assert tables["trunk"].pop("endpoint") is None, "a setting that came later still"
    assert recorded_settings(None, tables, tmp_path / "run").settings.components == 0


def test_fewer_components_than_the_default_are_no_news(
    go: Go, settings: Tables, tmp_path: Path
) -> None:
    outcome = go(settings | {"repeats": 1, "trunk": {"encoder": "hash"}}, tmp_path / "run")
    assert not any("principal component" in note for note in outcome.record["notes"])
