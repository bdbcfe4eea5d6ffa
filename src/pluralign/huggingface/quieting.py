"""Hugging Face's libraries without their progress bars and notes."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

_BARS = "TQDM_DISABLE"
"""TRL's trainers read it each time they show a bar."""


@contextmanager
def quiet() -> Iterator[None]:
    """Suppress progress bars, load reports and future warnings."""
    import warnings

    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings(), _no_bars():
            warnings.filterwarnings(
                "ignore", category=FutureWarning, module="(transformers|trl|peft)"
            )
            yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


@contextmanager
def _no_bars() -> Iterator[None]:
    """No progress bars of TRL, nor of Datasets where it is imported."""
    before = os.environ.get(_BARS)
    os.environ[_BARS] = "1"
    with ExitStack() as later:
        datasets = sys.modules.get("datasets")
        if datasets is not None and not datasets.are_progress_bars_disabled():
            datasets.disable_progress_bars()
            later.callback(datasets.enable_progress_bars)
        try:
            yield
        finally:
            if before is None:
                del os.environ[_BARS]
            else:
                os.environ[_BARS] = before
