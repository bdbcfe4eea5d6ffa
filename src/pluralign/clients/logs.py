"""Mask secrets in the logs of HTTP libraries, which contain addresses and requests as sent."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_LOGGERS = (
    "openai", "openai._base_client", "openai._legacy_response", "openai._response",
    *(f"{package}{part}" for package in ("httpx", "httpx2") for part in ("", "._client")),
    *(f"httpcore.{part}" for part in ("connection", "http11", "http2")),
    *(f"httpcore2.{part}" for part in ("connection", "http11", "http2")),
)  # fmt: skip


@contextmanager
def masked_logs(removed: Callable[[str], str]) -> Iterator[None]:
    """Pass the logs of these libraries through a function, within a ``with`` block.

    Args:
        removed: Returns a line without secrets.
    """

    def mask(record: logging.LogRecord) -> bool:
        record.msg, record.args = removed(record.getMessage()), None
        return True

    loggers = [logging.getLogger(name) for name in _LOGGERS]
    for logger in loggers:
        logger.addFilter(mask)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(mask)
