"""Conditions are registered before rewards are seen, cannot change, and are judged one by one."""

import pytest

from pluralign.aligning.passing import judge_conditions, register_conditions
from pluralign.core import DamagedFile, InvalidSettings, Silent
from pluralign.runs.folder import RunFolder
from pluralign.settings.pass_file import read_pass_file

MINE = """
name = "mine"
[[condition]]
metric = "judged_gain"
comparison = ">="
threshold = 0.0
z = 2.0
[[condition]]
metric = "refusals_change"
comparison = "<="
threshold = 0.1
"""


@pytest.fixture
def mine(tmp_path):
    path = tmp_path / "pass.toml"
    path.write_text(MINE)
    return path


def _row(metric, value, half=0.1, steer="MEX", community="MEX", method="dpo"):
    return {
        "metric": metric,
        "method": method,
        "steer": steer,
        "candidates": None,
        "community": community,
        "value": value,
        "low": None if half is None else value - half,
        "high": None if half is None else value + half,
        "n": 50,
    }


PROXY = _row("reward_gain", 0.5)


def _judged(path, rows, tmp_path):
    folder = RunFolder(tmp_path / "run")
    registered = register_conditions(folder, read_pass_file(path), Silent())
    return judge_conditions(registered, rows)


def test_a_condition_is_passed_failed_or_cannot_be_judged(mine, tmp_path):
    rows = [
        *(_row("reward_gain", 0.5, steer=c, community=c) for c in ("MEX", "GBR", "KEN")),
        _row("judged_gain", 0.3),
        _row("refusals_change", 0.02, community=None),
        _row("judged_gain", 0.09, steer="GBR", community="GBR"),
        _row("refusals_change", 0.2, steer="GBR", community=None),
        _row("judged_gain", 0.3, steer="KEN", community="KEN"),
    ]
    policies = _judged(mine, rows, tmp_path)["policies"]
    verdicts = {p["steer"]: [c["verdict"] for c in p["conditions"]] for p in policies}
    assert verdicts == {
        "MEX": ["passed", "passed"],
        "GBR": ["failed", "failed"],  # 0.09 lies less than two standard errors above 0
        "KEN": ["passed", "cannot be judged"],
    }
    assert [p["verdict"] for p in policies] == ["passed", "failed", "cannot be judged"]
    assert policies[2]["conditions"][1]["reason"] == "the results have no refusals_change of it"


def test_the_gain_for_another_community_does_not_count(mine, tmp_path):
    rows = [PROXY, _row("judged_gain", 0.9, community="GBR"), _row("judged_gain", -0.1)]
    (policy,) = _judged(mine, rows, tmp_path)["policies"]
    assert policy["conditions"][0]["value"] == -0.1


def test_a_joint_policy_must_pass_for_every_community(mine, tmp_path):
    rows = [
        _row(metric, value, steer="joint", community=c)
        for metric in ("reward_gain", "judged_gain")
        for value, c in ((0.9, "A"), (0.0, "B"))
    ]
    (policy,) = _judged(mine, rows, tmp_path)["policies"]
    assert policy["conditions"][0]["verdict"] == "failed"
    assert policy["conditions"][0]["community"] == "B"


def test_a_number_without_an_interval_cannot_be_compared_in_standard_errors(mine, tmp_path):
    rows = [PROXY, _row("judged_gain", 0.9, half=None)]
    (policy,) = _judged(mine, rows, tmp_path)["policies"]
    assert policy["conditions"][0]["reason"] == "the number has no interval"


def test_no_difference_without_any_variance_is_not_beyond_two_standard_errors(mine, tmp_path):
    rows = [PROXY, _row("judged_gain", 0.0, half=0.0)]
    (policy,) = _judged(mine, rows, tmp_path)["policies"]
    assert policy["conditions"][0]["verdict"] == "failed"


def test_routers_are_no_policies_to_judge(mine, tmp_path):
    rows = [PROXY, _row("regret", 0.1, steer="centroid", community=None)]
    assert [p["steer"] for p in _judged(mine, rows, tmp_path)["policies"]] == ["MEX"]


@pytest.mark.parametrize(
    ("missing", "needed"),
    [
        ("survey_similarity_change", "evaluate.survey"),
        ("ability_change", "evaluate.ability"),
    ],
)
def test_a_run_without_surveys_or_tasks_cannot_pass_tapestry_and_says_why(
    missing, needed, tmp_path
):
    rows = [PROXY, _row("refusals_change", 0.0, community=None)]
    (policy,) = _judged("tapestry", rows, tmp_path)["policies"]
    by_metric = {c["metric"]: c for c in policy["conditions"]}
    assert needed in by_metric[missing]["reason"]
    assert by_metric["refusals_change"]["verdict"] == "passed"
    assert policy["verdict"] == "cannot be judged"


def test_changed_conditions_are_refused_and_the_same_ones_are_not(mine, tmp_path):
    folder = RunFolder(tmp_path / "run")
    first = register_conditions(folder, read_pass_file(mine), Silent())
    assert register_conditions(folder, read_pass_file(mine), Silent()) == first
    assert register_conditions(folder, None, Silent()) == first
    mine.write_text(MINE.replace("0.1", "0.3"))
    with pytest.raises(InvalidSettings, match="changed since they were registered") as caught:
        register_conditions(folder, read_pass_file(mine), Silent())
    assert first["digest"] in caught.value.what


def test_conditions_that_come_after_the_rewards_are_refused(mine, tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.write_rows("score/rewards.jsonl", [])
    with pytest.raises(InvalidSettings, match="before the answers have rewards"):
        register_conditions(folder, read_pass_file(mine), Silent())
    assert not (tmp_path / "run/registered.json").exists()


def test_registered_conditions_that_were_edited_stop_the_run(mine, tmp_path):
    folder = RunFolder(tmp_path / "run")
    register_conditions(folder, read_pass_file(mine), Silent())
    path = tmp_path / "run/registered.json"
    path.write_text(path.read_text().replace('"threshold": 0.0', '"threshold": -9.0'))
    with pytest.raises(DamagedFile, match="altered"):
        register_conditions(folder, read_pass_file(mine), Silent())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('name = "x"\ncondition = []', "at least one table"),
        ('name = "x"\n[[condition]]\nmetric = "kl"\nthreshold = 1', "comparison"),
        (MINE + "thresh = 1\n", "thresh"),
    ],
)
def test_a_file_that_is_not_valid_is_refused_with_the_place(text, message, tmp_path):
    path = tmp_path / "pass.toml"
    path.write_text(text)
    with pytest.raises(InvalidSettings, match=message):
        read_pass_file(path)
