"""Fits of linear heads on workers: each worker gets the features of all pairs once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pluralign.core import Encoder
from pluralign.experiments.linear_bench import LinearBench, LinearFit, UnsavedFit
from pluralign.experiments.planning import Plan
from pluralign.experiments.repeats import sides
from pluralign.methods import Method, ReferenceFit, RidgeChoice
from pluralign.rewards import EmbeddingTrunk, EncodedPairs, LinearRewardModel, Trunk
from pluralign.scaling import DistantEncoder
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
    ridges: Mapping[str, RidgeChoice]

    @classmethod
    def of(
        cls, bench: LinearBench, split: Split, make: Callable[[], Encoder] | None
    ) -> "RepeatInputs":
        """The inputs of a bench, with an encoder that each worker makes when a method asks."""
        reference = replace(bench.reference, trunk=_distant(bench.reference.trunk, make))
        return cls(bench.seed, split, reference, bench.train.reference_fit, dict(bench.ridges))


def groups_of(methods: Sequence[Method]) -> list[list[Method]]:
    """Methods in groups that share a ridge, which is then chosen once.

    >>> from pluralign.methods.builtin import FULL, SCPO, SCPO_FILTER_ONLY
    >>> [[method.name for method in group] for group in groups_of([SCPO, FULL, SCPO_FILTER_ONLY])]
    [['scpo', 'scpo-filter-only'], ['full']]
    """
    groups: dict[str, list[Method]] = {}
    for method in methods:
        groups.setdefault(method.tuned_as or method.name, []).append(method)
    return list(groups.values())


def fit_group(
    shared: SharedInputs, repeat: RepeatInputs, methods: Sequence[Method]
) -> tuple[Fits, dict[str, RidgeChoice]]:
    """Fit methods of a repeat, as its bench does.

    Returns:
        Each method's name and fit, with a prior where it is saved with one; and the ridges chosen.
    """
    bench = _bench(shared, repeat)
    fits: Fits = []
    for method in methods:
        fit = bench.fit(method)
        if isinstance(fit, LinearFit):
            prior = fit.model.prior or (fit.prior() if fit.prior is not None else None)
            fit = LinearFit(replace(fit.model, prior=prior, training=None), shared.trunk)
        fits.append((method.name, fit))
    return fits, bench.ridges


def brought_home(fit: LinearFit | UnsavedFit, trunk: Trunk) -> LinearFit | UnsavedFit:
    """The fit of a worker, on the trunk of this process."""
    if isinstance(fit, LinearFit):
        return replace(fit, model=replace(fit.model, trunk=trunk))
    return fit


def _bench(shared: SharedInputs, repeat: RepeatInputs) -> LinearBench:
    trunk, encoded = repeat.reference.trunk, shared.encoded
    if isinstance(trunk, EmbeddingTrunk) and trunk.components is not None:
        encoded = trunk.read_again(encoded)
    train = sides(encoded, repeat.split, shared.plan, shared.resolved.settings, repeat.seed).train
    return LinearBench(
        resolved=shared.resolved,
        train=replace(train, reference_fit=repeat.reference_fit),
        reference=repeat.reference,
        seed=repeat.seed,
        trunk=shared.trunk,
        ridges=dict(repeat.ridges),
    )


def _distant(trunk: Trunk, make: Callable[[], Encoder] | None) -> Trunk:
    encoder: Any = getattr(trunk, "encoder", None)
    if encoder is None or make is None:
        return trunk
    distant = DistantEncoder(make, encoder.fingerprint, encoder.dimensions)
    if isinstance(trunk, EmbeddingTrunk):
        return replace(trunk, encoder=distant)
    from pluralign.rewards.transformer.trunk import TransformerTrunk

    return TransformerTrunk(distant)
