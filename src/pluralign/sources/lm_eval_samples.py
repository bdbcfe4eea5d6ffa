"""Answers in the files that lm-eval writes with ``--log_samples`` for tasks of tests of knowledge.

lm-eval 0.4.13 writes one row for each question: ``doc``, the question as in the task's file, and
``filtered_resps``, the written answer or, for each option, its log-likelihood and whether it is the
greedy one; both as texts.
"""

import math
from collections.abc import Mapping, Sequence

from pluralign.sources.typed_cells import BadRow, Row

SAMPLE_FILES = "samples_*.jsonl"


def answer_of_sample(row: Row) -> Row:
    """A row of lm-eval as a row of recorded answers; another row as it is.

    Raises:
        BadRow: If the row is one of lm-eval without an answer that can be read.

    >>> answer_of_sample({"doc": {"question_id": "food-1"}, "filtered_resps": ["rice"]})
    {'question_id': 'food-1', 'answer': 'rice'}
    >>> row = {"doc": {"question_id": "food-1"}, "filtered_resps": [["-4.5", "True"], ["-6", "0"]]}
    >>> answer_of_sample(row)
    {'question_id': 'food-1', 'answer': '', 'log_probs': [-4.5, -6.0]}
    """
    question, replies = row.get("doc"), row.get("filtered_resps")
    if not isinstance(question, Mapping) or not isinstance(replies, Sequence):
        return row
    if len(replies) == 1 and isinstance(replies[0], str):
        return {**question, "answer": replies[0]}
    return {**question, "answer": "", "log_probs": [_log_likelihood(reply) for reply in replies]}


def _log_likelihood(reply: object) -> float:
    try:
        value = float(reply[0]) if isinstance(reply, Sequence) else math.nan
    except (ValueError, IndexError):
        value = math.nan
    if not math.isfinite(value):
        raise BadRow(
            "filtered_resps must have an answer, or a log-likelihood for each option",
            reason="reply of lm-eval that cannot be read",
            hint="write the tasks with `pluralign knowledge tasks`, and run lm-eval again",
        )
    return value
