"""Other ways to write a preference in one row: lists of responses with a choice, scores or ranks; wrapped rows."""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from pluralign.sources.fields import BadRow, Row, UnusableRow, optional_number
from pluralign.sources.foreign_headers import source_hint

_LISTS = ("responses", "completions", "candidates", "answers", "outputs")
_SCORES = ("scores", "ratings", "rewards")
LIST_COLUMNS = frozenset({*_LISTS, *_SCORES, "data"})
"""Columns of a row with a list of responses."""

_TEXTS = ("response", "answer", "text", "content", "output", "completion")
_SCORE = ("overall_score", "score", "rating", "reward")
_MOST_RESPONSES = 32


def rows_of_pairs(row: Row) -> list[Row]:
    """The rows ``{"prompt", "chosen", "rejected", ...}`` that one row stands for; most often itself.

    * ``{"data": {...}}`` is what it wraps.
    * ``responses`` (or ``completions``, ``candidates``, ``answers``, ``outputs``) with the index of
      the one ``chosen``, from 0: it is preferred to every other.
    * such a list with a list of ``scores`` (``ratings``, ``rewards``), or of objects that have a
      text and a score (higher is better) or a ``rank`` (lower is better): one pair for every two
      that differ; ``strength`` is the difference of scores.
    * ``chosen`` and ``rejected`` as lists of texts: every chosen one is preferred to every rejected
      one.

    Raises:
        BadRow: If an index, a score or a list is not as described.
        UnusableRow: If no two responses differ in score.

    >>> [r["rejected"] for r in rows_of_pairs({"prompt": "Q", "responses": ["a", "b", "c"], "chosen": 0})]
    ['b', 'c']
    """
    wrapped = row.get("data")
    if len(row) == 1 and isinstance(wrapped, Mapping):
        row = wrapped
    name = next((name for name in _LISTS if isinstance(row.get(name), Sequence | np.ndarray)), None)
    if (
        name is not None
        and not isinstance(row[name], str)
        and ("rejected" not in row or row["rejected"] is None)
    ):
        return _of_list(row, name)
    chosen, rejected = _texts(row.get("chosen")), _texts(row.get("rejected"))
    if chosen is None and rejected is None:
        return [row]
    better, worse = (
        ([row.get("chosen")] if chosen is None else chosen),
        rejected or [row.get("rejected")],
    )
    return _numbered([dict(row) | {"chosen": a, "rejected": b} for a in better for b in worse])


def _of_list(row: Row, name: str) -> list[Row]:
    responses = _plain_list(row[name])
    if not 2 <= len(responses) <= _MOST_RESPONSES:
        raise BadRow(
            f"{name!r} must have 2 to {_MOST_RESPONSES} responses, got {len(responses)}",
            reason=f"{name} is not a list of 2 to {_MOST_RESPONSES}",
        )
    texts = [_text_in(item) for item in responses]
    rest = {key: value for key, value in row.items() if key not in (name, "chosen", *_SCORES)}
    chosen = row.get("chosen")
    if chosen is not None:
        best = _index(chosen, texts)
        found = [
            rest | {"chosen": texts[best], "rejected": text}
            for i, text in enumerate(texts)
            if i != best
        ]
        return _numbered(found)
    scores = _scores(row, responses)
    pairs: list[Row] = []
    for (a, score_a), (b, score_b) in itertools.combinations(zip(texts, scores, strict=True), 2):
        if score_a != score_b:
            better, worse = (a, b) if score_a > score_b else (b, a)
            pairs.append(
                rest | {"chosen": better, "rejected": worse, "strength": abs(score_a - score_b)}
            )
    if not pairs:
        raise UnusableRow("tie")
    return _numbered(pairs)


def _index(chosen: object, texts: Sequence[object]) -> int:
    if isinstance(chosen, str) and not chosen.strip().isdecimal():
        same = [i for i, text in enumerate(texts) if text == chosen]
        if same:
            return same[0]
    number = optional_number({"chosen": chosen}, "chosen")
    if number is None or number != int(number) or not 0 <= number < len(texts):
        raise BadRow(
            f"'chosen' must be the index of a response from 0 to {len(texts) - 1}, got {number:g}"
            if number is not None
            else "'chosen' is missing",
            reason="chosen is not an index",
        )
    return int(number)


def _scores(row: Row, responses: Sequence[object]) -> list[float]:
    keys: tuple[str, ...]
    column = next((name for name in _SCORES if row.get(name) is not None), None)
    if column is not None:
        values: list[object] = _plain_list(row[column])
        cells: list[Row] = [{column: value} for value in values]
        keys, sign = (column,), 1.0
    else:
        cells = [item if isinstance(item, Mapping) else {} for item in responses]
        keys, sign = _SCORE, 1.0
        if not any(key in cells[0] for key in _SCORE):
            keys, sign = ("rank",), -1.0
    key = next((key for key in keys if cells and key in cells[0]), None)
    found = [None if key is None else optional_number(cell, key) for cell in cells]
    numbers = [sign * number for number in found if number is not None]
    if len(numbers) != len(responses):
        raise BadRow(
            "a list of responses must come with 'chosen' (an index), or with one score or rank for "
            "each response",
            reason="responses without a preference",
            hint=source_hint(row),
        )
    return numbers


def _text_in(item: object) -> object:
    if not isinstance(item, Mapping):
        return item
    return next((item[name] for name in _TEXTS if name in item), item)


def _texts(value: object) -> list[object] | None:
    """The texts of a list of texts; None where it is something else, as a list of messages."""
    items = (
        _plain_list(value)
        if isinstance(value, Sequence | np.ndarray) and not isinstance(value, str)
        else []
    )
    return items if items and all(isinstance(item, str) for item in items) else None


def _plain_list(value: object) -> list[object]:
    if isinstance(value, np.ndarray):
        return list(value.tolist())
    return list(value) if isinstance(value, Sequence) else []


def _numbered(rows: Sequence[Row]) -> list[Row]:
    """Rows made from one: an id that they share is numbered."""
    if len(rows) == 1 or rows[0].get("id") is None:
        return list(rows)
    return [dict(row) | {"id": f"{row['id']}/{number}"} for number, row in enumerate(rows, start=1)]
