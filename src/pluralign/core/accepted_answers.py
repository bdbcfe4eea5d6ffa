"""The accepted answers to knowledge questions, with the ways in which people wrote them."""

from collections.abc import Mapping
from dataclasses import dataclass

from pluralign.core.errors import InvalidQuestion


@dataclass(frozen=True, slots=True)
class AcceptedAnswer:
    """An answer that people gave, with the ways in which they wrote it.

    Attributes:
        variants: Language tag -> spellings and synonyms of the answer, at least one in all.
        count: Number of people who gave it, >= 1; None where the answer is only known to be right.

    Raises:
        InvalidQuestion: If there is no variant, one is empty, or the count is below 1.

    >>> fruit = AcceptedAnswer({"fa": ("میوه",), "en": ("fruit", "fruits")}, count=3)
    >>> fruit.variants_in("en")
    ('fruit', 'fruits')
    """

    variants: Mapping[str, tuple[str, ...]]
    count: int | None = None

    def __post_init__(self) -> None:
        texts = [text for found in self.variants.values() for text in found]
        if not texts:
            raise InvalidQuestion(
                "an answer must have at least one variant", reason="answer without a variant"
            )
        if not all(text.strip() for text in texts):
            raise InvalidQuestion(
                "a variant of an answer must not be empty", reason="empty variant of an answer"
            )
        if self.count is not None and self.count < 1:
            raise InvalidQuestion(
                f"an answer must have been given by at least one person, got {self.count}",
                reason="answer that nobody gave",
                hint="leave out answers that nobody gave; an option may stay without people",
            )

    def variants_in(self, language: str) -> tuple[str, ...]:
        """The variants in a language; empty where there are none."""
        return self.variants.get(language, ())
