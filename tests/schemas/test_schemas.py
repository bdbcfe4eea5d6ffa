"""The schemas against writers, readers and files of early versions."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pluralign.audits import Finding
from pluralign.audits.findings import Rows
from pluralign.audits.sentences import Sentence
from pluralign.cli.schema_command import schema as schema_command
from pluralign.core import (
    Estimate,
    KnowledgeAnswer,
    RecordedAnswer,
    Tally,
    answer_row,
    knowledge_answer_from_row,
    knowledge_answer_row,
)
from pluralign.evaluation import Row
from pluralign.evaluation.knowledge import KnowledgeRow
from pluralign.evaluation.surveys import SurveyRow
from pluralign.runs import PolicyRow
from pluralign.schemas import KINDS, check_file, kind_named
from pluralign.schemas.result_rows import read_result
from pluralign.schemas.row_shapes import ReleaseShape
from pluralign.simulation import SocietySource
from pluralign.sources import JsonlPairs, read_answers, write_reports
from pluralign.sources.private import PrivatePairs

jsonschema = pytest.importorskip("jsonschema")

FOLDER = Path(__file__).parent / "files_of_0_1"
DOCS = Path(__file__).parents[2] / "docs/schemas"
VALIDATORS = {name: jsonschema.Draft202012Validator(kind.schema()) for name, kind in KINDS.items()}
NUMBER = Estimate(0.25, 0.125, 0.5, 12, 4)
PAIR = {"prompt": "Tea?", "chosen": "Yes", "rejected": "No"}
ANSWER = {"model": "m", "strategy": "s", "community": "MEX", "question_id": "Q1", "answer": "2"}
KNOWN = {"model": "m", "community": "IRN", "question_id": "f", "language": "fa", "answer": "x"}
RESULT = Row.of(NUMBER, "pairwise_accuracy", "scpo", "MEX", "MEX", "all").as_line()
FINDING = Finding(
    "privacy",
    "few-people",
    "scpo",
    "~hill",
    "risk",
    Sentence("{count} people", {"count": 4}),
    {"people": NUMBER},
    Rows("pairs", 2, ("a", "b")),
    "look",
    "causes",
    "remedies",
).as_dict()
RELEASE = json.loads((FOLDER / "release.json").read_text("utf-8"))
SOUND: Mapping[str, Mapping[str, Any]] = {
    "pairs": PAIR,
    "answers": ANSWER,
    "knowledge-answers": KNOWN,
    "results": RESULT,
    "findings": FINDING,
    "release": RELEASE,
}
TURN = {"role": "user", "content": "Tea?"}
REPLY = {"role": "assistant", "content": "Yes"}


def _fits(kind: str, row: Mapping[str, Any]) -> bool:
    """Whether a row fits the printed schema; the row is what a file would have."""
    return bool(VALIDATORS[kind].is_valid(json.loads(json.dumps(row))))


@pytest.mark.parametrize("name", KINDS)
def test_a_schema_is_one_of_the_draft_that_it_names_and_is_in_the_docs(name: str) -> None:
    kind = kind_named(name)
    jsonschema.Draft202012Validator.check_schema(kind.schema())
    written = json.loads((DOCS / f"{name}-{kind.version}.json").read_text("utf-8"))
    assert written == kind.schema(), f"write it again: pluralign schema {name}"


def test_the_command_knows_every_kind() -> None:
    annotation = schema_command.__annotations__["kind"]
    assert get_args(get_args(annotation)[0]) == tuple(KINDS)


@pytest.mark.parametrize("name", KINDS)
def test_a_row_without_optional_columns_fits_and_one_more_column_is_no_fault(name: str) -> None:
    row = dict(SOUND[name]) | {"my_own": [1, {"a": None}]}
    assert _fits(name, row)
    assert kind_named(name).fault(row) is None


@pytest.mark.parametrize(
    "answer",
    [
        RecordedAnswer("m", "s", None, "Q1", ""),
        RecordedAnswer(
            *("m", "s", "MEX", "Q1", "2.", (1, 0), ("A", "B"), "v", "es", 3, True, (0.25, 0.75)),
            machine_written=True,
            finish_reason="length",
            not_sent=("top_k",),
        ),
    ],
)
def test_recorded_answers_fit_as_they_are_written(answer: RecordedAnswer) -> None:
    row = answer_row(answer)
    assert _fits("answers", row)
    assert kind_named("answers").fault(row) is None


def test_answers_to_knowledge_questions_fit_as_they_are_written() -> None:
    shown = KnowledgeAnswer(
        *("m", "f", "IRN", "B", "en", False, "options", ("rice", "pizza"), ("IRN", "")),
        *(("1", "2"), 1, (-1.5, -3.0), "stop", ("top_k",)),
    )
    for answer in (KnowledgeAnswer("m", "f", "IRN", "", "fa"), shown):
        row = knowledge_answer_row(answer)
        assert _fits("knowledge-answers", row)
        assert kind_named("knowledge-answers").fault(row) is None


def test_results_of_every_kind_of_run_fit_as_they_are_written() -> None:
    survey = SurveyRow(
        metric="similarity", community=None, value=0.5, low=None, high=None, n=3, model="m",
        strategy=None,
    )  # fmt: skip
    known = KnowledgeRow(
        metric="accuracy", community="IRN", value=0.5, low=0.25, high=0.75, n=3, topics=2,
        model="m", language="fa", place_named=True, form="options",
    )  # fmt: skip
    policy = PolicyRow(metric="reward_gain", method="raft", steer="MEX", value=0.5, n=3)
    rows = [RESULT, survey.as_dict(), dict(known.as_dict()), asdict(policy)]
    found = [read_result(row) for row in rows]
    assert [type(row) for row in found] == [Row, SurveyRow, KnowledgeRow, PolicyRow]
    assert all(_fits("results", row) for row in rows)


def test_reported_pairs_fit_as_they_are_written(tmp_path: Path) -> None:
    out = tmp_path / "reported.jsonl"
    source = PrivatePairs(SocietySource(each=4, thin=2, world=4), 2.0, ledger=tmp_path / "ledger")
    write_reports(source, out, Tally())
    rows = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert rows
    assert all(_fits("pairs", row) for row in rows)
    assert check_file(kind_named("pairs"), out).faults == ()


def test_the_schema_of_a_release_has_the_facts_that_are_written() -> None:
    facts = pytest.importorskip("pluralign.collecting.release_facts").Facts
    added = {"communities", "files", "digest"}
    assert set(ReleaseShape.model_fields) == {field.name for field in fields(facts)} | added


BAD: list[tuple[str, dict[str, Any]]] = [
    *[("pairs", {name: None}) for name in ("prompt", "chosen", "rejected")],
    ("pairs", {"chosen": 5}),
    ("pairs", {"prompt": [{"role": "user"}]}),
    ("pairs", {"chosen": [TURN]}),
    ("pairs", {"chosen": [REPLY, REPLY]}),
    *[("pairs", {"strength": bad}) for bad in (0, -1, "strong", True)],
    *[("pairs", {"weight": bad}) for bad in (-1, 1e13)],
    *[("pairs", {"flip": bad}) for bad in (0.5, -0.1)],
    *[("pairs", {"rater": bad}) for bad in (17.5, True, ["r"])],
    *[("pairs", {"community": bad}) for bad in (5, ["MEX"])],
    *[("pairs", {"language": bad}) for bad in (5, ["en"])],
    *[("answers", {name: None}) for name in ("model", "strategy", "question_id")],
    ("answers", {"answer": ["2"]}),
    ("answers", {"answer": True}),
    ("answers", {"order": [0, 0]}),
    ("answers", {"order": [-1]}),
    ("answers", {"order": "first"}),
    ("answers", {"labels": [1.5]}),
    ("answers", {"draw": -1}),
    ("answers", {"draw": 0.5}),
    ("answers", {"probs": [-0.5, 1.5]}),
    ("answers", {"probs": ["0.5", "0.5"]}),
    ("answers", {"shows_gold": "perhaps"}),
    ("answers", {"language": 5}),
    *[("knowledge-answers", {name: None}) for name in ("model", "community", "language")],
    ("knowledge-answers", {"form": "essay"}),
    ("knowledge-answers", {"options": ["a", "a"]}),
    ("knowledge-answers", {"options": [1, 2]}),
    ("knowledge-answers", {"log_probs": ["0.5"]}),
    ("knowledge-answers", {"place_named": "perhaps"}),
    *[("results", {name: None}) for name in ("metric", "method", "subset", "value", "n")],
    ("results", {"n": -1}),
    ("results", {"n_raters": 2.5}),
    ("results", {"value": "0.5"}),
    ("results", {"value": 1e13}),
    ("results", {"community": 5}),
    *[("findings", {name: None}) for name in ("audit", "severity", "numbers", "rows", "look")],
    ("findings", {"severity": "grave"}),
    ("findings", {"numbers": []}),
    ("release", {"digest": "abc"}),
    ("release", {"purposes": []}),
    ("release", {"purposes": ["sell"]}),
    ("release", {"floors": {"MEX": -1}}),
    ("release", {"most_share": 0}),
]


@pytest.mark.parametrize(("name", "change"), BAD, ids=[f"{n}-{c}" for n, c in BAD])
def test_a_row_that_its_reader_refuses_for_its_form_does_not_fit(
    name: str, change: dict[str, Any]
) -> None:
    row = dict(SOUND[name]) | change
    assert not _fits(name, row)
    assert kind_named(name).fault(row)


@pytest.mark.parametrize("name", KINDS)
def test_a_row_without_a_column_that_the_schema_requires_is_refused_by_its_reader(
    name: str,
) -> None:
    required = [key for key in SOUND[name] if not _fits(name, _without(SOUND[name], key))]
    assert required
    assert [key for key in required if not kind_named(name).fault(_without(SOUND[name], key))] == []


def _without(row: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != key}


ODD_VALUES: list[object] = [
    *(None, True, 0, 1, 17, 17.0, 17.5, -1, 0.25, 1e13, "", "MEX", "en", "short", "options"),
    *([], [TURN], [REPLY], {}, ["a", "b"], [1, 0], [0.25, 0.75]),
]
ODD = st.sampled_from(ODD_VALUES)


@pytest.mark.parametrize("name", ["pairs", "answers", "knowledge-answers"])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_row_that_fits_the_schema_is_read(name: str, data: st.DataObject) -> None:
    columns = list(kind_named(name).schema()["properties"])
    changed = st.dictionaries(st.sampled_from(columns), ODD, max_size=2)
    row = dict(SOUND[name]) | data.draw(changed)
    fault = kind_named(name).fault(row)
    if _fits(name, row):
        assert fault is None or any(limit in fault for limit in BEYOND), fault


BEYOND = (
    *("no community is known", "marks a missing community", "one for each", "sum to 1"),
    *("must differ", "permutation", "at least two", "must be one assistant message"),
)
"""What readers check that a schema cannot express."""


def _read_pairs(path: Path) -> int:
    return len(list(JsonlPairs(path).pairs()))


def _read_answers(path: Path) -> int:
    return len(read_answers([path], Tally()))


def _read_each(read: Callable[[Any], object]) -> Callable[[Path], int]:
    return lambda path: len([read(json.loads(x)) for x in path.read_text("utf-8").splitlines()])


@pytest.mark.parametrize(
    ("file", "name", "read"),
    [
        ("pairs.jsonl", "pairs", _read_pairs),
        ("answers.jsonl", "answers", _read_answers),
        ("knowledge-answers.jsonl", "knowledge-answers", _read_each(knowledge_answer_from_row)),
        ("results.jsonl", "results", _read_each(read_result)),
        ("results-survey.jsonl", "results", _read_each(read_result)),
        ("findings.jsonl", "findings", _read_each(Finding.from_dict)),
    ],
)
def test_files_of_early_versions_still_fit_and_are_still_read(
    file: str, name: str, read: Callable[[Path], int]
) -> None:
    lines = (FOLDER / file).read_text("utf-8").splitlines()
    assert all(_fits(name, json.loads(line)) for line in lines)
    checked = check_file(kind_named(name), FOLDER / file)
    assert (checked.rows, checked.faults) == (len(lines), ())
    assert read(FOLDER / file) == len(lines)


def test_the_facts_of_an_early_release_still_fit() -> None:
    assert "most_share" not in RELEASE
    assert _fits("release", RELEASE)
    assert check_file(kind_named("release"), FOLDER / "release.json").faults == ()
    facts = pytest.importorskip("pluralign.collecting.release_facts").Facts
    known = {field.name for field in fields(facts)} & set(RELEASE)
    assert facts(**{name: RELEASE[name] for name in known}).most_share == 1.0


def test_every_row_that_does_not_fit_is_named_by_its_line_and_broken_lines_too(
    tmp_path: Path,
) -> None:
    path = tmp_path / "pairs.jsonl"
    lines = [json.dumps(PAIR), "{", "", json.dumps(PAIR | {"strength": 0}), json.dumps(PAIR)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    checked = check_file(kind_named("pairs"), path)
    assert checked.rows == 4
    assert [fault.where for fault in checked.faults] == [f"{path}:2", f"{path}:4"]
    assert checked.faults[1].what == "strength must be > 0, got 0"
