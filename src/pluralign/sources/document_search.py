"""Searches in documents: BM25 over a folder's passages, and a server that answers queries."""

import logging
from collections.abc import Sequence
from typing import Any

from pluralign.core import InvalidInput, MissingExtra, Passage, text_digest
from pluralign.metrics.answer_variety import words_of


class PassageSearch:
    """BM25 over passages (Robertson and Zaragoza 2009), by the library bm25s.

    Args:
        passages: The passages.

    Raises:
        MissingExtra: If bm25s is not installed.
    """

    def __init__(self, passages: Sequence[Passage]) -> None:
        try:
            import bm25s
        except ImportError as error:
            raise MissingExtra.named("documents", "bm25s") from error
        logging.getLogger("bm25s").setLevel(logging.WARNING)  # it logs every step at DEBUG
        self._passages = list(passages)
        self._index = bm25s.BM25()
        self._index.index([words_of(p.text) for p in self._passages], show_progress=False)

    @property
    def fingerprint(self) -> str:
        """Digest of the passages."""
        return text_digest(
            "\x1e".join(f"{p.id}\x1f{p.text}\x1f{p.license}" for p in self._passages)
        )

    def search(self, query: str, k: int) -> list[Passage]:
        """The passages with the largest scores; passages without a word of the query are left out.

        Args:
            query: Any text.
            k: Most passages, >= 1.
        """
        words = words_of(query)
        if not words:
            return []
        most = min(k, len(self._passages))
        found = self._index.retrieve([words], k=most, show_progress=False)
        pairs = zip(found.documents[0].tolist(), found.scores[0].tolist(), strict=True)
        return [self._passages[i] for i, score in pairs if score > 0]


class SearchEndpoint:
    """A search server: ``POST {"query", "k"}`` to ``{"documents": [{"id", "text", ...}]}``.

    A document may also have ``document`` (its address; default: the id) and ``license``.

    Args:
        url: Address of the search.
        timeout_s: Seconds after which a query has failed, > 0.

    Raises:
        MissingExtra: If httpx is not installed.
    """

    def __init__(self, url: str, timeout_s: float = 30.0, license_name: str | None = None) -> None:
        try:
            import httpx
        except ImportError as error:
            raise MissingExtra.named("client", "httpx") from error
        self._url, self._license = url, license_name
        self._client = httpx.Client(timeout=timeout_s, follow_redirects=False)

    @property
    def fingerprint(self) -> str:
        """The address: a change of the server's documents cannot be known."""
        return self._url

    def search(self, query: str, k: int) -> list[Passage]:
        """Ask the server.

        Raises:
            InvalidInput: If the server cannot be reached, or its answer is of another form.
        """
        import httpx

        try:
            answer = self._client.post(self._url, json={"query": query, "k": k})
            answer.raise_for_status()
            rows = answer.json()["documents"]
            return [self._passage(row) for row in rows][:k]
        except httpx.HTTPError as error:
            raise InvalidInput(
                f"the search failed: {error}",
                where=self._url,
                hint="start the search server; what was found and written so far is kept",
            ) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InvalidInput(
                "the answer of the search has another form",
                where=self._url,
                hint='it must be {"documents": [{"id": "...", "text": "..."}]}',
            ) from error

    def _passage(self, row: dict[str, Any]) -> Passage:
        text = row["text"]
        if not isinstance(text, str):
            raise TypeError("text")
        name = str(row["id"])
        return Passage(name, row.get("document") or name, text, row.get("license") or self._license)
