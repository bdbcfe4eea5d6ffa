"""Battles of the Chatbot Arena: two models answer, and one person chooses the better answer."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from pluralign.core import parse_json
from pluralign.sources.community_labels import language_tag
from pluralign.sources.foreign import ForeignPairs, preferred
from pluralign.sources.typed_cells import (
    BadRow,
    Row,
    UnusableRow,
    optional_id,
    optional_number,
    optional_text,
    require_columns,
)

_SIDES = {"model_a": "a", "model_b": "b", "a": "a", "b": "b"}
_KAGGLE = ("winner_model_a", "winner_model_b", "winner_tie")


@dataclass(frozen=True)
class ArenaPairs(ForeignPairs):
    """Battles of two models as published, or as Kaggle's CSV.

    Columns are ``winner``, ``conversation_a`` and ``conversation_b``, or Kaggle's
    ``winner_model_a`` and so on. Ties are dropped and counted by their wording. Kaggle's
    ``prompt``, ``response_a`` and ``response_b`` are lists of turns as text. Battles whose
    conversations differ before the last turn are dropped and counted: their last responses do not
    answer one prompt. Layouts: lmsys/chatbot_arena_conversations and Kaggle's "LMSYS - Chatbot
    Arena Human Preference Predictions".
    """

    name: ClassVar[str] = "arena"
    about: ClassVar[str] = "battles of the Chatbot Arena, as published or as Kaggle's CSV"

    def _converted(self, row: Row) -> Iterable[Row | UnusableRow]:
        kaggle = _KAGGLE[0] in row
        language = optional_text(row, "language")
        sides = preferred("a", "b", _kaggle_winner(row) if kaggle else _winner(row))
        read = _kaggle_conversation if kaggle else _conversation
        chosen, rejected = read(row, str(sides["chosen"])), read(row, str(sides["rejected"]))
        if chosen[:-1] != rejected[:-1]:
            raise UnusableRow("conversations differ before the last turn")
        yield {
            "id": optional_id(row, "question_id") or optional_id(row, "id"),
            "chosen": chosen,
            "rejected": rejected,
            "rater": optional_id(row, "judge"),
            "language": language_tag(language) if language else None,
            **{f"{side}_model": row.get(f"model_{sides[side]}") for side in ("chosen", "rejected")},
        }


def _winner(row: Row) -> str:
    require_columns(row, ("winner", "conversation_a", "conversation_b"))
    winner = optional_text(row, "winner") or ""
    return _SIDES.get(winner, winner)


def _kaggle_winner(row: Row) -> str:
    require_columns(row, _KAGGLE)
    sides = zip(("a", "b", "tie"), _KAGGLE, strict=True)
    marked = [side for side, column in sides if optional_number(row, column)]
    if len(marked) != 1:
        raise BadRow(
            f"one of {', '.join(_KAGGLE)} must be 1, got {len(marked)}", reason="not one winner"
        )
    return marked[0]


def _conversation(row: Row, side: str) -> list[object]:
    return _list(row[f"conversation_{side}"], f"conversation_{side}")


def _kaggle_conversation(row: Row, side: str) -> list[object]:
    require_columns(row, ("prompt", f"response_{side}"))
    questions = _list(row["prompt"], "prompt")
    answers = _list(row[f"response_{side}"], f"response_{side}")
    if not questions or len(questions) != len(answers):
        raise UnusableRow("turns without a response")
    if not all(isinstance(text, str) for text in (*questions, *answers)):
        raise UnusableRow("a turn without text")
    turns: list[object] = []
    for question, answer in zip(questions, answers, strict=True):
        turns += [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return turns


def _list(value: object, column: str) -> list[object]:
    try:
        found = parse_json(value) if isinstance(value, str) else value
    except ValueError as error:
        raise BadRow(
            f"{column!r} must be a JSON list, got {value!r:.60}", reason=f"{column} is not a list"
        ) from error
    if not isinstance(found, list):
        raise BadRow(
            f"{column!r} must be a list, got {value!r:.60}", reason=f"{column} is not a list"
        )
    return found
