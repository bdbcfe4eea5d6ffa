"""Rehearse an experiment: all of it, end to end, small, with random weights, without the hub."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pluralign.core import PairSource, Reporter, Silent, rng_for
from pluralign.experiments.miniatures import write_miniature
from pluralign.experiments.rehearsal_pairs import FewPairs, sample_texts, write_prism_sample
from pluralign.experiments.reward_run import run_experiment
from pluralign.huggingface.processes import process_count, wait_for_all, writing
from pluralign.rewards.transformer.config import LEARNING_RATES, TrainingConfig
from pluralign.settings.experiment import AnyTrunkSettings, Settings
from pluralign.settings.resolved_experiment import Resolved
from pluralign.sources import PrismPairs, unwrapped

_LONGEST, _STEPS, _BATCH, _RANK, _DRAWS = 256, 2, 4, 4, 100
_TRAINED = 2
_UNNAMED = ("GBR", "MEX", "USA")


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The outcome of a rehearsal. Its accuracies mean nothing and are not kept.

    Attributes:
        stood_in: Replacements of the model and of the pairs, and settings that were reduced.
        seconds: Stage -> how long it took.
        pairs: How many pairs it read.
        ahead: The steps of the real run.
    """

    stood_in: tuple[str, ...]
    seconds: Mapping[str, float]
    pairs: int
    ahead: tuple[str, ...]

    def lines(self) -> list[str]:
        """All of it as lines of text."""
        return [
            "This was a rehearsal with random weights on a few pairs: it found no fault, and its "
            "numbers mean nothing.",
            "",
            *(f"* {line}" for line in self.stood_in),
            "",
            f"Stages, on {self.pairs} pairs:",
            *(f"  {stage:<32} {seconds:8.2f} s" for stage, seconds in self.seconds.items()),
            "",
            "The real run:",
            *(f"* {line}" for line in self.ahead),
        ]


def rehearse(resolved: Resolved, reporter: Reporter | None = None) -> Rehearsal:
    """Run an experiment small, in a temporary folder that is gone afterwards.

    The model has the architecture and the head of the real one, two layers and random weights; its
    pairs are a sample in the shape of PRISM, or the first of one's own files. One seed, a few
    steps, every method. Nothing is fetched.

    Args:
        resolved: The experiment.
        reporter: Is notified of the progress.

    Raises:
        PluralignError: If the experiment could not run.
    """
    reporter = reporter or Silent()
    with _passing_folder() as folder:
        reporter.stage("building a small model and a few pairs")
        since = time.perf_counter()
        with writing() as main:
            sources, told = _few(resolved, folder, main)
            settings, more = _small(resolved.settings, folder, main)
        small = replace(resolved, settings=settings, sources=sources)
        built = round(time.perf_counter() - since, 2)
        outcome = run_experiment(small, folder / "run", reporter, cache=folder / "cache")
        wait_for_all()
    seconds = {"build a small model and pairs": built} | dict(outcome.record["seconds"])
    return Rehearsal((*told, *more), seconds, outcome.record["data"]["pairs"], _ahead(resolved))


@contextmanager
def _passing_folder() -> Iterator[Path]:
    """A temporary folder, the same for every process of one machine."""
    with TemporaryDirectory(prefix="pluralign-rehearsal-") as own:
        shared = [own]
        if process_count() > 1:
            from accelerate.utils import broadcast_object_list

            wait_for_all()
            broadcast_object_list(shared)
        yield Path(shared[0])


def _few(resolved: Resolved, folder: Path, write: bool) -> tuple[tuple[PairSource, ...], list[str]]:
    """Sources of a few pairs, and the sources that they replace."""
    settings = resolved.settings
    fit_on = settings.reference.fit_on
    named = (*(settings.communities or ()), *(fit_on if isinstance(fit_on, tuple) else ()))
    wanted = tuple(dict.fromkeys(named)) if settings.communities is not None else None
    found: list[PairSource] = []
    told = []
    for k, source in enumerate(resolved.sources):
        itself = unwrapped(source)
        if isinstance(itself, PrismPairs) or getattr(itself, "hub", False):
            place = folder / f"pairs-{k}"
            told.append(f"{source.name}: a sample in the shape of PRISM replaces it")
            if write:
                place.mkdir()
                living = tuple(dict.fromkeys(named)) or _UNNAMED
                write_prism_sample(place, living, rng_for(0, "rehearsal"))
            found.append(PrismPairs(place))
        else:
            told.append(f"{source.name}: the first pairs of each community")
            found.append(FewPairs(source, wanted))
    return tuple(found), told


