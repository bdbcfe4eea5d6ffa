"""Examples of a task: as rows, as what a model is asked to write, and as what it learns."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from string import ascii_uppercase

import numpy as np

from pluralign.core import Conversation, Message, Passage, parse_json
from pluralign.methods.policies import Lesson

_SYSTEM = "You write items for a test. Every item follows from the text that you are given."
_OBJECT = re.compile(r"\{.*?\}", re.S)
FORMAT, NOT_AN_OPTION = "wrong format", "the answer is not among the options"


@dataclass(frozen=True, slots=True)
class TaskExample:
    """An item of a task with its answer.

    Attributes:
        question: The question, or the whole prompt.
        answer: The right answer: the words of an option where there are options.
        options: The options; empty for a question without.
    """

    question: str
    answer: str
    options: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """All words."""
        return "\n".join((self.question, *self.options, "" if self.options else self.answer))

    def as_row(self) -> dict[str, object]:
        """The row of a file, and the JSON object that a model is shown and writes."""
        if not self.options:
            return {"prompt": self.question, "answer": self.answer}
        return {"question": self.question, "options": list(self.options), "answer": self.answer}


def writing_prompt(
    examples: Sequence[TaskExample], passage: Passage, language: str | None
) -> Conversation:
    """Ask a model for one new item in the format of some examples, from a passage.

    Args:
        examples: Items of the task, all with options or all without.
        passage: The passage that the new item must follow from.
        language: BCP 47 tag of its language; None for that of the examples.
    """
    shown = "\n".join(json.dumps(one.as_row(), ensure_ascii=False) for one in examples)
    spoken = f" Write it in the language {language}." if language else ""
    return (
        Message("system", _SYSTEM),
        Message(
            "user",
            f"Text:\n\n{passage.text}\n\nItems of the test, one JSON object a line:\n\n{shown}\n\n"
            "Write one new item with the same keys, about something that the text states. Use "
            f"words of the text.{spoken} Answer with its JSON object and nothing else.",
        ),
    )


def read_written(text: str, with_options: bool) -> TaskExample | str:
    """The first item of a text, or the reason why there is none.

    Args:
        text: The reply of the model.
        with_options: Whether items of the task have options.

    >>> read_written('Sure: {"prompt": "What is pan?", "answer": "Bread."}', with_options=False)
    TaskExample(question='What is pan?', answer='Bread.', options=())
    >>> item = '{"question": "Q?", "options": ["a", "b"], "answer": "c"}'
    >>> read_written(item, with_options=True)
    'the answer is not among the options'
    """
    for found in _OBJECT.findall(text):
        try:
            value = parse_json(found)
        except ValueError:
            continue
        if isinstance(value, dict):
            return _item(value, with_options)
    return FORMAT


def lesson_of(example: TaskExample) -> Lesson:
    r"""The lesson of an example: to answer it in the form in which the task asks.

    >>> lesson = lesson_of(TaskExample("Which?", "tea", ("coffee", "tea")))
    >>> lesson.conversation[0].content, lesson.chosen
    ('Which?\nA. coffee\nB. tea', 'B')
    """
    if not example.options:
        return Lesson((Message("user", example.question),), example.answer)
    pairs = zip(ascii_uppercase, example.options, strict=False)
    lines = [f"{letter}. {option}" for letter, option in pairs]
    letter = ascii_uppercase[example.options.index(example.answer)]
    return Lesson((Message("user", "\n".join([example.question, *lines])),), letter)


def with_shuffled_options(example: TaskExample, rng: np.random.Generator) -> TaskExample:
    """An example with its options in a random order, so that no place of the answer is learned."""
    order = rng.permutation(len(example.options))
    return replace(example, options=tuple(example.options[i] for i in order))


def _item(value: dict[str, object], with_options: bool) -> TaskExample | str:
    question = value.get("question" if with_options else "prompt")
    answer = value.get("answer")
    if not isinstance(question, str) or not isinstance(answer, str):
        return FORMAT
    question, answer = question.strip(), answer.strip()
    if not question or not answer:
        return FORMAT
    if not with_options:
        return TaskExample(question, answer)
    given = value.get("options")
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        return FORMAT
    options = tuple(one.strip() for one in given)
    if not 2 <= len(set(options)) == len(options) <= len(ascii_uppercase) or "" in options:
        return FORMAT
    if len(answer) == 1 and answer not in options and answer in ascii_uppercase[: len(options)]:
        answer = options[ascii_uppercase.index(answer)]
    return TaskExample(question, answer, options) if answer in options else NOT_AN_OPTION
