"""The studies that the settings of a run ask for, each written to a file of its folder."""

import time
from collections.abc import Mapping, Sequence
from functools import partial

from pluralign.evaluation import Drawing, TestPairs
from pluralign.experiments.benches import bench_for
from pluralign.experiments.linear_bench import LinearBench, ridges_from
from pluralign.experiments.repeats import judge
from pluralign.experiments.reward_record import RewardWork, seeds_of
from pluralign.experiments.splitting import split_pairs
from pluralign.experiments.spread_fits import RepeatInputs, shared_with, spread_study
from pluralign.experiments.studies import (
    FitAll,
    Part,
    RunStudy,
    curve_rows,
    fit_here,
    sensitivity_rows,
)
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
        fit_all = _fit_all(work, encoded, chosen, methods)
        study = RunStudy(chosen, judged, drawing, work.reporter, fit_all)
        if task == "sensitivity":
            rows = sensitivity_rows(study, grid)
        else:
            by = task.removeprefix("curve-")
            rows = curve_rows(study, drawn, settings.curves.fractions, by)
        work.folder.write_rows(f"studies/{task}.jsonl", list(rows))
        work.timed(f"study {task}", since)


def _part(work: RewardWork, encoded: EncodedPairs | None, seed: int) -> Part:
    bench, side = bench_for(work, encoded, seed)
    if isinstance(bench, LinearBench):
        bench.ridges |= ridges_from(work.tuning[str(seed)])
    return Part(bench, side.test, judge(side.test, bench.reference))


def _fit_all(
    work: RewardWork,
    encoded: EncodedPairs | None,
    parts: Sequence[Part],
    methods: Mapping[str, Method],
) -> FitAll:
    """How the fits of a study are made: linear heads on the workers of the run, if it has some."""
    benches = {k: part.bench for k, part in enumerate(parts)}
    linear = {k: bench for k, bench in benches.items() if isinstance(bench, LinearBench)}
    if work.workers is None or encoded is None or len(linear) < len(benches):
        return partial(fit_here, benches, methods)
    settings, sources = work.resolved.settings, work.resolved.sources
    repeats = {
        k: RepeatInputs.of(bench, split_pairs(work.loaded, settings, sources, bench.seed))
        for k, bench in linear.items()
    }
    return partial(
        spread_study,
        shared_with(work.workers, work, encoded),
        {k: repeat.for_workers(work.opened.make_encoder) for k, repeat in repeats.items()},
        methods,
        {k: repeat.reference.trunk for k, repeat in repeats.items()},
        work.workers,
    )


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
