"""``/v1/embeddings`` by the real client of OpenAI: vectors as the reward model reads them."""

import base64
import threading
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from pluralign.core import SteerableRewardModel
from pluralign.encoders import HashEncoder

openai = pytest.importorskip("openai")
TEXTS = ["What matters?", "My family."]


@pytest.fixture(scope="module")
def remote(serving: Any) -> Any:
    with openai.OpenAI(base_url=f"{serving()}/v1", api_key="unused", max_retries=0) as client:
        yield client


def test_the_client_of_openai_gets_the_vectors_of_the_encoder(remote: Any) -> None:
    found = remote.embeddings.create(model="served", input=TEXTS)
    vector_N_D = np.array([one.embedding for one in found.data])
    assert vector_N_D == pytest.approx(HashEncoder().encode(TEXTS), abs=1e-6)
    assert [one.index for one in found.data] == [0, 1]
    assert found.usage.prompt_tokens == found.usage.total_tokens > 0
    assert found.pluralign["cut"] == []


def test_numbers_and_base64_are_the_same_vector(client: TestClient) -> None:
    def vector(**more: Any) -> Any:
        answer = client.post("/v1/embeddings", json={"input": "My family.", **more})
        return answer.json()["data"][0]["embedding"]

    packed = np.frombuffer(base64.b64decode(vector(encoding_format="base64")), "<f4")
    assert packed.tolist() == pytest.approx(vector())


def test_dimensions_may_be_named_if_they_are_the_encoders(remote: Any) -> None:
    own = HashEncoder().dimensions
    found = remote.embeddings.create(model="served", input="Tea?", dimensions=own)
    assert len(found.data[0].embedding) == own
    with pytest.raises(openai.UnprocessableEntityError, match=f"dimensions must be {own}"):
        remote.embeddings.create(model="served", input="Tea?", dimensions=8)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"input": []}, "input is empty"),
        ({"input": ""}, "input is empty"),
        ({"input": ["Tea?", ""]}, "has an empty text"),
        ({"input": [1, 2, 3]}, "token ids"),
        ({"input": [[1, 2], [3]]}, "token ids"),
        ({"input": "Tea?", "extra_body": {"truncate_prompt_tokens": 8}}, "truncate_prompt_tokens"),
    ],
)
def test_an_input_that_cannot_be_encoded_is_refused(remote: Any, given: Any, told: str) -> None:
    with pytest.raises(openai.UnprocessableEntityError) as refused:
        remote.embeddings.create(model="served", **given)
    assert told in refused.value.body["message"]
    assert refused.value.type == "invalid_request_error"


def test_a_community_has_no_vectors_of_its_own(remote: Any) -> None:
    with pytest.raises(openai.NotFoundError, match="the same for every community"):
        remote.embeddings.create(model="served@~coast", input="Tea?")


def test_a_reward_model_without_an_encoder_has_no_vectors(asking: Any, planted: Any) -> None:
    answer = asking(opened=planted({})).post("/v1/embeddings", json={"input": "Tea?"})
    assert answer.status_code == 422
    assert "has no encoder" in answer.json()["detail"]


def test_texts_beyond_the_queue_are_refused_and_the_queue_is_free_again(
    asking: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    encode = HashEncoder.encode

    def slow(self: HashEncoder, texts: Any) -> Any:
        begun.set()
        assert go_on.wait(20)
        return encode(self, texts)

    client = asking(most_waiting=4, most_items=4, cache_megabytes=0)
    monkeypatch.setattr(HashEncoder, "encode", slow)
    answers: list[Any] = []

    def ask() -> None:
        answers.append(client.post("/v1/embeddings", json={"input": ["a", "b", "c"]}))

    first = threading.Thread(target=ask)
    first.start()
    assert begun.wait(20)
    busy = client.post("/v1/embeddings", json={"input": ["d", "e"]})
    go_on.set()
    first.join(20)
    assert busy.status_code == 429
    assert int(busy.headers["retry-after"]) >= 1
    assert answers[0].status_code == 200
    assert client.post("/v1/embeddings", json={"input": ["d", "e"]}).status_code == 200


def test_the_model_reads_these_vectors(client: TestClient, model: SteerableRewardModel) -> None:
    assert client.post("/v1/embeddings", json={"input": TEXTS}).json()["pluralign"]["encoder"] == (
        model.trunk.encoder.fingerprint  # type: ignore[attr-defined]
    )
