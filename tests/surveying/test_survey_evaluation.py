"""Recorded answers of real models: the published numbers, to two decimals."""

import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from pluralign.core import InvalidInput, NotEnoughData
from pluralign.runs.folder import read_rows
from pluralign.simulation import SocietySurvey
from pluralign.sources import ShareTable
from pluralign.surveying.survey_evaluation import SurveyOutcome, evaluate_answers

FIVE = ("BRA", "CHN", "MEX", "NGA", "NZL")


def values(outcome: SurveyOutcome, metric: str) -> dict[tuple[str, str | None, str | None], float]:
    rows = [r for r in outcome.results if r["metric"] == metric]
    return {(r["model"], r["strategy"], r["community"]): round(r["value"], 2) for r in rows}


@pytest.mark.shared
def test_culturespas_scores_of_llama_come_out_as_published(
    shared_data: Path, tmp_path: Path
) -> None:
    files = [shared_data / "llm_answers/llama-3-8b-instruct.jsonl.gz"]
    found = evaluate_answers(
        files, ShareTable(shared_data / "wvs"), tmp_path, parser="published", draws=50
    )
    scores = values(found, "cultural_alignment_score")
    published = {
        "culture_unaware": {"USA": 68.34, "CHN": 62.19, "IND": 56.55, "KEN": 54.14, "BRA": 58.76},
        "culture_aware": {"USA": 71.12, "CHN": 66.54, "IND": 62.97, "KEN": 60.60, "BRA": 62.83},
    }
    for strategy, by_country in published.items():
        for country, value in by_country.items():
            assert scores["Meta-Llama-3-8B-Instruct", strategy, country] == value
    refused = [
        r
        for r in read_rows(tmp_path / "answers.jsonl")
        if r["strategy"] == "culture_unaware" and r["option"] is None
    ]
    assert len(refused) == 5


@pytest.mark.shared
@pytest.mark.parametrize(
    ("file", "model", "printed", "corrected", "pairwise", "structural"),
    [
        ("claude-opus-4.7", "claude-opus-4.7", 70.31, 71.26, 28.44, 22.36),
        ("gpt-5.4", "gpt-5.4", 69.22, 69.09, 25.06, 19.54),
        ("qwen3-8b", "Qwen3-8B", 64.46, 64.05, 23.62, 18.92),
    ],
)
def test_published_alignment_and_diversity_are_reproduced_with_zero_coded_questions(
    shared_data: Path,
    tmp_path: Path,
    file: str,
    model: str,
    printed: float,
    corrected: float,
    pairwise: float,
    structural: float,
) -> None:
    """All 223 questions asked, Q223 among them, which CultureSPA's 259 leave out."""
    source = ShareTable(shared_data / "wvs", exclude_questions=())
    files = [shared_data / f"llm_answers/{file}.jsonl.gz"]
    how: Mapping[str, Any] = {"parser": "published", "communities": FIVE, "draws": 20}
    as_printed = evaluate_answers(files, source, tmp_path / "a", numbering="codes", **how)
    rightly = evaluate_answers(files, source, tmp_path / "b", numbering="one", **how)
    who = (model, "respondent_of", None)
    assert values(as_printed, "cultural_alignment_score")[who] == printed
    assert values(rightly, "cultural_alignment_score")[who] == corrected
    for outcome in (as_printed, rightly):
        for metric, own, human in (
            ("pairwise_diversity", pairwise, 44.07),
            ("structural_diversity", structural, 39.37),
        ):
            assert values(outcome, metric)[who] == own
            assert values(outcome, metric)[f"people: {model}", "respondent_of", None] == human


