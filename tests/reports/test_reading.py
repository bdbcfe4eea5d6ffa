"""Files of runs and audits are read as written; ill-formed files are refused, without traceback."""

import json
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from tests.reports.folders import (
    finding_row,
    people_row,
    reward_row,
    survey_row,
    write_audit,
    write_lines,
    write_rewards,
    write_survey,
)
from typer.testing import CliRunner, Result

from pluralign.cli.main import app
from pluralign.core import DamagedFile, PluralignError
from pluralign.languages import Speech
from pluralign.reports import page_of, read_run
from pluralign.reports.sections.standings import answerers_of
from pluralign.reports.text_files import csv_of, markdown_of, tables_of

OWN = {"MEX": 0.6, "~hill": 0.7}
SCORES = {
    ("m", "culture_aware"): {"MEX": 60.0, "EGY": 70.0},
    ("m", "culture_unaware"): {"MEX": 50.0, "EGY": 51.0},
}


@pytest.fixture
def rewards(tmp_path: Path) -> Path:
    folder = write_rewards(tmp_path / "tastes", OWN, others=["~world"], matrix=True)
    write_audit(
        folder / "audit",
        [finding_row("MEX")],
        [people_row("MEX", groups={"gender": {"women": 12, "men": 8}})],
    )
    return folder


@pytest.fixture
def survey(tmp_path: Path) -> Path:
    folder = write_survey(tmp_path / "answers", SCORES)
    write_audit(folder / "audit", [finding_row("EGY")])
    return folder


def report(*words: object) -> Result:
    return CliRunner().invoke(app, ["report", *map(str, words)])


def assert_refused(found: Result, *said: str) -> None:
    assert found.exit_code == 2, found.output
    assert isinstance(found.exception, SystemExit), "a traceback would be shown"
    assert found.stdout == ""
    assert found.stderr.count("error: ") == 1
    assert "\n  -> " in found.stderr, "it does not say what to do next"
    for text in said:
        assert text in found.stderr


def test_a_run_of_reward_models_is_read_with_its_audit(rewards: Path) -> None:
    run = read_run(rewards)
    assert (run.name, run.kind, run.method) == ("tastes", "rewards", "scpo")
    assert len(run.curves) == 3
    assert [f.community for f in run.findings] == ["MEX"]
    assert run.surveyed == ["MEX", "~hill", "~world"]


def test_a_survey_is_read_with_its_audit(survey: Path) -> None:
    run = read_run(survey)
    assert (run.name, run.kind, run.method) == ("answers", "survey", "")
    assert answerers_of(run) == ["m · culture_aware"]
    assert [f.community for f in run.findings] == ["EGY"]


@pytest.mark.parametrize("name", ["tastes", "tastes/audit"])
def test_an_audit_alone_is_read(tmp_path: Path, name: str) -> None:
    folder = write_audit(tmp_path / name, [finding_row()])
    run = read_run(folder)
    assert (run.name, run.kind, run.served, len(run.findings)) == ("tastes", "audit", [], 1)


def test_runs_that_the_commands_wrote_are_read(tastes: Path, answers: Path) -> None:
    rewarded, asked = read_run(tastes), read_run(answers)
    assert rewarded.served
    assert rewarded.curves
    assert rewarded.participation
    assert asked.served
    assert (rewarded.kind, asked.kind) == ("rewards", "survey")


def test_a_community_is_served_by_the_steer_to_itself_on_all_pairs(tmp_path: Path) -> None:
    run = read_run(write_rewards(tmp_path / "run", OWN, others=["~world"], matrix=True))
    told = {(r["who"], r["community"]): r["value"] for r in run.served}
    assert told == {("reference", c): 0.5 for c in OWN} | {
        ("scpo", c): value for c, value in OWN.items()
    }


def test_answers_without_a_community_and_reference_points_serve_no_community(
    tmp_path: Path,
) -> None:
    run = read_run(write_survey(tmp_path / "run", SCORES))
    assert {r["who"] for r in run.served} == {"m · culture_aware"}


@pytest.mark.parametrize(
    ("methods", "speaks"),
    [
        (["reference", "full", "scpo", "pooled", "adaptive"], "adaptive"),
        (["reference", "full", "scpo", "pooled"], "pooled"),
        (["full", "scpo"], "scpo"),
        (["reference", "full"], "full"),
        (["reference", "mine"], "mine"),
    ],
)
def test_the_best_kept_method_speaks_for_a_run(
    tmp_path: Path, methods: list[str], speaks: str
) -> None:
    folder = write_rewards(
        tmp_path / "run",
        OWN,
        method="mine",
        record={"settings": {"methods": [*methods, "reference"]}},
    )
    write_lines(folder / "results.jsonl", [reward_row(m, c, c, 0.5) for m in methods for c in OWN])
    if "mine" in methods:
        (folder / "record.json").write_text(
            (folder / "record.json")
            .read_text(encoding="utf-8")
            .replace('"mine", "reference"', '"mine"')
        )
    assert read_run(folder).method == speaks
    assert answerers_of(read_run(folder))[0] == speaks
    assert read_run(folder, "reference").method == "reference"


