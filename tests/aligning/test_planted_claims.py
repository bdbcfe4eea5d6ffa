"""A model whose survey answers an adapter moves by a planted amount: the change is found."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from pluralign.aligning import survey_change
from pluralign.aligning.planted_choices import build_option_chooser, write_option_adapter
from pluralign.aligning.result_rows import MeasuredPolicy
from pluralign.aligning.survey_change import survey_rows
from pluralign.core import InvalidInput, Silent
from pluralign.runs.folder import RunFolder
from pluralign.settings import resolve_survey

pytest.importorskip("peft")
START = np.array([0.4, 0.3, 0.2, 0.1])
AFTER = {"MEX": np.array([0.1, 0.2, 0.3, 0.4]), "GBR": np.array([0.42, 0.32, 0.16, 0.1])}
PEOPLE = {"MEX": np.array([0.1, 0.2, 0.3, 0.4]), "GBR": np.array([0.4, 0.3, 0.2, 0.1])}
QUESTIONS, CLOSENESS = 80, 12


def _similarity(one_O, other_Q_O):
    return 1 - jensenshannon(np.broadcast_to(one_O, other_Q_O.shape), other_Q_O, axis=1, base=2)


def _answers(community, questions, seed):
    """Shares of a community's people, around the planted ones."""
    return np.random.default_rng(seed).dirichlet(CLOSENESS * PEOPLE[community], questions)


def _expected_change(community, by, questions=200_000, seed=9):
    """Change in similarity over all questions that might have been asked."""
    people_Q_O = _answers(community, questions, seed)
    return (_similarity(AFTER[by], people_Q_O) - _similarity(START, people_Q_O)).mean()


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("choosers")
    build_option_chooser(folder / "start", START)
    for community, after_O in AFTER.items():
        write_option_adapter(folder / "start", folder / "raft" / community, START, after_O)
    return folder


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    """Folder of a survey of 80 questions, whose people's shares are drawn."""
    folder = tmp_path_factory.mktemp("survey")
    ids = [f"Q{k + 1}" for k in range(QUESTIONS)]
    options = ["never", "rarely", "often", "always"]
    questions = [{"Q_id": id_, "question": f"Is {id_} so?", "option_lst": options} for id_ in ids]
    shares = {
        name: {
            id_: {str(code): share for code, share in enumerate(own, start=1)}
            for id_, own in zip(ids, _answers(community, QUESTIONS, seed).tolist(), strict=True)
        }
        for seed, (name, community) in enumerate((("Mexico", "MEX"), ("Great Britain", "GBR")))
    }
    (folder / "questions.json").write_text(json.dumps(questions))
    (folder / "country_proportions.json").write_text(json.dumps(shares))
    return folder


@pytest.fixture(scope="module")
def rows(models, survey, tmp_path_factory):
    def policies(work):
        for community in AFTER:
            policy = MeasuredPolicy("raft", community)
            yield SimpleNamespace(measured=policy), models / "raft" / community

    folder = RunFolder(tmp_path_factory.mktemp("claims") / "run")
    tables = {
        "survey": {"source": "shares", "path": str(survey), "exclude_questions": []},
        "strategies": ["culture_unaware"], "method": "likelihood",
        "model": {"name": str(models / "start"), "device": "cpu"}, "evaluate": {"draws": 400},
    }  # fmt: skip
    resolved = resolve_survey(tables)
    work = SimpleNamespace(
        communities=tuple(AFTER),
        settings=SimpleNamespace(model=resolved.settings.model),
        folder=folder,
        stage_folder=lambda stage: folder.path / stage,
        reporter=Silent(),
        survey=resolved,
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(survey_change, "policies", policies)
        return survey_rows(work)


def _row(rows, metric, steer, community):
    (row,) = [
        r for r in rows if (r["metric"], r["steer"], r["community"]) == (metric, steer, community)
    ]
    return row


@pytest.mark.parametrize("steer", AFTER)
@pytest.mark.parametrize("community", PEOPLE)
def test_the_change_in_survey_answers_has_the_planted_sign_and_size(rows, steer, community):
    row = _row(rows, "survey_similarity_change", steer, community)
    assert row["n"] == QUESTIONS
    assert row["low"] <= _expected_change(community, steer) <= row["high"]
    if steer == "MEX":  # towards its own people, and away from the others
        assert (row["low"] > 0.1) if community == "MEX" else (row["high"] < -0.1)
    else:  # hardly moved
        assert abs(row["value"]) < 0.03


def test_the_similarity_of_the_start_model_is_that_of_its_planted_answers(rows):
    for seed, community in enumerate(PEOPLE):
        expected_Q = _similarity(START, _answers(community, QUESTIONS, seed))
        row = _row(rows, "survey_similarity", None, community)
        assert row["value"] == pytest.approx(expected_Q.mean(), abs=1e-3)


def test_probabilities_that_do_not_sum_to_one_are_refused(tmp_path):
    with pytest.raises(InvalidInput, match="must have the sum 1"):
        build_option_chooser(tmp_path / "m", [0.4, 0.5])
    with pytest.raises(InvalidInput, match="2 to 9 probabilities above 0"):
        build_option_chooser(tmp_path / "m", [1.0])
