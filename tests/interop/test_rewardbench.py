"""RewardBench's result files, and rows that its loader (0.1.4) reads whole."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pluralign.core import (
    FloatArray,
    InvalidInput,
    Message,
    NotEnoughData,
    PreferencePair,
    RewardRequest,
    Steer,
    Tally,
    UnknownCommunity,
    requests_of,
)
from pluralign.interop import RewardBenchResult, rewardbench_rows, write_rewardbench
from pluralign.models import open_model
from pluralign.rewards import LengthReward

SUMMARY = [
    "accuracy",
    "num_prompts",
    "model",
    "ref_model",
    "tokenizer",
    "chat_template",
    "extra_results",
]
OUTPUTS = ["prompt", "results", "scores_chosen", "scores_rejected", "text_chosen", "text_rejected"]


@dataclass
class Scripted:
    """Rewards a response by what was written down for it."""

    said: dict[str, float]
    communities: tuple[str, ...] = ()
    largest: int = 0

    def score(self, requests: Sequence[RewardRequest], steer: Steer | None = None) -> FloatArray:
        self.largest = max(self.largest, len(requests))
        return np.array([self.said.get(r.response, 0.0) for r in requests])

    def score_all(self, requests: Sequence[RewardRequest]) -> FloatArray:
        return np.zeros((len(requests), 0))


def row(chosen: str, rejected: str, **more: Any) -> dict[str, Any]:
    return {"prompt": "Tea?", "chosen": chosen, "rejected": rejected} | more


def outputs(found: RewardBenchResult) -> list[dict[str, Any]]:
    return [json.loads(line) for line in found.outputs.read_text(encoding="utf-8").splitlines()]


def as_rewardbench_reads(row: dict[str, Any]) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """The conversations that RewardBench 0.1.4 scores for a row without a prompt."""
    earlier, conversations = row["chosen"][:-1], []
    for side in ("chosen", "rejected"):
        turns = [
            {"role": ("user", "assistant")[i % 2], "content": m["content"]}
            for i, m in enumerate(earlier)
        ]
        assert turns[-1]["role"] == "user"
        conversations.append([*turns, {"role": "assistant", "content": row[side][-1]["content"]}])
    return conversations[0], conversations[1]


def test_the_files_have_exactly_the_shape_of_rewardbench(
    tmp_path: Path, write_rows: Callable[..., Path]
) -> None:
    file = write_rows(
        tmp_path / "pairs.jsonl", [row("Yes, please.", "No."), row("No", "Certainly.")]
    )
    found = write_rewardbench(LengthReward(), file, None, tmp_path / "out", "by-length", Tally())
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "by-length.json",
        "by-length_outputs.jsonl",
    ]
    summary = json.loads(found.summary.read_text())
    assert list(summary) == SUMMARY
    assert (summary["accuracy"], summary["num_prompts"], summary["model"]) == (0.5, 2, "by-length")
    assert summary["extra_results"] is None
    first, second = outputs(found)
    assert list(first) == OUTPUTS
    assert (first["results"], second["results"]) == (1, 0)
    assert first["scores_chosen"] == pytest.approx(np.log(12))
    assert (first["prompt"], first["text_chosen"]) == (
        "Tea?",
        "user: Tea?\nassistant: Yes, please.",
    )


def test_the_whole_conversation_is_in_the_texts(
    tmp_path: Path, write_rows: Callable[..., Path]
) -> None:
    turns = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Tea?"}]
    file = write_rows(tmp_path / "a.jsonl", [row("Yes", "No!", prompt=turns)])
    (only,) = outputs(write_rewardbench(LengthReward(), file, None, tmp_path, "x", Tally()))
    assert only["prompt"] == "system: Be kind.\nuser: Tea?"
    assert only["text_rejected"] == "system: Be kind.\nuser: Tea?\nassistant: No!"


def test_a_tie_is_wrong_and_reported(tmp_path: Path, write_rows: Callable[..., Path]) -> None:
    file = write_rows(tmp_path / "a.jsonl", [row("Yes", "Nay"), row("Yes, yes", "No")])
    found = write_rewardbench(LengthReward(), file, None, tmp_path, "x", Tally())
    assert (found.accuracy.value, found.ties) == (0.5, 1)
    assert [r["results"] for r in outputs(found)] == [0, 1]


def test_the_scores_are_the_models_own_under_the_steer(
    folder: Path, pairs: list[PreferencePair], tmp_path: Path, write_rows: Callable[..., Path]
) -> None:
    model, steer = open_model(folder), Steer({"~hill": 0.5, "~coast": 0.5})
    rows = [
        {k: getattr(p, k) for k in ("id", "prompt", "chosen", "rejected", "community", "rater")}
        for p in pairs
    ]
    found = write_rewardbench(
        model, write_rows(tmp_path / "a.jsonl", rows), steer, tmp_path, "x", Tally()
    )
    chosen, rejected = (model.score(requests, steer) for requests in requests_of(pairs))
    written = outputs(found)
    np.testing.assert_allclose([r["scores_chosen"] for r in written], chosen, atol=1e-5)
    np.testing.assert_allclose([r["scores_rejected"] for r in written], rejected, atol=1e-5)
    assert found.accuracy.value == pytest.approx((chosen > rejected).mean())
    assert found.accuracy.n_raters == len({p.rater for p in pairs})
    assert found.accuracy.low is not None
    assert found.accuracy.low < found.accuracy.value


def test_pairs_without_a_rater_are_clustered_by_question_and_only_people_are_counted(
    tmp_path: Path, write_rows: Callable[..., Path]
) -> None:
    rows = [row("Yes, yes", "No", prompt=f"Tea {i}?") for i in range(4)] + [
        row("No", "Yes, yes", prompt="Milk?")
    ]
    file = write_rows(tmp_path / "a.jsonl", [*rows, row("Yes, yes", "No", rater="ana")])
    accuracy = write_rewardbench(LengthReward(), file, None, tmp_path, "x", Tally()).accuracy
    assert (accuracy.n, accuracy.n_raters) == (6, 1)
    assert accuracy.low is not None


def test_pairs_are_scored_in_bounded_batches(
    tmp_path: Path, write_rows: Callable[..., Path]
) -> None:
    file = write_rows(tmp_path / "a.jsonl", (row("Yes", f"No {i}") for i in range(2500)))
    model, tally = Scripted({"Yes": 1.0}), Tally()
    found = write_rewardbench(model, file, None, tmp_path, "x", tally)
    assert model.largest == 2048
    assert (found.accuracy.value, found.accuracy.n, tally.kept) == (1.0, 2500, 2500)
    assert outputs(found)[2400]["text_rejected"].endswith("No 2400")


def test_dropped_rows_are_counted(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text(
        '{broken\n{"prompt": "?", "chosen": "a", "rejected": "a"}\n'
        + json.dumps(row("Yes", "No"))
        + "\n"
    )
    with pytest.raises(InvalidInput) as caught:
        write_rewardbench(LengthReward(), file, None, tmp_path, "x", Tally())
    assert caught.value.where == f"{file}:1"
    tally = Tally()
    found = write_rewardbench(LengthReward(), file, None, tmp_path, "x", tally, skip_bad=True)
    assert (found.accuracy.n, tally.dropped) == (1, {"not JSON": 1, "chosen equals rejected": 1})


@pytest.mark.parametrize("last", [{"chosen": "a", "rejected": "a"}, {"chosen": "a"}])
def test_a_failure_leaves_no_file(
    last: dict[str, str], tmp_path: Path, write_rows: Callable[..., Path]
) -> None:
    rows = [row("Yes", "No")] * ("rejected" not in last) + [{"prompt": "?"} | last]
    with pytest.raises((NotEnoughData, InvalidInput)):
        write_rewardbench(
            LengthReward(),
            write_rows(tmp_path / "a.jsonl", rows),
            None,
            tmp_path / "o",
            "x",
            Tally(),
        )
    assert list((tmp_path / "o").iterdir()) == []


def test_a_reward_that_is_no_number_is_an_error(
    tmp_path: Path, write_rows: Callable[..., Path]
) -> None:
    file = write_rows(tmp_path / "a.jsonl", [row("Yes", "No", id="first")])
    with pytest.raises(InvalidInput, match=r"rewards nan and 0\.0") as caught:
        write_rewardbench(Scripted({"Yes": np.nan}), file, None, tmp_path, "x", Tally())
    assert caught.value.where == "pair first"


def test_an_unknown_community_is_named(
    folder: Path, tmp_path: Path, write_rows: Callable[..., Path]
) -> None:
    file = write_rows(tmp_path / "a.jsonl", [row("Yes", "No")])
    with pytest.raises(UnknownCommunity, match="MEX"):
        write_rewardbench(open_model(folder), file, Steer.to("MEX"), tmp_path, "x", Tally())


@pytest.mark.parametrize("name", ["", "owner/model", "..", ".hidden", "a\\b"])
def test_a_name_that_leads_elsewhere_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot name a file"):
        write_rewardbench(LengthReward(), tmp_path / "a.jsonl", None, tmp_path, name, Tally())


def test_the_loader_of_rewardbench_gets_back_prompt_and_responses(
    pairs: list[PreferencePair],
) -> None:
    for pair, found in zip(pairs, rewardbench_rows(pairs), strict=True):
        assert list(found) == ["chosen", "rejected"]
        chosen, rejected = as_rewardbench_reads(found)
        assert chosen == [
            {"role": "user", "content": pair.prompt},
            {"role": "assistant", "content": pair.chosen},
        ]
        assert rejected[-1]["content"] == pair.rejected


def conversation(*roles: str) -> PreferencePair:
    prompt = tuple(Message(role, f"{role} {i}") for i, role in enumerate(roles))
    return PreferencePair("p", prompt, "Yes", "No", community="GBR")


def test_a_system_message_goes_before_the_users_words() -> None:
    (found,) = rewardbench_rows([conversation("system", "user", "assistant", "user", "user")])
    chosen, _ = as_rewardbench_reads(found)
    said = ["system 0\n\nuser 1", "assistant 2", "user 3\n\nuser 4", "Yes"]
    assert [(m["role"], m["content"]) for m in chosen] == list(
        zip(["user", "assistant"] * 2, said, strict=True)
    )


@pytest.mark.parametrize(
    "roles", [("user", "assistant"), ("assistant", "user"), ("user", "tool", "user"), ()]
)
def test_turns_without_a_shape_to_go_into_are_counted_or_an_error(roles: tuple[str, ...]) -> None:
    tally = Tally()
    assert list(rewardbench_rows([conversation(*roles)], tally)) == []
    assert sum(tally.dropped.values()) == 1
    with pytest.raises(InvalidInput, match="do not alternate"):
        list(rewardbench_rows([conversation(*roles)]))
