"""One function opens a finished run of any kind, and its tables are typed rows."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.reports.folders import (
    finding_row,
    people_row,
    survey_row,
    write_audit,
    write_lines,
    write_rewards,
    write_survey,
)

import pluralign
from pluralign.audits import Finding
from pluralign.core import (
    DamagedFile,
    InvalidInput,
    InvalidSettings,
    MissingExtra,
    NotEnoughData,
    RewardRequest,
    Steer,
)
from pluralign.evaluation import NeededRow, Row
from pluralign.evaluation.surveys import SurveyRow
from pluralign.experiments import Outcome
from pluralign.models import open_model
from pluralign.runs import (
    AuditRun,
    PluraliseRun,
    RewardRun,
    RunFolder,
    SurveyRun,
    join_runs,
    open_run,
)

Go = Callable[..., Outcome]
OWN = {"MEX": 0.6, "~hill": 0.7}
AWARE, UNAWARE = "culture_aware", "culture_unaware"
SCORES = {("m", AWARE): {"MEX": 60.0, "EGY": 70.0}, ("m", UNAWARE): {"MEX": 50.0, "EGY": 51.0}}
TABLES: dict[str, Any] = {
    "name": "tiny", "seed": 3, "repeats": 2, "min_pairs": 1, "min_raters": 2,
    "methods": ["reference", "full", "scpo"],
    "pairs": {"source": "society", "each": 40, "thin": 12, "world": 100},
    "reference": {"fit_on": ["~world"], "ridge": 1.0}, "trunk": {"encoder": "hash"},
    "fit": {"ridge": 1.0}, "intervals": {"draws": 100},
    "curves": {"fractions": [0.5], "methods": ["full", "scpo"], "by": ["pairs", "raters"]},
    "sensitivity": {"tau": [0.5, 0.9]},
}  # fmt: skip


@pytest.fixture(scope="module")
def finished(go: Go, tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcome, Path]:
    """A small finished run of two repeats with studies, not to be changed."""
    out = tmp_path_factory.mktemp("finished") / "run"
    return go(TABLES, out), out


@pytest.fixture
def run(finished: tuple[Outcome, Path], tmp_path: Path) -> Path:
    """A copy of the run, to be changed."""
    return shutil.copytree(finished[1], tmp_path / "run")


def opened(path: Path) -> RewardRun:
    found = open_run(path)
    assert isinstance(found, RewardRun)
    return found


def test_the_rows_are_those_that_the_run_measured(finished: tuple[Outcome, Path]) -> None:
    outcome, path = finished
    found = opened(path)
    assert [row.as_line() for row in found.results] == outcome.results
    assert [row.as_line() for row in found.summary] == outcome.summary
    assert [(r.baseline, r.community, r.value) for r in found.comparisons] == [
        (r["baseline"], r["community"], r["value"]) for r in outcome.comparisons
    ]
    assert [row.as_line() for row in found.people] == outcome.people


def test_every_table_has_rows_of_its_own_type(finished: tuple[Outcome, Path]) -> None:
    found = opened(finished[1])
    for name, kind in found.tables.items():
        rows = getattr(found, name)
        assert name == "people" or rows, name
        assert {type(row) for row in rows} <= {kind}
    assert {row.seed for row in found.repeats} == {3, 4}
    assert (
        {row.by for row in found.curves} == {row.by for row in found.needed} == {"pairs", "raters"}
    )
    assert {row.tau for row in found.sensitivity} == {0.5, 0.9}


def test_facts_about_the_run_can_be_asked(finished: tuple[Outcome, Path]) -> None:
    found = opened(finished[1])
    assert (found.name, found.seeds, found.methods) == ("tiny", [3, 4], TABLES["methods"])
    assert found.settings["trunk"]["encoder"] == "hash"
    assert found.spoken_for == ["~world"]
    assert (found.method(), found.method("full")) == ("scpo", "full")
    with pytest.raises(InvalidSettings, match="no method 'mine'"):
        found.method("mine")
    average = found.summed("scpo")
    assert average is not None
    gain, base = found.gain("scpo", "reference"), found.summed("reference")
    assert gain is not None and base is not None
    assert gain.value == pytest.approx(average.value - base.value)
    assert found.gain("scpo", "scpo") is None
    own = found.served()["~hill", "scpo"]
    assert own.steer == "~hill"
    assert own in found.matrix("scpo")
    assert {r.method for r in found.bystanders("full")} == {"full"}


def test_margins_of_a_repeat_are_what_accuracy_was_measured_on(
    finished: tuple[Outcome, Path],
) -> None:
    found = opened(finished[1])
    right = total = 0.0
    for seed in found.seeds:
        judged, margins = found.margins("scpo", seed)
        hill = judged.community_N == "~hill"
        right += float((margins["~hill"][hill] > 0).sum())
        total += float(hill.sum())
    assert found.served()["~hill", "scpo"].value == pytest.approx(right / total)


def test_tables_are_read_when_they_are_asked_for(run: Path) -> None:
    (run / "results.jsonl").unlink()
    found = opened(run)
    assert found.summary
    with pytest.raises(DamagedFile, match=r"results\.jsonl \(missing\)"):
        _ = found.results


@pytest.mark.parametrize("path", [str, Path])
def test_a_path_may_be_text(finished: tuple[Outcome, Path], path: type[Any]) -> None:
    assert pluralign.open_run(path(finished[1])).name == "tiny"


# Models


def test_a_saved_model_is_opened_by_its_method_and_its_seed(finished: tuple[Outcome, Path]) -> None:
    models = opened(finished[1]).models
    request = [RewardRequest("What matters?", "My family.")]
    for key, seed in (("scpo", 3), (("scpo", 3), 3), (("scpo", 4), 4)):
        own = open_model(finished[1] / "models" / f"seed-{seed}" / "scpo")
        found = models[key].score(request, Steer.to("~hill"))  # type: ignore[index]
        assert np.array_equal(found, own.score(request, Steer.to("~hill")))
    assert len(models) == 6
    assert next(iter(models)) == ("full", 3)
    assert "scpo" in models and ("scpo", 4) in models and ("scpo", 9) not in models
    assert repr(models) == "Models(full, reference, scpo; seeds 3, 4)"


@pytest.mark.parametrize(
    ("key", "said"), [("mine", "no saved model mine"), (("full", 9), "seed 9")]
)
def test_a_model_that_was_not_saved_is_refused(
    finished: tuple[Outcome, Path], key: Any, said: str
) -> None:
    with pytest.raises(InvalidInput, match=said) as caught:
        opened(finished[1]).models[key]
    assert caught.value.hint == "it has full, reference, scpo; seeds 3, 4"


# Kinds of runs


def test_a_survey_is_opened(tmp_path: Path) -> None:
    found = open_run(write_survey(tmp_path / "answers", SCORES))
    assert type(found) is SurveyRun
    assert all(isinstance(row, SurveyRow) for row in found.results)
    row = found.value("cultural_alignment_score", "m", AWARE, "MEX")
    assert row is not None and row.value == 60.0
    assert found.value("cultural_alignment_score", "m", AWARE, "FRA") is None
    assert (found.comparisons, found.audit) == ((), None)


def test_a_run_of_culturespa_is_a_survey_with_stages(tmp_path: Path) -> None:
    folder = write_survey(tmp_path / "answers", SCORES)
    record = json.loads((folder / "record.json").read_text())
    (folder / "record.json").write_text(json.dumps(record | {"stages": {"tune": {"seconds": 1}}}))
    ability = {"metric": "task: acc", "method": "lm_eval", "community": None}
    lines = (folder / "results.jsonl").read_text()
    row = survey_row("start", None, None, 0.5) | ability | {"low": None, "high": None}
    (folder / "results.jsonl").write_text(lines + json.dumps(row) + "\n")
    found = open_run(folder)
    assert isinstance(found, PluraliseRun)
    assert found.stages["tune"] == {"seconds": 1}
    assert found.results[-1].method == "lm_eval"
    assert found.results[0].method == "ask"


@pytest.mark.parametrize("inner", ["", "audit"])
def test_an_audit_is_opened_alone(tmp_path: Path, inner: str) -> None:
    write_audit(tmp_path / "a" / inner, [finding_row()], [people_row("MEX")])
    found = open_run(tmp_path / "a")
    assert isinstance(found, AuditRun)
    assert isinstance(found.findings[0], Finding)
    assert found.findings[0].numbers["raters"].value == 7
    assert [a.status for a in found.assessments] == ["found", "not assessed"]
    assert (found.people[0].community, found.people[0].raters) == ("MEX", 20)
    (row,) = found.to_arrow().to_pylist()
    assert row["claim"] == str(found.findings[0].claim)
    assert (row["number"], row["value"], row["rows"]) == ("raters", 7.0, 900)


def test_the_audit_of_a_run_is_opened_with_it(tmp_path: Path) -> None:
    folder = write_rewards(tmp_path / "run", OWN)
    assert opened(folder).audit is None
    write_audit(folder / "audit", [finding_row("MEX")])
    audit = opened(folder).audit
    assert audit is not None
    assert [f.community for f in audit.findings] == ["MEX"]


# Folders that hold no finished run


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="no such folder"):
        open_run(tmp_path / "no")


def test_a_folder_without_a_run_is_refused_with_the_kinds_there_are(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="neither a finished run nor an audit") as caught:
        open_run(tmp_path)
    for command in ("run", "survey run", "survey evaluate", "pluralise", "audit"):
        assert f"`pluralign {command}`" in str(caught.value.hint)


@pytest.mark.parametrize("manifest", [True, False])
def test_an_unfinished_run_is_refused_with_how_to_resume_it(run: Path, manifest: bool) -> None:
    if manifest:
        RunFolder(run).begin("record.json")
    else:  # of an early version
        (run / "record.json").unlink()
        (run / "manifest.jsonl").unlink()
    with pytest.raises(InvalidSettings, match="not finished") as caught:
        open_run(run)
    assert "resumes" in str(caught.value.hint)


def test_a_record_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "record.json").write_text('{"entity": "a song"}')
    with pytest.raises(DamagedFile, match="data: missing"):
        open_run(tmp_path)


# Damage


TABLE_FILES = {
    "results": "results.jsonl", "summary": "summary.jsonl", "comparisons": "comparisons.jsonl",
    "repeats": "repeats.jsonl", "people": "people.jsonl", "curves": "studies/curve-pairs.jsonl",
    "needed": "studies/curve-raters.jsonl", "sensitivity": "studies/sensitivity.jsonl",
}  # fmt: skip


@pytest.mark.parametrize(("table", "name"), TABLE_FILES.items())
@pytest.mark.parametrize("damage", ["altered", "deleted"])
def test_damage_to_a_file_is_named_by_its_table_and_by_no_other(
    run: Path, table: str, name: str, damage: str
) -> None:
    if damage == "deleted":
        (run / name).unlink()
    else:
        (run / name).write_bytes((run / name).read_bytes() + b"\n")
    found = opened(run)
    with pytest.raises(DamagedFile, match=Path(name).name) as caught:
        getattr(found, table)
    assert caught.value.hint
    for other in found.tables:
        if TABLE_FILES[other].split("-")[0] != name.split("-", maxsplit=1)[0]:
            getattr(found, other)


def test_a_damaged_record_or_manifest_is_refused(run: Path) -> None:
    for name in ("record.json", "manifest.jsonl"):
        before = (run / name).read_bytes()
        (run / name).write_bytes(before[: len(before) // 2])
        with pytest.raises(DamagedFile, match=name):
            _ = opened(run).results
        (run / name).unlink()
        with pytest.raises(DamagedFile, match=name):
            _ = opened(run).results
        (run / name).write_bytes(before)


def test_a_run_of_an_early_version_is_read_without_a_check(
    finished: tuple[Outcome, Path], run: Path
) -> None:
    (run / "manifest.jsonl").unlink()
    record = json.loads((run / "record.json").read_text())
    del record["manifest"]
    (run / "record.json").write_text(json.dumps(record))
    (run / "repeats.jsonl").unlink()
    assert opened(run).results == opened(finished[1]).results
    assert opened(run).repeats == ()


@pytest.mark.parametrize(
    ("name", "table", "key", "value", "said"),
    [
        ("results.jsonl", "results", "value", "0.5", "results.jsonl:1: value: input should be"),
        ("results.jsonl", "results", "value", float("nan"), "value: input should be a finite"),
        ("results.jsonl", "results", "low", None, "an interval has two ends or none"),
        ("results.jsonl", "results", "n", -1, "results.jsonl:1: n and n_raters must not"),
        ("results.jsonl", "results", "method", "other", "'other' is not in the record of the run"),
        ("summary.jsonl", "summary", "aggregate", None, "summary.jsonl:1: aggregate: "),
        ("studies/curve-pairs.jsonl", "curves", "fraction", "x", "pairs.jsonl:1: fraction: "),
    ],
)
def test_a_row_changed_by_hand_is_refused_with_its_line(
    tmp_path: Path, name: str, table: str, key: str, value: Any, said: str
) -> None:
    folder = write_rewards(tmp_path / "run", OWN)
    head, _, rest = (folder / name).read_text().partition("\n")
    (folder / name).write_text(json.dumps(json.loads(head) | {key: value}) + "\n" + rest)
    with pytest.raises(DamagedFile) as caught:
        getattr(opened(folder), table)
    assert said in str(caught.value)


def test_the_line_of_a_broken_point_of_a_curve_counts_other_metrics_too(tmp_path: Path) -> None:
    folder = write_rewards(tmp_path / "run", OWN)
    path = folder / "studies" / "curve-pairs.jsonl"
    *points, needed = path.read_text().splitlines()
    path.write_text(
        "\n".join([needed, points[0], points[1].replace('"n": 200', '"n": "x"')]) + "\n"
    )
    with pytest.raises(DamagedFile, match=r"curve-pairs\.jsonl:3: n: "):
        _ = opened(folder).curves
    assert opened(folder).needed == (
        NeededRow(method="scpo", target="full", by="pairs", value=None, low=None, high=None),
    )


# Tables


def test_tables_become_arrow_and_pandas(finished: tuple[Outcome, Path]) -> None:
    pandas = pytest.importorskip("pandas")
    found = opened(finished[1])
    table = found.to_arrow()
    assert table.to_pylist() == [row.as_dict() for row in found.results]
    frame = found.to_pandas("summary")
    assert isinstance(frame, pandas.DataFrame)
    assert list(frame["aggregate"]) == [row.aggregate for row in found.summary]


def test_an_empty_table_has_its_columns(tmp_path: Path) -> None:
    folder = write_rewards(tmp_path / "run", OWN, curve=False)
    table = opened(folder).to_arrow("curves")
    assert len(table) == 0
    assert {"method", "fraction", "train_pairs", "value"} <= set(table.column_names)
    assert str(table.schema.field("value").type) == "double"


def test_a_table_that_a_run_does_not_have_is_refused(tmp_path: Path) -> None:
    found = open_run(write_survey(tmp_path / "answers", SCORES))
    with pytest.raises(InvalidInput, match="no table 'summary'") as caught:
        found.to_arrow("summary")
    assert "results, comparisons" in str(caught.value.hint)


@pytest.mark.parametrize("module", ["pandas", "polars"])
def test_a_library_that_is_not_installed_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, module: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    found = opened(write_rewards(tmp_path / "run", OWN))
    with pytest.raises(MissingExtra, match=module) as caught:
        getattr(found, f"to_{module}")()
    assert caught.value.hint == f"pip install {module}"


def test_several_runs_become_one_table_that_names_the_run_of_each_row(tmp_path: Path) -> None:
    tastes = write_rewards(tmp_path / "a", OWN)
    again = write_rewards(tmp_path / "b", {"EGY": 0.8})
    answers = write_survey(tmp_path / "c", SCORES)
    table = pluralign.join_runs([open_run(tastes), again, str(answers)])
    rows = table.to_pylist()
    assert table.column_names[:2] == ["run", "folder"]
    assert {(r["run"], r["folder"]) for r in rows} == {
        ("tastes", str(tastes)), ("tastes", str(again)), ("answers", str(answers)),
    }  # fmt: skip
    sizes = [len(open_run(folder).to_arrow()) for folder in (tastes, again, answers)]
    assert len(rows) == sum(sizes)
    assert {r["model"] for r in rows if r["run"] == "tastes"} == {None}
    with pytest.raises(NotEnoughData):
        join_runs([])


# How a run is shown


@pytest.mark.parametrize("kind", ["rewards", "survey", "audit"])
def test_a_run_shows_itself_in_at_most_15_lines(tmp_path: Path, kind: str) -> None:
    if kind == "rewards":
        methods = [f"method-{k}" for k in range(30)]
        folder = write_rewards(tmp_path / "x", OWN, method="method-0")
        record = json.loads((folder / "record.json").read_text())
        record["settings"]["methods"] = methods
        (folder / "record.json").write_text(json.dumps(record))
        row = json.loads((folder / "summary.jsonl").read_text().splitlines()[1])
        write_lines(folder / "summary.jsonl", [row | {"method": m} for m in methods])
    elif kind == "survey":
        folder = write_survey(
            tmp_path / "x", {(f"m{k}", AWARE): SCORES["m", AWARE] for k in range(30)}
        )
    else:
        folder = write_audit(tmp_path / "x", [finding_row()] * 30)
    shown = repr(open_run(folder)).splitlines()
    assert len(shown) <= 15
    assert max(map(len, shown)) <= 100
    assert shown[0].startswith(f"{type(open_run(folder)).__name__} ")
    assert "21 more rows" in shown[-1]


def test_a_run_shows_its_numbers(finished: tuple[Outcome, Path]) -> None:
    found = opened(finished[1])
    average = found.summed("scpo")
    assert average is not None
    for shown in (repr(found), found._repr_html_()):
        assert "tiny" in shown and "scpo" in shown
        assert f"{100 * average.value:.1f} [" in shown
    assert found._repr_html_().count("<tr>") == 4


def test_a_damaged_run_shows_what_is_wrong_with_it(run: Path) -> None:
    (run / "summary.jsonl").write_text("{")
    for shown in (repr(opened(run)), opened(run)._repr_html_()):
        assert "RewardRun" in shown and "summary.jsonl" in shown


def test_names_in_a_notebook_are_text_and_never_markup(tmp_path: Path) -> None:
    folder = write_survey(tmp_path / "x", {("<b>[red]m", AWARE): SCORES["m", AWARE]})
    assert "<b>" not in open_run(folder)._repr_html_()
    assert "&lt;b&gt;[red]m" in open_run(folder)._repr_html_()
    assert "<b>[red]m" in repr(open_run(folder))


# Charts


def test_the_charts_are_those_of_the_report(finished: tuple[Outcome, Path]) -> None:
    altair = pytest.importorskip("altair")
    found = opened(finished[1])
    for chart in (
        found.plot.methods(),
        found.plot.methods("contested"),
        found.plot.communities(),
        found.plot.communities("reference"),
        found.plot.matrix(),
        found.plot.curves(),
        found.plot.curves("raters"),
    ):
        assert isinstance(chart, altair.LayerChart)
        assert "vega-lite" in chart.to_dict()["$schema"]


def test_a_chart_draws_the_rows_of_the_run(finished: tuple[Outcome, Path]) -> None:
    pytest.importorskip("altair")
    found = opened(finished[1])
    data = json.dumps(found.plot.communities("full").to_dict())
    for community in found.steered:
        assert str(found.served()[community, "full"].value) in data


def test_a_survey_draws_its_models_and_its_communities(tmp_path: Path) -> None:
    altair = pytest.importorskip("altair")
    found = open_run(write_survey(tmp_path / "answers", SCORES))
    assert isinstance(found, SurveyRun)
    assert isinstance(found.plot.methods(), altair.LayerChart)
    assert "Egypt" in json.dumps(found.plot.communities("m", AWARE).to_dict())
    with pytest.raises(NotEnoughData, match="nothing that this chart shows"):
        found.plot.communities("m", "another")


def test_an_unmeasured_quantity_has_no_chart(tmp_path: Path) -> None:
    pytest.importorskip("altair")
    found = opened(write_rewards(tmp_path / "run", OWN, curve=False))
    with pytest.raises(NotEnoughData, match="nothing that this chart shows"):
        found.plot.curves()


def test_a_row_that_nothing_can_have_measured_is_refused() -> None:
    point = {"metric": "m", "method": "x", "steer": None, "community": None, "subset": "all"}
    sound: dict[str, Any] = {"value": 0.5, "low": 0.4, "high": 0.6, "n": 1, "n_raters": None}
    assert Row(**point, **sound).value == 0.5  # type: ignore[arg-type]
    for wrong in ({"high": None}, {"value": float("nan")}, {"low": -float("inf")}, {"n": -1}):
        with pytest.raises(ValueError, match=r"two ends|finite|negative"):
            Row(**point, **(sound | wrong))  # type: ignore[arg-type]
