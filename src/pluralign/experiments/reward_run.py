"""Run an experiment: read, split, fit, judge, study, write; resume an interrupted run."""

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from pluralign.core import (
    NO_STEER,
    REFERENCE,
    AnyPath,
    FloatArray,
    InvalidSettings,
    NotEnoughData,
    Reporter,
    as_path,
    count_of,
    listed,
    rng_for,
)
from pluralign.encoders import language_warning
from pluralign.evaluation import (
    MOST_CELLS,
    Drawing,
    TestPairs,
    ceiling_rows,
    own_margins,
)
from pluralign.experiments.alike import count_alike
from pluralign.experiments.bench import Bench, FittedMethod
from pluralign.experiments.benches import bench_for, encode, given_reference
from pluralign.experiments.linear_bench import LinearBench
from pluralign.experiments.measuring import measure, rows_of_repeats
from pluralign.experiments.people_behind import key_of, people_behind
from pluralign.experiments.planning import Plan, plan
from pluralign.experiments.repeats import (
    Sides,
    check_split,
    component_notes,
    few_clusters_notes,
    judge,
)
from pluralign.experiments.reward_record import (
    RewardWork,
    card_of,
    fingerprint_of,
    privacy_notes,
    record_of,
    seeds_of,
)
from pluralign.experiments.run_studies import write_studies
from pluralign.experiments.splitting import split_pairs
from pluralign.experiments.spread_fits import (
    Fits,
    RepeatInputs,
    bench_of,
    brought_home,
    fit_group,
    groups_of,
    inputs_of,
    shared_with,
)
from pluralign.methods import Method
from pluralign.models.trunks import open_trunk, remember_trunk
from pluralign.rewards import EncodedPairs, HeadPrior, annotate_card
from pluralign.runs.claim import claimed, note_earlier
from pluralign.runs.folder import RECORD, RunFolder, seen_by
from pluralign.runs.progress_bars import reporting
from pluralign.runs.withdrawn import read_withdrawn
from pluralign.scaling import WorkerPool, spread
from pluralign.settings.experiment import Settings
from pluralign.settings.resolved_experiment import Resolved, resolve
from pluralign.sources import Split
from pluralign.sources.pair_loading import Loaded, load_pairs

