"""Recorded answers as the rows of a file, one JSON object for each answer."""

import math
from collections.abc import Mapping
from typing import Any

from pluralign.core.asking import RecordedAnswer
from pluralign.core.cells import cell_id, cell_number, is_missing
from pluralign.core.errors import InvalidInput
from pluralign.core.parsing import parse_json

PROBS_SUM = 0.02
"""How far the sum of a row's probabilities may be from 1, since files round them."""


def answer_row(answer: RecordedAnswer) -> dict[str, Any]:
    """Convert a recorded answer to a JSON object.

    Columns beyond the contract's are written only where they are not empty.

    >>> answer_row(RecordedAnswer("llama", "culture_aware", "MEX", "Q1", "2."))
    {'model': 'llama', 'strategy': 'culture_aware', 'community': 'MEX', 'question_id': 'Q1',
     'answer': '2.'}
    """
    row: dict[str, Any] = {
        "model": answer.model,
        "strategy": answer.strategy,
        "community": answer.community,
        "question_id": answer.question,
        "answer": answer.text,
    }
    more = {
        "order": list(answer.order),
        "labels": list(answer.labels),
        "variant": answer.variant,
        "language": answer.language if answer.language != "en" else "",
        "draw": answer.draw,
        "shows_gold": answer.shows_gold,
        "probs": list(answer.probs_O) if answer.probs_O is not None else [],
        "finish_reason": answer.finish_reason,
        "not_sent": list(answer.not_sent),
    }
    return row | {name: value for name, value in more.items() if value}


def answer_from_row(
    row: Mapping[str, Any], community: str | None, options: int | None = None
) -> RecordedAnswer:
    """Convert a row to a recorded answer.

    The id of a question has one spelling (1, 1.0 and "1" are the same id). Lists may be written as
    JSON text, as they are in tables.

    Args:
        row: The row.
        community: Id of its community, as resolved from the row; None where none was named.
        options: How many options its question has; None where the question is not known.

    Raises:
        InvalidInput: If a column is missing or of the wrong type, if ``order`` is not a permutation
            of the options, ``labels`` are not one for each option, or ``probs`` are not
            probabilities of the options that sum to 1.

    >>> row = {"model": "m", "strategy": "s", "question_id": 1.0, "answer": 2.0}
    >>> answer_from_row(row | {"probs": [0.25, 0.75]}, None, options=2).question
    '1'
    """
    order, labels, probs = (_list(row, name) for name in ("order", "labels", "probs"))
    return RecordedAnswer(
        model=_name(row, "model"),
        strategy=_name(row, "strategy"),
        community=community,
        question=_question(row),
        text=_answer(row),
        order=_order(order, options),
        labels=_labels(labels, options),
        variant=_text(row, "variant"),
        language=_text(row, "language") or "en",
        draw=_whole(row, "draw"),
        shows_gold=_flag(row, "shows_gold"),
        probs_O=_probabilities(probs, options) if probs else None,
        finish_reason=_text(row, "finish_reason"),
        not_sent=tuple(str(name) for name in _list(row, "not_sent")),
    )


def _name(row: Mapping[str, Any], column: str) -> str:
    value = row.get(column)
    if is_missing(value):
        raise InvalidInput(
            f"no {column}", hint="a row needs model, strategy, question_id and answer"
        )
    return _text(row, column)


def _question(row: Mapping[str, Any]) -> str:
    try:
        found = cell_id(row.get("question_id"))
    except InvalidInput as error:
        raise InvalidInput(f"question_id: {error.what}", hint=error.hint) from error
    if found is None:
        raise InvalidInput(
            "no question_id", hint="a row needs model, strategy, question_id and answer"
        )
    return found


def _answer(row: Mapping[str, Any]) -> str:
    value = row.get("answer")
    if (
        "answer" not in row
        or isinstance(value, bool)
        or not isinstance(value, str | int | float | None)
    ):
        got = f", got {_shown(value)}" if "answer" in row else ""
        raise InvalidInput(
            f"no answer: it must be text or a number{got}",
            hint="write null where the model returned nothing",
        )
    if isinstance(value, str):
        return value
    return "" if value is None or (isinstance(value, float) and math.isnan(value)) else str(value)


