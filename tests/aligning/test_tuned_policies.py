"""Policies learn from a planted community's reward model; others judge what they gained."""

import json
import re
import shutil

import numpy as np
import pytest

from pluralign.aligning import load_router, read_align_stage, run_align
from pluralign.core import InvalidSettings, Message
from pluralign.methods.policies import Lesson, PolicyTuningConfig, tune_policy
from pluralign.runs.folder import read_rows

pytest.importorskip("trl")
TUNE = {"epochs": 10, "batch": 16, "accumulation": 1}


@pytest.fixture(scope="module")
def done(tmp_path_factory, writer, rewards, prompts):
    out = tmp_path_factory.mktemp("align") / "run"
    tables = {
        "communities": ["~hill"],
        "methods": ["raft", "dpo", "orpo"],
        "model": {"name": str(writer), "device": "cpu"},
        "reward": {"model": str(rewards / "model")},
        "prompts": {"path": str(prompts), "validation": 0.1, "test": 0.4},
        "sample": {"n": 8, "max_new_tokens": 16},
        "tune": TUNE | {"learning_rate": 2e-3},
        "evaluate": {"n": 8},
    }
    return run_align(tables, out), out, tables


def _value(rows, **wanted):
    (found,) = [r for r in rows if wanted.items() <= r.items()]
    return found


@pytest.mark.slow
@pytest.mark.parametrize("method", ["raft", "dpo"])
def test_a_policy_gains_for_its_community_on_prompts_that_it_did_not_learn(done, method):
    """By its own reward model: benchmarks/planted_align.py has the judge and the truth."""
    row = _value(done[0].results, method=method, metric="reward_gain", community="~hill")
    assert row["low"] > 0, row


@pytest.mark.slow
@pytest.mark.parametrize("method", ["raft", "dpo", "orpo"])
def test_what_a_policy_costs_is_measured(done, method):
    rows = done[0].results
    assert _value(rows, method=method, metric="kl")["value"] > 0
    assert _value(rows, method=method, metric="empty")["value"] < 0.1
    assert 0.5 < _value(rows, method=method, metric="length_ratio")["value"] < 2
    assert 0 < _value(rows, method=method, metric="distinct")["value"] <= 1


@pytest.mark.slow
def test_pairs_are_the_best_against_the_worst_of_training_prompts_alone(done):
    _, out, _ = done
    scored = read_rows(out / "score/rewards.jsonl")
    judged = {row["prompt"] for row in read_rows(out / "evaluate/dpo/~hill.jsonl")}
    pairs = read_rows(out / "select/dpo/~hill.jsonl")
    assert pairs
    assert not judged & {row["prompt"] for row in pairs}
    texts = {
        (r["prompt"], r["number"]): r["text"] for r in read_rows(out / "sample/candidates.jsonl")
    }
    reward = {(r["prompt"], texts[r["prompt"], r["number"]]): r["reward"]["~hill"] for r in scored}
    for row in pairs:
        assert reward[row["prompt"], row["chosen"]] > reward[row["prompt"], row["rejected"]]
        lengths = sorted([len(row["chosen"]), len(row["rejected"])])
        assert lengths[1] <= 1.5 * lengths[0]


@pytest.mark.slow
def test_a_finished_training_is_kept_and_its_results_are_the_same(done):
    outcome, out, tables = done
    adapter = out / "tune/dpo/~hill/adapter_model.safetensors"
    before = adapter.stat().st_mtime_ns
    again = run_align(tables, out)
    assert adapter.stat().st_mtime_ns == before
    assert again.results == outcome.results


@pytest.mark.slow
def test_each_adapter_has_a_card_whose_example_runs(done, capsys, monkeypatch):
    outcome, out, _ = done
    card = out / "tune/raft/~hill/README.md"
    row = _value(outcome.results, method="raft", metric="reward_gain", community="~hill")
    assert f"{row['value']:+.2f} [{row['low']:+.2f}, {row['high']:+.2f}]" in card.read_text()
    assert "No judge measured this adapter" in card.read_text()
    (example,) = re.findall(r"```python\n(.*?)```", card.read_text(), re.S)
    monkeypatch.chdir(card.parent)
    exec(example, {})  # the example of a card that this test wrote
    assert capsys.readouterr().out.strip()


class _Notes:
    def __init__(self):
        self.notes = []

    def stage(self, name):
        pass

    def progress(self, done, total):
        pass

    def note(self, text):
        self.notes.append(text)


@pytest.fixture
def copied(done, tmp_path):
    """A copy of the run, with the settings of one method."""
    _, out, tables = done
    shutil.copytree(out, tmp_path / "run")
    run_align(tables | {"methods": ["raft"]}, tmp_path / "run")
    return tmp_path / "run", tables | {"methods": ["raft"]}


def _when(out, *names):
    return [(out / name).stat().st_mtime_ns for name in names]


@pytest.mark.slow
def test_other_settings_of_the_evaluation_redo_the_evaluation_alone(copied):
    out, tables = copied
    kept = ("sample/candidates.jsonl", "tune/raft/~hill/adapter_model.safetensors")
    before, notes = _when(out, *kept), _Notes()
    run_align(tables | {"evaluate": {"n": 2}}, out, notes)
    assert _when(out, *kept) == before
    assert {len(row["texts"]) for row in read_rows(out / "evaluate/raft/~hill.jsonl")} == {2}
    told = "\n".join(notes.notes)
    assert "evaluate.n was 8, is 2" in told
    assert "redone for these settings: evaluate; earlier stages are kept" in told
    assert "evaluate/raft/~hill.jsonl is made again" in told


