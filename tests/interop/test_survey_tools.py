"""The survey and its results in other tools: lm-eval, Inspect, Every Eval Ever."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.reports.folders import write_audit, write_rewards

from pluralign.asking import load_strategy
from pluralign.core import InvalidInput, NotEnoughData
from pluralign.interop import write_every_eval_ever, write_lm_eval_tasks
from pluralign.runs.folder import read_rows
from pluralign.simulation import SocietySurvey

SURVEY = SocietySurvey(questions=6).survey()
AWARE = load_strategy("culture_aware")


def test_a_task_has_a_file_of_questions_with_gold_and_the_fields_that_lm_eval_reads(
    tmp_path: Path,
) -> None:
    import yaml

    class Loader(yaml.SafeLoader):
        pass

    Loader.add_constructor("!function", lambda loader, node: loader.construct_scalar(node))
    names = write_lm_eval_tasks(
        SURVEY, [AWARE, load_strategy("culture_unaware")], ["~hill", "~river"], tmp_path, "mine"
    )
    assert names == [
        f"mine_{s}_{c}" for s in ("culture_aware", "culture_unaware") for c in ("hill", "river")
    ]
    task = yaml.load((tmp_path / f"{names[0]}.yaml").read_text(encoding="utf-8"), Loader)
    assert {
        "task",
        "test_split",
        "doc_to_text",
        "doc_to_target",
        "doc_to_choice",
        "output_type",
    } <= set(task)
    assert [m["metric"] for m in task["metric_list"]] == [
        "cultural_alignment_score",
        "exact_accuracy",
        "similarity",
    ]
    assert all({"metric", "aggregation", "higher_is_better"} == set(m) for m in task["metric_list"])
    rows = read_rows(tmp_path / f"{names[0]}.jsonl")
    assert len(rows) == 6
    for row in rows:
        gold = SURVEY.distribution(row["question_id"], "~hill")
        assert gold is not None
        assert row["gold"] == gold.gold
        assert row["probs"] == pytest.approx(list(gold.normalised()))


def test_other_files_are_never_overwritten_and_names_are_checked(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(InvalidInput, match="not empty"):
        write_lm_eval_tasks(SURVEY, [AWARE], ["~hill"], tmp_path)
    with pytest.raises(InvalidInput, match="not a name"):
        write_lm_eval_tasks(SURVEY, [AWARE], ["~hill"], tmp_path / "new", "a b")
    with pytest.raises(NotEnoughData, match="MEX"):
        write_lm_eval_tasks(SURVEY, [AWARE], ["MEX"], tmp_path / "new")


@pytest.mark.slow
def test_inspect_runs_the_survey_by_its_name_and_does_not_score_refusals(tmp_path: Path) -> None:
    pytest.importorskip("inspect_ai")
    script = tmp_path / "run.py"
    script.write_text(
        "from inspect_ai import eval\n"
        "from inspect_ai.model import ModelOutput, ModelUsage, get_model\n"
        "says = iter(['1', 'I would rather not say.'] * 50)\n"
        "outputs = [ModelOutput.from_content('m', text) for text in says]\n"
        "for output in outputs:\n"
        "    output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)\n"
        "model = get_model('mockllm/model', custom_outputs=outputs)\n"
        "(log,) = eval('pluralign/survey', model=model, log_dir='logs', display='none',\n"
        "    task_args={'communities': '~hill,~river', 'limit': 5}, max_samples=1)\n"
        "import json\n"
        "told = {m.name: m.value for s in log.results.scores for m in s.metrics.values()}\n"
        "score = [(s.metadata['community'], s.metadata['gold'], s.scores['closeness'].answer)"
        " for s in log.samples]\n"
        "print(json.dumps({'status': log.status, 'metrics': told, 'scores': score}))\n",
        encoding="utf-8",
    )
    environment = os.environ | {"INSPECT_DISABLE_MODEL_API": "0"}
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert (told["status"], len(told["scores"])) == ("success", 10)
    read = [(community, gold) for community, gold, answer in told["scores"] if answer == "1"]
    assert len(read) == 5
    for community in ("~hill", "~river"):
        golds = [gold for c, gold in read if c == community]
        assert told["metrics"][f"exact {community}"] == pytest.approx(
            sum(g == 0 for g in golds) / len(golds)
        )
        assert told["metrics"][f"alignment {community}"] <= 100


def run_folder(tmp_path: Path, rows: list[dict[str, Any]]) -> Path:
    run = tmp_path / "run"
    run.mkdir()
    record = {
        "name": "mine",
        "written": "2026-11-25T12:00:00+00:00",
        "data": {"survey": {"name": "wvs", "read": 9, "kept": 9}},
    }
    (run / "record.json").write_text(json.dumps(record), encoding="utf-8")
    (run / "results.jsonl").write_text(
        "".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8"
    )
    return run


def row(metric: str, community: str | None, value: float, **more: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "metric": metric,
        "method": "ask",
        "steer": None,
        "community": community,
        "subset": "all",
        "value": value,
        "low": value - 1,
        "high": value + 1,
        "n": 9,
        "n_raters": None,
        "model": "org/llama",
        "strategy": "culture_aware",
    }
    return base | more


def test_results_become_every_eval_evers_documents_an_entry_for_each_community(
    tmp_path: Path,
) -> None:
    rows = [
        row("cultural_alignment_score", "MEX", 66.0),
        row("cultural_alignment_score", None, 60.0),
        row("refusal_rate", "NGA", 0.1, low=None, high=None),
        row("target_rank", "NGA", 3.0),
        row("cultural_alignment_score", "MEX", 46.0, model="random", strategy=None),
    ]
    (path,) = write_every_eval_ever(
        run_folder(tmp_path, rows), tmp_path / "out", "Somebody", "third_party"
    )
    document = json.loads(path.read_text(encoding="utf-8"))
    assert {
        "schema_version",
        "evaluation_id",
        "retrieved_timestamp",
        "source_metadata",
        "model_info",
        "eval_library",
        "evaluation_results",
    } == set(document)
    assert document["schema_version"] == "0.3.0"
    assert document["source_metadata"] == {
        "source_type": "evaluation_run",
        "source_organization_name": "Somebody",
        "evaluator_relationship": "third_party",
    }
    first, second = document["evaluation_results"]
    assert first["evaluation_name"] == "cultural_alignment_score (MEX, culture_aware, all)"
    assert first["metric_config"] == {
        "lower_is_better": False,
        "score_type": "continuous",
        "min_score": 0.0,
        "max_score": 100.0,
    }
    interval = first["score_details"]["uncertainty"]["confidence_interval"]
    assert (interval["lower"], interval["upper"], interval["confidence_level"]) == (
        65.0,
        67.0,
        0.95,
    )
    assert second["metric_config"]["lower_is_better"]
    assert "confidence_interval" not in second["score_details"]["uncertainty"]


def test_a_reward_run_has_documents_too_and_an_empty_folder_none(tmp_path: Path) -> None:
    run = write_rewards(tmp_path / "run", {"GBR": 0.6}, contested=False)
    _, path = write_every_eval_ever(run, tmp_path / "out", "Somebody")
    assert path.name == "scpo.json"
    entry = json.loads(path.read_text(encoding="utf-8"))["evaluation_results"][0]
    assert entry["evaluation_name"] == "pairwise_accuracy (GBR, steer GBR, all)"
    assert (
        entry["score_details"]["uncertainty"]["confidence_interval"]["method"]
        == "quantiles of Student's t over raters"
    )
    with pytest.raises(InvalidInput, match="neither a finished run nor an audit"):
        write_every_eval_ever(tmp_path / "out", tmp_path / "more", "Somebody")
    with pytest.raises(InvalidInput, match="an audit has no results"):
        write_every_eval_ever(write_audit(tmp_path / "audit"), tmp_path / "more", "Somebody")
