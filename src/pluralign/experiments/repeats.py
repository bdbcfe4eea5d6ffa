"""One repeat: split, fit the reference, choose ridges, fit every method, score the test pairs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pluralign.core import FloatArray, NotEnoughData, PreferencePair, SteerableRewardModel, rng_for
from pluralign.evaluation import ENOUGH, TestPairs, margins_by_steer
from pluralign.experiments.planning import Plan
from pluralign.methods import (
    Method,
    RidgeChoice,
    RidgeConfig,
    TrainingSet,
    choose_ridge,
    pooled_heads,
)
from pluralign.rewards import EncodedPairs, LinearRewardModel, Trunk
from pluralign.settings.experiment import Settings
from pluralign.settings.resolved_experiment import Resolved
from pluralign.sources import Split


@dataclass(frozen=True, slots=True)
class Sides:
    """The two sides of one repeat.

    Attributes:
        train: All training pairs, and whom to steer to: the communities of the plan that have training pairs.
        test: Test pairs of the communities steered to or spoken for.
    """

    train: TrainingSet
    test: EncodedPairs


@dataclass(slots=True)
class Bench:
    """Where the methods of one repeat are fitted; ridges are chosen once and shared by ablations.

    Attributes:
        resolved: The experiment.
        train: Training pairs.
        reference: The model that steering starts from.
        seed: Seed of the repeat.
        ridges: Method -> its chosen ridge, filled as methods are fitted.
    """

    resolved: Resolved
    train: TrainingSet
    reference: LinearRewardModel
    seed: int
    ridges: dict[str, RidgeChoice] = field(default_factory=dict)

    def on(self, train: TrainingSet) -> "Bench":
        """The same bench with other training pairs, its ridges to be chosen anew."""
        return Bench(self.resolved, train, self.reference, self.seed)

    def tuning(self, earlier: Mapping[str, Any]) -> dict[str, Any]:
        """Ridges chosen, beside those chosen before an interruption."""
        found = {
            name: {"ridge": c.ridge, "held_out_loss": {str(k): v for k, v in c.loss.items()}}
            for name, c in self.ridges.items()
        }
        return dict(earlier) | found

    def margins(self, model: SteerableRewardModel, test: EncodedPairs) -> Mapping[str, FloatArray]:
        """Margins of the test pairs under every steer; a linear model reads the features already at hand."""
        if not isinstance(model, LinearRewardModel):
            return margins_by_steer(model, test.pairs)
        if not model.communities:
            return {"": test.margins(model.reference_D)}
        margin_N_C = test.margins(model.heads().T)
        return {c: margin_N_C[:, k] for k, c in enumerate(model.communities)}

    def fit(self, method: Method, **settings: object) -> SteerableRewardModel:
        """Fit one method with the settings of its table, or with others."""
        values = dict(self.resolved.given.get(method.name, {})) | settings
        if method.heads is not None and "ridge" not in values:
            values["ridge"] = self.ridge(method).ridge
        return method.fit(
            self.train,
            self.reference,
            method.configure(**values),
            rng_for(self.seed, "fit", method.tuned_as or method.name),
        )

    def ridge(self, method: Method) -> RidgeChoice:
        """The ridge of a method: the one set, or chosen inside the training raters; an ablation's is its method's."""
        fixed = self.resolved.settings.fit.ridge
        if fixed != "auto":
            return RidgeChoice(fixed, {})
        owner = method.tuned_as or method.name
        if owner not in self.ridges:
            tuned = method if method.tuned_as is None else _named(self.resolved, method.tuned_as)
            assert tuned.heads is not None
            values = self.resolved.given.get(method.name, {})
            config = tuned.configure(**values)
            rng = rng_for(self.seed, "ridge")
            self.ridges[owner] = choose_ridge(tuned.heads, self.train, self.reference, config, rng)
        return self.ridges[owner]


def check_split(pairs: Sequence[PreferencePair], split: Split, plan: Plan) -> list[str]:
    """Hold that a repeat can be fitted and measured.

    Args:
        pairs: All pairs.
        split: The two sides.
        plan: Roles of the communities.

    Returns:
        What the reader should know: which communities cannot be steered to or measured, or only poorly, and which pairs
        are on neither side.

    Raises:
        NotEnoughData: If no community to steer to, or none the reference speaks for, has training pairs, or no test
            pair is left.
    """
    trained = {pairs[i].community for i in split.train.tolist()}
    measured = dict.fromkeys((*plan.steered, *plan.spoken_for))
    units: dict[str, set[str]] = {}
    for pair in (pairs[i] for i in split.test.tolist()):
        units.setdefault(pair.community, set()).add(pair.rater or pair.stem)
    if trained.isdisjoint(plan.steered):
        raise NotEnoughData("no community to steer to has training pairs", hint="lower split.test")
    if plan.spoken_for and trained.isdisjoint(plan.spoken_for):
        raise NotEnoughData("no training pairs to fit the reference on", where="reference.fit_on")
    if units.keys().isdisjoint(measured):
        raise NotEnoughData("no community has test pairs", hint="raise split.test")
    few = {c: len(units[c]) for c in measured if c in units and len(units[c]) < ENOUGH}
    return [
        *(f"{c} has no test pairs; it is not measured" for c in measured if c not in units),
        *(
            f"{c} has no training pairs; it is not steered to"
            for c in plan.steered
            if c not in trained
        ),
        *(
            f"{c} has {n} test raters or stems; its intervals are too narrow"
            for c, n in few.items()
        ),
        *(
            f"{n:,} pairs on neither side of the split: {reason}"
            for reason, n in split.left_out.items()
        ),
    ]


def sides(encoded: EncodedPairs, split: Split, plan: Plan, settings: Settings) -> Sides:
    """Cut the encoded pairs at a split that `check_split` has passed."""
    train = encoded.take(split.train)
    trained = {p.community for p in train.pairs}
    steered = tuple(c for c in plan.steered if c in trained)
    test = encoded.take(split.test).of((*plan.steered, *plan.spoken_for))
    return Sides(TrainingSet.build(train, steered, _unit(settings)), test)


def fit_reference(
    train: TrainingSet, trunk: Trunk, plan: Plan, settings: Settings, seed: int
) -> tuple[LinearRewardModel, RidgeChoice]:
    """Fit the reference on the training pairs of the communities it speaks for, together."""
    own = spoken_for(train, plan)
    nothing = LinearRewardModel(trunk, np.zeros(trunk.dimensions))
    choice = (
        choose_ridge(pooled_heads, own, nothing, RidgeConfig(), rng_for(seed, "reference"))
        if settings.reference.ridge == "auto"
        else RidgeChoice(settings.reference.ridge, {})
    )
    head_D = pooled_heads(own, nothing, RidgeConfig(), [choice.ridge])[0, 0]
    return LinearRewardModel(trunk, head_D), choice


def spoken_for(train: TrainingSet, plan: Plan) -> TrainingSet:
    """The training pairs of the communities that the reference speaks for."""
    present = set(train.community_N.tolist())
    spoken = [c for c in plan.spoken_for if c in present]
    rows = np.flatnonzero(np.isin(train.community_N, spoken))
    return TrainingSet(train.encoded.take(rows), tuple(spoken), train.unit_N[rows])


def judge(test: EncodedPairs, reference: LinearRewardModel) -> TestPairs:
    """The test pairs as columns, with the reference's margins."""
    return TestPairs.of(test.pairs, test.margins(reference.reference_D))


def _unit(settings: Settings) -> str:
    return {"prism": "rater", "files": "rater"}.get(settings.split.by, settings.split.by)


def _named(resolved: Resolved, name: str) -> Method:
    from pluralign.settings.registry import method_named

    return next((m for m in resolved.methods if m.name == name), None) or method_named(name)
