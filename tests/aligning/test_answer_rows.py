"""Policies with planted faults: each is seen in its own number, and in no other policy."""

from types import SimpleNamespace

import numpy as np
import pytest

from pluralign.aligning.answer_rows import answer_rows
from pluralign.aligning.result_rows import START_MODEL, MeasuredPolicy, share_change_row
from pluralign.aligning.steer_matrix import PolicyGains, steer_rows
from pluralign.core import PolicyPrompt

HOMES = ("hill", "coast")
HILL, COAST = (MeasuredPolicy("raft", home) for home in HOMES)
PROMPTS = [PolicyPrompt(str(k), f"Question {k}?") for k in range(60)]
WORDS = [f"word{k}" for k in range(40)]


def _written(seed, change=lambda text, rng: text, n=4):
    rng = np.random.default_rng(seed)
    return [
        [change(" ".join(rng.choice(WORDS, 8, replace=False)), rng) for _ in range(n)]
        for _ in PROMPTS
    ]


def _rows(hill, coast, encoder="hash", notes=None):
    work = SimpleNamespace(
        communities=HOMES,
        settings=SimpleNamespace(evaluate=SimpleNamespace(encoder=encoder)),
        rewards=SimpleNamespace(model=None),
        reporter=SimpleNamespace(note=[].append if notes is None else notes.append, progress=None),
    )
    written = {START_MODEL: _written(0), HILL: hill, COAST: coast}
    rows = list(answer_rows(work, PROMPTS, written))
    return {(r["metric"], r["method"], r["steer"], r["community"]): r for r in rows}


def _excludes_0(row):
    return row["low"] > 0 or row["high"] < 0


def test_policies_that_write_as_the_start_model_differ_in_nothing():
    rows = _rows(_written(1), _written(2))
    changes = [row for (metric, *_), row in rows.items() if metric.endswith("_change")]
    assert len(changes) == 10
    assert not [row for row in changes if _excludes_0(row)]
    between = [row for (metric, *_), row in rows.items() if metric.startswith("between_distance")]
    assert len(between) == 4
    assert not [row for row in between if _excludes_0(row)]


@pytest.mark.parametrize(
    ("metric", "fault", "change"),
    [
        ("refusals", "refuses", lambda t, rng: t if rng.random() < 0.6 else f"As an AI, {t}"),
        ("invalid", "thinks", lambda t, rng: t if rng.random() < 0.6 else f"<think>{t}"),
        ("repetition", "loops", lambda t, rng: f"{t} {t}"),
    ],
)
def test_a_planted_fault_is_seen_in_its_policy_alone(metric, fault, change):
    rows = _rows(_written(1, change), _written(2))
    faulty, sound = (rows[f"{metric}_change", "raft", home, None] for home in HOMES)
    assert faulty["low"] > 0.2, fault
    assert not _excludes_0(sound)
    before, after = (
        rows[metric, "start", None, None]["value"],
        rows[metric, "raft", "hill", None]["value"],
    )
    assert faulty["value"] == pytest.approx(after - before)


def test_a_policy_that_always_says_the_same_has_lost_its_variety():
    rows = _rows(_written(1, lambda text, rng: "Drink tea with your family tonight."), _written(2))
    for metric in ("within_variety", "within_variety_words"):
        assert rows[metric, "raft", "hill", None]["value"] == pytest.approx(0, abs=1e-6)
        assert rows[f"{metric}_change", "raft", "hill", None]["high"] < -0.3
        assert not _excludes_0(rows[f"{metric}_change", "raft", "coast", None])
    few, many = (rows["distinct_n", "raft", home, None]["value"] for home in HOMES)
    assert few < many / 2


def test_policies_with_words_of_their_own_are_apart_and_flattened_ones_are_not():
    def own(word):
        return lambda text, rng: f"{word} {word}s {text}"

    apart = _rows(_written(1, own("mountain")), _written(2, own("harbour")))
    flat = _rows(_written(1, own("mountain")), _written(2, own("mountain")))
    for metric in ("between_distance", "between_distance_words"):
        assert apart[metric, "raft", "hill", "coast"]["low"] > 0.05
        assert not _excludes_0(flat[metric, "raft", "hill", "coast"])
        mean = apart[metric, "raft", None, None]
        assert mean["value"] == pytest.approx(apart[metric, "raft", "hill", "coast"]["value"])


def test_without_an_encoder_the_words_are_compared_and_that_is_noted():
    notes = []
    rows = _rows(_written(1), _written(2), encoder=None, notes=notes)
    assert "by their words alone" in notes[0]
    assert {metric for metric, *_ in rows if "variety" in metric or "distance" in metric} == {
        "within_variety_words",
        "within_variety_words_change",
        "between_distance_words",
    }


def test_no_refusal_before_and_after_is_no_proof_that_there_will_be_none():
    none_P = np.zeros(30)
    row = share_change_row(HILL, "refusals_change", none_P, none_P)
    assert row["value"] == 0
    assert row["low"] < -0.05 < 0.05 < row["high"]


def _gains(hill_P_C, coast_P_C):
    pairs = ((HILL, hill_P_C), (COAST, coast_P_C))
    return [PolicyGains(policy, "judged_gain", gain[None]) for policy, gain in pairs]


def test_a_policy_that_is_better_for_everybody_has_no_steering():
    rng = np.random.default_rng(0)
    hill, coast = (1.0 + 0.3 * rng.normal(size=(200, 2)) for _ in HOMES)
    rows = list(steer_rows(HOMES, _gains(hill, coast)))
    assert len(rows) == 4
    assert not [row for row in rows if _excludes_0(row)]


def test_what_steering_adds_is_found_with_its_value():
    rng = np.random.default_rng(1)
    own = np.eye(2)
    hill, coast = (own[k] + 0.3 * rng.normal(size=(200, 2)) for k in range(2))
    rows = list(steer_rows(HOMES, _gains(hill, coast)))
    assert {row["metric"] for row in rows} == {
        "judged_gain_over_others",
        "judged_gain_over_swap",
    }
    for row in rows:
        assert row["low"] < 1 < row["high"]
        assert row["n"] == 200


def test_a_policy_that_never_answers_is_counted_and_stops_nothing():
    rows = _rows(_written(1), _written(2, lambda text, rng: ""))
    assert rows["invalid", "raft", "coast", None]["value"] == 1
    assert rows["between_distance_words", "raft", "hill", "coast"]["n"] == 0
    assert ("within_variety", "raft", "hill", None) in rows
