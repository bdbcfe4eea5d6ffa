"""The reward inside TRL's own trainer: two steps of GRPO on a tiny Llama with random weights."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pluralign.interop import TrlReward
from pluralign.rewards.transformer.tokenized_texts import TextForm

pytest.importorskip("trl")

ROWS = [
    {"prompt": "what matters in life ?", "community": "~hill"},
    {"prompt": "tea or coffee ?", "community": "~coast"},
    {"prompt": "what matters in life ?", "community": None},
]


class Recorder(TrlReward):
    """Keeps what TRL passed, and what it got."""

    calls: list[tuple[dict[str, Any], list[float | None]]]

    def __call__(self, *args: Any, **named: Any) -> list[float | None]:
        assert not args, "TRL calls by keyword"
        found = super().__call__(**named)
        self.__dict__.setdefault("calls", []).append((named, found))
        return found


def trained(
    tiny: ModuleType, rows: list[dict[str, Any]], reward: Any, out: Path
) -> list[dict[str, Any]]:
    """Logs of two steps."""
    from datasets import Dataset
    from transformers import LlamaForCausalLM, set_seed
    from trl import GRPOConfig, GRPOTrainer

    set_seed(0)
    settings = GRPOConfig(
        output_dir=str(out), max_steps=2, per_device_train_batch_size=6, num_generations=2,
        max_completion_length=5, use_cpu=True, bf16=False, report_to=[], logging_steps=1,
        save_strategy="no", disable_tqdm=True, seed=0,
    )  # fmt: skip
    trainer = GRPOTrainer(
        model=LlamaForCausalLM(tiny.llama_config()),
        reward_funcs=reward,
        args=settings,
        train_dataset=Dataset.from_list(rows),
        processing_class=tiny.tokenizer(chat=True),
    )
    trainer.train()
    return [entry for entry in trainer.state.log_history if "reward" in entry]


@pytest.mark.slow
def test_grpo_trains_on_the_rewards_of_each_rows_community(
    folder: Path, tiny: ModuleType, tmp_path: Path
) -> None:
    reward = Recorder(folder, missing="reference")
    logs = trained(tiny, ROWS, reward, tmp_path)
    assert len(logs) == 2
    assert len(reward.calls) == 2
    for entry, (passed, found) in zip(logs, reward.calls, strict=True):
        assert len(found) == len(passed["completions"]) == len(passed["community"]) == 6
        assert {"completion_ids", "trainer_state", "log_metric"} <= passed.keys()
        alone = TrlReward(folder, missing="reference")
        again = alone(passed["prompts"], passed["completions"], community=passed["community"])
        assert found == pytest.approx(again, abs=1e-6)
        scored = [r for r in found if r is not None]  # a completion that says nothing has no reward
        assert entry["rewards/pluralign/mean"] == pytest.approx(sum(scored) / len(scored), abs=1e-4)
        hill = [
            r
            for r, c in zip(found, passed["community"], strict=True)
            if c == "~hill" and r is not None
        ]
        assert entry["rewards/pluralign/~hill"] == pytest.approx(sum(hill) / len(hill), abs=1e-4)
        assert "rewards/pluralign/reference" in entry


@pytest.mark.slow
def test_grpo_leaves_skipped_rows_out_on_conversations(
    folder: Path, tiny: ModuleType, tmp_path: Path
) -> None:
    rows = [row | {"prompt": [{"role": "user", "content": row["prompt"]}]} for row in ROWS]
    reward = Recorder(folder, missing="skip")
    logs = trained(tiny, rows, reward, tmp_path)
    passed, found = reward.calls[0]
    assert isinstance(passed["completions"][0], list)
    assert [value is None for value in found] == [c is None for c in passed["community"]]
    assert sum(value is None for value in found) == 2
    assert logs[0]["rewards/pluralign/skipped"] == 2


@pytest.mark.slow
def test_trl_scores_an_exported_chat_model_as_its_readme_does(
    folder: Path, tiny: ModuleType, tmp_path: Path, run_readme: Callable[..., dict[str, Any]]
) -> None:
    exported = tiny.reward_folder(tmp_path / "exported", chat=True)
    rows = [row | {"prompt": [{"role": "user", "content": row["prompt"]}]} for row in ROWS]
    recorder = Recorder(folder, missing="reference")
    logs = trained(tiny, rows, [str(exported), recorder], tmp_path)
    passed = recorder.calls[0][0]
    texts = [
        (p[0]["content"], c[0]["content"])
        for p, c in zip(passed["prompts"], passed["completions"], strict=True)
    ]
    rewards = [run_readme(exported, TextForm("chat"), *pair)["reward"] for pair in texts]
    assert logs[0]["rewards/exported/mean"] == pytest.approx(sum(rewards) / 6, abs=1e-4)
