"""A respondent under another name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pluralign.core import Ask, Reply, Respondent


@dataclass(frozen=True, slots=True)
class CalledRespondent:
    """A respondent that results call by another name; it answers as before.

    Attributes:
        inner: Who answers.
        name: What results call it.
    """

    inner: Respondent
    name: str

    @property
    def fingerprint(self) -> str:
        """Of who answers."""
        return self.inner.fingerprint

    def answer(
        self, asks: Sequence[Ask], heard: Callable[[int, Reply], None] | None = None
    ) -> list[Reply]:
        """Answer; see `pluralign.core.ports.Respondent`."""
        return self.inner.answer(asks, heard)
