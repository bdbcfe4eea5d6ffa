"""Processor time of methods over that of full fine-tuning, of a few-shot head, and of influence.

Needs the folder of real data: ``PLURALIGN_DATA=FOLDER python benchmarks/methods.py``. Each method
is fitted on the pairs of the first repeat of a config, its ridge chosen inside the training raters
as in a run. Methods take turns, and the time is that of the processor, because other work on the
machine disturbs it less; one thread is steadier (``OMP_NUM_THREADS=1``).

* a head from k choices: the most probable head of a new community under the prior of the run.
* influence: the head of `pooled` without each of (at most) 400 people, by a Newton step each.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from pluralign.core import REFERENCE, Silent
from pluralign.experiments import run_experiment
from pluralign.experiments.finished_repeats import finished_repeats
from pluralign.experiments.linear_bench import LinearBench
from pluralign.methods import Method
from pluralign.methods.builtin import ADAPTIVE, FULL, POOLED, SCPO
from pluralign.rewards.influence import heads_without
from pluralign.settings import read_settings, resolve

CONFIGS = ("global_opinions", "world_values", "global_dialogues")
METHODS = (FULL, SCPO, POOLED, ADAPTIVE)
CHOICES = (1, 8, 64, 512)
PEOPLE = 400
ONCE = (
    "repeats=1",
    f'methods=["{REFERENCE}"]',
    "curves.fractions=[]",
    "sensitivity.tau=[]",
    "sensitivity.beta=[]",
    "sensitivity.ridge=[]",
)


def seconds(do: Callable[[], object]) -> float:
    """Processor time."""
    began = time.process_time()
    do()
    return time.process_time() - began


def bench_of(name: str, out: Path) -> LinearBench:
    """The pairs and the reference of the first repeat of a config."""
    config = Path(__file__).parents[1] / "configs" / f"{name}.toml"
    resolved = resolve(
        read_settings(config), base=config.parent, where=config.name, overrides=list(ONCE)
    )
    run_experiment(resolved, out)
    return next(finished_repeats(out, resolved, Silent())).bench


def fit_alone(bench: LinearBench, method: Method) -> None:
    """Fit a method as if no other had chosen a ridge before."""
    bench.on(bench.train).fit(method)


def prior_alone(bench: LinearBench) -> None:
    """Learn the prior of communities, as the MAP of a new community needs it."""
    bench.on(bench.train).prior()


def turns(bench: LinearBench, rounds: int) -> dict[str, list[float]]:
    """Seconds of each method, and of the prior, in each round."""
    found: dict[str, list[float]] = {method.name: [] for method in METHODS} | {"prior": []}
    for _ in range(rounds):
        for method in METHODS:
            found[method.name].append(seconds(lambda method=method: fit_alone(bench, method)))
        found["prior"].append(seconds(lambda: prior_alone(bench)))
    return found


def few_choices(bench: LinearBench) -> dict[int, float]:
    """Seconds of a head from k choices of one community, the median of five."""
    prior, own = bench.prior(), bench.train.of(bench.train.communities[0]).encoded
    found = {}
    for count in CHOICES:
        few = own.take(np.arange(min(count, len(own))))
        found[len(few)] = statistics.median(
            seconds(lambda few=few: prior.head(few)) for _ in "12345"
        )
    return found


def influence(bench: LinearBench) -> tuple[int, float]:
    """How many people (or questions) were taken out of `pooled`, and the seconds for all."""
    train = bench.train.of(*bench.train.communities)
    head_D, ridge = bench.fit(POOLED).model.heads()[0], bench.config(POOLED).ridge
    _, unit_N = np.unique(train.unit_N, return_inverse=True)
    unit_N = np.where(unit_N < PEOPLE, unit_N, -1)
    features, weight_N = train.encoded.features, train.weight_N
    taken = seconds(lambda: heads_without(features, head_D, ridge, unit_N, weight_N))
    return int(unit_N.max()) + 1, taken


def main() -> None:
    """Print one line for each config, last."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("configs", nargs="*", default=list(CONFIGS))
    parser.add_argument("--rounds", type=int, default=1, help="times that methods take turns")
    options = parser.parse_args()
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        for name in options.configs:
            bench = bench_of(name, Path(folder) / name)
            found = turns(bench, options.rounds)
            full = statistics.median(found.pop("full"))
            ratios = {k: round(statistics.median(v) / full, 2) for k, v in found.items()}
            few = ", ".join(f"{k}: {1000 * s:.0f} ms" for k, s in few_choices(bench).items())
            units, taken = influence(bench)
            lines.append(
                f"{name}: full {full:.2f} s; times full: {ratios}; head from k choices: {few}; "
                f"influence of {units} units: {taken:.2f} s"
            )
            print(lines[-1], flush=True)
    print("\n".join(lines))


if __name__ == "__main__":
    main()
