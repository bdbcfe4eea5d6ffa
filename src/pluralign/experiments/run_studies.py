"""The studies that the settings of a run ask for, each written to a file of its folder."""

import time
from collections.abc import Sequence

from pluralign.evaluation import Drawing, TestPairs
from pluralign.experiments.benches import bench_for
from pluralign.experiments.repeats import judge
from pluralign.experiments.reward_record import RewardWork, seeds_of
from pluralign.experiments.studies import Part, RunStudy, curve_rows, sensitivity_rows
from pluralign.methods import Method
from pluralign.rewards import EncodedPairs
from pluralign.settings.experiment import SensitivitySettings, Settings


def write_studies(work: RewardWork, encoded: EncodedPairs | None, drawing: Drawing) -> None:
    """Write the rows of each study that is asked for, unless the folder has them."""
    settings = work.resolved.settings
    methods = {m.name: m for m in work.resolved.methods}
    drawn = {name: methods[name] for name in settings.curves.methods if name in methods}
    grid = _grid(settings, work.resolved.methods)
    tasks = [f"curve-{by}" for by in settings.curves.by if settings.curves.fractions and drawn]
    tasks += ["sensitivity"] if grid else []
    parts: list[Part] = []
    for task in tasks:
        if work.folder.has(f"studies/{task}.jsonl"):
            continue
        since = time.perf_counter()
        work.reporter.stage(f"study: {task}")
        repeats = settings.sensitivity.repeats if task == "sensitivity" else settings.curves.repeats
        # Repeats that an earlier study made are used again.
        parts += [_part(work, encoded, seed) for seed in seeds_of(work)[len(parts) : repeats]]
        chosen = tuple(parts[:repeats])
        judged = TestPairs.join([part.judged for part in chosen])
        study = RunStudy(chosen, judged, drawing, work.reporter)
        if task == "sensitivity":
            rows = sensitivity_rows(study, methods, grid)
        else:
            by = task.removeprefix("curve-")
            rows = curve_rows(study, drawn, settings.curves.fractions, by)
        work.folder.write_rows(f"studies/{task}.jsonl", list(rows))
        work.timed(f"study {task}", since)


def _part(work: RewardWork, encoded: EncodedPairs | None, seed: int) -> Part:
    bench, side = bench_for(work, encoded, seed)
    return Part(bench, side.test, judge(side.test, bench.reference))


def _grid(settings: Settings, methods: Sequence[Method]) -> list[tuple[str, dict[str, float]]]:
    """Method and changed settings of every fit of the sensitivity study."""
    wanted = settings.sensitivity
    grid: list[tuple[str, dict[str, float]]] = []
    for method in methods:
        if method.tuned_as is None and method.takes("tau", "beta"):
            grid += [(method.name, changed) for changed in _thresholds(wanted)]
    for ridge in wanted.ridge:
        grid += [(m.name, {"ridge": ridge}) for m in methods if m.own_ridge]
    return grid


def _thresholds(wanted: SensitivitySettings) -> list[dict[str, float]]:
    """Every tau with every beta; one of them alone where the other has no values."""
    if not (wanted.tau and wanted.beta):
        return [{"tau": tau} for tau in wanted.tau] + [{"beta": beta} for beta in wanted.beta]
    return [{"tau": tau, "beta": beta} for tau in wanted.tau for beta in wanted.beta]
