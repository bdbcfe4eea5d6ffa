"""The demonstration, run once: what it prints, what it found, and what the README says of it."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from pluralign.experiments import Demonstration, demonstrate
from pluralign.runs import read_rows

pytestmark = pytest.mark.slow
README = Path(__file__).resolve().parents[2] / "README.md"


@pytest.fixture(scope="module")
def printed(
    on_screen: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """The folder, and what a terminal shows."""
    out = tmp_path_factory.mktemp("runs") / "demo"
    return out, on_screen("demo", "--out", out)


@pytest.fixture(scope="module")
def told(printed: tuple[Path, str], call: Callable[..., Result]) -> dict[str, Any]:
    """What the same command prints as JSON; the run is finished."""
    return dict(json.loads(call("demo", "--out", printed[0], "--json").stdout))


@pytest.fixture(scope="module")
def shown(printed: tuple[Path, str]) -> tuple[Path, Demonstration]:
    """The folder, and what the function returns; the run is finished."""
    return printed[0], demonstrate(printed[0])


def test_it_states_that_its_people_are_simulated(
    printed: tuple[Path, str], told: dict[str, Any]
) -> None:
    assert "Everybody here is simulated" in printed[1]
    assert "Recovered against planted taste" in printed[1]
    assert max(map(len, printed[1].splitlines())) <= 80
    assert told["simulated"] is True
    minority = {method: found["~hill"] for method, found in told["correlation"].items()}
    assert minority["scpo"] > minority["reference"]
    assert minority["adaptive"] > minority["reference"]


def test_the_first_result_in_the_readme_is_that_of_the_demo(told: dict[str, Any]) -> None:
    rows_of = {
        (row["method"], row["aggregate"]): row for row in told["summary"] if row["subset"] == "all"
    }
    readme = README.read_text(encoding="utf-8")
    shown = re.search(r"<!-- demo:begin -->\n(.*)<!-- demo:end -->", readme, re.S)
    assert shown is not None
    for line in shown[1].splitlines()[2:]:
        method = line.split("`")[1]
        worst = rows_of[method, "worst"]
        cells = (
            f"`{method}`",
            _per_cent(rows_of[method, "average"]),
            f"{_per_cent(worst)} (`{worst['worst_community']}`)",
            f"{told['correlation'][method]['~hill']:+.2f}",
        )
        assert line == f"| {' | '.join(cells)} |"


def _per_cent(row: dict[str, Any]) -> str:
    value, low, high = (100 * row[key] for key in ("value", "low", "high"))
    return f"{value:.1f} [{low:.1f}, {high:.1f}]"


def test_the_minority_s_taste_is_recovered_better_than_by_the_reference(
    shown: tuple[Path, Demonstration],
) -> None:
    correlation = {method: found["~hill"] for method, found in shown[1].correlation.items()}
    for method in ("full", "scpo", "adaptive"):
        assert correlation[method] > 0.8 > correlation["reference"]


def test_no_method_exceeds_what_reliable_raters_allow(shown: tuple[Path, Demonstration]) -> None:
    found = shown[1]
    for row in found.outcome.results:
        if row["subset"] == "all" and row["steer"] == row["community"]:
            assert row["low"] <= found.best[row["community"]]


def test_the_whole_run_is_kept(shown: tuple[Path, Demonstration]) -> None:
    assert read_rows(shown[0] / "results.jsonl") == shown[1].outcome.results
    assert shown[1].planted["~hill"]["formal"] == 0.7
