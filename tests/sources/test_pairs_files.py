import json
from pathlib import Path

import pandas
import pyarrow
import pyarrow.parquet
import pytest
from pydantic import TypeAdapter

from pluralign.core import InvalidInput, Message, NotEnoughData, PairSource, PreferencePair, Tally
from pluralign.sources import JsonlPairs

USER = {"role": "user", "content": "Tea?"}


def said(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def write(folder: Path, *rows: object) -> Path:
    path = folder / "tea.v2.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def row(**columns: object) -> dict[str, object]:
    return {"prompt": "Tea?", "chosen": "Yes", "rejected": "No"} | columns


def read(path: Path, **settings: object) -> list[PreferencePair]:
    return list(JsonlPairs(path, **settings).pairs())  # type: ignore[arg-type]


def test_every_known_column_finds_its_place_and_others_are_kept(tmp_path: Path) -> None:
    columns = {
        "id": 5,
        "community": "Britain",
        "rater": 12,
        "strength": 2,
        "weight": 0,
        "context": "at work",
    }
    path = write(tmp_path, row(**columns, language="en", source="S", license="CC0", mood="calm"))
    (pair,) = read(path)
    assert (pair.id, pair.community, pair.rater, pair.strength, pair.weight) == (
        "5",
        "GBR",
        "12",
        2.0,
        0.0,
    )
    assert (pair.context, pair.language, pair.source, pair.license) == ("at work", "en", "S", "CC0")
    assert pair.extra == {"mood": "calm"}


def test_missing_fields_of_a_row_are_filled_in(tmp_path: Path) -> None:
    (pair,) = read(write(tmp_path, row()))
    assert (pair.id, pair.community, pair.rater, pair.weight) == ("tea.v2:1", "~world", None, 1.0)
    assert (pair.source, pair.question, pair.stem) == ("tea.v2", "Tea?", "Tea?")
    (pair,) = read(write(tmp_path, row(community=None)), community="Mexico")
    assert pair.community == "MEX"


@pytest.mark.parametrize("id_", [17, 17.0, "17", "17.0", " 17\u00a0", "\u200b17"])
def test_an_id_is_the_same_in_every_format(tmp_path: Path, id_: object) -> None:
    (pair,) = read(
        write(tmp_path, row(rater=id_, id=id_, community=" MEX\u00a0", strength="2", weight="0.5"))
    )
    assert (pair.rater, pair.id, pair.community, pair.strength, pair.weight) == (
        "17",
        "17",
        "MEX",
        2.0,
        0.5,
    )


def test_a_column_of_floats_with_a_gap_is_read_as_ids(tmp_path: Path) -> None:
    pandas.DataFrame([row(rater=17), row(rater=None)]).to_parquet(tmp_path / "a.parquet")
    assert [p.rater for p in read(tmp_path / "a.parquet")] == ["17", None]


@pytest.mark.parametrize(
    "mark", ["nan", "NaN", "None", "null", "NA", "N/A", "-", "", " ", "<NA>", "#N/A", float("nan")]
)
def test_a_mark_of_a_missing_value_is_not_a_person_and_is_counted(
    tmp_path: Path, mark: object
) -> None:
    tally = Tally()
    columns = {
        "id": mark,
        "rater": mark,
        "strength": mark,
        "weight": mark,
        "language": mark,
        "license": mark,
    }
    pairs = list(JsonlPairs(write(tmp_path, row(**columns), row(**columns))).pairs(tally))
    assert [(p.id, p.rater, p.strength, p.weight) for p in pairs] == [
        ("tea.v2:1", None, None, 1.0), ("tea.v2:2", None, None, 1.0)
    ]  # fmt: skip
    assert {(p.language, p.license) for p in pairs} == {(None, "not stated")}
    assert tally.flagged == {
        f"{name} is missing: {mark!r}": 2 for name in ("id", "rater", "strength", "weight")
    }


@pytest.mark.parametrize("side", ["prompt", "chosen", "rejected"])
@pytest.mark.parametrize("mark", ["nan", "NaN", " <NA>", "NULL", "#N/A"])
def test_a_text_that_a_program_wrote_for_a_missing_one_makes_no_pair(
    tmp_path: Path, side: str, mark: str
) -> None:
    tally = Tally()
    assert len(list(JsonlPairs(write(tmp_path, row(), row(**{side: mark}))).pairs(tally))) == 1
    what = "prompt" if side == "prompt" else "response"
    assert tally.dropped == {f"missing {what}: {mark.strip()}": 1}


@pytest.mark.parametrize("side", ["chosen", "rejected"])
@pytest.mark.parametrize("value", [None, float("nan")])
def test_a_missing_response_is_counted(tmp_path: Path, side: str, value: object) -> None:
    tally = Tally()
    assert len(list(JsonlPairs(write(tmp_path, row(), row(**{side: value}))).pairs(tally))) == 1
    assert tally.dropped == {f"missing {side}": 1}


@pytest.mark.parametrize("answer", ["None", "N/A", "-", "No answer", "null and void"])
def test_an_answer_is_always_a_text(tmp_path: Path, answer: str) -> None:
    (pair,) = read(write(tmp_path, row(chosen=answer)))
    assert pair.chosen == answer


def test_namibia_is_not_a_missing_value(tmp_path: Path) -> None:
    pairs = read(
        write(tmp_path, row(community="NAM"), row(community="Namibia"), row(community=float("nan")))
    )
    assert [p.community for p in pairs] == ["NAM", "NAM", "~world"]
    with pytest.raises(
        InvalidInput, match=r"'NA' marks a missing community(.|\n)*for Namibia write NAM"
    ):
        read(write(tmp_path, row(community="NA")))


def test_an_empty_cell_null_and_nan_are_one_community_and_counted(tmp_path: Path) -> None:
    table = tmp_path / "pairs.csv"
    table.write_text("prompt,chosen,rejected,community\na,b,c,\nd,e,f, \n", encoding="utf-8")
    for path in (table, write(tmp_path, row(community=None), row(community=float("nan")))):
        for given, id_ in ((None, "~world"), ("Mexico", "MEX")):
            tally = Tally()
            pairs = JsonlPairs(path, community=given).pairs(tally)
            assert [pair.community for pair in pairs] == [id_, id_]
            assert tally.flagged == {f"community is empty: taken for {id_}": 2}


@pytest.mark.parametrize(
    "columns", [{"consent": "withdrawn"}, {"consent": False}, {"Consent": "No"}, {"withdrawn": 1}]
)
def test_rows_without_consent_are_dropped_and_counted(
    tmp_path: Path, columns: dict[str, object]
) -> None:
    tally = Tally()
    (pair,) = JsonlPairs(write(tmp_path, row(**columns), row(consent="yes"))).pairs(tally)
    assert pair.extra == {"consent": "yes"}
    assert (tally.kept, tally.dropped) == (1, {"consent refused or withdrawn": 1})


@pytest.mark.parametrize(
    "columns",
    [
        {"prompt": [USER], "chosen": [said("Yes")], "rejected": [said("No")]},
        {"prompt": [USER], "chosen": "Yes", "rejected": [said("No")]},
        {"chosen": [USER, said("Yes")], "rejected": [USER, said("No")]},
        {"prompt": None, "chosen": [USER, said("Yes")], "rejected": [USER, said("No")]},
        {"prompt": "Tea?", "chosen": [USER, said("Yes")], "rejected": [USER, said("No")]},
    ],
)
def test_each_conversational_form_gives_the_same_pair(
    tmp_path: Path, columns: dict[str, object]
) -> None:
    (pair,) = read(write(tmp_path, columns))
    assert pair.prompt in ("Tea?", (Message("user", "Tea?"),))
    assert (pair.chosen, pair.rejected, pair.question) == ("Yes", "No", "Tea?")


def test_parquet_gives_the_same_pairs_as_jsonl(tmp_path: Path) -> None:
    rows = [row(id="a", community="MEX", prompt=[USER]), row(id="b", community=None, prompt=[USER])]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "tea.v2.parquet")
    assert read(tmp_path / "tea.v2.parquet") == read(write(tmp_path, *rows))


