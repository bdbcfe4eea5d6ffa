"""Converted pairs are the same pairs, in typed columns."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.pair_rows import PLAIN, ROWS

from pluralign.core import InvalidInput, Message, NotEnoughData, PreferencePair, Tally
from pluralign.sources import JsonlPairs, convert_pairs, load_pairs


def write(path: Path, *rows: Mapping[str, object]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def row(**columns: object) -> dict[str, object]:
    return {"prompt": "Tea?", "chosen": "Yes", "rejected": "No"} | columns


def there_and_back(path: Path, **settings: Any) -> tuple[list[PreferencePair], Path]:
    """The pairs of a file, after their conversion was checked to give the same."""
    source = JsonlPairs(path, skip_bad=True, **settings)
    tally = Tally()
    pairs = list(source.pairs(tally))
    converted = convert_pairs([source], path.with_suffix(".parquet"))
    tally.made = converted.pairs
    assert converted.tally == tally
    assert converted.pairs == len(pairs)
    assert list(JsonlPairs(converted.path).pairs()) == pairs
    return pairs, converted.path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("converting")


@settings(max_examples=60, deadline=None)
@given(st.lists(ROWS | PLAIN, max_size=6))
def test_pairs_are_the_same_after_conversion(
    folder: Path, rows: list[Mapping[str, object]]
) -> None:
    sound = row(id="the only sound row")
    there_and_back(write(folder / "tea.jsonl", *rows, sound), license="CC0-1.0")


def test_turns_and_texts_that_look_like_turns_stay_what_they_are(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "Tea?"}, {"role": "assistant", "content": "Which?"}]
    marked = "Human: Tea?\n\nAssistant: Yes"
    said = [[{"role": "assistant", "content": text}] for text in (marked, '[{"role": "a"}]')]
    path = write(
        tmp_path / "a.jsonl",
        row(prompt=[*turns, {"role": "user", "content": "Green"}]),
        row(chosen=said[0], rejected=said[1]),
        {"chosen": marked, "rejected": marked.replace("Yes", "No")},
    )
    pairs, _ = there_and_back(path)
    assert isinstance(pairs[0].prompt, tuple)
    assert pairs[1].chosen == marked
    assert pairs[2].prompt == (Message("user", "Tea?"),)


def test_columns_have_types_and_a_row_without_one_stays_without(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.jsonl",
        row(age=40, calm=0.5, here=True, mood=None, tags=["a"], mixed=1, late=None, rater="r1"),
        row(age=41, calm=1.5, here=False, mood="good", tags={"b": None}, mixed="x", big=10**30),
    )
    pairs, converted = there_and_back(path)
    assert "big" not in pairs[0].extra
    assert "late" not in pairs[1].extra
    types = {f.name: str(f.type) for f in pyarrow.parquet.read_schema(converted)}
    assert {name: types[name] for name in ("age", "calm", "here", "mood", "tags", "mixed")} == {
        "age": "int64",
        "calm": "double",
        "here": "bool",
        "mood": "string",
        "tags": "string",
        "mixed": "string",
    }
    assert not {"weight", "strength", "question", "flip"} & types.keys()  # nothing was in them


def test_several_inputs_follow_each_other_and_get_the_ids_of_a_run(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    first = write(tmp_path / "a.jsonl", row(), row(id="x", community="MEX"))
    second = write(tmp_path / "b" / "a.jsonl", row(chosen="Sure"), row(id="x", weight=2))
    sources = [JsonlPairs(first), JsonlPairs(second)]
    converted = convert_pairs(sources, tmp_path / "all.parquet")
    pairs = list(JsonlPairs(converted.path).pairs())
    assert [pair.id for pair in pairs] == ["a:1", "x", "1:a:1", "1:x"]
    assert tuple(pairs) == load_pairs(sources, limit=10, seed=0).pairs


def test_a_bad_row_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    out = tmp_path / "a.parquet"
    out.write_bytes(b"before")
    path = write(tmp_path / "a.jsonl", row(), row(rater=True))
    with pytest.raises(InvalidInput, match="must be text or a whole number") as caught:
        convert_pairs([JsonlPairs(path)], out)
    assert caught.value.where == f"{path}:2"
    with pytest.raises(NotEnoughData, match="no pair"):
        convert_pairs([JsonlPairs(write(path, row(chosen="No")))], out)
    assert out.read_bytes() == b"before"
    assert {p.name for p in tmp_path.iterdir()} == {"a.jsonl", "a.parquet"}


def test_a_note_on_a_column_that_is_not_json_is_refused_with_its_row(tmp_path: Path) -> None:
    _, converted = there_and_back(write(tmp_path / "a.jsonl", row(tags=[1]), row(tags=["a"])))
    table = pyarrow.parquet.read_table(converted)
    column = table.schema.get_field_index("tags")
    damaged = table.set_column(column, table.schema.field(column), [["[1", '["a"]']])
    pyarrow.parquet.write_table(damaged, converted)
    with pytest.raises(InvalidInput, match="'tags' is not JSON") as caught:
        list(JsonlPairs(converted).pairs())
    assert caught.value.where == f"{converted}:1"
