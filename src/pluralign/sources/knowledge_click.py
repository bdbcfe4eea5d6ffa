"""CLIcK: multiple-choice questions on Korean culture and language, from exams and textbooks."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pluralign.core import AcceptedAnswer, KnowledgeQuestion, Tally, tidy
from pluralign.sources.knowledge_choices import option_written, options_of
from pluralign.sources.knowledge_reading import PlacedQuestion, as_bad_row
from pluralign.sources.row_files import RowPolicy, location, read_rows
from pluralign.sources.typed_cells import (
    BadRow,
    Row,
    id_of,
    optional_text,
    require_columns,
    text_of,
)

COLUMNS = ("id", "paragraph", "question", "choices", "answer")
_TOPICS = {
    "economy": "Economy",
    "geography": "Geography",
    "history": "History",
    "khb": "History",
    "law": "Law",
    "psat": "Law",
    "politics": "Politics",
    "popular": "Popular culture",
    "society": "Society",
    "tradition": "Tradition",
}
"""Part of an id, in small letters -> topic; a question of another id is about the language."""


@dataclass(frozen=True)
class ClickKnowledge:
    """Questions of CLIcK (Kim et al. 2024, arXiv 2403.06412) on Korea, in Korean.

    They are of exams and of textbooks for immigrants: each has one right answer, and it is not
    known how many people gave it. A row has ``id, paragraph, question, choices, answer``, as in the
    data set on the hub; the paragraph, where there is one, comes before the question. Topics are
    the eight subjects on culture, by the id; all other questions have the topic "Language".

    Attributes:
        path: The file, as JSON Lines, JSON, CSV or Parquet.
        license: Licence or terms of the data. Neither the data set nor its repository states one.
        skip_bad: Drop and count rows that cannot be read, instead of stopping at the first.
    """

    name: ClassVar[str] = "click"
    about: ClassVar[str] = "CLIcK: questions of Korean exams and textbooks, on culture and language"

    path: Path
    license: str | None = None
    skip_bad: bool = False

    def questions(self, policy: RowPolicy) -> Iterator[PlacedQuestion]:
        """Stream the questions.

        Raises:
            InvalidInput: If a row cannot be read.
        """
        for number, row in read_rows(self.path, policy):
            place = location(self.path, number)
            try:
                question = _question(row, policy.tally)
            except BadRow as bad:
                policy.refuse(bad, place)
            else:
                policy.tally.kept += 1
                yield PlacedQuestion(question, place)


def _question(row: Row, tally: Tally) -> KnowledgeQuestion:
    require_columns(row, COLUMNS)
    id_ = id_of(row, "id")
    options = options_of(row, tally)
    right = option_written(text_of(row, "answer"), options)
    paragraph = tidy(optional_text(row, "paragraph") or "")
    text = tidy(text_of(row, "question"))
    with as_bad_row():
        return KnowledgeQuestion(
            id=id_,
            community="KOR",
            language="ko",
            texts={"ko": f"{paragraph}\n{text}" if paragraph else text},
            answers=(AcceptedAnswer({"ko": (options[right],)}),),
            options={"ko": options},
            topic=_topic(id_),
        )


def _topic(id_: str) -> str:
    for part, topic in _TOPICS.items():
        if part in id_.lower():
            return topic
    return "Language"
