from pathlib import Path

import pytest

from pluralign.experiments import Demonstration, demonstrate
from pluralign.runs import read_rows

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Demonstration]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PLURALIGN_CACHE", str(tmp_path_factory.mktemp("cache")))
        out = tmp_path_factory.mktemp("runs") / "demo"
        return out, demonstrate(out)


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
