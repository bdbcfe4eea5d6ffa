"""The items of a task: examples that are shown and searched, and test items apart from them."""

from collections.abc import Sequence
from dataclasses import dataclass

from pluralign.core import InvalidInput, count_of, text_digest
from pluralign.methods.task_data import TaskExample
from pluralign.metrics.answer_variety import words_of
from pluralign.settings.align_task import TaskFiles
from pluralign.sources.task_files import TaskRow, read_task_rows


@dataclass(frozen=True, slots=True)
class TestItem:
    """A test item.

    Attributes:
        example: The item with its answer.
        community: Id of the community that it is about; None where none is declared.
    """

    example: TaskExample
    community: str | None


def read_items(files: TaskFiles) -> tuple[list[TaskExample], list[TestItem]]:
    """The examples of a task, and its test items: of a file, or a part of the examples.

    Raises:
        InvalidInput: If a file or a row cannot be read, the two files have different columns, or an
            example is a test item too.
        NotEnoughData: If a file has no item.
    """
    rows = read_task_rows(files.examples)
    if files.test is None:
        shown, held = split_rows(rows, files.held_out)
        return [example_of(row) for row in shown], [_test_item(row) for row in held]
    test = read_task_rows(files.test)
    if bool(test[0].options) != bool(rows[0].options):
        raise InvalidInput(
            "the test items and the examples have different columns",
            where=str(files.test),
            hint="both need question, options and answer, or prompt and answer",
        )
    known = {_words(row) for row in test}
    both = [row for row in rows if _words(row) in known]
    if both:
        raise InvalidInput(
            f"{count_of(len(both), 'example is a test item', 'examples are test items')} too, such "
            f"as {both[0].question!r}",
            where=str(files.examples),
            hint="take them out of one of the two files: nothing may be written from test items",
        )
    return [example_of(row) for row in rows], [_test_item(row) for row in test]


def split_rows(rows: Sequence[TaskRow], share: float) -> tuple[list[TaskRow], list[TaskRow]]:
    """Examples, and test items held out of them: a share of the different questions, rounded down.

    A digest of the question's words decides, so that equal questions are on the same side.

    >>> rows = [TaskRow(f"Question {k}?", "Yes.") for k in range(10)]
    >>> shown, held = split_rows(rows, 0.3)
    >>> len(shown), [row.question for row in held]
    (7, ['Question 0?', 'Question 1?', 'Question 8?'])
    """
    digests = [text_digest(" ".join(words_of(row.question))) for row in rows]
    different = sorted(set(digests))
    held = set(different[: int(share * len(different))])
    sides: tuple[list[TaskRow], list[TaskRow]] = ([], [])
    for row, digest in zip(rows, digests, strict=True):
        sides[digest in held].append(row)
    return sides


def example_of(row: TaskRow) -> TaskExample:
    """The item of a row."""
    return TaskExample(row.question, row.answer, row.options)


def _test_item(row: TaskRow) -> TestItem:
    return TestItem(example_of(row), row.community)


def _words(row: TaskRow) -> tuple[str, ...]:
    return (*words_of(row.question), *words_of(row.answer))
