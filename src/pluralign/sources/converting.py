"""Write pairs of any source as one Parquet file, which is read back as the same pairs, faster."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from pluralign.core import (
    InvalidInput,
    Message,
    NotEnoughData,
    PairSource,
    PreferencePair,
    Reporter,
    Silent,
    Tally,
    prompt_text,
    whole_file,
)
from pluralign.sources.conversation_texts import is_read_as_turns
from pluralign.sources.parquet_rows import ABSENT, AS_JSON, NOTE
from pluralign.sources.seen import SeenIds

_NUMBERS = ("strength", "weight", "flip")
_OURS = (
    *("id", "prompt", "chosen", "rejected", "community", "rater", *_NUMBERS),
    *("question", "stem", "context", "language", "source", "license"),
)
_ROWS_TOGETHER, _PAIRS_BETWEEN = 16_384, 1_000
_DICTIONARY = 32_768  # bytes: our reader decodes fewer rows at once where dictionaries are large
_LONGEST_WHOLE = 2**63


@dataclass(frozen=True, slots=True)
class Converted:
    """A file of converted pairs.

    Attributes:
        path: The file.
        pairs: Number of its pairs, one a row.
        columns: Its columns.
        tally: Counts of the rows that were read.
    """

    path: Path
    pairs: int
    columns: tuple[str, ...]
    tally: Tally


def convert_pairs(
    sources: Sequence[PairSource], out: Path, reporter: Reporter | None = None
) -> Converted:
    """Write the pairs of sources as one Parquet file, in order.

    The columns are those of `JsonlPairs`, with text as dictionaries and numbers as numbers, and the
    other columns of the sources. Columns of ours without a value are left out. The sources are read
    twice: first to check every row and to find the types of other columns, then to write. The file
    appears whole or not at all.

    Args:
        sources: The sources.
        out: The file, which is replaced.
        reporter: Notified of the progress.

    Raises:
        InvalidInput: If a row cannot be read, two sources have the same id, or another column has
            values that are neither text, numbers nor JSON.
        NotEnoughData: If there are no pairs.
    """
    import pyarrow
    import pyarrow.parquet

    if not out.parent.is_dir():
        raise InvalidInput("no such folder", where=str(out.parent), hint="make it first")
    reporter = reporter or Silent()
    reporter.stage("checking pairs")
    tally, columns = Tally(), _Columns()
    for pair in _all_pairs(sources, tally, reporter, 0):
        columns.see(pair)
    if not columns.pairs:
        raise NotEnoughData("no pair can be made from the input", hint=tally.why() or None)
    reporter.stage("writing pairs")
    schema, how = (
        columns.schema(),
        {"compression": "zstd", "dictionary_pagesize_limit": _DICTIONARY},
    )
    with (
        whole_file(out, private=True) as partial,
        pyarrow.parquet.ParquetWriter(partial, schema, **how) as writer,
    ):
        pairs = _all_pairs(sources, Tally(), reporter, columns.pairs)
        while some := list(islice(pairs, _ROWS_TOGETHER)):
            rows = [columns.row(pair) for pair in some]
            writer.write_table(pyarrow.Table.from_pylist(rows, schema=schema))
    return Converted(out, columns.pairs, tuple(schema.names), tally)


def _all_pairs(
    sources: Sequence[PairSource], tally: Tally, reporter: Reporter, total: int
) -> Iterator[PreferencePair]:
    """The pairs of all sources; an id that was used before gets its source's number as prefix."""
    seen = SeenIds()
    for k, source in enumerate(sources):
        own = Tally()
        for pair in source.pairs(own):
            id_ = pair.id
            while seen.again(id_):
                id_ = f"{k}:{id_}"
            own.made += 1
            if own.made % _PAIRS_BETWEEN == 0:
                reporter.progress(tally.made + own.made, total)
            yield pair if id_ == pair.id else replace(pair, id=id_)
        tally.merge(own)
        tally.advice.extend(own.advice)


@dataclass(slots=True)
class _Other:
    """A column that is not ours: types of its values, and how many rows have one, or null."""

    types: set[type] = field(default_factory=set)
    present: int = 0
    nulls: int = 0

    def see(self, value: object) -> None:
        self.present += 1
        if value is None:
            self.nulls += 1
        elif type(value) is int and not -_LONGEST_WHOLE <= value < _LONGEST_WHOLE:
            self.types.add(object)
        else:
            self.types.add(type(value))


@dataclass(slots=True)
class _Columns:
    """The columns that pairs need in a table, and their rows."""

    pairs: int = 0
    used: set[str] = field(default_factory=set)
    others: dict[str, _Other] = field(default_factory=dict)
    as_json: set[str] = field(default_factory=set)

    def see(self, pair: PreferencePair) -> None:
        """Note the columns of a pair."""
        self.pairs += 1
        self.used |= _own_columns(pair).keys()
        for name, value in pair.extra.items():
            self.others.setdefault(name, _Other()).see(value)

    def schema(self) -> Any:
        """The schema of all pairs that were seen."""
        import pyarrow

        own = [
            pyarrow.field(name, pyarrow.float64() if name in _NUMBERS else pyarrow.string())
            for name in _OURS
            if name in self.used
        ]
        return pyarrow.schema([*own, *map(self._field, self.others)])

    def _field(self, name: str) -> Any:
        import pyarrow

        other = self.others[name]
        plain = {
            str: pyarrow.string(),
            bool: pyarrow.bool_(),
            int: pyarrow.int64(),
            float: pyarrow.float64(),
        }
        found = [plain.get(kind) for kind in other.types] or [pyarrow.string()]
        is_sparse = other.present < self.pairs
        if len(found) > 1 or found[0] is None or (is_sparse and other.nulls):
            self.as_json.add(name)
            return pyarrow.field(name, pyarrow.string(), metadata={NOTE: AS_JSON})
        return pyarrow.field(name, found[0], metadata={NOTE: ABSENT} if is_sparse else None)

    def row(self, pair: PreferencePair) -> dict[str, object]:
        """The row of a pair."""
        others = {
            name: _json_of(name, value) if name in self.as_json else value
            for name, value in pair.extra.items()
        }
        return _own_columns(pair) | others


def _own_columns(pair: PreferencePair) -> dict[str, object]:
    """The columns of ours that a pair needs, from which `JsonlPairs` makes it again."""
    question = prompt_text(pair.prompt)
    found = {
        "id": pair.id,
        "prompt": pair.prompt if isinstance(pair.prompt, str) else _messages(pair.prompt),
        "chosen": _response(pair.chosen),
        "rejected": _response(pair.rejected),
        "community": pair.community,
        "rater": pair.rater,
        "strength": pair.strength,
        "weight": None if pair.weight == 1 else pair.weight,
        "question": None if pair.question == question else pair.question,
        "stem": None if pair.stem == pair.question else pair.stem,
        "context": pair.context,
        "language": pair.language,
        "source": pair.source,
        "license": pair.license,
        "flip": pair.flip or None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _messages(turns: Sequence[Message]) -> str:
    return json.dumps([asdict(turn) for turn in turns], ensure_ascii=False)


def _response(text: str) -> str:
    """A response as it is read again: as a message where its text would be read as messages."""
    return _messages([Message("assistant", text)]) if is_read_as_turns(text) else text


def _json_of(column: str, value: object) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except TypeError as error:
        raise InvalidInput(
            f"the column {column!r} has a value that is neither JSON nor of one type: {error}",
            where="convert",
            hint="write it as text or as numbers first",
        ) from error
