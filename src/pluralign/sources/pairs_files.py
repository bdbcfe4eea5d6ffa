"""Preference pairs from our own format, which TRL reads too: JSONL or Parquet, one row a pair."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pluralign.core import WORLD, Message, PreferencePair, Prompt, Tally
from pluralign.sources.fields import BadRow, Row, UnusableRow, optional_id, optional_text, require_columns
from pluralign.sources.labels import required_community
from pluralign.sources.reading import RowPolicy, file_stem, place, read_rows
from pluralign.sources.seen import SeenIds

_TEXT_COLUMNS = ("question", "stem", "context", "language", "license")
_COLUMNS = frozenset(
    {"id", "prompt", "chosen", "rejected", "community", "rater", "strength", "weight", "source", *_TEXT_COLUMNS}
)


@dataclass(frozen=True, slots=True)
class JsonlPairs:
    """Pairs in one JSONL or Parquet file.

    Columns: ``prompt`` (text or a list of ``{"role", "content"}``), ``chosen`` and ``rejected`` (text, or a list with
    one assistant message); optional ``id``, ``community``, ``rater``, ``strength``, ``weight``, ``source``,
    ``license``, ``context``, ``language``, ``question``, ``stem``. Other columns are kept in ``extra``. Whole
    conversations in ``chosen`` and ``rejected`` are welcome too: the turns they share are the prompt.

    Attributes:
        path: The file; ``.jsonl``, ``.jsonl.gz`` or ``.parquet``.
        community: Community of the rows that name none, as an id or a label; the whole world where not given.
        skip_bad: Drop and count rows that cannot be read, instead of stopping at the first.
        license: Licence of the rows that name none.
    """

    name: ClassVar[str] = "jsonl"
    about: ClassVar[str] = "preference pairs in JSONL or Parquet: prompt, chosen, rejected, community, rater"

    path: Path
    community: str | None = None
    skip_bad: bool = False
    license: str = "not stated"

    def pairs(self, tally: Tally | None = None) -> Iterator[PreferencePair]:
        """Stream the pairs of the file.

        Raises:
            InvalidInput: If the file or a row cannot be read, or an id comes twice.
            NotEnoughData: If the file has no rows.
        """
        policy = RowPolicy(tally if tally is not None else Tally(), self.skip_bad)
        seen = SeenIds()
        for number, row in read_rows(self.path, policy, kinds=("jsonl", "parquet")):
            try:
                pair = self._pair(row, number)
                if row.get("id") is not None and seen.again(pair.id):
                    raise BadRow(f"the id {pair.id!r} was used before", reason="duplicate id")
            except UnusableRow as reason:
                policy.tally.drop(str(reason))
            except BadRow as bad:
                policy.refuse(bad, place(self.path, number))
            else:
                policy.tally.kept += 1
                yield pair

    def _pair(self, row: Row, number: int) -> PreferencePair:
        stem = file_stem(self.path)
        prompt, chosen, rejected = _texts(row)
        label = optional_text(row, "community")
        return PreferencePair(
            id=optional_id(row, "id") or f"{stem}:{number}",
            prompt=prompt,
            chosen=chosen,
            rejected=rejected,
            community=required_community(label if label is not None else self.community or WORLD.id),
            rater=optional_id(row, "rater"),
            strength=_number(row, "strength", zero=False),
            weight=_weight(row),
            question=optional_text(row, "question") or "",
            stem=optional_text(row, "stem") or "",
            context=optional_text(row, "context"),
            language=optional_text(row, "language"),
            source=optional_text(row, "source") or stem,
            license=optional_text(row, "license") or self.license,
            extra={name: value for name, value in row.items() if name not in _COLUMNS},
        )


def _texts(row: Row) -> tuple[Prompt, str, str]:
    require_columns(row, ("chosen", "rejected"))
    chosen, rejected = (_turns(row[side], side) for side in ("chosen", "rejected"))
    if row.get("prompt") is not None:
        prompt = _prompt(row["prompt"])
    elif isinstance(chosen, tuple) and isinstance(rejected, tuple):
        prompt = _shared_turns(chosen, rejected)
    else:
        require_columns(row, ("prompt",))
        raise BadRow("'prompt' is null, and the responses are not whole conversations", reason="prompt is null")
    texts = _response(chosen, prompt, "chosen"), _response(rejected, prompt, "rejected")
    if not prompt or (isinstance(prompt, str) and not prompt.strip()):
        raise UnusableRow("empty prompt")
    if not all(text.strip() for text in texts):
        raise UnusableRow("empty response")
    if texts[0] == texts[1]:
        raise UnusableRow("chosen equals rejected")
    return prompt, *texts


def _prompt(value: object) -> Prompt:
    return _turns(value, "prompt")


def _turns(value: object, column: str) -> str | tuple[Message, ...]:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return tuple(_message(item, column) for item in value)
    raise BadRow(
        f"{column!r} is {type(value).__name__}, neither text nor a list of messages",
        reason=f"{column} is neither text nor messages",
    )


def _message(item: object, column: str) -> Message:
    role, content = (item.get("role"), item.get("content")) if isinstance(item, Mapping) else (None, None)
    if not isinstance(role, str) or not isinstance(content, str):
        raise BadRow(
            f'a message in {column!r} is not {{"role": text, "content": text}}', reason=f"bad message in {column}"
        )
    return Message(role, content)


def _shared_turns(chosen: tuple[Message, ...], rejected: tuple[Message, ...]) -> tuple[Message, ...]:
    most = max(min(len(chosen), len(rejected)) - 1, 0)
    same = next((i for i in range(most) if chosen[i] != rejected[i]), most)
    return chosen[:same]


def _response(value: str | tuple[Message, ...], prompt: Prompt, column: str) -> str:
    if isinstance(value, str):
        return value
    shared = (Message("user", prompt),) if isinstance(prompt, str) else prompt
    rest = value[len(shared) :] if len(value) > 1 and value[: len(shared)] == shared else value
    if len(rest) != 1 or rest[0].role != "assistant":
        raise BadRow(
            f"{column!r} is not one assistant message after the prompt's turns",
            reason=f"{column} is not one assistant message",
        )
    return rest[0].content


def _weight(row: Row) -> float:
    weight = _number(row, "weight", zero=True)
    return 1.0 if weight is None else weight


def _number(row: Row, column: str, *, zero: bool) -> float | None:
    value = row.get(column)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadRow(f"{column} is {value!r}, not a number", reason=f"{column} is not a number")
    if not math.isfinite(value) or value < 0 or (value == 0 and not zero):
        raise BadRow(f"{column} is {value}, not {'>= 0' if zero else '> 0'}", reason=f"{column} is out of range")
    return float(value)
