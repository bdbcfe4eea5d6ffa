"""How the questions of a test of knowledge name their place, in the words of its authors."""

from dataclasses import dataclass

from pluralign.core.errors import InvalidQuestion


@dataclass(frozen=True, slots=True)
class PlaceWords:
    """The name of a place in one language, and the phrases by which questions name it.

    Attributes:
        name: The name: ``Yucatán``, ``یوکاتان``.
        phrases: Phrases that can be left out of a question, which then stays a sentence: ``en
            Yucatán``, ``de Yucatán``, ``در یوکاتان``.

    Raises:
        InvalidQuestion: If the name or a phrase is empty.

    >>> PlaceWords("Yucatán", ("en Yucatán", "de Yucatán", "yucateca")).name
    'Yucatán'
    """

    name: str
    phrases: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not all(text.strip() for text in (self.name, *self.phrases)):
            raise InvalidQuestion(
                "the name of a place and the phrases with it must not be empty",
                reason="empty name or phrase of a place",
            )
