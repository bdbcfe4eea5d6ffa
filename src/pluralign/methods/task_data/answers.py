"""Read answers to items of a task, and answers that need no model, as baselines."""

from collections import Counter
from collections.abc import Sequence
from string import ascii_uppercase

import numpy as np

from pluralign.core import FloatArray, Refusal, read_answer
from pluralign.methods.task_data.examples import TaskExample
from pluralign.metrics.answer_variety import words_of

RANDOM, LONGEST, POSITION = "random", "longest", "most-frequent-position"
FREQUENT_ANSWER = "most-frequent-answer"


def letters_of(example: TaskExample) -> tuple[str, ...]:
    """The letters of an item's options.

    >>> letters_of(TaskExample("Which?", "tea", ("coffee", "tea")))
    ('A', 'B')
    """
    return tuple(ascii_uppercase[: len(example.options)])


def option_in(text: str, example: TaskExample) -> int | None:
    """The option that a reply chooses, by its letter or its words; None for an invalid reply.

    >>> example = TaskExample("Which?", "tea", ("coffee", "tea"))
    >>> [option_in(text, example) for text in ("B", "The answer is A.", "Tea", "Both!")]
    [1, 0, 1, None]
    """
    found = read_answer(text, example.options, letters_of(example))
    return None if isinstance(found, Refusal) else found


def is_exact(text: str, answer: str) -> bool:
    """Whether a reply has the words of the answer and no others; case and signs do not count.

    >>> [is_exact(text, "pan de muerto") for text in ("Pan de muerto.", "It is pan de muerto.")]
    [True, False]
    """
    wanted = words_of(answer)
    return words_of(text) == wanted if wanted else text.strip() == answer.strip()


def is_contained(text: str, answer: str) -> bool:
    """Whether the words of the answer occur in a reply, next to each other and in their order.

    >>> is_contained("It is pan de muerto.", "pan de muerto"), is_contained("Pancakes", "pan")
    (True, False)
    """
    said, wanted = words_of(text), words_of(answer)
    if not wanted:
        return answer.strip() in text
    starts = range(len(said) - len(wanted) + 1)
    return any(said[i : i + len(wanted)] == wanted for i in starts)


def baseline_answers(
    examples: Sequence[TaskExample], test: Sequence[TaskExample]
) -> dict[str, FloatArray]:
    """How often answers that need no model are right.

    Items with options: a random option, the longest one (if several are longest, a random one of
    them), and the position that is right most often in the examples. Items without: the answer that
    is right most often in the examples.

    Args:
        examples: The task's examples, none of them a test item.
        test: The test items.

    Returns:
        Name of a baseline -> its chance to be right for each item, in [0, 1], shape (P,).
    """
    if not test[0].options:
        (answer, _), *_ = Counter(one.answer for one in examples).most_common(1)
        return {FREQUENT_ANSWER: _floats([is_exact(answer, item.answer) for item in test])}
    position = _most_frequent_position(examples)
    return {
        RANDOM: _floats([1 / len(item.options) for item in test]),
        LONGEST: _floats([_chance_of_longest(item) for item in test]),
        POSITION: _floats([item.options.index(item.answer) == position for item in test]),
    }


def _most_frequent_position(examples: Sequence[TaskExample]) -> int:
    counts = Counter(one.options.index(one.answer) for one in examples)
    return max(sorted(counts), key=lambda position: counts[position])


def _chance_of_longest(item: TaskExample) -> float:
    longest = max(map(len, item.options))
    among = [option for option in item.options if len(option) == longest]
    return 1 / len(among) if item.answer in among else 0.0


def _floats(values: Sequence[float]) -> FloatArray:
    return np.array(values, dtype=np.float64)
