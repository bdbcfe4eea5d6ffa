"""Audits of private choices measure what audits of the choices themselves measure."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pluralign.audits import BUILT_IN, Context, Evidence, RewardMargins, run_audits
from pluralign.audits.planted import length_liked, members_remembered, others_harmed, sound
from pluralign.audits.planted.society import Planted
from pluralign.audits.privacy import PRIVACY
from pluralign.core import rng_for

FLIP = 0.12


def private(evidence: Evidence) -> Evidence:
    """The same evidence from choices that passed randomised response."""
    assert evidence.rewards is not None
    rng = rng_for(3, "flips")
    sign_N = np.where(rng.random(len(evidence.pairs)) < FLIP, -1.0, 1.0)
    pairs = [
        p if sign > 0 else replace(p, chosen=p.rejected, rejected=p.chosen)
        for p, sign in zip(evidence.pairs, sign_N, strict=True)
    ]
    judged, margins = evidence.rewards.judged, evidence.rewards.margins
    reported = replace(
        judged, reference_N=judged.reference_N * sign_N, flip_N=np.full(len(judged), FLIP)
    )
    turned = {m: {s: v * sign_N for s, v in steers.items()} for m, steers in margins.items()}
    rewards = RewardMargins(reported, turned, evidence.rewards.served)
    return replace(evidence, pairs=pairs, rewards=rewards)


@pytest.fixture(scope="module")
def society() -> Planted:
    return sound(0)


def alarms(evidence: Evidence) -> set[str]:
    findings, _ = run_audits(BUILT_IN, evidence, Context(seed=1, draws=200))
    return {f"{f.audit}/{f.check}" for f in findings if f.severity != "note"}


def test_private_choices_of_a_sound_society_raise_no_alarm_about_models(society: Planted) -> None:
    evidence = replace(private(society.evidence()), seen=None)
    assert not {a for a in alarms(evidence) if a.startswith(("reward-bias", "misidentification"))}


@pytest.mark.parametrize(
    ("fault", "check"), [(length_liked, "reward-bias/length"), (others_harmed, "reward-bias/harm")]
)
def test_faults_of_models_are_found_in_private_choices(
    society: Planted, fault: Any, check: str
) -> None:
    assert check in alarms(private(fault(society)))


def test_contested_pairs_of_private_choices_are_not_assessed(society: Planted) -> None:
    evidence = replace(private(society.evidence()), seen=None)
    _, assessments = run_audits(BUILT_IN, evidence, Context(draws=100))
    (contested,) = [a for a in assessments if a.check == "contested-only"]
    assert contested.status == "not assessed"
    assert contested.reasons == ("contested pairs of private choices are not known",)


def test_members_that_a_model_remembers_are_found_with_their_rate_and_their_people(
    society: Planted,
) -> None:
    findings, _ = PRIVACY(members_remembered(society), Context())
    assert {f.severity for f in findings} == {"risk"}
    assert len(findings) == 8
    numbers = findings[0].numbers
    assert numbers["recognised"].value > 0.75
    caught = numbers["caught_at_1_percent"]
    assert caught.value > 0.05
    assert caught.low is not None
    assert caught.low < caught.value < caught.high
    assert caught.n_raters == numbers["by_margin"].n_raters
    assert numbers["by_margin"].n_raters is not None
    assert numbers["by_margin"].low is not None


def test_a_run_without_margins_of_training_pairs_is_not_assessed(society: Planted) -> None:
    _, (assessment,) = PRIVACY(replace(society.evidence(), seen=None), Context())
    assert assessment.status == "not assessed"
    assert "privacy.audit = true" in assessment.reasons[0]


def test_a_method_without_margins_of_training_pairs_is_named(society: Planted) -> None:
    evidence = society.evidence()
    assert evidence.rewards is not None
    margins = evidence.rewards.margins
    more = replace(evidence.rewards, margins={**margins, "other": margins["planted"]})
    _, (assessment,) = PRIVACY(replace(evidence, rewards=more), Context())
    assert assessment.status == "clear"
    assert assessment.reasons[0].startswith("other: no margins of training pairs of every repeat")


def test_listed_pairs_are_those_where_the_model_differs_from_the_report(society: Planted) -> None:
    evidence = private(length_liked(society))
    assert evidence.rewards is not None
    findings, _ = run_audits(BUILT_IN, evidence, Context(draws=100))
    found = [f for f in findings if f.check == "length"]
    judged, steers = evidence.rewards.judged, evidence.rewards.margins["planted"]
    margin_of = {
        id_: steers[community][i]
        for i, (id_, community) in enumerate(zip(judged.pair_N, judged.community_N, strict=True))
        if community in steers
    }
    shorter = {p.id for p in evidence.pairs if len(p.chosen) < len(p.rejected)}
    wrong = {id_ for id_, margin in margin_of.items() if id_ in shorter and margin < 0}
    assert found
    assert all(set(f.rows.ids) <= wrong for f in found)
    assert sum(f.rows.count for f in found) <= len(wrong)
