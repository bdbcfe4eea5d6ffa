import json
from pathlib import Path
from typing import Any

import pytest
from tests.matching.planted_judge import PlantedJudge
from tests.respondents import servers
from typer.testing import CliRunner

from pluralign.cli.main import app
from pluralign.core import OtherWork
from pluralign.sources import WrittenKnowledge
from pluralign.surveying import JudgeModel, KnowledgeOutcome, evaluate_knowledge

HEAD = 'name = "fruit"\ncommunity = "MEX"\nlanguage = "es"\n'
QUESTION = """
[[question]]
id = "q{k}"
topic = "T{topic}"
text.es = "¿Qué fruta {k}?"
answers = [
  {{ es = ["naranja", "china"], people = 4 }}, {{ es = ["plátano"], people = 2 }},
]
"""
WORDS = ["naranja", "mandarina", "musa", "perro", "jugo de naranja"]
"""An exact answer, two that the judge knows, and two that mean no accepted answer for it."""


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path, Path]:
    """A test, recorded answers and labels of them."""
    test, answers, labels = (tmp_path / name for name in ("t.toml", "a.jsonl", "labels.csv"))
    test.write_text(
        HEAD + "".join(QUESTION.format(k=k, topic=k % 3) for k in range(10)), encoding="utf-8"
    )
    rows = [
        {"model": "m", "community": "MEX", "question_id": f"q{k}", "language": "es"}
        | {"answer": WORDS[k % 5]}
        for k in range(10)
    ]
    answers.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    meant = ["naranja", "china", "plátano", "none", "naranja"]  # people accept the juice
    lines = [f"q{k},MEX,es,{WORDS[k % 5]},{meant[k % 5]}" for k in range(10)]
    head = "question_id,community,language,answer,label\n"
    labels.write_text(head + "\n".join(lines) + "\n", encoding="utf-8")
    return test, answers, labels


def scored(
    files: tuple[Path, Path, Path], out: Path, judge: PlantedJudge, *, labelled: bool = True
) -> KnowledgeOutcome:
    test, answers, labels = files
    model = JudgeModel(judge, labels if labelled else None)
    return evaluate_knowledge([answers], WrittenKnowledge(test), out, judge=model)


def numbers(found: KnowledgeOutcome) -> dict[str, float]:
    return {row.metric: row.value for row in found.results if row.model == "m"}


def test_a_judge_scores_what_words_miss_and_its_agreement_is_in_the_record(
    files: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    found = scored(files, tmp_path / "out", PlantedJudge())
    # Credits of the five answers: 1, 1, 0.5, 0 and 0.
    assert numbers(found)["answer_credit"] == pytest.approx(0.5)
    assert numbers(found)["judged_match_rate"] == pytest.approx(0.4)
    assert numbers(found)["contained_match_rate"] == 0
    judge = found.record["judge"]
    assert judge["labels"] == {"from": "labels.csv", "labels": 10, "dropped": {}}
    assert judge["agreement"]["same"]["value"] == pytest.approx(0.8)  # all but the juice
    assert judge["agreement"]["credit_error"]["value"] == pytest.approx(-0.2)
    assert judge["agreement_of_words_alone"]["same"]["value"] == pytest.approx(0.6)
    assert judge["judged"] == 8
    text = " ".join(found.record["notes"])
    assert "agrees with people on 80 % of 10 labels" in text
    assert "its scores are -20.0 points off theirs" in text


def test_without_labels_the_result_reports_that_its_agreement_was_not_measured(
    files: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    judge = PlantedJudge({"china": "naranja"} | PlantedJudge().meanings)
    found = scored(files, tmp_path / "out", judge, labelled=False)
    # Ten of naranja and ten of china, each left out, and ten of plátano, which was written once.
    assert found.record["judge"]["labels"] == {"from": "the test", "labels": 30, "dropped": {}}
    assert "on the answers of this model was not measured: give labels" in " ".join(
        found.record["notes"]
    )


def test_labels_that_cannot_be_read_are_counted_where_bad_rows_are_skipped(
    files: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    test, answers, labels = files
    labels.write_text(labels.read_text("utf-8").replace(",china", ",sandía"), encoding="utf-8")
    found = evaluate_knowledge(
        [answers],
        WrittenKnowledge(test),
        tmp_path / "out",
        skip_bad=True,
        judge=JudgeModel(PlantedJudge(), labels),
    )
    reason = "label that names no accepted answer"
    assert found.record["judge"]["labels"]["dropped"] == {reason: 2}
    assert f"in the labels: 2 x {reason}" in found.record["notes"]


def test_a_run_without_a_judge_has_none_in_its_record(
    files: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    test, answers, _ = files
    found = evaluate_knowledge([answers], WrittenKnowledge(test), tmp_path / "out")
    assert found.record["judge"] is None
    assert "judged_match_rate" not in numbers(found)
    assert numbers(found)["contained_match_rate"] == pytest.approx(0.2)


@pytest.mark.parametrize("stop", [1, 6])
def test_a_judge_that_was_stopped_is_not_asked_twice_and_scores_are_the_same(
    stop: int, files: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    whole = PlantedJudge(errs_each=3)
    expected = scored(files, tmp_path / "whole", whole)
    with pytest.raises(KeyboardInterrupt):
        scored(files, tmp_path / "out", PlantedJudge(errs_each=3, stops_after=stop))
    rest = PlantedJudge(errs_each=3, asked=whole.asked[:stop])
    found = scored(files, tmp_path / "out", rest)
    assert rest.asked == whole.asked
    assert found.results == expected.results
    assert found.record["judge"] == expected.record["judge"]


def test_replies_of_another_judge_are_refused(
    files: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    scored(files, tmp_path / "out", PlantedJudge())
    with pytest.raises(OtherWork, match="another model"):
        scored(files, tmp_path / "out", PlantedJudge(fingerprint="other"))


def test_the_command_asks_a_judge_behind_a_server(
    files: tuple[Path, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("openai")
    test, answers, labels = files
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    judge = PlantedJudge()

    def say(body: dict[str, Any]) -> tuple[int, bytes]:
        reply = judge.reply(body["messages"][-1]["content"])
        return 200, servers.completion({"role": "assistant", "content": reply.text})

    with servers.serving(servers.Behaviour(say=say)) as url:
        words = ["--answers", answers, "--test", test, "--out", tmp_path / "out"]
        judged = ["--judge", "planted", "--judge-url", url, "--judge-labels", labels, "--json"]
        done = CliRunner().invoke(app, ["knowledge", "score", *map(str, [*words, *judged])])
    assert done.exit_code == 0, done.output
    record = json.loads(done.stdout)["record"]
    assert record["judge"]["agreement"]["same"]["value"] == pytest.approx(0.8)


def test_labels_without_a_judge_are_refused(files: tuple[Path, Path, Path]) -> None:
    done = CliRunner().invoke(app, ["knowledge", "score", "x", "--judge-labels", str(files[2])])
    assert done.exit_code != 0
    assert "add --judge MODEL" in f"{done.stderr}{done.exception}"
