"""Parts that the sources of knowledge questions share: placed questions, regions and counts."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from pluralign.core import (
    InvalidInput,
    InvalidQuestion,
    KnowledgeQuestion,
    KnowledgeTest,
    NotEnoughData,
    Tally,
    in_one_order,
    tidy,
)
from pluralign.sources.community_labels import community_id, required_community
from pluralign.sources.row_files import RowPolicy, file_kind
from pluralign.sources.typed_cells import BadRow


@dataclass(frozen=True, slots=True)
class PlacedQuestion:
    """A question with its place in the data.

    Attributes:
        question: The question.
        where: File and line.
    """

    question: KnowledgeQuestion
    where: str


@runtime_checkable
class KnowledgeSource(Protocol):
    """A source of knowledge questions."""

    @property
    def name(self) -> str:
        """Short name of the test."""
        ...

    @property
    def license(self) -> str | None:
        """Its licence or terms; None where not stated."""
        ...

    @property
    def skip_bad(self) -> bool:
        """Whether rows that cannot be read are dropped and counted."""
        ...

    def questions(self, policy: RowPolicy) -> Iterator[PlacedQuestion]:
        """Stream the questions; ``policy`` counts the rows and decides about bad ones."""
        ...


def read_knowledge(source: KnowledgeSource, tally: Tally | None = None) -> KnowledgeTest:
    """Read all questions of a source.

    Raises:
        InvalidInput: If a question cannot be read, or two of one community have the same id; both
            places are in the message.
        NotEnoughData: If no question is left; the hint has the reasons.
    """
    tally = tally if tally is not None else Tally()
    placed = list(source.questions(RowPolicy(tally, source.skip_bad)))
    if not placed:
        raise NotEnoughData("no questions are left", where=source.name, hint=tally.why() or None)
    _check_ids(placed)
    return KnowledgeTest(source.name, tuple(one.question for one in placed), source.license)


def files_of(path: Path, kinds: tuple[str, ...]) -> list[Path]:
    """The file, or the files of these kinds in a folder, in the order of their names.

    Raises:
        InvalidInput: If a folder has no file of these kinds.
    """
    if not path.is_dir():
        return [path]
    found = in_one_order(file for file in path.iterdir() if file_kind(file) in kinds)
    if not found:
        raise InvalidInput(
            f"the folder has no {' or '.join(f'.{kind}' for kind in kinds)} files",
            where=str(path),
            hint="give the folder with the files of the test",
        )
    return found


def region_id(label: str) -> str:
    """Id of the community that a label names; regions may be written in capitals.

    Raises:
        BadRow: If the label names no community.

    >>> region_id("Iran"), region_id("IND/AS"), region_id("nga/North")
    ('IRN', 'IND/as', 'NGA/north')
    """
    country, slash, region = tidy(label).partition("/")
    if slash and community_id(country.upper()) is None:
        raise BadRow(
            f"the region {label!r:.60} is of no country: {country!r:.40} is not the code of one",
            reason="region of no country",
            hint="write the code of its country first, such as MEX/oaxaca, IND/as or NGA/north",
        )
    return required_community(country.upper() + slash + region.lower() if slash else label)


def cleaned(variants: Iterable[str], tally: Tally) -> tuple[str, ...]:
    """Different texts without blanks around them; empty ones are counted.

    >>> cleaned(["tea ", "tea", ""], Tally())
    ('tea',)
    """
    found: dict[str, None] = {}  # a set that keeps its order
    for variant in map(tidy, variants):
        if not variant:
            tally.leave_out("empty variant of an answer")
        else:
            found[variant] = None
    return tuple(found)


def count_in(row: Mapping[str, object], name: str, what: str, least: int = 0) -> int:
    """A whole number of people.

    Args:
        row: The table with the number.
        name: Its key.
        what: The thing counted, for the message.
        least: The least number allowed.

    Raises:
        BadRow: If it is missing, not a whole number or too small.
    """
    value = row.get(name)
    if value is None:
        raise BadRow(
            f"{what}: the number of people ({name!r}) is missing",
            reason="answers without counts",
            hint="give the number of people who gave the answer",
        )
    if value == 0 and least and not isinstance(value, bool):
        raise BadRow(
            f"{what}: {name!r} must be a whole number >= {least}, got 0",
            reason="zero people",
            hint="leave out answers that nobody gave, and questions that nobody was asked",
        )
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise BadRow(
            f"{what}: {name!r} must be a whole number >= {least}, got {value!r:.40}",
            reason="count of people is not valid",
            hint="write a number without quotation marks" if isinstance(value, str) else None,
        )
    return value


@contextmanager
def as_bad_row() -> Iterator[None]:
    """Turn a question that is not valid into a bad row, so that its file and line are reported.

    Raises:
        BadRow: Instead of `pluralign.core.InvalidQuestion`.
    """
    try:
        yield
    except InvalidQuestion as error:
        what = f"{error.where}: {error.what}" if error.where else error.what
        raise BadRow(what, reason=error.reason, hint=error.hint) from error


def _check_ids(placed: list[PlacedQuestion]) -> None:
    seen: dict[tuple[str, str], str] = {}
    for one in placed:
        key = (one.question.id, one.question.community)
        if key in seen:
            raise InvalidInput(
                f"the id {one.question.id!r} is given twice for {one.question.community}; the "
                f"first is at {seen[key]}",
                where=one.where,
                hint="give each question of a community an id of its own",
            )
        seen[key] = one.where
