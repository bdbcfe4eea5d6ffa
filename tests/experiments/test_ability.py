import json
from pathlib import Path

import pytest
from tests.respondents.conftest import build_chat_model

from pluralign.core import InvalidInput
from pluralign.experiments import ability
from pluralign.experiments.ability import AbilityTasks, run_lm_eval

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


@pytest.fixture
def tasks(tmp_path: Path) -> AbilityTasks:
    folder = tmp_path / "tasks"
    folder.mkdir()
    rows = [{"question": f"{i} + {4 - i} =", "answer": 0} for i in range(5)]
    (folder / "sums.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (folder / "sums.yaml").write_text(TASK.replace("DATA", str(folder / "sums.jsonl")), encoding="utf-8")
    return AbilityTasks(("tiny_sums",), include_path=folder, device="cpu")


@pytest.mark.slow
def test_a_task_of_ones_own_is_measured_by_lm_eval_itself_and_not_twice(
    tiny_model: Path, tasks: AbilityTasks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = run_lm_eval(str(tiny_model), None, tasks, tmp_path / "out")
    (row,) = [row for row in rows if row["metric"] == "acc"]
    assert row["n"] == 5
    assert row["low"] <= row["value"] <= row["high"]
    assert 0 <= row["value"] <= 1
    monkeypatch.setattr(ability, "_run", lambda *_: pytest.fail("it was there already"))
    assert run_lm_eval(str(tiny_model), None, tasks, tmp_path / "out") == rows


@pytest.mark.slow
def test_an_unknown_task_ends_with_lm_evals_own_words(tiny_model: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no_such_task"):
        run_lm_eval(str(tiny_model), None, AbilityTasks(("no_such_task",), device="cpu"), tmp_path)


def test_no_task_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no task"):
        AbilityTasks(())
