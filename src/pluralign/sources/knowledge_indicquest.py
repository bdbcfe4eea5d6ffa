"""IndicQuest: questions on India with written-out answers, in twenty languages."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pluralign.core import AcceptedAnswer, InvalidInput, KnowledgeQuestion, text_digest, tidy
from pluralign.sources.knowledge_reading import (
    PlacedQuestion,
    as_bad_row,
    files_of,
    region_id,
)
from pluralign.sources.row_files import (
    RowPolicy,
    csv_rows_with,
    file_stem,
    location,
    refused_at,
)
from pluralign.sources.typed_cells import BadRow, Row, UnusableRow, text_of

COLUMNS = ("Question", "Answer", "Domain")
LANGUAGES: Mapping[str, str] = {
    "Assamese": "as",
    "Bengali": "bn",
    "Dogri": "doi",
    "English": "en",
    "Gujarati": "gu",
    "Hindi": "hi",
    "Kannada": "kn",
    "Konkani": "kok",
    "Maithili": "mai",
    "Malayalam": "ml",
    "Manipuri": "mni",
    "Marathi": "mr",
    "Nepali": "ne",
    "Odia": "or",
    "Punjabi": "pa",
    "Sanskrit": "sa",
    "Sindhi": "sd",
    "Tamil": "ta",
    "Telugu": "te",
    "Urdu": "ur",
}
"""Name of each file of IndicQuest -> tag of its language."""


@dataclass(frozen=True)
class IndicQuestKnowledge:
    """Questions of IndicQuest (Rohera et al. 2024, arXiv 2409.08706) on India.

    A file for each of twenty languages has ``Question, Answer, Domain``; the domain is the topic.
    Answers are free and have no counts of people. Many are whole sentences, which no other answer
    equals: a model's answer needs a judge, as in the paper, and `match_answer` finds short ones
    only. The files are translations of the English one, but their rows have no ids, and some rows
    are shifted; so each file has questions of its own, and languages are compared by topic, not by
    question. A row that repeats another one is dropped and counted.

    Attributes:
        path: A file, named after its language ("Tamil.csv"), or a folder of such files.
        community: The community asked about: India, or a region such as ``IND/as``.
        language: Tag of the language, where the name of the file is not that of a language.
        license: Licence or terms of the data; their repository does not state one.
        skip_bad: Drop and count rows that cannot be read, instead of stopping at the first.
    """

    name: ClassVar[str] = "indicquest"
    about: ClassVar[str] = (
        "IndicQuest: questions on India with written-out answers, in 20 languages"
    )

    path: Path
    community: str = "IND"
    language: str | None = None
    license: str | None = None
    skip_bad: bool = False

    def questions(self, policy: RowPolicy) -> Iterator[PlacedQuestion]:
        """Stream the questions of all files, in the order of their names.

        Raises:
            InvalidInput: If a row cannot be read, or a file is not named after a language.
        """
        with refused_at(self.path, 1):
            community = region_id(self.community)
        for file in files_of(self.path, ("csv",)):
            language = self._language(file)
            seen: set[str] = set()
            for number, row in csv_rows_with(file, policy, COLUMNS):
                place = location(file, number)
                try:
                    question = _question(row, community, language, seen)
                except UnusableRow as reason:
                    policy.tally.drop(str(reason))
                except BadRow as bad:
                    policy.refuse(bad, place)
                else:
                    policy.tally.kept += 1
                    yield PlacedQuestion(question, place)

    def _language(self, file: Path) -> str:
        stem = file_stem(file)
        language = LANGUAGES.get(stem.capitalize()) or self.language
        if language is None:
            raise InvalidInput(
                f"{stem!r} must be the name of a language of IndicQuest: {', '.join(LANGUAGES)}",
                where=str(file),
                hint="name the file after its language, or give the language",
            )
        return language


def _question(row: Row, community: str, language: str, seen: set[str]) -> KnowledgeQuestion:
    text, answer, topic = (tidy(text_of(row, column)) for column in COLUMNS)
    id_ = f"{language}-{text_digest(chr(31).join((text, answer)))[:12]}"
    if id_ in seen:
        raise UnusableRow("a row like an earlier one")
    seen.add(id_)
    if not answer:
        raise BadRow("'Answer' must not be empty", reason="question without an answer")
    with as_bad_row():
        return KnowledgeQuestion(
            id=id_,
            community=community,
            language=language,
            texts={language: text},
            answers=(AcceptedAnswer({language: (answer,)}),),
            topic=topic,
        )
