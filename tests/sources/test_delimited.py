"""One reader for every CSV: delimiters, encodings, line ends and what Excel adds."""

import codecs
import csv
import gzip
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pluralign.core import InvalidInput, Tally
from pluralign.sources.row_files import RowPolicy, read_rows
from pluralign.sources.typed_cells import BadRow, optional_number, require_columns

MARKS = {
    "utf-8": b"",
    "utf-8-sig": b"",
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
}
NAMES = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=8)
CELLS = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)


def rows_of(path: Path, tally: Tally | None = None) -> list[dict[str, object]]:
    return [dict(row) for _, row in read_rows(path, RowPolicy(tally or Tally()))]


def write(folder: Path, content: bytes, name: str = "a.csv") -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return path


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_table_reads_back_with_every_delimiter_encoding_and_line_end(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    header = data.draw(st.lists(NAMES, min_size=2, max_size=5, unique=True))
    row = st.lists(CELLS, min_size=len(header), max_size=len(header)).filter(
        lambda cells: any(map(str.strip, cells))
    )
    rows = data.draw(st.lists(row, min_size=1, max_size=5))
    delimiter, end = (
        data.draw(st.sampled_from(",;\t|")),
        data.draw(st.sampled_from(["\n", "\r", "\r\n"])),
    )
    encoding = data.draw(st.sampled_from(sorted(MARKS)))
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
    if data.draw(st.booleans()):
        text.write(f"sep={delimiter}{end}")
    writer.writerows([header, *rows])
    name = data.draw(st.sampled_from(["a.csv", "a.csv.gz", "a.tsv", "a.txt"]))
    content = MARKS[encoding] + text.getvalue().encode(encoding)
    path = write(tmp_path_factory.mktemp("table"), content, name)
    assert rows_of(path) == [dict(zip(header, cells, strict=True)) for cells in rows]


def test_the_delimiter_is_the_one_that_fits_the_rows_not_the_commonest_in_the_header(
    tmp_path: Path,
) -> None:
    path = write(tmp_path, b"Yes, no, or maybe;id\na;1\nb, c;2\n")
    assert rows_of(path) == [
        {"Yes, no, or maybe": "a", "id": "1"},
        {"Yes, no, or maybe": "b, c", "id": "2"},
    ]


def test_trailing_delimiters_blank_headers_and_blanks_around_names_do_no_harm(
    tmp_path: Path,
) -> None:
    tally = Tally()
    path = write(tmp_path, b"\n, a ,b,\n0,1,2,\n,,,\n1,3,4\n")
    assert rows_of(path, tally) == [
        {"column 1": "0", "a": "1", "b": "2"},
        {"column 1": "1", "a": "3", "b": "4"},
    ]
    assert (tally.read, tally.notes["blank line"]) == (2, 1)


def test_a_legacy_encoding_is_named_with_its_line_and_the_cure_never_read_as_something_else(
    tmp_path: Path,
) -> None:
    path = write(tmp_path, "a,b\n1,2\ncafé,1\n".encode("cp1252"))
    with pytest.raises(
        InvalidInput, match=r"a\.csv:3: .*UTF-8, got the byte 0xe9.*'café,1'"
    ) as caught:
        rows_of(path)
    assert "iconv -f WINDOWS-1252 -t UTF-8" in str(caught.value.hint)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_named(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(InvalidInput, match=r"UTF-16(LE|BE) without one"):
        rows_of(write(tmp_path, "a,b\n1,2\n".encode(encoding)))


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("a.csv.zip", "unpack it"),
        ("a.csv.zst", "unpack it"),
        ("a.xlsx", "CSV UTF-8"),
        ("a", "give"),
    ],
)
def test_a_file_of_another_kind_is_refused_with_what_to_do(
    tmp_path: Path, name: str, hint: str
) -> None:
    with pytest.raises(InvalidInput, match=f"(?s){hint}.*one of: .jsonl, .*.csv, .*.parquet"):
        rows_of(write(tmp_path, b"a,b\n1,2\n", name))


def test_a_header_of_800_columns_is_cut_in_messages() -> None:
    with pytest.raises(BadRow) as caught:
        require_columns({f"Q{n}": 1 for n in range(800)}, ("country",))
    assert len(caught.value.what) < 250
    assert "and 780 more" in caught.value.what


@pytest.mark.parametrize(
    ("text", "value"),
    [("0,943", 0.943), (" 1.5 ", 1.5), ("-12,5", -12.5), (3, 3.0), ("1e-3", 0.001), ("", None)],
)
def test_a_number_may_have_a_decimal_comma(text: object, value: float | None) -> None:
    assert optional_number({"w": text}, "w") == value


@pytest.mark.parametrize("text", ["1,234", "1.234,5", "inf", True, "1,2,3", "a"])
def test_a_cell_that_is_not_a_number_or_may_be_two_is_refused(text: object) -> None:
    with pytest.raises(BadRow):
        optional_number({"w": text}, "w")


def test_between_semicolons_a_comma_is_a_decimal_comma(tmp_path: Path) -> None:
    ((_, row),) = read_rows(write(tmp_path, b"w;t\n1,234;a, b\n"), RowPolicy(Tally()))
    assert (optional_number(row, "w"), row["t"]) == (1.234, "a, b")
    ((_, row),) = read_rows(write(tmp_path, b'w,t\n"1,234",a\n'), RowPolicy(Tally()))
    with pytest.raises(BadRow, match="'1,234' may be a decimal comma or thousands"):
        optional_number(row, "w")


@pytest.mark.parametrize(
    "header",
    ["\ufeffprompt,answer", "prompt,\ufeffanswer", '\ufeff\ufeff"prompt",\u200banswer\u00a0'],
)
def test_a_byte_order_mark_anywhere_in_the_header_is_no_part_of_a_name(
    tmp_path: Path, header: str
) -> None:
    path = write(tmp_path, f"{header}\nQ,A\n".encode())
    assert rows_of(path) == [{"prompt": "Q", "answer": "A"}]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(
    "text", ["question,answer\nQ,A\n", "質問,答え\n一,二\n", "سؤال;جواب\nا;ب\n"]
)
def test_utf16_without_a_mark_is_named_in_any_script(
    tmp_path: Path, text: str, encoding: str
) -> None:
    with pytest.raises(
        InvalidInput, match=encoding.replace("-", "").upper().replace("UTF16", "UTF-16")
    ):
        rows_of(write(tmp_path, text.encode(encoding)))
