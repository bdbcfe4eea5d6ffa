"""The source that reads a file with a test of knowledge."""

from itertools import islice
from pathlib import Path

from pluralign.core import InvalidInput, Tally
from pluralign.sources.knowledge_blend import REGIONS, BlendKnowledge
from pluralign.sources.knowledge_choices import MultipleChoice
from pluralign.sources.knowledge_reading import KnowledgeSource
from pluralign.sources.knowledge_written import WrittenKnowledge
from pluralign.sources.row_files import RowPolicy, file_stem, read_rows


def recognise_knowledge(
    path: Path, community: str | None = None, language: str | None = None, first: int = 1
) -> KnowledgeSource:
    """Find the source for a file: a written test, counted answers of BLEnD, or multiple choice.

    Args:
        path: A TOML file, a folder of BLEnD, or a table.
        community: Its community, where the file does not name it.
        language: Tag of its local language, where the file does not name it.
        first: Number of the first option in the answer key of multiple-choice questions.

    Raises:
        InvalidInput: If the community or the language is needed and not given, or the file cannot
            be read.
    """
    if path.suffix == ".toml":
        return WrittenKnowledge(path)
    if path.is_dir() or _has_counts(path):
        return BlendKnowledge(path, community, language)
    if community is None or language is None:
        raise InvalidInput(
            "a table of questions with options does not name its community and language",
            where=str(path),
            hint="give both, such as --community IRN --language fa",
        )
    return MultipleChoice(path, community, language, first)


def _has_counts(path: Path) -> bool:
    """Whether the first rows have the counted answers of BLEnD."""
    if file_stem(path) in REGIONS:
        return True
    rows = islice(read_rows(path, RowPolicy(Tally(), skip_bad=True)), 5)
    return any("annotations" in row for _, row in rows)
