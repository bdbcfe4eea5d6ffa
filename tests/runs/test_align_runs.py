"""A finished run of ``pluralign align`` is opened as typed rows, answers and adapters."""

import json
from pathlib import Path

import pytest
from tests.reports.folders import policy_row, write_lines, write_object, write_policies

from pluralign.core import DamagedFile, NotEnoughData
from pluralign.runs import AlignRun, PolicyRow, join_runs, open_run


def opened(folder: Path) -> AlignRun:
    found = open_run(folder)
    assert isinstance(found, AlignRun)
    return found


def test_its_rows_are_those_of_the_file(tmp_path: Path) -> None:
    run = opened(write_policies(tmp_path))
    lines = (tmp_path / "results.jsonl").read_text().splitlines()
    assert [row.value for row in run.results] == [json.loads(line)["value"] for line in lines]
    assert {type(row) for row in run.results} == {PolicyRow}
    assert (run.name, run.communities, run.has_judge) == ("follow", ["MEX", "GBR"], True)
    assert run.policies == [("raft", "MEX"), ("raft", "GBR"), ("dpo", "MEX"), ("dpo", "GBR")]


def test_a_number_can_be_asked_for(tmp_path: Path) -> None:
    run = opened(write_policies(tmp_path))
    best = run.value("judged_gain", "best-of-n", "MEX", "MEX", 8)
    assert best is not None
    assert best.value == pytest.approx(0.602)
    assert run.value("judged_gain", "best-of-n", "MEX", "MEX", 16) is None
    length = run.value("length_ratio", "dpo", "GBR")
    assert length is not None and length.value == 1.2


def test_curves_are_choices_among_answers_and_the_matrix_takes_the_most_of_them(
    tmp_path: Path,
) -> None:
    run = opened(write_policies(tmp_path))
    assert {row.method for row in run.curves} == {"best-of-n", "longest", "shortest"}
    assert {row.candidates for row in run.matrix()} == {8}
    assert {(row.steer, row.community) for row in run.matrix("raft")} == {
        (steer, community) for steer in run.communities for community in run.communities
    }
    assert {row.metric for row in run.matrix()} == {"judged_gain"}
    assert {row.metric for row in run.matrix("raft", "reward_gain")} == {"reward_gain"}


def test_it_is_shown_with_its_gains_and_a_missing_judge_is_named(tmp_path: Path) -> None:
    judged = repr(opened(write_policies(tmp_path / "judged")))
    assert "with a judge" in judged
    assert "best of 8 MEX 1.20 [1.10, 1.30]" in " ".join(judged.split())
    alone = opened(write_policies(tmp_path / "alone", ["MEX"], judged=None, tuned=()))
    assert "WITHOUT A JUDGE" in repr(alone)
    assert "WITHOUT A JUDGE" in alone._repr_html_()
    assert alone.policies == [] and not alone.adapters


def test_answers_have_their_rewards(tmp_path: Path) -> None:
    write_policies(tmp_path, ["MEX"], tuned=["raft"])
    (tmp_path / "tune/raft/MEX").mkdir(parents=True)
    write_lines(
        tmp_path / "sample/candidates.jsonl", [{"prompt": "p", "number": 0, "text": "Tea."}]
    )
    scored = {"prompt": "p", "number": 0, "reward": {"MEX": 0.5}, "judged": {"MEX": 0.1}}
    write_lines(tmp_path / "score/rewards.jsonl", [scored])
    write_lines(tmp_path / "evaluate/raft/MEX.jsonl", [{"prompt": "p", "texts": ["No.", ""]}])
    empty = {"prompt": "p", "number": 1, "reward": {"MEX": None}}
    write_lines(tmp_path / "evaluate/raft/MEX.rewards.jsonl", [scored, empty])
    run = opened(tmp_path)
    assert dict(run.adapters) == {("raft", "MEX"): tmp_path / "tune/raft/MEX"}
    assert [(a.method, a.steer, a.text, a.reward) for a in run.answers] == [
        ("start", None, "Tea.", {"MEX": 0.5}),
        ("raft", "MEX", "No.", {"MEX": 0.5}),
        ("raft", "MEX", "", {"MEX": None}),
    ]
    assert run.to_arrow("answers").column("text").to_pylist() == ["Tea.", "No.", ""]


def test_a_damaged_row_is_refused_by_its_line(tmp_path: Path) -> None:
    write_policies(tmp_path, extra=[{"metric": "kl", "value": "much", "n": 3}])
    with pytest.raises(DamagedFile, match=r"results.jsonl:\d+"):
        _ = opened(tmp_path).results
    write_policies(tmp_path / "answers")
    write_lines(tmp_path / "answers/sample/candidates.jsonl", [{"prompt": "p"}])
    write_lines(tmp_path / "answers/score/rewards.jsonl", [])
    with pytest.raises(DamagedFile, match="number, text missing"):
        _ = opened(tmp_path / "answers").answers


def test_metrics_that_this_version_does_not_know_are_kept(tmp_path: Path) -> None:
    extra = policy_row("something_new", None, 0.25, mode="auto")
    run = opened(write_policies(tmp_path, extra=[extra]))
    assert run.results[-1].metric == "something_new"


def test_conditions_that_were_set_before_are_read(tmp_path: Path) -> None:
    run = opened(write_policies(tmp_path))
    assert run.pass_file is None
    write_object(tmp_path / "pass.json", {"passed": True})
    assert run.pass_file == {"passed": True}


def test_runs_are_joined_with_their_names(tmp_path: Path) -> None:
    one, two = (write_policies(tmp_path / name, ["MEX"], tuned=()) for name in ("one", "two"))
    table = join_runs([one, two])
    assert table.num_rows == 2 * len(opened(one).results)
    assert table.column_names[:3] == ["run", "folder", "metric"]


def test_charts_show_what_was_measured(tmp_path: Path) -> None:
    run = opened(write_policies(tmp_path))
    shown = json.dumps(run.plot.gains("MEX", fit=True).to_dict())
    assert "best of 8: +1.20 [+1.10 to +1.30]" in shown
    assert "raft: +0.30 [+0.20 to +0.40]" in shown
    assert "longest answer" in json.dumps(run.plot.choices("MEX").to_dict())
    assert "-0.30 [-0.40 to -0.20]" in json.dumps(run.plot.matrix("dpo").to_dict())
    with pytest.raises(NotEnoughData, match="measured nothing"):
        run.plot.matrix("grpo")
