"""The source that reads a file with a test of knowledge."""

from itertools import islice
from pathlib import Path

from pluralign.core import InvalidInput, Tally, in_one_order
from pluralign.sources.knowledge_blend import REGIONS, BlendKnowledge
from pluralign.sources.knowledge_choices import MultipleChoice
from pluralign.sources.knowledge_click import COLUMNS as CLICK_COLUMNS
from pluralign.sources.knowledge_click import ClickKnowledge
from pluralign.sources.knowledge_indicquest import COLUMNS as INDICQUEST_COLUMNS
from pluralign.sources.knowledge_indicquest import IndicQuestKnowledge
from pluralign.sources.knowledge_kobbq import SAMPLE_COLUMNS, SURVEY_COLUMNS, KobbqKnowledge
from pluralign.sources.knowledge_reading import KnowledgeSource
from pluralign.sources.knowledge_written import WrittenKnowledge, written_tests
from pluralign.sources.row_files import RowPolicy, file_kind, file_stem, read_rows

_FIRST_ROWS = 5


def recognise_knowledge(
    path: Path,
    community: str | None = None,
    language: str | None = None,
    first: int = 1,
    *,
    skip_bad: bool = False,
) -> KnowledgeSource:
    """Find the source for a file: a written test, a published set, or multiple choice.

    Published sets (BLEnD, KoBBQ, CLIcK, IndicQuest) are found by their columns, and by names of
    regions.

    Args:
        path: A TOML file, a table, or a folder of TOML files or of tables.
        community: Its community, where the file does not name it.
        language: Tag of its local language, where the file does not name it.
        first: Number of the first option in the answer key of multiple-choice questions.
        skip_bad: Whether rows that cannot be read are dropped and counted.

    Raises:
        InvalidInput: If the community or the language is needed and not given, or the file cannot
            be read.
    """
    if path.suffix == ".toml" or (path.is_dir() and written_tests(path)):
        return WrittenKnowledge(path, skip_bad)
    columns = _columns(path)
    published = _published(path, columns, community, language, skip_bad)
    if published is not None:
        return published
    if community is None or language is None:
        raise InvalidInput(
            "a table of questions with options does not name its community and language",
            where=str(path),
            hint="give one of each: --community IRN --language fa (in a file of settings: "
            "test.community and test.language)",
        )
    return MultipleChoice(path, community, language, first, skip_bad=skip_bad)


def _published(
    path: Path, columns: set[str], community: str | None, language: str | None, skip_bad: bool
) -> KnowledgeSource | None:
    """The source of a published set; None for another table."""
    if columns.issuperset(SAMPLE_COLUMNS) or columns.issuperset(SURVEY_COLUMNS):
        return KobbqKnowledge(path, skip_bad)
    if columns.issuperset(CLICK_COLUMNS):
        return ClickKnowledge(path, skip_bad=skip_bad)
    if columns.issuperset(INDICQUEST_COLUMNS):
        return IndicQuestKnowledge(path, community or "IND", language, skip_bad=skip_bad)
    if file_stem(path) in REGIONS or "annotations" in columns or path.is_dir():
        return BlendKnowledge(path, community, language, skip_bad)
    return None


def _columns(path: Path) -> set[str]:
    """Columns of the first rows of a file, or of the first table in a folder."""
    file = path
    if path.is_dir():
        tables = in_one_order(found for found in path.iterdir() if file_kind(found) is not None)
        if not tables:
            return set()
        file = tables[0]
    rows = islice(read_rows(file, RowPolicy(Tally(), skip_bad=True)), _FIRST_ROWS)
    return {column for _, row in rows for column in row}
