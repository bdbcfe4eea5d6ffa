"""JSON and TOML of anybody: read, or refused by one kind of error that says why."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pluralign.core import DamagedFile, parse_json, parse_toml, read_json, read_json_object

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(plain)
def test_values_written_as_json_are_read_again(value: object) -> None:
    assert parse_json(json.dumps(value)) == value
    assert parse_json(json.dumps(value).encode()) == value


@given(st.text() | st.binary())
def test_any_text_is_read_or_is_a_value_error(text: str | bytes) -> None:
    with suppress(ValueError):
        parse_json(text)
    with suppress(ValueError):
        parse_toml(str(text))


@pytest.mark.parametrize("levels", [101, 900, 1_500, 200_000])
@pytest.mark.parametrize(
    ("opens", "closes"), [("[", "]"), ('{"a":', "}"), ("[", ""), ('[{"a":', "")]
)
def test_deep_json_is_refused_at_any_depth(levels: int, opens: str, closes: str) -> None:
    middle = "1" if closes else ""
    with pytest.raises(ValueError, match=r"nested more than 100 levels deep|line 1 column"):
        parse_json(opens * levels + middle + closes * levels)


@pytest.mark.parametrize(
    "text",
    [
        "x = " + "[" * 10_000,
        "x = " + "{a = " * 10_000,
        "[" + "a." * 10_000 + "a]",
        "a." * 10_000 + "a = 1",
    ],
    ids=["lists", "tables in line", "a header of tables", "a dotted key"],
)
def test_deep_toml_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="nested more than 100 levels deep"):
        parse_toml(text)


@pytest.mark.parametrize("digits", [301, 4_000, 5_000, 50_000])
def test_a_whole_number_too_large_for_a_float_is_refused(digits: int) -> None:
    for read, text in (
        (parse_json, "9" * digits),
        (parse_toml, "a = -" + "9" * digits),
        (parse_toml, "a = 0x" + "f" * digits),
    ):
        with pytest.raises(ValueError, match="a whole number has more than 300 digits"):
            read(text)


def test_long_ids_and_long_digits_in_a_text_are_read() -> None:
    assert parse_json("1" * 40) == int("1" * 40)
    assert parse_json(json.dumps("3" * 9_000)) == "3" * 9_000


@pytest.mark.parametrize("number", ["nan", "inf", "-inf", "1e999"])
def test_numbers_in_settings_are_finite(number: str) -> None:
    with pytest.raises(ValueError, match="is not a finite number"):
        parse_toml(f"tau = {number}")


@pytest.mark.parametrize(
    "blob", [b"", b"{", b"\xff\xfe", b'{"a": 1}{', b"[" * 10_000, b"9" * 5_000]
)
def test_a_damaged_file_is_named(tmp_path: Path, blob: bytes) -> None:
    (tmp_path / "card.json").write_bytes(blob)
    with pytest.raises(DamagedFile, match=r"card\.json: not JSON: [\s\S]*-> save it again"):
        read_json(tmp_path / "card.json", "save it again")


@pytest.mark.parametrize("value", ["[1]", "1", "null", '"a"'])
def test_a_file_without_an_object_is_named(tmp_path: Path, value: str) -> None:
    (tmp_path / "card.json").write_text(value)
    with pytest.raises(DamagedFile, match=r"card\.json: not a JSON object: a "):
        read_json_object(tmp_path / "card.json")
