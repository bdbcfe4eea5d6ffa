"""Names of backends that give workers: processes of this machine, or a Ray cluster."""

from collections.abc import Iterator
from contextlib import contextmanager

from pluralign.core import InvalidInput
from pluralign.scaling.processes import process_pool
from pluralign.scaling.workers import WorkerPool

LOCAL = "local"
_HINT = (
    "local; processes:4 on this machine; ray, the cluster of RAY_ADDRESS or a new one on this "
    "machine; ray://HOST:PORT, the client server of a cluster; ray:HOST:PORT from inside a cluster"
)


@contextmanager
def workers_on(backend: str = LOCAL) -> Iterator[WorkerPool | None]:
    """The workers of a backend; they end with the block.

    Args:
        backend: ``local``, ``processes:N``, ``ray``, ``ray://HOST:PORT`` or ``ray:HOST:PORT``.

    Yields:
        The pool; None for ``local``, where this process does all the work.

    Raises:
        InvalidInput: If there is no such backend, or the cluster cannot be reached.
        MissingExtra: If ray is not installed.
        WorkerNotReady: If the cluster has no CPUs.

    >>> with workers_on("local") as workers:
    ...     print(workers)
    None
    """
    kind, _, rest = backend.partition(":")
    if backend == LOCAL:
        yield None
    elif kind == "processes" and rest.isdecimal() and int(rest) > 0:
        with process_pool(int(rest)) as pool:
            yield pool
    elif kind == "ray" and (rest or backend == "ray"):
        from pluralign.scaling.ray_workers import ray_pool

        with ray_pool((backend if rest.startswith("//") else rest) or None) as pool:
            yield pool
    else:
        raise InvalidInput(
            f"{backend!r:.80} is not a known backend", where="--on", hint=f"use {_HINT}"
        )
