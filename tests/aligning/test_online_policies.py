"""Policies that sample while they learn: their rewards, a stop half-way, and what is left then."""

import json

import numpy as np
import pytest

from pluralign.aligning import run_align
from pluralign.aligning.planted import planted_prompts
from pluralign.core import InvalidSettings, Message, NotEnoughData, PluralignError, Sampling
from pluralign.huggingface.watch import Watch
from pluralign.methods.policies import (
    Lesson,
    OnlineReward,
    PolicyTuningConfig,
    tune_online,
    tune_policy,
)
from pluralign.methods.policies.online_rewards import reward_functions
from pluralign.metrics import RewardScale
from pluralign.runs.folder import read_rows

pytest.importorskip("trl")
SAMPLING = Sampling(temperature=1.0, max_new_tokens=6, seed=3)
CONFIG = PolicyTuningConfig(
    group=2, batch=4, accumulation=1, epochs=2, rank=2, checkpoints=4, learning_rate=1e-3
)
TALKS = {prompt: (Message("user", prompt),) for prompt in planted_prompts(6)}
SCALE = RewardScale(median=40.0, spread=20.0)


class Interrupted(PluralignError):
    """The reward model is gone."""


def _length_reward(fails_at=None):
    """Rewards the length of an answer; fails at its n-th batch."""
    calls = []

    def score(prompts, answers):
        calls.append(len(answers))
        if len(calls) == fails_at:
            raise Interrupted("the reward server is down")
        return np.array([[len(a)] if a.strip() else [np.nan] for a in answers], dtype=float)

    return OnlineReward(("~hill",), score, (SCALE,)), calls


@pytest.fixture
def chat(writer):
    from pluralign.respondents.local import load_chat_model

    return load_chat_model(str(writer), device="cpu")


def _weights(folder):
    from safetensors.torch import load_file

    return load_file(folder / "adapter_model.safetensors")


def _without_times(folder):
    rows = read_rows(folder / "metrics.jsonl")
    return [{k: v for k, v in row.items() if k not in ("step_time",)} for row in rows]


@pytest.mark.slow
@pytest.mark.parametrize(("method", "batches"), [("grpo", 5), ("rloo", 4)])
def test_a_training_whose_reward_model_failed_goes_on_and_equals_one_that_never_stopped(
    chat, tmp_path, method, batches
):
    """It stops in the middle of the second epoch, or at its beginning: an epoch has three steps."""
    reward, _ = _length_reward()
    tune_online(chat, TALKS, reward, tmp_path / "whole", method, CONFIG, SAMPLING)
    notes = []
    failing, _ = _length_reward(fails_at=batches)
    stopped = tmp_path / "stopped"
    with pytest.raises(Interrupted, match="the reward server is down"):
        tune_online(
            chat, TALKS, failing, stopped, method, CONFIG, SAMPLING, Watch(note=notes.append)
        )
    assert f"checkpoint-{batches - 1} is kept" in notes[-1]
    assert not stopped.exists()
    resumed, calls = _length_reward()
    facts = tune_online(chat, TALKS, resumed, stopped, method, CONFIG, SAMPLING)
    assert len(calls) == 7 - batches  # of six steps
    whole, again = _weights(tmp_path / "whole"), _weights(stopped)
    assert whole.keys() == again.keys()
    assert all((whole[key] == again[key]).all() for key in whole)
    assert any(value.abs().max() > 0 for key, value in whole.items() if "lora_B" in key)
    assert _without_times(tmp_path / "whole") == _without_times(stopped)
    assert facts["answers"] == 24
    assert not (stopped / "ref").exists()  # the start model is the reference: no copy is saved


@pytest.mark.slow
def test_answers_without_words_get_the_low_reward_and_are_counted(chat, tmp_path):
    def score(prompts, answers):
        return np.array([[np.nan] if i == 0 else [40.0] for i in range(len(answers))])

    reward = OnlineReward(("~hill",), score, (SCALE,))
    facts = tune_online(chat, TALKS, reward, tmp_path / "out", "grpo", CONFIG, SAMPLING)
    assert facts["answers without words"] == facts["steps"] == 6
    first = read_rows(tmp_path / "out/metrics.jsonl")[0]
    assert first["rewards/reward_~hill/mean"] == pytest.approx((0.5 * 3 - 1) / 4)


def test_a_batch_is_scored_once_for_all_columns_and_another_batch_again():
    calls = []

    def score(prompts, answers):
        calls.append(answers)
        return np.array([[1.0, 10.0]] * len(answers))

    reward = OnlineReward(("MEX", "GBR"), score, (RewardScale(1.0, 1.0), RewardScale(0.0, 10.0)))
    logged = []
    columns = reward_functions(reward, no_answer=-1.0)
    assert [one.__name__ for one in columns] == ["reward_MEX", "reward_GBR"]
    found = [
        one(prompts=["a"], completions=["Yes."], log_metric=lambda *v: logged.append(v))
        for one in columns
    ]
    assert np.round(found, 3).tolist() == [[0.5], [0.731]]
    assert (len(calls), logged) == (1, [("no_answer", 0.0)])
    columns[1](prompts=["a"], completions=["No."])
    assert len(calls) == 2


