"""CSV files of the World and European Values Surveys, with one row for each respondent.

Names of columns were checked for wave 7 against its CSV, for ``S017`` against the archive's paper
on weights, and for ``cntry_AN`` and ``gwght`` against published code that reads the joint EVS/WVS
file. The others were not checked; settings can name both columns.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pluralign.core import CONSENT_COLUMNS, FloatArray, InvalidInput, is_missing, tidy
from pluralign.sources.delimited import CsvFormat, csv_format, lines_from_header
from pluralign.sources.limits import ReadLimits
from pluralign.sources.typed_cells import THOUSANDS, listed_columns

COUNTRY_COLUMNS = (
    *("B_COUNTRY_ALPHA", "COUNTRY_ALPHA", "cntry_AN", "c_abrv"),
    *("S003", "B_COUNTRY", "cntry", "country", "V2"),
)
"""Columns with the country, the clearest first: letters before ISO 3166-1 numbers."""

WEIGHT_COLUMNS = ("W_WEIGHT", "S017", "gwght", "gweight")
"""Columns with the weights by which a country's respondents represent its people."""

_FAMILIES = {
    r"Q\d+[A-Z]?": "Q-numbers: World Values Survey wave 7",
    r"V\d+[A-Z]?": "V-numbers: World Values Survey wave 5 or 6",
    r"[A-G]\d{3}[A-Z_0-9]*": "letters with three digits: the time series, EVS/WVS or IVS",
    r"v\d+[a-z]?": "v-numbers: European Values Study",
}


@dataclass(frozen=True, slots=True)
class Microdata:
    """A CSV of respondents with its columns.

    Attributes:
        path: The file.
        header: Its columns.
        header_lines: Lines before the first respondent.
        form: Its format.
        country: The column with the country.
        weight: The column with the weight; None where each respondent counts once.
    """

    path: Path
    header: tuple[str, ...]
    header_lines: int
    form: CsvFormat
    country: str
    weight: str | None

    @property
    def consent(self) -> tuple[str, ...]:
        """Columns about the respondent's consent; see `pluralign.core.consent_problem`."""
        return tuple(name for name in self.header if name.casefold() in CONSENT_COLUMNS)

    def batches(self, questions: Sequence[str]) -> Iterator[Any]:
        """Stream the columns needed, as text; bounded memory.

        Raises:
            InvalidInput: If a question has no column, or the file is damaged.
        """
        import pyarrow
        from pyarrow import csv as arrow_csv

        self._require(questions)
        columns = [self.country, *([self.weight] if self.weight else []), *self.consent, *questions]
        reading = arrow_csv.ReadOptions(
            column_names=list(self.header),
            skip_rows=self.header_lines,
            encoding="utf8" if self.form.encoding == "utf-8-sig" else self.form.encoding,
        )
        converting = arrow_csv.ConvertOptions(
            include_columns=list(dict.fromkeys(columns)),
            column_types=dict.fromkeys(columns, pyarrow.string()),
            strings_can_be_null=False,
        )
        parsing = arrow_csv.ParseOptions(delimiter=self.form.delimiter, newlines_in_values=True)
        try:
            with arrow_csv.open_csv(self.path, reading, parsing, converting) as reader:
                yield from reader
        except pyarrow.ArrowInvalid as error:
            if "Empty CSV file" not in str(error):
                raise InvalidInput(
                    f"not a CSV of respondents: {error!s:.200}", where=str(self.path)
                ) from error

    def _require(self, questions: Sequence[str]) -> None:
        missing = [question for question in questions if question not in self.header]
        if missing:
            raise InvalidInput(
                f"no column for {len(missing)} of {len(questions)} questions: "
                f"{listed_columns(missing)}",
                where=str(self.path),
                hint=f"the file has {_family(self.header)}; the Q_id of questions.json must be its "
                f"column names, such as {listed_columns(self.header[-5:])}",
            )


def open_microdata(
    path: Path, country: str | None, weight: str | None, *, weighted: bool
) -> Microdata:
    """Find the format of a CSV of respondents and its columns of country and weight.

    Args:
        path: The file.
        country: The column with the country; the first of `COUNTRY_COLUMNS` that the file has where
            None.
        weight: The column with the weight; the first of `WEIGHT_COLUMNS` that the file has where
            None.
        weighted: Whether weights are used at all.

    Raises:
        InvalidInput: If there is no such file or column.
    """
    if not path.is_file():
        raise InvalidInput(
            "no such file",
            where=str(path),
            hint="download the CSV from the survey and name it here",
        )
    limits = ReadLimits.from_environment()
    form = csv_format(path, limits)
    header, header_lines = _header(path, form, limits)
    found = _column(path, header, "country", country, COUNTRY_COLUMNS)
    weights = _column(path, header, "weight", weight, WEIGHT_COLUMNS) if weighted else None
    return Microdata(
        path=path,
        header=header,
        header_lines=header_lines,
        form=form,
        country=found,
        weight=weights,
    )