_TUNING = "predictions/seed-{}/tuning.json"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The results of a run; its folder contains the same rows.

    Attributes:
        record: As in ``record.json``.
        results: As in ``results.jsonl``.
        summary: As in ``summary.jsonl``.
        comparisons: As in ``comparisons.jsonl``.
        people: As in ``people.jsonl``.
    """

    record: Mapping[str, Any]
    results: list[dict[str, Any]]
    summary: list[dict[str, Any]]
    comparisons: list[dict[str, Any]]
    people: list[dict[str, Any]]

    def __repr__(self) -> str:
        name, methods = self.record.get("name"), sorted({row["method"] for row in self.results})
        return (
            f"Outcome({name}: {len(self.results):,} results of {count_of(len(methods), 'method')} "
            f"({listed(methods)}))"
        )


def run_experiment(
    resolved: Resolved | AnyPath | Mapping[str, Any],
    out: AnyPath,
    reporter: Reporter | None = None,
    fresh: bool = False,
    cache: AnyPath | None = None,
    workers: WorkerPool | None = None,
) -> Outcome:
    """Run an experiment and write its folder.

    The folder contains ``record.json``, ``results.jsonl`` (every method x steer x community x
    subset; effects of steers on other communities are in ``matrix.parquet`` where communities
    are many), ``summary.jsonl`` (each method over the communities it serves), ``comparisons.jsonl``
    (paired differences, and what steering costs others), ``repeats.jsonl`` (each seed alone),
    ``people.jsonl`` (agreement among people, where several judged the same), ``studies/`` (curves
    and sensitivity, where asked for), ``predictions/`` and ``models/``.

    Args:
        resolved: The experiment: a TOML file, its tables, or what `resolve` made of them.
        out: The folder; work of the same run found there is not done again.
        reporter: Is notified of the progress. Default: a bar in a notebook and on a terminal.
        fresh: Begin anew, and clear the folder.
        cache: Folder of kept embeddings; the default one where None.
        workers: Encode texts and fit linear heads (see `pluralign.scaling.workers_on`), with the
            same results. Default: this process does.

    Raises:
        PluralignError: If data or settings do not allow the run; finished work stays in the folder.
    """
    if not isinstance(resolved, Resolved):
        resolved = resolve(resolved)
    with reporting(reporter) as drawn:
        return _run(resolved, as_path(out), drawn, fresh, as_path(cache), workers)


def _run(
    resolved: Resolved,
    out: Path,
    reporter: Reporter,
    fresh: bool,
    cache: Path | None,
    workers: WorkerPool | None,
) -> Outcome:
    started, settings = time.perf_counter(), resolved.settings
    _refuse_sharded_adapters(settings)
    opened = open_trunk(settings.trunk, cache, reporter, workers=workers)
    remember_trunk(settings.trunk)
    reporter.stage("reading pairs")
    loaded = load_pairs(
        resolved.sources,
        settings.limit,
        settings.seed,
        lambda n: reporter.progress(n, 0),
        read_withdrawn(out),
    )
    advice = [sentence for tally in loaded.tallies for sentence in tally.advice]
    for sentence in advice:
        reporter.note(sentence)
    roles = _planned(settings, loaded, opened.own_reference() is not None, advice)
    work = RewardWork(
        resolved=resolved,
        folder=RunFolder(out),
        reporter=reporter,
        loaded=loaded,
        plan=roles,
        opened=opened,
        cache=cache,
        workers=workers,
    )
    work.notes += [*advice, *privacy_notes(resolved.sources, loaded, settings.trunk.tuned)]
    _check(work)
    with claimed(work.folder, fingerprint_of(work), fresh, _made_again_with) as faults:
        work.timed("read", started)
        note_earlier(reporter, out, faults)
        _warn_of_languages(work)
        encoded = encode(work)
        work.alike = count_alike(work, encoded)
        if work.workers is not None and encoded is not None and not settings.trunk.tuned:
            _spread_repeats(work, encoded, work.workers)
        for seed in seeds_of(work):
            _repeat(work, encoded, seed)
        return _write(work, encoded, started)


def _planned(settings: Settings, loaded: Loaded, given: bool, advice: list[str]) -> Plan:
    """The plan; with too few people, the message names the columns that may contain people."""
    try:
        return plan(settings, loaded.people(), given=given)
    except NotEnoughData as error:
        hint = "; ".join(filter(None, (*advice, error.hint)))
        raise NotEnoughData(error.what, where=error.where, hint=hint or None) from error


def _made_again_with(name: str) -> list[str]:
    """The margins to make again with a file of a model, a reference or the ridges.

    >>> _made_again_with("models/seed-7/scpo/card.json")
    ['predictions/seed-7/scpo.parquet', 'predictions/seed-7/scpo.seen.parquet']
    """
    match name.split("/"):
        case ["predictions", seed, "tuning.json"] | ["models", seed, "reference", *_]:
            return [f"predictions/{seed}/*"]
        case ["models", seed, method, *_]:
            return [f"predictions/{seed}/{name}.parquet" for name in (method, seen_by(method))]
    return []


def _refuse_sharded_adapters(settings: Settings) -> None:
    """Refuse launchers that take a model apart: adapters are trained on the model that scores."""
    fsdp = os.environ.get("ACCELERATE_USE_FSDP", "").lower() == "true"
    zero3 = os.environ.get("ACCELERATE_DEEPSPEED_ZERO_STAGE") == "3"
    if settings.trunk.tuned and settings.transformer.part_kind == "lora" and (fsdp or zero3):
        launcher = "FSDP" if fsdp else "DeepSpeed ZeRO-3"
        raise InvalidSettings(
            f"adapters cannot be trained under {launcher}, which takes the model apart",
            where="trunk.community",
            hint="launch with recipes/accelerate/ddp.yaml or deepspeed_zero2.yaml, "
            'or set community = "full"',
        )


def _check(work: RewardWork) -> None:
    """Check that every repeat can be fitted and measured, before the folder is touched."""
    settings, effective = work.resolved.settings, []
    for seed in seeds_of(work):
        split = split_pairs(work.loaded, settings, work.resolved.sources, seed)
        checked = check_split(work.loaded.pairs, split, work.plan)
        notes = [*checked.notes, *_component_notes(work, split)]
        work.notes += [f"seed {seed}: {note}" for note in notes]
        effective.append(checked.effective)
    work.notes += few_clusters_notes(effective)
    if settings.reference.model is not None:
        given_reference(settings.reference.model, work.opened)


def _component_notes(work: RewardWork, split: Split) -> list[str]:
    """Notes on principal components that a repeat fits, where their number was asked for."""
    settings = work.resolved.settings
    if settings.reference.model is not None or "trunk.components" not in work.resolved.origin:
        return []
    train = [work.loaded.pairs[i] for i in split.train.tolist()]
    return component_notes(train, settings.components)


def _spread_repeats(work: RewardWork, encoded: EncodedPairs, workers: WorkerPool) -> None:
    """Fit the methods of all repeats on workers, and write each as soon as it is there.

    Features of one repeat are in memory at a time; they are cut anew for a fit of another. Models
    of a repeat wait for its prior of new communities, which is learned once, with the first group.
    """
    inputs, shared = inputs_of(work, encoded), shared_with(workers, work, encoded)
    repeats: dict[int, RepeatInputs] = {}
    priors: dict[int, HeadPrior | None] = {}
    waiting: dict[int, Fits] = {}

    @lru_cache(maxsize=1)
    def at_hand(seed: int) -> tuple[LinearBench, Sides, TestPairs]:
        bench, side = bench_of(inputs, repeats[seed])
        return bench, side, judge(side.test, bench.reference)

    def tasks() -> Iterator[tuple[int, tuple[Any, ...]]]:
        for seed in seeds_of(work):
            missing = [m for m in work.resolved.methods if not _is_done(work, seed, m.name)]
            if not missing:
                continue
            bench = bench_for(work, encoded, seed)[0]
            assert isinstance(bench, LinearBench)
            split = split_pairs(work.loaded, work.resolved.settings, work.resolved.sources, seed)
            repeats[seed] = RepeatInputs.of(bench, split)
            work.reporter.stage(
                f"seed {seed}: fitting {count_of(len(missing), 'method')} for "
                f"{count_of(len(bench.train.communities), 'community', 'communities')} "
                f"on {count_of(workers.size, 'worker')}"
            )
            del bench  # while workers fit
            for_workers = repeats[seed].for_workers(work.opened.make_encoder)
            with_prior = not all(method.protects for method in missing)
            if not with_prior:
                priors[seed] = None
            for group in groups_of(missing):
                yield seed, (shared, for_workers, group, with_prior)
                with_prior = False

    methods = {method.name: method for method in work.resolved.methods}
    since = time.perf_counter()
    for seed, done in spread(tasks(), fit_group, workers):
        fits, ridges, prior = done.result()
        repeats[seed].ridges.update(ridges)
        waiting.setdefault(seed, []).extend(fits)
        if prior is not None:
            priors[seed] = prior
        if seed not in priors:
            continue
        bench, side, judged = at_hand(seed)
        bench.ridges |= repeats[seed].ridges
        for name, fit in waiting.pop(seed):
            saved_with = None if methods[name].protects else priors[seed]
            home = brought_home(fit, bench.reference.trunk, saved_with)
            _write_fit(work, bench, side, judged, methods[name], home)
    work.timed("fit on workers", since)


def _repeat(work: RewardWork, encoded: EncodedPairs | None, seed: int) -> None:
    """Write every method's margins on the test pairs of a repeat, unless the folder has them."""
    methods = work.resolved.methods
    missing = [m for m in methods if not _is_done(work, seed, m.name)]
    if missing:
        bench, side = bench_for(work, encoded, seed)
        judged = judge(side.test, bench.reference)
        work.reporter.stage(
            f"seed {seed}: fitting {count_of(len(missing), 'method')} for "
            f"{count_of(len(side.train.communities), 'community', 'communities')}"
        )
        for k, method in enumerate(missing):
            work.reporter.progress(k, len(missing))
            _fit_one(work, bench, side, judged, method)
    work.tuning[str(seed)] = work.folder.read_json(_TUNING.format(seed)) or {}


