"""docs/audits.md against the code: checks, thresholds, settings, examples."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from pluralign.audits import Audit, Evidence
from pluralign.core import PreferencePair
from pluralign.settings import AuditSettings, resolve_audit
from pluralign.settings.registry import AUDITS, audit_named, names

PAGE = (Path(__file__).parents[2] / "docs" / "audits.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", names(AUDITS))
def test_every_check_is_on_the_page_with_its_thresholds(name: str) -> None:
    section = PAGE.partition(f"### `{name}`")[2].partition("\n#")[0]
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in section.splitlines()
        if line.startswith("| `")
    ]

    signs = {True: "<", False: ">"}
    wanted = [
        [
            f"`{c.name}`",
            c.asks,
            f"{signs[t.below]} {t.concern:g}",
            f"{signs[t.below]} {t.risk:g}",
            t.reason,
        ]
        for c in audit_named(name).checks
        for t in [c.threshold]
    ]
    assert rows == wanted


def test_every_setting_is_on_the_page_with_its_default() -> None:
    section = PAGE.partition("## When a number is a finding")[2].partition("\n## ")[0]
    written = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", section, re.M))

    assert written.keys() == AuditSettings.model_fields.keys()
    assert {k: written[k] for k in ("seed", "draws", "small")} == {
        "seed": "0",
        "draws": "2000",
        "small": "5",
    }


def test_the_settings_example_resolves() -> None:
    (block, _) = re.findall(r"^```toml\n(.*?)^```", PAGE, re.M | re.S)

    settings, audits = resolve_audit(tomllib.loads(block), "example", ())

    assert settings.draws == 4000
    limits = {c.name: c.threshold for a in audits for c in a.checks}
    assert (limits["few-people"].concern, limits["few-people"].risk) == (50, 20)


def test_the_audit_of_ones_own_runs() -> None:
    (block,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.M | re.S)
    space: dict[str, Any] = {}
    exec(compile(block, "docs/audits.md", "exec"), space)
    audit: Audit = space["LANGUAGES"]
    pairs = [PreferencePair(f"p{i}", "why?", "yes", "no", "MEX", language="es") for i in range(3)]

    (finding,), _ = audit(Evidence(pairs=pairs))

    assert (finding.severity, str(finding.claim)) == ("risk", "100 % of the pairs are in es.")
