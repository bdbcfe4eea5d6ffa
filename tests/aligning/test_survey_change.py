"""Survey answers before and after, with policies whose answers are planted; ability by lm-eval."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from pluralign.aligning import ability_change, survey_change
from pluralign.aligning.ability_change import ability_rows
from pluralign.aligning.result_rows import MeasuredPolicy
from pluralign.aligning.survey_change import check_survey, survey_rows
from pluralign.core import InvalidSettings, Silent
from pluralign.respondents.called import CalledRespondent
from pluralign.runs.folder import RunFolder
from pluralign.settings import resolve_survey
from pluralign.simulation import SimulatedRespondent

HOMES = ("~coast", "~hill")
SURVEY = {
    "survey": {"source": "society_survey", "questions": 60},
    "strategies": ["culture_unaware"],
    "model": {"kind": "simulated"},
    "evaluate": {"draws": 150},
}


def _work(tmp_path, communities=HOMES, survey=SURVEY, **evaluate):
    folder = RunFolder(tmp_path / "run")
    return SimpleNamespace(
        communities=communities,
        settings=SimpleNamespace(
            evaluate=SimpleNamespace(**evaluate),
            model=SimpleNamespace(name="m", device=None, revision=None),
        ),
        folder=folder,
        stage_folder=lambda stage: folder.path / stage,
        reporter=Silent(),
        survey=resolve_survey(survey),
    )


def _policies(work):
    for home in HOMES:
        policy = MeasuredPolicy("raft", home)
        yield SimpleNamespace(measured=policy, label=f"raft/{home}"), Path(f"tune/raft/{home}")


@pytest.fixture
def planted(monkeypatch):
    """The start model answers as the coast; the policies as ``{home: community}`` says."""

    def plant(answers):
        def opened(work, asked, one):
            culture = answers.get(one.policy.steer, "~coast")
            truth = asked.people
            inner = SimulatedRespondent(truth, default_culture=culture, knowledge=0.0, seed=0)
            return CalledRespondent(inner, one.label)

        monkeypatch.setattr(survey_change, "_open", opened)
        monkeypatch.setattr(survey_change, "policies", _policies)

    return plant


def _by(rows, metric):
    return {(row["steer"], row["community"]): row for row in rows if row["metric"] == metric}


def test_a_policy_that_answers_as_its_people_moves_towards_them_and_the_other_does_not(
    planted, tmp_path
):
    planted({"~hill": "~hill", "~coast": "~coast"})
    rows = survey_rows(_work(tmp_path))
    change = _by(rows, "survey_similarity_change")
    assert change["~hill", "~hill"]["low"] > 0.05
    assert change["~hill", "~coast"]["high"] < 0
    assert change["~coast", "~coast"]["value"] == pytest.approx(0)  # the start answers so already
    swap = _by(rows, "survey_similarity_over_swap")
    for home in HOMES:
        assert swap[home, home]["low"] > 0.05
        assert swap[home, home]["against"] != home
    before, after = (
        {(r["method"], r["steer"]): r["value"] for r in rows if r["metric"] == "survey_similarity"
         and r["community"] == "~hill"}[who]
        for who in (("start", None), ("raft", "~hill"))
    )  # fmt: skip
    assert after - before == pytest.approx(change["~hill", "~hill"]["value"], abs=0.02)
    assert change["~hill", "~hill"]["n"] == 60


def test_policies_that_all_answer_alike_have_no_swap_difference(planted, tmp_path):
    planted({"~hill": "~hill", "~coast": "~hill"})
    swap = _by(survey_rows(_work(tmp_path)), "survey_similarity_over_swap")
    assert [row["value"] for row in swap.values()] == pytest.approx([0, 0])


def test_answers_are_kept_and_other_questions_are_asked_anew(planted, tmp_path):
    planted({"~hill": "~hill", "~coast": "~coast"})
    first = survey_rows(_work(tmp_path))
    files = sorted((tmp_path / "run/evaluate/survey").glob("*.asked.jsonl"))
    when = [path.stat().st_mtime_ns for path in files]
    assert survey_rows(_work(tmp_path)) == first
    assert [path.stat().st_mtime_ns for path in files] == when
    fewer = _work(tmp_path, survey=SURVEY | {"limit": 20})
    assert {row["n"] for row in survey_rows(fewer)} == {20}


def test_a_survey_without_the_communities_is_refused_before_anything_runs(tmp_path):
    with pytest.raises(InvalidSettings, match="people of none of the communities") as caught:
        check_survey(_work(tmp_path, communities=("MEX",)))
    assert "the run follows MEX" in caught.value.hint


def test_a_fall_of_ability_is_reported_for_each_task_with_its_interval(monkeypatch, tmp_path):
    def measured(model, adapter, wanted, out):
        value = 0.8 if adapter is None or adapter.name == "~coast" else 0.5
        shared = {"low": value - 0.05, "high": value + 0.05, "n": 200}
        return [
            {"task": task, "metric": "acc", "value": value} | shared
            for task in ("mmlu", "mmlu_law")
        ]

    monkeypatch.setattr(ability_change, "run_lm_eval", measured)
    monkeypatch.setattr(ability_change, "policies", _policies)
    options = {"ability_path": None, "ability_limit": None, "ability_chat": False}
    rows = ability_rows(_work(tmp_path, ability=("mmlu",), **options))
    change = {row["steer"]: row for row in rows if row["metric"] == "ability_change"}
    assert change["~hill"]["value"] == pytest.approx(-0.3)
    assert change["~hill"]["high"] == pytest.approx(-0.3 + 0.05 * 2**0.5)
    assert change["~coast"]["value"] == 0
    assert {row["task"] for row in rows} == {"mmlu: acc"}  # the parts of a group are left out
