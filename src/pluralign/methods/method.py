"""The description of a method: how it is fitted, its settings, and its place in tables."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Protocol

import numpy as np

from pluralign.core import FloatArray, SteerableRewardModel
from pluralign.methods.training import TrainingSet
from pluralign.rewards import LinearRewardModel


class Shared(Protocol):
    """The part of a method that serves communities it has not seen: bases, a network."""

    def adapt(self, choices: TrainingSet) -> SteerableRewardModel:
        """A model of the community that made these choices.

        Args:
            choices: Pairs of one community, any number of them, none included; which communities
                the set steers to does not matter.

        Returns:
            A model without communities, whose `score` rewards as this community does; a
            `LinearRewardModel` where the method's reward is linear.
        """
        ...


Fit = Callable[[TrainingSet, LinearRewardModel, Any, np.random.Generator], SteerableRewardModel]
Weights = Callable[[FloatArray, Any], FloatArray]
Heads = Callable[[TrainingSet, LinearRewardModel, Any, Sequence[float]], FloatArray]
Learn = Callable[[TrainingSet, LinearRewardModel, Any, np.random.Generator], Shared]
"""Learns the part of a method that the communities share, from training pairs and a reference."""


@dataclass(frozen=True, slots=True)
class Method:
    """A method as the registry knows it.

    Attributes:
        name: Name in settings and results.
        fit: ``(train, reference, config, rng) -> SteerableRewardModel``.
        config: Frozen dataclass of its settings.
        about: One line for tables and help.
        section: Table of the settings file that fills ``config``; None where there is nothing to
            set.
        overrides: Settings that make it this variant of its function.
        heads: The same fit under several ridges, ``(train, reference, config, ridges) ->
            head_K_C_D``, for a method whose ridge can be chosen inside the training raters; else
            None.
        weights: Weight of each pair, ``(margin_N, config) -> weight_N``, from the reference's
            margins, with which a transformer learns by this method; None where the method is more,
            or less, than weighting pairs.
        shared: Whether one part serves all communities steered to.
        tuned_as: Name of the method whose chosen ridge it uses, so that an ablation differs in one
            thing only; None where it chooses its own.
        alone: Name of the method whose heads it has where one community alone is steered to, so
            that they share a chosen ridge; None where there is none.
        steers: Whether it answers differently for different communities.
        baseline: Whether every other method of a run is compared with it, with paired intervals.
            Learning curves measure how much data reaches what a baseline that steers reaches on
            all of it.
        rank: Position among the methods that short tables and charts show, >= 0: from the simplest
            to the one to ship. None for controls and ablations, which only whole tables show.
        learn: ``(train, reference, config, rng) -> Shared``, for a method that can adapt to a
            community it has not seen; its fit is what it learns, adapted to each community.
        protects: Whether its model protects people against readers of the model. Then nothing else
            that was learned from choices is saved with it, such as a prior of new communities.
    """

    name: str
    fit: Fit
    config: type[Any]
    about: str
    section: str | None = None
    overrides: Mapping[str, object] = field(default_factory=dict)
    heads: Heads | None = None
    weights: Weights | None = None
    shared: bool = False
    tuned_as: str | None = None
    alone: str | None = None
    steers: bool = True
    baseline: bool = False
    rank: int | None = None
    learn: Learn | None = None
    protects: bool = False

    @property
    def has_chosen_ridge(self) -> bool:
        """Whether its ridge is chosen in a run, for itself or for the method it is tuned as."""
        return self.heads is not None or self.tuned_as is not None

    @property
    def own_ridge(self) -> bool:
        """Whether one ridge pulls each community's own head towards the reference."""
        return not self.shared and self.has_chosen_ridge

    def takes(self, *settings: str) -> bool:
        """Whether its table has all of these settings.

        >>> from pluralign.methods.builtin import FULL, SCPO
        >>> SCPO.takes("tau", "beta"), FULL.takes("tau")
        (True, False)
        """
        return {f.name for f in fields(self.config)}.issuperset(settings)

    def configure(self, **values: object) -> Any:
        """Build the settings: given values, then what makes this variant.

        Raises:
            TypeError: If a value is not a setting of this method.
            InvalidInput: If a value is out of range.
        """
        return replace(self.config(**values), **self.overrides)


def steered(
    reference: LinearRewardModel, communities: tuple[str, ...], head_C_D: FloatArray
) -> LinearRewardModel:
    """The reference with a head for each community, shape (C, D)."""
    return LinearRewardModel(
        reference.trunk, reference.reference_D, communities, head_C_D - reference.reference_D
    )


def ranked(methods: Iterable[Method]) -> list[Method]:
    """The methods that short tables show, from the simplest to the one to ship.

    >>> from pluralign.methods.builtin import ADAPTIVE, LENGTH, REFERENCE
    >>> [m.name for m in ranked([ADAPTIVE, LENGTH, REFERENCE])]
    ['reference', 'adaptive']
    """
    shown = [(m.rank, k, m) for k, m in enumerate(methods) if m.rank is not None]
    return [method for _, _, method in sorted(shown, key=lambda entry: entry[:2])]