def _text(row: Mapping[str, Any], column: str) -> str:
    value = row.get(column)
    if isinstance(value, str):
        return value
    if is_missing(value):
        return ""
    raise InvalidInput(f"{column} must be text, got {_shown(value)}")


def _whole(row: Mapping[str, Any], column: str) -> int:
    try:
        number = cell_number(row.get(column))
    except InvalidInput as error:
        raise InvalidInput(f"{column}: {error.what}") from error
    if number is not None and (number < 0 or number != int(number)):
        raise InvalidInput(f"{column} must be a whole number >= 0, got {_shown(number)}")
    return int(number or 0)


def _flag(row: Mapping[str, Any], column: str) -> bool:
    value = row.get(column)
    if is_missing(value):
        return False
    known = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}
    if str(value).lower() not in known:
        raise InvalidInput(f"{column} must be true or false, got {_shown(value)}")
    return known[str(value).lower()]


def _list(row: Mapping[str, Any], column: str) -> list[Any]:
    value = row.get(column)
    if isinstance(value, str) and value.strip().startswith("["):
        try:
            value = parse_json(value)
        except ValueError as error:
            raise InvalidInput(f"{column} is not a JSON list: {_shown(value)}") from error
    if isinstance(value, list | tuple):
        return list(value)
    if is_missing(value):
        return []
    raise InvalidInput(f"{column} must be a list, got {_shown(value)}")


def _order(order: list[Any], options: int | None) -> tuple[int, ...]:
    n = len(order) if options is None else options
    whole = all(isinstance(i, int) and not isinstance(i, bool) for i in order)
    if order and not (whole and sorted(order) == list(range(n))):
        raise InvalidInput(
            f"order must be a permutation of 0 to {n - 1}, one index for each of the {n} options, "
            f"got {_shown(order)}"
        )
    return tuple(order)


def _labels(labels: list[Any], options: int | None) -> tuple[str, ...]:
    if not all(isinstance(label, str | int) and not isinstance(label, bool) for label in labels):
        raise InvalidInput(f"labels must be texts or whole numbers, got {_shown(labels)}")
    texts = tuple(map(str, labels))
    if options is not None and texts and len(texts) != options:
        raise InvalidInput(f"labels must be {options}, one for each option, got {len(texts)}")
    if len(set(texts)) < len(texts) or not all(text.strip() for text in texts):
        raise InvalidInput(f"labels must differ and not be empty, got {_shown(labels)}")
    return texts


def _probabilities(probs: list[Any], options: int | None) -> tuple[float, ...]:
    if not all(isinstance(p, int | float) and not isinstance(p, bool) for p in probs):
        raise InvalidInput(f"probs must be numbers, got {_shown(probs)}")
    if options is not None and len(probs) != options:
        raise InvalidInput(
            f"probs must be {options} numbers, one for each option, got {len(probs)}"
        )
    numbers = tuple(_float(p) for p in probs)
    if not all(map(math.isfinite, numbers)):
        raise InvalidInput(f"probs must be finite, got {_shown(probs)}")
    if min(numbers) < 0:
        hint = "they look like log-probabilities: write exp(p)" if max(numbers) <= 0 else None
        raise InvalidInput(f"probs must be >= 0, got {_shown(probs)}", hint=hint)
    total = math.fsum(numbers)
    if abs(total - 1) > PROBS_SUM:
        what = (
            "all of probs are 0" if total == 0 else f"probs must sum to 1, got a sum of {total:.6g}"
        )
        raise InvalidInput(what, hint="write the probabilities of all options, or leave probs out")
    return numbers


def _float(value: int | float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _shown(value: object) -> str:
    """The beginning of a value, for a message; a long number is only described."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 10**20:
        return "a number of more than 20 digits"
    try:
        text = repr(value)
    except ValueError:  # a list with a number of thousands of digits
        return f"a {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:57]}..."
