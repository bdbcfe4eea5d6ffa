import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.respondents.conftest import build_chat_model

from pluralign.core import InvalidInput, MissingExtra
from pluralign.evaluation import general_ability as ability
from pluralign.evaluation.general_ability import AbilityTasks, run_lm_eval

pytest.importorskip("lm_eval")

TASK = """
task: tiny_sums
dataset_path: json
dataset_kwargs: {data_files: {test: DATA}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{question}}"
doc_to_choice: ["4", "5"]
doc_to_target: answer
metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}]
metadata: {version: 1}
"""


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_chat_model(tmp_path_factory.mktemp("ability") / "tiny")


def build_adapter(model: Path, folder: Path) -> Path:
    """A LoRA adapter that turns the model's answers round: it takes twice the output layer away."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(model)
    found = get_peft_model(
        base, LoraConfig(r=32, lora_alpha=32, target_modules=["lm_head"], task_type="CAUSAL_LM")
    )
    layer = found.base_model.model.lm_head
    with torch.no_grad():
        layer.lora_A["default"].weight.copy_(torch.eye(32))
        layer.lora_B["default"].weight.copy_(-2 * layer.base_layer.weight)
    found.save_pretrained(folder)
    return folder


def likeliest_is_right(model: Path, adapter: Path) -> float:
    """Accuracy on the sums, computed by hand."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    tuned = PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(model), str(adapter)
    ).eval()
    four, five = (tokenizer(digit)["input_ids"][0] for digit in "45")
    right = []
    for i in range(5):
        with torch.inference_mode():
            logits = tuned(**tokenizer(f"{i} + {4 - i} = ", return_tensors="pt")).logits[0, -1]
        right.append(bool(logits[four] > logits[five]))
    return sum(right) / len(right)


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> AbilityTasks:
    folder = tmp_path_factory.mktemp("tasks")
    rows = [{"question": f"{i} + {4 - i} =", "answer": 0} for i in range(5)]
    (folder / "sums.jsonl").write_text(
        "".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8"
    )
    (folder / "sums.yaml").write_text(
        TASK.replace("DATA", str(folder / "sums.jsonl")), encoding="utf-8"
    )
    return AbilityTasks(("tiny_sums",), include_path=folder, device="cpu")


@pytest.fixture(scope="module")
def start(
    tiny_model: Path, tasks: AbilityTasks, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[dict[str, Any]]]:
    """The folder of the start model's results, and its rows: each run of lm-eval takes long."""
    out = tmp_path_factory.mktemp("start")
    return out, run_lm_eval(str(tiny_model), None, tasks, out)


@pytest.mark.slow
def test_a_task_of_ones_own_is_measured_by_lm_eval_itself_and_not_twice(
    tiny_model: Path,
    tasks: AbilityTasks,
    start: tuple[Path, list[dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out, rows = start
    (row,) = [row for row in rows if row["metric"] == "acc"]
    assert row["n"] == 5
    assert row["low"] <= row["value"] <= row["high"]
    assert 0 <= row["value"] <= 1
    monkeypatch.setattr(ability, "_run", lambda *_: pytest.fail("it was there already"))
    assert run_lm_eval(str(tiny_model), None, tasks, out) == rows


@pytest.mark.slow
def test_an_unknown_task_ends_with_lm_evals_own_words(tiny_model: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no_such_task"):
        run_lm_eval(str(tiny_model), None, AbilityTasks(("no_such_task",), device="cpu"), tmp_path)


@pytest.mark.slow
def test_an_adapter_is_put_on_the_model_and_changes_what_is_measured(
    tiny_model: Path,
    tasks: AbilityTasks,
    start: tuple[Path, list[dict[str, Any]]],
    tmp_path: Path,
) -> None:
    adapter = build_adapter(tiny_model, tmp_path / "a,b=c")
    (row,) = [
        row
        for row in run_lm_eval(str(tiny_model), adapter, tasks, tmp_path / "tuned")
        if row["metric"] == "acc"
    ]
    assert row["value"] == likeliest_is_right(tiny_model, adapter)
    assert row["value"] != next(r["value"] for r in start[1] if r["metric"] == "acc")


@pytest.mark.slow
def test_tasks_that_changed_are_measured_again_and_old_results_are_not_taken_for_new(
    tiny_model: Path,
    tasks: AbilityTasks,
    start: tuple[Path, list[dict[str, Any]]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = start[1]
    assert tasks.include_path is not None
    shutil.copytree(start[0], tmp_path / "out")
    shutil.copytree(tasks.include_path, tmp_path / "tasks")
    own = replace(tasks, include_path=tmp_path / "tasks")
    (old,) = (tmp_path / "out" / "lm-eval").rglob("results_*.json")
    written = json.loads(old.read_text(encoding="utf-8"))
    written["n-samples"]["tiny_sums"]["effective"] = 3
    old.rename(old.with_name("results_9999-01-01.json"))
    file = tmp_path / "tasks" / "sums.jsonl"
    file.write_text(
        "".join(file.read_text(encoding="utf-8").splitlines(keepends=True)[:3]), encoding="utf-8"
    )

    def measure(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        """Write what lm-eval writes for three items."""
        assert command[command.index("--include_path") + 1] == str(tmp_path / "tasks")
        old.parent.mkdir(parents=True)
        old.write_text(json.dumps(written), encoding="utf-8")
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(ability.subprocess, "run", measure)
    again = run_lm_eval(str(tiny_model), None, own, tmp_path / "out")
    assert ([row["n"] for row in rows], [row["n"] for row in again]) == (
        [5] * len(rows),
        [3] * len(rows),
    )


@pytest.mark.slow
def test_a_model_that_cannot_be_loaded_ends_with_the_error_and_no_traceback(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="OSError") as error:
        run_lm_eval(
            str(tmp_path / "nowhere"), None, AbilityTasks(("mmlu",), device="cpu"), tmp_path / "out"
        )
    assert "File " not in str(error.value)


def test_without_lm_eval_the_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(ability, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"pluralign\[evals\]"):
        run_lm_eval("m", None, AbilityTasks(("mmlu",)), tmp_path)


def test_no_task_is_refused() -> None:
    with pytest.raises(InvalidInput, match="at least one task"):
        AbilityTasks(())
