"""What sources of foreign layouts share: rows of theirs become rows of `JsonlPairs`."""

from collections.abc import Iterable
from dataclasses import dataclass

from pluralign.sources.fields import BadRow, Row, UnusableRow, require_consent
from pluralign.sources.pairs_files import JsonlPairs
from pluralign.sources.reading import NumberedRows, RowPolicy, file_stem, place, read_rows


@dataclass(frozen=True)
class ForeignPairs(JsonlPairs):
    """Pairs in rows of another program; a subclass says in ``_converted`` what one row stands for.

    Rows read are its answers (one rater's judgement): a row without any counts once. Columns of the file that
    ``columns`` names, such as ``{"community": "country"}``, go along with each answer.
    """

    def _converted(self, row: Row) -> Iterable[Row | UnusableRow]:
        """The rows with our columns, and a reason for each answer that makes none."""
        raise NotImplementedError

    def _rows(self, policy: RowPolicy) -> NumberedRows:
        for number, row in read_rows(self.path, policy):
            try:
                require_consent(row)
                answers = list(self._converted(row)) or [UnusableRow("no answers")]
            except UnusableRow as reason:
                answers = [reason]
            except BadRow as bad:
                policy.refuse(bad, place(self.path, number))
                continue
            policy.tally.read += len(answers) - 1
            for part, answer in enumerate(answers, start=1):
                if isinstance(answer, UnusableRow):
                    policy.tally.drop(str(answer))
                else:
                    numbered = {"id": f"{file_stem(self.path)}:{number}/{part}"} if len(answers) > 1 else {}
                    yield number, self._named(row) | numbered | dict(answer)

    def _named(self, row: Row) -> dict[str, object]:
        """The columns of a row that the settings name."""
        return {name: row[name] for name in self.columns.values() if name in row}

    def _advice(self, row: Row) -> list[str]:
        """Nothing: the columns here are those that a subclass made, not those of the file."""
        return []


def preferred(a: object, b: object, side: str) -> Row:
    """Columns ``chosen`` and ``rejected`` of a comparison.

    Raises:
        UnusableRow: If ``side`` is neither ``a`` nor ``b``.

    >>> preferred("yes", "no", "b")
    {'chosen': 'no', 'rejected': 'yes'}
    """
    if side not in ("a", "b"):
        raise UnusableRow(f"no preference: {side[:60] or 'empty'}")
    return {"chosen": a, "rejected": b} if side == "a" else {"chosen": b, "rejected": a}
