"""Names in the package: each public class has one of its own, and earlier names still work."""

import ast
from collections import defaultdict
from importlib import import_module
from pathlib import Path

import pytest

import pluralign

PACKAGE = Path(pluralign.__file__).parent
EARLIER = {
    "pluralign.audits": {"Item": "ReasoningAnswer", "Rewards": "RewardMargins"},
    "pluralign.reports": {"Wanted": "ReportOptions"},
    "pluralign.core": {"told_faults": "describe_faults"},
    "pluralign.evaluation": {"Judged": "TestPairs"},
    "pluralign.evaluation.surveys": {"Scored": "SurveySums"},
}
MOVED = {
    "pluralign.experiments": ("resolve", "open_model", "Loaded", "Repeats", "repeats_of"),
    "pluralign.experiments.auditing": ("run_audit", "AuditSettings", "gather", "FINDINGS"),
    "pluralign.experiments.planted": ("build_planted_model", "PlantedModelSettings", "SMALL"),
    "pluralign.experiments.pluralising": ("run_pluralise", "PluraliseSettings", "STAGES"),
    "pluralign.experiments.surveying": ("run_survey", "SurveySettings", "put_asks"),
}


def test_names_of_public_classes_are_unique() -> None:
    modules = defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                modules[node.name].append(path.relative_to(PACKAGE).as_posix())
    repeated = {name: found for name, found in modules.items() if len(found) > 1}
    assert modules
    assert not repeated


@pytest.mark.parametrize("package", EARLIER)
def test_earlier_names_still_work_with_a_warning(package: str) -> None:
    module = import_module(package)
    for earlier, name in EARLIER[package].items():
        with pytest.warns(DeprecationWarning, match=f"use {name}"):
            assert getattr(module, earlier) is getattr(module, name)
    with pytest.raises(AttributeError, match="has no attribute 'Nobody'"):
        _ = module.Nobody


@pytest.mark.parametrize("package", MOVED)
def test_packages_that_moved_can_be_imported_from_their_earlier_place(package: str) -> None:
    module = import_module(package)
    for name in MOVED[package]:
        with pytest.warns(DeprecationWarning, match="goes in version 1.0"):
            assert getattr(module, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'Nobody'"):
        _ = module.Nobody


@pytest.mark.parametrize("package", MOVED)
def test_every_name_that_moved_has_a_home(package: str) -> None:
    module = import_module(package)
    for home, names in module._HOMES.items():
        for moved in names:
            old, _, new = moved.partition("=")
            with pytest.warns(DeprecationWarning, match=home):
                assert getattr(module, old) is getattr(import_module(home), new or old)
