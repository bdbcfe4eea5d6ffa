import json
from pathlib import Path
from typing import Any

import pytest

from pluralign.sources import ShareTable
from pluralign.surveying.survey_evaluation import SurveyOutcome, evaluate_answers

SCALE = [str(i) for i in range(11)]
QUESTIONS = [
    {"Q_id": "Q1", "question": "Is family important?", "option_lst": ["Very", "Rather", "Not"]},
    {"Q_id": "Q241", "question": "How essential is it?", "option_lst": SCALE},
    {"Q_id": "Q223", "question": "Which party?", "option_lst": ["Party 1", "Party 2", "Party 3"]},
    {"Q_id": "Q261", "question": "Year of birth?", "option_lst": []},
]
VALUES = {"Q1": {"1": 0.7, "3": 0.3}, "Q241": {"0": 0.2, "10": 0.8}}
PARTIES = {"Q223": {"1": 0.2, "3": 0.8}}


def evaluated(
    folder: Path, shares: dict[str, Any], excluded: tuple[str, ...], **how: Any
) -> SurveyOutcome:
    (folder / "questions.json").write_text(json.dumps(QUESTIONS), "utf-8")
    (folder / "country_proportions.json").write_text(
        json.dumps({"MEX": shares, "KEN": shares}), "utf-8"
    )
    rows = [
        {"model": "m", "strategy": "s", "country": c, "question_id": q, "answer": "1"}
        for c in ("MEX", "KEN")
        for q in ("Q1", "Q241", "Q223")
    ]
    path = folder / "answers.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    source = ShareTable(folder, exclude_questions=excluded)
    return evaluate_answers([path], source, folder / "out", draws=10, **how)


def value_of(outcome: SurveyOutcome, metric: str) -> float:
    found = [
        row["value"]
        for row in outcome.results
        if (row["metric"], row["community"], row["model"]) == (metric, "MEX", "m")
    ]
    assert len(found) == 1
    return float(found[0])


def test_answers_to_excluded_questions_are_dropped_as_excluded_not_as_unknown(
    tmp_path: Path,
) -> None:
    outcome = evaluated(tmp_path, VALUES, ("Q223", "Q261"))
    assert outcome.record["data"]["answers"]["dropped"] == {"excluded question: Q223": 2}
    said = "questions of the survey that are not compared: 2 excluded question"
    assert said in outcome.record["notes"]


def test_a_question_that_only_models_answered_is_named(tmp_path: Path) -> None:
    outcome = evaluated(tmp_path, VALUES, ())
    notes = outcome.record["notes"]
    assert outcome.record["data"]["answers"]["dropped"] == {}
    assert any(note.startswith("answered by models alone") and "Q223" in note for note in notes)
    assert (
        "questions of the survey that are not compared: 1 fewer than two options, "
        "1 question without shares" in notes
    )


def test_parties_have_no_order_so_a_wrong_one_is_just_wrong(tmp_path: Path) -> None:
    """The neighbour of the gold party is as wrong as any: answers 1, gold 3, and 1 of 1 on Q1."""
    outcome = evaluated(tmp_path, PARTIES | {"Q1": {"1": 1.0}}, ("Q241",))
    assert value_of(outcome, "answer_closeness") == 0.5
    again = evaluated(tmp_path, {"Q223": {"2": 1.0}, "Q1": {"1": 1.0}}, ("Q241",))
    assert value_of(again, "answer_closeness") == 0.5


@pytest.mark.parametrize(
    ("parser", "numbering", "said"),
    [("published", "one", True), ("published", "codes", False), ("strict", "one", False)],
)
def test_options_that_the_published_parser_cannot_read_are_named(
    tmp_path: Path, parser: str, numbering: str, said: bool
) -> None:
    outcome = evaluated(tmp_path, VALUES, ("Q223",), parser=parser, numbering=numbering)
    told = [note for note in outcome.record["notes"] if "reads numbers above 10" in note]
    assert bool(told) is said
    assert all("Q241" in note and "Q1," not in note for note in told)
