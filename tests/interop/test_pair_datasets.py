"""Pairs as data sets: features are fixed, files load, and what is read back is what was written."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pluralign.core import InvalidInput, Message, NotEnoughData, PreferencePair
from pluralign.interop import DatasetSheet, dataset_rows, to_dataset, write_dataset
from pluralign.interop.pair_datasets import PAIRS
from pluralign.schemas import check_file, kind_named
from pluralign.sources import JsonlPairs, pairs_from

SHEET = DatasetSheet("tea", "Which answer do people prefer?", "CC-BY-4.0", published="2026-11-30")
TURNS = (Message("user", "Tea?"), Message("assistant", "Yes."), Message("user", "Green?"))
PLAIN = [
    PreferencePair("1", "Tea?", "Yes", "No", community="GBR", rater="r1", strength=2.0, flip=0.1),
    PreferencePair("2", "Chai?", "हाँ", "नहीं", community="IND", language="hi", license="CC0-1.0"),
]
TURNED = [replace(PLAIN[0], prompt=TURNS), PLAIN[1]]


def test_columns_are_the_same_whatever_is_known_of_the_pairs() -> None:
    assert [list(row) for row in dataset_rows(PLAIN)] == [list(dataset_rows(PLAIN[1:])[0])] * 2


def test_where_one_prompt_has_turns_all_rows_are_messages() -> None:
    one, other = dataset_rows(TURNED)
    assert [turn["role"] for turn in one["prompt"]] == ["user", "assistant", "user"]
    assert other["prompt"] == [{"role": "user", "content": "Chai?"}]
    assert other["chosen"] == [{"role": "assistant", "content": "हाँ"}]


def test_no_pairs_are_an_error() -> None:
    with pytest.raises(NotEnoughData):
        dataset_rows([])


@pytest.mark.parametrize("pairs", [PLAIN, TURNED[:1]], ids=["text", "turns"])
def test_the_pairs_of_a_dataset_are_the_pairs_that_it_was_made_of(
    pairs: list[PreferencePair], tmp_path: Path
) -> None:
    pytest.importorskip("datasets")
    from datasets import load_dataset

    made = to_dataset(pairs)
    folder = write_dataset(pairs, tmp_path / "tea", SHEET)
    loaded = load_dataset(str(folder), split="train", cache_dir=str(tmp_path / "cache"))
    assert loaded.features == made.features
    assert loaded.to_list() == made.to_list()
    wanted = [replace(pair, license=pair.license or "not stated") for pair in pairs]
    back = list(pairs_from(loaded).pairs())
    assert [replace(pair, source=None) for pair in back] == wanted


@pytest.mark.parametrize("pairs", [PLAIN, TURNED], ids=["text", "turns"])
def test_the_written_file_fits_the_schema_of_pairs_and_is_a_source(
    pairs: list[PreferencePair], tmp_path: Path
) -> None:
    file = write_dataset(pairs, tmp_path / "tea", SHEET) / PAIRS
    assert check_file(kind_named("pairs"), file).faults == ()
    assert [pair.community for pair in JsonlPairs(file).pairs()] == ["GBR", "IND"]


def test_a_folder_with_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(InvalidInput, match="new or empty"):
        write_dataset(PLAIN, tmp_path, SHEET)


def test_the_card_states_people_and_licences(tmp_path: Path) -> None:
    card = (write_dataset(PLAIN, tmp_path / "tea", SHEET) / "README.md").read_text("utf-8")
    assert "| GBR | 1 pair, 1 rater |" in card
    assert "| IND | 1 pair, no raters |" in card
    assert "Of the rows: CC0-1.0. Of the whole: CC-BY-4.0." in card


@pytest.mark.parametrize("pairs", [PLAIN, TURNED], ids=["text", "turns"])
def test_croissant_describes_every_column_by_its_place_in_the_file(
    pairs: list[PreferencePair], tmp_path: Path
) -> None:
    folder = write_dataset(pairs, tmp_path / "tea", SHEET)
    described = json.loads((folder / "croissant.json").read_text("utf-8"))
    row: dict[str, Any] = json.loads((folder / PAIRS).read_text("utf-8").splitlines()[0])
    (records,) = described["recordSet"]
    assert [field["@id"] for field in records["field"]] == [f"pairs/{name}" for name in row]
    lists = [f["@id"] for f in records["field"] if f.get("repeated")]
    assert lists == [f"pairs/{name}" for name, value in row.items() if isinstance(value, list)]


@pytest.mark.parametrize("pairs", [PLAIN, TURNED], ids=["text", "turns"])
def test_the_library_of_croissant_reads_the_rows(
    pairs: list[PreferencePair], tmp_path: Path
) -> None:
    croissant = pytest.importorskip("mlcroissant")
    folder = write_dataset(pairs, tmp_path / "tea", SHEET)
    records = list(croissant.Dataset(str(folder / "croissant.json")).records("pairs"))
    assert [record["pairs/id"] for record in records] == [b"1", b"2"]
