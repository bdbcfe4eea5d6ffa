"""Multiple-choice questions on common knowledge, from JSON Lines, JSON, CSV and Parquet files."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pluralign.core import (
    AcceptedAnswer,
    KnowledgeQuestion,
    Tally,
    is_missing,
    quoted,
    text_digest,
    tidy,
)
from pluralign.sources.knowledge_reading import PlacedQuestion, as_bad_row, region_id
from pluralign.sources.literals import literal
from pluralign.sources.row_files import RowPolicy, location, read_rows, refused_at
from pluralign.sources.typed_cells import (
    BadRow,
    Row,
    near_columns,
    optional_id,
    optional_text,
    text_of,
)

_OPTION_COLUMNS = ("candidates", "choices", "options")
_TOPIC_COLUMNS = ("topic", "category", "domain")
_NUMBERED = re.compile(r"(?:option|choice|candidate)?[ _-]?([a-h]|[0-8])", re.IGNORECASE)
_LABELS = ("abcdefgh", "12345678", "012345678")
"""Labels of columns of options, in order."""
_LETTERS = ("abcdefgh", "ابجدهوزح", "абвгдежз", "αβγδεζηθ")
"""Letters that label options, in order: Latin, Arabic and Persian (abjad), Cyrillic, Greek."""
_FIRST_LETTER = {"أ": "ا", "آ": "ا", "الف": "ا"}
"""Other ways to write the first letter."""
_AROUND = " .:)(]["
_WHOLE = re.compile(r"(\d+)\.0+")
"""A whole number as spreadsheets write it where a column has an empty cell: 1.0."""


@dataclass(frozen=True)
class MultipleChoice:
    """Questions with candidates and the right one of them, as in ParsiNLU (arXiv 2012.06154).

    A row has the columns ``question``; ``candidates``, ``choices`` or ``options`` with a list (or
    one column for each option, such as ``A``, ``B``, ``C`` or ``option 1``, ``option 2``); and
    ``answer``: the number of the option in digits of any script, its letter (A, ب), or its text.
    ``id`` and ``topic`` (or ``category``) are optional. Empty options at the end are left out.
    How many people chose each option is not known.

    Attributes:
        path: The file.
        community: Community whose knowledge is asked, such as IRN.
        language: BCP 47 tag of its language, such as fa.
        first: Number of the first option in ``answer``, 1 or 0.
        license: Licence or terms of the data; not stated unless given.
        skip_bad: Drop and count rows that cannot be read, instead of stopping at the first.
    """

    name: ClassVar[str] = "multiple_choice"
    about: ClassVar[str] = "questions with candidates and the right one, in one language"

    path: Path
    community: str
    language: str
    first: int = 1
    license: str | None = None
    skip_bad: bool = False

    def questions(self, policy: RowPolicy) -> Iterator[PlacedQuestion]:
        """Stream the questions.

        Raises:
            InvalidInput: If a row cannot be read, or the community is not known.
        """
        with refused_at(self.path, 1):
            community = region_id(self.community)
        for number, row in read_rows(self.path, policy):
            place = location(self.path, number)
            try:
                placed = self._placed(row, community, place, policy.tally)
            except BadRow as bad:
                policy.refuse(bad, place)
            else:
                policy.tally.kept += 1
                yield placed

    def _placed(self, row: Row, community: str, place: str, tally: Tally) -> PlacedQuestion:
        text = tidy(text_of(row, "question"))
        options = options_of(row, tally, self.first)
        right = option_named(row.get("answer"), options, self.first)
        id_ = optional_id(row, "id") or text_digest("\x1f".join((text, *options)))[:12]
        with as_bad_row():
            question = KnowledgeQuestion(
                id=id_,
                community=community,
                language=self.language,
                texts={self.language: text},
                answers=(AcceptedAnswer({self.language: (options[right],)}),),
                options={self.language: options},
                topic=_topic(row),
            )
        return PlacedQuestion(question, place)


def option_named(answer: object, options: Sequence[str], first: int = 1) -> int:
    """The index of the option that an answer key names: by its number, letter or text.

    Args:
        answer: A number, or the text of a number in any script (2 or 2.0), of a letter, or of an
            option.
        options: The options.
        first: Number of the first option.

    Returns:
        Index from 0.

    Raises:
        BadRow: If it names no option, or may be a number as well as the text of another option.

    >>> options = ("تهران", "شیراز", "تبریز", "اصفهان")
    >>> [option_named(key, options) for key in (2, "2.0", "۲", "٢", "B", "(ب)", "شیراز")]
    [1, 1, 1, 1, 1, 1, 1]
    """
    if is_missing(answer) or isinstance(answer, bool) or not isinstance(answer, int | float | str):
        raise BadRow(
            f"'answer' must name one of {len(options)} options, got {answer!r:.40}",
            reason="answer is missing",
        )
    if isinstance(answer, float):
        answer = f"{answer:g}"
    key = tidy(str(answer))
    by_text = {option: index for index, option in enumerate(options)}.get(key)
    whole = _WHOLE.fullmatch(key)
    number = whole[1] if whole else key
    by_number = _numbered(number, len(options), first)
    if by_text is not None and by_number is not None and by_text != by_number:
        raise BadRow(
            f"'answer' {key!r} is the number of an option and the text of another one",
            reason="answer is ambiguous",
            hint="write the letter of the option (A, B, C)",
        )
    found = by_number if by_text is None else by_text
    if found is None:
        raise BadRow(
            f"'answer' {quoted(key):.60} is not among the {len(options)} options",
            reason="answer is not among the options",
            hint=_remedy(number, options, first),
        )
    return found


def _numbered(key: str, n_options: int, first: int) -> int | None:
    """Index of the option with this number or letter; None where it is neither, or too large."""
    bare = unicodedata.normalize("NFKC", key).strip(_AROUND).casefold()
    bare = _FIRST_LETTER.get(bare, bare)
    if bare.isdecimal():
        index = int(bare) - first
        return index if 0 <= index < n_options else None
    if len(bare) == 1:
        for letters in _LETTERS:
            if bare in letters[:n_options]:
                return letters.index(bare)
    return None


def _remedy(key: str, options: Sequence[str], first: int) -> str:
    if key.isdecimal() and int(key) == 0 and first:
        return "if the options are numbered from 0, set first = 0"
    if key.isdecimal():
        return f"the options are numbered {first} to {first + len(options) - 1}"
    return f"the options are: {', '.join(options)[:200]}"


def option_written(answer: str, options: Sequence[str], column: str = "answer") -> int:
    """The index of the option whose text an answer repeats.

    Args:
        answer: The text.
        options: The options.
        column: Name of its column, for the message.

    Raises:
        BadRow: If it is not among them.
    """
    key = tidy(answer)
    if key not in options:
        raise BadRow(
            f"{column!r} {quoted(key):.60} is not among the {len(options)} options",
            reason=f"{column} is not among the options",
            hint=f"the options are: {', '.join(options)[:200]}",
        )
    return options.index(key)


def options_of(row: Row, tally: Tally, first: int = 1) -> tuple[str, ...]:
    """The options of a row: a list under a known name, or in columns of their own.

    Args:
        row: The row.
        tally: Counts empty options at the end, which are left out.
        first: Number of the first option, where columns are numbered.

    Raises:
        BadRow: If there are fewer than two, or one before the last is empty.
    """
    given = [row[column] for column in _OPTION_COLUMNS if not is_missing(row.get(column))]
    values = _listed(given[0]) if given else _in_columns(row, first)
    options = tuple(tidy(str(value)) for value in values)
    while options and not options[-1]:
        options = options[:-1]
        tally.leave_out("empty option at the end")
    if len(options) < 2 or not all(options):
        raise BadRow(
            f"a question must have two or more options with a text, got {list(options)!r:.100}",
            reason="fewer than two options, or an empty one",
        )
    return options


def _listed(value: object) -> list[object]:
    """The options of a list, of a list written as JSON or Python, or of a text with bars."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        value = literal(value, "options", "[]")
    if isinstance(value, str):
        value = value.split("|")
    if not isinstance(value, list) or not all(isinstance(v, str | int | float) for v in value):
        raise BadRow(
            "the options must be a list of texts",
            reason="options are not a list",
            hint='write ["tea", "coffee"], or tea|coffee in a cell of a CSV file',
        )
    return value


