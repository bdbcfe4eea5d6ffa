"""Linear algebra on one thread: steady on a busy machine, the same bits for any number of cores."""

from contextlib import AbstractContextManager
from functools import cache
from typing import Any


def one_blas_thread() -> AbstractContextManager[object]:
    """Run matrix products on one thread while it is entered, as around work with threads."""
    limit: AbstractContextManager[object] = _threads().limit(limits=1, user_api="blas")
    return limit


@cache
def _threads() -> Any:
    from threadpoolctl import ThreadpoolController  # its import sets an environment variable

    return ThreadpoolController()
