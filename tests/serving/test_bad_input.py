"""The server answers any bad input with problem+json, discloses nothing else, and stays up."""

import base64
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

ITEM = {"prompt": "Tea?", "response": "Yes."}
ENDPOINTS = (
    "/v1/rewards",
    "/v1/rank",
    "/v1/compare",
    "/get_reward",
    "/classify",
    "/pooling",
    "/score",
    "/predict",
)
SECRET = "whatever Magdalena confided"
TOKEN, SECOND = "a-token-that-is-long", "another-long-token"


def refused(client: TestClient, path: str, status: int | set[int], **sent: Any) -> dict[str, Any]:
    answer = client.post(path, **sent)
    assert answer.status_code in ({status} if isinstance(status, int) else status), answer.text
    problem = is_problem(answer)
    assert client.post("/v1/rewards", json={"items": [ITEM]}).status_code == 200, (
        "the server is down"
    )
    return problem


def is_problem(answer: Any) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["title"]
    assert "Traceback" not in answer.text
    assert '.py"' not in answer.text
    return problem


# Bodies


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not JSON",
        b"{",
        b'{"items": [',
        b"\xff\xfe\x00",
        b'{"query": ["\xff"]}',
        b'"\xc3\x28"',
        b'{"query": ["\\ud800"], "input": "\\ud800", "inputs": "\\udfff"}',
        b"[" * 100_000,
        b'{"items": ' * 100_000,
        b'{"query": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
    ids=lambda content: repr(content[:20]),
)
def test_a_body_that_is_not_json_is_refused(client: TestClient, path: str, content: bytes) -> None:
    problem = refused(client, path, 400, content=content)
    assert problem["detail"].startswith("Invalid JSON")


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("body", [None, 7, "text", [], {}, [[]], True], ids=repr)
def test_json_of_another_shape_is_refused_with_its_place(
    client: TestClient, path: str, body: Any
) -> None:
    problem = refused(client, path, 422, content=json.dumps(body))
    assert all(error["where"].startswith("body") and error["what"] for error in problem["errors"])


@pytest.mark.parametrize(
    ("path", "body", "where"),
    [
        ("/v1/rewards", {"items": []}, "body.items"),
        ("/v1/rewards", {"items": [{}]}, "body.items.0.response"),
        ("/v1/rewards", {"items": [ITEM | {"respons": "x"}]}, "body.items.0.respons"),
        ("/v1/rewards", {"items": [{"prompt": 7, "response": "x"}]}, "body.items.0.prompt.str"),
        ("/v1/rewards", {"items": [ITEM], "community": "~coast"}, "body.community"),
        ("/v1/rewards", {"items": [ITEM], "communities": []}, "body.communities"),
        ("/v1/rewards", {"items": [ITEM], "communities": None}, "body.communities"),
        ("/v1/rewards", {"items": [ITEM], "communities": [7]}, "body.communities"),
        ("/v1/rewards", {"items": [ITEM], "blend": {}}, "body.blend"),
        ("/v1/rewards", {"items": [ITEM], "blend": {"~coast": "all"}}, "body.blend"),
        ("/v1/rewards", {"items": [ITEM], "strength": -0.1}, "body.strength"),
        ("/v1/rewards", {"items": [ITEM], "strength": 101}, "body.strength"),
        ("/v1/rewards", {"items": [ITEM], "strength": 10**400}, "body.strength"),
        ("/v1/rewards", {"items": [ITEM], "unknown": "nearest"}, "body.unknown"),
        ("/v1/rewards", {"items": [ITEM], "communities": "all", "blend": {"~coast": 1}}, "body"),
        ("/v1/rank", {"responses": []}, "body.responses"),
        ("/v1/rank", {"responses": "Yes."}, "body.responses"),
        ("/v1/compare", {"response": "Yes."}, "body.other"),
        ("/get_reward", {"query": "Yes."}, "body.query"),
        ("/get_reward", {"query": [None]}, "body.query.0"),
        ("/classify", {"messages": [{"content": "x"}]}, "body.messages.0.role"),
        ("/score", {"documents": ["x"]}, "body.queries"),
    ],
    ids=lambda value: json.dumps(value)[:60],
)
def test_a_field_that_is_wrong_is_named(
    client: TestClient, path: str, body: Any, where: str
) -> None:
    problem = refused(client, path, 422, content=json.dumps(body))
    assert where in [error["where"][: len(where)] for error in problem["errors"]]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