def _in_columns(row: Row, first: int) -> list[object]:
    found: dict[str, object] = {}
    for column, value in row.items():
        label = _NUMBERED.fullmatch(column.strip())
        if label:
            found[label[1].casefold()] = "" if is_missing(value) else value
    if not found:
        near = [name for wanted in _OPTION_COLUMNS for name in near_columns(wanted, row)]
        raise BadRow(
            "a row must have its options in 'candidates', or in columns A, B, C, ...",
            reason="missing options",
            hint=f"is {near[0]!r} meant as 'candidates'?" if near else None,
        )
    labels = next((labels for labels in _LABELS if found.keys() <= set(labels)), None)
    if labels is None:
        raise BadRow(
            f"options must be in columns of letters or of numbers, got {', '.join(sorted(found))}",
            reason="options in columns of letters and of numbers",
        )
    if "0" in found and first:
        raise BadRow(
            "the columns of options are numbered from 0, but the answer key from 1",
            reason="options are numbered from 0",
            hint="set first = 0 (--first 0), or name the columns A, B, C",
            whole_file=True,
        )
    # An option that is empty or not in the row keeps its place, so that the answer key names the
    # right one.
    return [found.get(label, "") for label in labels[: labels.index(max(found)) + 1]]


def _topic(row: Row) -> str:
    for column in _TOPIC_COLUMNS:
        topic = optional_text(row, column)
        if topic:
            return tidy(topic)
    return ""
