"""Pairs that may be shown, as the store has them: all three texts are shown to one community."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from pluralign.collecting.store.tables import pair, text


@dataclass(frozen=True, slots=True)
class PairRow:
    """A pair whose texts are all shown.

    Attributes:
        id: Its id.
        prompt: Id of the prompt.
        first: Id of one response.
        second: Id of the other response.
        community: Community whose people may see it; None for all.
        language: Primary language of its texts, such as ``es``; several joined by ``+``.
        authors: People who wrote one of its texts.
        anchor: Whether it is an anchor.
        made_at: Time of its newest text, seconds since 1970.
    """

    id: str
    prompt: str
    first: str
    second: str
    community: str | None
    language: str
    authors: frozenset[str]
    anchor: bool
    made_at: int


def pairs_shown(connection: Connection) -> list[PairRow]:
    """All pairs that may be shown to somebody, by id."""
    columns = (text.c.id, text.c.community, text.c.language, text.c.author)
    shown = connection.execute(select(*columns).where(text.c.state == "shown"))
    texts = {row.id: row for row in shown}
    rows = []
    for found in connection.execute(select(pair).order_by(pair.c.id)):
        parts = [texts.get(id_) for id_ in (found.prompt, found.first, found.second)]
        if None in parts:
            continue
        communities = {part.community for part in parts if part is not None} - {None}
        if len(communities) > 1:
            continue
        rows.append(
            PairRow(
                id=found.id,
                prompt=found.prompt,
                first=found.first,
                second=found.second,
                community=next(iter(communities), None),
                language="+".join(sorted({primary(p.language) for p in parts if p is not None})),
                authors=frozenset(p.author for p in parts if p is not None and p.author),
                anchor=found.anchor,
                made_at=found.made_at,
            )
        )
    return rows


def readable(rows: Sequence[PairRow], community: str) -> list[PairRow]:
    """Pairs that people of a community may see, in any language."""
    return [row for row in rows if row.community in (None, community)]


def primary(language: str) -> str:
    """Primary subtag of a BCP 47 tag.

    >>> primary("es-MX")
    'es'
    """
    return language.partition("-")[0].lower()
