"""Errors between an encoder and its servers."""

from pluralign.core import DamagedFile, InvalidInput, PluralignError


class EndpointFailed(PluralignError, ConnectionError):
    """No server of embeddings answers, or one gives an answer that cannot be used."""


class OtherModel(DamagedFile):
    """A server's vectors are not those of the model that the other vectors are of."""


class TextRefused(InvalidInput):
    """A server refuses a text."""


class RequestRefused(Exception):
    """A server refuses a request: its texts are sent in smaller requests, down to single ones.

    Attributes:
        too_much: Whether the request was too large.
    """

    def __init__(self, why: str, too_much: bool = False) -> None:
        super().__init__(why)
        self.too_much = too_much


class NotNow(Exception):
    """A server is busy or away, or fails at a request: it may succeed later.

    Attributes:
        retry_after: The header ``Retry-After``.
        texts_fault: Whether the texts of the request may be the cause.
    """

    def __init__(self, why: str, retry_after: str | None = None, texts_fault: bool = False) -> None:
        super().__init__(why)
        self.retry_after = retry_after
        self.texts_fault = texts_fault
