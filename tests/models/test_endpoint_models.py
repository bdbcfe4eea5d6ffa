"""Runs and saved models whose encoder is on servers."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.encoders.embedding_servers import Served, running

import pluralign
from pluralign.clients import retries
from pluralign.core import InvalidSettings, RewardRequest
from pluralign.encoders import HashEncoder
from pluralign.encoders.endpoint import OtherModel
from pluralign.experiments import run_experiment
from pluralign.huggingface.trusting import TRUSTED
from pluralign.models import open_model
from pluralign.models.trunks import open_trunk
from pluralign.settings import explain, resolve
from pluralign.settings.experiment import EmbeddingTrunkSettings
from pluralign.simulation import SocietySource

SOCIETY = SocietySource(each=30, thin=10, world=30)
REQUESTS = [RewardRequest("What matters?", text) for text in ("My family.", "What I earn.")]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLURALIGN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(retries, "FIRST_PAUSE", 0.001)


@pytest.fixture
def served() -> Iterator[Served]:
    server = Served(model=HashEncoder().encode)
    with running(server):
        yield server


def fitted(trunk: dict[str, Any]) -> Any:
    return pluralign.fit(SOCIETY, "scpo", reference="~world", communities="~hill", trunk=trunk)


def on(served: Served, **more: Any) -> dict[str, Any]:
    return {"encoder": "endpoint", "endpoint": {"urls": [f"{served.url}/v1"], "model": "m"} | more}


def saved(served: Served, folder: Path, **more: Any) -> Path:
    pluralign.save_model(fitted(on(served, **more)), folder)
    return folder


def test_a_model_on_servers_scores_as_one_on_the_encoder_itself(served: Served) -> None:
    remote, local = fitted(on(served)), fitted({"encoder": "hash"})
    assert remote.score_all(REQUESTS) == pytest.approx(local.score_all(REQUESTS), abs=1e-5)


def test_a_saved_model_asks_its_servers_again_and_notices_another_model(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = saved(served, tmp_path / "model")
    assert open_model(folder).score(REQUESTS).shape == (2,)
    monkeypatch.setenv("PLURALIGN_CACHE", str(tmp_path / "another account"))
    monkeypatch.setenv(TRUSTED, f"{served.url}/v1")
    served.model = HashEncoder(seed=1).encode
    with pytest.raises(OtherModel, match="another vector"):
        open_model(folder)


def test_a_card_sends_no_text_and_no_key_to_servers_that_only_it_names(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "sesame-1234")
    folder = saved(served, tmp_path / "model", api_key_env="MY_KEY")
    assert "sesame" not in (folder / "card.json").read_text(encoding="utf-8")
    monkeypatch.setenv("PLURALIGN_CACHE", str(tmp_path / "another account"))
    asked = len(served.bodies)
    with pytest.raises(InvalidSettings, match=r"(?s)v1 MY_KEY.*--trust-encoder"):
        open_model(folder)
    with pytest.raises(InvalidSettings, match="--trust-encoder"):
        open_model(folder, trust_encoder=f"{served.url}/v1")  # trusted, but not with this key
    assert len(served.bodies) == asked
    assert open_model(folder, trust_encoder=f"{served.url}/v1 MY_KEY").score(REQUESTS).shape == (2,)


def test_workers_notice_that_servers_have_another_model_than_the_cache(
    served: Served, tmp_path: Path
) -> None:
    settings = EmbeddingTrunkSettings.model_validate(on(served))
    open_trunk(settings, tmp_path)
    served.model = HashEncoder(seed=1).encode
    with ThreadPoolExecutor(1) as pool:
        trunk = open_trunk(settings, tmp_path, workers=pool).trunk
        with pytest.raises(OtherModel, match="another vector"):
            trunk.features(REQUESTS)


def test_servers_may_change_before_a_run_is_resumed(served: Served, tmp_path: Path) -> None:
    def run(url: str) -> Any:
        settings = {
            "communities": ["~hill"],
            "reference": {"fit_on": ["~world"], "ridge": 1.0},
            "fit": {"ridge": 1.0},
            "methods": ["reference", "full"],
            "trunk": {"encoder": "endpoint", "endpoint": {"urls": [url], "model": "m", "tries": 1}},
        }
        return run_experiment(resolve(settings | {"pairs": SOCIETY}), tmp_path / "run")

    run(f"{served.url}/v1")
    before = (tmp_path / "run" / "results.jsonl").read_text(encoding="utf-8")
    asked = len(served.bodies)
    run("http://127.0.0.1:9/v1")
    assert (tmp_path / "run" / "results.jsonl").read_text(encoding="utf-8") == before
    assert len(served.bodies) == asked
    record = json.loads((tmp_path / "run" / "record.json").read_text(encoding="utf-8"))
    assert record["settings"]["trunk"]["endpoint"]["model"] == "m"


@pytest.mark.parametrize(
    ("trunk", "what"),
    [
        ({"encoder": "endpoint"}, "go together"),
        ({"endpoint": {"urls": ["http://a/v1"], "model": "m"}}, "go together"),
        ({"encoder": "endpoint", "endpoint": {"urls": [], "model": "m"}}, "at least one"),
        ({"encoder": "endpoint", "endpoint": {"urls": ["http://a:b@c"], "model": "m"}}, "secret"),
        (
            {
                "encoder": "endpoint",
                "endpoint": {"urls": ["http://a"], "model": "m", "api_key_env": "sk-1234567"},
            },
            "not the key itself",
        ),
        (
            {
                "encoder": "endpoint",
                "endpoint": {"urls": ["http://a"], "model": "m", "probe": [1.0]},
            },
            "16 numbers",
        ),
    ],
)
def test_settings_that_cannot_be_asked_are_refused(trunk: dict[str, Any], what: str) -> None:
    with pytest.raises(InvalidSettings, match=what) as error:
        resolve({"trunk": trunk, "pairs": SOCIETY})
    assert "a:b@" not in str(error.value)
    assert "sk-1234567" not in str(error.value)


def test_explain_lists_servers_only_where_there_are_some() -> None:
    plain = [line.key for line in explain(resolve({"pairs": SOCIETY}))]
    assert not any(key.startswith("trunk.endpoint") for key in plain)
    trunk = {"encoder": "endpoint", "endpoint": {"urls": ["http://a/v1"], "model": "m"}}
    listed = {line.key: line for line in explain(resolve({"pairs": SOCIETY, "trunk": trunk}))}
    assert "Addresses" in listed["trunk.endpoint.urls"].description
