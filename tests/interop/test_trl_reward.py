"""A reward function as TRL calls it."""

import pickle
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pluralign.core import FloatArray, InvalidInput, Message, RewardRequest, Steer, UnknownCommunity
from pluralign.interop import TrlReward
from pluralign.models import open_model
from pluralign.rewards import Fading, LinearRewardModel, asked_directions
from pluralign.simulation import PlantedReward, default_society

PROMPTS = ["What matters?", "What matters?", "Tea?"]
COMPLETIONS = ["My family.", "What I earn.", "Yes."]


@dataclass
class Heard:
    """Rewards by length, plus 100 where steered; remembers what it was asked."""

    communities: tuple[str, ...] = ("GBR", "MEX")
    asked: list[tuple[list[RewardRequest], Steer | None]] = field(default_factory=list)

    def score(self, requests: Sequence[RewardRequest], steer: Steer | None = None) -> FloatArray:
        self.asked.append((list(requests), steer))
        return np.array([len(r.response) + 100.0 * (steer is not None) for r in requests])

    def score_all(self, requests: Sequence[RewardRequest]) -> FloatArray:
        return np.zeros((len(requests), 2))


@pytest.fixture
def model(folder: Path) -> LinearRewardModel:
    return open_model(folder)


def test_each_row_is_scored_for_its_own_community(model: LinearRewardModel) -> None:
    found = TrlReward(model)(
        prompts=PROMPTS,
        completions=COMPLETIONS,
        completion_ids=[[1]] * 3,
        community=["~hill", "~coast", "~world"],
    )
    requests = [RewardRequest(p, c) for p, c in zip(PROMPTS, COMPLETIONS, strict=True)]
    steers = [Steer.to("~hill"), Steer.to("~coast"), None]
    wanted = [model.score([r], s)[0] for r, s in zip(requests, steers, strict=True)]
    assert found == pytest.approx(wanted, abs=1e-6)
    assert all(type(value) is float for value in found)


def test_names_as_data_sets_write_them_are_understood() -> None:
    heard = Heard()
    TrlReward(heard)(PROMPTS, COMPLETIONS, community=["Mexico", "MEX", "Britain"])
    assert {next(iter(steer.shares)) for _, steer in heard.asked if steer} == {"MEX", "GBR"}
    assert sum(len(requests) for requests, _ in heard.asked) == 3


def test_one_community_for_all_rows_asks_no_column() -> None:
    heard = Heard()
    found = TrlReward(heard, community="Mexico", strength=0.5)(
        PROMPTS, COMPLETIONS, community=["GBR", None, "?"]
    )
    assert found == [110, 112, 104]
    assert [steer for _, steer in heard.asked] == [Steer.to("MEX", 0.5)]


def test_a_blend_for_all_rows() -> None:
    heard, blend = Heard(), Steer({"MEX": 0.5, "GBR": 0.5}, 2.0)
    TrlReward(heard, steer=blend)(PROMPTS, COMPLETIONS)
    assert [steer for _, steer in heard.asked] == [blend]


def test_another_column_may_name_the_community() -> None:
    heard = Heard()
    TrlReward(heard, column="country")(
        PROMPTS, COMPLETIONS, country=["MEX"] * 3, community=["GBR"] * 3
    )
    assert [steer for _, steer in heard.asked] == [Steer.to("MEX")]


def test_a_response_that_occurs_twice_is_scored_once() -> None:
    heard = Heard()
    found = TrlReward(heard)(
        ["?"] * 4, ["a", "bb", "a", "a"], community=["MEX", "MEX", "MEX", "GBR"]
    )
    assert found == [101, 102, 101, 101]
    assert [len(requests) for requests, _ in heard.asked] == [2, 1]


@pytest.mark.parametrize("label", [None, "", "Atlantis", float("nan"), 7])
def test_a_row_without_a_known_community_is_treated_as_asked(label: Any) -> None:
    def call(missing: Any) -> list[float | None]:
        return TrlReward(Heard(), missing=missing)(["?"] * 2, ["a", "bb"], community=["MEX", label])

    assert call("skip") == [101, None]
    assert call("reference") == [101, 2]
    with pytest.raises((InvalidInput, UnknownCommunity)) as caught:
        call("error")
    assert "column 'community'" in str(caught.value.where)


def test_a_missing_column_is_treated_alike() -> None:
    assert TrlReward(Heard(), missing="skip")(["?"], ["a"]) == [None]
    assert TrlReward(Heard(), missing="reference")(["?"], ["a"]) == [1]
    with pytest.raises(InvalidInput, match="no column 'community'") as caught:
        TrlReward(Heard())(["?"], ["a"], country=["MEX"], trainer_state=object())
    assert caught.value.where == "pluralign: columns country"