@pytest.mark.slow
def test_other_settings_of_the_training_redo_it_and_keep_the_samples(copied):
    out, tables = copied
    kept, redone = "sample/candidates.jsonl", "tune/raft/~hill/adapter_model.safetensors"
    before, notes = _when(out, kept, redone), _Notes()
    run_align(tables | {"tune": tables["tune"] | {"epochs": 1}}, out, notes, until="tune")
    after = _when(out, kept, redone)
    assert after[0] == before[0]
    assert after[1] != before[1]
    assert "redone for these settings: tune, " in "\n".join(notes.notes)
    assert not (out / "results.jsonl").exists()  # they were of the adapter before


@pytest.mark.slow
def test_an_evaluation_that_was_stopped_in_the_middle_ends_with_the_same_answers(copied):
    out, tables = copied
    path = out / "evaluate/raft/~hill.jsonl"
    whole, results = path.read_bytes(), read_rows(out / "results.jsonl")
    lines = whole.splitlines(keepends=True)
    path.write_bytes(b"".join(lines[: len(lines) // 3]) + lines[-1][:25])
    (out / "results.jsonl").unlink()
    run_align(tables, out)
    assert sorted(path.read_bytes().splitlines()) == sorted(whole.splitlines())
    assert read_rows(out / "results.jsonl") == results


@pytest.mark.slow
def test_policies_that_learned_nothing_are_no_further_apart_than_chance(
    writer, rewards, prompts, tmp_path
):
    tables = {
        "methods": ["raft"],
        "model": {"name": str(writer), "device": "cpu"},
        "reward": {"model": str(rewards / "model")},
        "prompts": {"path": str(prompts), "limit": 120, "test": 0.6, "validation": 0.2},
        "sample": {"n": 4, "max_new_tokens": 12},
        "tune": {"learning_rate": 1e-12, "epochs": 0.1},
        "route": {"kinds": []},
    }
    rows = run_align(tables, tmp_path / "run").results
    for metric in ("between_distance", "between_distance_words", "within_variety_words_change"):
        for row in (r for r in rows if r["metric"] == metric):
            assert row["low"] < 0 < row["high"], row


def test_other_samples_are_refused(writer, rewards, prompts, tmp_path):
    tables = {
        "model": {"name": str(writer), "device": "cpu"},
        "reward": {"model": str(rewards / "model")},
        "prompts": {"path": str(prompts), "limit": 40, "test": 0.4, "validation": 0.3},
        "sample": {"n": 2, "max_new_tokens": 8},
    }
    run_align(tables, tmp_path / "run", until="sample")
    with pytest.raises(InvalidSettings, match="other settings or data"):
        run_align(tables | {"seed": 1}, tmp_path / "run", until="sample")


@pytest.mark.slow
def test_one_community_leaves_nothing_to_route_and_the_run_names_the_way_to_ask_for_it(done):
    _, out, _ = done
    assert (
        "nothing to route: name it, as in name@~hill" in read_align_stage(out, "route")["no router"]
    )
    assert load_router(out) is None


@pytest.mark.slow
def test_dpo_raises_the_chosen_answer_against_the_rejected_one_by_its_own_formula(writer, tmp_path):
    """Of one pair the loss falls where the log-ratio grows; the start model does not move."""
    from pluralign.respondents.local import load_chat_model

    start = load_chat_model(str(writer), device="cpu")
    talk = (Message("user", "What matters in life?"),)
    good, bad = (
        "Talk it over with your family before you decide.",
        "Act now, since fortune favours the brave.",
    )
    before = start.log_probs([talk, talk], [good, bad])
    config = PolicyTuningConfig(learning_rate=3e-3, epochs=20, batch=1, accumulation=1, rank=4)
    tune_policy(start, [Lesson(talk, good, bad)], tmp_path / "dpo", "dpo", config)
    assert start.log_probs([talk, talk], [good, bad]) == pytest.approx(before, abs=1e-4)
    tuned = load_chat_model(str(writer), adapter=tmp_path / "dpo", device="cpu")
    after = tuned.log_probs([talk, talk], [good, bad])
    assert (after[0] - after[1]) > (before[0] - before[1]) + 1
    layers = json.loads((tmp_path / "dpo/adapter_config.json").read_text())["target_modules"]
    assert layers == sorted(set(layers))  # so that equal runs write equal files
    assert len(layers) > 1
    logged = [row for row in read_rows(tmp_path / "dpo/metrics.jsonl") if "loss" in row]
    assert logged[0]["loss"] == pytest.approx(np.log(2), abs=1e-3)  # at the start all ratios are 1
    assert logged[-1]["loss"] < logged[0]["loss"]


def test_a_model_behind_a_server_cannot_be_trained():
    from pluralign.settings import resolve_align

    tables = {
        "methods": ["dpo"],
        "model": {"kind": "endpoint", "name": "m"},
        "reward": {"model": "r"},
        "prompts": {"path": "p.jsonl"},
    }
    with pytest.raises(InvalidSettings, match='must be "local" to train dpo'):
        resolve_align(tables)
