"""Sockets that a server listens on; signals stop a server at any moment."""

import signal
import socket
import sys

import pytest

from pluralign.core import InvalidInput
from pluralign.web.listening import bound, stopped_by_signals


class _Server:
    should_exit = False


@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal")
@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_before_uvicorn_has_handlers_is_not_lost(stop):
    server, before = _Server(), signal.getsignal(stop)
    with stopped_by_signals(server):
        assert not server.should_exit
        signal.raise_signal(stop)
        assert server.should_exit
    assert signal.getsignal(stop) is before


def test_a_second_server_on_the_port_is_refused() -> None:
    with bound("127.0.0.1", 0) as first:
        first.listen()
        with pytest.raises(InvalidInput, match="cannot listen on"):
            bound("127.0.0.1", first.getsockname()[1])


def test_a_port_is_not_shared_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pluralign.web.listening.os.name", "nt")
    with bound("127.0.0.1", 0) as found:
        assert not found.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)
