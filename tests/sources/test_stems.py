import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pluralign.sources import question_stem, shared_stems


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "As I read each one, tell me if it is a big problem...Crime",
            "As I read each one, tell me if it is a big problem…pollution.",
        ),
        (
            "How likely are you to take action on __ ? a. poverty",
            "How likely are you to take action on __ ? \nb. schools",
        ),
        (
            "Now I will read you a list of problems: crime",
            "I will read you a list of problems: health",
        ),
        (
            "(Now on leaders.) Please tell me your opinion of...Kiran Bedi",
            "Please tell me your opinion of...Modi",
        ),
        (
            "Has it changed since 1989 for you all...work",
            "Has it changed since 1991 for you all...law",
        ),
        (
            "(As I read each one, tell me if it matters.)...Crime",
            "As I read each one, tell me if it matters...Rain",
        ),
    ],
)
def test_items_of_a_battery_have_one_stem(one: str, other: str) -> None:
    assert question_stem(one) == question_stem(other)


def test_an_item_in_the_middle_is_found_by_comparing() -> None:
    texts = [
        f"Do you personally believe that {x} is morally acceptable or not?"
        for x in ("gambling", "having an abortion")
    ]
    assert question_stem(texts[0]) != question_stem(texts[1])
    assert len(set(shared_stems(texts).values())) == 1


def test_unrelated_questions_stay_apart() -> None:
    texts = [
        "Do you believe in God?",
        "Do you believe in hell?",
        "How happy are you these days?",
        "How old are you?",
    ]
    assert len(set(shared_stems(texts).values())) == 4


def test_the_order_of_the_questions_does_not_matter() -> None:
    texts = [
        f"How much do you trust {x} these days: a lot or a little?"
        for x in ("family", "your neighbours", "banks")
    ]
    texts += ["How are you?", "How much is it?"]
    assert shared_stems(texts) == shared_stems(texts[::-1])


@settings(deadline=None)
@given(st.text(max_size=80))
def test_a_stem_is_never_empty_where_there_is_a_letter(text: str) -> None:
    stem = question_stem(text)
    assert stem or not any(c.isalnum() for c in text.casefold())
    assert shared_stems([text]) == {text: stem}
