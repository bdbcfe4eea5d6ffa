"""A community's answers predicted from other communities' answers to the same questions."""

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from pluralign.core import AnswerDistribution, FloatArray, Survey, SurveyQuestion, Tally, rng_for
from pluralign.evaluation.surveys import Peoples, distribution_rows, mean_of_others, nearest_others

PROBS = rng_for(0, "shares").dirichlet(np.ones(3), size=(4, 6))
SCRIPT = Path(__file__).parents[3] / "benchmarks" / "other_communities.py"


def test_the_mean_of_others_leaves_out_oneself_and_those_who_were_not_asked() -> None:
    probs = PROBS.copy()
    probs[1, 0] = 0
    found = mean_of_others(probs)
    np.testing.assert_allclose(found[0, 0], (probs[2, 0] + probs[3, 0]) / 2)
    np.testing.assert_allclose(found[1, 0], (probs[0, 0] + probs[2, 0] + probs[3, 0]) / 3)
    np.testing.assert_allclose(found.sum(axis=2), 1)


def test_where_no_other_community_was_asked_there_is_no_prediction() -> None:
    probs = np.zeros_like(PROBS)
    probs[2, 3] = PROBS[2, 3]
    assert not mean_of_others(probs)[2].any()
    assert not nearest_others(probs, 2, np.ones(6, dtype=bool)).any()


def test_without_a_context_the_nearest_others_are_all_others() -> None:
    found = nearest_others(PROBS, 1, np.zeros(6, dtype=bool))
    np.testing.assert_allclose(found, mean_of_others(PROBS)[1])


def test_answers_outside_the_context_are_never_read() -> None:
    context = np.arange(6) < 2
    changed = PROBS.copy()
    changed[1, ~context] = PROBS[1, ~context][:, ::-1]
    np.testing.assert_array_equal(
        nearest_others(PROBS, 1, context), nearest_others(changed, 1, context)
    )


def planted_blocs() -> FloatArray:
    """Two blocs of communities that answer alike within, and differently between."""
    rng = rng_for(1, "blocs")
    bloc_2_Q_O = rng.dirichlet(np.ones(4), size=(2, 60))
    noisy = bloc_2_Q_O[np.arange(10) % 2] + 0.1 * rng.random((10, 60, 4))
    shares: FloatArray = noisy / noisy.sum(axis=2, keepdims=True)
    return shares


def test_a_few_answers_find_the_planted_bloc() -> None:
    probs, context = planted_blocs(), np.arange(60) < 10
    rest = ~context
    wrong = {
        "all": np.abs(mean_of_others(probs)[0] - probs[0])[rest].mean(),
        "near": np.abs(nearest_others(probs, 0, context) - probs[0])[rest].mean(),
    }
    assert wrong["near"] < wrong["all"] / 2


def test_reference_points_of_distributions_have_their_similarity_and_stand_in_the_results() -> None:
    question = SurveyQuestion("q", "?", ("Yes", "No"), ordered=True)
    shares = {"~hill": (1.0, 0.0), "~river": (1.0, 0.0), "~coast": (0.5, 0.5)}
    found = tuple(AnswerDistribution("q", c, s) for c, s in shares.items())
    peoples = Peoples.of(Survey("s", {"q": question}, found), ["q"], list(shares), Tally())
    rows = {
        (r.metric, r.model, r.community): r.value
        for r in distribution_rows(peoples, np.ones((100, 1)))
    }
    assert rows["similarity", "uniform", "~coast"] == 1
    assert rows["wasserstein", "uniform", "~hill"] == 0.5
    assert rows["wasserstein", "mean of others", "~hill"] == pytest.approx(0.25)
    assert rows["wasserstein", "mean of others", "~coast"] == pytest.approx(0.5)


@pytest.mark.shared
def test_the_numbers_measured_on_global_opinions_are_found_again(
    shared_data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Within 0.002: which countries, questions and contexts were counted is not fully known."""
    data = shared_data / "global_opinions" / "llm_global_opinions_part.csv"
    monkeypatch.setattr(sys, "argv", ["other_communities.py", str(data), "3"])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    lines = capsys.readouterr().out.splitlines()
    cells = {line[:28].strip(): [float(c) for c in line[28:55].split()] for line in lines[2:]}
    expected = {
        "uniform": [0.7052, 0.8496, 0.7664],
        "mean of others, 0 shots": [0.8532, 0.9576, 0.9004],
        "nearest others, 5 shots": [0.8575, 0.9591, 0.9034],
        "nearest others, 20 shots": [0.8647, 0.9624, 0.9089],
        "nearest others, 50 shots": [0.8696, 0.9646, 0.9126],
    }
    for name, numbers in expected.items():
        np.testing.assert_allclose(cells[name], numbers, atol=0.002)
    assert "Greece" in lines[2]
    assert "Pakistan" in lines[3]
