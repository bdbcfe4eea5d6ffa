import json
from dataclasses import replace
from pathlib import Path

import pytest

from pluralign.core import InvalidInput, NotEnoughData, Tally
from pluralign.sources import PotatoPairs

ITEMS = [{"id": 1, "prompt": "Tea?", "text_a": "Yes", "text_b": "No"}]


def annotated(user: str, labels: dict[str, object], item: object = 1) -> dict[str, object]:
    return {"user_id": user, "instance_id": item, "label_annotations": {"preference": labels}}


def source(
    folder: Path, rows: object, name: str = "annotated_instances.json", items: object = ITEMS
) -> PotatoPairs:
    (folder / name).write_text(rows if isinstance(rows, str) else json.dumps(rows), "utf-8")
    (folder / "items.json").write_text(json.dumps(items), "utf-8")
    return PotatoPairs(folder / name, items=folder / "items.json")


def test_each_annotation_prefers_one_text_of_its_item(tmp_path: Path) -> None:
    tally = Tally()
    rows = [
        annotated("u1", {"A": "1"}),
        annotated("u2", {"B": "2"}, 1.0),
        annotated("u3", {"tie": "3"}),
        annotated("u4", {"A": "1", "B": "2"}),
        annotated("u5", {}),
        annotated("u6", {"A": "1"}, 9),
    ]
    pairs = list(source(tmp_path, rows).pairs(tally))
    assert [(p.prompt, p.chosen, p.rejected, p.rater) for p in pairs] == [
        ("Tea?", "Yes", "No", "u1"),
        ("Tea?", "No", "Yes", "u2"),
    ]
    assert tally.dropped == {
        "no preference: tie": 1,
        "no preference: 2 labels": 1,
        "no preference: 0 labels": 1,
        "annotation of an item that is not in the file of items": 1,
    }
    assert tally.balanced


def test_the_documented_selection_and_scale_are_read(tmp_path: Path) -> None:
    tally = Tally()
    labels: list[dict[str, object]] = [
        {"selection": "A"},
        {"selection": "B"},
        {"selection": "tie"},
        {"scale_value": "-2"},
        {"scale_value": "3"},
        {"scale_value": "0"},
    ]
    items = [{"id": 1, "prompt": "Tea?", "responses": ["Yes", "No"]}]
    pairs = source(tmp_path, [annotated("u1", label) for label in labels], items=items).pairs(tally)
    assert [pair.chosen for pair in pairs] == ["Yes", "No", "Yes", "No"]
    assert tally.dropped == {"no preference: tie": 1, "no preference: equal": 1}


def test_a_table_has_a_column_for_each_label(tmp_path: Path) -> None:
    rows = "user\tinstance_id\tpreference:::A\tpreference:::B\nu1\t1\t\t2\n"
    (pair,) = source(tmp_path, rows, "annotated_instances.tsv").pairs()
    assert (pair.chosen, pair.rater) == ("No", "u1")


@pytest.mark.parametrize(
    ("rows", "items", "message"),
    [
        ([{"user_id": "u1", "instance_id": 1}], ITEMS, "a choice must be in label_annotations"),
        ([{"user_id": "u1"}], ITEMS, "instance_id"),
        ([annotated("u1", {"A": 1})], [{"id": 1, "prompt": "Tea?"}], r"items\.json:1: .*text_a"),
    ],
)
def test_another_layout_is_refused(
    rows: object, items: object, message: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput, match=message):
        list(source(tmp_path, rows, items=items).pairs())


def test_the_file_of_items_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="file of items must be given"):
        PotatoPairs(tmp_path / "annotated_instances.jsonl")


def test_a_file_without_rows_and_a_community_that_is_none_are_named(tmp_path: Path) -> None:
    with pytest.raises(NotEnoughData, match="no rows"):
        list(source(tmp_path, "", "annotated_instances.jsonl").pairs())
    given = replace(source(tmp_path, [annotated("u1", {"A": "1"})]), community="Atlantis")
    with pytest.raises(InvalidInput, match="no community is known as 'Atlantis'"):
        list(given.pairs())
