"""BLEnD: everyday questions with the counted answers of people in many regions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pluralign.core import AcceptedAnswer, InvalidInput, KnowledgeQuestion, Tally, is_missing, tidy
from pluralign.sources.knowledge_reading import (
    PlacedQuestion,
    as_bad_row,
    cleaned,
    count_in,
    files_of,
    region_id,
)
from pluralign.sources.row_files import (
    RowPolicy,
    file_stem,
    location,
    read_rows,
    refused_at,
)
from pluralign.sources.typed_cells import BadRow, Row, UnusableRow, id_of, optional_text

REGIONS: Mapping[str, tuple[str, str]] = {
    "US": ("USA", "en"),
    "UK": ("GBR", "en"),
    "Mexico": ("MEX", "es"),
    "Spain": ("ESP", "es"),
    "China": ("CHN", "zh"),
    "Iran": ("IRN", "fa"),
    "Indonesia": ("IDN", "id"),
    "West_Java": ("IDN/jb", "su"),
    "Ethiopia": ("ETH", "am"),
    "Northern_Nigeria": ("NGA/north", "ha"),
    "Greece": ("GRC", "el"),
    "Algeria": ("DZA", "ar"),
    "Azerbaijan": ("AZE", "az"),
    "Assam": ("IND/as", "as"),
    "South_Korea": ("KOR", "ko"),
    "North_Korea": ("PRK", "ko"),
}
"""Name of each file of BLEnD -> its community and its local language."""

_KINDS = ("jsonl",)


@dataclass(frozen=True)
class BlendKnowledge:
    """Questions and counted answers of BLEnD (Myung et al. 2024, arXiv 2406.09948).

    The same id in two regions is the same question. English questions end in the name of the
    region. A person may give several answers, so counts may add up to more than the people asked,
    whose number is not published. Questions that nobody answered are dropped and counted.

    Attributes:
        path: A file, named after its region ("Iran.jsonl.gz"), or a folder of such files.
        community: The community, where the name of the file is not that of a region.
        language: Tag of the local language, where the name of the file is not that of a region.
        skip_bad: Drop and count rows that cannot be read, instead of stopping at the first.
    """

    name: ClassVar[str] = "blend"
    license: ClassVar[str] = "CC-BY-SA-4.0"
    about: ClassVar[str] = "BLEnD: everyday questions, with the answers of people in many regions"

    path: Path
    community: str | None = None
    language: str | None = None
    skip_bad: bool = False

    def questions(self, policy: RowPolicy) -> Iterator[PlacedQuestion]:
        """Stream the questions of all files, in the order of their names.

        Raises:
            InvalidInput: If a row cannot be read, or a file is not named after a region.
        """
        for file in files_of(self.path, _KINDS):
            community, language = self._region(file)
            for number, row in read_rows(file, policy, kinds=_KINDS):
                place = location(file, number)
                try:
                    question = _question(row, community, language, policy.tally)
                except UnusableRow as reason:
                    policy.tally.drop(str(reason))
                except BadRow as bad:
                    policy.refuse(bad, place)
                else:
                    policy.tally.kept += 1
                    yield PlacedQuestion(question, place)

    def _region(self, file: Path) -> tuple[str, str]:
        stem = file_stem(file)
        known = REGIONS.get(stem.replace(" ", "_"))
        community, language = known or (None, None)
        community, language = community or self.community, language or self.language
        if community is None or language is None:
            raise InvalidInput(
                f"{stem!r} must be the name of a region of BLEnD: {', '.join(REGIONS)}",
                where=str(file),
                hint="name the file after its region, or give community and language",
            )
        with refused_at(file, 1):
            return region_id(community), language


def _question(row: Row, community: str, language: str, tally: Tally) -> KnowledgeQuestion:
    id_ = id_of(row, "id")
    answers = _answers(row, language, tally)
    if not answers:
        raise UnusableRow("nobody gave an answer")
    with as_bad_row():
        return KnowledgeQuestion(
            id=id_,
            community=community,
            language=language,
            texts=_texts(row, language, tally),
            answers=answers,
            topic=optional_text(row, "topic") or "",
            unanswered=_unanswered(row),
        )


def _texts(row: Row, language: str, tally: Tally) -> dict[str, str]:
    """The wording in both languages; of a region that speaks English, the English one."""
    texts = {}
    for tag, column in ((language, "question"), ("en", "en_question")):
        text = tidy(str(row.get(column) or ""))
        if text:
            texts[tag] = text
        else:
            tally.leave_out(f"empty text in column {column}")
    return texts


def _answers(row: Row, language: str, tally: Tally) -> tuple[AcceptedAnswer, ...]:
    annotations = row.get("annotations")
    if not isinstance(annotations, list):
        raise BadRow(
            f"'annotations' must be a list, got {type(annotations).__name__}",
            reason="annotations is not a list",
        )
    found = []
    for number, annotation in enumerate(annotations, start=1):
        what = f"answer {number}"
        if not isinstance(annotation, dict):
            raise BadRow(f"{what} must be an object", reason="answer is not an object")
        count = count_in(annotation, "count", what, least=1)
        variants = _variants(annotation, language, what, tally)
        if variants:
            found.append(AcceptedAnswer(variants, count))
        else:
            tally.leave_out("answer without a text")
    return tuple(found)


def _variants(
    annotation: Row, language: str, what: str, tally: Tally
) -> dict[str, tuple[str, ...]]:
    texts: dict[str, list[str]] = {}
    for tag, column in ((language, "answers"), ("en", "en_answers")):
        values = annotation.get(column)
        if not isinstance(values, list) or not all(isinstance(v, str) for v in values):
            raise BadRow(
                f"{what}: {column!r} must be a list of texts", reason=f"{column} is not texts"
            )
        texts.setdefault(tag, []).extend(values)
    by_tag = {tag: cleaned(values, tally) for tag, values in texts.items()}
    return {tag: values for tag, values in by_tag.items() if values}


def _unanswered(row: Row) -> dict[str, int]:
    counts = row.get("idks")
    if is_missing(counts):
        return {}
    if not isinstance(counts, dict):
        raise BadRow("'idks' must be an object of counts", reason="idks is not an object")
    return {reason: count_in(counts, reason, "people without an answer") for reason in counts}
