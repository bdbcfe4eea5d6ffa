"""Several answers that a model writes in one reply."""

import pytest

from pluralign.asking import Malformed, ask_together, read_marked
from pluralign.core import InvalidInput, Message

TEA = (Message("system", "Be brief."), Message("user", "Tea or coffee?"))


def test_the_published_words_ask_for_the_answers_and_the_other_turns_stay():
    system, asked = ask_together(TEA, 4)
    assert system == TEA[0]
    assert asked.content.startswith(
        "Generate four responses that represent diverse values. Each response should start with "
        "### to demarcate where one begins and the other ends."
    )
    assert asked.content.endswith("\n\nTea or coffee?")


def test_a_number_of_answers_without_a_word_is_refused():
    with pytest.raises(InvalidInput, match="2 to 10 answers, got 11"):
        ask_together(TEA, 11)


@pytest.mark.parametrize(
    "reply",
    [
        "### Tea.\n### Coffee.",
        "Here are two responses:\n\n###Tea.\n\n  ### Coffee.\n",
        "### Response 1\nTea.\n### **Response 2:** Coffee.",
        "#### Answer 1: Tea.\n#### Answer 2: Coffee.",
    ],
)
def test_answers_are_read_between_the_marks_without_their_headings(reply):
    assert read_marked(reply, 2) == ("Tea.", "Coffee.")


def test_a_mark_inside_a_line_and_a_word_like_a_heading_belong_to_the_answer():
    assert read_marked("### Use ### as a mark.\n### Answer 3 questions.", 2) == (
        "Use ### as a mark.",
        "Answer 3 questions.",
    )


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("Tea. Coffee.", "0 answers instead of 2"),
        ("### Tea.\n###\n", "1 answers instead of 2"),
        ("### Tea.\n### Coffee.\n### Water.", "3 answers instead of 2"),
        ("### Tea.\n### TEA!", "there twice: 'TEA!'"),
    ],
)
def test_a_reply_with_another_number_of_answers_is_malformed(reply, reason):
    with pytest.raises(Malformed, match=reason):
        read_marked(reply, 2)
