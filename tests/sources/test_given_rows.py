"""Pairs in the memory of Python: lists, data frames, data sets, saved data sets."""

from pathlib import Path
from typing import Any

import pyarrow
import pytest

from pluralign import pairs_from
from pluralign.core import InvalidInput, NotEnoughData, Tally
from pluralign.settings import resolve
from pluralign.sources import JsonlPairs

ROWS: list[dict[str, Any]] = [
    {"prompt": "Q1", "chosen": "A", "rejected": "B", "country": "Mexico", "rater": 1},
    {"prompt": "Q2", "chosen": "A", "rejected": "B", "country": "Japan", "rater": None},
]
COLUMNS = {"community": "country"}


def holders() -> list[Any]:
    datasets, pandas = pytest.importorskip("datasets"), pytest.importorskip("pandas")
    return [
        ROWS,
        iter(ROWS),
        pandas.DataFrame(ROWS),
        datasets.Dataset.from_list(ROWS),
        pyarrow.Table.from_pylist(ROWS),
    ]


def test_every_holder_of_rows_gives_the_same_pairs() -> None:
    for rows in holders():
        found = list(pairs_from(rows, columns=COLUMNS).pairs())
        assert [(p.id, p.prompt, p.community, p.rater) for p in found] == [
            ("rows:1", "Q1", "MEX", "1"),
            ("rows:2", "Q2", "JPN", None),
        ]


def test_a_bad_row_is_named_by_its_number_or_counted() -> None:
    rows = [*ROWS, {"prompt": "Q", "chosen": 3, "rejected": "B", "country": "Mexico"}, "text"]
    with pytest.raises(
        InvalidInput, match=r"rows:3: 'chosen' must be text or a list of messages, got int"
    ):
        list(pairs_from(rows, columns=COLUMNS).pairs())
    tally = Tally()
    assert len(list(pairs_from(rows, columns=COLUMNS, skip_bad=True).pairs(tally))) == 2
    assert tally.dropped.total() == 2


@pytest.mark.parametrize("rows", [{"train": ROWS}, "pairs.csv", Path("pairs.csv"), None, 3])
def test_rows_that_are_not_a_table_are_refused(rows: object) -> None:
    with pytest.raises(InvalidInput, match="must be"):
        pairs_from(rows)


def test_no_rows_are_not_enough_data() -> None:
    with pytest.raises(NotEnoughData):
        list(pairs_from([]).pairs())


def test_settings_take_a_source_as_it_is() -> None:
    source = pairs_from(ROWS, columns=COLUMNS)
    assert resolve(
        {"pairs": source, "trunk": {"encoder": "hash"}}, base=Path(), where="here"
    ).sources == (source,)


def test_a_saved_data_set_is_read_and_one_of_several_splits_asks_which(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    data = datasets.Dataset.from_list(ROWS)
    data.save_to_disk(tmp_path / "one")
    datasets.DatasetDict({"train": data}).save_to_disk(tmp_path / "several")
    for folder in (tmp_path / "one", tmp_path / "several" / "train"):
        assert [p.community for p in JsonlPairs(folder, columns=COLUMNS).pairs()] == ["MEX", "JPN"]
    with pytest.raises(InvalidInput, match="must be one split, got train") as caught:
        list(JsonlPairs(tmp_path / "several").pairs())
    assert str(tmp_path / "several" / "train") in str(caught.value.hint)