def test_numbers_that_are_none_are_refused(client: TestClient, number: str) -> None:
    item = json.dumps(ITEM)
    for steering in (f'"strength": {number}', f'"blend": {{"~coast": {number}}}'):
        refused(client, "/v1/rewards", 422, content=f'{{"items": [{item}], {steering}}}')
    label = f'{{"community": "~coast", "strength": {number}}}'
    refused(client, "/get_reward", 422, content=f'{{"query": ["a"], "labels": [{label}]}}')
    refused(client, "/get_reward", 422, json={"query": ["a"], "labels": [label]})
    refused(client, "/classify", 422, json={"input": "a", "model": f"served@~coast={number}"})


@pytest.mark.parametrize(
    "blend", [{"~coast": 0.7}, {"~coast": 0.7, "~hill": 0.7}, {"~coast": 1.5, "~hill": -0.5}]
)
def test_shares_that_do_not_sum_to_one_are_refused(
    client: TestClient, blend: dict[str, float]
) -> None:
    assert (
        "shares"
        in refused(client, "/v1/rewards", 422, json={"items": [ITEM], "blend": blend})["detail"]
    )


def test_a_similar_community_is_suggested_for_an_unknown_one(client: TestClient) -> None:
    for steering in ({"communities": ["~hill", "~cost"]}, {"blend": {"~cost": 1.0}}):
        problem = refused(client, "/v1/rewards", 422, json={"items": [ITEM], **steering})
        assert "~cost" in problem["detail"]
        assert problem["hint"] == "did you mean ~coast?"


@pytest.mark.parametrize(
    "label",
    ["", " ", "\x00", "%s", "{}", "💜" * 50, "a" * 5000, "~" + "ä" * 100, "../../etc", "null"],
)
def test_odd_names_of_communities_are_refused(client: TestClient, label: str) -> None:
    refused(client, "/v1/rewards", 422, json={"items": [ITEM], "communities": label})
    refused(
        client, "/v1/rewards", 422, json={"items": [ITEM], "blend": {label: 1}, "unknown": "parent"}
    )
    refused(client, "/classify", 422, json={"input": "a", "model": f"served@{label}"})


# Too much


def test_too_many_items_are_refused(client: TestClient) -> None:
    problem = refused(client, "/v1/rewards", 413, json={"items": [{"response": "x"}] * 10_000})
    assert problem["hint"] == "send at most 2048 at a time"
    for path, body in (
        ("/v1/rank", {"responses": ["x"] * 10_000}),
        ("/get_reward", {"query": ["x"] * 10_000}),
        ("/classify", {"input": ["x"] * 10_000}),
        ("/pooling", {"input": ["x"] * 10_000}),
        ("/score", {"queries": "x", "documents": ["x"] * 10_000}),
        ("/predict", {"inputs": [["x"]] * 10_000}),
    ):
        refused(client, path, 413, json=body)


def test_as_many_items_as_may_be_are_scored(asking: Any) -> None:
    client = asking(most_items=30, most_waiting=30)
    assert (
        client.post(
            "/get_reward", json={"query": ["x"] * 30, "labels": ["~coast"] * 30}
        ).status_code
        == 200
    )
    assert client.post("/v1/rewards", json={"items": [ITEM] * 30}).status_code == 200
    refused(client, "/v1/rewards", 413, json={"items": [ITEM] * 31})


def test_too_long_a_text_is_refused(client: TestClient) -> None:
    long = "x" * 100_001
    for items in ([ITEM, {"response": long}], [ITEM, {"prompt": long, "response": "x"}]):
        problem = refused(client, "/v1/rewards", 413, json={"items": items})
        assert problem["detail"] == "item 1 has a text of 100001 characters"
    turns = [{"role": "user", "content": "x" * 60_000}] * 2
    refused(client, "/v1/compare", 413, json={"prompt": turns, "response": "a", "other": "b"})
    refused(client, "/get_reward", 413, json={"query": [long]})
    refused(client, "/classify", 413, json={"input": long})
    refused(client, "/predict", 413, json={"inputs": long})
    assert (
        client.post("/v1/rewards", json={"items": [{"response": "x" * 100_000}]}).status_code == 200
    )


