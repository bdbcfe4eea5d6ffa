"""What is kept of generated questions, and why the rest is not."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pluralign.core import Tally
from pluralign.methods.culturespa import GeneratedQuestion, filter_questions

SCALE = ["Never", "Rarely", "Often"]


def row(
    options: object = SCALE, question: object = "How often do you sing?", **more: Any
) -> dict[str, Any]:
    return {"topic": "Music", "question": question, "options": options} | more


def kept(options: object, question: object = "How often do you sing?") -> tuple[str, ...]:
    """Options of the one question as kept."""
    (found,) = filter_questions([row(options, question)], Tally())
    return found.options


def dropped(*rows: dict[str, Any]) -> dict[str, int]:
    tally = Tally()
    filter_questions(rows, tally)
    return dict(tally.dropped)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (row("Never, often"), "options must be a list of texts"),
        (row(None), "options must be a list of texts"),
        (row([["Never"], ["Often"]]), "options must be a list of texts"),
        (row(["Never", "  "]), "an empty option"),
        (row(["Never"]), "fewer than two options"),
        (row([]), "fewer than two options"),
        (row(["Never", "Don't know"]), "fewer than two options"),
        (row([f"step {i}" for i in range(12)]), "more than 11 options"),
        (row(["Never", "Often", "never"]), "two options are equal"),
        (row(["1 - Never", "2 - Often", "3 - Never"]), "two options are equal"),
        (row(question=""), "no question"),
        (row(question="?!"), "no question"),
        (row(question=None), "no question"),
        (row(["1", "2", "3"]), "a scale of numbers that the question does not explain"),
        (row([1, 2, 3]), "a scale of numbers that the question does not explain"),
    ],
)
def test_a_question_that_cannot_be_asked_is_dropped_and_its_reason_counted(
    bad: dict[str, Any], reason: str
) -> None:
    assert dropped(bad) == {reason: 1}


def test_a_second_question_with_the_same_text_but_for_case_punctuation_and_options_is_dropped() -> (
    None
):
    rows = [
        row(),
        row(["Yes", "No"], question="how often do you SING"),
        row(question="How often do you dance?"),
    ]
    assert dropped(*rows) == {"same text as an earlier question": 1}


def test_a_dropped_question_does_not_bar_a_later_one_with_its_text() -> None:
    found = filter_questions([row(["Never"]), row()], Tally())
    assert [q.id for q in found] == ["g00001"]


@pytest.mark.parametrize(
    "listed",
    [
        ["1. Never", "2. Rarely", "3. Often"],
        ["1) Never", "2) Rarely", "3) Often"],
        ["(a) Never", "(b) Rarely", "(c) Often"],
        ["[1] Never", "[2] Rarely", "[3] Often"],
        ["1 - Never", "2 - Rarely", "10 - Often"],
        ["1 – Never", "2 – Rarely", "3 – Often"],
        ["A. Never", "B: Rarely", " C. Often "],
    ],
)
def test_numbers_and_letters_in_front_of_all_options_are_taken_off(listed: Sequence[str]) -> None:
    assert kept(listed) == tuple(SCALE)


@pytest.mark.parametrize(
    "listed",
    [
        ("1 - 2 times", "3 - 4 times", "5 - 9 times"),
        ("0-2 hours", "3-5 hours", "6-9 hours"),
        ("1 - Never", "2", "3", "4", "5 - Always"),
        ("1. Never", "Often"),
        ("I sing", "A friend sings"),
        ("1.5 hours", "2.5 hours"),
    ],
)
def test_numbers_that_are_part_of_the_answer_stay(listed: Sequence[str]) -> None:
    assert kept(list(listed)) == tuple(listed)


@pytest.mark.parametrize(
    "said",
    [
        "Don't know", "Don’t know.", "I do not know", "DK", "Refused", "Refuse to answer",
        "Prefer not to say", "Not sure", "I'm not sure", "I am unsure", "Undecided",
        "Not applicable", "N/A", "Can't say", "It's hard to say", "No opinion", "Other",
        "Other (please specify)", "Other answer", "Don't know/Refuse", "Not sure / Don't know",
        "Undecided or refused", "9 - Don't know", "[7] Refused", "5. Don't know/No answer",
    ],
)  # fmt: skip
def test_non_answers_are_left_out_and_noted(said: str) -> None:
    tally = Tally()
    (found,) = filter_questions([row([*SCALE, said])], tally)
    assert found.options == tuple(SCALE)
    assert tally.notes == {"non-answers left out of the options": 1}


@pytest.mark.parametrize(
    "said",
    [
        "Neutral/Undecided", "It depends on the situation", "None of the above", "Not at all",
        "Know nothing about it", "Other people should decide", "Not sure if I would, but I might",
        "No",
    ],
)  # fmt: skip
def test_answers_that_look_like_non_answers_stay(said: str) -> None:
    assert kept([*SCALE, said]) == (*SCALE, said)


@pytest.mark.parametrize(
    "question",
    [
        "On a scale of 1 to 3, how much do you sing?",
        "How much do you sing? Using this card on which 1 means never and 3 always",
        "How much do you sing, with 1 being never?",
        "How much do you sing, where 0 means never?",
    ],
)
def test_a_scale_of_numbers_that_the_question_explains_is_kept(question: str) -> None:
    assert kept(["1", "2", "3"], question) == ("1", "2", "3")


def test_every_question_read_is_kept_or_counted_once() -> None:
    rows = [
        row(),
        row(),
        row(["Never"]),
        row(question=""),
        row(["1", "2"], question="How much?"),
        row(question="Why?"),
    ]
    tally = Tally()
    found = filter_questions(rows, tally)
    assert (tally.read, tally.kept) == (6, len(found))
    assert tally.kept + sum(tally.dropped.values()) == tally.read


def again(questions: Sequence[GeneratedQuestion]) -> list[dict[str, Any]]:
    return [{"topic": q.topic, "question": q.text, "options": list(q.options)} for q in questions]


def test_filtering_what_is_kept_changes_nothing() -> None:
    rows = [
        row(["1 - Never", "2 - Often", "9 - Refused"]),
        row(["a) Yes", "b) No"], question="Do you sing?"),
    ]
    once = filter_questions(rows, Tally())
    tally = Tally()
    twice = filter_questions(again(once), tally)
    assert [(q.text, q.options) for q in twice] == [(q.text, q.options) for q in once]
    assert not tally.notes


def test_a_kept_question_can_be_put() -> None:
    question = filter_questions([row(["1. Yes", "2. No"])], Tally())[0].as_question()
    assert (question.options, question.codes, question.ordered) == (("Yes", "No"), ("1", "2"), None)


@pytest.mark.shared
def test_of_culturespas_questions_those_that_can_be_asked_are_kept(shared_data: Path) -> None:
    with gzip.open(
        shared_data / "wvs/generated_questions.jsonl.gz", "rt", encoding="utf-8"
    ) as file:
        rows = [json.loads(line) for line in file]
    tally = Tally()
    found = filter_questions(rows, tally)
    assert (tally.read, tally.kept) == (13_000, 12_823)
    assert tally.dropped == {
        "same text as an earlier question": 111,
        "two options are equal": 36,
        "a scale of numbers that the question does not explain": 30,
    }
    twice = Tally()
    filter_questions(again(found), twice)
    assert (twice.kept, dict(twice.dropped), dict(twice.notes)) == (tally.kept, {}, {})
