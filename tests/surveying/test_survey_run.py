"""Surveys of simulated respondents: what was planted is found, and a run goes on where it was."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.respondents.servers import Behaviour, serving

from pluralign.core import InvalidSettings, NotEnoughData, Silent
from pluralign.runs.folder import read_rows
from pluralign.settings import ResolvedSurvey, resolve_survey
from pluralign.surveying import asks_of, run_survey

OWN, OTHERS = "~river", ("~coast", "~hill", "~isle", "~marsh")
ENDPOINT = {"kind": "endpoint", "name": "m", "base_url": "http://127.0.0.1:9/v1"}


def settings(model: Mapping[str, Any] | None = None, **more: Any) -> ResolvedSurvey:
    tables: dict[str, Any] = {
        "survey": {"source": "society_survey", "questions": 60},
        "model": {"kind": "simulated", "default_culture": OWN} | dict(model or {}),
        "evaluate": {"draws": 200},
    }
    return resolve_survey(tables | more, base=Path(), where="test")


def measured(
    folder: Path, model: Mapping[str, Any] | None = None, **more: Any
) -> dict[tuple[Any, ...], Any]:
    """Rows of results by metric, strategy and community, without reference points and people."""
    rows = run_survey(settings(model, **more), folder).results
    return {
        (r["metric"], r["strategy"], r["community"]): r for r in rows if r["model"] == "simulated"
    }


def test_alignment_rises_with_the_knowledge_that_was_planted(tmp_path: Path) -> None:
    for metric in ("cultural_alignment_score", "exact_accuracy", "similarity"):
        values = [
            measured(tmp_path / f"{metric}-{k}", {"knowledge": k})[metric, "culture_aware", None][
                "value"
            ]
            for k in (0.0, 0.5, 1.0)
        ]
        assert values == sorted(values)
        assert values[0] < values[-1]


def test_naming_a_culture_helps_all_but_the_one_that_answers_anyway(tmp_path: Path) -> None:
    run_survey(settings({"knowledge": 0.8}), tmp_path / "run")
    gains = {
        row["community"]: row
        for row in read_rows(tmp_path / "run/comparisons.jsonl")
        if row["metric"] == "exact_accuracy" and row["community"]
    }
    assert gains[OWN]["value"] == 0
    assert all(gains[c]["low"] > 0 for c in OTHERS)


def test_planted_flattening_is_seen_in_every_measure_of_variety(tmp_path: Path) -> None:
    varied, flat = (
        measured(tmp_path / f"{f}", {"knowledge": 1.0, "flattening": f}) for f in (0.0, 0.8)
    )
    for metric in (
        "spread_ratio",
        "pairwise_diversity",
        "structural_diversity",
        "answer_diversity",
    ):
        assert (
            flat[metric, "culture_aware", None]["high"]
            < varied[metric, "culture_aware", None]["low"]
        ), metric
    common = "majority_choice_rate", "culture_aware", None
    assert flat[common]["low"] > varied[common]["high"]
    assert varied["spread_ratio", "culture_aware", None]["value"] == pytest.approx(1, abs=0.05)


def test_position_bias_is_seen_where_it_was_planted_and_nowhere_else(tmp_path: Path) -> None:
    asking = {"orders": 2}
    fair, biased = (
        measured(tmp_path / f"{b}", {"position_bias": b}, asking=asking) for b in (0.0, 3.0)
    )
    key = "position_bias", "culture_aware", None
    assert biased[key]["low"] > fair[key]["high"]
    assert fair["order_effect", "culture_aware", None]["value"] == 0
    assert biased["order_effect", "culture_aware", None]["low"] > 0.2


def test_refusals_are_as_many_as_planted(tmp_path: Path) -> None:
    found = measured(tmp_path / "run", {"refusal_rate": 0.2})["refusal_rate", "culture_aware", None]
    assert found["low"] < 0.2 < found["high"]


def test_for_a_community_that_the_survey_lacks_no_question_is_asked(tmp_path: Path) -> None:
    asked = settings(communities=["~hill", "MEX"], strategies=["culture_aware"])
    assert {ask.community for ask in asks_of(asked)} == {"~hill"}
    run_survey(asked, tmp_path / "run")
    assert {row["community"] for row in read_rows(tmp_path / "run/recorded.jsonl")} == {"~hill"}
    with pytest.raises(NotEnoughData, match="none of these communities"):
        asks_of(settings(communities=["MEX"]))


def test_two_strategies_of_one_name_are_refused_because_results_could_not_distinguish_them(
    tmp_path: Path,
) -> None:
    copy = tmp_path / "culture_aware.toml"
    copy.write_text('user = "{culture}: {question} {options}"', encoding="utf-8")
    with pytest.raises(
        InvalidSettings, match="must have different names, got 'culture_aware' twice"
    ):
        asks_of(settings(strategies=["culture_aware", str(copy)]))


def test_a_template_of_ones_own_is_asked_by_and_a_change_of_its_words_is_another_run(
    tmp_path: Path,
) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text('user = "{culture}: {question}\\n{options}"', encoding="utf-8")
    own = settings(strategies=[str(mine)], communities=["~hill"])
    assert {
        r["strategy"]
        for r in run_survey(own, tmp_path / "run").results
        if r["model"] == "simulated"
    } == {"mine"}
    mine.write_text('user = "In {culture}: {question}\\n{options}"', encoding="utf-8")
    with pytest.raises(InvalidSettings, match="other settings"):
        run_survey(own, tmp_path / "run")


def test_how_a_server_is_reached_may_change_and_the_run_goes_on(tmp_path: Path) -> None:
    from pluralign.settings.survey import EndpointModelSettings
    from pluralign.surveying.survey_run import _fingerprint

    def identity(**more: Any) -> str:
        resolved = settings(strategies=["culture_unaware"])
        model = EndpointModelSettings.model_validate(ENDPOINT | more)
        asked = ResolvedSurvey(
            resolved.settings.model_copy(update={"model": model}), resolved.source, {}
        )
        return _fingerprint(asked, asks_of(asked))

    prices = {"max_cost": 3.0, "price_in": 1.0, "price_out": 2.0}
    assert identity() == identity(
        concurrency=2, timeout_s=5, retries=0, requests_per_minute=60, **prices
    )
    assert identity() != identity(extra_body={"top_k": 1})


def test_a_run_that_was_stopped_gives_what_one_in_a_single_go_gives(tmp_path: Path) -> None:
    whole = run_survey(settings(), tmp_path / "whole")
    run_survey(settings(), tmp_path / "cut")
    recorded = tmp_path / "cut/recorded.jsonl"
    lines = recorded.read_text(encoding="utf-8").splitlines(keepends=True)
    recorded.write_text("".join(lines[:100]) + lines[100][:30], encoding="utf-8")
    assert run_survey(settings(), tmp_path / "cut").results == whole.results
    assert recorded.read_bytes() == (tmp_path / "whole/recorded.jsonl").read_bytes()


def test_a_limit_draws_the_same_questions_for_every_strategy() -> None:
    asks = asks_of(
        settings(
            limit=7, strategies=["culture_unaware", "cross_culture_thinking", "self_alignment"]
        )
    )
    questions = {
        s: {a.question.id for a in asks if a.strategy == s} for s in {a.strategy for a in asks}
    }
    assert len({frozenset(ids) for ids in questions.values()}) == 1
    assert {len(ids) for ids in questions.values()} == {7}


def test_a_name_given_by_the_user_is_in_answers_and_results(tmp_path: Path) -> None:
    found = run_survey(settings({"called": "mine"}), tmp_path / "run")
    assert "mine" in {row["model"] for row in found.results}
    assert {row["model"] for row in read_rows(tmp_path / "run/recorded.jsonl")} == {"mine"}
    assert (
        json.loads((tmp_path / "run/record.json").read_text())["settings"]["model"]["called"]
        == "mine"
    )


@pytest.mark.slow
@pytest.mark.shared
def test_the_real_survey_with_culturespas_tables_finds_the_planted_knowledge(
    shared_data: Path, tmp_path: Path
) -> None:
    wvs = shared_data / "wvs"
    tables = {
        "survey": {"source": "shares", "path": str(wvs)},
        "strategies": ["culture_unaware", "culture_aware", "cross_culture_thinking_self_alignment"],
        "model": {"kind": "simulated", "default_culture": "USA", "knowledge": 0.7},
        "asking": {
            "similarity": str(wvs / "country_similarity.json"),
            "neighbours": str(wvs / "self_alignment_examples.json"),
        },
        "evaluate": {"draws": 200},
    }
    found = run_survey(resolve_survey(tables, base=Path(), where="test"), tmp_path / "run")
    rows = read_rows(tmp_path / "run/recorded.jsonl")
    assert len(rows) == 259 * (1 + 19 + 18)  # CultureSPA's tables lack Mexico
    assert {row["shows_gold"] for row in rows if "self_alignment" in row["strategy"]} == {True}
    gains = {
        row["community"]: row["low"]
        for row in found.comparisons
        if (row["metric"], row["strategy"]) == ("exact_accuracy", "culture_aware")
        and row["community"]
    }
    assert len(gains) == 19
    assert [community for community, low in gains.items() if low <= 0] == ["USA"]


def test_a_run_whose_asks_all_fail_reports_the_reason_once(tmp_path: Path) -> None:
    pytest.importorskip("openai")
    notes: list[str] = []

    class Noting(Silent):
        def note(self, text: str) -> None:
            notes.append(text)

    with (
        serving(Behaviour(always="no choices")) as url,
        pytest.raises(NotEnoughData, match="all 18 asks failed"),
    ):
        tables = {
            "survey": {"source": "society_survey", "questions": 3},
            "model": ENDPOINT | {"base_url": url, "retries": 0},
        }
        run_survey(resolve_survey(tables, base=Path(), where="test"), tmp_path, Noting())
    assert len(notes) == 1
    assert notes[0].startswith("18 asks failed: not an answer of a chat server: it has no choices")


def test_a_settings_file_runs_as_what_it_resolves_to(tmp_path: Path) -> None:
    file = tmp_path / "small.toml"
    file.write_text(
        '[survey]\nsource = "society_survey"\nquestions = 8\n'
        '[model]\nkind = "simulated"\ndefault_culture = "~river"\n[evaluate]\ndraws = 20\n',
        encoding="utf-8",
    )
    whole = run_survey(resolve_survey(file), tmp_path / "resolved")
    assert run_survey(str(file), str(tmp_path / "file")).results == whole.results


def test_a_run_reports_the_translations_that_no_native_reader_has_signed(tmp_path: Path) -> None:
    questions = [
        {"Q_id": f"Q{k}", "question": f"{k}?", "option_lst": ["yes", "no"]} for k in (1, 2)
    ]
    shares = {id_["Q_id"]: {"1": 0.6, "2": 0.4} for id_ in questions}
    (tmp_path / "questions.json").write_text(json.dumps(questions))
    (tmp_path / "country_proportions.json").write_text(json.dumps({"IRN": shares, "GRC": shares}))
    outcome = run_survey(
        {
            "survey": {"source": "shares", "path": str(tmp_path)},
            "model": {"kind": "simulated"},
            "strategies": ["culture_aware"],
            "asking": {"languages": ["en", "local"]},
        },
        tmp_path / "run",
    )
    note = "machine translation that no native reader has signed: culture_aware, el, fa"
    assert outcome.record["data"]["answers"]["notes"][note] == 4
    asked = read_rows(tmp_path / "run/answers.jsonl")
    assert [row.get("machine_written", False) for row in asked] == [
        row.get("language") is not None for row in asked
    ]
