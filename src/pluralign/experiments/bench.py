"""Where the methods of one repeat are fitted: a port with one adapter for each kind of trunk."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from pluralign.core import FloatArray
from pluralign.methods import Method, TrainingSet
from pluralign.rewards import EncodedPairs, LinearRewardModel


class FittedMethod(Protocol):
    """The model that a method gave, with what its bench knows about measuring and saving it."""

    def margins(self, test: EncodedPairs) -> Mapping[str, FloatArray]:
        """Margins in logits under every steer, each of shape (N,); see `margins_by_steer`."""
        ...

    def save(self, folder: Path, about: Mapping[str, object]) -> None:
        """Write the model and its card; nothing where the model has no weights of its own."""
        ...


class Bench(Protocol):
    """Where the methods of one repeat are fitted.

    Its adapters are `LinearBench` (heads on features that are in memory) and `TransformerBench`
    (adapters or full copies of a transformer).
    """

    @property
    def train(self) -> TrainingSet:
        """Training pairs."""
        ...

    @property
    def reference(self) -> LinearRewardModel:
        """The model that steering starts from."""
        ...

    @property
    def seed(self) -> int:
        """Seed of the repeat."""
        ...

    def on(self, train: TrainingSet) -> "Bench":
        """The same bench with other training pairs, on which everything is chosen anew."""
        ...

    def fit(self, method: Method, **settings: object) -> FittedMethod:
        """Fit one method with the settings of its table, or with others."""
        ...

    def tuning(self, earlier: Mapping[str, Any]) -> dict[str, Any]:
        """Choices of the fits, together with those of a run that was interrupted.

        Args:
            earlier: As this method returned it before the interruption.
        """
        ...

    def card(self, methods: Sequence[str]) -> dict[str, Any]:
        """The same for the card of a model: of the methods that it rests on."""
        ...
