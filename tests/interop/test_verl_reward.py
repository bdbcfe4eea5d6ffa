"""A custom reward function, called as verl does: by keyword, row by row, from a thread pool."""

import asyncio
import inspect
import pickle
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Barrier, Lock
from typing import Any

import numpy as np
import pytest

from pluralign.core import (
    FloatArray,
    InvalidInput,
    RewardRequest,
    Steer,
    SteerableRewardModel,
    UnknownCommunity,
)
from pluralign.interop import compute_score, trl_reward, verl_reward
from pluralign.models import open_model

CLOSE = {"abs": 1e-6, "rel": 0.0}


@pytest.fixture(autouse=True)
def opened_anew() -> Iterator[None]:
    """No test finds a model that another has opened."""
    verl_reward._reward.cache_clear()
    yield
    verl_reward._reward.cache_clear()


@pytest.fixture
def model(folder: Path) -> SteerableRewardModel:
    return open_model(folder)


def row(**info: Any) -> dict[str, Any]:
    """The keyword arguments that verl passes for one response; its own facts in ``extra_info``."""
    return {
        "data_source": "town/polls",
        "solution_str": "My family comes first.",
        "ground_truth": "",
        "extra_info": {
            "split": "train",
            "index": 3,
            **info,
            "num_turns": 2,
            "rollout_reward_scores": {},
        },
        "reward_router_address": None,
        "reward_model_tokenizer": None,
    }


def test_a_row_is_scored_for_its_own_community(folder: Path, model: SteerableRewardModel) -> None:
    found = compute_score(model=str(folder), **row(prompt="What matters?", community="~hill"))
    wanted = model.score(
        [RewardRequest("What matters?", "My family comes first.")], Steer.to("~hill")
    )
    assert found.keys() == {"score", "thought", "no_answer"}
    assert type(found["score"]) is float
    assert found["score"] == pytest.approx(wanted[0], **CLOSE)


def test_it_is_called_as_verl_wraps_it(folder: Path, model: SteerableRewardModel) -> None:
    settings = {"model": str(folder), "strength": 0.5, "column": "country", "missing": "reference"}
    wrapped = pickle.loads(pickle.dumps(partial(compute_score, **settings)))  # noqa: S301 - our own bytes
    request = [RewardRequest("Tea?", "My family comes first.")]
    found = wrapped(**row(prompt="Tea?", country="~coast", community="~hill"))
    assert found["score"] == pytest.approx(
        model.score(request, Steer.to("~coast", 0.5))[0], **CLOSE
    )
    assert wrapped(**row(prompt="Tea?"))["score"] == pytest.approx(model.score(request)[0], **CLOSE)


def test_verl_runs_it_in_a_thread_and_does_not_await_it() -> None:
    assert not inspect.iscoroutinefunction(compute_score)


def test_verl_finds_it_by_module_and_name() -> None:
    assert verl_reward.__name__ == "pluralign.interop.verl_reward"
    assert verl_reward.compute_score is compute_score


def test_one_community_may_be_set_for_all_rows(folder: Path, model: SteerableRewardModel) -> None:
    found = compute_score(
        model=str(folder), community="~hill", **row(prompt="Tea?", community="Atlantis")
    )
    wanted = model.score([RewardRequest("Tea?", "My family comes first.")], Steer.to("~hill"))
    assert found["score"] == pytest.approx(wanted[0], **CLOSE)


def test_a_prompt_may_be_messages(folder: Path) -> None:
    said = [{"role": "user", "content": "Tea?"}]
    text, messages = (
        compute_score(model=str(folder), **row(prompt=p, community="~hill")) for p in ("Tea?", said)
    )
    assert messages["score"] == pytest.approx(text["score"], **CLOSE)


@pytest.mark.parametrize(
    "extra_info", [None, {}, {"community": "~hill"}, {"community": "~hill", "prompt": None}]
)
def test_the_error_for_a_row_without_a_prompt_names_the_field_for_it(
    folder: Path, extra_info: dict[str, Any] | None
) -> None:
    with pytest.raises(InvalidInput, match="no prompt") as caught:
        compute_score(model=str(folder), **row() | {"extra_info": extra_info})
    assert caught.value.hint is not None
    assert "extra_info.prompt" in caught.value.hint
    assert "town/polls" in str(caught.value.where)


@pytest.mark.parametrize("label", [None, "", "Atlantis"])
def test_a_row_without_a_known_community_stops_or_gets_the_reward_of_the_reference(
    folder: Path, model: SteerableRewardModel, label: str | None
) -> None:
    given = row(prompt="Tea?") if label is None else row(prompt="Tea?", community=label)
    with pytest.raises((InvalidInput, UnknownCommunity)):
        compute_score(model=str(folder), **given)
    found = compute_score(model=str(folder), missing="reference", **given)
    wanted = model.score([RewardRequest("Tea?", "My family comes first.")])
    assert found["score"] == pytest.approx(wanted[0], **CLOSE)


def test_a_row_cannot_be_skipped(folder: Path) -> None:
    with pytest.raises(InvalidInput, match="missing is 'skip'") as caught:
        compute_score(model=str(folder), missing="skip", **row(prompt="Tea?"))  # type: ignore[arg-type]
    assert caught.value.hint == "use one of error, reference"


