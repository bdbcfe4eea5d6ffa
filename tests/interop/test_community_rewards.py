"""One reward column for each community, and all communities as one reward."""

import pickle

import numpy as np
import pytest

from pluralign.core import InvalidInput, RewardRequest, UnknownCommunity
from pluralign.interop import AggregatedReward, community_rewards
from pluralign.models import open_model

PROMPTS = ["What matters?"] * 4
COMPLETIONS = ["My family.", "What I earn.", "Both, in peace.", "<think>Hm"]


class Counted:
    """Rewards by a table; counts how often it is asked."""

    communities = ("GBR", "MEX")
    table = {"a": (0.0, 9.0), "b": (0.1, 0.0), "c": (0.2, 4.0)}  # noqa: RUF012

    def __init__(self):
        self.times = 0

    def score(self, requests, steer=None):
        raise AssertionError("all communities are scored at once")

    def score_all(self, requests):
        self.times += 1
        return np.array([self.table[request.response] for request in requests])


def test_each_column_is_the_reward_of_its_community(folder):
    model = open_model(folder)
    requests = [RewardRequest(p, c) for p, c in zip(PROMPTS, COMPLETIONS[:3], strict=False)]
    wanted = model.score_all(requests)
    functions = community_rewards(folder)
    assert [one.__name__ for one in functions] == [f"pluralign_{c}" for c in model.communities]
    for column, function in enumerate(functions):
        found = function(prompts=PROMPTS, completions=COMPLETIONS, completion_ids=[[1]] * 4)
        assert found[:3] == pytest.approx(wanted[:, column], abs=1e-6)
        assert found[3] is None  # a thought that never ends is no answer


def test_a_batch_is_scored_once_for_all_communities():
    model = Counted()
    functions = community_rewards(model)
    for batch in (["a", "b"], ["b", "c"]):
        for function in functions:
            function(["?"] * 2, batch)
    assert model.times == 2


def test_communities_are_chosen_by_name_and_an_unknown_one_is_refused():
    assert [one.__name__ for one in community_rewards(Counted(), ["Mexico"])] == ["pluralign_MEX"]
    with pytest.raises(UnknownCommunity):
        community_rewards(Counted(), ["Narnia"])


def test_functions_can_be_sent_to_another_process(folder):
    functions = community_rewards(folder)
    functions[0](PROMPTS, COMPLETIONS)
    sent = pickle.dumps(functions)
    assert len(sent) < 2000  # the folder's name, not the weights
    (first, *_) = pickle.loads(sent)  # noqa: S301
    assert len(first(PROMPTS, COMPLETIONS)) == 4


def test_worst_off_takes_the_candidate_that_nobody_dislikes_on_scales_of_their_own():
    frozen = [("?", answer) for answer in "abc"] * 2
    reward = AggregatedReward(Counted(), "worst-off", frozen=frozen)
    found = reward(["?"] * 3, ["a", "b", "c"])
    assert np.argmax(found) == 2  # c is second for one community and best for the other
    assert all(0 <= value <= 1 for value in found)


def test_worst_off_needs_the_scale_of_the_rewards():
    with pytest.raises(InvalidInput, match="scale of the rewards is not known"):
        AggregatedReward(Counted(), "worst-off")
    with pytest.raises(InvalidInput, match="at least four"):
        AggregatedReward(Counted(), "worst-off", frozen=[("?", "a")])


def test_proportional_is_a_probability_over_the_completions_of_each_prompt():
    reward = AggregatedReward(Counted(), "proportional", shares={"GBR": 0.3, "MEX": 0.7})
    found = reward(["one", "two", "one", "two", "three"], ["a", "a", "b", "c", "b"])
    assert found[0] + found[2] == pytest.approx(1)
    assert found[1] + found[3] == pytest.approx(1)
    assert found[4] == pytest.approx(1)
    assert found[0] > found[2]  # most people are of the community that prefers a
    assert reward(["one"] * 2, ["a", ""]) == [pytest.approx(1), None]


@pytest.mark.slow
def test_trl_weighs_communities_equally_whatever_the_width_of_their_margins(tmp_path, folder):
    """GRPO computes its advantages from our columns as `normalise_then_sum` does."""
    torch = pytest.importorskip("torch")
    trl = pytest.importorskip("trl")
    from datasets import Dataset
    from tests.respondents.conftest import build_chat_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from pluralign.metrics import normalise_then_sum

    seen = {}

    class Noted(trl.GRPOTrainer):
        def _calculate_rewards(self, *args):
            seen["rewards"] = super()._calculate_rewards(*args)
            return seen["rewards"]

        def _generate_and_score_completions(self, inputs):
            out = super()._generate_and_score_completions(inputs)
            seen["advantages"] = out["advantages"]
            return out

    base = build_chat_model(tmp_path / "tiny")
    config = trl.GRPOConfig(
        output_dir=str(tmp_path / "out"), per_device_train_batch_size=4, num_generations=4,
        max_completion_length=6, max_steps=1, report_to="none", use_cpu=True, disable_tqdm=True,
        multi_objective_aggregation="normalize_then_sum", save_strategy="no",
    )  # fmt: skip
    trainer = Noted(
        model=AutoModelForCausalLM.from_pretrained(base),
        processing_class=AutoTokenizer.from_pretrained(base),
        reward_funcs=list(community_rewards(folder)),
        args=config,
        train_dataset=Dataset.from_list([{"prompt": "What matters?"}] * 4),
    )
    trainer.train()
    reward_N_C = seen["rewards"].double().numpy()
    n = config.num_generations
    reward_P_N_C = reward_N_C.reshape(-1, n, reward_N_C.shape[1])
    wanted = normalise_then_sum(reward_P_N_C).ravel()
    found = seen["advantages"].double().numpy()
    assert np.isfinite(wanted).all()
    assert found == pytest.approx(wanted, abs=1e-4)
    assert torch.isfinite(seen["advantages"]).all()