@pytest.mark.parametrize("label", [None, "", " ", "nan", "NA", "None", float("nan")])
def test_a_mark_of_a_missing_value_names_no_community(label: object) -> None:
    with pytest.raises(InvalidInput, match="a row names no community"):
        TrlReward(Heard())(["?"], ["a"], community=[label])
    assert TrlReward(Heard(), missing="skip")(["?"], ["a"], community=[label]) == [None]


def test_an_unknown_community_names_near_ones() -> None:
    with pytest.raises(UnknownCommunity) as caught:
        TrlReward(Heard())(["?"], ["a"], community=["GRB"])
    assert caught.value.hint == "did you mean GBR?"


@pytest.mark.parametrize("label", ["~world", "World"])
def test_the_reference_is_not_called_the_world(label: str) -> None:
    reward = TrlReward(Heard(), community=label)
    assert reward.__name__ == "pluralign_reference"
    logged: dict[str, float] = {}
    reward(["?"], ["a"], log_metric=logged.__setitem__)
    assert list(logged) == ["rewards/pluralign_reference/reference"]


def test_conversations_are_read_as_messages() -> None:
    heard = Heard()
    turns = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": [{"type": "text", "text": "Tea?"}]},
    ]
    called = [
        {"role": "assistant", "content": None, "tool_calls": []},
        {"role": "tool", "content": "20 C"},
        {"role": "assistant", "content": "Yes."},
    ]
    found = TrlReward(heard, "MEX")(
        [turns, turns, "Tea?"], [[{"role": "assistant", "content": "No."}], called, called]
    )
    assert found == [103, 104, 104]
    asked = heard.asked[0][0]
    before = (Message("system", "Be kind."), Message("user", "Tea?"))
    assert asked[0] == RewardRequest(before, "No.")
    assert asked[1].prompt == (*before, Message("assistant", ""), Message("tool", "20 C"))
    assert isinstance(asked[2].prompt, tuple)
    assert asked[2].prompt[0] == Message("user", "Tea?")


def test_a_prompt_in_one_message_is_scored_like_its_text(model: LinearRewardModel) -> None:
    reward = TrlReward(model, "~hill")
    messages = [{"role": "user", "content": "Tea?"}]
    said = [{"role": "assistant", "content": "Yes."}]
    assert reward([messages], [said]) == pytest.approx(reward(["Tea?"], ["Yes."]), abs=1e-6)


LONG = "<think>\n" + "I need to think about what this person would like. " * 60 + "\n</think>\n\n"
UNCLOSED = "<think>It depends on"


@pytest.mark.parametrize("empty", ["", " \n", [], UNCLOSED, "<think></think>"], ids=repr)
def test_a_completion_without_an_answer_is_skipped_or_gets_the_reward_that_is_set(
    model: LinearRewardModel, empty: Any
) -> None:
    logged: dict[str, float] = {}
    asked = {
        "prompts": ["Tea?"] * 2,
        "completions": [empty, "Yes."],
        "log_metric": logged.__setitem__,
    }
    (none, value) = TrlReward(model, "~hill")(**asked)
    assert none is None
    assert isinstance(value, float)
    assert logged["rewards/pluralign_~hill/no_answer"] == 1.0
    assert TrlReward(model, "~hill", no_answer=-5.0)(["Tea?"], [empty]) == [-5.0]


def test_a_thought_before_the_answer_is_not_scored(model: LinearRewardModel) -> None:
    logged: dict[str, float] = {}
    answers = ["My family.", "Money."]
    reward = TrlReward(model, "~hill")
    wanted = reward(["What matters?"] * 2, answers)
    said = [LONG + answer for answer in answers]
    assert reward(["What matters?"] * 2, said, log_metric=logged.__setitem__) == wanted
    assert logged["rewards/pluralign_~hill/thoughts"] == 2.0
    assert wanted[0] != wanted[1]
    assert TrlReward(model, "~hill", thoughts="keep")(["What matters?"] * 2, said) != wanted


@pytest.mark.parametrize("thoughts", ["strip", "keep"])
def test_an_empty_thought_never_changes_a_reward(model: LinearRewardModel, thoughts: Any) -> None:
    reward = TrlReward(model, "~hill", thoughts=thoughts)
    wanted = reward(["Tea?"], ["Yes."])
    for template in ("<think></think>", "<think>\n\n</think>\n\n", "</think>"):
        assert reward(["Tea?"], [f"{template}Yes."]) == pytest.approx(wanted, abs=1e-6)


def test_thoughts_of_earlier_turns_are_not_read(model: LinearRewardModel) -> None:
    reward = TrlReward(model, "~hill")

    def talk(said: str) -> list[dict[str, str]]:
        turns = (("user", "Tea?"), ("assistant", said), ("user", "Why?"))
        return [{"role": role, "content": content} for role, content in turns]

    assert reward([talk("<think>Hm.</think>Yes.")], ["So."]) == reward([talk("Yes.")], ["So."])


