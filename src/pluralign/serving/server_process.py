"""Run a server, as one process or several behind one port, until it is stopped."""

import logging
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from pluralign.aligning import read_align_settings
from pluralign.core import InvalidInput, PluralignError
from pluralign.rewards import load_card
from pluralign.serving.metrics import SHARED_FOLDER
from pluralign.serving.server_settings import ServeSettings, check_tokens
from pluralign.web.listening import address, bound, stopped_by_signals

SETTINGS = "PLURALIGN_SERVE"
"""Environment variable that passes the settings to the processes of a server."""
_BACKLOG = 2048
_log = logging.getLogger("pluralign.serving")


def serve(settings: ServeSettings, listening: Callable[[str], None] | None = None) -> None:
    """Serve a model until SIGTERM or SIGINT; then current requests are finished.

    Args:
        settings: Settings of the server.
        listening: Called with the address, before the model is loaded.

    Raises:
        InvalidSettings: If other machines could use the server without a token.
        InvalidInput: If the folder has no model, the address is not available, or the server
            cannot start.
        DamagedFile: If a file of the model is truncated or altered.
    """
    check_tokens(settings)
    if settings.model is not None:
        load_card(settings.model)
    if settings.policies is not None:
        read_align_settings(settings.policies)
    with ExitStack() as open_things:
        sockets = [bound(settings.host, settings.port)]
        open_things.callback(sockets[0].close)
        if listening is not None:
            listening(address(settings.host, sockets[0].getsockname()[1]))
        if settings.processes == 1:
            server = uvicorn.Server(_config(settings, _loaded(settings)))
            with stopped_by_signals(server):
                server.run(sockets)
            return
        folder = open_things.enter_context(tempfile.TemporaryDirectory(prefix="pluralign-"))
        open_things.enter_context(
            _environment({SHARED_FOLDER: folder, SETTINGS: settings.model_dump_json()})
        )
        processes = _Processes(_config(settings, f"{__name__}:from_environment"), sockets)
        processes.run()
        if any(process.exitcode == STARTUP_FAILURE for process in processes.processes):
            raise InvalidInput(
                "the server cannot start",
                where=str(settings.model or settings.policies),
                hint="see the log above for the reason",
            )


class _Processes(Multiprocess):
    """Notices a dead process at once, because the parent closes its own copy of the pipe's end."""

    def keep_subprocess_alive(self) -> None:
        """Restart dead processes."""
        for process in self.processes:
            process.child_conn.close()
        super().keep_subprocess_alive()


def from_environment() -> ASGIApp:
    """The application with the settings of the environment, for each of several processes."""
    settings = ServeSettings.model_validate_json(os.environ[SETTINGS])
    try:
        return _loaded(settings)
    except PluralignError as error:
        _log.error("%s", error)
    except Exception:
        _log.exception("the model cannot be loaded")
    os._exit(
        STARTUP_FAILURE
    )  # exit at once: a process that is shutting down would look alive to its supervisor


def _loaded(settings: ServeSettings) -> ASGIApp:
    """The application with its model loaded."""
    from pluralign.serving.app import create_app
    from pluralign.serving.server import load

    return create_app(settings, load(settings))


def _config(settings: ServeSettings, app: ASGIApp | str) -> uvicorn.Config:
    from pluralign.serving.protocol import PatientProtocol

    return uvicorn.Config(
        app,
        factory=isinstance(app, str),
        http=PatientProtocol,
        ws="none",
        lifespan="on",
        workers=settings.processes,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        log_config=_logging(),
        backlog=_BACKLOG,
        timeout_keep_alive=max(1, int(settings.seconds)),
        timeout_graceful_shutdown=settings.seconds_to_drain,
        timeout_worker_healthcheck=60,
    )


@contextmanager
def _environment(added: dict[str, str]) -> Iterator[None]:
    """Set environment variables within a ``with`` block."""
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


def _logging() -> dict[str, Any]:
    line = {"format": "%(asctime)s %(levelname)s %(message)s"}
    handler = {"class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stderr"}
    own = {"handlers": ["lines"], "level": "INFO", "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": line},
        "handlers": {"lines": handler},
        "loggers": {"uvicorn": {**own, "level": "WARNING"}, "pluralign": own},
    }
