"""Tests of knowledge in Inspect: its scores are those of `pluralign knowledge score`."""

import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from tests.interop.test_knowledge_tasks import write_blend

from pluralign.core import InvalidInput, PluralignError
from pluralign.settings import knowledge_source
from pluralign.sources.recorded_knowledge import UNSIGNED_WORDS
from pluralign.surveying import evaluate_knowledge

pytest.importorskip("inspect_ai")
ROOT = Path(__file__).resolve().parents[2]
SAID = ("tamales", "pozole", "", "A", "No sé.", "C", "atole y tamales", "B")


def evaluated(test: Path, folder: Path, **how: Any) -> Any:
    """Inspect's log of a model that says some words in turn."""
    from inspect_ai import eval as inspect_eval
    from inspect_ai.model import ModelOutput, ModelUsage, get_model

    from pluralign.interop.inspect_tasks import knowledge

    task = knowledge(str(test), **how)
    outputs = []
    for number in range(len(task.dataset)):
        output = ModelOutput.from_content("mockllm/model", SAID[number % len(SAID)])
        output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
        outputs.append(output)
    model = get_model("mockllm/model", custom_outputs=outputs)
    (log,) = inspect_eval(task, model=model, log_dir=str(folder), display="none", max_samples=1)
    assert log.status == "success"
    return log


@pytest.mark.slow
def test_inspect_gives_the_scores_of_recorded_answers_by_community_and_topic(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INSPECT_DISABLE_MODEL_API", "0")
    test = write_blend(tmp_path / "blend", {})
    log = evaluated(test, tmp_path / "logs", communities="Mexico,USA", languages="en", form="both")
    found = {m.name: m.value for s in log.results.scores for m in s.metrics.values()}

    source = knowledge_source({"path": str(test)}, tmp_path, "test")
    rows = evaluate_knowledge([tmp_path / "logs"], source, tmp_path / "run").results
    ours = {(r.metric, r.community, r.form): r.value for r in rows if r.model == "mockllm/model"}
    for community in ("MEX", "USA"):
        for form, empty in (("short", "empty_rate"), ("options", "invalid_rate")):
            asked = f"{community} en {form} named"
            assert found[f"credit {asked}"] == pytest.approx(ours["answer_credit", community, form])
            assert found[f"invalid {asked}"] == pytest.approx(ours[empty, community, form])
    food = [s.scores["credit"].value for s in log.samples if s.metadata["topic"] == "Food"]
    assert found["credit in Food"] == pytest.approx(sum(food) / len(food))
    assert 0 < found["credit in Food"] < 1


def test_a_log_in_json_is_read_as_one_in_eval_and_other_json_in_its_folder_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from inspect_ai.log import write_eval_log

    monkeypatch.setenv("INSPECT_DISABLE_MODEL_API", "0")
    test = write_blend(tmp_path / "blend", {})
    log = evaluated(test, tmp_path / "logs", communities="Mexico", languages="en", limit=2)
    (tmp_path / "json").mkdir()
    write_eval_log(log, str(tmp_path / "json" / "log.json"))
    (tmp_path / "json" / "manifest.json").write_text('{"version": 1, "logs": []}')

    source = knowledge_source({"path": str(test)}, tmp_path, "test")
    rows, again, file = (
        evaluate_knowledge([tmp_path / given], source, tmp_path / f"run-{k}").results
        for k, given in enumerate(("logs", "json", "json/log.json"))
    )
    assert rows == again == file
    assert rows[0].n == 2


def test_a_log_has_the_languages_of_words_that_no_native_reader_has_signed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INSPECT_DISABLE_MODEL_API", "0")
    test = write_blend(tmp_path / "blend", {})
    log = evaluated(test, tmp_path / "logs", communities="Mexico", languages="es,en", limit=1)
    assert log.eval.metadata["machine_written"] == ["en", "es"]

    source = knowledge_source({"path": str(test)}, tmp_path, "test")
    record = evaluate_knowledge([tmp_path / "logs"], source, tmp_path / "run").record
    assert record["notes"][0] == f"{UNSIGNED_WORDS}: en, es"


def test_a_file_that_is_no_log_is_refused_with_its_name(tmp_path: Path) -> None:
    test = write_blend(tmp_path / "blend", {})
    source = knowledge_source({"path": str(test)}, tmp_path, "test")
    for name, text in (("broken.eval", "no log"), ("broken.json", '{"version": 2, "status": ""}')):
        (tmp_path / name).write_text(text, encoding="utf-8")
        with pytest.raises(InvalidInput, match="not a log of Inspect") as error:
            evaluate_knowledge([tmp_path / name], source, tmp_path / "run")
        assert name in str(error.value)


def test_the_entry_point_of_inspect_names_a_module_with_both_tasks() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    module = settings["project"]["entry-points"]["inspect_ai"]["pluralign"]
    assert import_module(module).__all__ == ["knowledge", "survey"]


def test_without_a_file_planted_knowledge_is_asked() -> None:
    from pluralign.interop.inspect_tasks import knowledge

    samples = list(knowledge(communities="~hill", languages=["en"], limit=3).dataset)
    assert [sample.metadata["community"] for sample in samples] == ["~hill"] * 3
    assert all(sample.target in str(sample.metadata["accepted"]) for sample in samples)


def test_a_limit_counts_the_questions_that_can_be_asked(tmp_path: Path) -> None:
    from pluralign.interop.inspect_tasks import knowledge

    free = 'answers = [{ es = ["tacos"], people = 3 }]\n'
    test = tmp_path / "mexico.toml"
    test.write_text(
        'name = "mexico"\ncommunity = "MEX"\nlanguage = "es"\n'
        + "".join(
            f'[[question]]\nid = "{k}"\ntopic = "Food"\ntext.es = "¿Qué se come, {k}?"\n{free}'
            + ('options.es = ["tacos", "sushi"]\n' if k > 6 else "")
            for k in range(10)
        ),
        encoding="utf-8",
    )
    samples = list(knowledge(str(test), form="options", limit=2).dataset)
    assert len(samples) == 2
    assert all(int(sample.metadata["question_id"]) > 6 for sample in samples)


@pytest.mark.parametrize(
    ("how", "message"),
    [({"form": "letters"}, "form must be"), ({"place": "no"}, "place must be"),
     ({"communities": "Elsewhere"}, "Elsewhere"), ({"test": "absent.toml"}, "no such file"),
     ({"communities": "FRA"}, "no question to ask")],
)  # fmt: skip
def test_wrong_arguments_are_refused_with_what_is_known(how: dict[str, Any], message: str) -> None:
    from pluralign.interop.inspect_tasks import knowledge

    with pytest.raises(PluralignError, match=message):
        knowledge(**how)
