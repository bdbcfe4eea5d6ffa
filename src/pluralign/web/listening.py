"""Sockets that a server listens on, and a stop that is not a failure."""

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from pluralign.core import InvalidInput


def bound(host: str, port: int) -> socket.socket:
    """A socket bound to an address; clients can connect once a process listens on it.

    Args:
        host: Name or address.
        port: Port; 0 takes a free one.

    Raises:
        InvalidInput: If the address is not available.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family)
    if os.name == "posix":  # on Windows it would let two servers share the port
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.set_inheritable(True)
    try:
        found.bind((host.strip("[]"), port))
    except OSError as error:
        found.close()
        raise InvalidInput(
            f"cannot listen on {host}, port {port}: {error.strerror}",
            where="--host, --port",
            hint="name another port, or 0 for a free one",
        ) from error
    return found


def address(host: str, port: int) -> str:
    """The URL of a host and a port.

    >>> address("::1", 8000)
    'http://[::1]:8000'
    """
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Stoppable(Protocol):
    """A server of uvicorn, which looks at ``should_exit`` from its start on."""

    should_exit: bool


@contextmanager
def stopped_by_signals(server: Stoppable) -> Iterator[None]:
    """Let SIGTERM and SIGINT stop a server, also before uvicorn has handlers of its own.

    Uvicorn raises the signal again after shutdown; that has no effect here: a stop is not a
    failure.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop_server(*_: object) -> None:
        server.should_exit = True

    before = {stop: signal.signal(stop, stop_server) for stop in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for stop, handler in before.items():
            signal.signal(stop, handler)
