"""One repeat: check its split, cut the pairs at it, fit the reference, judge by the test pairs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pluralign.core import (
    REFERENCE,
    NotEnoughData,
    PreferencePair,
    count_of,
    prompt_text,
    rng_for,
)
from pluralign.evaluation import TestPairs
from pluralign.experiments.planning import Plan
from pluralign.methods import (
    ReferenceFit,
    RidgeChoice,
    RidgeConfig,
    TrainingSet,
    choose_ridge,
    pooled_heads,
)
from pluralign.methods.strength_weights import weighted_by_strength
from pluralign.metrics import ENOUGH_CLUSTERS, effective_clusters
from pluralign.rewards import EncodedPairs, LinearRewardModel, Trunk
from pluralign.settings.experiment import Settings
from pluralign.sources import Split

_NAMED = 10
"""Most communities that one note names."""


@dataclass(frozen=True, slots=True)
class Sides:
    """The two sides of one repeat.

    Attributes:
        train: All training pairs, and whom to steer to: the communities of the plan that have
            training pairs.
        test: Test pairs of the communities steered to or spoken for.
    """

    train: TrainingSet
    test: EncodedPairs


@dataclass(frozen=True, slots=True)
class SplitCheck:
    """Notes for the reader on a split, and its effective clusters.

    Attributes:
        notes: Which communities cannot be steered to or measured, and which pairs are on neither
            side.
        effective: Community -> effective test raters, or stems (`effective_clusters`).
    """

    notes: list[str]
    effective: Mapping[str, float]


def check_split(pairs: Sequence[PreferencePair], split: Split, plan: Plan) -> SplitCheck:
    """Check that a repeat can be fitted and measured.

    Args:
        pairs: All pairs.
        split: The two sides.
        plan: Roles of the communities.

    Raises:
        NotEnoughData: If no community to steer to, or none the reference speaks for, has training
            pairs, or no test pair is left.
    """
    trained = {pairs[i].community for i in split.train.tolist()}
    measured = dict.fromkeys((*plan.steered, *plan.spoken_for))
    units: dict[str, list[str]] = {}
    nobody = 0
    for i in split.test.tolist():
        units.setdefault(pairs[i].community, []).append(pairs[i].rater or pairs[i].stem)
        nobody += pairs[i].rater is None
    if trained.isdisjoint(plan.steered):
        raise NotEnoughData("no community to steer to has training pairs", hint="lower split.test")
    if plan.spoken_for and trained.isdisjoint(plan.spoken_for):
        raise NotEnoughData("no training pairs to fit the reference on", where="reference.fit_on")
    if units.keys().isdisjoint(measured):
        raise NotEnoughData("no community has test pairs", hint="raise split.test")
    untrained = [c for c in plan.steered if c not in trained]
    counts = {c: effective_clusters(units[c]) if c in units else 0.0 for c in measured}
    notes = _split_notes(counts, untrained, split.left_out)
    if 0 < nobody < len(split.test):
        of = f"{nobody:,} of {count_of(len(split.test), 'test pair')}"
        notes.append(f"{of} have no rater: they are clustered by question stem, others by rater")
    return SplitCheck(notes, counts)


def few_clusters_notes(repeats: Sequence[Mapping[str, float]]) -> list[str]:
    """One note on all communities whose intervals may be too narrow in some repeat, if any.

    Args:
        repeats: For each repeat, community -> effective test raters, or stems.

    Where many are, those of the fewest clusters are named.

    >>> few_clusters_notes([{"ETH": 12.2, "GBR": 80.0}, {"ETH": 3.0, "GBR": 90.0}])[0][-21:]
    'or stems: ETH 3 to 12'
    >>> few_clusters_notes([{f"USA/{k}": 9.0 + k / 50 for k in range(99)}])[0][-41:]
    'USA/8 9, USA/9 9 and 89 other communities'
    """
    tested = {c: [found[c] for found in repeats if found.get(c)] for c in repeats[0]}
    few = {c: n for c, n in tested.items() if n and min(n) < ENOUGH_CLUSTERS}
    if not few:
        return []
    fewest = sorted(few, key=lambda c: min(few[c]))[:_NAMED]
    named = [f"{c} {_range_of(few[c])}" for c in few if c in fewest]
    rest = f" and {len(few) - len(named)} other communities" if len(few) > len(named) else ""
    return [
        f"intervals may be too narrow below {ENOUGH_CLUSTERS} effective test raters or stems: "
        f"{', '.join(named)}{rest}"
    ]


def _range_of(numbers: Sequence[float]) -> str:
    least, most = f"{min(numbers):.0f}", f"{max(numbers):.0f}"
    return least if least == most else f"{least} to {most}"


def _split_notes(
    units: Mapping[str, float], untrained: Sequence[str], left_out: Mapping[str, int]
) -> list[str]:
    """Notes on a split that can be used.

    Args:
        units: Community -> effective test raters, or stems (`effective_clusters`).
        untrained: Communities to steer to that have no training pairs.
        left_out: Reason -> pairs on neither side.
    """
    notes = [f"{c} has no test pairs; it is not measured" for c, n in units.items() if not n]
    notes += [f"{c} has no training pairs; it is not steered to" for c in untrained]
    for reason, n in left_out.items():
        notes.append(f"{count_of(n, 'pair')} on neither side of the split: {reason}")
    return notes


def component_notes(train: Sequence[PreferencePair], components: int) -> list[str]:
    """Notes where training texts are too few for the principal components that are asked for.

    >>> pair = PreferencePair("1", "Tea or coffee?", "Tea", "Coffee", "GBR")
    >>> component_notes([pair], components=1)
    ['1 distinct training prompt: at most 0 principal components of them, not 1']
    """
    texts = {
        "prompt": {prompt_text(pair.prompt) for pair in train},
        "response": {text for pair in train for text in (pair.chosen, pair.rejected)},
    }
    return [
        f"{count_of(len(of), f'distinct training {kind}')}: at most "
        f"{count_of(len(of) - 1, 'principal component')} of them, not {components}"
        for kind, of in texts.items()
        if len(of) <= components
    ]


def sides(encoded: EncodedPairs, split: Split, plan: Plan, settings: Settings, seed: int) -> Sides:
    """Cut the encoded pairs at a split that `check_split` has passed."""
    train = encoded.take(split.train)
    train = replace(train, pairs=weighted_by_strength(train.pairs, settings.fit.strength))
    trained = {p.community for p in train.pairs}
    steered = tuple(c for c in plan.steered if c in trained)
    test = encoded.take(split.test).of((*plan.steered, *plan.spoken_for))
    hash_seed = seed if settings.split.draw == "hash" else None
    built = TrainingSet.build(train, steered, _unit(settings), hash_seed)
    return Sides(replace(built, loss=settings.privacy.chosen_loss), test)


@dataclass(frozen=True, slots=True)
class FittedReference:
    """A reference fitted on a part of the training pairs.

    Attributes:
        model: The reference.
        choice: Its ridge, and why.
        train: The training pairs; they know how the reference was fitted, if units of the
            communities steered to taught it.
    """

    model: LinearRewardModel
    choice: RidgeChoice
    train: TrainingSet


def fit_reference(
    train: TrainingSet, trunk: Trunk, plan: Plan, settings: Settings, seed: int
) -> FittedReference:
    """Fit the reference on the training pairs of the communities it speaks for, together."""
    own = spoken_for(train, plan)
    nothing = LinearRewardModel(trunk, np.zeros(trunk.dimensions))
    choice = (
        choose_ridge(pooled_heads, own, nothing, RidgeConfig(), rng_for(seed, REFERENCE))
        if settings.reference.ridge == "auto"
        else RidgeChoice(settings.reference.ridge, {})
    )
    fit = ReferenceFit(tuple(plan.spoken_for), choice.ridge)
    return FittedReference(reference_under(choice.ridge, own, trunk), choice, train.knowing(fit))


def reference_under(ridge: float, own: TrainingSet, trunk: Trunk) -> LinearRewardModel:
    """The reference with a ridge that is known.

    Args:
        ridge: Pull towards zero, > 0, in pairs.
        own: Training pairs of the communities that it speaks for, as `spoken_for` gives them.
        trunk: The trunk that it reads.
    """
    nothing = LinearRewardModel(trunk, np.zeros(trunk.dimensions))
    head_D = pooled_heads(own, nothing, RidgeConfig(), [ridge])[0, 0]
    return LinearRewardModel(trunk, head_D)


def spoken_for(train: TrainingSet, plan: Plan) -> TrainingSet:
    """The training pairs of the communities that the reference speaks for."""
    present = set(train.community_N.tolist())
    spoken = [c for c in plan.spoken_for if c in present]
    rows = np.flatnonzero(np.isin(train.community_N, spoken))
    return train.take(rows, tuple(spoken))


def judge(test: EncodedPairs, reference: LinearRewardModel) -> TestPairs:
    """The test pairs as columns, with the reference's margins."""
    return TestPairs.of(test.pairs, test.margins(reference.reference_D))


def _unit(settings: Settings) -> str:
    inner = {"prism": "rater", "files": "rater", "source": "stem"}
    return inner.get(settings.split.by, settings.split.by)
