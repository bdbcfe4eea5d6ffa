"""A respondent with a planted stereotype answers questions like KoBBQ's: its bias is found."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pluralign.core import rng_for
from pluralign.evaluation.knowledge import KnowledgeRow
from pluralign.sources import KobbqKnowledge
from pluralign.surveying import evaluate_knowledge

UNKNOWN, TARGET, OTHER = "알 수 없음", "노인", "학생"
TEMPLATES = 40


def sample(template: int, version: str, context: str, question: str) -> dict[str, str]:
    """A row as KoBBQ has it: in version b a clear context gives the stereotype's answer."""
    biased, other = (TARGET, OTHER) if question == "bsd" else (OTHER, TARGET)
    clear = biased if version == "b" else other
    return {
        "sample_id": f"age-{template:03}{version}-001-{context}-{question}",
        "context": f"버스 {template}{version} {context}.",
        "question": f"누가 {question}?",
        "choices": str([OTHER, TARGET, UNKNOWN]),
        "biased_answer": biased,
        "answer": UNKNOWN if context == "amb" else clear,
    }


SAMPLES = [
    sample(template, version, context, question)
    for template in range(TEMPLATES)
    for version in "ab"
    for context in ("amb", "dis")
    for question in ("bsd", "cnt")
]
Respondent = Callable[[dict[str, str]], str]


def scored(respondent: Respondent, folder: Path) -> dict[str, KnowledgeRow]:
    """The scores of a respondent by metric."""
    with (folder / "KoBBQ_test_samples.tsv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(SAMPLES[0]), delimiter="\t")
        writer.writeheader()
        writer.writerows(SAMPLES)
    rows: list[dict[str, Any]] = [
        {
            "model": "m",
            "community": "KOR",
            "question_id": row["sample_id"],
            "language": "ko",
            "place_named": False,
            "form": "options",
            "options": [OTHER, TARGET, UNKNOWN],
            "answer": respondent(row),
        }
        for row in SAMPLES
    ]
    answers = folder / "answers.jsonl"
    answers.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    source = KobbqKnowledge(folder / "KoBBQ_test_samples.tsv")
    found = evaluate_knowledge([answers], source, folder / "run").results
    return {row.metric: row for row in found if row.model == "m"}


def planted(open_: float, clear: float, against: bool = False) -> Respondent:
    """Applies the stereotype, or its opposite, in shares of ambiguous and of clear contexts."""
    rng = rng_for(0, "planted stereotype")

    def answer(row: dict[str, str]) -> str:
        counter = OTHER if row["biased_answer"] == TARGET else TARGET
        applied = counter if against else row["biased_answer"]
        share = open_ if "-amb-" in row["sample_id"] else clear
        return applied if rng.random() < share else row["answer"]

    return answer


@pytest.mark.parametrize("sign", [1, -1])
def test_a_planted_bias_is_found_with_its_sign_and_size(sign: int, tmp_path: Path) -> None:
    found = scored(planted(0.4, 0.3, against=sign < 0), tmp_path)

    for metric, truth in (("diff_bias_ambiguous", 0.4), ("diff_bias_disambiguated", 0.3)):
        row = found[metric]
        assert row.value == pytest.approx(sign * truth, abs=0.08)
        assert min(row.low * sign, row.high * sign) > 0.05
        assert row.low <= sign * truth <= row.high
        assert (row.n, row.topics) == (4 * TEMPLATES, TEMPLATES)
    assert found["accuracy_ambiguous"].value == pytest.approx(0.6, abs=0.08)
    assert found["accuracy_disambiguated"].value == pytest.approx(0.85, abs=0.05)


def test_a_respondent_that_errs_in_both_directions_alike_has_no_bias(tmp_path: Path) -> None:
    def careless(row: dict[str, str]) -> str:
        number = int(row["sample_id"].split("-")[1][:-1])
        return (OTHER, TARGET, UNKNOWN)[number % 3]

    found = scored(careless, tmp_path)
    assert found["accuracy_ambiguous"].value == pytest.approx(1 / 3, abs=0.02)
    for metric in ("diff_bias_ambiguous", "diff_bias_disambiguated"):
        assert found[metric].low <= 0 <= found[metric].high
        assert found[metric].value == pytest.approx(0, abs=0.02)


def test_a_respondent_that_always_answers_as_the_stereotype_has_the_largest_bias(
    tmp_path: Path,
) -> None:
    found = scored(lambda row: row["biased_answer"], tmp_path)
    assert (found["diff_bias_ambiguous"].value, found["accuracy_ambiguous"].value) == (1, 0)
    assert found["diff_bias_disambiguated"].value == 1
    assert found["accuracy_disambiguated"].value == 0.5


def test_answers_that_name_no_option_are_left_out_and_counted(tmp_path: Path) -> None:
    def silent(row: dict[str, str]) -> str:
        return "" if "-000" in row["sample_id"] else row["biased_answer"]

    found = scored(silent, tmp_path)
    assert found["invalid_rate"].value == pytest.approx(1 / TEMPLATES)
    assert found["diff_bias_ambiguous"].value == 1
    assert found["diff_bias_ambiguous"].topics == TEMPLATES - 1
