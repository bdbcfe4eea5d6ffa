"""A report on policies opens with the communities that gained and lost, and what is real of it."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.reports.folders import policy_row, write_object, write_policies

from pluralign.core import InvalidSettings
from pluralign.languages import Speech
from pluralign.reports import Choice, community_page, page_of, read_run
from pluralign.reports.choosing import chosen_runs
from pluralign.reports.data import Page, Section

PASS = {
    "name": "tapestry",
    "digest": "abcdef",
    "registered": "2026-01-01T00:00:00+00:00",
    "policies": [
        {
            "method": "raft",
            "steer": "MEX",
            "candidates": None,
            "verdict": "failed",
            "conditions": [
                {"name": "gains", "verdict": "passed", "value": 0.3, "low": 0.2, "high": 0.4},
                {"name": "keeps its ability", "verdict": "cannot be judged", "value": None},
            ],
        }
    ],
}


def page(*folders: Path, choice: Choice | None = None) -> Page:
    runs = [read_run(folder) for folder in folders]
    return page_of(chosen_runs(runs, choice or Choice()), Speech(), choice=choice)


def section(found: Page, id_: str) -> Section:
    return next(part for part in found.sections if part.id == id_)


def rows(found: Page, id_: str, table: str) -> list[dict[str, Any]]:
    part = section(found, id_)
    tables = [*part.leading, *part.tables, *(figure.table for figure in part.figures)]
    return [dict(row) for one in tables if one.name == table for row in one.rows]


def test_it_opens_with_who_gained_whether_it_is_real_and_who_lost(tmp_path: Path) -> None:
    gained, real, lost = page(write_policies(tmp_path)).advice[:3]
    assert gained.startswith("Every community gains by best of 8, by the judge")
    assert "Mexico +0.60 [+0.50 to +0.70]" in gained
    assert "+1.20 [+1.10 to +1.30] by the reward model" in real
    assert "but +0.60 [+0.50 to +0.70] by the judge" in real
    assert "lose under policies of others in 6 cases" in lost


def test_a_blend_follows_each_of_its_communities(tmp_path: Path) -> None:
    """What it costs one of them is no loss under the policy of others."""
    about = {"steer": "MEX=0.6,GBR=0.4", "community": "GBR"}
    worse = [policy_row(m, "raft+weights", -5.0, **about) for m in ("reward_gain", "judged_gain")]
    found = page(write_policies(tmp_path, extra=worse))
    assert "lose under policies of others in 6 cases" in found.advice[2]


def test_a_judge_that_confirms_nothing_leaves_no_gain(tmp_path: Path) -> None:
    found = page(write_policies(tmp_path, judged=0.0, tuned=()))
    assert found.advice[0].startswith("No community is shown to gain by best of 8")
    assert "error of the reward model" in found.advice[1]
    assert "No policy was trained" in " ".join(found.summary)


def test_a_missing_judge_is_the_first_thing_to_read(tmp_path: Path) -> None:
    found = page(write_policies(tmp_path, ["MEX"], judged=None, tuned=()))
    assert found.advice[0].startswith("No judge measured these gains.")
    assert "by the reward model that is followed" in found.advice[1]
    assert found.advice[2] == "No community is shown to lose under the policy of another one."
    (row,) = rows(found, "policies", "policies")
    assert row["judged_value"] is None and row["kl"] == pytest.approx(1.204)


def test_planted_tastes_are_believed_before_the_judge(tmp_path: Path) -> None:
    about = {"steer": "MEX", "community": "MEX", "candidates": 8, "kl_bound": 1.204}
    truth = policy_row("true_gain", "best-of-n", 0.8, **about)
    found = page(write_policies(tmp_path, ["MEX"], tuned=(), extra=[truth]))
    assert "by the planted tastes (the truth): Mexico +0.80" in found.advice[0]
    (row,) = rows(found, "policies", "policies")
    assert (row["proxy_value"], row["judged_value"], row["true_value"]) == pytest.approx(
        (1.204, 0.602, 0.8)
    )


def test_the_prompts_and_the_people_behind_the_numbers_are_named(tmp_path: Path) -> None:
    summary = " ".join(page(write_policies(tmp_path)).summary)
    assert "writer answered 200 prompts. Gains are measured on 40 of them" in summary
    assert "People behind the reward model that is followed: 40." in summary
    assert "nobody has read these answers" in summary


def test_every_figure_has_words_and_its_numbers(tmp_path: Path) -> None:
    part = section(page(write_policies(tmp_path)), "policies")
    names = [figure.name for figure in part.figures]
    assert names == [
        "gain-1", "gain-1-1", "choices", "who-gains-1", "who-gains-1-1", "who-gains-1-2", "kl",
        "length-ratio",
    ]  # fmt: skip
    for figure in part.figures:
        assert len(figure.about) > 30 and figure.table.rows
        assert figure.spec != figure.narrow


def test_the_furthest_point_and_the_fitted_curve_are_in_words(tmp_path: Path) -> None:
    part = section(page(write_policies(tmp_path)), "policies")
    about = part.figures[0].about
    assert "best of 8 gains +1.20 [+1.10 to +1.30] by the reward model" in about
    assert "d (a - b d)" in about and "Gao et al. 2022" in about
    drawn = json.dumps(part.figures[0].spec)
    assert '"kind": "curve"' in drawn and '"kind": "policy"' in drawn


def test_best_of_n_stands_beside_its_known_bounds(tmp_path: Path) -> None:
    found = rows(page(write_policies(tmp_path)), "policies", "bounds")
    assert [(row["n"], row["kl"]) for row in found] == [(2, 0.193), (4, 0.636), (8, 1.204)]
    assert [round(row["wins"], 3) for row in found] == [0.667, 0.8, 0.889]


def test_numbers_that_no_section_knows_are_in_a_table_of_their_own(tmp_path: Path) -> None:
    extra = [
        policy_row("refusals", "raft", 0.1, steer="MEX"),
        policy_row("regret", "raft", 0.2, steer="logistic"),
        policy_row("survey_similarity", "raft", 0.7, steer="MEX"),
        policy_row("ability", "raft", 0.5, steer="MEX", task="mmlu"),
        policy_row("never_seen", None, 0.3),
    ]
    found = page(write_policies(tmp_path, extra=extra))
    for subject, metric in (
        ("answers", "refusals"), ("routing", "regret"), ("surveys", "survey_similarity"),
        ("ability", "ability"), ("other", "never_seen"),
    ):  # fmt: skip
        (row,) = rows(found, "policy-measurements", f"measured-{subject}")
        assert row["metric"] == metric
    (routed,) = rows(found, "policy-measurements", "measured-routing")
    assert routed["steer_name"] == "logistic"
    (able,) = rows(found, "policy-measurements", "measured-ability")
    assert able["label"] == "ability · mmlu"


def test_conditions_that_were_set_before_are_shown_with_their_verdicts(tmp_path: Path) -> None:
    folder = write_policies(tmp_path)
    assert "conditions" not in [part.id for part in page(folder).sections]
    write_object(folder / "pass.json", PASS)
    found = page(folder)
    shown = rows(found, "conditions", "conditions")
    assert [(row["condition"], row["verdict"]) for row in shown] == [
        ("gains", "passed"),
        ("keeps its ability", "cannot be judged"),
    ]
    assert shown[0]["policy"] == "raft · Mexico"
    assert "0 of 1" in " ".join(found.summary)


def test_a_pass_file_of_another_form_does_not_stop_the_page(tmp_path: Path) -> None:
    write_object(write_policies(tmp_path) / "pass.json", {"verdict": "fine"})
    assert section(page(tmp_path), "conditions").empty == "No policy was judged by them."


def test_two_runs_stand_side_by_side(tmp_path: Path) -> None:
    one = write_policies(tmp_path / "one", record={"name": "one"})
    two = write_policies(tmp_path / "two", judged=None, tuned=(), record={"name": "two"})
    found = page(one, two)
    table = rows(found, "policies", "policies")
    assert [row["run"] for row in table if row["policy"] == "best of 8"] == ["one", "two"] * 2
    assert any(line.startswith("two: No judge") for line in found.advice)


def test_a_choice_of_communities_and_methods_limits_the_page(tmp_path: Path) -> None:
    folder = write_policies(tmp_path)
    found = page(folder, choice=Choice(communities=("MEX",), methods=("raft",)))
    assert [(r["community"], r["policy"]) for r in rows(found, "policies", "policies")] == [
        ("MEX", "raft")
    ]
    with pytest.raises(InvalidSettings, match="grpo"):
        page(folder, choice=Choice(methods=("grpo",)))


def test_a_community_has_a_page_with_what_it_gained(tmp_path: Path) -> None:
    found = community_page([read_run(write_policies(tmp_path))], "MEX", Speech())
    assert "best of 8: +0.60 [+0.50 to +0.70] by the judge" in found.summary[0]
