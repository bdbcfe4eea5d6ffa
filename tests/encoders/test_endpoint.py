"""Servers of embeddings as an encoder: the same vectors, whatever servers do in between."""

import json
import logging
import pickle
import re
import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.encoders.embedding_servers import Answer, Served, hashed, running

from pluralign.clients import retries
from pluralign.clients.connecting import opened_client
from pluralign.core import FloatArray, InvalidSettings, PluralignError
from pluralign.encoders import CachedEncoder, HashEncoder, encoder_named
from pluralign.encoders.endpoint import (
    EmbeddingServers,
    EndpointEncoder,
    EndpointFailed,
    OtherModel,
    TextRefused,
    opened_endpoint,
)

TEXTS = [f"text {i} " + "word " * (i % 7) for i in range(50)]


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "FIRST_PAUSE", 0.001)


def encoder(urls: Sequence[str], **more: Any) -> EndpointEncoder:
    more = {"batch": 8, "timeout_s": 5.0} | more
    return EndpointEncoder(EmbeddingServers(tuple(urls), "m", **more))


def unused_url() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/v1"


def same(found: FloatArray, texts: Sequence[str] = TEXTS) -> bool:
    return found.dtype == np.float32 and bool(np.abs(found - hashed(texts)).max() < 1e-6)


def answering(status: int, body: Any, when: Callable[[list[str]], bool]) -> Served:
    return Served(lambda number, texts: (status, body) if when(texts) else None)


def refused(served: Served, texts: Sequence[str] = TEXTS, **more: Any) -> str:
    pytest.importorskip("httpx")  # without it all is refused, for another reason
    with running(served) as urls, pytest.raises(PluralignError) as error:
        encoder(urls, **more).encode(texts)
    assert served.url in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("protocol", ["openai", "tei"])
def test_vectors_belong_to_their_texts_in_both_protocols(protocol: Any) -> None:
    served = Served()
    with running(served) as urls:
        url = urls[0] if protocol == "openai" else served.url
        found = encoder([url], protocol=protocol).encode([*TEXTS, TEXTS[3]])
    assert same(found, [*TEXTS, TEXTS[3]])
    assert max(served.sizes) <= 8
    assert sum(served.sizes) == 1 + len(TEXTS)  # the probe, and each text once


def test_order_batches_and_failing_requests_change_no_vector() -> None:
    retries.FIRST_PAUSE = 0.001
    server, fails = Served(), [2]
    server.fault = lambda number, texts: (503, {}) if number % fails[0] == 0 else None
    with running(server, Served()) as urls:
        alone = encoder(urls[1:]).encode(TEXTS[:12])

        @settings(max_examples=8, deadline=None)
        @given(st.permutations(range(12)), st.integers(1, 13), st.integers(2, 5))
        def check(order: list[int], batch: int, every: int) -> None:
            fails[0] = every
            found = encoder(urls, batch=batch).encode([TEXTS[i] for i in order])
            assert np.array_equal(found, alone[order])

        check()


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_fails_every_third_request_gives_the_same_vectors(status: int) -> None:
    server = Served(lambda number, texts: (status, {"error": "busy"}) if number % 3 == 0 else None)
    with running(server) as urls:
        assert same(encoder(urls, concurrency=2).encode(TEXTS))


def test_a_limit_on_the_batch_halves_later_requests() -> None:
    served = answering(413, {"error": "batch size 32 > 5"}, lambda texts: len(texts) > 5)
    with running(served) as urls:
        assert same(encoder(urls, batch=32, concurrency=1).encode(TEXTS * 2), TEXTS * 2)
    assert served.sizes[:3] == [1, 32, 16]
    assert max(served.sizes[3:]) == 8
    assert max(served.sizes[-9:]) == 4


def test_texts_of_a_server_that_goes_down_are_taken_by_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    dying = Served(lambda number, texts: (502, {}) if number > 2 else None)
    with running(dying, Served()) as urls:
        both = encoder([unused_url(), *urls], tries=2)
        assert same(both.encode(TEXTS))
        assert same(both.encode(TEXTS[::-1]), TEXTS[::-1])
    assert caplog.text.count(f"{dying.url}/v1 gets no texts for now") <= 1


def test_a_server_that_was_down_is_used_again() -> None:
    server = Served(lambda number, texts: (503, {}) if number < 4 else None)
    with running(server) as urls:
        one = encoder(urls, tries=3)
        with pytest.raises(EndpointFailed, match="503") as error:
            one.encode(TEXTS)
        assert urls[0] in str(error.value)
        assert same(one.encode(TEXTS))


