"""The committed settings run on the real data, with hashed words to be quick, not accurate."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pluralign.experiments import Outcome, run_experiment
from pluralign.settings import read_settings, resolve

CONFIGS = Path(__file__).parents[2] / "configs"
pytestmark = [pytest.mark.shared, pytest.mark.slow]


@pytest.fixture
def run_config(
    shared_data: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Outcome]:
    monkeypatch.setenv("PLURALIGN_DATA", str(shared_data))
    quick = [
        "repeats=1",
        "trunk.encoder=hash",
        "methods=['reference', 'length', 'full', 'scpo-filter-only']",
    ]
    quick += [
        "curves.fractions=[]",
        "sensitivity={}",
        "intervals.draws=100",
        "fit.ridge=3.0",
        "reference.ridge=3.0",
    ]

    def run(name: str) -> Outcome:
        resolved = resolve(read_settings(CONFIGS / name), base=CONFIGS, where=name, overrides=quick)
        return run_experiment(resolved, tmp_path / "out", cache=cache)

    return run


def test_global_dialogues(run_config: Callable[..., Outcome]) -> None:
    outcome = run_config("global_dialogues.toml")
    found = {(r["method"], r["community"]): r for r in outcome.results if r["subset"] == "all"}
    assert {community for _, community in found} == {"GBR", "~world"}
    assert (
        0.55 < found["length", "GBR"]["value"] < 0.62
    )  # the longer text wins 57 to 59 % of the pairs
    assert found["scpo-filter-only", "GBR"]["value"] < found["full", "GBR"]["value"]
    assert found["full", "GBR"]["n_raters"] > 100


def test_world_values(run_config: Callable[..., Outcome]) -> None:
    outcome = run_config("world_values.toml")
    assert len(outcome.record["communities"]["steered"]) == 12
    assert {r["n_raters"] for r in outcome.results} == {None}
    assert outcome.record["people"]["MEX"]["raters"] is None
