import gzip
import json
import tracemalloc
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pluralign.core import InvalidInput, NotEnoughData, Tally
from pluralign.sources.row_files import RowPolicy, read_rows
from pluralign.sources.seen import SeenIds
from pluralign.sources.typed_cells import BadRow, optional_id, require_columns


def rows_of(
    path: Path, tally: Tally | None = None, *, skip_bad: bool = False
) -> list[tuple[int, dict[str, object]]]:
    policy = RowPolicy(tally if tally is not None else Tally(), skip_bad)
    return [(number, dict(row)) for number, row in read_rows(path, policy)]


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.ndjson"])
def test_json_lines_come_with_their_numbers_and_blank_lines_are_noted(
    tmp_path: Path, name: str
) -> None:
    tally = Tally()
    path = write(tmp_path / name, b'\xef\xbb\xbf{"a": 1}\n\n{"a": 2}')
    assert rows_of(path, tally) == [(1, {"a": 1}), (3, {"a": 2})]
    assert (tally.read, tally.notes["blank line"]) == (2, 1)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{broken", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"a": ' + b"1" * 5000 + b"}", "not JSON"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b'{"a": "\\ud800"}', "not UTF-8"),
        (b"[1]", "not a JSON object"),
    ],
)
def test_a_broken_line_is_named_with_its_number_or_counted(
    tmp_path: Path, line: bytes, reason: str
) -> None:
    path = write(tmp_path / "a.jsonl", b'{"a": 1}\n' + line + b'\n{"a": 2}\n')
    with pytest.raises(InvalidInput) as caught:
        rows_of(path)
    assert caught.value.where == f"{path}:2"
    assert "--skip-bad" in str(caught.value.hint)
    tally = Tally()
    assert [row["a"] for _, row in rows_of(path, tally, skip_bad=True)] == [1, 2]
    assert (tally.read, tally.dropped) == (3, {reason: 1})