def test_without_any_server_the_error_names_all_of_them() -> None:
    urls = [unused_url(), unused_url()]
    with pytest.raises(EndpointFailed, match="cannot be reached") as error:
        encoder(urls, tries=1).encode(TEXTS)
    assert all(url in str(error.value) for url in urls)
    assert "same command again" in str(error.value)


@pytest.mark.parametrize("status", [400, 422, 500])
def test_a_text_that_fails_alone_is_named(status: int) -> None:
    served = answering(status, {"error": {"message": "no"}}, lambda texts: TEXTS[9] in texts)
    with running(served) as urls, pytest.raises(TextRefused, match="'text 9 ") as error:
        encoder(urls, tries=2).encode(TEXTS)
    assert served.url in str(error.value)
    assert str(status) in str(error.value)


def test_an_empty_text_and_a_long_text_have_hints_of_their_own() -> None:
    empty = answering(400, {"error": "empty"}, lambda texts: "" in texts)
    assert "leave empty texts out" in refused(empty, ["", "b"])
    long = answering(413, {"error": "512 tokens"}, lambda texts: any(len(t) > 900 for t in texts))
    assert "truncate = true" in refused(long, ["a" * 1000, "b"])


def test_truncation_and_dimensions_are_asked_for() -> None:
    served = Served()
    with running(served) as urls:
        encoder(urls, truncate=True, dimensions=32).encode(["a"])
        encoder([served.url], protocol="tei", truncate=True).encode(["a"])
    openai, tei = served.bodies[1], served.bodies[3]
    assert (openai["truncate_prompt_tokens"], openai["dimensions"]) == (-1, 32)
    assert tei["truncate"] is True


def test_floats_in_base64_are_left_out_where_they_are_refused() -> None:
    served = Served()

    def fault(number: int, texts: list[str]) -> Answer | None:
        if "encoding_format" in served.bodies[number - 1]:
            return 400, {"error": {"message": "unknown field encoding_format"}}
        return None

    served.fault = fault
    with running(served) as urls:
        assert same(encoder(urls).encode(TEXTS))


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ({"data": [{"index": 0, "embedding": [1.0] * 32}]}, "2 texts were sent, and 1"),
        ({"data": [{"index": 0, "embedding": [1.0] * 32}] * 2}, "indices"),
        (
            {"data": [{"index": i, "embedding": [float("nan")] * 32} for i in (0, 1)]},
            "not numbers",
        ),
        ({"data": [{"index": i, "embedding": ["1"] * 32} for i in (0, 1)]}, "list of numbers"),
        ({"data": [{"index": i, "embedding": "AAA"} for i in (0, 1)]}, "list of numbers"),
        ({"data": [{"index": i, "embedding": [1.0] * (31 + i)} for i in (0, 1)]}, "31 and 32"),
        ({"data": [{"index": i, "embedding": [1.0] * 31} for i in (0, 1)]}, "32 were expected"),
        ({"data": 3}, "no list"),
        (b"<html>", "not JSON"),
    ],
)
def test_an_answer_that_cannot_be_used_is_refused(body: Any, what: str) -> None:
    message = refused(answering(200, body, lambda texts: len(texts) == 2), ["a", "b"])
    assert re.search(what, message)


def test_a_larger_answer_than_any_vectors_is_not_read_to_its_end() -> None:
    served = Served(lambda number, texts: (200, b" " * 2_000_000))
    assert "more than" in refused(served, ["a"])


