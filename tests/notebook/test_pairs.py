import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

import pluralign
from pluralign.core import (
    InvalidInput,
    InvalidSettings,
    NotEnoughData,
    PreferencePair,
    UnknownCommunity,
    rng_for,
)
from pluralign.notebook import Pairs
from pluralign.simulation import SocietySource
from pluralign.sources import JsonlPairs, load_pairs, split_by

Rows = list[dict[str, Any]]


def written(path: Path, rows: Rows) -> Path:
    """Rows in the form that the ending of a path names."""
    if path.suffix == ".parquet":
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    elif path.suffix == ".csv":
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_a_path_is_read_by_its_ending_as_a_run_reads_it(
    ending: str, rows: Rows, tmp_path: Path
) -> None:
    path = written(tmp_path / f"mine.{ending}", rows)
    expected = load_pairs([JsonlPairs(path)], 10**6, 0).pairs
    assert tuple(pluralign.read_pairs(str(path))) == expected
    assert tuple(pluralign.read_pairs(path)) == expected


@pytest.mark.parametrize("form", ["rows", "pandas", "datasets", "arrow"])
def test_tables_in_memory_are_read_like_files(form: str, rows: Rows) -> None:
    table: Any = rows
    if form == "pandas":
        table = pytest.importorskip("pandas").DataFrame(rows)
    elif form == "datasets":
        table = pytest.importorskip("datasets").Dataset.from_list(rows)
    elif form == "arrow":
        table = pyarrow.Table.from_pylist(rows)
    assert list(pluralign.read_pairs(table)) == list(pluralign.read_pairs(rows))


def test_pairs_and_sources_are_taken_as_they_are() -> None:
    source = SocietySource(each=20, thin=5, world=30)
    made = list(source.pairs())
    assert list(pluralign.read_pairs(source)) == list(pluralign.read_pairs(made)) == made
    pairs = pluralign.read_pairs(made)
    assert pluralign.read_pairs(pairs) is pairs


def test_every_row_is_kept_or_counted_with_its_reason(rows: Rows) -> None:
    bad = [rows[0] | {"id": "same", "rejected": rows[0]["chosen"]}]
    pairs = pluralign.read_pairs([*rows, *bad])
    assert (pairs.tally.read, pairs.tally.kept) == (len(rows) + 1, len(rows))
    assert pairs.tally.balanced
    assert "1 dropped: 1 x chosen equals rejected" in repr(pairs)
    assert "1 dropped" in pairs._repr_html_()


def test_a_named_source_reads_a_path_with_its_settings(rows: Rows, tmp_path: Path) -> None:
    path = tmp_path / "sides.jsonl"
    table = [{"prompt": "Tea?", "response_a": "Yes", "response_b": "No", "winner": "a", "who": "7"}]
    written(path, table)
    with pytest.raises(InvalidInput, match="there is no column 'preference'") as caught:
        pluralign.read_pairs(path, source="ab")
    assert 'preference="winner"' in str(caught.value.hint)
    columns = {"rater": "who"}
    pairs = pluralign.read_pairs(path, source="ab", preference="winner", columns=columns)
    assert [(p.chosen, p.rejected, p.rater) for p in pairs] == [("Yes", "No", "7")]


def test_a_source_without_a_path_takes_its_settings_alone() -> None:
    pairs = pluralign.read_pairs(source="society", each=20, thin=5, world=30)
    assert len(pairs) == len(list(SocietySource(each=20, thin=5, world=30).pairs()))


def test_a_part_of_the_pairs_is_pairs_again(rows: Rows) -> None:
    pairs = pluralign.read_pairs(rows)
    assert isinstance(pairs[:10], Pairs)
    assert list(pairs[:10]) == [pairs[k] for k in range(10)]
    hill = pairs.of("~hill")
    assert hill.communities == ("~hill",)
    assert len(hill) == sum(p.community == "~hill" for p in pairs)
    with pytest.raises(UnknownCommunity, match="no pair belongs to '~hil'") as caught:
        pairs.of("~hil")
    assert caught.value.hint == "did you mean ~hill?"


def test_the_repr_is_short_and_the_notebook_shows_every_community(rows: Rows) -> None:
    pairs = pluralign.read_pairs(rows)
    assert len(repr(pairs).splitlines()) <= 3
    assert max(map(len, repr(pairs).splitlines())) < 120
    for community in pairs.communities:
        assert f"<td>{community}</td>" in pairs._repr_html_()


def test_columns_that_are_not_used_are_warned_about(rows: Rows) -> None:
    renamed = []
    for row in rows:
        kept = {name: value for name, value in row.items() if name != "rater"}
        renamed.append(kept | {"user_id": row["rater"]})
    with pytest.warns(UserWarning, match="user_id"):
        pairs = pluralign.read_pairs(renamed)
    assert 'did you mean rater? columns={"rater": "user_id"}' in repr(pairs)


