"""Results of real runs as Every Eval Ever's documents, checked against its schema 0.3.0."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.surveying.test_stereotypes import scored

from pluralign.asking import load_strategy, put
from pluralign.core import DamagedFile, Reply, answer_row, record_answer
from pluralign.experiments import run_experiment
from pluralign.interop import write_every_eval_ever
from pluralign.runs.folder import read_rows
from pluralign.settings import resolve
from pluralign.simulation import SocietySurvey
from pluralign.surveying import run_knowledge, score_folder
from pluralign.surveying.survey_evaluation import evaluate_answers

jsonschema = pytest.importorskip("jsonschema")


TEST = """
name = "oaxaca"
community = "MEX/oaxaca"
language = "es"
license = "CC-BY-4.0"
people = 12
[[question]]
id = "food-1"
topic = "Food"
text.es = "¿Qué se desayuna el domingo?"
answers = [{ es = ["tamales"], people = 7 }, { es = ["pan"], people = 4 }]
[[question]]
id = "day-1"
topic = "Holidays"
text.es = "¿Qué fiesta hay en julio?"
options.es = ["Guelaguetza", "Rábanos"]
answers = [{ es = ["Guelaguetza"], people = 10 }, { es = ["Rábanos"], people = 1 }]
"""


def needs(**properties: Any) -> dict[str, Any]:
    """An object with all of these, and nothing beside them."""
    return {
        "type": "object",
        "required": list(properties),
        "properties": properties,
        "additionalProperties": False,
    }


TEXT, NUMBER = {"type": "string", "minLength": 1}, {"type": "number"}
INTERVAL = needs(lower=NUMBER, upper=NUMBER, confidence_level={"const": 0.95}, method=TEXT)
ENTRY = needs(
    evaluation_name=TEXT,
    source_data=needs(dataset_name=TEXT, source_type={"const": "other"}),
    metric_config=needs(
        lower_is_better={"type": "boolean"},
        score_type={"const": "continuous"},
        min_score=NUMBER,
        max_score=NUMBER,
    ),
    score_details=needs(
        score=NUMBER,
        details={
            "type": "object",
            "required": ["community", "subset", "n"],
            "additionalProperties": TEXT,
        },
        uncertainty={
            "type": "object",
            "required": ["num_samples"],
            "properties": {"num_samples": {"type": "integer"}, "confidence_interval": INTERVAL},
            "additionalProperties": False,
        },
    ),
)
DOCUMENT = needs(
    schema_version={"const": "0.3.0"},
    evaluation_id=TEXT,
    retrieved_timestamp={"type": "string", "pattern": "^[1-9][0-9]{9}$"},
    source_metadata=needs(
        source_type={"const": "evaluation_run"},
        source_organization_name=TEXT,
        evaluator_relationship={"enum": ["first_party", "third_party", "collaborative", "other"]},
    ),
    model_info=needs(name=TEXT, id=TEXT),
    eval_library=needs(name={"const": "pluralign"}, version=TEXT),
    evaluation_results={"type": "array", "minItems": 1, "items": ENTRY},
)


def evaluated(folder: Path, *models: str) -> Path:
    """A survey of respondents that always take the first option, refusing every fifth question."""
    survey = SocietySurvey(questions=10)
    asks = put(load_strategy("culture_aware"), survey.survey(), ["~hill", "~river"])
    says = [Reply("no" if i % 5 == 4 else ask.labels[0]) for i, ask in enumerate(asks)]
    rows = [
        answer_row(record_answer(m, ask, reply))
        for m in models
        for ask, reply in zip(asks, says, strict=True)
    ]
    folder.mkdir()
    (folder / "recorded.jsonl").write_text(
        "".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8"
    )
    evaluate_answers([folder / "recorded.jsonl"], survey, folder / "run", draws=20)
    return folder / "run"


def steered(folder: Path) -> Path:
    """A small run of reward models."""
    tables = {
        "min_pairs": 1,
        "min_raters": 2,
        "methods": ["reference", "scpo"],
        "pairs": {"source": "society", "each": 60, "thin": 12, "world": 150},
        "reference": {"fit_on": ["~world"], "ridge": 1.0},
        "trunk": {"encoder": "hash"},
        "fit": {"ridge": 1.0},
        "intervals": {"draws": 100},
    }
    run_experiment(
        resolve(tables, base=folder, where="tiny"), folder / "run", cache=folder / "cache"
    )
    return folder / "run"


def answered(folder: Path) -> Path:
    """A test of knowledge that planted respondents answer, with the names of places and without."""
    spoken = {"default_culture": "MEX/oaxaca", "knowledge": 0.7, "kind": "simulated"}
    folder.mkdir()
    (folder / "test.toml").write_text(TEST, encoding="utf-8")
    tables = {"test": {"path": str(folder / "test.toml")}, "model": spoken, "form": "both"}
    tables |= {"draws": 3}
    run_knowledge(tables, folder / "run")
    score_folder(folder / "run")
    return folder / "run"


def documents(paths: list[Path]) -> dict[str, dict[str, Any]]:
    found = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    return {document["model_info"]["name"]: document for document in found}


@pytest.mark.parametrize(
    "made",
    [
        lambda folder: evaluated(folder / "s", "org/one"),
        steered,
        lambda folder: answered(folder / "k"),
    ],
    ids=["survey", "reward", "knowledge"],
)
def test_every_document_of_a_run_is_what_the_schema_asks_for(made: Any, tmp_path: Path) -> None:
    run = made(tmp_path)
    written = documents(write_every_eval_ever(run, tmp_path / "out", "Somebody"))
    for document in written.values():
        jsonschema.validate(document, DOCUMENT)
        names = [entry["evaluation_name"] for entry in document["evaluation_results"]]
        assert len(set(names)) == len(names)
        for entry in document["evaluation_results"]:
            config, score = entry["metric_config"], entry["score_details"]["score"]
            assert config["min_score"] <= score <= config["max_score"]
            assert config["max_score"] == (
                100 if entry["evaluation_name"].startswith("cultural") else 1
            )


def test_the_numbers_are_those_of_the_run_one_entry_for_each_community(tmp_path: Path) -> None:
    run = evaluated(tmp_path / "s", "org/one")
    document = documents(write_every_eval_ever(run, tmp_path / "out", "Somebody"))["org/one"]
    rows = [
        r for r in read_rows(run / "results.jsonl") if r["model"] == "org/one" and r["community"]
    ]
    wanted = {
        (r["metric"], r["community"]): (r["value"], r["low"], r["high"], r["n"]) for r in rows
    }
    found = {}
    for entry in document["evaluation_results"]:
        details, doubt = entry["score_details"]["details"], entry["score_details"]["uncertainty"]
        interval = doubt["confidence_interval"]
        key = (entry["evaluation_name"].split(" ")[0], details["community"])
        found[key] = (
            entry["score_details"]["score"],
            interval["lower"],
            interval["upper"],
            doubt["num_samples"],
        )
        assert "n_raters" not in details
        assert details["strategy"] == "culture_aware"
    assert found == {key: value for key, value in wanted.items() if key[0] != "target_rank"}
    assert found["refusal_rate", "~hill"][0] == pytest.approx(0.2)


def test_scores_of_knowledge_have_their_language_form_and_bounds_and_no_reference_points(
    tmp_path: Path,
) -> None:
    (document,) = documents(
        write_every_eval_ever(answered(tmp_path / "k"), tmp_path / "out", "Somebody")
    ).values()
    entries = {entry["evaluation_name"]: entry for entry in document["evaluation_results"]}
    gain = entries["credit_over_person (MEX/oaxaca, es, short, place named, all)"]
    assert gain["metric_config"]["min_score"] == -1.0
    assert gain["source_data"]["dataset_name"] == "oaxaca"
    interval = gain["score_details"]["uncertainty"]["confidence_interval"]
    assert interval["method"] == "quantiles of Student's t over topics"
    wrong = entries["invalid_rate (MEX/oaxaca, es, options, place named, all)"]
    assert wrong["metric_config"]["lower_is_better"]
    rows = read_rows(tmp_path / "k" / "run" / "results.jsonl")
    left_out = {row["metric"] for row in rows} - {name.split()[0] for name in entries}
    assert left_out == {"person_credit", "simbench_score", "simbench_attainable"}
    assert {row["model"] for row in rows} == {document["model_info"]["name"], "people"}


def test_a_score_whose_best_value_lies_between_its_bounds_is_left_out(tmp_path: Path) -> None:
    scored(lambda row: row["biased_answer"], tmp_path)
    (document,) = documents(
        write_every_eval_ever(tmp_path / "run", tmp_path / "eee", "Example Lab")
    ).values()
    entries = document["evaluation_results"]
    names = {one["evaluation_name"].partition(" ")[0]: one["score_details"] for one in entries}
    interval = names["accuracy_disambiguated"]["uncertainty"]["confidence_interval"]
    assert interval["method"] == "quantiles of Student's t over templates"
    assert not any(name.startswith("diff_bias") for name in names)


def test_two_models_whose_names_look_alike_have_a_file_each(tmp_path: Path) -> None:
    paths = write_every_eval_ever(
        evaluated(tmp_path / "s", "org/one", "org_one"), tmp_path / "out", "Somebody"
    )
    assert [path.name for path in paths] == ["org_one.json", "org_one-2.json"]
    assert set(documents(paths)) == {"org/one", "org_one"}


def test_no_file_has_a_name_that_windows_reserves_for_a_device(tmp_path: Path) -> None:
    paths = write_every_eval_ever(
        evaluated(tmp_path / "s", "con", "org/NUL.v2", "aux.v2"), tmp_path / "out", "Somebody"
    )
    assert {path.name for path in paths} == {"con_.json", "org_NUL.v2.json", "aux_.v2.json"}


def test_a_record_without_its_time_is_refused_rather_than_dated(tmp_path: Path) -> None:
    run = evaluated(tmp_path / "s", "one")
    (run / "record.json").write_text('{"name": "one"}', encoding="utf-8")
    with pytest.raises(DamagedFile, match="record"):
        write_every_eval_ever(run, tmp_path / "out", "Somebody")