def test_too_large_a_body_is_refused_by_its_stated_length(client: TestClient) -> None:
    answer = client.post("/v1/rewards", content=b"{}", headers={"Content-Length": "16000001"})
    assert answer.status_code == 413
    assert is_problem(answer)["detail"] == "the body has more than 16000000 bytes"
    assert answer.headers["connection"] == "close"


def test_too_large_a_body_is_refused_as_it_comes(asking: Any) -> None:
    client = asking(most_bytes=1000)

    def endless() -> Iterator[bytes]:
        yield b'{"items": ['
        for _ in range(1000):
            yield b" " * 100

    refused(client, "/v1/rewards", 413, content=endless())


@pytest.mark.parametrize(
    "content",
    [
        b'{"items": [' + b"1," * 1_000_000 + b"1]}",
        b'{"communities": [' + b'"~coast",' * 500_000 + b'"~coast"]}',
        b"{" + b",".join(b'"%d":""' % n for n in range(500_000)) + b"}",
        b'["\\"",' * 500_000,
    ],
    ids=["numbers", "names", "fields", "quotes"],
)
def test_more_values_than_can_be_meant_are_refused_unread(
    client: TestClient, content: bytes
) -> None:
    assert "values" in refused(client, "/v1/rewards", 413, content=content)["detail"]


def test_many_faults_are_counted_rather_than_listed(client: TestClient) -> None:
    problem = refused(client, "/v1/rewards", 422, json={"items": [1] * 5000})
    assert re.fullmatch(r"the request is not valid: 500\d errors", problem["detail"])
    assert len(refused(client, "/v1/rewards", 422, json={"items": [1] * 50})["errors"]) == 10


# Methods, paths, hosts, tokens


def test_another_method_is_refused(client: TestClient) -> None:
    for method, path in (
        ("GET", "/v1/rewards"),
        ("DELETE", "/v1/models"),
        ("PUT", "/get_reward"),
        ("POST", "/healthz"),
    ):
        answer = client.request(method, path)
        assert answer.status_code == 405
        assert is_problem(answer)["title"] == "Method Not Allowed"
        assert answer.headers["allow"]


@pytest.mark.parametrize(
    "path", ["/nowhere", "/v2/rewards", "/steered/~coast", "/steered//predict", "/%00", "/../etc"]
)
def test_an_unknown_path_is_not_found(client: TestClient, path: str) -> None:
    answer = client.post(path, json={"inputs": "a"})
    assert answer.status_code in {404, 422}
    is_problem(answer)


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "", "127.0.0.1.evil.example", "10.0.0.1", "[::2]"]
)
def test_a_name_of_another_machine_is_refused(client: TestClient, host: str) -> None:
    answer = client.get("/v1/models", headers={"Host": host})
    assert answer.status_code == 421
    assert is_problem(answer)["hint"] == "ask http://127.0.0.1"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:8000", "localhost", "LOCALHOST:1", "[::1]", "[::1]:8000"]
)
def test_names_of_this_machine_are_let_in(client: TestClient, host: str) -> None:
    assert client.get("/v1/models", headers={"Host": host}).status_code == 200


# Web pages


OWN = {"Origin": "http://127.0.0.1", "Sec-Fetch-Site": "same-origin"}


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize(
    "kind", ["text/plain", "", "application/x-www-form-urlencoded", "application/json-seq"]
)
def test_a_body_that_is_not_called_json_is_refused(
    client: TestClient, path: str, kind: str
) -> None:
    problem = refused(client, path, 415, content=b'{"items": []}', headers={"Content-Type": kind})
    assert problem["detail"] == f"Content-Type must be application/json, got {kind or 'none'!r}"
    assert "Content-Type: application/json" in problem["hint"]


@pytest.mark.parametrize(
    "kind", ["application/json", "application/json; charset=utf-8", "Application/JSON;x=y"]
)
def test_json_may_be_called_with_parameters(client: TestClient, kind: str) -> None:
    content = json.dumps({"items": [ITEM]}).encode()
    assert (
        client.post("/v1/rewards", content=content, headers={"Content-Type": kind}).status_code
        == 200
    )


@pytest.mark.parametrize("path", [*ENDPOINTS, "/steered/~coast/predict"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "http://localhost:3000"},
        {"Origin": "http://127.0.0.1.evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        OWN | {"Sec-Fetch-Site": "cross-site"},
    ],
    ids=str,
)
def test_a_web_page_of_another_origin_is_refused(
    client: TestClient, path: str, headers: dict[str, str]
) -> None:
    assert (
        "another origin"
        in refused(client, path, 403, json={"items": [ITEM]}, headers=headers)["detail"]
    )


