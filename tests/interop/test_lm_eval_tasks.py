"""Surveys in lm-eval, run by its own command on small models of three kinds."""

from pathlib import Path

import pytest
from tests.respondents.conftest import TEMPLATE, build_chat_model

from pluralign.asking import load_strategy, put
from pluralign.core import (
    AnswerDistribution,
    InvalidInput,
    Survey,
    SurveyQuestion,
    Tally,
    record_answer,
)
from pluralign.evaluation.general_ability import AbilityTasks, run_lm_eval
from pluralign.evaluation.surveys import read_all
from pluralign.interop import write_lm_eval_tasks
from pluralign.interop.lm_eval_scoring import alignment, score_answer
from pluralign.runs.folder import read_rows
from pluralign.simulation import SocietySurvey
from pluralign.surveying.survey_evaluation import measure

AWARE = load_strategy("culture_aware")
REFUSES = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system turn') }}{% endif %}"
    + TEMPLATE
)
METRICS = ("cultural_alignment_score", "exact_accuracy", "similarity")


def scales() -> Survey:
    """Scales of ten points, whose label 1 begins their label 10, beside short ones."""
    sizes = {f"Q{i}": 10 if i % 2 else 4 for i in range(8)}
    questions = {
        id_: SurveyQuestion(
            id_, f"How far do you agree with {id_}?", tuple(f"step {k}" for k in range(size))
        )
        for id_, size in sizes.items()
    }
    shares = [
        AnswerDistribution(
            id_,
            community,
            tuple(2 * (1 + (k + shift) % size) / (size * (size + 1)) for k in range(size)),
        )
        for id_, size in sizes.items()
        for shift, community in enumerate(("MEX", "NGA"))
    ]
    return Survey("scales", questions, tuple(shares))


SURVEY, SOCIETY = scales(), SocietySurvey(questions=6).survey()


def ours(model: Path, survey: Survey, community: str) -> dict[str, float]:
    """The metrics of `pluralign survey run` with likelihoods."""
    from pluralign.respondents.local import LikelihoodRespondent, load_chat_model

    asks = put(AWARE, survey, [community])
    replies = LikelihoodRespondent(load_chat_model(str(model), device="cpu")).answer(asks)
    answers = [record_answer("m", ask, reply) for ask, reply in zip(asks, replies, strict=True)]
    rows, _, _ = measure(
        read_all(answers, survey, "strict", "auto", Tally()), survey, [community], Tally(), 0, 20
    )
    told = [r for r in rows if (r["model"], r["community"]) == ("m", community)]
    return {r["metric"]: r["value"] for r in told if r["metric"] in METRICS}


@pytest.mark.slow
@pytest.mark.parametrize(
    "template", [TEMPLATE, REFUSES, None], ids=["template", "refuses a system turn", "none"]
)
def test_a_task_gives_the_numbers_of_a_survey_run_for_every_template(
    template: str | None, tmp_path: Path
) -> None:
    pytest.importorskip("lm_eval")
    model = build_chat_model(tmp_path / "tiny", template)
    (name,) = write_lm_eval_tasks(SURVEY, [AWARE], ["MEX"], tmp_path / "tasks")
    (other,) = write_lm_eval_tasks(SOCIETY, [AWARE], ["~hill"], tmp_path / "tasks", "society")
    wanted = AbilityTasks(
        (name, other), tmp_path / "tasks", chat_template=template is not None, device="cpu"
    )
    found = run_lm_eval(str(model), None, wanted, tmp_path / "out")
    rows = {task: {r["metric"]: r for r in found if r["task"] == task} for task in (name, other)}
    for task, survey, community in ((name, SURVEY, "MEX"), (other, SOCIETY, "~hill")):
        theirs = {metric: rows[task][metric]["value"] for metric in METRICS}
        assert theirs == pytest.approx(ours(model, survey, community), abs=1e-6)
    similarity = rows[name]["similarity"]
    assert similarity["low"] < similarity["value"] < similarity["high"]
    assert rows[name]["cultural_alignment_score"]["low"] is None


def test_a_label_that_begins_another_counts_without_it() -> None:
    row = {"gold": 1, "probs": [0.5, 0.5], "longer": [[1], []]}
    scores = score_answer(row, [(-1.0, True), (-1.1, True)])
    assert scores["cultural_alignment_score"] == (1, 1, 2)
    assert (
        score_answer(row | {"longer": [[], []]}, [(-1.0, True), (-1.1, True)])["exact_accuracy"]
        == 0
    )


def test_the_score_is_put_together_over_questions_not_averaged() -> None:
    assert alignment([(0, 0, 2), (9, 0, 10)]) == pytest.approx(100 * (1 - (81 / 82) ** 0.5))


def test_written_again_the_folder_has_the_new_tasks_of_that_name_and_all_of_others(
    tmp_path: Path,
) -> None:
    write_lm_eval_tasks(SURVEY, [AWARE], ["MEX", "NGA"], tmp_path / "t", "one")
    write_lm_eval_tasks(SURVEY, [AWARE], ["MEX"], tmp_path / "t", "one_more")
    write_lm_eval_tasks(SURVEY, [AWARE], ["NGA"], tmp_path / "t", "one")
    names = ("one_culture_aware_NGA", "one_more_culture_aware_MEX")
    assert sorted(path.name for path in (tmp_path / "t").iterdir()) == sorted(
        [*(f"{name}.{kind}" for name in names for kind in ("jsonl", "yaml")), "utils.py"]
    )


def test_a_folder_with_tasks_of_ones_own_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "utils.py").write_text("def mine(): ...\n", encoding="utf-8")
    with pytest.raises(InvalidInput, match="not empty"):
        write_lm_eval_tasks(SURVEY, [AWARE], ["MEX"], tmp_path)
    assert (tmp_path / "utils.py").read_text(encoding="utf-8") == "def mine(): ...\n"


def test_two_tasks_never_share_a_name(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="one name"):
        write_lm_eval_tasks(SURVEY, [AWARE, AWARE], ["MEX"], tmp_path / "t")
    assert not (tmp_path / "t").exists()


def test_a_task_states_whether_its_words_show_gold(tmp_path: Path) -> None:
    names = write_lm_eval_tasks(SURVEY, [AWARE, load_strategy("self_alignment")], ["MEX"], tmp_path)
    told = [
        "shows_gold: true" in (tmp_path / f"{name}.yaml").read_text(encoding="utf-8")
        for name in names
    ]
    assert told == [False, True]
    assert "Answer:" in read_rows(tmp_path / f"{names[1]}.jsonl")[0]["text"]