def _is_done(work: RewardWork, seed: int, method: str) -> bool:
    """Whether the folder has a method's margins, also of training pairs where they are wanted."""
    seen = not work.resolved.settings.privacy.audit
    seen = seen or work.folder.has_predictions(seed, seen_by(method))
    return seen and work.folder.has_predictions(seed, method)


def _fit_one(
    work: RewardWork, bench: Bench, side: Sides, judged: TestPairs, method: Method
) -> None:
    since = time.perf_counter()
    _write_fit(work, bench, side, judged, method, bench.fit(method))
    work.timed(f"fit {method.name}", since)


def _write_fit(
    work: RewardWork,
    bench: Bench,
    side: Sides,
    judged: TestPairs,
    method: Method,
    fitted: FittedMethod,
) -> None:
    fitted.save(work.folder.model(bench.seed, method.name), card_of(work, bench, method))
    work.folder.list_files(f"models/seed-{bench.seed}/{method.name}/**/*")
    # Before the predictions: a method whose predictions are found is not fitted again.
    tuning = _TUNING.format(bench.seed)
    found = bench.tuning(work.folder.read_json(tuning) or {})
    work.folder.write_json(tuning, _in_order(found, work.resolved.methods))
    if work.resolved.settings.privacy.audit:
        _write_seen(work, bench, side, method, fitted)
    blocks = _margin_blocks(fitted, side.test, len(side.train.communities))
    work.folder.write_predictions(bench.seed, method.name, judged, blocks)