def numbers_in(column: Any, name: str, data: Microdata) -> FloatArray:
    """The numbers of a column of text, shape (N,); a decimal comma is a point.

    NaN where the cell is empty or marks a missing value, see `pluralign.core.is_missing`.

    Raises:
        InvalidInput: If a cell is not a number, or like "1,234" in a file that does not have
            semicolons between cells: it may be 1.234 or 1234.
    """
    import numpy as np
    import pyarrow
    import pyarrow.compute as pc

    text = pc.utf8_trim_whitespace(column)
    if data.form.delimiter != ";":
        _refuse_thousands(text, name, data.path)
    missing = [cell for cell in pc.unique(text).to_pylist() if is_missing(cell)]
    is_null = pc.is_in(text, pyarrow.array(missing, pyarrow.string()))
    text = pc.if_else(is_null, pyarrow.scalar(None, pyarrow.string()), text)
    text = pc.replace_substring(text, ",", ".")
    try:
        return np.asarray(
            pc.cast(text, pyarrow.float64()).to_numpy(zero_copy_only=False), dtype=float
        )
    except pyarrow.ArrowInvalid as error:
        raise InvalidInput(
            f"{name} must be numbers, got {_first_other(pc.unique(text).to_pylist())!r:.60}",
            where=str(data.path),
            hint="write numbers; for answers their codes (1, 2, ...), not their labels",
        ) from error


def _first_other(cells: Sequence[str | None]) -> str | None:
    """The first of these texts that is not a number."""
    for cell in cells:
        try:
            float(cell or 0)
        except ValueError:
            return cell
    return None


def _refuse_thousands(text: Any, name: str, path: Path) -> None:
    import pyarrow.compute as pc

    doubtful = pc.filter(text, pc.match_substring_regex(text, THOUSANDS))
    if len(doubtful):
        raise InvalidInput(
            f"{name} must be numbers, got {doubtful[0].as_py()[:40]!r}, which may be a decimal "
            "comma or thousands",
            where=str(path),
            hint="write the numbers with a decimal point, or put semicolons between the cells",
        )


def country_label(cell: str) -> str:
    """A cell of the country column as a label; ISO 3166-1 numbers become letters.

    >>> country_label(" 484.0"), country_label("NIR "), country_label("909"), country_label("7")
    ('MEX', 'NIR', 'NIR', '7')
    """
    import pycountry

    text = tidy(cell)
    digits = text.removesuffix(".0")
    if not (digits.isascii() and digits.isdecimal()):
        return text
    if digits == "909":  # Northern Ireland's number in these surveys
        return "NIR"
    entry = pycountry.countries.get(numeric=digits.zfill(3))
    return entry.alpha_3 if entry else digits


def _header(path: Path, form: CsvFormat, limits: ReadLimits) -> tuple[tuple[str, ...], int]:
    """The columns, and the number of lines up to the first respondent: a name may have several."""
    reader = csv.reader(lines_from_header(path, form, limits), delimiter=form.delimiter)
    cells = next(reader, [])
    header = tuple(tidy(cell) or f"column {number}" for number, cell in enumerate(cells, start=1))
    return header, form.lines_before_header + reader.line_num


def _column(
    path: Path, header: Sequence[str], what: str, given: str | None, usual: Sequence[str]
) -> str:
    found = next((name for name in ((given,) if given else usual) if name in header), None)
    if found is not None:
        return found
    without = "; weighted = false counts each respondent once" if what == "weight" else ""
    raise InvalidInput(
        f"missing column {given or ' or '.join(usual)}; found: {listed_columns(header)}",
        where=str(path),
        hint=f'name the column with the {what}: {what} = "..."{without}',
    )


def _family(header: Sequence[str]) -> str:
    counts = {}
    for form, words in _FAMILIES.items():
        counts[words] = len([name for name in header if re.fullmatch(form, name)])
    best = max(counts, key=lambda words: counts[words])
    return best if counts[best] else "columns of no layout known here"
