"""Fits of linear heads on workers: each worker gets the features of all pairs once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pluralign.core import Encoder
from pluralign.experiments.linear_bench import LinearBench, LinearFit, UnsavedFit
from pluralign.experiments.planning import Plan
from pluralign.experiments.repeats import Sides, sides
from pluralign.experiments.reward_record import RewardWork
from pluralign.experiments.studies import StudyFit, fit_here
from pluralign.methods import Method, ReferenceFit, RidgeChoice
from pluralign.methods.builtin import POOLED
from pluralign.rewards import EmbeddingTrunk, EncodedPairs, HeadPrior, LinearRewardModel, Trunk
from pluralign.scaling import DistantEncoder, WorkerPool, spread
from pluralign.settings.resolved_experiment import Resolved
from pluralign.sources import Split

Fits = list[tuple[str, LinearFit | UnsavedFit]]


@dataclass(frozen=True, slots=True)
class SharedInputs:
    """The inputs that all fits of a run share.

    Attributes:
        resolved: The experiment, without its sources.
        encoded: All pairs, as the open trunk reads them.
        plan: Roles of the communities.
        trunk: Description of the trunk, for the cards of models.
    """

    resolved: Resolved
    encoded: EncodedPairs
    plan: Plan
    trunk: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class RepeatInputs:
    """The inputs of the fits of one repeat, small enough to travel with each task.

    Attributes:
        seed: Seed of the repeat.
        split: Its split.
        reference: Its reference, on the trunk of the repeat.
        reference_fit: How the reference was fitted, where the training pairs know it.
        ridges: Ridges that are chosen already.
    """

    seed: int
    split: Split
    reference: LinearRewardModel
    reference_fit: ReferenceFit | None
    ridges: dict[str, RidgeChoice]

    @classmethod
    def of(cls, bench: LinearBench, split: Split) -> "RepeatInputs":
        """The inputs of a bench."""
        reference, ridges = bench.reference, dict(bench.ridges)
        return cls(bench.seed, split, reference, bench.train.reference_fit, ridges)

    def for_workers(self, make: Callable[[], Encoder] | None) -> "RepeatInputs":
        """The same with an encoder that each worker makes when a method asks."""
        trunk = _distant(self.reference.trunk, make)
        return replace(self, reference=replace(self.reference, trunk=trunk))


def inputs_of(work: RewardWork, encoded: EncodedPairs) -> SharedInputs:
    """The inputs that all fits of a run share."""
    resolved = replace(work.resolved, sources=())
    return SharedInputs(resolved, encoded, work.plan, work.opened.described)


def shared_with(workers: WorkerPool, work: RewardWork, encoded: EncodedPairs) -> Any:
    """A reference to the inputs that all fits of a run share; they travel once in a run."""
    if work.shared is None:
        work.shared = workers.share(inputs_of(work, encoded))
    return work.shared


def groups_of(methods: Sequence[Method]) -> list[list[Method]]:
    """Methods in groups that share a ridge, which is then chosen once.

    The group of `pooled` is the first one, because the prior of new communities has its ridge.

    >>> from pluralign.methods.builtin import FULL, POOLED, SCPO, SCPO_FILTER_ONLY
    >>> groups = groups_of([SCPO, FULL, SCPO_FILTER_ONLY, POOLED])
    >>> [[method.name for method in group] for group in groups]
    [['pooled'], ['scpo', 'scpo-filter-only'], ['full']]
    """
    groups: dict[str, list[Method]] = {}
    for method in methods:
        groups.setdefault(method.tuned_as or method.name, []).append(method)
    return sorted(groups.values(), key=lambda group: group[0].name != POOLED.name)


def fit_group(
    shared: SharedInputs, repeat: RepeatInputs, methods: Sequence[Method], with_prior: bool
) -> tuple[Fits, dict[str, RidgeChoice], HeadPrior | None]:
    """Fit methods of a repeat, as its bench does.

    Args:
        shared: The inputs that all fits of the run share.
        repeat: The inputs of the repeat.
        methods: The methods.
        with_prior: Whether to learn the prior of new communities too, which all models of the
            repeat are saved with.

    Returns:
        Each method's name and fit, the ridges chosen, and the prior.
    """
    bench = bench_of(shared, repeat)[0]
    fits: Fits = []
    for method in methods:
        fit = bench.fit(method)
        if isinstance(fit, LinearFit):
            fit = LinearFit(replace(fit.model, training=None), shared.trunk)
        fits.append((method.name, fit))
    return fits, bench.ridges, bench.prior() if with_prior else None


def brought_home(
    fit: LinearFit | UnsavedFit, trunk: Trunk, prior: HeadPrior | None = None
) -> LinearFit | UnsavedFit:
    """The fit of a worker, on the trunk of this process, with the prior that it is saved with."""
    if isinstance(fit, LinearFit):
        model = replace(fit.model, trunk=trunk)
        return replace(fit, model=model, prior=None if prior is None else lambda: prior)
    return fit


def fit_of_study(
    shared: SharedInputs, repeat: RepeatInputs, methods: Mapping[str, Method], fits: list[StudyFit]
) -> list[tuple[StudyFit, LinearFit | UnsavedFit]]:
    """Make fits of a study that are of one repeat, as its bench does; they are not saved."""
    bench = bench_of(shared, repeat)[0]
    made: list[tuple[StudyFit, LinearFit | UnsavedFit]] = []
    for fit, found in fit_here({fits[0].part: bench}, methods, fits):
        assert isinstance(found, LinearFit | UnsavedFit)
        if isinstance(found, LinearFit):  # without its prior, which only a saved model needs
            model = replace(found.model, training=None)
            made.append((fit, LinearFit(model, shared.trunk)))
        else:
            made.append((fit, found))
    return made


def spread_study(
    shared: Any,
    repeats: Mapping[int, RepeatInputs],
    methods: Mapping[str, Method],
    trunks: Mapping[int, Trunk],
    pool: WorkerPool,
    fits: Sequence[StudyFit],
) -> Iterator[tuple[StudyFit, LinearFit | UnsavedFit]]:
    """Make the fits of a study on workers: a task for those that share their data and a ridge.

    Args:
        shared: A reference to the inputs that all fits share.
        repeats: Number of a repeat in the study -> its inputs.
        methods: The methods by name.
        trunks: Number of a repeat -> its trunk in this process.
        pool: The workers.
        fits: The fits.
    """
    groups: dict[tuple[Any, ...], list[StudyFit]] = {}
    for fit in fits:
        method = methods[fit.method]
        own = () if fit.fraction is not None else fit.changed
        data = fit.part, fit.fraction, fit.by, method.tuned_as or method.name, own
        groups.setdefault(data, []).append(fit)
    tasks = (
        (k, (shared, repeats[of[0].part], methods, of)) for k, of in enumerate(groups.values())
    )
    for _, done in spread(tasks, fit_of_study, pool):
        for fit, fitted in done.result():
            yield fit, brought_home(fitted, trunks[fit.part])


def bench_of(shared: SharedInputs, repeat: RepeatInputs) -> tuple[LinearBench, Sides]:
    """The bench of a repeat whose reference is fitted, and its two sides."""
    trunk, encoded = repeat.reference.trunk, shared.encoded
    if isinstance(trunk, EmbeddingTrunk) and trunk.components is not None:
        encoded = trunk.read_again(encoded)
    side = sides(encoded, repeat.split, shared.plan, shared.resolved.settings, repeat.seed)
    bench = LinearBench(
        resolved=shared.resolved,
        train=replace(side.train, reference_fit=repeat.reference_fit),
        reference=repeat.reference,
        seed=repeat.seed,
        trunk=shared.trunk,
        ridges=dict(repeat.ridges),
    )
    return bench, side


def _distant(trunk: Trunk, make: Callable[[], Encoder] | None) -> Trunk:
    encoder: Any = getattr(trunk, "encoder", None)
    if encoder is None or make is None:
        return trunk
    distant = DistantEncoder(make, encoder.fingerprint, encoder.dimensions)
    if isinstance(trunk, EmbeddingTrunk):
        return replace(trunk, encoder=distant)
    from pluralign.rewards.transformer.trunk import TransformerTrunk

    return TransformerTrunk(distant)
