"""A respondent under another name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pluralign.core import Ask, Reply, Respondent


@dataclass(frozen=True, slots=True)
class CalledRespondent:
    """A respondent with another name in results.

    Attributes:
        inner: The respondent that answers.
        name: Its name in results.
    """

    inner: Respondent
    name: str

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the respondent that answers."""
        return self.inner.fingerprint

    def answer(
        self, asks: Sequence[Ask], heard: Callable[[int, Reply], None] | None = None
    ) -> list[Reply]:
        """Answer; see `pluralign.core.ports.Respondent`."""
        return self.inner.answer(asks, heard)
