"""What of a response is scored."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pluralign.core import Message, RewardRequest
from pluralign.rewards import Scorable, scorable

YES = RewardRequest("Tea?", "Yes.")


def asked(response: str) -> RewardRequest:
    return RewardRequest("Tea?", response)


@pytest.mark.parametrize(
    "response", ["<think>Hm.</think>Yes.", "Hm.\n</think>\n\nYes.", "[THINK]Hm.[/THINK]Yes."]
)
def test_only_the_answer_is_scored_unless_thoughts_are_kept(response: str) -> None:
    assert scorable(asked(response)) == Scorable(YES, thought=True)
    assert scorable(asked(response), "keep") == Scorable(asked(response))


@pytest.mark.parametrize(
    "response", ["", " \n", "<think>Hm, it depends", "<think>Hm.</think>", "<think></think>\n"]
)
def test_a_response_without_an_answer_is_not_scored(response: str) -> None:
    assert scorable(asked(response)).request is None


@pytest.mark.parametrize("thoughts", ["strip", "keep"])
@pytest.mark.parametrize(
    "template", ["<think></think>", "<think>\n\n</think>\n\n", "</think>", "[THINK][/THINK]"]
)
@given(answer=st.text(alphabet="ab .,\n", min_size=1).map(lambda text: f"a{text}"))
def test_a_thought_without_words_never_changes_what_is_scored(
    answer: str, template: str, thoughts: Any
) -> None:
    assert scorable(asked(template + answer), thoughts).request == asked(answer)


@given(st.text(min_size=1).filter(lambda text: text.strip() and not set(text) & set("<[◁")))
def test_a_response_without_thoughts_is_scored_as_it_is(answer: str) -> None:
    if (
        not answer.lower()
        .lstrip()
        .startswith(("analysis", "assistant", "commentary", "here is my thought process:"))
    ):
        assert scorable(asked(answer)) == Scorable(asked(answer))


def test_thoughts_of_earlier_turns_of_the_assistant_are_left_out() -> None:
    def talk(said: str) -> RewardRequest:
        return RewardRequest(
            (Message("user", "<think>Tea?"), Message("assistant", said), Message("user", "Why?")),
            "So.",
        )

    assert scorable(talk("<think>Hm.</think>Yes.")).request == talk("Yes.")
    assert scorable(talk("<think>Hm.</think>Yes."), "keep").request == talk(
        "<think>Hm.</think>Yes."
    )
