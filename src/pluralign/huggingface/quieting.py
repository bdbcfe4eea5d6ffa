"""Hugging Face's libraries without their progress bars and notes."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Suppress Transformers' progress bars, load reports and future warnings."""
    import warnings

    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings(
                "ignore", category=FutureWarning, module="(transformers|trl|peft)"
            )
            yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
