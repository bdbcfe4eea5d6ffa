"""Passages of documents, which models read when they write training data."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a document.

    Attributes:
        id: Unique in its source, such as ``festivals.html#2``.
        document: The document: a path in the folder, or an address.
        text: The words.
        license: Licence of the document, if known.
    """

    id: str
    document: str
    text: str
    license: str | None = None
