"""Files of prompts for language models."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from pluralign.core import PolicyPrompt, Prompt
from pluralign.sources.community_labels import required_community
from pluralign.sources.conversation_texts import turns_of
from pluralign.sources.row_files import RowPolicy, location, read_rows
from pluralign.sources.typed_cells import (
    BadRow,
    Row,
    UnusableRow,
    optional_id,
    optional_text,
    require_columns,
    require_consent,
)


def read_prompts(path: Path, policy: RowPolicy) -> list[PolicyPrompt]:
    """Read the prompts of a file; a prompt that is there twice is read once, and counted.

    A prompt that comes from several communities has none, as in a file of pairs.

    Args:
        path: JSON Lines, JSON, CSV or Parquet; a row has ``prompt`` or ``messages``, and may have
            ``id``, ``community`` and ``language``. Files of preference pairs will do.
        policy: The policy for bad rows, with the tally.

    Raises:
        InvalidInput: If the file or a row cannot be read, or two prompts have the same id.
    """
    found: dict[str, PolicyPrompt] = {}
    ids: set[str] = set()
    for number, one in _read(path, policy):
        if (known := found.get(one.digest)) is not None:
            if known.community != one.community:
                found[one.digest] = replace(known, community=None)
            policy.tally.drop("the same prompt again")
        elif one.id in ids:
            again = BadRow(f"the id {one.id!r} is there twice", reason="an id is there twice")
            policy.refuse(again, location(path, number))
        else:
            found[one.digest] = one
            ids.add(one.id)
            policy.tally.kept += 1
    return list(found.values())


def _read(path: Path, policy: RowPolicy) -> Iterator[tuple[int, PolicyPrompt]]:
    for number, row in read_rows(path, policy):
        try:
            require_consent(row)
            one = _prompt(row, number)
        except UnusableRow as reason:
            policy.tally.drop(str(reason))
        except BadRow as bad:
            policy.refuse(bad, location(path, number))
        else:
            yield number, one


def _prompt(row: Row, number: int) -> PolicyPrompt:
    column = "messages" if "messages" in row and "prompt" not in row else "prompt"
    require_columns(row, (column,))
    label = optional_text(row, "community")
    return PolicyPrompt(
        id=optional_id(row, "id") or str(number),
        prompt=_turns(row[column], column),
        community=required_community(label) if label else None,
        language=optional_text(row, "language"),
    )


def _turns(value: object, column: str) -> Prompt:
    """A prompt; the assistant's last turn is what is to be written, so it is left out."""
    turns = turns_of(value, column)
    if isinstance(turns, str):
        if not turns.strip():
            raise UnusableRow("empty prompt")
        return turns
    if turns and turns[-1].role == "assistant":
        turns = turns[:-1]
    if not turns or turns[-1].role != "user":
        raise UnusableRow("no turn of a user to answer")
    return turns