def answers_in(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    text = "".join(json.dumps(row) + "\n" for row in rows)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


SOURCE = SocietySurvey(questions=8)
GOLD = SOURCE.survey()


def rows_for(community: str | None = "~hill", **more: object) -> list[dict[str, Any]]:
    found = []
    for id_ in GOLD.questions:
        gold = GOLD.distribution(id_, community or "~river")
        assert gold is not None
        found.append(
            {"model": "m", "strategy": "culture_aware", "community": community, "question_id": id_}
            | {"answer": str(gold.gold + 1)}
            | more
        )
    return found


def test_plain_and_packed_files_give_the_same_numbers(tmp_path: Path) -> None:
    plain, packed = (
        answers_in(tmp_path / "a.jsonl", rows_for()),
        answers_in(tmp_path / "a.jsonl.gz", rows_for()),
    )
    one, other = (
        evaluate_answers([f], SOURCE, tmp_path / f.name.replace(".", "-")) for f in (plain, packed)
    )
    assert one.results == other.results
    assert values(one, "exact_accuracy")["m", "culture_aware", "~hill"] == 1


def test_results_have_the_columns_of_the_contract_and_an_interval_with_every_score(
    tmp_path: Path,
) -> None:
    evaluate_answers([answers_in(tmp_path / "a.jsonl", rows_for())], SOURCE, tmp_path / "out")
    rows = read_rows(tmp_path / "out/results.jsonl")
    columns = {
        "metric",
        "method",
        "steer",
        "community",
        "subset",
        "value",
        "low",
        "high",
        "n",
        "n_raters",
        "model",
        "strategy",
    }
    assert {frozenset(row) for row in rows} == {frozenset(columns)}
    assert all(
        row["low"] <= row["value"] <= row["high"]
        for row in rows
        if row["metric"] == "cultural_alignment_score"
    )


def test_a_community_that_the_survey_lacks_is_reported_and_the_others_are_measured(
    tmp_path: Path,
) -> None:
    path = answers_in(
        tmp_path / "a.jsonl", [*rows_for(), *({**row, "community": "MEX"} for row in rows_for())]
    )
    found = evaluate_answers([path], SOURCE, tmp_path / "out")
    assert (
        "MEX is not in the survey: its answers are not compared"
        in found.record["data"]["answers"]["notes"]
    )
    assert {r["community"] for r in found.results} == {"~hill"}


def test_communities_of_the_survey_that_no_number_is_about_are_named_with_the_reason(
    tmp_path: Path,
) -> None:
    path = answers_in(tmp_path / "a.jsonl", rows_for())
    (note,) = (
        n
        for n in evaluate_answers([path], SOURCE, tmp_path / "out").record["notes"]
        if "not measured" in n
    )
    assert note.startswith(
        "4 of the survey's 5 communities are not measured, because no answer is in their name: "
    )
    assert "River" in note


def test_repeated_and_contradicting_answers_are_counted_and_the_first_counts(
    tmp_path: Path,
) -> None:
    again = [dict(row) for row in rows_for()[:2]] + [rows_for()[2] | {"answer": "9"}]
    found = evaluate_answers(
        [answers_in(tmp_path / "a.jsonl", rows_for() + again)], SOURCE, tmp_path / "out"
    )
    assert found.record["data"]["answers"]["dropped"] == {
        "repeated answer": 2,
        "second answer to one ask": 1,
    }
    assert values(found, "exact_accuracy")["m", "culture_aware", "~hill"] == 1


def test_unknown_questions_are_listed_and_empty_or_enormous_answers_are_refusals(
    tmp_path: Path,
) -> None:
    odd = [
        rows_for()[0] | {"question_id": "Q999"},
        rows_for()[1] | {"answer": ""},
        rows_for()[2] | {"answer": None},
        rows_for()[3] | {"answer": "word " * 100_000},
    ]
    found = evaluate_answers(
        [answers_in(tmp_path / "a.jsonl", odd + rows_for()[4:])], SOURCE, tmp_path / "out"
    )
    told = found.record["data"]["answers"]
    assert told["dropped"] == {"unknown question: Q999": 1}
    assert any("enormous" in reason for reason in told["flagged"])
    assert values(found, "refusal_rate")["m", "culture_aware", "~hill"] == round(3 / 7, 2)


@pytest.mark.parametrize(
    ("rows", "error", "said"),
    [
        ([], NotEnoughData, "no rows"),
        ([{"model": "m"}], InvalidInput, "no community"),
        (
            [
                {
                    "model": "m",
                    "strategy": "s",
                    "community": "Atlantis",
                    "question_id": "q0000",
                    "answer": "1",
                }
            ],
            InvalidInput,
            "Atlantis",
        ),
        (
            [
                {
                    "model": "m",
                    "strategy": "s",
                    "community": "MEX",
                    "question_id": "q0000",
                    "answer": "1",
                }
            ],
            NotEnoughData,
            "no community",
        ),
    ],
)
def test_files_that_cannot_be_measured_end_with_a_reason(
    tmp_path: Path, rows: list[dict[str, Any]], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        evaluate_answers([answers_in(tmp_path / "a.jsonl", rows)], SOURCE, tmp_path / "out")
    assert not (tmp_path / "out/results.jsonl").exists()


def test_a_broken_line_is_named_and_can_be_skipped(tmp_path: Path) -> None:
    path = answers_in(tmp_path / "a.jsonl", rows_for())
    path.write_text(path.read_text(encoding="utf-8") + '{"model": "m", ', encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"a\.jsonl:9"):
        evaluate_answers([path], SOURCE, tmp_path / "out")
    found = evaluate_answers([path], SOURCE, tmp_path / "out", skip_bad=True)
    assert sum(found.record["data"]["answers"]["dropped"].values()) == 1


def test_the_same_seed_gives_the_same_intervals_and_another_one_others(tmp_path: Path) -> None:
    some = [r | {"answer": "1"} for r in rows_for()]
    path = answers_in(tmp_path / "a.jsonl", some)
    runs = [
        evaluate_answers([path], SOURCE, tmp_path / f"out{i}", seed=seed).results
        for i, seed in enumerate((1, 1, 2))
    ]
    assert runs[0] == runs[1] != runs[2]
