"""The hub's results file."""

from pathlib import Path
from typing import Any

import pytest

from pluralign.core import InvalidInput, NotEnoughData, Tally
from pluralign.interop import ResultSource, eval_results, write_eval_results

yaml = pytest.importorskip("yaml")
ESTIMATE = {"value": 0.625, "low": 0.5, "high": 0.75, "n": 1200, "n_raters": 48}


def test_the_hubs_own_library_reads_what_is_written(card: dict[str, Any], tmp_path: Path) -> None:
    hub = pytest.importorskip("huggingface_hub")
    if not hasattr(hub, "EvalResultEntry"):
        pytest.skip("this huggingface_hub does not know results files yet")
    from huggingface_hub import eval_result_entries_to_yaml, parse_eval_result_entries

    source = ResultSource("https://example.org/run", "the run", user="someone")
    entries = eval_results(card, "owner/benchmark", source=source, date="2026-01-15")
    path = write_eval_results(entries, tmp_path, "society")
    assert path == tmp_path / ".eval_results" / "society.yaml"
    written = yaml.safe_load(path.read_text(encoding="utf-8"))
    parsed = parse_eval_result_entries(written)
    assert eval_result_entries_to_yaml(parsed) == written == entries
    assert [e.task_id for e in parsed] == sorted(card["accuracy"])
    assert [e.value for e in parsed] == [card["accuracy"][e.task_id]["value"] for e in parsed]
    assert {(e.dataset_id, e.date, e.source_url, e.source_name, e.source_user) for e in parsed} == {
        ("owner/benchmark", "2026-01-15", "https://example.org/run", "the run", "someone")
    }


def test_the_smallest_entry_has_only_what_is_known() -> None:
    (entry,) = eval_results({"accuracy": {"MEX": ESTIMATE}}, "owner/benchmark")
    assert list(entry) == ["dataset", "value", "notes"]
    assert entry["dataset"] == {"id": "owner/benchmark", "task_id": "MEX"}
    assert entry["notes"].endswith("95 % interval 0.500 to 0.750; 1,200 pairs, 48 raters")
    assert ResultSource("https://example.org", org="us").as_dict() == {
        "url": "https://example.org",
        "org": "us",
    }


def test_tasks_choose_the_communities_and_the_others_are_counted() -> None:
    card = {
        "accuracy": {
            "MEX": ESTIMATE,
            "GBR": ESTIMATE,
            "NZL": ESTIMATE | {"low": None, "high": None},
        }
    }
    tally = Tally()
    (entry,) = eval_results(
        card, "a/b", task_ids={"MEX": "mexico", "NZL": "new_zealand"}, tally=tally
    )
    assert entry["dataset"]["task_id"] == "mexico"
    assert (tally.read, tally.kept) == (3, 1)
    assert tally.dropped == {"no task named": 1, "no interval: too few people": 1}


def test_nothing_to_publish_is_an_error() -> None:
    with pytest.raises(NotEnoughData) as caught:
        eval_results({}, "a/b")
    assert caught.value.hint == "measure the model in a run first"
    with pytest.raises(NotEnoughData) as caught:
        eval_results({"accuracy": {"MEX": ESTIMATE | {"low": None, "high": None}}}, "a/b")
    assert caught.value.hint == "1 x no interval: too few people"


@pytest.mark.parametrize("dataset", ["benchmark", "a/b/c", "/b", "a/"])
def test_a_data_set_without_owner_is_refused(dataset: str) -> None:
    with pytest.raises(InvalidInput, match="not owner/name"):
        eval_results({"accuracy": {"MEX": ESTIMATE}}, dataset)


@pytest.mark.parametrize("name", ["", "a/b", "..", "a\\b"])
def test_a_file_name_that_leads_elsewhere_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot name a file"):
        write_eval_results([{"value": 1}], tmp_path, name)
    assert list(tmp_path.iterdir()) == []
