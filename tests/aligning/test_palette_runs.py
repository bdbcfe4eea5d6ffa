"""A run measures palettes: what combining adapters does to every community."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from pluralign.aligning import AnswerRequest, CommunityPolicies, run_align
from pluralign.core import InvalidSettings, Message, NotEnoughData, Steer, UnknownCommunity
from pluralign.runs.folder import read_rows
from pluralign.settings import resolve_align

pytest.importorskip("trl")
WAYS = ("weights", "outputs", "drafts")


@pytest.fixture(scope="module")
def tables(tmp_path_factory, writer, rewards, prompts):
    """Settings of a small run whose prompts are of a community each, by their words."""
    rows = [json.loads(line) for line in prompts.read_text().splitlines()][:120]
    path = tmp_path_factory.mktemp("own") / "prompts.jsonl"
    with path.open("w") as file:
        for row in rows:
            of = "~hill" if "life" in row["prompt"] or "work" in row["prompt"] else "~coast"
            file.write(json.dumps(row | {"community": of}) + "\n")
    return {
        "methods": ["raft"],
        "model": {"name": str(writer), "device": "cpu"},
        "reward": {"model": str(rewards / "model")},
        "prompts": {"path": str(path), "validation": 0.2, "test": 0.3},
        "sample": {"n": 4, "max_new_tokens": 12},
        "tune": {"epochs": 4, "batch": 16, "accumulation": 1, "learning_rate": 2e-3},
        "evaluate": {"n": 2},
        "route": {"kinds": []},
        "palette": {"combine": list(WAYS), "shares": {"~hill": 0.7, "~coast": 0.3}},
    }


@pytest.fixture(scope="module")
def done(tmp_path_factory, tables):
    out = tmp_path_factory.mktemp("palettes") / "run"
    return run_align(tables, out), out


def _rows(outcome, **wanted):
    return [row for row in outcome.results if wanted.items() <= row.items()]


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_combining_has_a_gain_for_every_community(done, way):
    outcome, _ = done
    rows = _rows(outcome, method=f"raft+{way}", metric="reward_gain")
    assert {row["community"] for row in rows} == {"~coast", "~hill"}
    assert {row["steer"] for row in rows} == {"~hill=0.7,~coast=0.3"}
    assert all(row["low"] <= row["value"] <= row["high"] for row in rows)
    known = _rows(outcome, method=f"raft+{way}", metric="kl")
    assert len(known) == (way != "drafts")  # the probability of an answer by drafts is not known


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_prompts_have_draws_of_their_own_also_where_the_model_reads_them_alike(done, way):
    """The toy reads most prompts as one unknown token; equal draws would be one answer for all."""
    rows = read_rows(done[1] / f"evaluate/raft/palette-{way}.jsonl")
    assert len({text for row in rows for text in row["texts"]}) > len(rows)


@pytest.mark.slow
def test_the_divergence_of_outputs_is_below_the_mean_of_the_adapters_own(done):
    """KL is convex, so a mixture of distributions is nearer to the start than its parts."""
    outcome, _ = done
    (mixed,) = _rows(outcome, method="raft+outputs", metric="kl")
    own = [_rows(outcome, method="raft", metric="kl", steer=c)[0] for c in ("~hill", "~coast")]
    assert mixed["value"] < 0.7 * own[0]["high"] + 0.3 * own[1]["high"]


@pytest.mark.slow
def test_the_steps_of_drafting_are_counted_for_every_prompt(done):
    outcome, out = done
    rows = read_rows(out / "evaluate/raft/palette-drafts.jsonl")
    for row in rows:
        steps = row["steps"]
        assert steps["drafts"] == 2 * len(row["texts"]) == 4
        assert steps["merged answers kept"] + steps["best drafts kept"] == 2
    (merged,) = _rows(outcome, method="raft+drafts", metric="merged")
    assert merged["n"] == len(rows)


@pytest.mark.slow
def test_answers_that_were_lost_are_written_again_as_they_were(done, tables):
    outcome, out = done
    for way in WAYS:
        path = out / f"evaluate/raft/palette-{way}.jsonl"
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(lines[: len(lines) // 2]))
    assert run_align(tables, out).results == outcome.results


@pytest.mark.slow
def test_shares_by_the_prompt_are_stored_with_the_run_and_answer_by_themselves(
    done, tables, tmp_path
):
    by_prompt = {"combine": ["outputs"], "shares": "by-prompt", "encoder": "hash"}
    out = tmp_path / "run"
    shutil.copytree(done[1], out)
    outcome = run_align(tables | {"palette": by_prompt, "evaluate": {"n": 1}}, out)
    assert set(outcome.stages["tune"]["prompts of each community"]) == {"~hill", "~coast"}
    assert {row["steer"] for row in _rows(outcome, method="raft+outputs")} == {"by-prompt"}
    policies = CommunityPolicies.open(out)
    assert "auto" in policies.modes()
    rows = read_rows(Path(tables["prompts"]["path"]))
    talks = [(Message("user", row["prompt"]),) for row in rows]
    shares = [policies._models.router.routed(talk).steer.shares for talk in talks]
    own = [share[row["community"]] for share, row in zip(shares, rows, strict=True)]
    assert np.mean(own) > 0.6
    answer = policies.answer(AnswerRequest(talks[0], "auto", max_new_tokens=12, seed=1))
    assert answer.shares == shares[0]
    steer = Steer(answer.shares)
    assert answer == policies.answer(
        AnswerRequest(talks[0], "steerable", steer, max_new_tokens=12, seed=1)
    )


@pytest.mark.slow
def test_shares_by_the_prompt_need_prompts_of_every_community(tables, prompts, tmp_path):
    own = tables | {
        "palette": {"combine": ["weights"], "shares": "by-prompt", "encoder": "hash"},
        "prompts": tables["prompts"] | {"path": str(prompts)},
    }
    with pytest.raises(NotEnoughData, match="no training prompt is of ~coast, ~hill"):
        run_align(own, tmp_path / "run")
    assert not (tmp_path / "run/sample").exists()


@pytest.mark.slow
def test_shares_of_a_community_without_an_adapter_are_refused_before_anything_is_sampled(
    tables, tmp_path
):
    own = tables | {"palette": {"combine": ["weights"], "shares": {"~hill": 0.5, "~valley": 0.5}}}
    with pytest.raises(UnknownCommunity, match="valley"):
        run_align(own, tmp_path / "run")
    assert not (tmp_path / "run/sample").exists()


def test_a_palette_without_adapters_is_refused_with_what_to_add(tables):
    with pytest.raises(InvalidSettings, match=r"palette.combine needs adapters"):
        resolve_align(tables | {"methods": ["best-of-n"]})


@pytest.mark.slow
def test_a_range_of_views_is_one_in_which_every_community_finds_a_view(done):
    policies = CommunityPolicies.open(done[1])
    talk = (Message("user", "What matters in life?"),)
    answer = policies.answer(AnswerRequest(talk, "overton", max_new_tokens=12, seed=3))
    assert answer.steps["candidates"] == 8
    assert 1 <= answer.steps["views"] <= 2
    assert answer.text
    assert answer.people.keys() == {"~hill", "~coast"}


@pytest.mark.slow
def test_communities_answer_as_often_as_their_shares_of_the_population(done):
    policies = CommunityPolicies.open(done[1])
    talk = (Message("user", "What matters in life?"),)
    drawn = [
        policies._route(AnswerRequest(talk, "distributional"), seed).steer.shares
        for seed in range(400)
    ]
    share = np.mean(["~hill" in one for one in drawn])
    assert abs(share - 0.5) < 5 * np.sqrt(0.25 / 400)
    request = AnswerRequest(talk, "distributional", max_new_tokens=12, seed=5)
    answer = policies.answer(request)
    assert list(answer.shares.values()) == [1.0]
    assert policies.answer(request) == answer


@pytest.mark.slow
def test_drafts_are_merged_or_the_best_is_kept_also_for_a_single_answer(done):
    policies = CommunityPolicies.open(done[1])
    talk = (Message("user", "What matters in life?"),)
    steer = Steer({"~hill": 0.5, "~coast": 0.5})
    request = AnswerRequest(talk, "steerable", steer, "drafts", max_new_tokens=12, seed=2)
    answer = policies.answer(request)
    assert answer.steps["drafts"] == 2
    assert answer.steps["merged answers kept"] + answer.steps["best drafts kept"] == 1
    assert answer.text
