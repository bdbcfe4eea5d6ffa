"""A pair as a page shows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import BindParameter, Connection, bindparam, select

from pluralign.collecting.store.tables import assignment, pair, text

Author = Literal["person", "study", "model"]


@dataclass(frozen=True, slots=True)
class ShownText:
    """A text on a page.

    Attributes:
        id: Its id.
        body: The text.
        language: BCP 47 tag.
        origin: ``people``, ``study``, or the model with its settings.
    """

    id: str
    body: str
    language: str
    origin: str

    @property
    def author(self) -> Author:
        """Kind of its author."""
        kinds: dict[str, Author] = {"people": "person", "study": "study"}
        return kinds.get(self.origin, "model")


@dataclass(frozen=True, slots=True)
class Shown:
    """A pair that a person is asked about.

    Attributes:
        assignment: Its id; an answer names it.
        prompt: The prompt.
        left: The response on the left.
        right: The response on the right.
        reason: Why it was chosen: ``anchor``, ``overlap``, ``fresh``, ``informative`` or
            ``repeat``.
        remaining: Number of pairs before the page suggests to stop, this one included; 0 after
            that.
    """

    assignment: str
    prompt: ShownText
    left: ShownText
    right: ShownText
    reason: str
    remaining: int


def shown_pairs(connection: Connection, ids: Sequence[str], remaining: int) -> list[Shown]:
    """Assignments with their texts, without those of which a text is no longer shown.

    Args:
        connection: A connection.
        ids: Ids of assignments.
        remaining: Number of pairs before the page suggests to stop, before these are answered.
    """
    if not ids:
        return []
    found = connection.execute(_PAIRS, {"ids": list(ids)})
    rows = {row.id: row for row in found}
    texts = _texts(connection, {id_ for row in rows.values() for id_ in _text_ids(row)})
    shown = [rows[id_] for id_ in ids if texts.keys() >= set(_text_ids(rows[id_]))]
    return [
        Shown(
            assignment=row.id,
            prompt=texts[row.prompt],
            left=texts[row.left],
            right=texts[row.right],
            reason=row.reason,
            remaining=max(0, remaining - at),
        )
        for at, row in enumerate(shown)
    ]


def _text_ids(row: object) -> tuple[str, str, str]:
    return row.prompt, row.left, row.right  # type: ignore[attr-defined]


def _texts(connection: Connection, ids: set[str]) -> dict[str, ShownText]:
    found = connection.execute(_TEXTS, {"ids": sorted(ids)})
    return {row.id: ShownText(row.id, row.body, row.language, row.origin) for row in found}


# Built once: building a statement takes longer than running it.
_IDS: BindParameter[list[str]] = bindparam("ids", expanding=True)
_PAIRS = (
    select(
        assignment.c.id,
        assignment.c.left,
        assignment.c.right,
        assignment.c.reason,
        pair.c.prompt,
    )
    .join(pair, assignment.c.pair == pair.c.id)
    .where(assignment.c.id.in_(_IDS))
)
_TEXTS = select(text.c.id, text.c.body, text.c.language, text.c.origin).where(
    text.c.id.in_(_IDS), text.c.state == "shown"
)
