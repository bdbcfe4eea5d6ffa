"""Texts that people write: checked, cleaned and added to the store."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, insert, select

from pluralign.collecting.refusals import NotAccepted
from pluralign.collecting.secret_digests import new_id
from pluralign.collecting.store.tables import pair, text

_NOT_SHOWN = "The text contains characters that cannot be shown. Please type it again."
_ALLOWED_CONTROLS = frozenset("\n\t")
_FLAG = re.compile("\U0001f3f4[\U000e0030-\U000e007a]{1,8}\U000e007f")
_TAG = re.compile("[\U000e0000-\U000e007f]")
"""Letters that nobody sees; in flags such as that of Wales they are a part of the picture."""
_BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Embeddings, overrides and isolates; the marks LRM and RLM, which keyboards write, are allowed."""


def clean_text(given: str, most: int) -> str:
    r"""A text as it is stored: composed (NFC), without surrounding spaces, one kind of line break.

    Args:
        given: The text as it was written. It stays plain text, which pages escape.
        most: Largest number of characters.

    Raises:
        NotAccepted: If it is empty, too long, or has control characters or marks that reverse the
            direction of other text.

    >>> clean_text("  Cafe\u0301 \r\n con leche ", 100)
    'Café\n con leche'
    """
    cleaned = unicodedata.normalize("NFC", given.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if not any(letter.isalnum() for letter in cleaned):
        raise NotAccepted("Please write something, or leave this page.")
    if len(cleaned) > most:
        raise NotAccepted(
            "At most {most} characters fit; the text has {length}. Please shorten it.",
            most=f"{most:,}",
            length=f"{len(cleaned):,}",
        )
    if _TAG.search(_FLAG.sub("", cleaned)):
        raise NotAccepted(_NOT_SHOWN)
    for letter in cleaned:
        if letter in _BIDI_CONTROLS:
            raise NotAccepted(
                "The text contains invisible marks that change its direction. Please type it again."
            )
        if letter not in _ALLOWED_CONTROLS and unicodedata.category(letter) in (
            "Cc",
            "Cs",
            "Co",
            "Cn",
        ):
            raise NotAccepted(_NOT_SHOWN)
    return "\n".join(line.rstrip() for line in cleaned.split("\n"))


@dataclass(frozen=True, slots=True)
class NewText:
    """A text to be added.

    Attributes:
        kind: ``prompt``, ``response`` or ``story``.
        body: The text, as `clean_text` returns it.
        language: BCP 47 tag.
        community: Community whose people see it; None for all.
        parent: Id of the prompt of a response or story; None for a prompt.
        author: Id of the participant; None for texts of the study and of models.
        origin: ``people``, ``study``, or a model with its settings.
        licence: Licence of the text (SPDX).
        state: ``waiting`` for a steward, ``shown`` or ``hidden``.
    """

    kind: str
    body: str
    language: str
    community: str | None
    parent: str | None
    author: str | None
    origin: str
    licence: str
    state: str

    @property
    def digest(self) -> str:
        """SHA-256 of the text, its kind and its prompt: equal for duplicates."""
        return hashlib.sha256(f"{self.kind}\0{self.parent or ''}\0{self.body}".encode()).hexdigest()


def add_text(connection: Connection, new: NewText, now: int) -> str:
    """Add a text, and the pairs that it makes possible; return its id.

    Raises:
        NotAccepted: If its community has the same text already.
    """
    same = select(text.c.id).where(
        text.c.digest == new.digest, text.c.community.is_not_distinct_from(new.community)
    )
    if connection.execute(same).first() is not None:
        raise NotAccepted("This text is here already. It was not added again.", status=409)
    id_ = new_id(now)
    connection.execute(insert(text), text_row(id_, new, now))
    if new.kind == "response":
        others = responses_to(connection, str(new.parent))
        pairs = pair_rows(id_, new, [one for one in others if one[0] != id_], now)
        if pairs:
            connection.execute(insert(pair), pairs)
    return id_


def text_row(id_: str, new: NewText, now: int) -> dict[str, Any]:
    """The row of a text in its table."""
    return {**asdict(new), "id": id_, "digest": new.digest, "made_at": now}


def responses_to(connection: Connection, prompt: str) -> list[tuple[str, str | None]]:
    """Id and community of each response to a prompt."""
    responses = select(text.c.id, text.c.community).where(
        text.c.parent == prompt, text.c.kind == "response"
    )
    return [(row.id, row.community) for row in connection.execute(responses)]


def pair_rows(
    id_: str, new: NewText, others: Iterable[tuple[str, str | None]], now: int
) -> list[dict[str, Any]]:
    """Rows of the pairs of a response with every other response to its prompt.

    Args:
        id_: Id of the response.
        new: The response.
        others: Id and community of the others.
        now: Seconds since 1970.
    """
    prompt = str(new.parent)
    return [
        {
            "id": pair_id(prompt, id_, other),
            "prompt": prompt,
            "first": min(id_, other),
            "second": max(id_, other),
            "community": new.community or community,
            "anchor": False,
            "made_at": now,
        }
        for other, community in others
        if new.community is None or community in (None, new.community)
    ]


def pair_id(prompt: str, one: str, other: str) -> str:
    """Id of a pair: the same for both orders of the responses."""
    return hashlib.sha256("\0".join([prompt, *sorted([one, other])]).encode()).hexdigest()
