"""The planted values of a small language model, and its size."""

from dataclasses import dataclass, field

from pluralign.core import InvalidInput


@dataclass(frozen=True, slots=True)
class PlantedModelSettings:
    """A small language model of a planted society.

    Attributes:
        default_culture: The culture of its answers if none is named.
        knowledge: Weight of each community's own answers, in [0, 1]; the rest is the default
            culture.
        sharpness: Power of its probabilities, > 0: above 1 its answers vary less than the people's.
        strategies: Strategies of the asks in its training.
        questions: Number of questions whose answers it learns.
        written: Number of questions that it learns to write.
        hidden: Width of the model, a multiple of 32.
        layers: Number of layers.
        vocabulary: Most tokens of the tokenizer.
        steps: Number of training steps.
        batch: Number of answers in a step; a quarter of it is the number of written questions.
        learning_rate: Peak learning rate.
        held_out: Seed and number of the questions of `SocietySurvey` that are held out.
        seed: Seed of all draws and of the training.

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
            raise InvalidInput(
                "knowledge must be in [0, 1], and sharpness and learning_rate > 0, got "
                f"{self.knowledge}, {self.sharpness} and {self.learning_rate}"
            )
        numbers = (self.questions, self.written, self.steps, self.batch, self.layers)
        if min(numbers) < 1 or self.hidden % 32:
            raise InvalidInput(
                "questions, written, steps, batch and layers must be >= 1, and hidden a multiple "
                f"of 32, got {numbers} and {self.hidden}"
            )


SMALL = PlantedModelSettings(
    strategies=("culture_unaware", "culture_aware"),
    questions=2000,
    written=1500,
    hidden=64,
    layers=2,
    steps=900,
    batch=32,
    learning_rate=4e-3,
)
"""A size for tests: training takes about a minute on one core."""
