"""Each audit finds the fault planted for it, no other does; a sound society raises no alarm."""

from dataclasses import replace

import pytest

from pluralign.audits import BUILT_IN, Context, Evidence, Finding, run_audits
from pluralign.audits.planted import FAULTS, Fault, Planted, little_known, sound

CASES = [(audit, check, fault) for (audit, check), faults in FAULTS.items() for fault in faults]

OF_POLICIES = ("reward-hacking", "policy-flattening", "policy-harm", "reward-perturbations")


@pytest.fixture(scope="module")
def society() -> Planted:
    return sound(0)


def alarms(evidence: Evidence) -> list[Finding]:
    findings, _ = run_audits(BUILT_IN, evidence, Context(seed=1, draws=300))
    return [f for f in findings if f.severity != "note"]


@pytest.mark.parametrize(
    ("audit", "check", "fault"), CASES, ids=[f"{c}-{f.__name__}" for _, c, f in CASES]
)
def test_an_audit_finds_its_own_planted_fault_and_no_other_does(
    society: Planted, audit: str, check: str, fault: Fault
) -> None:
    evidence = fault(society)
    if audit in OF_POLICIES:
        # The other audits read none of these fields: their evidence is that of the sound society.
        evidence = Evidence(policies=evidence.policies, perturbed=evidence.perturbed)
    raised = alarms(evidence)

    assert (audit, check) in {(f.audit, f.check) for f in raised}
    assert {f.audit for f in raised} == {audit}


def test_every_check_has_a_fault_planted_for_it() -> None:
    assert set(FAULTS) == {(audit.name, check.name) for audit in BUILT_IN for check in audit.checks}


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_sound_society_raises_no_alarm_and_every_part_of_it_is_assessed(seed: int) -> None:
    findings, assessments = run_audits(BUILT_IN, sound(seed).evidence(), Context(seed=1, draws=300))

    assert [f for f in findings if f.severity != "note"] == []
    needs_more = {"language", "artefacts", "known", "contradictions", "beyond-evidence"}
    assert {a.check for a in assessments if a.status == "not assessed"} == needs_more


def test_few_prompts_and_noisier_reward_models_raise_no_alarm(society: Planted) -> None:
    evidence = little_known(society)

    assert society.evidence().policies is not None and evidence.policies is not None
    assert len(evidence.policies.prompts) < len(society.evidence().policies.prompts) / 2
    assert alarms(Evidence(policies=evidence.policies, perturbed=evidence.perturbed)) == []


def test_a_second_respondent_does_not_change_the_findings_on_the_first(society: Planted) -> None:
    from pluralign.audits.planted import flattened

    alone = flattened(society)
    others = [
        replace(a, answer=replace(a.answer, model="another")) for a in society.evidence().answers
    ]
    both = replace(alone, answers=[*alone.answers, *others])

    said = [(f.check, f.community, f.severity) for f in alarms(alone)]
    assert [
        (f.check, f.community, f.severity) for f in alarms(both) if f.subject.startswith("planted")
    ] == said
