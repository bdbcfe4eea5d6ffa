"""Labels of people for free answers: a CSV file, against which a judge model is measured."""

from pathlib import Path

from pluralign.core import KnowledgeQuestion, KnowledgeTest, NotEnoughData, Tally
from pluralign.metrics import FreeAnswer, LabelledAnswer
from pluralign.metrics.answer_matching import question_variants, variant_words
from pluralign.sources.knowledge_reading import region_id
from pluralign.sources.row_files import RowPolicy, location, read_rows
from pluralign.sources.typed_cells import BadRow, Row, id_of, optional_id, text_of

_NONE = "none"
_KINDS = ("csv", "tsv", "jsonl")


def read_judge_labels(
    path: Path, test: KnowledgeTest, tally: Tally, *, skip_bad: bool = False
) -> list[LabelledAnswer]:
    """Read labels of people.

    A row has ``question_id``, ``community``, ``language``, ``answer`` and ``label``: a variant of
    the accepted answer that the answer means, or ``none``. ``rater`` is optional. Rows without a
    label are not labelled yet; they are counted.

    Args:
        path: A ``.csv``, ``.tsv`` or ``.jsonl`` file.
        test: The test with the questions.
        tally: Counts the rows.
        skip_bad: Whether to drop and count rows that cannot be read, instead of stopping.

    Raises:
        InvalidInput: If a row cannot be read, its question is not in the test, or its label is not
            a variant of one accepted answer.
        NotEnoughData: If no row has a label.
    """
    policy = RowPolicy(tally, skip_bad)
    found = []
    for number, row in read_rows(path, policy, kinds=_KINDS):
        try:
            labelled = _labelled(row, test)
        except BadRow as bad:
            policy.refuse(bad, location(path, number))
            continue
        if labelled is None:
            tally.drop("not labelled yet")
        else:
            tally.kept += 1
            found.append(labelled)
    if not found:
        raise NotEnoughData(
            "no row has a label",
            where=str(path),
            hint="write a variant of the accepted answer in the column label, or none",
        )
    return found


def _labelled(row: Row, test: KnowledgeTest) -> LabelledAnswer | None:
    id_, community = id_of(row, "question_id"), region_id(text_of(row, "community"))
    question = test.question(id_, community)
    if question is None:
        raise BadRow(
            f"the test has no question {id_!r:.60} of {community}",
            reason="question that the test does not have",
        )
    language = text_of(row, "language").strip()
    text, label = text_of(row, "answer"), text_of(row, "label").strip()
    if not label:
        return None
    index = None if label.casefold() == _NONE else _meant(label, question, language)
    answer = FreeAnswer(text, question, language)
    return LabelledAnswer(answer, index, optional_id(row, "rater") or "")


def _meant(label: str, question: KnowledgeQuestion, language: str) -> int:
    """The accepted answer of which a label is a variant."""
    wanted = variant_words(label, language)
    meant = {index for words, index in question_variants(question, language) if words == wanted}
    if len(meant) != 1:
        what = "is a variant of several answers" if meant else "is not a variant of an answer"
        raise BadRow(
            f"the label {label!r:.60} {what} in {language!r} ({question.where})",
            reason="label that names no accepted answer",
            hint="copy a variant from the test, or write none",
        )
    return next(iter(meant))
