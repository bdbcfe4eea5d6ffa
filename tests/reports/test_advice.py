"""A page opens with at most three lines for each run that a reader can act on."""

import re
from pathlib import Path

from tests.reports.folders import (
    finding_row,
    reward_row,
    write_audit,
    write_lines,
    write_rewards,
    write_survey,
)

from pluralign.languages import Speech
from pluralign.reports import read_run
from pluralign.reports.advice import advice, advice_on

EN = Speech()
OWN = {"MEX": 0.6, "EGY": 0.55, "BRA": 0.7}
AWARE = "culture_aware"
SCORES = {("m", AWARE): {"MEX": 60.0, "EGY": 70.0}, ("n", AWARE): {"MEX": 50.0, "EGY": 40.0}}
TAKEN_FOR = (
    "What {subject} answers in the name of {community} are rather the answers of {other}: they are "
    "nearer to them by {amount} points."
)


def taken_for(
    subject: str, community: str, amount: float, severity: str = "risk"
) -> dict[str, object]:
    values = {
        "subject": subject,
        "community": {"place": community},
        "other": {"place": "USA"},
        "amount": {"amount": amount},
    }
    ends = {"low": amount - 3, "high": amount + 3}
    number = {"name": "nearer_by", "value": amount, "n": 200, "n_raters": None} | ends
    return finding_row(
        community,
        severity,
        audit="misidentification",
        check="other-people",
        subject=subject,
        template=TAKEN_FOR,
        values=values,
        numbers=[number],
    )


def test_a_model_is_not_to_speak_for_a_people_that_it_takes_for_another(tmp_path: Path) -> None:
    folder = write_survey(tmp_path / "run", SCORES)
    rows = [
        taken_for(f"m · {AWARE}", "MEX", 15.0),
        taken_for(f"m · {AWARE}", "BRA", 12.0),
        taken_for(f"n · {AWARE}", "MEX", 13.0),
        taken_for(f"n · {AWARE}", "EGY", 8.0, "concern"),
    ]
    write_audit(folder / "audit", rows)
    lines = advice([read_run(folder)], EN)
    assert lines[0].startswith("Prefer m among the models that answered for the same communities")
    assert re.search(r"furthest from those of \w+ \([\d.]+ \[[\d.]+ to [\d.]+\]\)\.$", lines[0])
    assert lines[1] == (
        "Do not use m to speak for Brazil and Mexico: its answers are those of another people "
        "(United States). The same is found for: n (Mexico)."
    )
    assert len(lines) <= 3


def test_no_model_is_preferred_where_the_intervals_of_the_first_two_overlap(tmp_path: Path) -> None:
    near = {("m", AWARE): {"MEX": 60.0, "EGY": 70.0}, ("n", AWARE): {"MEX": 59.0, "EGY": 70.0}}
    line = advice([read_run(write_survey(tmp_path / "run", near))], EN)[0]
    assert line.startswith("m comes nearest to the people among the models")
    assert "the interval of n overlaps: their order may be due to chance" in line


def steered_run(folder: Path, gain: float) -> Path:
    """A run whose method is right on 60 %, with a gain whose interval is 5 points each way."""
    write_rewards(folder, OWN)
    write_lines(
        folder / "summary.jsonl", [reward_row("scpo", "own", None, 0.6, aggregate="average")]
    )
    line = reward_row("scpo", "own", None, gain, baseline="reference")
    write_lines(folder / "comparisons.jsonl", [line])
    return folder


def test_a_method_that_is_shown_to_help_is_to_be_used_and_its_weakest_community_checked(
    tmp_path: Path,
) -> None:
    use, check, audit = advice([read_run(steered_run(tmp_path / "run", 0.1))], EN)
    assert use == (
        "Use scpo: it predicts 60.0% [55.0% to 65.0%] of the choices correctly, on average over "
        "communities, 10.0 [5.0 to 15.0] points more than the model that steering starts from."
    )
    assert check.startswith("Check Egypt first: the result of scpo is worst for its people (55.0%")
    assert audit.startswith("Run `pluralign audit`")


def test_a_method_that_is_shown_to_harm_is_not_to_be_used(tmp_path: Path) -> None:
    line = advice([read_run(steered_run(tmp_path / "run", -0.1))], EN)[0]
    assert line.startswith("Do not use scpo: it predicts 60.0%")
    assert "10.0 [5.0 to 15.0] points less" in line


def test_a_difference_that_may_be_chance_is_no_advice_for_or_against(tmp_path: Path) -> None:
    for gain in (0.03, -0.03):
        line = advice([read_run(steered_run(tmp_path / str(gain), gain))], EN)[0]
        assert line.startswith("It is not shown that scpo helps: it predicts 60.0%")
        assert line.endswith("points, may be due to chance.")


def test_findings_on_ablations_are_no_advice(tmp_path: Path) -> None:
    folder = write_rewards(tmp_path / "run", OWN)
    write_audit(folder / "audit", [finding_row("MEX", subject="scpo-filter-only")])
    assert not [
        line for line in advice_on(read_run(folder), EN) if "Mexico" in line and "7" in line
    ]


def test_an_audit_alone_advises_its_gravest_claims_with_remedies(tmp_path: Path) -> None:
    rows = [finding_row("MEX", "note"), finding_row("EGY", "concern"), finding_row("BRA", "risk")]
    first, second = advice([read_run(write_audit(tmp_path / "a", rows))], EN)
    assert "Brazil" in first
    assert first.endswith(rows[2]["remedies"])
    assert "Egypt" in second


def test_lines_of_several_runs_begin_with_their_names(tmp_path: Path) -> None:
    runs = [
        read_run(write_rewards(tmp_path / "a", OWN)),
        read_run(write_survey(tmp_path / "answers", SCORES)),
    ]
    lines = advice(runs, EN)
    assert {line.partition(":")[0] for line in lines} == {"tastes", runs[1].name}
    assert len(lines) <= 6