def test_long_right_to_left_and_emoji_texts_pass_untouched(tmp_path: Path) -> None:
    texts = {
        "prompt": "שלום " * 20_000,
        "chosen": "مرحبا \u202e😀👩‍👩‍👧" * 7000,
        "rejected": "\u2028 नमस्ते\x00\r\n",
    }
    (pair,) = read(write(tmp_path, texts))
    assert (pair.prompt, pair.chosen, pair.rejected) == tuple(texts.values())


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"chosen": "No"}, "chosen equals rejected"),
        ({"chosen": " \n"}, "empty response"),
        ({"prompt": " "}, "empty prompt"),
        ({"prompt": []}, "empty prompt"),
    ],
)
def test_a_pair_that_cannot_be_used_is_counted(
    tmp_path: Path, columns: dict[str, object], reason: str
) -> None:
    tally = Tally()
    assert list(JsonlPairs(write(tmp_path, row(**columns), row())).pairs(tally))
    assert (tally.read, tally.kept, tally.dropped) == (2, 1, {reason: 1})


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"strength": "strong"}, "strength is not a number"),
        ({"strength": 0}, "strength is out of range"),
        ({"strength": True}, "strength is not a number"),
        ({"weight": float("inf")}, "weight is not a number"),
        ({"weight": -1}, "weight is out of range"),
        ({"weight": 1e13}, "weight is out of range"),
        ({"community": "Mexcio"}, "unresolved label: Mexcio"),
        ({"community": "NA"}, "unresolved label: NA (missing, or Namibia? write NAM)"),
        ({"community": "N/A"}, "unresolved label: N/A"),
        ({"community": 3}, "community is not text"),
        ({"rater": 1.5}, "rater is not an id"),
        ({"chosen": 3}, "chosen is neither text nor messages"),
        ({"chosen": [USER]}, "chosen is not one assistant message"),
        ({"chosen": [said("a"), said("b")]}, "chosen is not one assistant message"),
        (
            {"chosen": [{"role": "assistant", "content": [{"type": "image"}]}]},
            "a part of chosen is not text",
        ),
        ({"prompt": None}, "prompt is null"),
    ],
)
def test_a_bad_value_is_named_with_its_line_or_counted(
    tmp_path: Path, columns: dict[str, object], reason: str
) -> None:
    path = write(tmp_path, row(), row(**columns))
    with pytest.raises(InvalidInput) as caught:
        read(path)
    assert caught.value.where == f"{path}:2"
    tally = Tally()
    assert len(list(JsonlPairs(path, skip_bad=True).pairs(tally))) == 1
    assert (tally.read, tally.kept, tally.dropped) == (2, 1, {reason: 1})