@pytest.mark.parametrize(
    ("status", "hint"), [(401, "KEY_OF_TESTS"), (404, "/v1"), (307, "/v1"), (400, "model")]
)
def test_a_refusal_of_everything_says_what_to_check(
    status: int, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY_OF_TESTS", "sesame-1234")
    served = Served(lambda number, texts: (status, {"error": {"message": "bad sesame-1234"}}))
    message = refused(served, api_key_env="KEY_OF_TESTS")
    assert hint in message
    assert "sesame" not in message
    assert len(served.bodies) == 1


def test_the_key_is_sent_and_never_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("KEY_OF_TESTS", "sesame-1234")
    served = Served(lambda number, texts: (503, {"error": "sesame-1234"}) if number < 3 else None)
    with caplog.at_level(logging.DEBUG), running(served) as urls:
        one = encoder(urls, api_key_env="KEY_OF_TESTS")
        one.encode(TEXTS)
    assert {headers["Authorization"] for headers in served.headers} == {"Bearer sesame-1234"}
    assert "sesame" not in caplog.text + repr(one.servers) + one.fingerprint


def test_a_key_that_is_not_set_and_a_secret_in_an_address_are_refused() -> None:
    with pytest.raises(InvalidSettings, match="NO_SUCH_KEY"):
        encoder(["http://127.0.0.1:9/v1"], api_key_env="NO_SUCH_KEY").encode(["a"])
    for url in ("http://ann:secret@host/v1", "http://host/v1?api_key=secret"):
        with pytest.raises(InvalidSettings, match="api_key_env") as error:
            encoder([url])
        assert "secret@" not in str(error.value)
        assert "=secret" not in str(error.value)
    for url in ("127.0.0.1:8000", ""):
        with pytest.raises(InvalidSettings, match="not a URL"):
            encoder([url])
    with pytest.raises(InvalidSettings, match="at least one"):
        encoder([])


def test_the_fingerprint_is_that_of_the_model_and_not_of_the_servers() -> None:
    one = encoder(["http://a/v1"])
    assert one.fingerprint == encoder(["http://b/v1", "http://c/v1"], batch=2).fingerprint
    others = [
        EmbeddingServers(("http://a/v1",), "other"),
        EmbeddingServers(("http://a/v1",), "m", protocol="tei"),
        EmbeddingServers(("http://a/v1",), "m", dimensions=8),
    ]
    assert len({one.fingerprint, *(EndpointEncoder(o).fingerprint for o in others)}) == 4


def test_a_server_of_another_model_is_named_before_it_gets_texts() -> None:
    other = Served(model=HashEncoder(32, seed=1).encode)
    with running(Served(), other) as urls:
        first = encoder(urls[:1])
        both = EndpointEncoder(EmbeddingServers(tuple(urls), "m"), first.probe)
        with pytest.raises(OtherModel, match="another vector") as error:
            for _ in range(20):  # the first server may have done all the work before
                both.encode(TEXTS)
    assert other.url in str(error.value)
    assert not other.texts & set(TEXTS)


def test_a_model_that_changed_behind_its_name_is_found_by_the_cache(tmp_path: Path) -> None:
    served = Served()
    with running(served) as urls:
        settings = EmbeddingServers(tuple(urls), "m")
        first = CachedEncoder(opened_endpoint(settings, tmp_path), tmp_path).encode(TEXTS[:10])
        served.model = HashEncoder(32, seed=1).encode
        again = CachedEncoder(opened_endpoint(settings, tmp_path), tmp_path)
        asked = len(served.bodies)
        assert np.array_equal(again.encode(TEXTS[:10]), first)
        assert len(served.bodies) == asked  # all in the cache: no server is asked
        with pytest.raises(OtherModel, match="another name"):
            again.encode(TEXTS)
        served.model = lambda texts: hashed(texts) + np.float32(1e-3)  # another rounding
        assert len(again.encode(TEXTS)) == len(TEXTS)


def test_cached_vectors_need_no_server(tmp_path: Path) -> None:
    with running(Served()) as urls:
        settings = EmbeddingServers(tuple(urls), "m", tries=1)
        done = CachedEncoder(opened_endpoint(settings, tmp_path), tmp_path).encode(TEXTS)
    again = CachedEncoder(opened_endpoint(settings, tmp_path), tmp_path)
    assert np.array_equal(again.encode(TEXTS), done)
    assert again.dimensions == 32
    with pytest.raises(EndpointFailed, match="vectors so far are kept"):
        again.encode(["new"])


def test_a_copy_in_another_process_asks_the_same_servers() -> None:
    with running(Served()) as urls:
        one = encoder(urls)
        one.encode(["a"])
        copy = pickle.loads(pickle.dumps(one))  # noqa: S301
        assert copy.fingerprint == one.fingerprint
        assert same(copy.encode(TEXTS))
        assert json.loads(json.dumps(copy.probe)) == list(one.probe)
        assert one.encode([]).shape == (0, 32)


def test_threads_that_encode_at_a_time_share_the_connections(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened = []

    def slowly(*settings: Any) -> Any:
        opened.append(settings)
        time.sleep(0.05)
        return opened_client(*settings)

    monkeypatch.setattr("pluralign.encoders.endpoint.encoder.opened_client", slowly)
    with running(Served()) as urls, ThreadPoolExecutor(4) as threads:
        one = encoder(urls)
        assert all(same(found) for found in threads.map(lambda _: one.encode(TEXTS), range(4)))
    assert len(opened) == 1


def test_the_name_endpoint_needs_addresses() -> None:
    with pytest.raises(InvalidSettings, match=r"trunk\.endpoint"):
        encoder_named("endpoint")
