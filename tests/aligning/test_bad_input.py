"""Models, rewards and folders that do not fit: a message, and nothing is lost."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from pluralign.aligning import run_align
from pluralign.core import InvalidInput, InvalidSettings, NotEnoughData, UnknownCommunity
from pluralign.runs.folder import read_rows

pytest.importorskip("transformers")


class _Notes:
    """Keeps the notes for the user."""

    def __init__(self):
        self.notes = []

    def stage(self, name):
        pass

    def progress(self, done, total):
        pass

    def note(self, text):
        self.notes.append(text)


@pytest.fixture
def few(tables):
    """Settings of a run that takes a second."""
    few = {"path": tables["prompts"]["path"], "limit": 40, "validation": 0.3, "test": 0.4}
    return tables | {"prompts": few, "sample": {"n": 4, "max_new_tokens": 8}}


@pytest.mark.slow
def test_a_base_model_without_a_chat_template_reads_plain_turns_and_a_note_says_so(few, tmp_path):
    from tests.respondents.conftest import build_chat_model

    base, notes = build_chat_model(tmp_path / "base", template=None), _Notes()
    outcome = run_align(
        few | {"model": {"name": str(base), "device": "cpu"}},
        tmp_path / "run",
        notes,
        until="score",
    )
    assert outcome.stages["score"]["answers"] == 160
    told = [note for note in notes.notes if "no chat template" in note]
    assert told == [
        "base has no chat template: turns are written as plain text (User: ... Assistant:)"
    ]


@pytest.mark.slow
@pytest.mark.parametrize("method", ["raft", "grpo"])
def test_a_training_that_diverges_is_refused_and_the_same_run_goes_on_with_a_lower_rate(
    few, tmp_path, method
):
    pytest.importorskip("trl")
    tune = {"batch": 4, "accumulation": 1, "group": 4}
    few |= {"methods": [method], "communities": ["~hill"]}
    with pytest.raises(InvalidSettings, match="the training diverged") as caught:
        run_align(few | {"tune": tune | {"learning_rate": 1e30}}, tmp_path / "run", until="tune")
    assert "tune.learning_rate" in caught.value.hint
    assert not (tmp_path / "run/tune" / method / "~hill").exists()
    outcome = run_align(few | {"tune": tune}, tmp_path / "run", until="tune")
    assert outcome.stages["tune"]["trained"][f"{method}/~hill"]["steps"] > 0


@pytest.mark.slow
def test_a_start_model_that_was_replaced_after_it_was_sampled_is_refused(few, writer, tmp_path):
    from pluralign.aligning.planted import PlantedWriterSettings, build_planted_writer

    mine = tmp_path / "mine"
    shutil.copytree(writer, mine)
    few |= {"model": {"name": str(mine), "device": "cpu"}, "methods": ["raft"]}
    run_align(few, tmp_path / "run", until="select")
    shutil.rmtree(mine)
    build_planted_writer(mine, PlantedWriterSettings(replies=100, steps=2))
    with pytest.raises(InvalidInput, match="its files have changed"):
        run_align(few, tmp_path / "run")
    assert len(read_rows(tmp_path / "run/sample/candidates.jsonl")) == 160
    named = few | {"model": {"name": "mine", "device": "cpu"}}
    with pytest.raises(InvalidSettings, match=r"model\.name was .*mine, is mine"):
        run_align(named, tmp_path / "run")


@pytest.mark.slow
def test_too_few_prompts_for_the_scale_of_rewards_are_found_before_anything_is_sampled(
    few, tmp_path
):
    none = few | {"prompts": few["prompts"] | {"validation": 1e-6}}
    with pytest.raises(NotEnoughData, match="at least 1 validation prompt must be among the 40"):
        run_align(none, tmp_path / "run")
    assert not (tmp_path / "run/sample").exists()


@pytest.mark.slow
def test_a_judge_that_lacks_a_community_is_refused_before_anything_is_sampled(
    few, rewards, tmp_path
):
    other = _judge_of_another_community(tmp_path / "judge")
    reward = {"model": str(rewards / "model"), "judge": str(other)}
    with pytest.raises(UnknownCommunity, match=r"reward\.judge") as caught:
        run_align(few | {"reward": reward}, tmp_path / "run")
    assert "~hill" in str(caught.value) or "~coast" in str(caught.value)
    assert not (tmp_path / "run/sample").exists()


def _judge_of_another_community(folder):
    import pluralign
    from pluralign.simulation import SocietySource

    pairs = [p for p in SocietySource().pairs() if p.community == "~river"]
    pluralign.save_model(pluralign.fit(pairs, method="full", encoder="hash"), folder)
    return folder


@pytest.mark.slow
def test_the_world_is_no_community_to_follow_where_the_reward_model_has_no_head_for_it(
    few, tmp_path
):
    with pytest.raises(UnknownCommunity, match="~world"):
        run_align(few | {"communities": ["~world"]}, tmp_path / "run")
    assert not (tmp_path / "run/sample").exists()


@pytest.mark.slow
@pytest.mark.parametrize("reward", [np.nan, np.inf])
def test_one_reward_that_is_no_number_stops_the_run_and_a_mended_model_goes_on_with_the_answers(
    few, tmp_path, monkeypatch, reward
):
    from pluralign.rewards import LinearRewardModel

    real = LinearRewardModel.score_all

    def with_one_bad(self, requests):
        reward_N_C = real(self, requests)
        reward_N_C[3, 1] = reward
        return reward_N_C

    out = tmp_path / "run"
    with monkeypatch.context() as patched:
        patched.setattr(LinearRewardModel, "score_all", with_one_bad)
        with pytest.raises(InvalidInput, match="1 of 160 rewards are not finite numbers"):
            run_align(few, out)
    kept = (out / "sample/candidates.jsonl").read_bytes()
    outcome = run_align(few, out)
    assert (out / "sample/candidates.jsonl").read_bytes() == kept
    assert all(np.isfinite(row["value"]) for row in outcome.results)


@pytest.mark.slow
def test_an_adapter_of_another_model_is_refused_with_the_model_to_name(few, tmp_path):
    peft = pytest.importorskip("peft")
    from tests.respondents.conftest import build_chat_model
    from transformers import AutoModelForCausalLM

    other = build_chat_model(tmp_path / "other")
    config = peft.LoraConfig(r=2, target_modules="all-linear")
    adapted = peft.get_peft_model(AutoModelForCausalLM.from_pretrained(other), config)
    adapted.save_pretrained(tmp_path / "adapter")
    model = few["model"] | {"adapter": str(tmp_path / "adapter")}
    with pytest.raises(InvalidInput, match="does not fit the model") as caught:
        run_align(few | {"model": model}, tmp_path / "run")
    assert "adapter_config.json" in caught.value.hint


@pytest.mark.slow
def test_where_every_prompt_has_an_empty_answer_the_reason_is_reported(few, tmp_path, monkeypatch):
    """Best of n needs a reward of every answer; here the last of each prompt's has none."""
    from pluralign.respondents.local import LocalChatModel

    real = LocalChatModel.sample

    def with_an_empty_one(self, conversations, sampling, n, receive=None):
        def empty_last(i, number, reply):
            receive(i, number, replace(reply, text="") if number == n - 1 else reply)

        return real(self, conversations, sampling, n, empty_last)

    monkeypatch.setattr(LocalChatModel, "sample", with_an_empty_one)
    with pytest.raises(NotEnoughData, match="test prompts has an empty answer") as caught:
        run_align(few, tmp_path / "run")
    assert "sample.max_new_tokens" in caught.value.hint
    assert len(read_rows(tmp_path / "run/sample/candidates.jsonl")) == 160