def test_a_row_that_cannot_be_read_names_the_argument_that_skips_it(rows: Rows) -> None:
    bad = [*rows[:3], rows[3] | {"weight": "heavy"}]
    with pytest.raises(InvalidInput, match="rows:4") as caught:
        pluralign.read_pairs(bad)
    assert "skip_bad=True" in str(caught.value.hint)
    assert "--" not in str(caught.value.hint)
    pairs = pluralign.read_pairs(bad, skip_bad=True)
    assert (len(pairs), pairs.tally.dropped.total()) == (3, 1)


def test_a_sample_is_seeded(rows: Rows) -> None:
    one, same, other = (pluralign.read_pairs(rows, limit=30, seed=s) for s in (1, 1, 2))
    assert list(one) == list(same) != list(other)
    assert len(one) == 30
    assert "over the limit" in repr(one)


@pytest.mark.parametrize("by", ["rater", "question", "stem", "both"])
@pytest.mark.parametrize("seed", [0, 5])
def test_a_split_is_that_of_a_run(by: Any, seed: int, rows: Rows) -> None:
    pairs = pluralign.read_pairs(rows)
    train, test = pluralign.split(pairs, by=by, test=0.3, seed=seed)
    expected = split_by(by, list(pairs), 0.3, rng_for(seed, "split"))
    assert list(train) == [pairs[k] for k in expected.train.tolist()]
    assert list(test) == [pairs[k] for k in expected.test.tolist()]
    assert train.unit == by
    assert (sum(expected.left_out.values()) > 0) == ("on neither side" in repr(train))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"no such file or folder: .*none\.csv"):
        pluralign.read_pairs(str(tmp_path / "none.csv"))


def test_an_unknown_setting_names_the_nearest(rows: Rows, tmp_path: Path) -> None:
    path = written(tmp_path / "mine.jsonl", rows)
    with pytest.raises(InvalidSettings, match="unknown key") as caught:
        pluralign.read_pairs(path, comunity="MEX")
    assert (caught.value.where, caught.value.hint) == (
        "read_pairs.comunity",
        "did you mean 'community'?",
    )
    with pytest.raises(InvalidSettings) as caught:
        pluralign.read_pairs(path, source="jsnl")
    assert caught.value.hint == "did you mean 'jsonl'?"


def test_settings_with_a_source_are_refused() -> None:
    with pytest.raises(InvalidInput, match="has its settings already, got each"):
        pluralign.read_pairs(SocietySource(), each=3)


def test_a_call_without_data_is_refused_with_the_accepted_arguments() -> None:
    with pytest.raises(InvalidInput, match="there is nothing to read") as caught:
        pluralign.read_pairs()
    assert "give a path, a data frame, rows or a source" in str(caught.value.hint)


def test_rows_dropped_and_parts_not_used_are_counted_separately() -> None:
    rows = [
        {"prompt": "Tea?", "chosen": "No", "rejected": "No"},
        {"prompt": "Tea?", "responses": ["Yes", "No", "No"], "scores": [2, 1, 1]},
    ]
    shown = repr(pluralign.read_pairs(rows)).splitlines()
    assert shown[1] == "2 rows read, 1 dropped: 1 x chosen equals rejected"


def test_no_pairs_at_all_is_an_error_with_the_reasons() -> None:
    with pytest.raises(NotEnoughData):
        pluralign.read_pairs([])
    with pytest.raises(NotEnoughData) as caught:
        pluralign.read_pairs([{"prompt": "Tea?", "chosen": "No", "rejected": "No"}])
    assert "1 x chosen equals rejected" in str(caught.value.hint)


def test_pairs_without_raters_cannot_be_split_by_rater() -> None:
    pairs = [PreferencePair(str(k), f"{k}?", "Yes", "No", "MEX") for k in range(10)]
    with pytest.raises(InvalidInput, match="a pair has no rater") as caught:
        pluralign.split(pairs)
    assert caught.value.hint == "name the column of raters, or split by question or stem"
    assert len(pluralign.split(pairs, by="question").test) == 2


def test_a_split_of_a_path_reads_it(
    rows: Rows, tmp_path: Path, write_rows: Callable[..., Path]
) -> None:
    path = write_rows(tmp_path / "a.jsonl", rows)
    found, expected = pluralign.split(str(path)), pluralign.split(rows)
    assert [pair.id for pair in found.test] == [pair.id for pair in expected.test]


def test_pairs_of_two_readings_are_joined_with_their_tallies(rows: Rows) -> None:
    world, hill = (
        pluralign.read_pairs([row for row in rows if (row["community"] == "~world") == is_world])
        for is_world in (True, False)
    )
    joined = world + hill
    assert len(joined) == len(world) + len(hill) == joined.tally.read
    assert list(joined) == [*world, *hill]
    twice = world + world
    assert len({pair.id for pair in twice}) == len(twice) == 2 * len(world)