def test_an_unknown_label_names_near_matches(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="MEX"):
        read(write(tmp_path, row(community="Mexcio")))


def test_a_missing_column_lists_those_found(tmp_path: Path) -> None:
    with pytest.raises(
        InvalidInput, match=r"missing column 'chosen'; found: prompt, choosen, rejected"
    ):
        read(write(tmp_path, {"prompt": "Tea?", "choosen": "Yes", "rejected": "No"}))
    with pytest.raises(InvalidInput, match="missing column 'prompt'"):
        read(write(tmp_path, {"chosen": "Yes", "rejected": "No"}))


def test_an_id_used_twice_is_named_or_counted(tmp_path: Path) -> None:
    path = write(tmp_path, row(id="a"), row(), row(id="a"))
    with pytest.raises(InvalidInput, match=r":3: the id 'a' was used before"):
        read(path)
    tally = Tally()
    assert len(list(JsonlPairs(path, skip_bad=True).pairs(tally))) == 2
    assert tally.dropped == {"duplicate id": 1}


def test_an_empty_file_is_not_enough_data(tmp_path: Path) -> None:
    with pytest.raises(NotEnoughData):
        read(write(tmp_path))


def test_settings_are_validated_and_the_port_is_kept(tmp_path: Path) -> None:
    source = TypeAdapter(JsonlPairs).validate_python(
        {"path": str(write(tmp_path, row())), "skip_bad": True}
    )
    assert isinstance(source, PairSource)
    assert (source.path.name, source.skip_bad, source.name) == ("tea.v2.jsonl", True, "jsonl")


@pytest.mark.shared
def test_real_prism_pairs_are_read(shared_data: Path) -> None:
    tally = Tally()
    pairs = list(JsonlPairs(shared_data / "prism_pairs" / "hard_panel.jsonl.gz").pairs(tally))
    assert (tally.read, len(pairs), tally.dropped) == (2769, 2766, {"chosen equals rejected": 3})
    assert set(pairs[0].extra) == {"user_id", "interaction_id"}
    assert tally.flagged == {}  # without raters nobody's repeats are known
    known = Tally()
    path = shared_data / "prism_pairs" / "hard_panel.jsonl.gz"
    assert len(list(JsonlPairs(path, columns={"rater": "user_id"}).pairs(known))) == 2766
    assert known.flagged == {"same choice of the same rater again": 6}


def test_a_rater_s_same_choice_again_is_kept_and_flagged(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    sides = {"prompt": "Q", "chosen": "A", "rejected": "B"}
    turned = {"prompt": "Q", "chosen": "B", "rejected": "A"}
    rows = [
        sides | {"rater": "u1"},
        turned | {"rater": "u1"},
        sides | {"rater": "u2"},
        sides | {"rater": "u1", "weight": 2},
        sides,
        sides,
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    tally = Tally()
    assert len(list(JsonlPairs(path).pairs(tally))) == 6
    assert tally.flagged == {"same choice of the same rater again": 1}


def test_columns_of_other_names_are_read_as_ours(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text('{"prompt": "Q", "chosen": "A", "rejected": "B", "user_id": "u1", "id": 4}\n')
    (pair,) = JsonlPairs(path, columns={"rater": "user_id"}).pairs()
    assert (pair.rater, pair.id, pair.extra) == ("u1", "4", {})


def test_a_column_that_is_not_there_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text('{"prompt": "Q", "chosen": "A", "rejected": "B"}\n')
    with pytest.raises(InvalidInput, match=r"pairs\.jsonl:1: there is no column 'user_id'"):
        list(JsonlPairs(path, columns={"rater": "user_id"}).pairs())
    with pytest.raises(InvalidInput, match="no column 'ratr' to read"):
        JsonlPairs(path, columns={"ratr": "user_id"})