def _in_order(tuning: Mapping[str, Any], methods: Sequence[Method]) -> dict[str, Any]:
    """Choices of fits in the order of the methods, for any order in which workers made the fits.

    >>> from pluralign.methods.builtin import FULL, SCPO
    >>> list(_in_order({"scpo": 1, "full": 2, "reference": 3}, [FULL, SCPO]))
    ['reference', 'full', 'scpo']
    """
    names = [REFERENCE, *(method.tuned_as or method.name for method in methods)]
    return {name: tuning[name] for name in dict.fromkeys([*names, *tuning]) if name in tuning}


def _margin_blocks(
    fitted: FittedMethod, test: EncodedPairs, communities: int
) -> Iterable[Mapping[str, FloatArray]]:
    """Margins of the test pairs under every steer; in several blocks where they are very many."""
    together = max(1, MOST_CELLS // max(communities, 1))
    index_N = np.arange(len(test.pairs))
    if len(index_N) <= together:
        return [fitted.margins(test)]
    starts = range(0, len(index_N), together)
    return (fitted.margins(test.take(index_N[k : k + together])) for k in starts)


def _write_seen(
    work: RewardWork, bench: Bench, side: Sides, method: Method, fitted: FittedMethod
) -> None:
    """Write the margins of the training pairs, each under the steer to its own community."""
    train = side.train.of(*side.train.communities).encoded
    judged = judge(train, bench.reference)
    own_N = own_margins(fitted.margins(train), judged)
    work.folder.write_predictions(bench.seed, seen_by(method.name), judged, [{NO_STEER: own_N}])


def _write(work: RewardWork, encoded: EncodedPairs | None, started: float) -> Outcome:
    settings, folder = work.resolved.settings, work.folder
    drawing = Drawing(settings.seed, settings.intervals.draws, both=settings.split.by == "both")
    work.reporter.stage("measuring")
    since = time.perf_counter()
    results, summary, comparisons = measure(work, drawing)
    folder.write_rows("results.jsonl", results)
    folder.write_rows("summary.jsonl", summary)
    folder.write_rows("comparisons.jsonl", comparisons)
    folder.write_rows("repeats.jsonl", rows_of_repeats(work, drawing))
    _write_accuracy_on_cards(work, results)
    known = [pair for pair in work.loaded.pairs if not pair.flip]  # private people seem to disagree
    agreement = ceiling_rows(known)
    people = [row.as_line() for row in agreement]
    folder.write_rows("people.jsonl", people)
    _write_people_behind(work)
    work.timed("measure", since)
    write_studies(work, encoded, drawing)
    record = record_of(work, started, summary)
    folder.write_json(RECORD, record)
    return Outcome(record, results, summary, comparisons, people)


def _write_people_behind(work: RewardWork) -> None:
    """Write digests of the people that the models of each repeat learned from."""
    pairs, settings = work.loaded.pairs, work.resolved.settings
    key, rows = key_of(pairs), []
    for seed in seeds_of(work):
        train = split_pairs(work.loaded, settings, work.resolved.sources, seed).train
        rows.append(people_behind(seed, (pairs[i] for i in train.tolist()), key))
    found = [row for row in rows if row is not None]
    if not found:
        return
    work.folder.write_rows("behind.jsonl", found, private=True)
    protecting = {method.name for method in work.resolved.methods if method.protects}
    for row in found:
        behind = {"behind": {"people": row["people"], "digest": row["digest"]}}
        for card in work.folder.path.glob(f"models/seed-{row['seed']}/*/card.json"):
            if card.parent.name in protecting:  # its digest depends on choices without noise
                continue
            annotate_card(card.parent, behind)
            work.folder.list_files(card.relative_to(work.folder.path).as_posix())


def _write_accuracy_on_cards(work: RewardWork, results: list[dict[str, Any]]) -> None:
    """Write on each saved model's card how well it serves each community, over all repeats."""
    kept = ("value", "low", "high", "n", "n_raters")
    accuracies: dict[str, dict[str, dict[str, Any]]] = {}
    for row in results:
        if row["subset"] == "all" and row["steer"] in {None, row["community"]}:
            of_method = accuracies.setdefault(row["method"], {})
            of_method[row["community"]] = {key: row[key] for key in kept}
    for method, accuracy in accuracies.items():
        for seed in seeds_of(work):
            if (work.folder.model(seed, method) / "card.json").is_file():
                annotate_card(work.folder.model(seed, method), {"accuracy": accuracy})
                work.folder.list_files(f"models/seed-{seed}/{method}/card.json")


def _warn_of_languages(work: RewardWork) -> None:
    encoder = getattr(work.opened.trunk, "encoder", None)
    if encoder is None:
        return
    rng = rng_for(work.resolved.settings.seed, "languages")
    if warning := language_warning([pair.chosen for pair in work.loaded.pairs], encoder, rng):
        work.notes.append(warning)
        work.reporter.note(warning)
