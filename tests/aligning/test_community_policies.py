"""A run's policies answer: alone, blended, the best of several, and in pieces."""

import json
from dataclasses import replace

import numpy as np
import pytest

from pluralign.aligning import AnswerRequest, CommunityAnswer, CommunityPolicies
from pluralign.aligning.policy_models import Routed
from pluralign.core import (
    InvalidInput,
    InvalidSettings,
    Message,
    RewardRequest,
    Steer,
    UnknownCommunity,
)
from pluralign.models import open_reward_model

torch = pytest.importorskip("torch")
peft = pytest.importorskip("peft")
TALK = (Message("user", "What matters in life?"),)


def adapters_by_chance(model, folders):
    """Write an adapter with weights by chance into each folder."""
    from transformers import AutoModelForCausalLM

    for seed, folder in enumerate(folders):
        torch.manual_seed(seed)
        config = peft.LoraConfig(r=2 + seed, lora_alpha=8, target_modules="all-linear")
        adapted = peft.get_peft_model(AutoModelForCausalLM.from_pretrained(model), config)
        for name, parameter in adapted.named_parameters():
            if "lora_B" in name:
                parameter.data.normal_(std=0.05)
        adapted.save_pretrained(folder)


@pytest.fixture(scope="session")
def run(tmp_path_factory, writer, rewards, prompts):
    """Folder of a run as `align` leaves it after `tune`, with adapters by chance."""
    folder = tmp_path_factory.mktemp("tuned") / "run"
    adapters_by_chance(writer, [folder / "tune/raft" / c for c in ("~coast", "~hill")])
    settings = {
        "methods": ["raft"],
        "model": {"name": str(writer), "device": "cpu"},
        "reward": {"model": str(rewards / "model")},
        "prompts": {"path": str(prompts)},
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    return folder


@pytest.fixture(scope="session")
def policies(run):
    return CommunityPolicies.open(run)


def _steered(shares, **more):
    return AnswerRequest(TALK, "steerable", Steer(shares), max_new_tokens=16, seed=1, **more)


@pytest.mark.slow
def test_an_answer_says_who_answered_and_how_many_people_stand_behind_it(policies):
    assert policies.communities == ("~coast", "~hill")
    answer = policies.answer(_steered({"~hill": 0.6, "~coast": 0.4}))
    assert answer.shares == {"~hill": 0.6, "~coast": 0.4}
    assert answer.people.keys() == {"~hill", "~coast"}
    assert all(n > 10 for n in answer.people.values())
    assert answer.text
    assert answer.prompt_tokens > 0
    assert 0 < answer.completion_tokens <= 16
    start = policies.answer(AnswerRequest(TALK, max_new_tokens=16, seed=1))
    assert (start.shares, start.people, start.abstained) == ({}, {}, None)


@pytest.mark.slow
def test_a_blend_with_a_whole_share_answers_as_the_community_alone(policies):
    whole = policies.answer(_steered({"~hill": 1.0, "~coast": 0.0}))
    assert whole == policies.answer(_steered({"~hill": 1.0}))


@pytest.mark.slow
def test_the_same_seed_gives_the_same_answer_and_pieces_make_the_whole(policies):
    request = _steered({"~hill": 0.5, "~coast": 0.5})
    *pieces, whole = policies.stream(request)
    assert isinstance(whole, CommunityAnswer)
    assert len(pieces) > 1
    assert "".join(pieces) == whole.text
    assert policies.answer(request) == whole


@pytest.mark.slow
def test_the_best_of_several_has_the_highest_reward_of_its_own_people(policies, rewards):
    best = policies.answer(_steered({"~hill": 1.0}, best_of=12))
    others = policies.answer(_steered({"~hill": 1.0}, best_of=12, rewarded_by="~coast"))
    several = [policies.answer(_steered({"~hill": 1.0}, best_of=n)) for n in (2, 4, 8)]
    assert best.reward >= max(one.reward for one in several) > np.inf * -1
    requests = [RewardRequest(TALK, text) for text in (best.text, others.text)]
    reward = open_reward_model(str(rewards / "model")).score(requests, Steer.to("~hill"))
    assert reward[0] == pytest.approx(best.reward)
    assert reward[0] >= reward[1]


@pytest.mark.slow
def test_a_community_without_an_adapter_is_refused_with_those_that_have_one(policies):
    with pytest.raises(UnknownCommunity, match="MEX") as caught:
        policies.answer(_steered({"MEX": 1.0}))
    assert "~hill" in caught.value.hint
    with pytest.raises(InvalidInput, match="community whose reward chooses"):
        policies.answer(AnswerRequest(TALK, best_of=4))
    with pytest.raises(InvalidInput, match="fewer than 128 tokens"):
        policies.answer(AnswerRequest((Message("user", "Tea? " * 500),)))


class ByWord:
    """A router of conversations about life, which abstains of all others."""

    def routed(self, conversation):
        if "life" in conversation[-1].content:
            return Routed(Steer.to("~hill"))
        return Routed(None, "no community is likely enough")


@pytest.mark.slow
def test_a_routed_prompt_gets_its_community_and_the_start_model_where_the_router_abstains(policies):
    models = replace(policies._models, router=ByWord())
    routed = CommunityPolicies(models)
    assert "auto" in routed.modes()
    assert "auto" not in policies.modes()
    how = {"max_new_tokens": 16, "seed": 1}
    assert routed.answer(AnswerRequest(TALK, "auto", **how)) == policies.answer(
        _steered({"~hill": 1.0})
    )
    other = (Message("user", "How was the weekend?"),)
    for best_of in (1, 4):
        start = routed.answer(AnswerRequest(other, "auto", best_of=best_of, **how))
        assert start.abstained == "no community is likely enough"
        assert (start.shares, start.reward) == ({}, None)
        assert start.text == policies.answer(AnswerRequest(other, **how)).text
    with pytest.raises(InvalidInput, match="does not answer in the mode 'auto'"):
        policies.answer(AnswerRequest(TALK, "auto", **how))


@pytest.mark.slow
def test_a_run_without_adapters_answers_by_the_best_of_several(run, tmp_path):
    settings = json.loads((run / "settings.json").read_text()) | {"methods": ["best-of-n"]}
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    policies = CommunityPolicies.open(tmp_path)
    assert policies.answer(_steered({"~hill": 1.0}, best_of=4)).reward is not None
    with pytest.raises(InvalidInput, match="trained no adapters"):
        policies.answer(_steered({"~hill": 1.0}))
    with pytest.raises(InvalidSettings, match="no adapters of 'dpo'"):
        CommunityPolicies.open(run, method="dpo")


def test_a_folder_of_something_else_and_a_request_without_a_steer_are_refused(tmp_path):
    with pytest.raises(InvalidInput, match="no run of `pluralign align`"):
        CommunityPolicies.open(tmp_path)
    with pytest.raises(InvalidInput, match="needs one"):
        AnswerRequest(TALK, "steerable")
    with pytest.raises(InvalidInput, match="end with a user turn"):
        AnswerRequest((Message("assistant", "Yes."),))
