import pytest
from tests.respondents.servers import Behaviour, serving

from pluralign.core import InvalidSettings, Message, Reply, Sampling
from pluralign.respondents.endpoint import EndpointChatModel, EndpointError, EndpointSettings

pytest.importorskip("openai")
TEXTS = [f"question {i}" for i in range(12)]
TALKS = [(Message("user", text),) for text in TEXTS]
ANSWERS = [Reply(f"re: {text}") for text in TEXTS]


def model(url: str, **more: object) -> EndpointChatModel:
    return EndpointChatModel(
        EndpointSettings("the-model", url, **({"retries": 2, "timeout_s": 5} | more))
    )  # type: ignore[arg-type]


def test_every_answer_belongs_to_its_question_in_any_order() -> None:
    heard: dict[int, Reply] = {}
    with serving(Behaviour()) as url:
        assert model(url).complete(TALKS, Sampling(), heard.__setitem__) == ANSWERS
    assert [heard[i] for i in range(len(TALKS))] == ANSWERS


@pytest.mark.parametrize("fault", ["429", "500", "503", "half", "wrong json", "no choices"])
def test_a_passing_fault_is_tried_again_and_nothing_is_lost(fault: str) -> None:
    behaviour = Behaviour(faults={TEXTS[3]: [fault]})
    with serving(behaviour) as url:
        assert model(url).complete(TALKS, Sampling()) == ANSWERS
    assert behaviour.asked[TEXTS[3]] == 2


@pytest.mark.parametrize("fault", ["500", "half", "wrong json", "no choices", "400", "429"])
def test_a_lasting_fault_of_one_ask_fails_alone_with_its_reason(fault: str) -> None:
    with serving(Behaviour(faults={TEXTS[3]: [fault] * 9})) as url:
        replies = model(url, retries=1).complete(TALKS, Sampling())
    assert replies[3].failure
    assert replies[:3] + replies[4:] == ANSWERS[:3] + ANSWERS[4:]


def test_a_server_that_hangs_is_given_up_and_asked_again() -> None:
    behaviour = Behaviour(faults={TEXTS[0]: ["hang"]})
    with serving(behaviour) as url:
        assert model(url, timeout_s=0.3).complete(TALKS, Sampling()) == ANSWERS
    assert behaviour.asked[TEXTS[0]] == 2


def test_a_refused_key_stops_everything_at_once_and_names_the_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MY_KEY", "wrong")
    behaviour = Behaviour(always="401")
    with serving(behaviour) as url, pytest.raises(EndpointError, match="refuses the key") as error:
        model(url, api_key_env="MY_KEY", concurrency=2).complete(TALKS, Sampling())
    assert "MY_KEY" in str(error.value)
    assert sum(behaviour.asked.values()) <= 2


def test_answers_before_a_stop_were_reported() -> None:
    heard: dict[int, Reply] = {}
    with serving(Behaviour(faults={TEXTS[8]: ["401"]})) as url, pytest.raises(EndpointError):
        model(url, concurrency=1).complete(TALKS, Sampling(), heard.__setitem__)
    assert [heard[i] for i in range(8)] == ANSWERS[:8]


def test_an_unknown_model_is_named_with_those_the_server_has() -> None:
    with (
        serving(Behaviour(always="404")) as url,
        pytest.raises(EndpointError, match="it has the-model"),
    ):
        model(url).complete(TALKS, Sampling())


def test_a_server_that_only_fails_is_not_asked_for_everything() -> None:
    behaviour = Behaviour(always="400")
    many = [(Message("user", str(i)),) for i in range(200)]
    with serving(behaviour) as url, pytest.raises(EndpointError, match="all failed"):
        model(url, concurrency=4).complete(many, Sampling())
    assert sum(behaviour.asked.values()) < 40


def test_it_stops_before_more_is_spent_than_allowed() -> None:
    heard: dict[int, Reply] = {}
    with serving(Behaviour()) as url:
        chat = model(url, concurrency=1, price_in=5e5, max_cost=50.0)
        with pytest.raises(EndpointError, match="are spent"):
            chat.complete(TALKS, Sampling(), heard.__setitem__)
    assert 0 < len(heard) < len(TALKS)
    assert chat.usage.cost(chat.settings) <= 50.0


def test_as_many_requests_are_in_flight_as_allowed() -> None:
    behaviour = Behaviour(delay=0.2)
    many = [(Message("user", str(i)),) for i in range(64)]
    with serving(behaviour) as url:
        model(url, concurrency=16).complete(many, Sampling())
    assert behaviour.most_in_flight == 16


def test_sampling_and_further_fields_are_sent() -> None:
    behaviour = Behaviour()
    with serving(behaviour) as url:
        model(url, extra_body={"top_k": 5}).complete(TALKS[:1], Sampling(0.6, 0.9, 7, seed=3))
    sent = {
        k: behaviour.bodies[0][k] for k in ("temperature", "top_p", "max_tokens", "seed", "top_k")
    }
    assert sent == {"temperature": 0.6, "top_p": 0.9, "max_tokens": 7, "seed": 3, "top_k": 5}


def test_without_a_key_the_public_service_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(InvalidSettings, match="OPENAI_API_KEY"):
        EndpointChatModel(EndpointSettings("any"))
