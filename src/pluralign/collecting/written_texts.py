"""Texts that people write: checked, cleaned and added to the store."""

import hashlib
import re
import unicodedata
from dataclasses import dataclass

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
    connection.execute(
        insert(text).values(
            id=id_,
            digest=new.digest,
            author=new.author,
            origin=new.origin,
            licence=new.licence,
            community=new.community,
            language=new.language,
            kind=new.kind,
            parent=new.parent,
            body=new.body,
            state=new.state,
            made_at=now,
        )
    )
    if new.kind == "response":
        _add_pairs(connection, id_, new, now)
    return id_


def _add_pairs(connection: Connection, id_: str, new: NewText, now: int) -> None:
    """Add the pairs of a response with every other response to its prompt."""
    others = connection.execute(
        select(text.c.id, text.c.community).where(
            text.c.parent == new.parent, text.c.kind == "response", text.c.id != id_
        )
    ).all()
    for other in others:
        if new.community is not None and other.community not in (None, new.community):
            continue
        connection.execute(
            insert(pair).values(
                id=pair_id(str(new.parent), id_, other.id),
                prompt=new.parent,
                first=min(id_, other.id),
                second=max(id_, other.id),
                community=new.community or other.community,
                anchor=False,
                made_at=now,
            )
        )


def pair_id(prompt: str, one: str, other: str) -> str:
    """Id of a pair: the same for both orders of the responses."""
    return hashlib.sha256("\0".join([prompt, *sorted([one, other])]).encode()).hexdigest()
