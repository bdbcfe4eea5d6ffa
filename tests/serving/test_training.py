"""Training against a live server: the rewards that TRL and verl get are those of the model."""

import importlib.util
import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pluralign.core import (
    InvalidSettings,
    RewardRequest,
    Steer,
    SteerableRewardModel,
    UnknownCommunity,
)
from pluralign.interop import TrlReward, compute_score, verl_reward
from pluralign.models import open_model

CLOSE = {"abs": 1e-5, "rel": 0.0}
TOKEN = "a token of this test"
PROMPTS = ["What matters?", "What matters?", "Tea?", "Tea?"]
COMPLETIONS = ["My family.", "What I earn.", "Yes.", ""]


@pytest.fixture(scope="module")
def url(serving: Callable[..., str]) -> str:
    return serving()


@pytest.fixture(scope="module")
def model(model_folder: Path) -> SteerableRewardModel:
    return open_model(model_folder, around=lambda encoder: encoder)


@pytest.fixture(autouse=True)
def opened_anew() -> Iterator[None]:
    """No test finds a client that another has made."""
    verl_reward._reward.cache_clear()
    yield
    verl_reward._reward.cache_clear()


@pytest.fixture(scope="module")
def tiny() -> ModuleType:
    """Tiny Hugging Face models: tests/interop/tiny.py."""
    path = Path(__file__).parents[1] / "interop" / "tiny.py"
    spec = importlib.util.spec_from_file_location("tiny", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("settings", "columns"),
    [
        ({}, {"community": ["~hill", "~coast", "~world", "~isle"]}),
        ({"missing": "reference"}, {"community": ["~hill", None, "Atlantis", "~hill"]}),
        ({"missing": "skip", "strength": 0.5}, {"community": ["~hill", None, "Atlantis", "~hill"]}),
        ({"column": "country"}, {"country": ["~hill"] * 4}),
        ({"community": "~coast", "strength": 2.0}, {}),
        ({"steer": Steer({"~hill": 0.5, "~coast": 0.5}, 0.7)}, {}),
    ],
)
def test_trl_gets_the_same_rewards_from_a_url_and_from_a_folder(
    url: str, model_folder: Path, settings: dict[str, Any], columns: dict[str, Any]
) -> None:
    logged: dict[str, dict[str, float]] = {"url": {}, "folder": {}}
    found, wanted = (
        TrlReward(place, **settings)(
            PROMPTS, COMPLETIONS, log_metric=logged[kind].__setitem__, **columns
        )
        for kind, place in (("url", url), ("folder", model_folder))
    )
    assert [reward is None for reward in found] == [reward is None for reward in wanted]
    assert list(filter(None, found)) == pytest.approx(list(filter(None, wanted)), **CLOSE)
    assert logged["url"] == pytest.approx(logged["folder"], **CLOSE)


def test_conversations_are_read_alike(url: str, model_folder: Path) -> None:
    turns = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": [{"type": "text", "text": "Tea?"}]},
    ]
    said = [{"role": "assistant", "content": "Yes."}]
    found, wanted = (TrlReward(place, "~hill")([turns], [said]) for place in (url, model_folder))
    assert found == pytest.approx(wanted, **CLOSE)


def test_only_a_url_is_scored_elsewhere(url: str, model_folder: Path) -> None:
    assert TrlReward(url).remote
    assert not TrlReward(model_folder).remote


def test_a_community_that_the_server_lacks_is_refused_before_training(url: str) -> None:
    with pytest.raises(UnknownCommunity) as caught:
        TrlReward(url, community="~hil")
    assert caught.value.hint == "did you mean ~hill?"


def test_a_copy_in_another_process_asks_the_same_server(url: str) -> None:
    reward = TrlReward(url, community="~hill")
    copy = pickle.loads(pickle.dumps(reward))  # noqa: S301 - our own bytes
    assert copy(PROMPTS, COMPLETIONS) == reward(PROMPTS, COMPLETIONS)
    assert len(pickle.dumps(reward)) < 2000


