import csv
import json
from pathlib import Path

import pytest

from pluralign.core import InvalidInput, Message, PairSource, Tally
from pluralign.sources import CommunityAlignment


def conversation(**columns: object) -> dict[str, object]:
    row: dict[str, object] = {
        "conversation_id": "c1",
        "annotator_id": 7,
        "annotator_country": "India",
        "assigned_lang": "hindi",
    }
    for turn in ("first", "second"):
        row[f"{turn}_turn_prompt"] = f"{turn}?"
        row |= {f"{turn}_turn_response_{letter}": f"{turn} {letter}" for letter in "abcd"}
        row[f"{turn}_turn_preferred_response"] = "response_b"
    return row | {"third_turn_prompt": None} | columns


def write(folder: Path, *rows: dict[str, object]) -> Path:
    path = folder / "ca.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def test_the_preferred_response_beats_each_other_in_each_turn(tmp_path: Path) -> None:
    tally = Tally()
    source = CommunityAlignment(write(tmp_path, conversation()))
    pairs = list(source.pairs(tally))
    assert isinstance(source, PairSource)
    assert [p.rejected for p in pairs] == [
        "first a",
        "first c",
        "first d",
        "second a",
        "second c",
        "second d",
    ]
    assert {p.chosen for p in pairs[3:]} == {"second b"}
    assert pairs[0].prompt == (Message("user", "first?"),)
    assert pairs[3].prompt == (
        Message("user", "first?"),
        Message("assistant", "first b"),
        Message("user", "second?"),
    )
    assert (pairs[0].community, pairs[0].rater, pairs[0].language, pairs[0].strength) == (
        "IND",
        "7",
        "hi",
        None,
    )
    assert (tally.read, tally.kept) == (1, 1)


def test_a_mark_is_not_a_person_and_refusals_are_dropped(tmp_path: Path) -> None:
    rows = [
        conversation(annotator_id=7.0, annotator_country="India "),
        conversation(annotator_id="nan"),
        conversation(annotator_country="NA"),
        conversation(consent=False),
    ]
    tally = Tally()
    pairs = list(CommunityAlignment(write(tmp_path, *rows)).pairs(tally))
    assert [p.rater for p in pairs] == ["7"] * 6 + [None] * 6
    assert tally.flagged == {"annotator_id is missing: 'nan'": 1}
    assert tally.dropped == {
        "country of the rater: NA (missing, or Namibia? write NAM)": 1,
        "consent refused or withdrawn": 1,
    }


def test_a_row_that_makes_no_pair_is_counted(tmp_path: Path) -> None:
    rows = [
        conversation(
            first_turn_response_a=" ", first_turn_response_c="first b", second_turn_prompt=""
        ),
        conversation(second_turn_preferred_response=None),
        conversation(annotator_country="Nowhere"),
    ]
    tally = Tally()
    assert len(list(CommunityAlignment(write(tmp_path, *rows)).pairs(tally))) == 4
    assert tally.dropped == {"country of the rater: Nowhere": 1}
    assert tally.left_out == {
        "empty response": 1,
        "same text on both sides": 1,
        "turn without a preferred response": 1,
    }


def test_a_response_that_does_not_exist_is_named_or_counted(tmp_path: Path) -> None:
    path = write(tmp_path, conversation(), conversation(first_turn_preferred_response="response_e"))
    with pytest.raises(InvalidInput, match=r"ca\.jsonl:2"):
        list(CommunityAlignment(path).pairs())
    tally = Tally()
    assert len(list(CommunityAlignment(path, skip_bad=True).pairs(tally))) == 6
    assert tally.dropped == {"preferred response is unknown": 1}


def test_a_folder_of_files_of_several_kinds_is_read(tmp_path: Path) -> None:
    write(tmp_path, conversation())
    with (tmp_path / "more.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(conversation()))
        writer.writeheader()
        writer.writerow(conversation(conversation_id="c2"))
    assert len({p.id for p in CommunityAlignment(tmp_path).pairs()}) == 12
    (tmp_path / "none").mkdir()
    with pytest.raises(InvalidInput, match="no JSONL"):
        list(CommunityAlignment(tmp_path / "none").pairs())


def test_facts_that_raters_give_about_themselves_go_with_their_pairs(tmp_path: Path) -> None:
    row = conversation(
        annotator_age="25-34", annotator_gender="woman", annotator_education_level="school"
    )
    pair = next(iter(CommunityAlignment(write(tmp_path, row)).pairs()))
    assert [pair.extra.get(key) for key in ("age", "gender", "education", "political")] == [
        "25-34",
        "woman",
        "school",
        None,
    ]
