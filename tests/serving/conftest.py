"""A small saved model, and servers of it on this machine's own address.

* ``model_folder``: the model's folder, next to the two other repeats of its run, so that its
  rewards have intervals.
* ``serving``: ``serving(tokens=("a token",))`` starts a server with these settings and returns its
  address.
* ``alone_folder``: a copy of the model without its run, so that its rewards have no intervals.
* ``asking``: ``asking(tokens=("a token",))`` is a client of such a server in this process, without
  a socket; ``client`` is a client of a server with the default settings.
* ``model``: the model itself, to ask it directly.
* ``pairs``: two responses to each of some prompts of its society.
* ``planted``: ``planted({"~lake": {"yes": 1.0, "no": 0.0}})`` is a model with exactly these
  rewards, to be served as ``opened``.
"""

import dataclasses
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from pluralign.core import (
    WORLD,
    FloatArray,
    PreferencePair,
    RewardRequest,
    Steer,
    SteerableRewardModel,
)
from pluralign.experiments import run_experiment
from pluralign.models import open_model
from pluralign.runs import Refits
from pluralign.serving import ServeSettings
from pluralign.serving.app import create_app
from pluralign.serving.protocol import PatientProtocol
from pluralign.serving.scoring import ScoreRequest
from pluralign.serving.server import LoadedModels
from pluralign.serving.service import Opened, open_to_serve
from pluralign.settings import resolve
from pluralign.simulation import SocietySource

Serving = Callable[..., str]
Asking = Callable[..., TestClient]
Planting = Callable[..., Opened]
_SECONDS = 60.0
_RUN = {
    "name": "served",
    "seed": 0,
    "repeats": 3,
    "min_pairs": 1,
    "min_raters": 2,
    "methods": ["reference", "adaptive"],
    "pairs": {"source": "society", "each": 200, "thin": 20, "world": 300},
    "reference": {"fit_on": ["~world"], "ridge": 1.0},
    "trunk": {"encoder": "hash"},
    "fit": {"ridge": 1.0},
    "intervals": {"draws": 100},
}


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Path:
    """Folder of a model steered to the society's five communities; ``~isle`` has few people."""
    folder = tmp_path_factory.mktemp("served")
    run_experiment(resolve(_RUN, base=folder, where="served.toml"), folder / "run", cache=cache)
    return folder / "run" / "models" / "seed-0" / "adaptive"


@pytest.fixture(scope="session")
def alone_folder(tmp_path_factory: pytest.TempPathFactory, model_folder: Path) -> Path:
    """Folder of the same model away from its run: there is nothing for intervals to stand on."""
    return shutil.copytree(model_folder, tmp_path_factory.mktemp("alone") / "adaptive")


@pytest.fixture(scope="module")
def serving(model_folder: Path) -> Iterator[Serving]:
    """``serving(**settings)`` starts a server and returns its address, ``http://127.0.0.1:40123``.

    Settings are fields of ``ServeSettings``, or ``opened`` for a model that is loaded already;
    ``model`` is ``model_folder`` and ``name`` is ``served`` unless given. The model is loaded and
    answers when the address is returned. All servers are stopped after the module's last test.
    """
    with ExitStack() as servers:
        yield lambda **settings: servers.enter_context(
            _server({"model": model_folder, "name": "served"} | settings)
        )


@contextmanager
def _server(settings: dict[str, Any]) -> Iterator[str]:
    """A server in a thread of its own, on a free port; every wait ends."""
    config = uvicorn.Config(
        _app(settings),
        http=PatientProtocol,
        ws="none",
        lifespan="on",
        access_log=False,
        server_header=False,
        log_config=None,
        timeout_graceful_shutdown=5,
    )
    server = uvicorn.Server(config)
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, args=([bound],), daemon=True)
        thread.start()
        try:
            _wait_until(lambda: server.started or not thread.is_alive())
            assert server.started, "the server did not start: its log says why"
            yield f"http://127.0.0.1:{bound.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(_SECONDS)
            assert not thread.is_alive(), "the server did not stop"


@pytest.fixture(scope="module")
def asking(model_folder: Path) -> Iterator[Asking]:
    """``asking(**settings)`` is a client of a server in this process, set like ``serving``."""
    with ExitStack() as clients:

        def ask(**settings: Any) -> TestClient:
            app = _app({"model": model_folder, "name": "served"} | settings)
            headers = {"Content-Type": "application/json"}
            return clients.enter_context(
                TestClient(app, "http://127.0.0.1", raise_server_exceptions=False, headers=headers)
            )

        yield ask


@pytest.fixture(scope="module")
def client(asking: Asking) -> TestClient:
    """A client of an application in this process."""
    return asking()


@pytest.fixture(scope="session")
def model(model_folder: Path, cache: Path) -> SteerableRewardModel:
    """The model that is served."""
    return open_model(model_folder, cache)


@pytest.fixture(scope="session")
def pairs() -> list[PreferencePair]:
    """Two responses to each of some prompts."""
    return list(SocietySource(each=5, thin=2, world=8).pairs())


@pytest.fixture(scope="session")
def planted() -> Planting:
    """``planted(rewards)`` is a model that gives responses the rewards listed for each community.

    A list of rewards is one for each fit; the reference's (``~world``) are 0 where not given.
    """

    def plant(
        rewards: Mapping[str, Mapping[str, float | Sequence[float]]],
        fits: int = 1,
        card: Mapping[str, Any] | None = None,
        languages: tuple[str, ...] | None = None,
    ) -> Opened:
        communities = tuple(id_ for id_ in rewards if id_ != WORLD.id)
        repeats: Any = Refits((None,) * fits, held_out=0.2, about="planted")  # type: ignore[arg-type]
        scorer = _PlantedScorer(rewards, fits)
        return Opened(
            card or {"communities": communities}, communities, repeats, scorer, languages, None
        )

    return plant


@dataclasses.dataclass
class _PlantedScorer:
    rewards: Mapping[str, Mapping[str, float | Sequence[float]]]
    fits: int

    def score(self, wanted: Sequence[ScoreRequest]) -> list[FloatArray]:
        return [
            np.array([[self._under(r, s) for s in one.steers] for r in one.requests]).transpose(
                2, 0, 1
            )[: None if one.repeated else 1]
            for one in wanted
        ]

    def _under(self, request: RewardRequest, steer: Steer | None) -> FloatArray:
        reference = self._of(WORLD.id, request)
        if steer is None:
            return reference
        shares = steer.shares.items()
        return reference + steer.strength * sum(
            s * (self._of(id_, request) - reference) for id_, s in shares
        )

    def _of(self, id_: str, request: RewardRequest) -> FloatArray:
        return np.zeros(self.fits) + self.rewards.get(id_, {}).get(request.response, 0.0)


def _app(settings: dict[str, Any]) -> ASGIApp:
    opened, policies = settings.pop("opened", None), settings.pop("policies_opened", None)
    made = ServeSettings(**settings)
    if opened is None and policies is None:
        return create_app(made)
    rewards = open_to_serve(made) if opened is None else opened
    return create_app(made, LoadedModels(rewards, policies))


def _wait_until(done: Callable[[], bool]) -> None:
    until = time.monotonic() + _SECONDS
    while not done():
        assert time.monotonic() < until, f"waited for {_SECONDS:g} s"
        time.sleep(0.01)