def test_an_empty_response_has_a_reward(folder: Path) -> None:
    given = row(prompt="Tea?", community="~hill") | {"solution_str": ""}
    assert np.isfinite(compute_score(model=str(folder), **given)["score"])


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no saved reward model"):
        compute_score(model=str(tmp_path), **row(prompt="Tea?", community="~hill"))


class Alone:
    """A model that bears one thread at a time."""

    def __init__(self, model: SteerableRewardModel) -> None:
        self.model, self.communities = model, model.communities
        self.taken = Lock()

    def score(self, requests: Sequence[RewardRequest], steer: Steer | None = None) -> FloatArray:
        assert self.taken.acquire(blocking=False), "two threads at once"
        time.sleep(0.001)
        found = self.model.score(requests, steer)
        self.taken.release()
        return found


def test_threads_that_come_together_open_one_model_and_score_one_at_a_time(
    folder: Path, model: SteerableRewardModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Path] = []
    monkeypatch.setattr(
        trl_reward, "opened_model", lambda place: opened.append(place) or Alone(model)
    )
    together = Barrier(8, timeout=20)

    def ask(n: int) -> list[float]:
        together.wait()
        community = ("~hill", "~coast")[n % 2]
        rows = [
            row(prompt="What matters?", community=community) | {"solution_str": f"{n} {k}"}
            for k in range(10)
        ]
        return [compute_score(model=str(folder), **given)["score"] for given in rows]

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(ask, range(8), timeout=60))
    assert opened == [folder]
    for n, scores in enumerate(found):
        requests = [RewardRequest("What matters?", f"{n} {k}") for k in range(10)]
        assert scores == pytest.approx(
            model.score(requests, Steer.to(("~hill", "~coast")[n % 2])), **CLOSE
        )


def test_many_rows_are_scored_at_once_as_verls_reward_loop_does(
    folder: Path, model: SteerableRewardModel
) -> None:
    async def score_all() -> list[dict[str, float]]:
        loop, score = asyncio.get_running_loop(), partial(compute_score, model=str(folder))
        rows = [
            row(prompt="Tea?", community="~hill") | {"solution_str": f"answer {n}"}
            for n in range(20)
        ]
        return await asyncio.gather(
            *(loop.run_in_executor(None, partial(score, **given)) for given in rows)
        )

    found = asyncio.run(asyncio.wait_for(score_all(), 60))
    wanted = model.score(
        [RewardRequest("Tea?", f"answer {n}") for n in range(20)], Steer.to("~hill")
    )
    assert [one["score"] for one in found] == pytest.approx(wanted, **CLOSE)


def test_thoughts_are_left_out_and_a_response_without_an_answer_has_the_reward_that_is_set(
    folder: Path,
) -> None:
    extra = {"prompt": "What matters?", "community": "~hill"}
    score = partial(compute_score, "m", model=str(folder), extra_info=extra)
    plain, thought = score("My family."), score("<think>\nHm.\n</think>\n\nMy family.")
    assert thought == plain | {"thought": 1.0}
    assert score("<think></think>My family.") == plain
    for empty in ("<think>It depends on", ""):
        assert score(empty)["score"] == -5.0
        assert score(empty)["no_answer"] == 1.0
    assert score("<think>It depends", no_answer=-1.0)["score"] == -1.0
    assert score("<think>It depends", thoughts="keep")["no_answer"] == 0.0


def test_a_prompt_that_pandas_read_out_of_parquet_is_read(folder: Path, tmp_path: Path) -> None:
    pd = pytest.importorskip("pandas")
    prompt = [{"role": "user", "content": "What matters?"}]
    file = tmp_path / "rows.parquet"
    pd.DataFrame([{"extra_info": {"prompt": prompt, "community": "~hill"}}]).to_parquet(file)
    info = pd.read_parquet(file)["extra_info"][0]
    assert not isinstance(info["prompt"], list)
    found = compute_score("m", "My family.", model=str(folder), extra_info=info)
    assert found == compute_score(
        "m", "My family.", model=str(folder), extra_info=info | {"prompt": prompt}
    )


def test_each_community_has_a_column_for_gdpo_and_the_score_is_their_mean(folder: Path) -> None:
    both = ["~hill", "~coast"]
    found = compute_score(
        "mine", "My family.", None, {"prompt": "What matters?"}, model=str(folder), communities=both
    )
    requests = [RewardRequest("What matters?", "My family.")]
    model = open_model(folder)
    for community in both:
        wanted = model.score(requests, Steer.to(community))[0]
        assert found[f"reward_{community}"] == pytest.approx(wanted, abs=1e-6)
    assert found["score"] == pytest.approx((found["reward_~hill"] + found["reward_~coast"]) / 2)
    empty = compute_score(
        "mine", "", None, {"prompt": "?"}, model=str(folder), communities=both, no_answer=-7.0
    )
    assert (empty["score"], empty["reward_~hill"], empty["no_answer"]) == (-7.0, -7.0, 1.0)
