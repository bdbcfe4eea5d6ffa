"""A method of somebody else's package takes every role that ours take, by its properties."""

import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from pluralign.core import FloatArray
from pluralign.experiments import Outcome
from pluralign.methods import Method, RidgeConfig, TrainingSet, full_heads, ranked, steered
from pluralign.methods.builtin import FULL, LENGTH, POOLED, REFERENCE, SCPO, SCPO_FILTER_ONLY
from pluralign.rewards import LinearRewardModel
from pluralign.runs import read_rows
from pluralign.settings import registry

Go = Callable[..., Outcome]


def half_heads(
    train: TrainingSet, reference: LinearRewardModel, config: RidgeConfig, ridges: list[float]
) -> FloatArray:
    return (full_heads(train, reference, config, ridges) + reference.reference_D) / 2


def fit_half(
    train: TrainingSet, reference: LinearRewardModel, config: RidgeConfig, rng: np.random.Generator
) -> LinearRewardModel:
    head_C_D = half_heads(train, reference, config, [config.ridge])[0]
    return steered(reference, train.communities, head_C_D)


HALF = Method(
    "half",
    fit_half,
    RidgeConfig,
    "half the way of full fine-tuning",
    section="half",
    heads=half_heads,
    baseline=True,
)


@pytest.fixture
def plugged(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("half_package")
    module.HALF = HALF  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "half_package", module)
    found = registry._found
    more = {"half": EntryPoint("half", "half_package:HALF", registry.METHODS)}
    monkeypatch.setattr(
        registry, "_found", lambda group: found(group) | (more if group == registry.METHODS else {})
    )


def test_every_other_method_is_compared_with_a_baseline_from_outside(
    go: Go, tables: dict[str, Any], tmp_path: Path, plugged: None
) -> None:
    outcome = go(tables | {"methods": ["reference", "full", "half"]}, tmp_path / "run")
    pairs = {(row["method"], row["baseline"]) for row in outcome.comparisons if "baseline" in row}
    assert {("reference", "half"), ("full", "half")} <= pairs
    assert {("half", "reference"), ("half", "full")} <= pairs
    assert all(method != baseline for method, baseline in pairs if method != "reference")


@pytest.mark.slow
def test_curves_take_it_as_a_target_and_the_ridge_study_varies_it(
    go: Go, tables: dict[str, Any], tmp_path: Path, plugged: None
) -> None:
    studied = {
        "methods": ["reference", "full", "half"],
        "curves": {"fractions": [0.5], "by": ["pairs"], "methods": ["full", "half"]},
        "sensitivity": {"ridge": [0.5, 2.0]},
    }
    go(tables | studied, tmp_path / "run")
    curve = read_rows(tmp_path / "run/studies/curve-pairs.jsonl")
    needed = [(r["target"], r["method"]) for r in curve if r["metric"] == "fraction_needed"]
    assert needed == [("full", "full"), ("full", "half"), ("half", "full"), ("half", "half")]
    ridges = read_rows(tmp_path / "run/studies/sensitivity.jsonl")
    assert {(r["method"], r["ridge"]) for r in ridges} == {
        (method, ridge) for method in ("full", "half") for ridge in (0.5, 2.0)
    }


def test_short_tables_show_ranked_methods_alone_from_the_simplest_up() -> None:
    shown = ranked([SCPO_FILTER_ONLY, POOLED, SCPO, LENGTH, FULL, REFERENCE, HALF])
    assert [m.name for m in shown] == ["reference", "full", "scpo", "pooled"]


def test_methods_with_a_ridge_for_each_community_are_those_that_fit_each_alone() -> None:
    methods = (REFERENCE, LENGTH, FULL, POOLED, SCPO, SCPO_FILTER_ONLY, HALF)
    assert [m.name for m in methods if m.own_ridge] == ["full", "scpo", "scpo-filter-only", "half"]


def test_tables_of_results_ask_the_registry_which_methods_they_show() -> None:
    assert registry.ranked_methods() == ("reference", "full", "scpo", "pooled", "adaptive")
