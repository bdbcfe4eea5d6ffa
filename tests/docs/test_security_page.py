"""docs/security.md names tests that exist, so that no promise stands on a test that is gone."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/security.md").read_text(encoding="utf-8")


def test_every_promise_names_tests_that_exist() -> None:
    sources = (path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    known = {
        name
        for source in sources
        for name in re.findall(r"^(?:async )?def (test_\w+)", source, re.M)
    }
    rows = re.findall(r"^\| (?!guarantee|:--)(.*) \| (.*) \|$", PAGE, re.M)

    assert rows
    named = [(promise, re.findall(r"`(test_\w+)`", tried)) for promise, tried in rows]
    assert [promise for promise, tests in named if not tests] == []
    assert {test for _, tests in named for test in tests} - known == set()