def test_the_token_is_a_variable_of_the_environment(
    serving: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = serving(tokens=(TOKEN,))
    monkeypatch.setenv("PLURALIGN_TOKEN", TOKEN)
    assert len(TrlReward(url, "~hill")(PROMPTS, COMPLETIONS)) == 4
    monkeypatch.delenv("PLURALIGN_TOKEN")
    with pytest.raises(InvalidSettings, match="the token is missing"):
        TrlReward(url, "~hill")


@pytest.mark.slow
def test_grpo_trains_on_the_rewards_of_a_server_each_row_for_its_own_community(
    url: str, model: SteerableRewardModel, tiny: ModuleType, tmp_path: Path
) -> None:
    pytest.importorskip("trl")
    from datasets import Dataset
    from transformers import LlamaForCausalLM, set_seed
    from trl import GRPOConfig, GRPOTrainer

    class Recorder(TrlReward):
        def __call__(self, *args: Any, **named: Any) -> list[float | None]:
            found = super().__call__(*args, **named)
            calls.append((named["prompts"], named["completions"], named["community"], found))
            return found

    calls: list[tuple[list[str], list[str], list[str], list[float | None]]] = []
    rows = [
        {"prompt": "what matters in life ?", "community": "~hill"},
        {"prompt": "tea or coffee ?", "community": "~coast"},
    ]
    set_seed(0)
    settings = GRPOConfig(
        output_dir=str(tmp_path), max_steps=3, per_device_train_batch_size=4, num_generations=2,
        use_cpu=True, max_completion_length=5, bf16=False, report_to=[], logging_steps=1,
        save_strategy="no", disable_tqdm=True,
    )  # fmt: skip
    trainer = GRPOTrainer(
        model=LlamaForCausalLM(tiny.llama_config()),
        reward_funcs=Recorder(url),
        args=settings,
        train_dataset=Dataset.from_list(rows),
        processing_class=tiny.tokenizer(),
    )
    trainer.train()
    logs = [entry for entry in trainer.state.log_history if "reward" in entry]
    assert len(logs) == len(calls) == 3
    for entry, (prompts, completions, communities, found) in zip(logs, calls, strict=True):
        assert set(communities) == {"~hill", "~coast"}
        for id_ in ("~hill", "~coast"):
            own = [
                n
                for n, community in enumerate(communities)
                if community == id_ and completions[n].strip()
            ]
            wanted = model.score(
                [RewardRequest(prompts[n], completions[n]) for n in own], Steer.to(id_)
            )
            assert [found[n] for n in own] == pytest.approx(wanted, **CLOSE)
            assert entry[f"rewards/pluralign/{id_}"] == pytest.approx(wanted.mean(), abs=1e-4)
        scored = [
            reward for reward in found if reward is not None
        ]  # a model that has learned nothing may say nothing
        assert len(scored) == sum(bool(said.strip()) for said in completions)
        assert entry["reward"] == pytest.approx(sum(scored) / len(scored), abs=1e-4)


def test_verls_threads_share_one_client_and_get_the_rewards_of_the_model(
    url: str, model: SteerableRewardModel
) -> None:
    score = partial(
        compute_score, model=url, reward_router_address=None, reward_model_tokenizer=None
    )

    def ask(n: int) -> dict[str, float]:
        info = {
            "prompt": [{"role": "user", "content": "Tea?"}],
            "community": ("~hill", "~coast")[n % 2],
            "num_turns": 2,
        }
        return score(
            data_source="town", solution_str=f"answer {n}", ground_truth="", extra_info=info
        )

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(ask, range(40), timeout=60))
    assert verl_reward._reward.cache_info().currsize == 1
    for n, one in enumerate(found):
        (wanted,) = model.score(
            [RewardRequest("Tea?", f"answer {n}")], Steer.to(("~hill", "~coast")[n % 2])
        )
        assert one["score"] == pytest.approx(wanted, **CLOSE)


def test_verls_rows_are_refused_by_a_url_as_by_a_folder(url: str) -> None:
    with pytest.raises(UnknownCommunity) as caught:
        compute_score("town", "Yes.", extra_info={"prompt": "Tea?", "community": "~hil"}, model=url)
    assert caught.value.hint == "did you mean ~hill?"
    found = compute_score(
        "town",
        "Yes.",
        extra_info={"prompt": "Tea?", "community": "~hil"},
        model=url,
        missing="reference",
    )
    assert found == compute_score(
        "town", "Yes.", extra_info={"prompt": "Tea?"}, model=url, community="~world"
    )
