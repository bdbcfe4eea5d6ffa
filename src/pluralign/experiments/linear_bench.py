"""Where methods are fitted as linear heads on features that are in memory."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pluralign.core import NO_STEER, FloatArray, SteerableRewardModel, rng_for
from pluralign.evaluation import margins_by_steer
from pluralign.methods import Method, RidgeChoice, TrainingSet, choose_ridge, learn_prior
from pluralign.methods.builtin import POOLED
from pluralign.rewards import EncodedPairs, HeadPrior, LinearRewardModel, save_reward_model
from pluralign.settings.registry import method_named
from pluralign.settings.resolved_experiment import Resolved


@dataclass(slots=True, kw_only=True)
class LinearBench:
    """A bench of linear heads; ridges are chosen once and shared by ablations.

    Attributes:
        resolved: The experiment.
        train: Training pairs.
        reference: The model that steering starts from.
        seed: Seed of the repeat.
        trunk: Description of the trunk, for the cards of models.
        ridges: Method -> its chosen ridge, filled as methods are fitted.
        chosen: The same, with ridges that were chosen for another method, or for the prior.
        learned: The prior of communities that nobody trained on, once it was asked for.
    """

    resolved: Resolved
    train: TrainingSet
    reference: LinearRewardModel
    seed: int
    trunk: Mapping[str, object]
    ridges: dict[str, RidgeChoice] = field(default_factory=dict)
    chosen: dict[str, RidgeChoice] = field(default_factory=dict)
    learned: HeadPrior | None = None

    def on(self, train: TrainingSet) -> "LinearBench":
        """The same bench with other training pairs, its ridges to be chosen anew."""
        return replace(self, train=train, ridges={}, chosen={}, learned=None)

    def fit(self, method: Method, **settings: object) -> "LinearFit | UnsavedFit":
        """Fit one method with the settings of its table, or with others."""
        config = self.config(method, **settings)
        # An ablation has the draws of its method, so that it differs in one thing only.
        rng = rng_for(self.seed, "fit", method.tuned_as or method.name)
        model = method.fit(self.train, self.reference, config, rng)
        return fitted(model, self.trunk, None if method.protects else self.prior)

    def prior(self) -> HeadPrior:
        """The prior of communities that nobody trained on; its mean is the head of `pooled`."""
        if self.learned is None:
            # Recorded only where the method itself was asked for.
            ridge = replace(self, ridges=dict(self.ridges)).config(POOLED).ridge
            rng = rng_for(self.seed, "prior")
            self.learned = learn_prior(self.train, self.reference, ridge, rng)
        return self.learned

    def config(self, method: Method, **settings: object) -> Any:
        """The settings of a method: of its table, or others, with the ridge that is chosen."""
        values = dict(self.resolved.given.get(method.name, {})) | settings
        if method.has_chosen_ridge and "ridge" not in values:
            values["ridge"] = self.ridge(method).ridge
        return method.configure(**values)

    def ridge(self, method: Method) -> RidgeChoice:
        """The ridge set, or chosen inside the training raters; an ablation has its method's."""
        fixed = self.resolved.settings.fit.ridge
        if fixed != "auto":
            return RidgeChoice(fixed, {})
        owner = method.tuned_as or method.name
        if owner not in self.ridges:
            tuned = method if method.tuned_as is None else self._named(method.tuned_as)
            given = self.resolved.given.get(method.name, {})
            self.ridges[owner] = self._chosen(tuned, given)
        return self.ridges[owner]

    def _chosen(self, method: Method, given: Mapping[str, object]) -> RidgeChoice:
        """The choice of a method, or of the one that has the same heads for one community."""
        alone = method.alone if len(self.train.communities) == 1 else None
        for name in (method.name, alone):
            if name in self.chosen:
                return self.chosen[name]
        assert method.heads is not None
        rng = rng_for(self.seed, "ridge")
        config = method.configure(**given)
        choice = choose_ridge(method.heads, self.train, self.reference, config, rng)
        self.chosen[method.name] = choice
        return choice

    def tuning(self, earlier: Mapping[str, Any]) -> dict[str, Any]:
        """Ridges chosen, together with those chosen before an interruption."""
        found = dict(earlier)
        for name, choice in self.ridges.items():
            losses = {str(ridge): loss for ridge, loss in choice.loss.items()}
            found[name] = {"ridge": choice.ridge, "held_out_loss": losses}
        return found

    def card(self, methods: Sequence[str]) -> dict[str, Any]:
        """The ridges of some methods."""
        chosen = {name: self.ridges[name].ridge for name in methods if name in self.ridges}
        return {"ridges": chosen}

    def _named(self, name: str) -> Method:
        for method in self.resolved.methods:
            if method.name == name:
                return method
        return method_named(name)


def ridges_from(tuning: Mapping[str, Any]) -> dict[str, RidgeChoice]:
    """The choices that `LinearBench.tuning` wrote.

    >>> ridges_from({"full": {"ridge": 10.0, "held_out_loss": {"10.0": 0.5}}})
    {'full': RidgeChoice(ridge=10.0, loss={10.0: 0.5})}
    """
    return {
        name: RidgeChoice(row["ridge"], {float(k): v for k, v in row["held_out_loss"].items()})
        for name, row in tuning.items()
    }


@dataclass(frozen=True, slots=True)
class LinearFit:
    """A linear model: it reads the features that are in memory, and is saved with its trunk's name.

    Attributes:
        model: The model.
        trunk: Description of the trunk, for the card.
        prior: Learns the prior of communities that nobody trained on, which is saved with it.
            None: it is saved without one.
    """

    model: LinearRewardModel
    trunk: Mapping[str, object]
    prior: Callable[[], HeadPrior] | None = None

    def margins(self, test: EncodedPairs) -> Mapping[str, FloatArray]:
        """Margins of the test pairs under every steer."""
        if not self.model.communities:
            return {NO_STEER: test.margins(self.model.reference_D)}
        margin_N_C = self.model.margins(test)
        return {c: margin_N_C[:, k] for k, c in enumerate(self.model.communities)}

    def whole(self, about: Mapping[str, object]) -> LinearRewardModel:
        """The model with facts about it, and with a prior: its method's own, or the bench's."""
        prior = self.model.prior
        if prior is None and self.prior is not None:
            prior = self.prior()
        return replace(self.model, about=about, prior=prior)

    def save(self, folder: Path, about: Mapping[str, object]) -> None:
        """Write weights and card."""
        save_reward_model(self.whole(about), folder, self.trunk)


@dataclass(frozen=True, slots=True)
class UnsavedFit:
    """A model without weights of its own, such as ``length``: it scores texts and is not saved.

    Attributes:
        model: The model.
    """

    model: SteerableRewardModel

    def margins(self, test: EncodedPairs) -> Mapping[str, FloatArray]:
        """Margins of the test pairs under every steer."""
        return margins_by_steer(self.model, test.pairs)

    def save(self, folder: Path, about: Mapping[str, object]) -> None:
        """Write nothing."""


def fitted(
    model: SteerableRewardModel,
    trunk: Mapping[str, object],
    prior: Callable[[], HeadPrior] | None = None,
) -> LinearFit | UnsavedFit:
    """A method's model as a bench returns it; the model may be of any class.

    Args:
        model: The model.
        trunk: Description of the trunk, for the card.
        prior: Learns the prior that is saved with it.
    """
    if isinstance(model, LinearRewardModel):
        return LinearFit(model, trunk, prior)
    return UnsavedFit(model)
