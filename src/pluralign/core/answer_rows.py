"""Recorded answers as rows: what lies in a file, one JSON object an answer."""

from collections.abc import Mapping
from typing import Any

from pluralign.core.asking import RecordedAnswer
from pluralign.core.errors import InvalidInput


def answer_row(answer: RecordedAnswer) -> dict[str, Any]:
    """A recorded answer as a JSON object; columns beyond the contract's only where they say something.

    >>> answer_row(RecordedAnswer("llama", "culture_aware", "MEX", "Q1", "2."))
    {'model': 'llama', 'strategy': 'culture_aware', 'community': 'MEX', 'question_id': 'Q1', 'answer': '2.'}
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


def answer_from_row(row: Mapping[str, Any], community: str | None) -> RecordedAnswer:
    """A row as a recorded answer.

    Args:
        row: The JSON object.
        community: Id of its community, as resolved from the row; None where none was named.

    Raises:
        InvalidInput: If a column is missing or not of its kind.
    """
    for name in ("model", "strategy", "question_id"):
        if not isinstance(row.get(name), str) or not row[name]:
            raise InvalidInput(f"no {name}", hint="a row needs model, strategy, question_id and answer")
    text, order, labels, probs, not_sent = (row.get(k) for k in ("answer", "order", "labels", "probs", "not_sent"))
    if "answer" not in row or not isinstance(text, str | int | float | None):
        raise InvalidInput("no answer", hint="write the text as returned; null where nothing came")
    if not all(isinstance(value, list | None) for value in (order, labels, probs, not_sent)):
        raise InvalidInput("order, labels, probs or not_sent is not a list")
    return RecordedAnswer(
        model=row["model"],
        strategy=row["strategy"],
        community=community,
        question=row["question_id"],
        text="" if text is None else str(text),
        order=tuple(int(i) for i in order or ()),
        labels=tuple(str(label) for label in labels or ()),
        variant=str(row.get("variant") or ""),
        language=str(row.get("language") or "en"),
        draw=int(row.get("draw") or 0),
        shows_gold=bool(row.get("shows_gold")),
        probs_O=tuple(float(p) for p in probs) if probs else None,
        finish_reason=str(row.get("finish_reason") or ""),
        not_sent=tuple(str(name) for name in not_sent or ()),
    )
