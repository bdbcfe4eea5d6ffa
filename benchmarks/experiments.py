"""A whole experiment on cached embeddings: seconds by stage, and peak memory.

Needs the folder of real data: ``PLURALIGN_DATA=FOLDER python benchmarks/experiments.py``. The first
run of a config embeds its texts and is not counted. The named alternative is the same convex
problem given to scikit-learn's logistic regression (newton-cholesky, no intercept): one fit of the
pooled model, without a prior.
"""

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from pluralign.experiments import run_experiment
from pluralign.rewards import fit_bradley_terry
from pluralign.settings import read_settings, resolve

CONFIGS = {
    "global_dialogues": [
        "reference",
        "length",
        "full",
        "scpo",
        "scpo-filter-only",
        "scpo-weight-only",
        "scpo-inverse-weight",
        "pooled",
        "adaptive",
    ],
    "global_opinions": ["reference", "full", "scpo", "pooled", "adaptive"],
}
ONCE = (
    "repeats=1",
    "curves.fractions=[]",
    "sensitivity.tau=[]",
    "sensitivity.beta=[]",
    "sensitivity.ridge=[]",
)


def run(name: str, methods: list[str], out: Path) -> dict[str, float]:
    """Run one config once; seconds by stage."""
    config = Path(__file__).parents[1] / "configs" / f"{name}.toml"
    overrides = [*ONCE, f"methods={methods}"]
    resolved = resolve(
        read_settings(config), base=config.parent, where=config.name, overrides=overrides
    )
    return dict(run_experiment(resolved, out).record["seconds"])


def solver_against_sklearn(pairs: int = 8000, dimensions: int = 768) -> float:
    """Seconds of ours over seconds of scikit-learn's for one fit of the same problem."""
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    difference = rng.normal(size=(pairs, dimensions)) * 0.07
    flip = np.where(rng.random(pairs) < 0.5, 1, -1)
    began = time.perf_counter()
    ours = fit_bradley_terry(difference, ridge=1.0)
    middle = time.perf_counter()
    model = LogisticRegression(
        C=1.0, fit_intercept=False, solver="newton-cholesky", tol=1e-8, max_iter=100
    )
    theirs = model.fit(difference * flip[:, None], flip).coef_[0]
    ended = time.perf_counter()
    print(f"largest difference between the two solutions: {np.abs(ours - theirs).max():.1e}")
    return (middle - began) / (ended - middle)


def main() -> None:
    """Print one line for each config, last."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("configs", nargs="*", default=list(CONFIGS))
    options = parser.parse_args()
    if "PLURALIGN_DATA" not in os.environ:
        parser.error("set PLURALIGN_DATA to the folder of real data")
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        for name in options.configs:
            run(name, ["reference"], Path(folder) / f"{name}-warm")
            seconds = run(name, CONFIGS[name], Path(folder) / name)
            fits = {k: v for k, v in seconds.items() if k.startswith("fit")}
            print(name, seconds)
            lines.append(
                f"{name:18} {seconds['total']:8.1f} {sum(fits.values()):8.1f} "
                f"{seconds['encode']:9.1f}"
            )
    ratio = solver_against_sklearn()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{'config':18} {'total s':>8} {'fits s':>8} {'encode s':>9}")
    print("\n".join(lines))
    print(
        f"peak of memory {peak:.2f} GiB; one fit takes {ratio:.2f} times as long as "
        "scikit-learn's newton-cholesky"
    )


if __name__ == "__main__":
    main()
