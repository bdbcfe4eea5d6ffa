"""The source of a file or folder is recognised by its columns, and no other file is."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from pluralign.core import InvalidInput
from pluralign.sources.recognised import recognise

PAIR = {"prompt": "Tea?", "chosen": "Yes", "rejected": "No"}
AB = {"prompt": "Tea?", "answer_a": "Yes, please", "answer_b": "No", "model_a": "x", "model_b": "y"}
VOTE = {
    "question_id": "1",
    "rater_id": "r",
    "thought_a": "1",
    "thought_b": "2",
    "vote": "Thought A",
}
TEXT = {"question_id": "1", "question": "Tea?", "thought_id": "1", "thought": "Yes"}


def write(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_table(path: Path, row: Mapping[str, str]) -> Path:
    path.write_text(f"{','.join(row)}\n{','.join(row.values())}\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("row", "source"),
    [
        (PAIR, "jsonl"),
        ({"prompt": "Tea?", "responses": ["a", "b"], "chosen": 0}, "jsonl"),
        ({"instruction": "Tea?", "preferred": "Yes", "dispreferred": "No"}, "jsonl"),
        ({"model_a": "x", "model_b": "y", "winner": "model_a"}, "arena"),
        ({"fields": {}, "responses": []}, "argilla"),
        ({"question": "?", "selections": "{}", "options": "[]"}, "global_opinions"),
        ({"first_turn_prompt": "?", "annotator_id": 1}, "community_alignment"),
        ({"B_COUNTRY_ALPHA": "MEX", "Q1": 1}, "wvs"),
        ({"label_annotations": {}, "id": 1}, "potato"),
    ],
)
def test_a_file_is_recognised_by_its_columns(
    row: dict[str, Any], source: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "file.jsonl", [row])
    found = recognise(path)
    assert (found.source, found.settings["path"]) == (source, path)
    assert found.columns == tuple(row)


def test_columns_with_usual_names_are_taken_for_ours_and_the_reason_asks_to_check(
    tmp_path: Path,
) -> None:
    row = {"instruction": "Tea?", "chosen": "Yes", "rejected": "No", "country": "MEX", "user_id": 1}
    found = recognise(write(tmp_path / "a.jsonl", [row]))
    ours = {"prompt": "instruction", "community": "country", "rater": "user_id"}
    assert found.settings["columns"] == ours
    assert "check" in found.reasons["columns"]


def test_columns_that_are_ours_already_are_not_renamed(tmp_path: Path) -> None:
    row = PAIR | {"community": "MEX", "rater": "r", "country": "x", "user_id": "y"}
    assert "columns" not in recognise(write(tmp_path / "a.jsonl", [row])).settings


@pytest.mark.parametrize("choice", ["winner", "verdict"])
def test_a_table_of_two_sides_has_its_responses_and_its_choice(choice: str, tmp_path: Path) -> None:
    rows = [AB | {choice: value} for value in ("A", "b", "tie")]
    found = recognise(
        write(
            tmp_path / "a.jsonl", [{k: v for k, v in r.items() if "model" not in k} for r in rows]
        )
    )
    assert found.source == "ab"
    wanted = {"a": "answer_a", "b": "answer_b", "preference": choice}
    assert wanted.items() <= found.settings.items()


def test_numbers_are_taken_for_a_choice_by_the_name_of_their_column_alone(tmp_path: Path) -> None:
    row = {"prompt": "?", "response_1": "long text", "response_2": "text", "label": 1, "age": 2}
    assert recognise(write(tmp_path / "a.jsonl", [row])).settings["preference"] == "label"


def test_votes_find_the_texts_in_the_same_folder(tmp_path: Path) -> None:
    write_table(tmp_path / "a_thoughts.csv", TEXT)
    texts = write_table(tmp_path / "uk_thoughts.csv", TEXT)
    votes = write_table(tmp_path / "uk_votes.csv", VOTE)
    found = recognise(votes)
    assert (found.source, found.settings["texts"]) == ("votes", texts)


def test_votes_without_texts_leave_them_to_be_named(tmp_path: Path) -> None:
    found = recognise(write_table(tmp_path / "votes.csv", VOTE))
    assert "texts" not in found.settings


@pytest.mark.parametrize(
    ("names", "source"),
    [
        (("questions.json", "country_proportions.json"), "shares"),
        (("survey.jsonl", "utterances.jsonl"), "prism"),
        (("comments.csv", "votes.csv"), "polis"),
        (("info.csv", "responses.csv"), "opinion_qa"),
    ],
)
def test_a_folder_is_recognised_by_its_files(
    names: Sequence[str], source: str, tmp_path: Path
) -> None:
    for name in names:
        (tmp_path / name).touch()
    found = recognise(tmp_path)
    assert (found.source, found.settings["path"]) == (source, tmp_path)


def test_the_topic_of_a_polis_conversation_is_read_from_its_summary(tmp_path: Path) -> None:
    (tmp_path / "comments.csv").touch()
    (tmp_path / "summary.csv").write_text('topic,"How should we travel?"\nurl,https://x\n')
    assert recognise(tmp_path).settings["topic"] == "How should we travel?"


def test_answers_of_models_are_sent_to_the_command_that_measures_them(tmp_path: Path) -> None:
    row = {"model": "m", "strategy": "aware", "question_id": "Q1", "answer": "2"}
    with pytest.raises(InvalidInput, match="answers of language models") as caught:
        recognise(write(tmp_path / "a.jsonl", [row]))
    assert "pluralign survey evaluate" in str(caught.value.hint)


def test_a_file_that_no_source_reads_is_refused_with_its_columns(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"no column 'prompt'; found: name, age"):
        recognise(write(tmp_path / "a.jsonl", [{"name": "x", "age": 3}]))


def test_a_folder_that_no_source_reads_is_refused_with_its_files(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", [PAIR])
    with pytest.raises(InvalidInput) as caught:
        recognise(tmp_path)
    assert "a.jsonl" in str(caught.value.hint)
