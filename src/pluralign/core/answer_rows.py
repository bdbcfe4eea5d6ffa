"""Recorded answers as the rows of a file, one JSON object for each answer."""

import math
from collections.abc import Mapping
from typing import Any

from pluralign.core.asking import RecordedAnswer
from pluralign.core.errors import InvalidInput
from pluralign.core.row_values import (
    answer_in,
    flag_in,
    float_of,
    labels_of,
    list_in,
    name_in,
    question_in,
    shown_value,
    text_in,
    whole_in,
)

PROBS_SUM = 0.02
"""How far the sum of a row's probabilities may be from 1, since files round them."""

_NEEDED = "a row needs model, strategy, question_id and answer"


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
        "machine_written": answer.machine_written,
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
    order, labels, probs = (list_in(row, name) for name in ("order", "labels", "probs"))
    return RecordedAnswer(
        model=name_in(row, "model", _NEEDED),
        strategy=name_in(row, "strategy", _NEEDED),
        community=community,
        question=question_in(row, _NEEDED),
        text=answer_in(row),
        order=_order(order, options),
        labels=labels_of(labels, options),
        variant=text_in(row, "variant"),
        language=text_in(row, "language") or "en",
        draw=whole_in(row, "draw"),
        shows_gold=flag_in(row, "shows_gold"),
        probs_O=_probabilities(probs, options) if probs else None,
        finish_reason=text_in(row, "finish_reason"),
        not_sent=tuple(str(name) for name in list_in(row, "not_sent")),
        machine_written=flag_in(row, "machine_written"),
    )


def _order(order: list[Any], options: int | None) -> tuple[int, ...]:
    n = len(order) if options is None else options
    whole = all(isinstance(i, int) and not isinstance(i, bool) for i in order)
    if order and not (whole and sorted(order) == list(range(n))):
        raise InvalidInput(
            f"order must be a permutation of 0 to {n - 1}, one index for each of the {n} options, "
            f"got {shown_value(order)}"
        )
    return tuple(order)


def _probabilities(probs: list[Any], options: int | None) -> tuple[float, ...]:
    if not all(isinstance(p, int | float) and not isinstance(p, bool) for p in probs):
        raise InvalidInput(f"probs must be numbers, got {shown_value(probs)}")
    if options is not None and len(probs) != options:
        raise InvalidInput(
            f"probs must be {options} numbers, one for each option, got {len(probs)}"
        )
    numbers = tuple(float_of(p) for p in probs)
    if not all(map(math.isfinite, numbers)):
        raise InvalidInput(f"probs must be finite, got {shown_value(probs)}")
    if min(numbers) < 0:
        hint = "they look like log-probabilities: write exp(p)" if max(numbers) <= 0 else None
        raise InvalidInput(f"probs must be >= 0, got {shown_value(probs)}", hint=hint)
    total = math.fsum(numbers)
    if abs(total - 1) > PROBS_SUM:
        what = (
            "all of probs are 0" if total == 0 else f"probs must sum to 1, got a sum of {total:.6g}"
        )
        raise InvalidInput(what, hint="write the probabilities of all options, or leave probs out")
    return numbers
