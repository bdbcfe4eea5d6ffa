"""Small experiments on a planted society, hashed words and a cache of their own."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from pluralign.experiments import Outcome, resolve, run_experiment
from pluralign.experiments.reporting import Reporter

METHODS = ["reference", "length", "full", "scpo"]


@pytest.fixture(autouse=True)
def own_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLURALIGN_CACHE", str(cache))


@pytest.fixture
def tables() -> dict[str, Any]:
    """Settings of a run that takes a fraction of a second."""
    return {
        "name": "tiny",
        "seed": 3,
        "min_pairs": 1,
        "min_raters": 2,
        "methods": list(METHODS),
        "pairs": {"source": "society", "each": 60, "thin": 12, "world": 150},
        "reference": {"fit_on": ["~world"], "ridge": 1.0},
        "trunk": {"encoder": "hash"},
        "fit": {"ridge": 1.0},
        "intervals": {"draws": 100},
    }


Go = Callable[..., Outcome]


@pytest.fixture(scope="session")
def go(cache: Path) -> Go:
    """``go(tables, out, "scpo.tau=0.6")`` runs an experiment whose relative paths start from the folder of ``out``."""

    def run(
        tables: Mapping[str, Any],
        out: Path,
        *overrides: str,
        reporter: Reporter | None = None,
        fresh: bool = False,
    ) -> Outcome:
        resolved = resolve(
            deepcopy(dict(tables)), base=out.parent, where="tiny.toml", overrides=overrides
        )
        return run_experiment(resolved, out, reporter, fresh, cache)

    return run
