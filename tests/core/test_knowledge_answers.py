"""Recorded answers to knowledge questions, and their rows."""

import json

import pytest

from pluralign.core import (
    InvalidInput,
    KnowledgeAnswer,
    knowledge_answer_from_row,
    knowledge_answer_row,
)

SHORT = KnowledgeAnswer("m", "food-1", "IRN", " برنج ", "fa", draw=2, finish_reason="length")
CHOSEN = KnowledgeAnswer(
    "m",
    "food-1",
    "IRN",
    "B",
    "en",
    place_named=False,
    form="options",
    options=("rice", "pizza"),
    option_communities=("IRN", "USA"),
    log_probs=(-1.5, -2.0),
    not_sent=("seed",),
)


@pytest.mark.parametrize("answer", [SHORT, CHOSEN], ids=["short", "options"])
def test_an_answer_is_the_same_after_it_was_written_and_read(answer: KnowledgeAnswer) -> None:
    written = json.dumps(knowledge_answer_row(answer))
    assert knowledge_answer_from_row(json.loads(written)) == answer


def test_lists_may_be_json_text_as_in_tables() -> None:
    row = knowledge_answer_row(CHOSEN)
    in_cells = {k: json.dumps(v) if isinstance(v, list) else v for k, v in row.items()}
    assert knowledge_answer_from_row(in_cells) == CHOSEN


def test_a_row_of_another_program_needs_five_columns() -> None:
    row = {"model": "m", "community": "IRN", "question_id": 7, "language": "fa", "answer": None}
    assert knowledge_answer_from_row(row) == KnowledgeAnswer("m", "7", "IRN", "", "fa")
    for column in row:
        with pytest.raises(InvalidInput, match=column):
            knowledge_answer_from_row({k: v for k, v in row.items() if k != column})


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"form": "essay"}, "form must be short or options"),
        ({"options": ["rice"]}, "at least two"),
        ({"options": ["rice", "rice"]}, "must differ"),
        ({"form": "short"}, "must have no options"),
        ({"labels": ["1", "2", "3"]}, "labels must be 2"),
        ({"log_probs": [-1.0]}, "log_probs must be 2"),
        ({"log_probs": [-1.0, "x"]}, "must be numbers"),
        ({"log_probs": [-1.0, 10**400]}, "must be finite"),
        ({"option_communities": ["IRN"]}, "option_communities must be 2"),
        ({"place_named": "perhaps"}, "must be true or false"),
    ],
)
def test_a_row_that_cannot_be_an_answer_is_refused(
    changed: dict[str, object], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        knowledge_answer_from_row(knowledge_answer_row(CHOSEN) | changed)
