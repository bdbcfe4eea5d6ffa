import json
from pathlib import Path

import pytest

from pluralign.core import InvalidInput, NotEnoughData, Tally
from pluralign.sources import ArenaPairs, ArgillaPairs, LabelStudioPairs
from pluralign.sources.foreign import ForeignPairs

KAGGLE = (
    "id,model_a,model_b,prompt,response_a,response_b,winner_model_a,winner_model_b,winner_tie\n"
)


def write(folder: Path, name: str, content: object) -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def talk(answer: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": "Tea?"}, {"role": "assistant", "content": answer}]


def battle(winner: str) -> dict[str, object]:
    return {
        "winner": winner,
        "judge": "j1",
        "language": "English",
        "model_a": "x",
        "model_b": "y",
    } | {
        "conversation_a": talk("Yes"),
        "conversation_b": talk("No"),
    }


def test_the_winner_of_a_battle_is_chosen_and_ties_are_counted(tmp_path: Path) -> None:
    rows = [battle("model_b"), battle("tie"), battle("tie (bothbad)")]
    tally = Tally()
    (pair,) = ArenaPairs(write(tmp_path, "arena.json", rows)).pairs(tally)
    assert (pair.chosen, pair.rejected, pair.rater, pair.language) == ("No", "Yes", "j1", "en")
    assert tally.dropped == {"no preference: tie": 1, "no preference: tie (bothbad)": 1}
    assert tally.balanced


def test_kaggles_lists_as_text_are_turns(tmp_path: Path) -> None:
    row = (
        '7,x,y,"[""Tea?""]","[""Yes""]","[""No""]",1,0,0\n'
        '8,x,y,"[""Tea?""]","[null]","[""No""]",1,0,0\n'
    )
    tally = Tally()
    (pair,) = ArenaPairs(write(tmp_path, "train.csv", KAGGLE + row)).pairs(tally)
    assert (pair.id, pair.chosen, pair.rejected) == ("7", "Yes", "No")
    assert tally.dropped == {"a turn without text": 1}


def test_battles_that_differ_before_the_last_turn_are_counted(tmp_path: Path) -> None:
    turns = [
        f'"[""Tea?"", ""Why?""]","[""{first}"", ""Good""]","[""Yes"", ""Bad""]"'
        for first in ("Yes", "No")
    ]
    tally = Tally()
    rows = "".join(f"{k},x,y,{said},1,0,0\n" for k, said in enumerate(turns))
    (pair,) = ArenaPairs(write(tmp_path, "train.csv", KAGGLE + rows)).pairs(tally)
    assert (len(pair.prompt), pair.chosen, pair.rejected) == (3, "Good", "Bad")
    assert tally.dropped == {"conversations differ before the last turn": 1}


@pytest.mark.parametrize(
    "rows", [[{"winner": "model_a"}], [battle("model_a") | {"conversation_a": "no list"}]]
)
def test_a_file_of_another_layout_is_refused(tmp_path: Path, rows: object) -> None:
    with pytest.raises(InvalidInput, match="conversation_"):
        list(ArenaPairs(write(tmp_path, "arena.json", rows)).pairs())


def annotation(selected: str | None, **more: object) -> dict[str, object]:
    result = (
        [{"type": "pairwise", "from_name": "pw", "value": {"selected": selected}}]
        if selected
        else []
    )
    return {"completed_by": 3, "was_cancelled": False, "result": result} | more


TEXTS = {"prompt": "Tea?", "text1": "Yes", "text2": "No"}


def test_each_annotation_is_an_answer_and_cancelled_ones_are_counted(tmp_path: Path) -> None:
    answers = [annotation("left"), annotation("right", completed_by={"id": 4}), annotation(None)]
    answers.append(annotation("left", was_cancelled=True))
    tally = Tally()
    source = LabelStudioPairs(
        write(tmp_path, "export.json", [{"id": 1, "data": TEXTS, "annotations": answers}])
    )
    pairs = list(source.pairs(tally))
    assert [(pair.chosen, pair.rater) for pair in pairs] == [("Yes", "3"), ("No", "4")]
    assert len({pair.id for pair in pairs}) == 2
    assert tally.dropped == {"no preference: empty": 1, "cancelled annotation": 1}
    assert (tally.read, tally.kept) == (4, 2)


@pytest.mark.parametrize("choice", ["right", {"selected": "right"}])
def test_json_min_is_read_and_its_keys_can_be_named(tmp_path: Path, choice: object) -> None:
    row = {"q": "Tea?", "text1": "Yes", "text2": "No", "best": choice, "annotator": 5}
    source = LabelStudioPairs(write(tmp_path, "min.json", [row]), prompt="q", choice="best")
    (pair,) = source.pairs()
    assert (pair.chosen, pair.rater) == ("No", "5")


def test_a_missing_key_of_a_task_is_named(tmp_path: Path) -> None:
    rows = [{"data": {"prompt": "Tea?"}, "annotations": [annotation("left")]}]
    with pytest.raises(InvalidInput, match="missing columns 'text1', 'text2'"):
        list(LabelStudioPairs(write(tmp_path, "export.json", rows)).pairs())


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        (ArenaPairs, battle("model_a") | {"country": "Mexico"}),
        (
            LabelStudioPairs,
            {"data": TEXTS | {"country": "Mexico"}, "annotations": [annotation("left")]},
        ),
        (LabelStudioPairs, TEXTS | {"country": "Mexico", "pw": "left"}),
        (
            ArgillaPairs,
            {
                "fields": {"prompt": "Tea?", "response1": "Yes", "response2": "No"},
                "metadata": {"country": "Mexico"},
                "responses": {"preference": [{"value": "response1", "user_id": "u"}]},
            },
        ),
    ],
)
def test_the_files_country_is_used_where_it_is_named_and_must_be_one(
    tmp_path: Path, kind: type[ForeignPairs], row: dict[str, object]
) -> None:
    tally = Tally()
    (pair,) = kind(write(tmp_path, "export.json", [row]), columns={"community": "country"}).pairs(
        tally
    )
    assert (pair.community, tally.advice) == ("MEX", [])
    unknown = json.loads(json.dumps(row).replace("Mexico", "Atlantis"))
    with pytest.raises(InvalidInput, match="no community is known as 'Atlantis'"):
        list(
            kind(
                write(tmp_path, "export.json", [unknown]), columns={"community": "country"}
            ).pairs()
        )
    with pytest.raises(InvalidInput, match=r"no column 'cuontry'; found: .*country") as misspelt:
        list(kind(write(tmp_path, "export.json", [row]), columns={"community": "cuontry"}).pairs())
    assert misspelt.value.hint is not None and "did you mean 'country'?" in misspelt.value.hint


@pytest.mark.parametrize("settings", [{}, {"community": "USA"}])
def test_a_country_that_is_not_read_is_offered(settings: dict[str, str], tmp_path: Path) -> None:
    tally = Tally()
    row = {"data": TEXTS | {"country": "Mexico"}, "annotations": [annotation("left")]}
    list(LabelStudioPairs(write(tmp_path, "export.json", [row]), **settings).pairs(tally))
    offer = (
        "no community is read from the file; did you mean community? "
        "--set pairs.columns.community=country"
    )
    assert tally.advice == ([] if settings else [offer])


@pytest.mark.parametrize("kind", [ArenaPairs, LabelStudioPairs])
@pytest.mark.parametrize(("name", "content"), [("export.json", "[]"), ("export.jsonl", "")])
def test_a_file_without_rows_is_named(
    tmp_path: Path, kind: type[ForeignPairs], name: str, content: str
) -> None:
    with pytest.raises(NotEnoughData, match="no rows"):
        list(kind(write(tmp_path, name, content)).pairs())
