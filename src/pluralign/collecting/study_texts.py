"""Prompts and answers that a study begins with: `prompts.jsonl`."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import Connection, insert, select

from pluralign.collecting.refusals import NotAccepted
from pluralign.collecting.secret_digests import new_id
from pluralign.collecting.store.tables import pair, text
from pluralign.collecting.written_texts import (
    NewText,
    clean_text,
    pair_rows,
    responses_to,
    text_row,
)
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


def add_prompts(connection: Connection, prompts: Sequence[StudyPrompt], now: int) -> int:
    """Add the texts that the store does not have yet; return how many there were."""
    new = _NewRows(connection, now)
    for row in prompts:
        # The origin of a row is that of its answers: its prompt is the study's own.
        asked = row.model_copy(update={"origin": "study"})
        prompt_id = new.known_or_added(_text(asked, row.prompt, None))
        for response in row.responses:
            new.known_or_added(_text(row, response, prompt_id))
    for table, rows in ((text, new.texts), (pair, new.pairs)):
        if rows:
            connection.execute(insert(table), rows)
    return len(new.texts)


class _NewRows:
    """Rows of texts and pairs to add: all are written at once, which is many times faster.

    Args:
        connection: A writing connection.
        now: Seconds since 1970.
    """

    def __init__(self, connection: Connection, now: int) -> None:
        self._connection, self._now = connection, now
        columns = text.c.digest, text.c.community, text.c.id
        rows = connection.execute(select(*columns))
        self._known: dict[tuple[str, str | None], str] = {
            (digest, community): id_ for digest, community, id_ in rows
        }
        self._responses: dict[str, list[tuple[str, str | None]]] = {}
        self.texts: list[dict[str, Any]] = []
        self.pairs: list[dict[str, Any]] = []

    def known_or_added(self, new: NewText) -> str:
        """Id of a text, which is added where it is not known."""
        name = (new.digest, new.community)
        if name not in self._known:
            self._known[name] = self._added(new)
        return self._known[name]

    def _added(self, new: NewText) -> str:
        id_ = new_id(self._now)
        self.texts.append(text_row(id_, new, self._now))
        if new.parent is None:
            self._responses[id_] = []
            return id_
        if new.parent not in self._responses:  # a prompt that the store had before
            self._responses[new.parent] = responses_to(self._connection, new.parent)
        others = self._responses[new.parent]
        self.pairs += pair_rows(id_, new, others, self._now)
        others.append((id_, new.community))
        return id_


def _text(row: StudyPrompt, body: str, parent: str | None) -> NewText:
    return NewText(
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