def test_the_server_s_own_page_and_one_that_is_allowed_may_ask(asking: Any) -> None:
    elsewhere = {"Origin": "https://rewards.example", "Sec-Fetch-Site": "cross-site"}
    client = asking(origins=("https://rewards.example",))
    for headers in (OWN, elsewhere, {"Sec-Fetch-Site": "none"}):
        assert (
            client.post("/v1/rewards", json={"items": [ITEM]}, headers=headers).status_code == 200
        )


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        TOKEN,
        "Bearer",
        "Bearer ",
        "Bearer wrong-token-that-is-long",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN} {TOKEN}",
        f"Token {TOKEN}",
        basic("any:wrong"),
        basic(TOKEN),
        "Basic !!!",
        "Basic " + "=" * 100,
    ],
)
def test_no_token_or_a_wrong_one_is_refused(asking: Any, authorization: str | None) -> None:
    client = asking(tokens=(TOKEN, SECOND))
    headers = {} if authorization is None else {"Authorization": authorization}
    for method, path in (
        ("GET", "/v1/models"),
        ("GET", "/metrics"),
        ("GET", "/openapi.json"),
        ("POST", "/v1/rewards"),
        ("GET", "/nowhere"),
    ):
        answer = client.request(method, path, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        is_problem(answer)


@pytest.mark.parametrize(
    "authorization",
    [
        f"Bearer {TOKEN}",
        f"bearer {SECOND}",
        f"Bearer  {TOKEN} ",
        basic(f"any:{TOKEN}"),
        basic(f":{SECOND}"),
    ],
)
def test_any_of_the_tokens_is_accepted_from_every_host(asking: Any, authorization: str) -> None:
    client = asking(tokens=(TOKEN, SECOND))
    headers = {"Authorization": authorization, "Host": "rewards.example"}
    assert client.post("/v1/rewards", json={"items": [ITEM]}, headers=headers).status_code == 200


def test_endpoints_without_facts_about_the_model_need_no_token(asking: Any) -> None:
    client = asking(tokens=(TOKEN,))
    for path in ("/healthz", "/readyz", "/", "/page.js", "/page.css"):
        assert client.get(path).status_code == 200
    for path in ("/healthz/", "/v1/models?/healthz", "/Healthz"):
        assert client.get(path).status_code == 401


# Texts


def bodies(text: str) -> list[tuple[str, Any]]:
    """Requests of every kind with a text in them, some of them wrong."""
    item = {"prompt": text, "response": text}
    return [
        ("/v1/rewards", {"items": [item]}),
        ("/v1/rewards", {"items": [item], "communities": "~cost"}),
        ("/v1/rewards", {"items": [item, {"response": [text]}]}),
        ("/v1/rewards", {"items": [item, {"response": text * 10_000}]}),
        ("/v1/rank", {"prompt": text, "responses": [text, 7]}),
        ("/v1/compare", {"prompt": text, "response": text, "other": None}),
        ("/get_reward", {"query": [text], "prompts": [text, text]}),
        ("/get_reward", {"query": [f"<|im_start|>user\n{text}"]}),
        ("/classify", {"input": [text, {"a": text}]}),
        ("/classify", {"messages": [{"role": "user", "content": text}]}),
        ("/score", {"queries": [text, text], "documents": [text]}),
        ("/predict", {"inputs": [text, text, text]}),
    ]


def test_texts_are_in_no_answer_and_no_log(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for path, body in bodies(SECRET):
        assert SECRET not in client.post(path, json=body).text
        assert SECRET not in client.post(path, content=json.dumps(body)[:-1]).text
    assert "POST /v1/rewards 200" in caplog.text
    assert "Magdalena" not in caplog.text


def test_texts_are_logged_where_that_is_asked_for(
    asking: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    client = asking(log_texts=True)
    client.post("/v1/rewards", json={"items": [{"prompt": "one\ntwo", "response": SECRET}]})
    assert f"prompt 'one\\ntwo' response '{SECRET}'" in caplog.text


def test_a_model_that_cannot_be_read_is_an_error_when_it_is_opened(
    asking: Any, tmp_path: Path
) -> None:
    with pytest.raises(Exception, match=r"card\.json|no model|folder"):
        asking(model=tmp_path)
