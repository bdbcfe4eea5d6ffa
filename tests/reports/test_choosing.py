"""A report of some models, communities or methods shows nothing of the others."""

from pathlib import Path

import pytest
from tests.reports.folders import (
    finding_row,
    people_row,
    write_audit,
    write_rewards,
    write_survey,
)

from pluralign.core import InvalidSettings
from pluralign.languages import Speech
from pluralign.reports import Choice, ReportOptions, Run, page_of, read_run, write_report
from pluralign.reports.choosing import chosen_runs

EN = Speech()
OWN = {"MEX": 0.6, "EGY": 0.55, "BRA": 0.7}
AWARE = "culture_aware"
SCORES = {("m", AWARE): {"MEX": 60.0, "EGY": 70.0}, ("n", AWARE): {"MEX": 50.0, "EGY": 40.0}}


@pytest.fixture
def rewards(tmp_path: Path) -> Run:
    folder = write_rewards(tmp_path / "rewards", OWN, matrix=True)
    found = [finding_row(c) for c in OWN]
    found += [
        finding_row("MEX", audit="reward-bias", check="harm", subject=s)
        for s in ("scpo", "reference")
    ]
    write_audit(folder / "audit", found, [people_row(c) for c in OWN])
    return read_run(folder)


@pytest.fixture
def survey(tmp_path: Path) -> Run:
    folder = write_survey(tmp_path / "survey", SCORES)
    alike = {"audit": "simplification", "check": "alike", "subject": f"m · {AWARE}"}
    write_audit(folder / "audit", [finding_row(None, **alike), finding_row("MEX")])
    return read_run(folder)


def test_no_choice_changes_nothing(rewards: Run, survey: Run) -> None:
    assert chosen_runs([rewards, survey], Choice()) == [rewards, survey]


def test_a_model_shows_its_own_rows_and_findings(survey: Run) -> None:
    [run] = chosen_runs([survey], Choice(models=("n",)))
    assert {r.model.removeprefix("people: ") for r in run.results} == {"n"}
    assert [f.subject for f in run.findings] == ["votes"], "what concerns the data of all stays"


def test_a_community_shows_its_own_numbers_and_no_average_over_all(rewards: Run) -> None:
    [run] = chosen_runs([rewards], Choice(communities=("MEX",)))
    assert {(r.community, r.steer) for r in run.results} == {("MEX", None), ("MEX", "MEX")}
    assert (run.summary, run.curves) == ([], [])
    assert {f.community for f in run.findings} == {"MEX"}
    assert [p.community for p in run.participation] == ["MEX"]
    assert list(run.record["people"]) == ["MEX"]


def test_a_method_is_shown_next_to_the_reference(rewards: Run) -> None:
    [run] = chosen_runs([rewards], Choice(methods=("scpo",)))
    assert {r.method for r in run.results} == {"scpo", "reference"}
    assert {f.subject for f in run.findings} == {"votes", "scpo"}


@pytest.mark.parametrize(
    ("choice", "option", "there"),
    [
        (Choice(models=("gpt",)), "--model", "m, n"),
        (Choice(communities=("KEN",)), "--community", "BRA, EGY, MEX"),
        (Choice(methods=("best",)), "--method", "reference, scpo"),
    ],
)
def test_a_name_that_no_run_has_is_refused(
    rewards: Run, survey: Run, choice: Choice, option: str, there: str
) -> None:
    with pytest.raises(InvalidSettings) as caught:
        chosen_runs([rewards, survey], choice)
    assert caught.value.where == option
    assert caught.value.hint == f"there is {there}"


@pytest.mark.parametrize("community", ["MEX", "EGY"])
def test_the_page_of_a_choice_names_it_and_nothing_else(
    tmp_path: Path, rewards: Run, survey: Run, community: str
) -> None:
    choice = Choice(communities=(community,))
    page = page_of(chosen_runs([rewards, survey], choice), EN, choice=choice)
    assert f"Only these are shown: {EN.place(community)}." in page.runs
    others = {EN.place(c) for c in OWN} - {EN.place(community)}
    for section in page.sections:
        for table in [*section.tables, *(figure.table for figure in section.figures)]:
            cells = {c.text(row) for c in table.columns for row in table.rows}
            assert not cells & others, table.name


def test_the_report_of_a_choice_is_written(tmp_path: Path) -> None:
    folder = write_survey(tmp_path / "run", SCORES)
    wanted = ReportOptions(interactive=False, choice=Choice(models=("n",)))
    [written] = write_report([folder], tmp_path / "a.html", wanted)
    html = written.read_text(encoding="utf-8")
    assert f"n · {AWARE}" in html
    assert f"m · {AWARE}" not in html
