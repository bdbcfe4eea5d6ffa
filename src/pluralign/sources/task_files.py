"""Files of the items of a task: questions with options and answers, or prompts with answers."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from string import ascii_uppercase

from pluralign.core import InvalidInput, NotEnoughData, Tally
from pluralign.sources.community_labels import required_community
from pluralign.sources.row_files import RowPolicy, location, read_rows
from pluralign.sources.typed_cells import BadRow, Row, optional_text, require_columns, text_of


@dataclass(frozen=True, slots=True)
class TaskRow:
    """An item of a task, as its file has it.

    Attributes:
        question: The question or prompt.
        answer: The right answer: an option where there are options.
        options: The options; empty for a prompt without.
        community: Id of the community that the item is about; None where none is named.
    """

    question: str
    answer: str
    options: tuple[str, ...] = ()
    community: str | None = None


def read_task_rows(path: Path) -> list[TaskRow]:
    """Read the items of a task, all with options or all without.

    Args:
        path: JSON Lines, JSON, CSV or Parquet; ``question``, ``options`` (a list, or a JSON list as
            text) and ``answer`` (an option, or its letter), or ``prompt`` and ``answer``; perhaps
            ``community``.

    Raises:
        InvalidInput: If the file or a row cannot be read, or only some items have options.
        NotEnoughData: If there is no item.
    """
    found: list[TaskRow] = []
    policy = RowPolicy(Tally())
    for number, row in read_rows(path, policy):
        try:
            found.append(_item(row))
        except BadRow as bad:
            policy.refuse(bad, location(path, number))
    if not found:
        raise NotEnoughData("no item of a task", where=str(path))
    if len({bool(row.options) for row in found}) > 1:
        raise InvalidInput(
            "some items have options and others do not",
            where=str(path),
            hint="put them in two files, and make a run for each",
        )
    return found


def _item(row: Row) -> TaskRow:
    label = optional_text(row, "community")
    community = required_community(label) if label else None
    if "options" not in row:
        require_columns(row, ("prompt", "answer"))
        return TaskRow(text_of(row, "prompt"), text_of(row, "answer"), (), community)
    require_columns(row, ("question", "options", "answer"))
    options = tuple(_options(row["options"]))
    answer = text_of(row, "answer").strip()
    letters = ascii_uppercase[: len(options)]
    if answer not in options and len(answer) == 1 and answer in letters:
        answer = options[letters.index(answer)]
    if answer not in options:
        raise BadRow(
            f"the answer {answer!r} must be one of the options, or its letter",
            reason="an answer that is no option",
        )
    return TaskRow(text_of(row, "question"), answer, options, community)


def _options(value: object) -> Iterator[str]:
    given = value
    if isinstance(value, str):
        try:
            given = json.loads(value)
        except ValueError:
            given = None
    if not isinstance(given, list) or len(given) < 2:
        raise BadRow("options must be a list of at least two texts", reason="no options")
    options = [str(option).strip() for option in given]
    if len(set(options)) < len(options) or len(options) > len(ascii_uppercase):
        raise BadRow(
            f"options must be different, and at most {len(ascii_uppercase)}", reason="bad options"
        )
    yield from options
