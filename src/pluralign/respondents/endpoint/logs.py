"""What the libraries under an endpoint log, without secrets: they log addresses and requests as they are sent."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_LOGGERS = (
    "openai", "openai._base_client", "openai._legacy_response", "openai._response",
    *(f"{package}{part}" for package in ("httpx", "httpx2") for part in ("", "._client")),
    *(f"{package}.{part}" for package in ("httpcore", "httpcore2") for part in ("connection", "http11", "http2")),
)  # fmt: skip


@contextmanager
def masked_logs(removed: Callable[[str], str]) -> Iterator[None]:
    """While it is entered, what these libraries log passes through a function.

    Args:
        removed: Takes a line and gives it without secrets.
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
