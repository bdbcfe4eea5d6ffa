"""No silent drop: every row read is kept or counted by the reason it was dropped."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Tally:
    """Counts what happens to the rows of a source while they are read.

    Attributes:
        read: Rows read.
        kept: Rows (or what they expand to) kept.
        dropped: Reason -> rows dropped.
        flagged: Reason -> rows kept but doubtful.
        notes: Labels or remarks worth showing, with their count.

    >>> tally = Tally(read=3, kept=2)
    >>> tally.drop("empty text")
    >>> tally.dropped
    Counter({'empty text': 1})
    """

    read: int = 0
    kept: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    flagged: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)

    def drop(self, reason: str, count: int = 1) -> None:
        """Count rows dropped for ``reason``."""
        self.dropped[reason] += count

    def flag(self, reason: str, count: int = 1) -> None:
        """Count rows kept although doubtful."""
        self.flagged[reason] += count

    def note(self, remark: str, count: int = 1) -> None:
        """Count a label or remark worth showing."""
        self.notes[remark] += count

    def merge(self, other: "Tally") -> None:
        """Add another tally to this one."""
        self.read += other.read
        self.kept += other.kept
        self.dropped.update(other.dropped)
        self.flagged.update(other.flagged)
        self.notes.update(other.notes)