def test_models_come_from_the_nearest_on_average_down(tmp_path: Path) -> None:
    scores = {
        (model, "aware"): {"MEX": v, "EGY": v}
        for model, v in (("far", 50.0), ("near", 80.0), ("mid", 60.0))
    }
    assert answerers_of(read_run(write_survey(tmp_path / "run", scores))) == [
        "near · aware",
        "mid · aware",
        "far · aware",
    ]


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert_refused(
        report(tmp_path / "no", "--out", tmp_path / "a.html"), f"{tmp_path}/no: no such folder"
    )


def test_a_file_in_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert_refused(report(tmp_path / "file", "--out", tmp_path / "a.html"), "no such folder")


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert_refused(
        report(tmp_path / "empty", "--out", tmp_path / "a.html"),
        "neither a finished run nor an audit",
        "pluralign run",
    )


def test_a_run_that_was_interrupted_is_refused(rewards: Path) -> None:
    (rewards / "record.json").unlink()
    (rewards / "audit" / "audit.json").unlink()
    assert_refused(
        report(rewards, "--out", rewards / "a.html"), "neither a finished run nor an audit"
    )


def test_a_method_that_did_not_run_is_refused(rewards: Path) -> None:
    assert_refused(
        report(rewards, "--out", rewards / "a.html", "--method", "scop"),
        "no method 'scop'",
        "it has reference, scpo",
    )


Break = Callable[[str], str]


def _half(text: str) -> str:
    return text[: len(text) - 20]


def _first(**changed: Any) -> Break:
    """Change the first line; None takes a key away."""

    def change(text: str) -> str:
        head, _, rest = text.partition("\n")
        row = json.loads(head) | changed
        return (
            json.dumps({k: v for k, v in row.items() if changed.get(k, 0) != "GONE"}) + "\n" + rest
        )

    return change


DAMAGE: list[tuple[str, Break, str]] = [
    ("results.jsonl", _half, "results.jsonl:11: not a JSON object"),
    ("results.jsonl", lambda _: "", "the run has no results"),
    ("results.jsonl", lambda t: "[]\n" + t, "results.jsonl:1: not a JSON object"),
    ("results.jsonl", _first(value="GONE"), "results.jsonl:1: value: missing"),
    (
        "results.jsonl",
        _first(value="0.5"),
        "results.jsonl:1: value: input should be a valid number",
    ),
    (
        "results.jsonl",
        _first(value=float("nan")),
        "results.jsonl:1: value: input should be a finite number",
    ),
    ("results.jsonl", _first(value=float("inf")), "results.jsonl:1: value: "),
    ("results.jsonl", _first(low=None), "results.jsonl:1: an interval has two ends or none"),
    ("results.jsonl", _first(n=-1), "results.jsonl:1: n and n_raters must not be negative"),
    ("results.jsonl", _first(n_raters="GONE"), "results.jsonl:1: n_raters: missing"),
    ("results.jsonl", _first(metric="GONE"), "results.jsonl:1: metric: missing"),
    (
        "results.jsonl",
        _first(community="FRA"),
        "results.jsonl:1: community 'FRA' is not in the record of the run",
    ),
    (
        "results.jsonl",
        _first(steer="FRA"),
        "results.jsonl:1: steer 'FRA' is not in the record of the run",
    ),
    (
        "results.jsonl",
        _first(method="other"),
        "results.jsonl:1: method 'other' is not in the record of the run",
    ),
    ("summary.jsonl", _first(aggregate="GONE"), "summary.jsonl:1: aggregate: missing"),
    ("summary.jsonl", _half, "summary.jsonl:8: not a JSON object"),
    ("studies/curve-pairs.jsonl", _first(train_pairs=None), "curve-pairs.jsonl:1: train_pairs: "),
    ("studies/curve-pairs.jsonl", _first(metric=3), "curve-pairs.jsonl:1: metric: "),
    ("record.json", _half, "record.json: not JSON"),
    ("record.json", lambda _: "[1, 2]", "record.json: not a JSON object"),
    ("record.json", _first(people="GONE"), "record.json: people: missing"),
    (
        "record.json",
        _first(people={"MEX": {"pairs": 1}}),
        "record.json: people.MEX.raters: missing",
    ),
    ("record.json", _first(data={"pairs": 1}), "record.json: data.sources: missing"),
    ("record.json", _first(settings={"methods": []}), "record.json: settings.methods: "),
    ("record.json", _first(communities={}), "record.json: communities.steered: missing"),
    ("audit/audit.json", _first(evidence="GONE"), "audit.json: evidence: missing"),
    ("audit/audit.json", _half, "audit.json: not JSON"),
    ("audit/findings.jsonl", _first(template="GONE"), "findings.jsonl:1: template: missing"),
    (
        "audit/findings.jsonl",
        _first(template="{who} did"),
        "findings.jsonl:1: the claim has a field that nothing fills",
    ),
    (
        "audit/findings.jsonl",
        _first(template="{count.__class__}"),
        "the claim has a field that nothing fills",
    ),
    (
        "audit/findings.jsonl",
        _first(template="{count:>99999999}"),
        "the claim has a field that nothing fills",
    ),
    ("audit/findings.jsonl", _first(template="{count"), "findings.jsonl:1: "),
    (
        "audit/findings.jsonl",
        _first(values={"count": {}, "community": "a", "pairs": 1}),
        "findings.jsonl:1: values",
    ),
    ("audit/findings.jsonl", _first(numbers=[]), "findings.jsonl:1: numbers: "),
    ("audit/findings.jsonl", _first(severity="grave"), "findings.jsonl:1: severity: "),
    ("audit/assessments.jsonl", _first(status="maybe"), "assessments.jsonl:1: status: "),
    (
        "audit/participation.jsonl",
        _first(groups={"age": ["old"]}),
        "participation.jsonl:1: groups.age: ",
    ),
]


