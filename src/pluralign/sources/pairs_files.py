"""Preference pairs from JSON Lines, JSON, CSV or Parquet, one row a pair, as TRL reads them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from pluralign.core import WORLD, InvalidInput, PreferencePair, Tally, is_missing
from pluralign.core.pairs import MOST_WEIGHT
from pluralign.sources.community_labels import required_community
from pluralign.sources.conversation_texts import pair_texts
from pluralign.sources.foreign_headers import source_hint
from pluralign.sources.layouts import LIST_COLUMNS, rows_of_pairs
from pluralign.sources.plain_rows import PlainPairs, PlainRows
from pluralign.sources.row_batches import Result, RowBatch
from pluralign.sources.row_files import RowPolicy, file_kind, file_stem, location, read_batches
from pluralign.sources.seen import SeenIds
from pluralign.sources.typed_cells import (
    BadRow,
    Row,
    SemicolonRow,
    UnusableRow,
    flag_marks,
    listed_columns,
    near_columns,
    optional_id,
    optional_number,
    optional_text,
    require_consent,
    text_of,
)
from pluralign.sources.unused_columns import columns_not_used, offered

_TEXT_COLUMNS = ("question", "stem", "context", "language", "license")
REPEATED_CHOICE = "same choice of the same rater again"
"""Flag of a row whose choice its rater made before."""
NO_COMMUNITY = "community is empty: taken for {}"
"""Flag of a row whose cell for the community is empty, null or not a number."""
_REQUIRED = ("prompt", "chosen", "rejected")
_COLUMNS = frozenset(
    {"id", *_REQUIRED, "community", "rater", "source", *_TEXT_COLUMNS}
    | {"strength", "weight", "flip"}
)


@dataclass(frozen=True, slots=True)
class JsonlPairs:
    """Pairs in one file.

    Columns: ``prompt`` (text or a list of ``{"role", "content"}``), ``chosen`` and ``rejected``
    (text, or a list with one assistant message); optional ``id``, ``community``, ``rater``,
    ``strength``, ``weight``, ``source``, ``license``, ``context``, ``language``, ``question``,
    ``stem``, and ``flip`` for choices that were reported by randomised response. Other columns are
    kept in ``extra``. ``chosen`` and ``rejected`` may also be whole conversations, whose shared
    turns are the prompt, or texts of ``Human:`` and ``Assistant:`` turns. A row may have a list of
    responses with a choice or scores, see `rows_of_pairs`. A rater's same choice between the same
    texts again is kept and flagged.

    Attributes:
        path: The file: ``.jsonl``, ``.json``, ``.csv``, ``.tsv`` or ``.parquet``, all but the last
            also with ``.gz``; or a folder that ``datasets.Dataset.save_to_disk`` wrote.
        community: Community of rows without one, as an id or a label; the whole world where not
            given.
        skip_bad: Drop and count rows that cannot be read, instead of stopping at the first.
        license: Licence of rows without one.
        columns: Our name of a column -> the file's name of it, as in ``{"rater": "user_id"}``.

    Raises:
        InvalidInput: If ``columns`` names a column that we do not have.
    """

    name: ClassVar[str] = "jsonl"
    about: ClassVar[str] = (
        "preference pairs in JSON Lines, JSON, CSV or Parquet: prompt, chosen, rejected, "
        "community, rater"
    )

    by_rules: ClassVar[bool] = False
    """Whether the rules must read every row, also those that are plain."""

    path: Path
    community: str | None = None
    skip_bad: bool = False
    license: str = "not stated"
    columns: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown = [name for name in self.columns if name not in _COLUMNS]
        if unknown:
            raise InvalidInput(
                f"there is no column {unknown[0]!r} to read",
                where="columns",
                hint=f"ours are {', '.join(sorted(_COLUMNS))}",
            )

    def pairs(self, tally: Tally | None = None) -> Iterator[PreferencePair]:
        """Stream the pairs of the file.

        Raises:
            InvalidInput: If the file or a row cannot be read, or an id occurs twice.
            NotEnoughData: If the file has no rows.
        """
        policy = RowPolicy(tally if tally is not None else Tally(), self.skip_bad)
        seen, choices, tally = SeenIds(), SeenIds(), policy.tally
        plain_rows = PlainRows(
            self.columns,
            known=_COLUMNS,
            community=self.community or WORLD.id,
            source=file_stem(self.path),
            terms=self.license,
        )
        for batch in self._batches(tally):
            plain = PlainPairs() if self.by_rules else plain_rows.pairs(batch)
            for position, number in enumerate(batch.numbers):
                pair = plain.pairs.get(position)
                if pair is None or (position in plain.own_ids and seen.again(pair.id)):
                    found = self._read(batch.result(position), number, seen, policy)
                    if not found:
                        continue
                else:
                    tally.read += 1
                    found = (pair,)
                if not tally.kept:
                    tally.advice.extend(self._advice(batch.result(position)))
                tally.kept += 1
                is_repeat = False
                for pair in found:
                    if pair.rater is not None and choices.again(
                        pair.rater, pair.prompt, pair.chosen, pair.rejected
                    ):
                        is_repeat = True
                if is_repeat:
                    tally.flag(REPEATED_CHOICE)
                yield from found

    def _batches(self, tally: Tally) -> Iterator[RowBatch]:
        """The rows of the file; the tally is only for advice about them."""
        return read_batches(self.path)

    def _read(
        self, result: Result, number: int, seen: SeenIds, policy: RowPolicy
    ) -> Sequence[PreferencePair]:
        """The pairs of one row; none where it is refused or dropped, which is counted."""
        row = policy.row_of(result, location(self.path, number))
        if row is None:
            return []
        try:
            return self._pairs_of(row, number, seen, policy.tally)
        except UnusableRow as reason:
            policy.tally.drop(str(reason))
        except BadRow as bad:
            fault = bad if policy.tally.kept else self._with_offer(bad, row)
            policy.refuse(fault, location(self.path, number))
        return []

    def _pairs_of(self, row: Row, number: int, seen: SeenIds, tally: Tally) -> list[PreferencePair]:
        """The pairs of one row, most often one."""
        require_consent(row)
        rows = rows_of_pairs(self._renamed(row))
        if isinstance(row, SemicolonRow):
            rows = [SemicolonRow(ours) for ours in rows]
        pairs = []
        for part, ours in enumerate(rows, start=1):
            require_consent(ours)
            try:
                pairs.append(self._pair(ours, f"{number}/{part}" if len(rows) > 1 else str(number)))
            except UnusableRow as reason:
                if len(rows) == 1:
                    raise
                tally.leave_out(str(reason))
                continue
            if optional_id(ours, "id") is not None and seen.again(pairs[-1].id):
                raise BadRow(f"the id {pairs[-1].id!r} was used before", reason="duplicate id")
            flag_marks(ours, ("id", "rater", "strength", "weight"), tally)
            if "community" in ours and _label(ours) is None:
                tally.flag(NO_COMMUNITY.format(pairs[-1].community))
        if not pairs:
            raise UnusableRow("no two responses that differ")
        return pairs

    def _renamed(self, row: Row) -> Row:
        for name, missing in self.columns.items():
            if missing in row:
                continue
            near = near_columns(missing, row)
            raise BadRow(
                f"there is no column {missing!r}; found: {listed_columns(row)}",
                reason=f"no column {missing}",
                hint=f"did you mean {near[0]!r}?"
                if near
                else f"set columns.{name} to one of these",
                whole_file=True,
            )
        kept = {name: value for name, value in row.items() if name not in self.columns.values()}
        return kept | {ours: row[theirs] for ours, theirs in self.columns.items()}

    def _advice(self, row: Result) -> list[str]:
        """Advice about unused columns of the file, from its first sound row."""
        if not isinstance(row, Mapping):
            return []
        used = self._used()
        known = {*row, *self.columns, *(["community"] if self.community is not None else [])}
        lacking = [name for name in ("community", "rater", "language") if name not in known]
        sentence = columns_not_used([name for name in row if name not in used], lacking)
        return [sentence] if sentence else []

    def _used(self) -> set[str]:
        """Columns of the file that are read."""
        return {*_COLUMNS, *self.columns.values(), *LIST_COLUMNS}

    def _with_offer(self, bad: BadRow, row: Row) -> BadRow:
        """The same fault, with the columns that may be meant where columns are missing."""
        if not bad.reason.startswith("missing column"):
            return bad
        offer = source_hint(row) or self._offer_of_columns(row)
        # Where one row of a table lacks a column, every row does.
        is_table = file_kind(self.path) in ("csv", "parquet")
        lacking = bad.reason.removeprefix("missing column ").split(", ")
        options = " ".join(f"--set pairs.columns.{name}=..." for name in lacking)
        name_it = f"give the name that the file uses: {options}"
        return BadRow(
            bad.what,
            reason=bad.reason,
            hint=offer or bad.hint or name_it,
            whole_file=is_table or offer is not None,
        )

    def _offer_of_columns(self, row: Row) -> str | None:
        if _has_two_sides(row):
            command = "pluralign data show ab --set path=..."
            return f'for a table of responses A and B, use source = "ab" ({command})'
        taken = {*self.columns.values(), *_REQUIRED}
        lacking = [name for name in _REQUIRED if name not in row and name not in self.columns]
        return offered(lacking, [name for name in row if name not in taken])

    def _pair(self, row: Row, number: str) -> PreferencePair:
        stem = file_stem(self.path)
        prompt, chosen, rejected = pair_texts(row)
        label = _label(row)
        return PreferencePair(
            id=optional_id(row, "id") or f"{stem}:{number}",
            prompt=prompt,
            chosen=chosen,
            rejected=rejected,
            community=required_community(
                label if label is not None else self.community or WORLD.id
            ),
            rater=optional_id(row, "rater"),
            strength=_number(row, "strength", zero=False),
            weight=_weight(row),
            flip=_flip(row),
            question=optional_text(row, "question") or "",
            stem=optional_text(row, "stem") or "",
            context=optional_text(row, "context"),
            language=optional_text(row, "language"),
            source=optional_text(row, "source") or stem,
            license=optional_text(row, "license") or self.license,
            extra={name: value for name, value in row.items() if name not in _COLUMNS},
        )


def _has_two_sides(row: Row) -> bool:
    """Whether two columns differ only in a last "a" and "b", as ``answer_a`` and ``Answer B``."""
    names = {re.sub(r"[\s_-]+", "_", name.casefold().strip()) for name in row}
    return any(name.endswith("_a") and f"{name[:-1]}b" in names for name in names)


def _label(row: Row) -> str | None:
    """Label of the community, which may be "NA" or another mark; None where the cell is empty.

    CSV writes as an empty cell what JSON writes as null and pandas as not a number.
    """
    value = row.get("community")
    if isinstance(value, str):
        return value if value.strip() else None
    return None if is_missing(value) else text_of(row, "community")


def _weight(row: Row) -> float:
    weight = _number(row, "weight", zero=True)
    if weight is not None and weight > MOST_WEIGHT:
        raise BadRow(
            f"weight must be <= {MOST_WEIGHT:g}, got {weight:g}", reason="weight is out of range"
        )
    return 1.0 if weight is None else weight


def _flip(row: Row) -> float:
    flip = _number(row, "flip", zero=True)
    if flip is not None and flip >= 0.5:
        raise BadRow(f"flip must be < 0.5, got {flip:g}", reason="flip is out of range")
    return 0.0 if flip is None else flip


def _number(row: Row, column: str, *, zero: bool) -> float | None:
    value = optional_number(row, column)
    if value is not None and (value < 0 or (value == 0 and not zero)):
        raise BadRow(
            f"{column} must be {'>= 0' if zero else '> 0'}, got {value:g}",
            reason=f"{column} is out of range",
        )
    return value
