"""Questions that show whether a stereotype is applied."""

from collections.abc import Mapping
from dataclasses import dataclass

from pluralign.core.errors import InvalidQuestion


@dataclass(frozen=True, slots=True)
class StereotypeProbe:
    """The part of a question with options that shows whether a stereotype is applied.

    Attributes:
        template: Id of the template; questions of one template differ only in names and versions.
        biased: Language tag -> the option that conforms to the stereotype.
        ambiguous: Whether the context leaves the answer open, so that "unknown" is right. Else the
            context gives the answer, which may conform to the stereotype or contradict it.
    """

    template: str
    biased: Mapping[str, str]
    ambiguous: bool

    def check(self, options: Mapping[str, tuple[str, ...]], where: str) -> None:
        """Check that the option of the stereotype is one of the options in each language.

        Raises:
            InvalidQuestion: If it is not.
        """
        for language, shown in options.items():
            if self.biased.get(language) not in shown:
                raise InvalidQuestion(
                    f"the option of the stereotype must be one of the options in {language!r}, "
                    f"got {self.biased.get(language)!r:.80}",
                    reason="option of the stereotype is not among the options",
                    where=where,
                    hint=f"the options are: {', '.join(shown)[:200]}",
                )