@pytest.mark.parametrize(
    ("aggregate", "expected"), [("worst-off", [0.5, 0.269]), ("proportional", [0.999, 0.001])]
)
def test_a_joint_policy_may_follow_one_reward_of_all_communities(aggregate, expected):
    def score(prompts, answers):
        return np.array([[9.0, 1.0], [-1.0, -9.0]])

    scales = (RewardScale(0.0, 1.0), RewardScale(1.0, 1.0))
    reward = OnlineReward(("MEX", "GBR"), score, scales, aggregate)
    (only,) = reward_functions(reward, no_answer=-1.0)
    assert only.__name__ == f"reward_{aggregate}"
    found = only(prompts=["a", "a"], completions=["x", "y"])
    if aggregate == "worst-off":
        expected = [0.5, pytest.approx(0.0, abs=1e-3)]
    assert found == [pytest.approx(value, abs=2e-3) for value in expected]


def test_fewer_prompts_than_a_step_needs_are_refused_with_what_to_do(chat, tmp_path):
    reward, _ = _length_reward()
    few = dict(list(TALKS.items())[:1])
    with pytest.raises(NotEnoughData, match="one step needs 2 prompts to learn from, got 1"):
        tune_online(chat, few, reward, tmp_path / "out", "grpo", CONFIG, SAMPLING)


def test_a_group_must_divide_the_answers_of_a_step(tables):
    from pluralign.settings import resolve_align

    tables |= {"methods": ["rloo"], "tune": {"group": 3}}
    with pytest.raises(InvalidSettings, match=r"tune.group \(3\) must divide"):
        resolve_align(tables)


@pytest.mark.slow
def test_a_joint_policy_of_a_run_has_a_column_for_each_community(tables, tmp_path):
    tables |= {
        "methods": ["grpo"],
        "communities": ["~hill", "~coast"],
        "tune": {"kinds": ["joint"], "batch": 16, "accumulation": 1, "epochs": 0.2},
        "prompts": tables["prompts"] | {"limit": 60},
    }
    outcome = run_align(tables, tmp_path / "run")
    first = read_rows(tmp_path / "run/tune/grpo/joint/metrics.jsonl")[0]
    assert {"rewards/reward_~hill/mean", "rewards/reward_~coast/mean", "kl"} <= first.keys()
    gains = [r for r in outcome.results if r["method"] == "grpo" and r["metric"] == "reward_gain"]
    assert {row["community"] for row in gains} == {"~hill", "~coast"}
    assert json.loads((tmp_path / "run/select/summary.json").read_text())["selected"]["grpo/joint"]


@pytest.mark.slow
def test_log_probabilities_of_the_start_model_are_computed_once_also_when_dpo_is_resumed(
    chat, tmp_path, monkeypatch
):
    import trl

    computed = []
    compute = trl.DPOTrainer.compute_ref_log_probs
    monkeypatch.setattr(
        trl.DPOTrainer,
        "compute_ref_log_probs",
        lambda *given: computed.append(1) or compute(*given),
    )
    lessons = [
        Lesson(talk, "Talk it over with your family before you decide.", "Act now.")
        for talk in TALKS.values()
    ]
    config = PolicyTuningConfig(batch=2, accumulation=1, epochs=2, rank=2, learning_rate=1e-3)
    tune_policy(chat, lessons, tmp_path / "whole", "dpo", config)
    assert len(computed) == 3  # three batches of two pairs

    stop = trl.DPOTrainer.training_step

    def stops(self, *given):
        if self.state.global_step == 2:
            raise Interrupted("stopped")
        return stop(self, *given)

    monkeypatch.setattr(trl.DPOTrainer, "training_step", stops)
    with pytest.raises(Interrupted):
        tune_policy(chat, lessons, tmp_path / "stopped", "dpo", config)
    assert len(computed) == 6
    monkeypatch.setattr(trl.DPOTrainer, "training_step", stop)
    tune_policy(chat, lessons, tmp_path / "stopped", "dpo", config)
    assert len(computed) == 6
    whole, again = _weights(tmp_path / "whole"), _weights(tmp_path / "stopped")
    assert all((whole[key] == again[key]).all() for key in whole)
    assert sorted(p.name for p in (tmp_path / "stopped").iterdir()) == sorted(
        p.name for p in (tmp_path / "whole").iterdir()
    )
