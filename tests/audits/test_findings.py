"""The rule that makes a number a finding, and what a finding says."""

import json

import pytest

from pluralign.audits import (
    BUILT_IN,
    EVIDENCE_KINDS,
    SIMPLIFICATION,
    Audit,
    Check,
    Context,
    Evidence,
    EvidenceKind,
    Finding,
    Measured,
    Rows,
    Sentence,
    Share,
    Skipped,
    Threshold,
    run_audits,
    with_thresholds,
)
from pluralign.audits.checks import severity_of
from pluralign.core import Estimate, InvalidSettings, Survey

LIMIT = Threshold(0.2, 0.4, "a reason")


def measured(value: float, error: float, **more: object) -> Measured:
    numbers = {"lost": Estimate(value, None, None, 10)}
    claim = Sentence("{share} is lost.", {"share": Share(value)})
    return Measured("m", "MEX", value, error, numbers, claim, Rows("answers", 10), "look", **more)  # type: ignore[arg-type]


def audit_of(*results: Measured | Skipped, reads: tuple[EvidenceKind, ...] = ()) -> Audit:
    check = Check("one", "Is it?", lambda e, c: results, LIMIT, "cause", "remedy", reads)
    return Audit("mine", "", (check,))


@pytest.mark.parametrize(
    ("value", "error", "severity"),
    [
        (0.6, 0.05, "risk"),
        (0.45, 0.05, "concern"),
        (0.25, 0.05, "note"),
        (0.15, 0.0, None),
        (0.5, float("inf"), "note"),
    ],
)
def test_a_number_is_as_grave_as_its_interval_allows(
    value: float, error: float, severity: str | None
) -> None:
    assert severity_of(measured(value, error), LIMIT, 1) == severity


def test_where_small_numbers_are_the_bad_ones_the_rule_is_turned_round() -> None:
    few = Threshold(30, 10, "", below=True)

    assert [severity_of(measured(v, 0.0), few, 1) for v in (5, 20, 30, 40)] == [
        "risk",
        "concern",
        None,
        None,
    ]


def test_more_tests_make_a_finding_harder() -> None:
    assert [severity_of(measured(0.3, 0.04), LIMIT, tests) for tests in (1, 10)] == [
        "concern",
        "note",
    ]


def test_a_number_picked_as_the_largest_of_many_counts_as_many_tests() -> None:
    findings, _ = audit_of(measured(0.3, 0.04, picked_of=10))(Evidence())

    assert [f.severity for f in findings] == ["note"]


def test_an_audit_that_lacks_evidence_reports_it_and_finds_nothing() -> None:
    findings, (assessment,) = audit_of(Skipped("nobody was asked", "answers"))(Evidence())

    assert (findings, assessment.status, assessment.reasons) == (
        [],
        "not assessed",
        ("nobody was asked; needs answers",),
    )


def test_a_check_does_not_apply_where_there_is_no_evidence_of_the_kinds_it_reads() -> None:
    audit = audit_of(Skipped("no pairs"), reads=("pairs", "surveys"))
    few = Survey("ours", {}, ())

    def absent(evidence: Evidence) -> tuple[str, ...]:
        _, (assessment,) = audit(evidence)
        assert assessment.applies == (not assessment.absent)
        return assessment.absent

    assert absent(Evidence()) == ("pairs", "surveys")
    assert absent(Evidence(other_surveys=[few])) == ()
    assert absent(Evidence(missing=("the pairs of the run cannot be read",))) == ()


def test_every_check_of_ours_names_the_evidence_it_reads() -> None:
    _, assessments = run_audits(BUILT_IN, Evidence())

    assert not any(a.applies for a in assessments)
    assert {kind for a in assessments for kind in a.absent} == set(EVIDENCE_KINDS)


def test_a_note_alone_leaves_a_check_clear() -> None:
    _, (assessment,) = audit_of(measured(0.25, 0.1))(Evidence())

    assert (assessment.status, assessment.found) == ("clear", 1)


def test_every_audit_of_nothing_is_not_assessed() -> None:
    findings, assessments = run_audits([SIMPLIFICATION], Evidence(), Context())

    assert not findings
    assert {a.status for a in assessments} == {"not assessed"}
    assert all(a.reasons for a in assessments)


def test_a_finding_comes_back_from_json_as_it_was() -> None:
    (finding,), _ = audit_of(measured(0.6, 0.01))(Evidence())

    assert Finding.from_dict(json.loads(json.dumps(finding.as_dict()))) == finding
    assert str(finding.claim) == "60 % is lost."


def test_thresholds_can_be_set_for_one_check() -> None:
    (audit,) = with_thresholds(
        [audit_of(measured(0.25, 0.01))], {"mine": {"one": {"concern": 0.1}}}
    )

    assert [f.severity for f in audit(Evidence())[0]] == ["concern"]


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({"yours": {}}, "yours"),
        ({"mine": {"two": {"concern": 1}}}, "mine.two"),
        ({"mine": {"one": {"limit": 1}}}, "mine.one.limit"),
        ({"mine": {"one": {"risk": "high"}}}, "mine.one.risk"),
    ],
)
def test_a_threshold_that_does_not_fit_is_refused_by_name(given: dict, where: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(InvalidSettings, match=where):
        with_thresholds([audit_of()], given)
