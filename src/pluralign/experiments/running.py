"""Run an experiment: read, split, fit, judge, study, write; go on from where an interrupted run stopped."""

import hashlib
import json
import platform
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pluralign._version import __version__
from pluralign.core import Encoder, FloatArray, rng_for
from pluralign.encoders import CachedEncoder, encoder_named, language_warning
from pluralign.evaluation import (
    ENOUGH,
    Drawing,
    Judged,
    ceiling_rows,
    difference_rows,
    harm_rows,
    steer_rows,
    summary_rows,
)
from pluralign.experiments.folder import RECORD, RunFolder
from pluralign.experiments.loading import Loaded, load_pairs, split_pairs
from pluralign.experiments.planning import Plan, plan
from pluralign.experiments.repeats import Bench, Sides, fit_reference, judge, margins_of, sides
from pluralign.experiments.reporting import Reporter, Silent
from pluralign.experiments.resolving import Resolved
from pluralign.experiments.studies import Study, curve_rows, sensitivity_rows
from pluralign.methods import Method
from pluralign.rewards import (
    EmbeddingRewardModel,
    EmbeddingTrunk,
    EncodedPairs,
    annotate_card,
    load_reward_model,
    save_reward_model,
)

BASELINES = ("reference", "full")
_ABLATIONS = ("full", "scpo", "scpo-filter-only", "scpo-weight-only", "scpo-inverse-weight")
_PACKAGES = ("numpy", "scipy", "pyarrow", "pydantic", "torch", "sentence-transformers", "model2vec")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run found; the same rows lie in its folder.

    Attributes:
        record: As in ``record.json``.
        results: As in ``results.jsonl``.
        summary: As in ``summary.jsonl``.
        comparisons: As in ``comparisons.jsonl``.
    """

    record: Mapping[str, Any]
    results: list[dict[str, Any]]
    summary: list[dict[str, Any]]
    comparisons: list[dict[str, Any]]


@dataclass(slots=True)
class _Work:
    resolved: Resolved
    folder: RunFolder
    reporter: Reporter
    loaded: Loaded
    plan: Plan
    trunk: EmbeddingTrunk
    notes: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    tuning: dict[str, Any] = field(default_factory=dict)

    def timed(self, stage: str, since: float) -> None:
        self.seconds[stage] = round(self.seconds.get(stage, 0.0) + time.perf_counter() - since, 3)


def run_experiment(
    resolved: Resolved, out: Path, reporter: Reporter | None = None, fresh: bool = False, cache: Path | None = None
) -> Outcome:
    """Run an experiment and write its folder.

    The folder holds ``record.json``, ``results.jsonl`` (every method x steer x community x subset), ``summary.jsonl``
    (each method over the communities it serves), ``comparisons.jsonl`` (paired differences, and what steering costs
    others), ``repeats.jsonl`` (each seed alone), ``people.jsonl`` (agreement among people, where several judged the
    same), ``curves.jsonl`` and ``sensitivity.jsonl`` where asked for, ``predictions/`` and ``models/``.

    Args:
        resolved: What to run.
        out: The folder; work of the same run found there is not done again.
        reporter: Hears the progress.
        fresh: Begin anew, whatever is in the folder.
        cache: Where embeddings are kept; the default place where None.

    Raises:
        PluralignError: If data or settings do not allow the run; finished work stays in the folder.
    """
    reporter = reporter or Silent()
    started, settings = time.perf_counter(), resolved.settings
    encoder = CachedEncoder(encoder_named(settings.trunk.encoder, cache), cache, reporter.progress)
    trunk = EmbeddingTrunk(encoder, settings.trunk.interaction)
    reporter.stage("reading pairs")
    loaded = load_pairs(resolved.sources, settings.limit, settings.seed, lambda n: reporter.progress(n, 0))
    work = _Work(resolved, RunFolder(out), reporter, loaded, plan(settings, loaded.people()), trunk)
    resumed = work.folder.claim(_fingerprint(work), fresh)
    work.timed("read", started)
    if resumed:
        reporter.note(f"going on from earlier work in {out}")
    _warn_of_languages(work, encoder)
    encoded = _encode(work)
    parts = [_repeat(work, encoded, seed) for seed in _seeds(work)]
    return _write(work, encoded, parts, started)


def _seeds(work: _Work) -> range:
    settings = work.resolved.settings
    return range(settings.seed, settings.seed + settings.repeats)


def _encode(work: _Work) -> EncodedPairs:
    since = time.perf_counter()
    work.reporter.stage(f"encoding the texts of {len(work.loaded.pairs):,} pairs")
    encoded = work.trunk.encode_pairs(work.loaded.pairs)
    work.timed("encode", since)
    return encoded


def _repeat(work: _Work, encoded: EncodedPairs, seed: int) -> dict[str, tuple[Judged, Mapping[str, FloatArray]]]:
    """Margins of every method on the test pairs of one repeat, from the folder where they are already there."""
    methods = work.resolved.methods
    missing = [m for m in methods if not work.folder.has_predictions(seed, m.name)]
    tuning = work.folder.read_json(f"predictions/seed-{seed}/tuning.json") or {}
    if missing:
        bench, side = _bench(work, encoded, seed)
        judged = judge(side.test, bench.reference)
        work.reporter.stage(
            f"seed {seed}: fitting {len(missing)} methods for {len(side.train.communities)} communities"
        )
        for k, method in enumerate(missing):
            work.reporter.progress(k, len(missing))
            _fit_one(work, bench, side, judged, method)
        tuning = _tuning(bench, tuning)
        work.folder.write_json(f"predictions/seed-{seed}/tuning.json", tuning)
    work.tuning[str(seed)] = tuning
    return {m.name: work.folder.read_predictions(seed, m.name) for m in methods}


def _fit_one(work: _Work, bench: Bench, side: Sides, judged: Judged, method: Method) -> None:
    since = time.perf_counter()
    model = bench.fit(method)
    if isinstance(model, EmbeddingRewardModel):
        about = EmbeddingRewardModel(
            model.trunk, model.reference_D, model.communities, model.delta_C_D, _card(work, bench, method)
        )
        save_reward_model(about, work.folder.model(bench.seed, method.name), work.resolved.settings.trunk.encoder)
    work.folder.write_predictions(bench.seed, method.name, judged, margins_of(model, side.test))
    work.timed(f"fit {method.name}", since)


def _bench(work: _Work, encoded: EncodedPairs, seed: int) -> tuple[Bench, Sides]:
    settings = work.resolved.settings
    split = split_pairs(work.loaded, settings, work.resolved.sources, seed)
    side = sides(encoded, split.train, split.test, work.plan, settings)
    for community in side.without_test:
        work.notes.append(f"seed {seed}: {community} has no test pairs; it is not measured")
    for community in side.without_train:
        work.notes.append(f"seed {seed}: {community} has no training pairs; it is not steered to")
    for community, units in _units(side.test).items():
        if units < ENOUGH:
            work.notes.append(
                f"seed {seed}: {community} has {units} test raters or stems; its intervals are too narrow"
            )
    for reason, count in split.left_out.items():
        work.notes.append(f"seed {seed}: {count:,} pairs on neither side of the split: {reason}")
    since = time.perf_counter()
    if settings.reference.model is not None:
        reference = load_reward_model(settings.reference.model, work.trunk.encoder)
        bench = Bench(work.resolved, side.train, EmbeddingRewardModel(work.trunk, reference.reference_D), seed)
    else:
        fitted, choice = fit_reference(side.train, work.trunk, work.plan, settings, seed)
        bench = Bench(work.resolved, side.train, fitted, seed)
        bench.ridges["reference"] = choice
    work.timed("fit the reference", since)
    return bench, side


def _units(test: EncodedPairs) -> dict[str, int]:
    units: dict[str, set[str]] = {}
    for p in test.pairs:
        units.setdefault(p.community, set()).add(p.rater or p.stem)
    return {community: len(found) for community, found in sorted(units.items())}


def _write(work: _Work, encoded: EncodedPairs, parts: list[dict[str, Any]], started: float) -> Outcome:
    settings, folder = work.resolved.settings, work.folder
    drawing = Drawing(settings.seed, settings.intervals.draws)
    work.reporter.stage("measuring")
    since = time.perf_counter()
    names = [m.name for m in work.resolved.methods]
    joined = {name: _join([part[name] for part in parts]) for name in names}
    results, summary, comparisons = [], [], []
    for k, name in enumerate(names):
        work.reporter.progress(k, len(names))
        judged, margins = joined[name]
        results += [row.as_dict() for row in steer_rows(judged, name, margins, drawing)]
        summary += list(summary_rows(judged, name, margins, work.plan.steered, drawing))
        for baseline in BASELINES:
            if baseline in joined and baseline != name:
                other = (baseline, joined[baseline][1])
                comparisons += list(difference_rows(judged, name, margins, other, work.plan.steered, drawing))
        comparisons += list(harm_rows(judged, name, margins, work.plan.spoken_for, drawing))
    folder.write_rows("results.jsonl", results)
    folder.write_rows("summary.jsonl", summary)
    folder.write_rows("comparisons.jsonl", comparisons)
    folder.write_rows("repeats.jsonl", _each_seed(work, parts, drawing))
    _write_accuracy_on_cards(work, results)
    people = list(ceiling_rows(work.loaded.pairs, settings.seed, settings.intervals.draws))
    folder.write_rows("people.jsonl", people)
    work.timed("measure", since)
    _studies(work, encoded, drawing)
    record = _record(work, started, summary)
    folder.write_json(RECORD, record)
    return Outcome(record, results, summary, comparisons)


def _write_accuracy_on_cards(work: _Work, results: list[dict[str, Any]]) -> None:
    """Each saved model says how well it serves each community, over all repeats."""
    kept = ("value", "low", "high", "n", "n_raters")
    for method in {row["method"] for row in results}:
        accuracy = {
            row["community"]: {k: row[k] for k in kept}
            for row in results
            if row["method"] == method and row["subset"] == "all" and row["steer"] in {None, row["community"]}
        }
        for seed in _seeds(work):
            if (work.folder.model(seed, method) / "card.json").is_file():
                annotate_card(work.folder.model(seed, method), {"accuracy": accuracy})


def _each_seed(work: _Work, parts: list[dict[str, Any]], drawing: Drawing) -> list[dict[str, Any]]:
    rows = []
    for seed, part in zip(_seeds(work), parts, strict=True):
        for name, (judged, margins) in part.items():
            found = summary_rows(judged, name, margins, work.plan.steered, drawing)
            rows += [row | {"seed": seed} for row in found]
    return rows


def _join(parts: list[tuple[Judged, Mapping[str, FloatArray]]]) -> tuple[Judged, dict[str, FloatArray]]:
    """Repeats one after the other; a steer that a repeat lacks is the reference there."""
    import numpy as np

    judged = Judged.join([j for j, _ in parts])
    steers = dict.fromkeys(steer for _, margins in parts for steer in margins)
    return judged, {
        s: np.concatenate([margins.get(s, j.reference_N) for j, margins in parts]).astype(np.float64) for s in steers
    }


def _studies(work: _Work, encoded: EncodedPairs, drawing: Drawing) -> None:
    settings = work.resolved.settings
    methods = {m.name: m for m in work.resolved.methods}
    drawn = {name: methods[name] for name in settings.curves.methods if name in methods}
    wanted = settings.sensitivity
    grid = _grid(settings, methods)
    tasks = [f"curve-{by}" for by in settings.curves.by if settings.curves.fractions and drawn]
    tasks += ["sensitivity"] if wanted and grid else []
    missing = [t for t in tasks if not (work.folder.path / "studies" / f"{t}.jsonl").is_file()]
    if missing:
        (work.folder.path / "studies").mkdir(parents=True, exist_ok=True)
        bench, side = _bench(work, encoded, settings.seed)
        study = Study(bench, side.test, judge(side.test, bench.reference), drawing, work.reporter)
        for task in missing:
            since = time.perf_counter()
            work.reporter.stage(f"study: {task}")
            rows = (
                sensitivity_rows(study, methods, grid)
                if task == "sensitivity"
                else curve_rows(study, drawn, settings.curves.fractions, task.removeprefix("curve-"))
            )
            work.folder.write_rows(f"studies/{task}.jsonl", list(rows))
            work.timed(f"study {task}", since)


def _grid(settings: Any, methods: Mapping[str, Method]) -> list[tuple[str, dict[str, float]]]:
    wanted = settings.sensitivity
    given = {"tau": wanted.tau, "beta": wanted.beta}
    grid: list[tuple[str, dict[str, float]]] = []
    if "scpo" in methods and any(given.values()):
        for tau in wanted.tau or (None,):
            for beta in wanted.beta or (None,):
                changed = {"tau": tau, "beta": beta}
                grid.append(("scpo", {k: v for k, v in changed.items() if v is not None}))
    return grid + [(name, {"ridge": ridge}) for ridge in wanted.ridge for name in _ABLATIONS if name in methods]


def _record(work: _Work, started: float, summary: list[dict[str, Any]]) -> dict[str, Any]:
    loaded, settings = work.loaded, work.resolved.settings
    packages = {}
    for name in _PACKAGES:
        try:
            packages[name] = version(name)
        except ModuleNotFoundError:
            continue
    sources = [
        {"name": s.name, "license": s.license, "settings": _plain(asdict(s))} | _counts(t)  # type: ignore[call-overload]
        for s, t in zip(work.resolved.sources, loaded.tallies, strict=True)
    ]
    return {
        "name": settings.name,
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "settings": settings.model_dump(mode="json"),
        "method_settings": {m: dict(v) for m, v in work.resolved.given.items() if v},
        "seeds": list(_seeds(work)),
        "versions": {"pluralign": __version__, "python": platform.python_version(), **packages},
        "encoder": work.trunk.fingerprint,
        "data": {"fingerprint": loaded.fingerprint, "pairs": len(loaded.pairs), "sources": sources},
        "people": loaded.people(),
        "communities": {
            "steered": list(work.plan.steered),
            "reference": list(work.plan.spoken_for),
            "left_out": dict(work.plan.left_out),
        },
        "ridges": work.tuning,
        "notes": list(dict.fromkeys(work.notes)),
        "seconds": work.seconds | {"total": round(time.perf_counter() - started, 3)},
        "outcome": [row for row in summary if row["subset"] == "all" and row["aggregate"] in {"average", "worst"}],
    }


def _counts(tally: Any) -> dict[str, Any]:
    return {
        "read": tally.read,
        "kept": tally.kept,
        "dropped": dict(tally.dropped),
        "flagged": dict(tally.flagged),
        "notes": dict(tally.notes),
    }


def _card(work: _Work, bench: Bench, method: Method) -> dict[str, Any]:
    """What a saved model says of itself."""
    people = work.loaded.people()
    return {
        "method": method.name,
        "about": method.about,
        "experiment": work.resolved.settings.name,
        "seed": bench.seed,
        "reference_fitted_on": list(work.plan.spoken_for),
        "people": {c: people[c] for c in dict.fromkeys((*bench.train.communities, *work.plan.spoken_for))},
        "training_pairs": len(bench.train.encoded),
        "data_fingerprint": work.loaded.fingerprint,
        "licenses": sorted({s.license for s in work.resolved.sources}),
        "settings": dict(work.resolved.given.get(method.name, {})),
        "ridges": {name: choice.ridge for name, choice in bench.ridges.items()},
        "limits": "Scores are similarity to the choices of those who took part, not to a whole community.",
        "pluralign": __version__,
    }


def _tuning(bench: Bench, earlier: Mapping[str, Any]) -> dict[str, Any]:
    found = {
        name: {"ridge": c.ridge, "held_out_loss": {str(k): v for k, v in c.loss.items()}}
        for name, c in bench.ridges.items()
    }
    return dict(earlier) | found


def _warn_of_languages(work: _Work, encoder: Encoder) -> None:
    if getattr(encoder, "languages", None) is None:
        return
    rng = rng_for(work.resolved.settings.seed, "languages")
    chosen = rng.choice(len(work.loaded.pairs), min(500, len(work.loaded.pairs)), replace=False)
    warning = language_warning([work.loaded.pairs[i].chosen for i in chosen.tolist()], encoder, rng)
    if warning:
        work.notes.append(warning)
        work.reporter.note(warning)


def _fingerprint(work: _Work) -> str:
    settings = work.resolved.settings.model_dump(mode="json", exclude={"pairs"})
    given = {name: _plain(dict(values)) for name, values in work.resolved.given.items()}
    parts = [settings, given, work.loaded.fingerprint, work.trunk.fingerprint, __version__]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return str(value) if isinstance(value, Path) else value
