"""Linear algebra on one thread: steady on a busy machine, and the same to the last bit however many cores there are."""

from contextlib import AbstractContextManager
from functools import cache
from typing import Any


def one_blas_thread() -> AbstractContextManager[object]:
    """While it is entered, matrix products run on one thread; enter it around work that has threads of its own."""
    limit: AbstractContextManager[object] = _threads().limit(limits=1, user_api="blas")
    return limit


@cache
def _threads() -> Any:
    from threadpoolctl import ThreadpoolController  # its import sets an environment variable

    return ThreadpoolController()
