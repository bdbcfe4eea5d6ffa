"""Workers that are actors of a Ray cluster."""

import logging
import os
import platform
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from pluralign._version import __version__
from pluralign.core import InvalidInput, MissingExtra
from pluralign.scaling.carried import CallOutcome, WorkerLost, WorkerNotReady, call_here
from pluralign.scaling.workers import CALL_SECONDS, WorkerPool

_START_SECONDS = 300.0
_CONNECT_SECONDS = 10.0
_RESTARTS, _RETRIES = 3, 1
"""How often Ray starts an actor again, and repeats a call; the pool then takes a new actor."""


@contextmanager
def ray_pool(
    address: str | None = None, seconds: float = CALL_SECONDS, start_seconds: float = _START_SECONDS
) -> Iterator[WorkerPool]:
    """A pool of actors on a Ray cluster, one for each CPU but one, or one for each GPU.

    A node may be lost: Ray starts its actors again elsewhere, and repeats their calls. Where the
    program is connected to Ray already, that connection is used, and stays.

    Args:
        address: ``ray://HOST:PORT`` of a cluster's client server, or ``HOST:PORT`` from a machine
            of the cluster; None: the cluster in the environment variable ``RAY_ADDRESS``, or else
            a new one on this machine.
        seconds: How long a call may take.
        start_seconds: How long the start of an actor may take.

    Raises:
        MissingExtra: If ray is not installed.
        InvalidInput: If the cluster cannot be reached.
        WorkerNotReady: If it has no CPUs.
    """
    if find_spec("ray") is None:
        raise MissingExtra.named("ray", "ray")
    with _connected(address):
        import ray

        resources = ray.cluster_resources()  # type: ignore[no-untyped-call]
        gpus = int(resources.get("GPU", 0))
        size = actors_on(int(resources.get("CPU", 0)), gpus)
        actor = ray.remote(
            num_cpus=1,
            num_gpus=1 if gpus else 0,
            max_restarts=_RESTARTS,
            max_task_retries=_RETRIES,
        )(_Actor)
        with WorkerPool(
            lambda: RayActor(actor, seconds, start_seconds), size, share=ray.put
        ) as pool:
            yield pool


def actors_on(cpus: int, gpus: int = 0) -> int:
    """Number of actors for a cluster.

    One CPU is left for Ray's own tasks: pools as large as the CPUs have been seen to hang (Ray's
    issue 44687).

    Raises:
        WorkerNotReady: If it has no CPUs.

    >>> actors_on(16), actors_on(1), actors_on(16, gpus=4)
    (15, 1, 4)
    """
    if cpus < 1:
        raise WorkerNotReady(
            "the Ray cluster has no CPUs", hint="add nodes to it; `ray status` lists them"
        )
    most = max(1, cpus - 1)
    return min(most, gpus) if gpus else most


class RayActor:
    """A worker that is an actor.

    Args:
        actor: Its class, with its resources.
        seconds: How long a call may take.
        start_seconds: How long its start may take.

    Raises:
        WorkerNotReady: If it cannot be started, or runs another version.
    """

    def __init__(self, actor: Any, seconds: float, start_seconds: float) -> None:
        self._seconds = seconds
        self._actor = actor.remote()
        try:
            _check_versions(self._get(self._actor.versions.remote(), start_seconds))
        except WorkerLost as error:
            raise WorkerNotReady(
                f"a worker of the Ray cluster did not start: {error.what}",
                hint="install the same version of pluralign on every node; `ray status` shows "
                "whether there are free CPUs",
            ) from error

    def call(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> CallOutcome:
        """Make a call in the actor; Ray reads the values of references first."""
        found: CallOutcome = self._get(self._actor.call.remote(function, *arguments), self._seconds)
        return found

    def close(self) -> None:
        """End the actor."""
        import ray

        ray.kill(self._actor)

    def _get(self, reference: Any, seconds: float) -> Any:
        import ray
        from ray.exceptions import GetTimeoutError, RayError

        try:
            return ray.get(reference, timeout=seconds)
        except GetTimeoutError as error:
            self.close()
            raise WorkerLost(f"no answer in {seconds:g} seconds") from error
        except RayError as error:
            self.close()
            raise WorkerLost(_first_line(error)) from error


class _Actor:
    """The class of the actors."""

    def versions(self) -> tuple[str, str]:
        return _versions()

    def call(self, function: Callable[..., Any], *arguments: Any) -> CallOutcome:
        return call_here(function, arguments)


def _versions() -> tuple[str, str]:
    return __version__, ".".join(platform.python_version_tuple()[:2])


def _check_versions(found: tuple[str, str]) -> None:
    if found != _versions():
        here = _versions()
        raise WorkerNotReady(
            f"the cluster has pluralign {found[0]} on Python {found[1]}, "
            f"this machine {here[0]} on Python {here[1]}",
            hint="install the same versions on every node",
        )


@contextmanager
def _connected(address: str | None) -> Iterator[None]:
    """Connect to a cluster, or start one; a connection that is there already stays."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray

    if ray.is_initialized():
        yield
        return
    address = address or os.environ.get("RAY_ADDRESS")
    if address:
        _check_reachable(address)
    settings: dict[str, Any] = {"address": address} if address else {"include_dashboard": False}
    try:
        ray.init(log_to_driver=False, logging_level=logging.ERROR, **settings)
    except (ray.exceptions.RayError, ConnectionError, RuntimeError, ValueError, OSError) as error:
        raise InvalidInput(
            f"cannot connect to the Ray cluster: {_first_and_last_line(error)}",
            where=f"--on {address or 'ray'}",
            hint="`ray status` on its head node shows whether it runs",
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


def _check_reachable(address: str) -> None:
    """Refuse an address where nothing listens, which Ray itself notices after minutes.

    Raises:
        InvalidInput: If it cannot be reached.
    """
    if address in {"auto", "local"}:
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not port.isdecimal():
        raise InvalidInput(
            f"{address} has no port",
            where="--on",
            hint="write ray://HOST:PORT, with port 10001 where none was set for the head node",
        )
    try:
        socket.create_connection((host, int(port)), timeout=_CONNECT_SECONDS).close()
    except (OSError, ValueError, OverflowError) as error:
        raise InvalidInput(
            f"no Ray cluster can be reached at {address}: {error}",
            where="--on",
            hint="the address is ray://HOST:PORT of the head node, with port 10001 where none was "
            "set; its client server needs pip install 'ray[client]' there",
        ) from error


def _first_and_last_line(error: Exception) -> str:
    """The head of a message of Ray, and its end: the error of the server below its traceback."""
    last = str(error).strip().splitlines()[-1:]
    return " ".join(dict.fromkeys([_first_line(error), *(line.strip() for line in last)]))


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).strip().splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
