"""A key in settings or in the environment is never stored or shown, also if a server fails."""

import json
import logging
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tests.respondents.servers import Behaviour, completion, serving
from typer.testing import CliRunner

from pluralign.cli.main import app
from pluralign.core import Message, Sampling
from pluralign.respondents.endpoint import EndpointChatModel, EndpointSettings

pytest.importorskip("openai")
Place = Callable[[str, str], tuple[str, list[str], dict[str, str]]]


def in_user(url: str, key: str) -> tuple[str, list[str], dict[str, str]]:
    return url.replace("://", f"://ann:{quote(key, safe='')}@"), [], {}


def in_user_alone(url: str, key: str) -> tuple[str, list[str], dict[str, str]]:
    return url.replace("://", f"://{quote(key, safe='')}@"), [], {}


def in_query(url: str, key: str) -> tuple[str, list[str], dict[str, str]]:
    return f"{url}?api-version=1&api_key={quote(key, safe='')}", [], {}


def in_body(url: str, key: str) -> tuple[str, list[str], dict[str, str]]:
    return url, ["--set", f"model.extra_body.api_key={json.dumps(key)}"], {}


def in_headers_of_body(url: str, key: str) -> tuple[str, list[str], dict[str, str]]:
    return url, ["--set", f"model.extra_body.headers.X-Any={json.dumps(key)}"], {}


def in_environment(url: str, key: str) -> tuple[str, list[str], dict[str, str]]:
    return url, [], {"OPENAI_API_KEY": key}


PLACES: list[Place] = [
    in_user,
    in_user_alone,
    in_query,
    in_body,
    in_headers_of_body,
    in_environment,
]


def echo(status: int, key: str) -> Callable[[dict[str, Any]], tuple[int, bytes]]:
    """A server that repeats the key in whatever it says."""
    words = f"wrong key {key} ({quote(key, safe='')}) in Authorization: Bearer {key}"
    error = json.dumps({"error": {"message": words, "param": key}}).encode()
    return lambda body: (
        (200, completion({"content": rf"\boxed{{1}} {words}"}))
        if status == 200
        else (status, error)
    )


@pytest.mark.parametrize("status", [200, 400, 401, 404, 500])
@pytest.mark.parametrize("place", PLACES)
def test_a_key_is_in_no_file_and_on_no_screen(
    tmp_path: Path, place: Place, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    key = f"key+/{secrets.token_hex(12)}"
    with serving(Behaviour(say=echo(status, key))) as url:
        address, more, environment = place(url, key)
        words = [
            "survey",
            "run",
            "--survey",
            "society_survey",
            "--base-url",
            address,
            "--model",
            "m",
            *more,
        ]
        words += ["--set", "limit=4", "--set", "model.retries=0"]
        environment = {
            "OPENAI_API_KEY": "",
            "PLURALIGN_CACHE": str(tmp_path / "cache"),
        } | environment
        explained = CliRunner().invoke(app, [*words, "--explain"], env=environment)
        ran = CliRunner().invoke(app, [*words, "--out", str(tmp_path / "run")], env=environment)

    assert explained.exit_code == 0
    assert ran.exit_code == (0 if status == 200 else 2), ran.output
    files = [path.read_text(encoding="utf-8") for path in tmp_path.rglob("*") if path.is_file()]
    shown = [explained.output, explained.stderr, ran.output, ran.stderr, caplog.text, *files]
    for form in (key, quote(key, safe=""), key.rpartition("/")[2]):
        assert [text for text in shown if form in text] == []


def test_another_key_is_not_another_run(tmp_path: Path) -> None:
    behaviour = Behaviour(say=lambda body: (200, completion({"content": "1"})))
    with serving(behaviour) as url:
        for key in ("first-key", "second-key"):
            address, more, _ = in_user(url, key)[0], in_body(url, key)[1], {}
            words = [
                "survey",
                "run",
                "--survey",
                "society_survey",
                "--base-url",
                address,
                "--model",
                "m",
                *more,
            ]
            found = CliRunner().invoke(
                app, [*words, "--set", "limit=2", "--out", str(tmp_path / "run")]
            )
            assert found.exit_code == 0, found.output
    rows = (tmp_path / "run/recorded.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(rows) == len(behaviour.bodies)


def test_the_key_is_sent_all_the_same() -> None:
    behaviour = Behaviour()
    with serving(behaviour) as url:
        settings = EndpointSettings(
            "m", f"{url}?api_key=in-query", extra_body={"api_key": "in-body"}
        )
        EndpointChatModel(settings).complete([(Message("user", "hello"),)], Sampling())

    assert behaviour.bodies[0]["api_key"] == "in-body"
    assert behaviour.paths == ["/v1/chat/completions?api_key=in-query"]


@pytest.mark.parametrize(
    "setting",
    [
        "model.api_key_env=sk-secret-key-1",
        'model.extra_body="sk-secret-key-1"',
        "model.base_url=[1, 'sk-secret-key-1']",
    ],
)
def test_a_key_in_the_wrong_setting_is_refused_without_showing_it(setting: str) -> None:
    words = [
        "survey",
        "run",
        "--survey",
        "society_survey",
        "--base-url",
        "http://127.0.0.1:9",
        "--model",
        "m",
    ]
    found = CliRunner().invoke(app, [*words, "--set", setting])

    assert found.exit_code == 2
    assert "secret-key" not in found.output + found.stderr


@pytest.mark.parametrize("command", ["survey run", "pluralise"])
def test_explained_settings_contain_no_key(command: str) -> None:
    words = [*command.split(), "--survey", "society_survey", "--model", "m", "--explain", "--json"]
    words += [
        "--set",
        "model.kind=endpoint",
        "--set",
        "model.base_url=https://my-secret@host/v1?key=my-secret",
    ]
    words += [
        "--set",
        "model.extra_body.nested.accessToken=my-secret",
        "--set",
        "model.extra_body.top_k=5",
    ]
    found = CliRunner().invoke(app, words)

    assert found.exit_code == 0
    assert "my-secret" not in found.output
    assert "https://***@host/v1?key=***" in found.output
    assert "top_k" in found.output
