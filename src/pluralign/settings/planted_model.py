"""What is planted in a small language model, and how large it is."""

from dataclasses import dataclass, field

from pluralign.core import InvalidInput


@dataclass(frozen=True, slots=True)
class PlantedModelSettings:
    """A small language model that knows a planted society.

    Attributes:
        default_culture: Whose answers it gives where no culture is named.
        knowledge: How much of each community it knows, in [0, 1]; the rest is its default culture.
        sharpness: Power to which it raises its chances: above 1 it is more decided than the people
            are.
        strategies: How it learns to be asked.
        questions: Questions it learns from.
        written: Questions it learns to write.
        hidden: Width of the model.
        layers: Layers of the model.
        vocabulary: Most tokens of the tokenizer.
        steps: Training steps.
        batch: Answers in a step; a quarter as many questions are written in it.
        learning_rate: Peak learning rate.
        held_out: Seed and number of the questions of `SocietySurvey` that it must not see.
        seed: Seed of everything.

    Raises:
        InvalidInput: If a number is out of range.
    """

    default_culture: str = "~river"
    knowledge: float = 0.5
    sharpness: float = 3.0
    strategies: tuple[str, ...] = ("culture_unaware", "culture_aware", "cross_culture_thinking")
    questions: int = 4000
    written: int = 4000
    hidden: int = 192
    layers: int = 4
    vocabulary: int = 6000
    steps: int = 1500
    batch: int = 64
    learning_rate: float = 2e-3
    held_out: tuple[int, int] = field(default=(0, 120))
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.knowledge <= 1 or self.sharpness <= 0 or self.learning_rate <= 0:
            raise InvalidInput("knowledge must be in [0, 1], sharpness and learning_rate above 0")
        if (
            min(self.questions, self.written, self.steps, self.batch, self.layers) < 1
            or self.hidden % 32
        ):
            raise InvalidInput("numbers must be 1 or more, hidden a multiple of 32")


SMALL = PlantedModelSettings(
    strategies=("culture_unaware", "culture_aware"),
    questions=2000,
    written=1500,
    hidden=96,
    layers=3,
    steps=600,
)
"""A minute on two cores: enough for tests."""