def test_an_escaped_emoji_is_no_half_character(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", b'{"a": "\\ud83d\\ude00"}\n')
    assert rows_of(path) == [(1, {"a": "\U0001f600"})]


def test_csv_rows_are_numbered_by_the_line_where_they_start(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.csv.gz", b'\xef\xbb\xbfid,text\r\n1,"two\nlines"\r\n2,"a ""quote"""\r\n'
    )
    assert rows_of(path) == [
        (2, {"id": "1", "text": "two\nlines"}),
        (4, {"id": "2", "text": 'a "quote"'}),
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_csv_shows_its_delimiter_in_its_header(tmp_path: Path, delimiter: str) -> None:
    path = write(tmp_path / "a.csv", f"a{delimiter}b\n1{delimiter}2\n".encode())
    assert rows_of(path) == [(2, {"a": "1", "b": "2"})]


@pytest.mark.parametrize(
    ("line", "reason"),
    [(b"1", "wrong number of cells"), (b"1,2,3", "wrong number of cells"), (b'1,"2"3', "not CSV")],
)
def test_a_bad_csv_row_is_named_or_counted(tmp_path: Path, line: bytes, reason: str) -> None:
    path = write(tmp_path / "a.csv", b"a,b\n" + line + b"\n4,5\n")
    with pytest.raises(InvalidInput, match=r"a\.csv:2"):
        rows_of(path)
    tally = Tally()
    assert rows_of(path, tally, skip_bad=True) == [(3, {"a": "4", "b": "5"})]
    assert (tally.read, tally.dropped) == (2, {reason: 1})


def test_a_quote_never_closed_is_an_error_not_one_long_row(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", b'a,b\n1,"2\n3,4\n5,6\n')
    with pytest.raises(InvalidInput, match="not CSV"):
        rows_of(path)


def test_a_csv_cell_may_be_longer_than_the_library_s_limit(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", b"a\n" + b"x" * 300_000 + b"\n")
    assert rows_of(path) == [(2, {"a": "x" * 300_000})]


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="two columns are named 'a'"):
        rows_of(write(tmp_path / "a.csv", b"a,a\n1,2\n"))


def test_parquet_rows_stream_with_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"a": list(range(3000))}), path, row_group_size=700)
    assert rows_of(path) == [(i + 1, {"a": i}) for i in range(3000)]


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.jsonl.gz"])
def test_an_empty_file_is_not_enough_data(tmp_path: Path, name: str) -> None:
    with pytest.raises(NotEnoughData, match="no rows"):
        rows_of(write(tmp_path / name, b""))


def test_a_header_alone_is_not_enough_data(tmp_path: Path) -> None:
    with pytest.raises(NotEnoughData):
        rows_of(write(tmp_path / "a.csv", b"a,b\n"))


def test_an_empty_parquet_table_is_not_enough_data(tmp_path: Path) -> None:
    pyarrow.parquet.write_table(
        pyarrow.table({"a": pyarrow.array([], pyarrow.int64())}), tmp_path / "a.parquet"
    )
    with pytest.raises(NotEnoughData):
        rows_of(tmp_path / "a.parquet")


def test_a_missing_file_names_the_one_that_was_meant(tmp_path: Path) -> None:
    write(tmp_path / "pairs.jsonl", b"{}")
    with pytest.raises(InvalidInput, match=r"did you mean 'pairs\.jsonl'"):
        rows_of(tmp_path / "pair.jsonl")


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.parquet"])
def test_a_damaged_file_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(b'{"a": 1}\n' * 1000)[:40])
    with pytest.raises(InvalidInput):
        rows_of(path)


def test_a_folder_and_an_unknown_suffix_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="a folder"):
        rows_of(tmp_path)
    with pytest.raises(InvalidInput, match=r"give one of: \.jsonl"):
        rows_of(write(tmp_path / "a.xlsx", b"x"))


def test_a_missing_column_is_reported_with_those_found_and_the_nearest() -> None:
    with pytest.raises(BadRow, match="missing column 'rejected'; found: chosen, rejcted") as caught:
        require_columns({"chosen": "a", "rejcted": "b"}, ("chosen", "rejected"))
    assert caught.value.hint == "is 'rejcted' meant as 'rejected'?"


@pytest.mark.parametrize("value", [True, 1.5, float("inf"), ["a"]])
def test_an_id_is_text_or_a_whole_number(value: object) -> None:
    assert optional_id({"id": 7}, "id") == "7"
    with pytest.raises(BadRow):
        optional_id({"id": value}, "id")


def test_many_rows_stream_in_bounded_memory(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.jsonl", b"".join(b'{"a": "%d%s"}\n' % (i, b"x" * 200) for i in range(20_000))
    )
    tracemalloc.start()
    assert sum(1 for _ in read_rows(path, RowPolicy(Tally()))) == 20_000
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


def test_an_id_is_recognised_across_chunks() -> None:
    seen = SeenIds()
    assert not any(seen.again(str(i)) for i in range(150_000))
    assert all(seen.again(str(i)) for i in range(0, 150_000, 5_000))


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.dictionaries(st.text(), st.text() | st.integers() | st.none()), min_size=1, max_size=5
    )
)
def test_values_written_as_json_are_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, object]]
) -> None:
    path = tmp_path_factory.mktemp("rows") / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    assert [row for _, row in rows_of(path)] == rows


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_rows_or_a_named_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    for name in ("a.jsonl", "a.csv"):
        path = tmp_path_factory.mktemp("rows") / name
        path.write_bytes(content)
        try:
            rows_of(path)
        except (InvalidInput, NotEnoughData) as error:
            assert error.where


@pytest.mark.parametrize(
    "content",
    [
        b'[{"a": 1}, {"a": 2}]',
        b'{"data": [{"a": 1}, {"a": 2}], "version": 3}',
        b'{"a": [1, 2]}',
        b'{"a": {"0": 1, "7": 2}}',
        b'{"a": 1}\n{"a": 2}\n',
    ],
)
def test_a_json_file_contains_rows_or_columns(tmp_path: Path, content: bytes) -> None:
    assert rows_of(write(tmp_path / "a.json", content)) == [(1, {"a": 1}), (2, {"a": 2})]


@pytest.mark.parametrize("content", [b'{"a": [1, 2], "b": [1]}', b"1", b'{"a": 1}', b"[[["])
def test_a_json_file_without_rows_or_columns_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(InvalidInput, match=r"list of rows|not JSON"):
        rows_of(write(tmp_path / "a.json", content))


def test_json_lines_in_utf_16_are_read(tmp_path: Path) -> None:
    assert rows_of(write(tmp_path / "a.jsonl", '{"a": "é"}\r\n'.encode("utf-16"))) == [
        (1, {"a": "é"})
    ]


@pytest.mark.parametrize(
    ("name", "content", "limit"),
    [
        ("a.csv", b"a\n" + b"x" * 2_000_000, "PLURALIGN_MAX_ROW_MB"),
        ("a.csv", b'a\n"' + b"x\n" * 1_000_000 + b'"', "PLURALIGN_MAX_ROW_MB"),
        ("a.jsonl", b'{"a": "' + b"x" * 2_000_000 + b'"}', "PLURALIGN_MAX_ROW_MB"),
        ("a.jsonl.gz", (b'{"a": "' + b"x" * 1000 + b'"}\n') * 2000, "PLURALIGN_MAX_EXPANDED_MB"),
        ("a.csv", b"a\n" + b"1\n" * 21, "PLURALIGN_MAX_ROWS"),
        ("a.json", json.dumps([{"a": 1}] * 21).encode(), "PLURALIGN_MAX_ROWS"),
    ],
)
def test_a_bomb_is_refused_with_the_setting_that_raises_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: bytes, limit: str
) -> None:
    path = write(tmp_path / name, content)
    for variable in ("PLURALIGN_MAX_ROW_MB", "PLURALIGN_MAX_EXPANDED_MB"):
        monkeypatch.setenv(variable, "1")
    monkeypatch.setenv("PLURALIGN_MAX_ROWS", "20" if limit.endswith("ROWS") else "1000000")
    with pytest.raises(InvalidInput, match=f"set {limit}="):
        rows_of(path)
    monkeypatch.setenv("PLURALIGN_MAX_ROWS", "1000000")
    for variable in ("PLURALIGN_MAX_ROW_MB", "PLURALIGN_MAX_EXPANDED_MB"):
        monkeypatch.setenv(variable, "100")
    assert rows_of(path)


def test_a_bomb_takes_little_memory(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl.gz", b'{"a": "' + b"x" * 60_000_000)
    tracemalloc.start()
    with pytest.raises(InvalidInput, match="at most 16 MB"):
        rows_of(path)
    assert tracemalloc.get_traced_memory()[1] < 60_000_000
    tracemalloc.stop()


def test_a_limit_must_be_a_whole_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLURALIGN_MAX_ROWS", "many")
    with pytest.raises(
        InvalidInput, match="PLURALIGN_MAX_ROWS must be a whole number above 0, got 'many'"
    ):
        rows_of(write(tmp_path / "a.jsonl", b"{}\n"))


def nested(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


@pytest.mark.parametrize(
    "columns",
    [
        {"a": ["x" * 100_000] * 200},
        {"a": [nested("x" * 100_000)] * 200},
        {"a": [["x" * 100_000] * 200]},
        {"a": [[0] * 2_000_000]},
        {"a": ["x" * 20_000_000]},
    ],
)
def test_a_small_parquet_file_that_expands_to_much_is_refused_before_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns: dict[str, list[object]]
) -> None:
    monkeypatch.setenv("PLURALIGN_MAX_EXPANDED_MB", "5")
    path = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(pyarrow.table(columns), path, compression="zstd")
    assert path.stat().st_size < 100_000
    with pytest.raises(InvalidInput, match="PLURALIGN_MAX_"):
        rows_of(path)


def test_a_large_text_that_many_parquet_rows_share_is_decoded_a_few_rows_at_a_time(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(
        pyarrow.table({"a": ["x" * 900_000] * 200}), path, compression="zstd"
    )
    assert (
        sum(len(str(row["a"])) for _, row in read_rows(path, RowPolicy(Tally()))) == 200 * 900_000
    )


def test_parquet_rows_are_bounded_by_the_footer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pyarrow.parquet.write_table(pyarrow.table({"a": [1] * 21}), tmp_path / "a.parquet")
    monkeypatch.setenv("PLURALIGN_MAX_ROWS", "20")
    with pytest.raises(InvalidInput, match="at most 20 rows"):
        rows_of(tmp_path / "a.parquet")
