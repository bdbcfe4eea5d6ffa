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
