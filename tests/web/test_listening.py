"""Signals stop a server at any moment."""

import signal
import sys

import pytest

from pluralign.web.listening import stopped_by_signals


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
