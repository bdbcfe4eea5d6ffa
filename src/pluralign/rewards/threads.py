"""Linear algebra on one thread: steady on a busy machine, the same bits for any number of cores."""

from contextlib import AbstractContextManager
from functools import cache
from typing import Any

import numpy as np
import scipy


def one_blas_thread() -> AbstractContextManager[object]:
    """Run matrix products on one thread while it is entered, as around work with threads."""
    limit: AbstractContextManager[object] = _threads().limit(limits=1, user_api="blas")
    return limit


@cache
def arithmetic() -> str:
    """The code that computes here: where two processes have the same, equal sums have equal bits.

    The matrix library chooses its code by the processor, so a cluster of several kinds of
    processors differs in the last bits.
    """
    kernels = {f"{i['internal_api']} {i.get('architecture')}" for i in _blas()}
    found = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    parts = [f"numpy {np.__version__}", f"scipy {scipy.__version__}", *sorted(kernels), *found]
    return ", ".join(parts)


def _blas() -> list[dict[str, Any]]:
    return [library for library in _threads().info() if library["user_api"] == "blas"]


@cache
def _threads() -> Any:
    from threadpoolctl import ThreadpoolController  # its import sets an environment variable

    return ThreadpoolController()