def test_a_setting_of_thoughts_that_is_none_is_refused(model: LinearRewardModel) -> None:
    with pytest.raises(InvalidInput, match="thoughts must be one of strip, keep, got 'drop'"):
        TrlReward(model, "~hill", thoughts="drop")  # type: ignore[arg-type]


def test_arrays_are_read_as_the_lists_that_they_were(model: LinearRewardModel) -> None:
    reward = TrlReward(model)
    turns, said = [{"role": "user", "content": "Tea?"}], [{"role": "assistant", "content": "Yes."}]
    wanted = reward([turns], [said], community=["~hill"])
    parts = [
        {"role": "user", "content": np.array([{"type": "text", "text": "Tea?"}], dtype=object)}
    ]
    for prompt in (np.array(turns, dtype=object), np.array(parts, dtype=object), tuple(turns)):
        completion = np.array(said, dtype=object)
        assert reward([prompt], [completion], community=np.array(["~hill"], dtype=object)) == wanted
    assert reward(np.array(["Tea?"]), np.array(["Yes."]), community=["~hill"]) == pytest.approx(
        wanted, abs=1e-6
    )


def test_the_mean_reward_of_each_community_is_logged() -> None:
    logged: dict[str, float] = {}
    reward = TrlReward(Heard(), missing="skip")
    reward(
        ["?"] * 4,
        ["a", "bbb", "cc", "d"],
        community=["MEX", "MEX", "~world", None],
        log_metric=logged.__setitem__,
    )
    prefix = "rewards/pluralign/"
    assert logged == {f"{prefix}MEX": 102.0, f"{prefix}reference": 2.0, f"{prefix}skipped": 1.0}


def test_where_steering_fades_its_mean_strength_is_logged(model: LinearRewardModel) -> None:
    tea = asked_directions(model.trunk.prompts([RewardRequest("Tea?", "")]))  # type: ignore[arg-type]
    fading = Fading(dict.fromkeys(model.communities, tea), tea, start=0.2, full=0.4)
    asked: dict[str, Any] = {"prompts": PROMPTS, "completions": COMPLETIONS}
    for fades, told in ((None, []), (fading, ["~hill"])):
        logged: dict[str, float] = {}
        reward = TrlReward(replace(model, fading=fades))
        reward(**asked, community=["~hill", "~world", "~hill"], log_metric=logged.__setitem__)
        assert [k.rpartition("/")[2] for k in logged if "strength" in k] == told
    assert logged["rewards/pluralign/strength/~hill"] == 0.5


def test_a_copy_in_another_process_gives_the_same_rewards(folder: Path) -> None:
    blend = Steer({"~hill": 0.5, "~coast": 0.5}, 0.7)
    for reward in (
        TrlReward(PlantedReward(default_society(0)), steer=blend),
        TrlReward(folder, steer=blend),
        TrlReward(folder, community="~hill"),
    ):
        found = reward(PROMPTS, COMPLETIONS)
        copy = pickle.loads(pickle.dumps(reward))  # noqa: S301 - our own bytes
        assert copy(PROMPTS, COMPLETIONS) == pytest.approx(found)
        assert copy.__name__ == reward.__name__


def test_a_folder_travels_by_its_name_and_not_by_its_weights(folder: Path) -> None:
    reward = TrlReward(str(folder), community="~hill")
    reward(PROMPTS, COMPLETIONS)
    assert len(pickle.dumps(reward)) < 1000


def test_completions_do_not_fill_the_cache(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLURALIGN_CACHE", str(tmp_path / "cache"))
    TrlReward(folder, community="~hill")(PROMPTS, ["never said before"] * 3)
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"community": "MEX", "steer": Steer.to("MEX")}, "both"),
        ({"steer": Steer.to("MEX"), "strength": 0.5}, "its own strength"),
        ({"missing": "zero"}, "missing is 'zero'"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(given: dict[str, Any], what: str) -> None:
    with pytest.raises(InvalidInput, match=what):
        TrlReward(Heard(), **given)


def test_a_community_that_the_model_lacks_is_refused_at_once(folder: Path, tmp_path: Path) -> None:
    for given in ({"community": "~hil"}, {"steer": Steer({"~hil": 1.0})}):
        with pytest.raises(UnknownCommunity, match="~hil"):
            TrlReward(folder, **given)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="no saved reward model"):
        TrlReward(tmp_path)


@pytest.mark.parametrize(
    "call",
    [
        {"prompts": ["?"], "completions": []},
        {"prompts": ["?"], "completions": ["a"], "community": []},
        {"prompts": ["?"], "completions": ["a"], "community": "MEX"},
        {"prompts": ["?"], "completions": [7], "community": ["MEX"]},
        {"prompts": ["?"], "completions": [[{"content": "no role"}]], "community": ["MEX"]},
    ],
)
def test_unreadable_input_is_refused(call: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        TrlReward(Heard())(**call)
