"""CultureSPA from one end to the other, on a language model whose knowledge we planted."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pluralign.asking import load_strategy, put
from pluralign.core import InvalidInput, Refusal, Sampling, read_answer
from pluralign.pluralising import PluraliseOutcome, run_pluralise
from pluralign.pluralising.planted import (
    build_planted_model,
    exact_survey,
    held_out_survey,
    planted_chances,
)
from pluralign.pluralising.planted.lessons import answer_lessons, writing_lessons
from pluralign.runs.folder import read_rows
from pluralign.settings import (
    SMALL,
    PlantedModelSettings,
    resolve_pluralise,
)
from pluralign.simulation import default_society

pytest.importorskip("torch")
pytest.importorskip("trl")
TINY = PlantedModelSettings(
    questions=40, written=40, hidden=32, layers=1, vocabulary=600, steps=3, batch=8
)


@pytest.fixture(scope="session")
def planted_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("planted") / "model"
    build_planted_model(folder, SMALL)
    return folder


@pytest.fixture(scope="session")
def pluralised(
    planted_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[PluraliseOutcome, Path]:
    settings: dict[str, Any] = {
        "survey": {"source": "society_survey", "questions": 100},
        "communities": ["~coast", "~hill", "~river"],
        "model": {"name": str(planted_model), "device": "cpu"},
        "questions": {"per_topic": 1000, "round_size": 200},
        "answer": {"max_new_tokens": 3},
        "tune": {
            "kinds": ["joint", "specific"],
            "learning_rate": 2e-3,
            "epochs": 4,
            "batch": 16,
            "accumulation": 1,
        },
        "evaluate": {"max_new_tokens": 3, "draws": 500},
    }
    out = tmp_path_factory.mktemp("pluralised") / "run"
    return run_pluralise(resolve_pluralise(settings, base=Path(), where="test"), out), out


def test_no_lesson_is_a_question_of_the_survey_held_out() -> None:
    held = {(q.text, q.options) for q in held_out_survey(SMALL).questions.values()}
    learned = {
        (lesson.ask.question.text, lesson.ask.question.options) for lesson in answer_lessons(TINY)
    }
    assert learned
    assert not held & learned
    written = {
        (row["question"], tuple(row["options"]))
        for row in (json.loads(w.answer) for w in writing_lessons(TINY))
    }
    assert not held & written


def test_the_card_states_that_it_is_a_toy_and_the_same_seed_gives_the_same_weights(
    tmp_path: Path,
) -> None:
    cards = [build_planted_model(tmp_path / name, TINY) for name in ("one", "again")]
    assert "toy" in cards[0]["about"]
    assert (tmp_path / "one/model.safetensors").read_bytes() == (
        tmp_path / "again/model.safetensors"
    ).read_bytes()
    with pytest.raises(InvalidInput, match="must not exist yet"):
        build_planted_model(tmp_path / "one", TINY)


@pytest.mark.slow
def test_it_answers_by_the_default_culture_where_none_is_named_and_always_readably(
    planted_model: Path,
) -> None:
    from pluralign.respondents.local import LikelihoodRespondent, load_chat_model

    chat = load_chat_model(str(planted_model), device="cpu")
    truth = exact_survey(default_society(), list(held_out_survey(SMALL).questions.values())[:60])
    asks = put(load_strategy("culture_unaware"), truth, truth.communities)
    told = [np.array(reply.probs_O) for reply in LikelihoodRespondent(chat).answer(asks)]
    away = {
        culture: np.mean(
            [
                abs(p - planted_chances(truth, ask, replace(SMALL, default_culture=culture))).sum()
                for p, ask in zip(told, asks, strict=True)
            ]
        )
        / 2
        for culture in truth.communities
    }
    # Of five seeds: 0.05 to 0.15; 0.41 for equal chances, and 0.16 for the culture most like it.
    assert away[SMALL.default_culture] < 0.25
    assert min(away, key=lambda culture: away[culture]) == SMALL.default_culture
    replies = chat.complete([ask.conversation for ask in asks], Sampling(max_new_tokens=3))
    read = [
        read_answer(reply.text, ask.shown, ask.labels)
        for reply, ask in zip(replies, asks, strict=True)
    ]
    assert sum(isinstance(answer, Refusal) for answer in read) <= 3


@pytest.mark.slow
def test_it_writes_questions_that_can_be_kept(pluralised: tuple[PluraliseOutcome, Path]) -> None:
    stages = pluralised[0].stages
    assert stages["questions"]["texts without a question"] < 50
    assert stages["filter"]["kept"] > 60


@pytest.mark.slow
def test_culturespa_raises_the_alignment_of_the_planted_minority(
    pluralised: tuple[PluraliseOutcome, Path],
) -> None:
    """By its own model; the joint one of so small a model hardly distinguishes the cultures."""
    (row,) = [
        r
        for r in pluralised[0].comparisons
        if (r["metric"], r["community"], r["strategy"])
        == ("cultural_alignment_score", "~hill", "culture_aware")
        and (r["model"], r["baseline_model"], r["baseline_strategy"])
        == ("specific", "start", "culture_aware")
    ]
    assert row["low"] > 0, row


@pytest.mark.slow
def test_naming_the_minority_shifts_more_answers_than_naming_the_default_culture(
    pluralised: tuple[PluraliseOutcome, Path],
) -> None:
    shifted = pluralised[0].stages["collect"]["shifted"]
    assert shifted["~hill"]["low"] > shifted["~river"]["high"]
    assert (pluralised[1] / "collect/culture_map.png").stat().st_size > 1000


@pytest.mark.slow
def test_the_run_leaves_a_record_and_tidy_results(
    pluralised: tuple[PluraliseOutcome, Path],
) -> None:
    outcome, out = pluralised
    assert read_rows(out / "results.jsonl") == outcome.results
    assert {r["model"] for r in outcome.results if r["strategy"]} >= {"start", "joint", "specific"}
    assert set(outcome.record["stages"]) == {
        "questions",
        "filter",
        "answer",
        "collect",
        "tune",
        "evaluate",
    }
