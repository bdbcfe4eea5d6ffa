"""Each filter of written examples catches its planted case, counts it, and nothing else."""

import json

import pytest

from pluralign.core import Passage, Tally, rng_for
from pluralign.methods.task_data import (
    Guards,
    KeepConfig,
    TaskExample,
    WrittenExample,
    keep_examples,
    lesson_of,
    read_written,
    with_shuffled_options,
    writing_prompt,
)

PASSAGE = Passage(
    "bread.txt#1",
    "bread.txt",
    "Pan de muerto is a sweet bread that people in Mexico eat in November for the Day of the Dead.",
    "CC-BY-4.0",
)
SHOWN = [TaskExample("What do people in Spain eat on the last day?", "Grapes", ("Grapes", "Rice"))]
TEST = [TaskExample("Which sweet bread do people in Mexico eat?", "Pan", ("Pan", "Cake"))]


def item(question, options=("Pan de muerto", "Rice"), answer="Pan de muerto"):
    return json.dumps({"question": question, "options": list(options), "answer": answer})


GOOD = item("What do people in Mexico eat for the Day of the Dead?")
PLANTED = {
    "wrong format": [
        "I would rather not.",
        '{"question": "Half an item',
        item("?", ["one"], "one"),
    ],
    "the answer is not among the options": [item("What is eaten in Mexico?", answer="Tortilla")],
    "another language": [
        item(
            "¿Qué come la gente en México durante el mes de noviembre con su familia?",
            ("Pan de muerto, que es un pan dulce", "Arroz con leche y canela"),
            "Pan de muerto, que es un pan dulce",
        )
    ],
    "a near copy of a test item": [item("Which sweet bread do people in Mexico eat today?")],
    "a near copy of an example that was shown": [
        item("What do people in Spain eat on the last day?", ("Grapes", "Rice"), "Grapes")
    ],
    "not grounded in its passage": [
        item("Who painted walls near Coyoacán?", ("Diego Rivera", "Nobody"), "Diego Rivera")
    ],
    "a near copy of an earlier one": [
        item("What do people in Mexico eat for the Day of the Dead, please?")
    ],
}


def kept_of(texts, **config):
    tally = Tally()
    guards = Guards(SHOWN, TEST, "en")
    written = [WrittenExample(text, PASSAGE) for text in texts]
    return keep_examples(written, guards, KeepConfig(**config), tally), tally


@pytest.mark.parametrize("reason", PLANTED)
def test_a_filter_catches_its_planted_case_and_keeps_the_rest(reason):
    kept, tally = kept_of([GOOD, *PLANTED[reason]])
    assert dict(tally.dropped) == {reason: len(PLANTED[reason])}
    assert [(one.answer, passage.document) for one, passage in kept] == [
        ("Pan de muerto", "bread.txt")
    ]


def test_all_planted_cases_at_once_are_counted_and_add_up():
    texts = [GOOD, *(text for own in PLANTED.values() for text in own)]
    _, tally = kept_of(texts)
    assert dict(tally.dropped) == {reason: len(own) for reason, own in PLANTED.items()}
    assert tally.balanced
    assert tally.kept == 1


def test_thresholds_decide_what_is_grounded():
    texts = PLANTED["not grounded in its passage"]
    assert not kept_of(texts)[0]
    assert len(kept_of(texts, grounded=0.0)[0]) == 1


def test_the_model_is_shown_the_passage_and_items_in_the_format_that_is_read_back():
    talk = writing_prompt(SHOWN, PASSAGE, "es")
    assert PASSAGE.text in talk[-1].content
    assert "language es" in talk[-1].content
    assert read_written(talk[-1].content, with_options=True) == SHOWN[0]


def test_an_answer_may_be_the_letter_of_its_option_and_the_letter_is_what_is_learned():
    found = read_written(item("Q?", ("a cup", "a pot"), "B"), with_options=True)
    assert found.answer == "a pot"
    lesson = lesson_of(found)
    assert lesson.conversation[0].content == "Q?\nA. a cup\nB. a pot"
    assert lesson.chosen == "B"


def test_shuffled_options_put_the_answer_in_every_place():
    rng = rng_for(0, "options")
    example = TaskExample("Q?", "a", ("a", "b", "c"))
    chosen = {lesson_of(with_shuffled_options(example, rng)).chosen for _ in range(40)}
    assert chosen == {"A", "B", "C"}