def _small(settings: Settings, folder: Path, write: bool) -> tuple[Settings, list[str]]:
    """The same settings, to be run in seconds; and what was changed."""
    training = _short(settings.training)
    # Other settings of the reference's training would undo what `_short` reduces.
    given = settings.reference.training
    own = {key: given[key] for key in given if key in {"learning_rate", "schedule", "dropout"}}
    curves, grid = settings.curves, settings.sensitivity
    trunk, told = _small_trunk(settings.trunk, folder, write)
    changed: dict[str, Any] = {
        "repeats": 1,
        "min_pairs": 1,
        "min_raters": 1,
        "trunk": trunk,
        "training": training,
        "reference": settings.reference.model_copy(update={"training": own}),
        "intervals": settings.intervals.model_copy(update={"draws": _DRAWS}),
        "curves": curves.model_copy(update={"fractions": curves.fractions[:1], "repeats": 1}),
        "sensitivity": grid.model_copy(
            update={
                "tau": grid.tau[:1],
                "beta": grid.beta[:1],
                "ridge": grid.ridge[:1],
                "repeats": 1,
            }
        ),
    }
    if settings.trunk.tuned:
        told.append(
            f"{training.max_steps} steps of {training.batch} pairs, texts of at most "
            f"{min(settings.transformer.max_length, _LONGEST)} tokens"
        )
        if settings.communities is not None and len(settings.communities) > _TRAINED:
            changed["communities"] = settings.communities[:_TRAINED]
            named = " and ".join(settings.communities[:_TRAINED])
            told.append(f"steered to {named}; the others are read only")
    if settings.training.report_to:
        told.append(f"nothing is sent to {', '.join(settings.training.report_to)}")
    return settings.model_copy(update=changed), told


def _short(training: TrainingConfig) -> TrainingConfig:
    processes = process_count()
    # A batch that the processes cannot share stays as it is, so that the rehearsal finds the fault.
    fits = training.batch % processes == 0
    changed = {
        "max_steps": _STEPS,
        "batch": min(training.batch, _BATCH * processes) if fits else training.batch,
        "micro_batch": training.micro_batch and min(training.micro_batch, 2),
        "evaluations": 1,
        "checkpoints": min(training.checkpoints, 1),
        "rank": min(training.rank, _RANK),
        "report_to": (),
    }
    return training.model_copy(update=changed)


def _small_trunk(
    trunk: AnyTrunkSettings, folder: Path, write: bool
) -> tuple[AnyTrunkSettings, list[str]]:
    if trunk.kind == "embedding":
        return trunk.model_copy(update={"encoder": "hash", "endpoint": None}), [
            f"hashed words replace the encoder {trunk.encoder}"
        ]
    model = folder / "model"
    told = write_miniature(trunk, sample_texts(), model) if write else ""
    changed = {
        "model": str(model),
        "revision": None,
        "attention": None,
        "max_length": min(trunk.max_length, _LONGEST),
    }
    return trunk.model_copy(update=changed), [
        f"{trunk.model}: two layers with random weights ({told})"
    ]


def _ahead(resolved: Resolved) -> tuple[str, ...]:
    """The steps of the real run, as far as they are known before the data is read."""
    settings = resolved.settings
    communities = len(settings.communities) if settings.communities is not None else None
    whom = _some(communities, "community") if communities else "every community with enough people"
    data = ", ".join(_origin(unwrapped(s)) for s in resolved.sources)
    lines = [f"data: {data}; the number of pairs is known once they are read"]
    if settings.trunk.kind == "embedding":
        lines.append(f"encoder: {settings.trunk.encoder}")
    else:
        lines.append(
            f"model: {settings.trunk.model}, {settings.trunk.max_length} tokens, "
            f"{settings.trunk.precision}"
        )
    lines.append(
        f"{_some(settings.repeats, 'seed')}, {_some(len(resolved.methods), 'method')}, {whom}"
    )
    if settings.trunk.tuned:
        lines += [_trainings(resolved, communities), _each(settings)]
    return tuple(lines)


def _origin(source: Any) -> str:
    origin = "from the hub" if getattr(source, "hub", False) else getattr(source, "path", "")
    return f"{source.name} {origin}".strip()


def _trainings(resolved: Resolved, communities: int | None) -> str:
    each = [m for m in resolved.methods if m.weights is not None and not m.shared]
    together = len([m for m in resolved.methods if m.weights is not None and m.shared])
    together += resolved.settings.reference.fit_on is not None
    if communities is None:
        return (
            f"trainings, for each seed: {len(each)} of each community, "
            f"{together} of several together"
        )
    seeds = resolved.settings.repeats
    count = seeds * (len(each) * communities + together)
    methods, whom = _some(len(each), "method"), _some(communities, "community")
    return (
        f"{_some(count, 'training')}: {_some(seeds, 'seed')} x "
        f"({methods} x {whom} + {together} of several together)"
    )


def _some(count: int, of: str) -> str:
    """A count of things: "1 seed", "5 communities"."""
    plural = of.removesuffix("y") + "ies" if of.endswith("y") else of + "s"
    return f"{count:,} {of if count == 1 else plural}"


def _each(settings: Settings) -> str:
    config = settings.training
    kind = settings.transformer.part_kind
    rate = config.learning_rate or LEARNING_RATES[kind]
    steps = f"{config.max_steps:,} steps" if config.max_steps else f"{config.epochs:g} epochs"
    early = (
        ""
        if config.held_out == 0
        else f", at most; {config.held_out:.0%} of the people are held out to stop early"
    )
    return (
        f"each training ({kind}): {steps} of {config.batch} pairs at learning rate {rate:g}{early}"
    )
