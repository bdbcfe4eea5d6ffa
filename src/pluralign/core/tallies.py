"""Counts of rows: every row that is read is kept, or counted by the reason for dropping it."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Tally:
    """Counts what happens to the rows of a source while they are read.

    Rows add up once a source is read to its end: ``read == kept + sum(dropped.values())``. A source
    counts rows only. The reader of a source counts the pairs made from them: a row may give several
    pairs, and several rows may give one pair.

    Attributes:
        read: Rows read.
        kept: Rows kept.
        made: Pairs (or answer distributions) made from the rows kept.
        dropped: Reason -> rows dropped.
        left_out: Reason -> number of parts of kept rows, or of their pairs, that are not used.
        flagged: Reason -> rows kept but doubtful.
        notes: Labels or remarks worth showing -> their count.
        advice: Whole sentences about the source, with the next step for the user.

    >>> tally = Tally(read=3, kept=2)
    >>> tally.drop("empty text")
    >>> tally.dropped, tally.balanced
    (Counter({'empty text': 1}), True)
    """

    read: int = 0
    kept: int = 0
    made: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    flagged: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    advice: list[str] = field(default_factory=list)

    @property
    def balanced(self) -> bool:
        """Whether every row read is kept or dropped."""
        return self.read == self.kept + self.dropped.total()

    def drop(self, reason: str, count: int = 1) -> None:
        """Count rows dropped for ``reason``."""
        self.dropped[reason] += count

    def drop_kept(self, reason: str, count: int = 1) -> None:
        """Count rows as dropped that were counted as kept before."""
        self.kept -= count
        self.drop(reason, count)

    def leave_out(self, reason: str, count: int = 1) -> None:
        """Count parts of kept rows, or pairs of them, that are not used."""
        self.left_out[reason] += count

    def flag(self, reason: str, count: int = 1) -> None:
        """Count rows kept although doubtful."""
        self.flagged[reason] += count

    def note(self, remark: str, count: int = 1) -> None:
        """Count a label or remark worth showing."""
        self.notes[remark] += count

    def why(self, most: int = 5) -> str:
        """The most frequent reasons for rows, and parts of rows, that are not used, with counts.

        >>> Tally(dropped=Counter({"tie": 3}), left_out=Counter({"empty response": 1})).why()
        '3 x tie; 1 x empty response'
        """
        reasons = self.dropped + self.left_out
        return "; ".join(f"{n:,} x {reason}" for reason, n in reasons.most_common(most))

    def merge(self, other: "Tally") -> None:
        """Add another tally to this one."""
        self.read += other.read
        self.kept += other.kept
        self.made += other.made
        self.dropped.update(other.dropped)
        self.left_out.update(other.left_out)
        self.flagged.update(other.flagged)
        self.notes.update(other.notes)