@pytest.mark.parametrize(("name", "damage", "said"), DAMAGE)
def test_damage_is_refused_with_file_and_line(
    rewards: Path, name: str, damage: Break, said: str
) -> None:
    path = rewards / name
    path.write_text(damage(path.read_text(encoding="utf-8")), encoding="utf-8")
    out = rewards / "a.html"
    assert_refused(report(rewards, "--out", out), str(rewards), said)
    assert not out.exists()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_first(model="GONE"), "results.jsonl:1: model: missing"),
        (_first(strategy=1), "results.jsonl:1: strategy: "),
        (
            _first(community="FRA"),
            "results.jsonl:1: community 'FRA' is not in the record of the run",
        ),
    ],
)
def test_damage_to_a_survey_is_refused(survey: Path, damage: Break, said: str) -> None:
    path = survey / "results.jsonl"
    path.write_text(damage(path.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(DamagedFile, match="run") as found:
        read_run(survey)
    assert said in str(found.value)


@pytest.mark.parametrize(
    "name", ["record.json", "results.jsonl", "audit/findings.jsonl", "audit/audit.json"]
)
def test_a_file_that_is_no_text_is_refused(rewards: Path, name: str) -> None:
    (rewards / name).write_bytes(b"\xff\xfe\x00\x80" * 40)
    assert_refused(report(rewards, "--out", rewards / "a.html"), name)


def test_a_record_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "record.json").write_text('{"entity": "a song"}')
    assert_refused(report(tmp_path, "--out", tmp_path / "a.html"), "record.json: data: missing")


FILES = [
    *(
        ("rewards", name)
        for name in ("summary.jsonl", "studies/curve-pairs.jsonl", "audit/participation.jsonl")
    ),
    *product(
        ("rewards", "survey"),
        (
            "record.json",
            "results.jsonl",
            "audit/audit.json",
            "audit/findings.jsonl",
            "audit/assessments.jsonl",
        ),
    ),
]


@pytest.mark.parametrize(("kind", "name"), FILES)
def test_with_missing_or_wrong_parts_a_page_is_made_or_the_file_is_refused(
    request: pytest.FixtureRequest, kind: str, name: str
) -> None:
    folder: Path = request.getfixturevalue(kind)
    text = (folder / name).read_text(encoding="utf-8")
    head, _, rest = text.partition("\n")
    tried = 0
    for changed in _changes(json.loads(head)):
        (folder / name).write_text(json.dumps(changed) + "\n" + rest, encoding="utf-8")
        _show_or_refuse(folder)
        tried += 1
    assert tried > 20
    for end in range(0, len(text), max(1, len(text) // 10)):
        (folder / name).write_text(text[:end], encoding="utf-8")
        _show_or_refuse(folder)


def _show_or_refuse(folder: Path) -> None:
    try:
        page = page_of([read_run(folder)], Speech("es"))
    except PluralignError:
        return
    markdown_of(page)
    for table in tables_of(page):
        csv_of(table)
    shown = [table for section in page.sections for table in section.tables]
    shown += [card.table for section in page.sections for card in section.cards]
    for table in [*tables_of(page), *shown]:
        for row in table.rows:
            assert all(isinstance(column.text(row), str) for column in table.columns)
            assert all(column.drawing(row) is not False for column in table.columns)


def _changes(value: Any) -> Iterator[Any]:
    """The value without each of its parts, and with each replaced by something of another kind."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield {k: v for k, v in value.items() if k != key}
            yield from (value | {key: other} for other in (None, "x", -1, [], {"x": None}))
            yield from (value | {key: deeper} for deeper in _changes(part))
    if isinstance(value, list):
        for k, part in enumerate(value):
            yield from ([*value[:k], deeper, *value[k + 1 :]] for deeper in _changes(part))


def test_rows_that_are_not_about_a_metric_of_ours_are_read_over(tmp_path: Path) -> None:
    folder = write_survey(tmp_path / "run", SCORES)
    rows = [survey_row("m", "culture_aware", c, 60.0) for c in ("MEX", "EGY")]
    write_lines(
        folder / "results.jsonl",
        [*rows, survey_row("m", "culture_aware", "MEX", 1.0, "of another version")],
    )
    assert len(read_run(folder).served) == 2
