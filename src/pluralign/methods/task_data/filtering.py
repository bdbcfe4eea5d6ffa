"""Filters of examples that a model wrote; each that is left out is counted by its reason."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pluralign.core import Passage, Tally
from pluralign.encoders import language_of
from pluralign.encoders.languages import UNKNOWN
from pluralign.methods.task_data.config import KeepConfig
from pluralign.methods.task_data.examples import TaskExample, read_written
from pluralign.metrics.answer_variety import words_of

_SHINGLE = 3


@dataclass(frozen=True, slots=True)
class WrittenExample:
    """A reply of a model that has read a passage.

    Attributes:
        text: The reply.
        passage: The passage.
    """

    text: str
    passage: Passage


@dataclass(frozen=True, slots=True)
class Guards:
    """Texts with which written examples are compared.

    Attributes:
        shown: The task's examples, which the model was shown.
        test: Items of the task's test, which nothing may be learned from.
        language: ISO 639 code of the language that is wanted; None for any.
    """

    shown: Sequence[TaskExample]
    test: Sequence[TaskExample]
    language: str | None = None


def keep_examples(
    written: Iterable[WrittenExample], guards: Guards, config: KeepConfig, tally: Tally
) -> list[tuple[TaskExample, Passage]]:
    """The examples that are kept, each with its passage.

    Left out are, in this order: another format, an answer that is no option, another language, near
    copies of test items, near copies of the examples that were shown, examples with too few words
    of their passage, and near copies of earlier ones.

    Args:
        written: The replies of the model.
        guards: The texts with which they are compared.
        config: How near and how grounded.
        tally: Counts the examples that are kept, and others by reason.

    Raises:
        MissingExtra: If a language is wanted and py3langid is not installed.
    """
    with_options = bool(guards.shown[0].options)
    test = [shingles(one.question) for one in guards.test]
    shown = [shingles(one.question) for one in guards.shown]
    kept: list[tuple[TaskExample, Passage]] = []
    earlier: list[frozenset[str]] = []
    for one in written:
        tally.read += 1
        example = read_written(one.text, with_options)
        if isinstance(example, str):
            tally.drop(example)
            continue
        own = shingles(example.question)
        if _is_other_language(example, guards.language):
            tally.drop("another language")
        elif _is_near(own, test, config.near):
            tally.drop("a near copy of a test item")
        elif _is_near(own, shown, config.near):
            tally.drop("a near copy of an example that was shown")
        elif grounded_share(example, one.passage) < config.grounded:
            tally.drop("not grounded in its passage")
        elif _is_near(own, earlier, config.near):
            tally.drop("a near copy of an earlier one")
        else:
            tally.kept += 1
            kept.append((example, one.passage))
            earlier.append(own)
    return kept


def grounded_share(example: TaskExample, passage: Passage) -> float:
    """Share of the different words of the question and the right answer that the passage has.

    >>> passage = Passage("1", "bread.txt", "Pan de muerto is eaten in November.")
    >>> grounded_share(TaskExample("When is pan de muerto eaten?", "In November"), passage)
    0.875
    """
    own = set(words_of(f"{example.question} {example.answer}"))
    return len(own & set(words_of(passage.text))) / max(1, len(own))


def shingles(text: str) -> frozenset[str]:
    """The different sequences of three words; all words as one where there are fewer.

    >>> sorted(shingles("What do people eat?"))
    ['do people eat', 'what do people']
    """
    words = words_of(text)
    if len(words) < _SHINGLE:
        return frozenset([" ".join(words)])
    starts = range(len(words) - _SHINGLE + 1)
    return frozenset(" ".join(words[i : i + _SHINGLE]) for i in starts)


def _is_near(own: frozenset[str], others: Sequence[frozenset[str]], near: float) -> bool:
    return any(len(own & other) / len(own | other) >= near for other in others)


def _is_other_language(example: TaskExample, wanted: str | None) -> bool:
    """Whether the language is clear, and is another one."""
    if wanted is None:
        return False
    found = language_of(example.text)
    return not found.startswith(UNKNOWN) and found != wanted.split("-")[0]
