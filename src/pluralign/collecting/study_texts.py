"""Prompts and answers that a study begins with: `prompts.jsonl`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field
from sqlalchemy import Connection, select

from pluralign.collecting.refusals import NotAccepted
from pluralign.collecting.store.tables import text
from pluralign.collecting.written_texts import NewText, add_text, clean_text
from pluralign.core import InvalidInput
from pluralign.settings.validation import validated
from pluralign.settings.variants import SettingsTable

_MOST_CHARACTERS = 20_000


class StudyPrompt(SettingsTable):
    """A row of `prompts.jsonl`."""

    prompt: Annotated[str, Field(min_length=1)]
    """The question."""
    responses: Annotated[tuple[str, ...], Field(min_length=2)]
    """Answers with different values."""
    language: Annotated[str, Field(min_length=2)]
    """BCP 47 tag of the texts."""
    community: str | None = None
    """Community whose people see it. When unset: all."""
    origin: Annotated[str, Field(min_length=1)] = "study"
    """``study``, or the model that wrote the answers, with its settings."""
    licence: Annotated[str, Field(min_length=1)] = "CC0-1.0"
    """Licence of the texts (SPDX)."""


def read_prompts(path: Path) -> list[StudyPrompt]:
    """The rows of `prompts.jsonl`; none where the file does not exist.

    Raises:
        InvalidInput: If a line is not valid; the message names it.
    """
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    return [
        _row(line, f"{path}, line {number}") for number, line in enumerate(lines, 1) if line.strip()
    ]


def add_prompts(connection: Connection, prompts: list[StudyPrompt], now: int) -> int:
    """Add the texts that the store does not have yet; return how many there were."""
    added = 0
    for row in prompts:
        # The origin of a row is that of its answers: its prompt is the study's own.
        asked = row.model_copy(update={"origin": "study"})
        prompt_id, new = _known_or_added(connection, asked, row.prompt, None, now)
        added += new
        for response in row.responses:
            added += _known_or_added(connection, row, response, prompt_id, now)[1]
    return added


def _known_or_added(
    connection: Connection, row: StudyPrompt, body: str, parent: str | None, now: int
) -> tuple[str, bool]:
    """Id of a text, and whether it was added now."""
    new = NewText(
        kind="response" if parent else "prompt",
        body=body,
        language=row.language,
        community=row.community,
        parent=parent,
        author=None,
        origin=row.origin,
        licence=row.licence,
        state="shown",
    )
    same = select(text.c.id).where(
        text.c.digest == new.digest, text.c.community.is_not_distinct_from(new.community)
    )
    known = connection.execute(same).scalar()
    return (str(known), False) if known else (add_text(connection, new, now), True)


def _row(line: str, where: str) -> StudyPrompt:
    try:
        raw = json.loads(line)
    except json.JSONDecodeError as error:
        raise InvalidInput(f"not valid JSON: {error.msg}", where=where) from None
    if not isinstance(raw, Mapping):
        raise InvalidInput("a row must be a JSON object", where=where)
    row = validated(StudyPrompt, dict(raw), where)
    try:
        cleaned = [clean_text(body, _MOST_CHARACTERS) for body in (row.prompt, *row.responses)]
    except NotAccepted as error:
        raise InvalidInput(str(error), where=where) from None
    return row.model_copy(update={"prompt": cleaned[0], "responses": tuple(cleaned[1:])})
