import math
from dataclasses import replace

import pytest

from pluralign.core import (
    InvalidInput,
    Message,
    PreferencePair,
    RewardRequest,
    as_requests,
    prompt_text,
    requests_of,
)

PAIR = PreferencePair("p1", "Tea or coffee?", "Tea", "Coffee", "GBR", rater="r1")


@pytest.mark.parametrize("text", ["", " ", "\n\t"])
@pytest.mark.parametrize("side", ["chosen", "rejected"])
def test_an_empty_response_is_refused_with_the_id_of_its_pair(side: str, text: str) -> None:
    with pytest.raises(InvalidInput, match="pair p1: a response is empty"):
        replace(PAIR, chosen=text) if side == "chosen" else replace(PAIR, rejected=text)


def test_equal_responses_are_refused() -> None:
    with pytest.raises(InvalidInput, match="pair p1: chosen equals rejected"):
        replace(PAIR, rejected="Tea")


@pytest.mark.parametrize("strength", [math.nan, math.inf, 0.0, -1.0])
def test_a_strength_that_is_no_positive_number_is_refused(strength: float) -> None:
    with pytest.raises(InvalidInput, match="pair p1: strength"):
        replace(PAIR, strength=strength)


@pytest.mark.parametrize("weight", [math.nan, math.inf, -0.5, 1e13])
def test_a_weight_out_of_range_is_refused(weight: float) -> None:
    with pytest.raises(InvalidInput, match="pair p1: weight"):
        replace(PAIR, weight=weight)
    assert replace(PAIR, weight=0.0).weight == 0


def test_a_pair_without_a_question_is_about_its_prompt_and_its_stem_is_the_question() -> None:
    assert (PAIR.question, PAIR.stem) == ("Tea or coffee?", "Tea or coffee?")
    asked = PreferencePair("p2", "Tea?", "Yes", "No", "GBR", question="Q7")
    assert (asked.question, asked.stem) == ("Q7", "Q7")
    battery = PreferencePair(
        "p3", "Tea?", "Yes", "No", "GBR", question="Q7", stem="Do you like ...?"
    )
    assert (battery.question, battery.stem) == ("Q7", "Do you like ...?")


def test_a_conversation_is_written_a_turn_per_line_and_a_single_question_as_it_is() -> None:
    turns = (Message("user", "Hi"), Message("assistant", "Hello"), Message("user", "Tea?"))
    assert prompt_text(turns) == "user: Hi\nassistant: Hello\nuser: Tea?"
    assert prompt_text((Message("user", "Tea?"),)) == prompt_text("Tea?") == "Tea?"
    assert prompt_text((Message("system", "Be brief."),)) == "system: Be brief."
    assert PreferencePair("p", turns, "Yes", "No", "GBR").question == prompt_text(turns)


def test_requests_are_aligned_with_their_pairs() -> None:
    other = PreferencePair("p2", "Sea?", "Yes", "No", "GBR")
    chosen, rejected = requests_of([PAIR, other])
    assert chosen == [RewardRequest("Tea or coffee?", "Tea"), RewardRequest("Sea?", "Yes")]
    assert rejected == [RewardRequest("Tea or coffee?", "Coffee"), RewardRequest("Sea?", "No")]
    assert requests_of([]) == ([], [])


def test_a_tuple_of_prompt_and_response_is_a_request() -> None:
    turns = (Message("user", "Tea?"),)
    asked = [RewardRequest("Tea?", "Yes"), ("Tea?", "No"), (turns, "Perhaps")]
    assert as_requests(asked) == [
        RewardRequest("Tea?", "Yes"),
        RewardRequest("Tea?", "No"),
        RewardRequest(turns, "Perhaps"),
    ]


@pytest.mark.parametrize("wrong", [("Tea?",), ("Tea?", 3), "Tea?", None, ("a", "b", "c")])
def test_anything_else_is_refused_with_its_position(wrong: object) -> None:
    with pytest.raises(InvalidInput, match="must be a prompt and a response") as caught:
        as_requests([("Tea?", "Yes"), wrong])  # type: ignore[list-item]
    assert caught.value.where == "request 1"


def test_one_request_outside_a_list_is_refused_with_what_to_write() -> None:
    with pytest.raises(InvalidInput) as caught:
        as_requests(("Tea?", "Yes"))  # type: ignore[arg-type]
    assert "a list also for one request" in str(caught.value.hint)
