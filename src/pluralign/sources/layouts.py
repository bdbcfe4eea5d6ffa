"""Rows with a list of responses and a choice, scores or ranks; rows wrapped in an object."""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from pluralign.sources.foreign_headers import source_hint
from pluralign.sources.typed_cells import BadRow, Row, UnusableRow, optional_number

_LISTS = ("responses", "completions", "candidates", "answers", "outputs")
_SCORES = ("scores", "ratings", "rewards")
LIST_COLUMNS = frozenset({*_LISTS, *_SCORES, "data"})
"""Columns of a row with a list of responses."""

_TEXTS = ("response", "answer", "text", "content", "output", "completion")
_SCORE = ("overall_score", "score", "rating", "reward")
_MOST_RESPONSES = 32


def rows_of_pairs(row: Row) -> list[Row]:
    """The rows ``{"prompt", "chosen", "rejected", ...}`` of one row, which is most often itself.

    * ``{"data": {...}}`` is the object that it wraps.
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

    >>> row = {"prompt": "Q", "responses": ["a", "b", "c"], "chosen": 0}
    >>> [pair["rejected"] for pair in rows_of_pairs(row)]
    ['b', 'c']
    """
    wrapped = row.get("data")
    if len(row) == 1 and isinstance(wrapped, Mapping):
        row = wrapped
    lists = [name for name in _LISTS if isinstance(row.get(name), Sequence | np.ndarray)]
    if lists and not isinstance(row[lists[0]], str) and row.get("rejected") is None:
        return _of_list(row, lists[0])
    chosen, rejected = _texts(row.get("chosen")), _texts(row.get("rejected"))
    if chosen is None and rejected is None:
        return [row]
    pairs = itertools.product(chosen or [row.get("chosen")], rejected or [row.get("rejected")])
    return _numbered([dict(row) | {"chosen": a, "rejected": b} for a, b in pairs])


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
        others = texts[:best] + texts[best + 1 :]
        return _numbered([rest | {"chosen": texts[best], "rejected": text} for text in others])
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
    if number is None:
        raise BadRow("'chosen' is missing", reason="chosen is not an index")
    if number != int(number) or not 0 <= number < len(texts):
        raise BadRow(
            f"'chosen' must be the index of a response from 0 to {len(texts) - 1}, got {number:g}",
            reason="chosen is not an index",
        )
    return int(number)


def _scores(row: Row, responses: Sequence[object]) -> list[float]:
    """The scores of responses, higher for better: from a column, or from the responses' objects."""
    columns = [name for name in _SCORES if row.get(name) is not None]
    if columns:
        key = columns[0]
        cells: list[Row] = [{key: value} for value in _plain_list(row[key])]
    else:
        cells = [item if isinstance(item, Mapping) else {} for item in responses]
        key = next((name for name in _SCORE if name in cells[0]), "rank")
    sign = -1.0 if key == "rank" else 1.0
    found = [optional_number(cell, key) for cell in cells]
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
    """The texts of a list of texts; None for any other value, such as a list of messages."""
    items = [] if isinstance(value, str) else _plain_list(value)
    return items if items and all(isinstance(item, str) for item in items) else None


def _plain_list(value: object) -> list[object]:
    if isinstance(value, np.ndarray):
        return list(value.tolist())
    return list(value) if isinstance(value, Sequence) else []


def _numbered(rows: Sequence[Row]) -> list[Row]:
    """The rows made from one row, with numbers at the id that they share."""
    if len(rows) == 1 or rows[0].get("id") is None:
        return list(rows)
    return [dict(row) | {"id": f"{row['id']}/{number}"} for number, row in enumerate(rows, start=1)]
