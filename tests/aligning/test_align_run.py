"""A language model follows reward models of planted people; what it gains is judged by others."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from pluralign.aligning import read_align_stage, run_align
from pluralign.core import (
    InvalidInput,
    InvalidSettings,
    NotEnoughData,
    RewardRequest,
    Steer,
    UnknownCommunity,
)
from pluralign.runs.folder import read_rows
from pluralign.simulation import PlantedReward, default_society

pytest.importorskip("transformers")


@pytest.fixture(scope="module")
def done(tmp_path_factory, writer, rewards, prompts):
    out = tmp_path_factory.mktemp("align") / "run"
    tables = {
        "model": {"name": str(writer), "device": "cpu"},
        "reward": {"model": str(rewards / "model"), "judge": str(rewards / "judge")},
        "prompts": {"path": str(prompts), "validation": 0.2, "test": 0.4},
        "sample": {"n": 8, "max_new_tokens": 16},
    }
    return run_align(tables, out), out


def _row(rows, **wanted):
    (found,) = [r for r in rows if all(r[key] == value for key, value in wanted.items())]
    return found


@pytest.mark.slow
def test_the_best_of_eight_is_better_for_the_people_who_chose_also_by_other_people(done):
    outcome, _ = done
    for metric in ("reward_gain", "judged_gain"):
        for home, other in (("~hill", "~coast"), ("~coast", "~hill")):
            about = {"metric": metric, "method": "best-of-n", "candidates": 8, "steer": home}
            own = _row(outcome.results, community=home, **about)
            assert own["low"] > 0
            assert own["value"] > _row(outcome.results, community=other, **about)["value"]


@pytest.mark.slow
def test_the_people_of_the_community_truly_prefer_what_was_chosen_for_them(done):
    """The judge here is the planted taste, which no model has seen."""
    _, out = done
    truth = PlantedReward(default_society(0))
    texts = {
        (r["prompt"], r["number"]): r["text"] for r in read_rows(out / "sample/candidates.jsonl")
    }
    rows = [r for r in read_rows(out / "score/rewards.jsonl") if r["reward"]["~hill"] is not None]
    for home in ("~hill", "~coast"):
        requests = [RewardRequest("?", texts[r["prompt"], r["number"]]) for r in rows]
        true_N = truth.score(requests, Steer.to(home))
        learned_N = np.array([r["reward"][home] for r in rows])
        of_prompt = np.array([r["prompt"] for r in rows])
        gains = []
        for prompt in set(of_prompt):
            at = np.flatnonzero(of_prompt == prompt)
            gains.append(true_N[at[learned_N[at].argmax()]] - true_N[at].mean())
        assert np.mean(gains) > 3 * np.std(gains) / np.sqrt(len(gains))


@pytest.mark.slow
def test_gains_grow_with_n_and_never_beyond_the_reward_that_chooses(done):
    outcome, _ = done
    for home in ("~hill", "~coast"):
        about = {"method": "best-of-n", "steer": home, "community": home}
        chosen = [r for r in outcome.results if about.items() <= r.items()]
        by_model = [r["value"] for r in chosen if r["metric"] == "reward_gain"]
        by_judge = [r["value"] for r in chosen if r["metric"] == "judged_gain"]
        assert by_model == sorted(by_model)
        assert all(judge < model for judge, model in zip(by_judge, by_model, strict=True))


@pytest.mark.slow
def test_a_run_that_lost_half_of_its_answers_samples_the_same_ones_again(done, tables, tmp_path):
    _, out = done
    again = tmp_path / "again"
    run_align(tables, again, until="sample")
    path = again / "sample/candidates.jsonl"
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    path.write_bytes(b"".join(lines[: len(lines) // 2]) + lines[len(lines) // 2][:20])
    shutil.rmtree(again / "score", ignore_errors=True)
    (again / "sample/summary.json").unlink()
    outcome = run_align(tables, again)
    assert sorted(path.read_bytes().splitlines()) == sorted(whole.splitlines())
    assert read_rows(again / "results.jsonl") == read_rows(out / "results.jsonl")
    assert outcome.stages["sample"]["answers"] == len(lines)


@pytest.mark.slow
def test_answers_that_workers_score_have_the_same_rewards(done, tables, tmp_path, monkeypatch):
    _, out = done
    copy = tmp_path / "copy"
    shutil.copytree(out, copy)
    monkeypatch.setenv("PLURALIGN_CACHE", str(tmp_path / "cache"))
    with ThreadPoolExecutor(2) as workers:
        run_align(tables, copy, again="score", until="score", workers=workers)
    assert list((tmp_path / "cache").rglob("*.npy"))
    rewards = "score/rewards.jsonl"
    assert (copy / rewards).read_bytes() == (out / rewards).read_bytes()


@pytest.mark.slow
def test_every_stage_can_be_read_and_a_finished_run_samples_nothing_again(done, tables):
    outcome, out = done
    assert read_align_stage(out, "sample")["answers"] == outcome.stages["sample"]["answers"]
    assert "fewer than two of the communities" in read_align_stage(out, "route")["no router"]
    before = (out / "sample/candidates.jsonl").stat().st_mtime_ns
    again = run_align(tables, out)
    assert (out / "sample/candidates.jsonl").stat().st_mtime_ns == before
    assert again.results == outcome.results
    assert json.loads((out / "record.json").read_text())["communities"] == ["~coast", "~hill"]


@pytest.mark.slow
def test_a_run_whose_stage_is_redone_has_no_results_until_it_is_evaluated_again(
    done, tables, tmp_path
):
    again = tmp_path / "run"
    shutil.copytree(done[1], again)
    run_align(tables, again, again="select", until="select")
    assert not (again / "results.jsonl").exists()
    assert not (again / "record.json").exists()
    assert run_align(tables, again).results == done[0].results


def test_a_stage_that_did_not_run_is_named(tmp_path):
    with pytest.raises(
        InvalidSettings, match="must be one of sample, score, select, tune, route, evaluate"
    ):
        read_align_stage(tmp_path, "tuned")


@pytest.mark.slow
def test_a_community_that_the_reward_model_lacks_is_refused_before_anything_is_sampled(
    tables, tmp_path
):
    with pytest.raises(UnknownCommunity, match="MEX"):
        run_align(tables | {"communities": ["MEX"]}, tmp_path / "run")
    assert not (tmp_path / "run/sample").exists()


@pytest.mark.slow
def test_a_run_that_cannot_begin_keeps_no_other_out_of_its_folder(tables, tmp_path):
    absent = tables | {"model": {"name": str(tmp_path / "absent"), "device": "cpu"}}
    with pytest.raises(InvalidInput, match="no language model"):
        run_align(absent, tmp_path / "run")
    few = tables | {
        "prompts": tables["prompts"] | {"limit": 60},
        "sample": {"n": 2, "max_new_tokens": 8},
    }
    assert run_align(few, tmp_path / "run", until="sample").stages["sample"]["answers"] == 120


@pytest.mark.slow
def test_equal_answers_and_too_few_prompts_are_refused_with_what_to_do(tables, tmp_path):
    cold = tables | {"sample": {"n": 4, "max_new_tokens": 8, "temperature": 1e-4}}
    with pytest.raises(InvalidInput, match="answers are alike") as caught:
        run_align(cold, tmp_path / "cold")
    assert "temperature" in caught.value.hint
    few = tmp_path / "few.jsonl"
    few.write_text('{"prompt": "Tea?"}\n' * 9)
    with pytest.raises(NotEnoughData, match="at least 4 different prompts") as caught:
        run_align(tables | {"prompts": {"path": str(few)}}, tmp_path / "few")
    assert "the same prompt again" in caught.value.hint


@pytest.mark.slow
def test_too_few_test_prompts_are_refused_and_the_shares_named(tables, tmp_path):
    few = tables | {"prompts": tables["prompts"] | {"test": 0.001}}
    with pytest.raises(NotEnoughData, match="at least 2 test prompts must be among") as caught:
        run_align(few, tmp_path / "run")
    assert "prompts.test" in caught.value.hint


@pytest.mark.slow
def test_rewards_that_are_not_numbers_stop_the_run_and_the_answers_stay(
    tables, rewards, tmp_path, monkeypatch
):
    from pluralign.rewards import LinearRewardModel

    monkeypatch.setattr(
        LinearRewardModel, "score_all", lambda self, requests: np.full((len(requests), 2), np.nan)
    )
    with pytest.raises(InvalidInput, match="rewards are not finite numbers"):
        run_align(tables, tmp_path / "run")
    assert len(read_rows(tmp_path / "run/sample/candidates.jsonl")) > 100
