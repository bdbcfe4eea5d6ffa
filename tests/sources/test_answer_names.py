import json
from pathlib import Path
from typing import Any

import pytest

from pluralign.core import InvalidInput, Tally
from pluralign.sources import AnswerNames, ShareTable, read_answers
from pluralign.sources.answer_names import named_by

RESULT = [
    {
        "Q_id": "Q1",
        "question": "How important is it?",
        "option_lst": ["Very", "Rather"],
        "answer": "1",
    }
]


def written(path: Path, rows: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "strategy", "community", "run"),
    [
        ("wvs_result_culture_unaware_0.json", "culture_unaware", None, 0),
        ("wvs_result_culture_aware_KEN_2.json", "culture_aware", "KEN", 2),
        ("wvs_result_self_alignment_American_0.json", "self_alignment", "USA", 0),
        (
            "wvs_result_cross_culture_thinking_self_alignment_CAN_0.json",
            "cross_culture_thinking_self_alignment",
            "CAN",
            0,
        ),
    ],
)
def test_the_published_result_files_are_read_as_they_are(
    name: str, strategy: str, community: str | None, run: int, tmp_path: Path
) -> None:
    path = written(tmp_path / "Meta-Llama-3-8B-Instruct" / name, RESULT)
    (answer,) = read_answers([path], Tally())
    assert (answer.model, answer.strategy) == ("Meta-Llama-3-8B-Instruct", strategy)
    assert (answer.community, answer.draw, answer.question, answer.text) == (
        community,
        run,
        "Q1",
        "1",
    )


@pytest.mark.parametrize(
    "name", ["answers.json", "result.json", "my_results_KEN.json", "wvs_result_Culture_0.json"]
)
def test_another_name_gives_no_facts(name: str) -> None:
    assert named_by(Path(name)) == {}


def test_facts_that_a_file_lacks_can_be_given(tmp_path: Path) -> None:
    path = written(tmp_path / "answers.json", RESULT)
    (answer,) = read_answers([path], Tally(), names=AnswerNames("llama", "culture_aware", "Mexico"))
    assert (answer.model, answer.strategy, answer.community) == ("llama", "culture_aware", "MEX")
    (unaware,) = read_answers([path], Tally(), names=AnswerNames("llama", "culture_unaware", ""))
    assert unaware.community is None


def test_facts_of_rows_come_first(tmp_path: Path) -> None:
    row = RESULT[0] | {"model": "own", "strategy": "unaware", "community": None}
    path = written(tmp_path / "m" / "wvs_result_culture_aware_KEN_0.json", [row])
    (answer,) = read_answers([path], Tally(), names=AnswerNames("llama", "culture_aware", "MEX"))
    assert (answer.model, answer.strategy, answer.community) == ("own", "unaware", None)


def test_an_unknown_fact_is_asked_for_by_its_option(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no model and no strategy and no community") as caught:
        read_answers([written(tmp_path / "answers.json", RESULT)], Tally())
    assert "--model ... --strategy ... --named ..." in str(caught.value.hint)


def test_the_published_data_files_are_found_under_their_own_names(tmp_path: Path) -> None:
    written(tmp_path / "wvs_questions.json", RESULT)
    written(tmp_path / "proportions_group_by_country.json", {"KEN": {"Q1": {"1": 0.75, "2": 0.25}}})
    survey = ShareTable(tmp_path).survey()
    found = survey.distribution("Q1", "KEN")
    assert found is not None
    assert found.probs_O == (0.75, 0.25)
