"""Tests of knowledge in lm-eval: its scores are those of `pluralign knowledge score`."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.knowledge_tests import PLACES, blend_rows, small_test
from tests.respondents.conftest import build_chat_model
from tests.sources.test_knowledge_published import CLEAR, EXAM, SAMPLE, as_json, table

from pluralign.asking import KnowledgePutting, put_knowledge
from pluralign.asking.knowledge_templates import Template, template
from pluralign.core import InvalidInput, KnowledgeAnswer, NotEnoughData, Tally
from pluralign.evaluation.knowledge import AnswerScorer, KnowledgeRow
from pluralign.interop import write_lm_eval_knowledge
from pluralign.interop.knowledge_items import knowledge_item, score_item
from pluralign.interop.lm_eval_scoring import score_options, score_words
from pluralign.matching import stemmed
from pluralign.runs.folder import read_rows
from pluralign.settings import knowledge_source
from pluralign.sources import read_knowledge
from pluralign.sources.knowledge_recognised import recognise_knowledge
from pluralign.sources.recorded_knowledge import (
    UNSIGNED_WORDS,
    KnowledgeNames,
    answer_files,
    read_knowledge_answers,
)
from pluralign.surveying import evaluate_knowledge, run_knowledge, score_folder

SMALL = small_test()
REGIONS = {"IRN": "Iran", "MEX": "Mexico", "USA": "US"}
NAMED = {"acc_norm": "accuracy"}
TOKENS = 8


def write_blend(folder: Path, heard: Mapping[str, str]) -> Path:
    """The small test as files; in Mexico one person of five more gave each answer in ``heard``."""
    folder.mkdir()
    for place in PLACES:
        rows = blend_rows(place)
        for row in rows if place == "MEX" else ():
            text = heard.get(str(row["id"]))
            more = [{"answers": [text], "en_answers": [], "count": 1}] if text else []
            row["annotations"] = [*row["annotations"], *more]  # type: ignore[misc]
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / f"{REGIONS[place]}.jsonl").write_text(lines, encoding="utf-8")
    return folder


def asked(test: Path, model: Path, out: Path, **how: Any) -> list[KnowledgeAnswer]:
    """The answers of a local model about Mexico, recorded by `pluralign knowledge ask`."""
    tables = {
        "test": {"path": str(test)},
        "model": {"kind": "local", "name": str(model), "device": "cpu", "precision": "float32"},
        "communities": ["MEX"],
        "sampling": {"max_new_tokens": TOKENS},
    }
    return list(run_knowledge(tables | how, out).answers)


def run_lm_eval(model: Path, tasks: Path, out: Path) -> dict[str, dict[str, float]]:
    """Task -> metric -> value, by lm-eval itself, with its file of answers for each task."""
    from lm_eval import simple_evaluate
    from lm_eval.loggers import EvaluationTracker
    from lm_eval.tasks import TaskManager

    found = simple_evaluate(
        model="hf",
        model_args={"pretrained": str(model), "dtype": "float32"},
        tasks=["small"],
        task_manager=TaskManager(
            include_path=str(tasks), include_defaults=False, metadata={"pretrained": str(model)}
        ),
        gen_kwargs={"max_gen_toks": TOKENS},
        device="cpu",
        batch_size=4,
        log_samples=True,
    )
    tracker = EvaluationTracker(output_path=str(out))
    tracker.save_results_aggregated(results=found, samples=found["samples"])
    for task, samples in found["samples"].items():
        tracker.save_results_samples(task_name=task, samples=samples)
    return {
        task: {key.removesuffix(",none"): value for key, value in metrics.items()}
        for task, metrics in found["results"].items()
    }


def numbers(rows: Any, form: str) -> dict[str, KnowledgeRow]:
    return {r.metric: r for r in rows if r.form == form and r.model == "tiny"}


@pytest.mark.slow
def test_lm_eval_gives_the_scores_of_asking_and_its_answers_can_be_scored_with_intervals(
    tmp_path: Path,
) -> None:
    pytest.importorskip("lm_eval")
    model = build_chat_model(tmp_path / "tiny", None)
    first = write_blend(tmp_path / "first", {})
    answers = asked(first, model, tmp_path / "short", languages=["es"])
    test = write_blend(tmp_path / "blend", {one.question: one.text for one in answers[:3]})
    asked(test, model, tmp_path / "options", languages=["en"], form="options", method="likelihood")
    source = knowledge_source({"path": str(test)}, tmp_path, "test")
    ours = {form: numbers(score_folder(tmp_path / form, source).results, form) for form in NEEDED}

    for form, language in (("short", "es"), ("options", "en")):
        putting = KnowledgePutting((language,), forms=(form,), shows_options=False)
        write_lm_eval_knowledge(
            read_knowledge(source), putting, tmp_path / "tasks" / form, communities=["MEX"],
            name="small",
        )  # fmt: skip
    found = run_lm_eval(model, tmp_path / "tasks", tmp_path / "out")

    for task, form in (("small_MEX_es_short", "short"), ("small_MEX_en_likelihood", "options")):
        for metric in NEEDED[form]:
            value = ours[form][NAMED.get(metric, metric)].value
            assert found[task][metric] == pytest.approx(value, abs=1e-9), (task, metric)
    assert 0 < ours["short"]["answer_credit"].value < 1
    assert 0 < ours["options"]["accuracy"].value < 1

    again = evaluate_knowledge(
        [tmp_path / "out"], source, tmp_path / "scored", names=KnowledgeNames("tiny")
    )
    for form in NEEDED:
        assert numbers(again.results, form) == ours[form]


NEEDED = {
    "short": ("answer_credit", "exact_match_rate", "unmatched_rate", "empty_rate"),
    "options": ("acc_norm", "answer_credit"),
}


@pytest.mark.parametrize("form", ["short", "options"])
def test_an_answer_scores_with_the_rows_of_a_task_as_with_the_whole_test(form: Any) -> None:
    putting = KnowledgePutting(place_named=(True, False), forms=(form,))
    asks = put_knowledge(SMALL, SMALL.questions, putting, Tally())
    texts = ("tea", "چای", "B", "un ATOLE, claro", "bagel", "no")
    scorer, seen = AnswerScorer(SMALL, stemmed), set()
    for ask in asks:
        item = json.loads(json.dumps(knowledge_item(ask, SMALL)))
        for text in texts:
            row = KnowledgeAnswer(
                "m", ask.ask.question.id, ask.community, text, ask.ask.language, ask.place_named,
                form, ask.ask.shown, ask.option_communities,
            )  # fmt: skip
            (whole,) = scorer.score([row], Tally())
            alone = score_item(item, text)
            assert (alone.own, alone.kind, alone.text) == (whole.own, whole.kind, whole.text)
            seen.add(alone.own)
    assert seen == ({0.0, 1 / 3, 1.0} if form == "short" else {0.0, 1.0})


def item(form: Any) -> dict[str, Any]:
    """The question on drinks in Mexico, whose common answer is atole."""
    putting = KnowledgePutting(("en",), forms=(form,))
    asks = put_knowledge(SMALL, SMALL.of("MEX"), putting, Tally())
    (found,) = (ask for ask in asks if ask.ask.question.id == "drink")
    return knowledge_item(found, SMALL)


def test_an_answer_of_no_option_is_invalid_and_an_empty_one_is_counted() -> None:
    options, right = item("options"), "ABC"[item("options")["right"]]
    assert score_words(options, [right]) == {
        "answer_credit": 1.0, "accuracy": 1.0, "invalid_rate": 0.0,
    }  # fmt: skip
    assert score_words(options, ["I do not know."])["invalid_rate"] == 1.0
    rates = ("exact_match_rate", "unmatched_rate", "empty_rate")
    for text, wanted in (("atole", (1, 0, 0)), ("pozole y", (0, 0, 0)), ("agua", (0, 1, 0))):
        found = score_words(item("short"), [text])
        assert tuple(found[rate] for rate in rates) == wanted
    assert score_words(item("short"), [" "])["empty_rate"] == 1.0
    assert score_words(item("short"), ["pozole"])["answer_credit"] == pytest.approx(1 / 3)


def test_the_likeliest_option_and_the_likeliest_by_its_length_may_differ() -> None:
    row = item("options")
    longest = max(range(len(row["options"])), key=lambda k: len(row["options"][k]))
    assert row["right"] != longest
    logs = [-60.0] * len(row["options"])
    logs[row["right"]], logs[longest] = -5.0, -5.1
    found = score_options(row, [(log, False) for log in logs])
    assert (found["acc"], found["acc_norm"], found["answer_credit"]) == (1.0, 0.0, 0.0)


def test_a_folder_has_a_task_for_each_community_language_form_and_way_to_name_the_place(
    tmp_path: Path,
) -> None:
    putting = KnowledgePutting(("en",), (True, False), ("short", "options"))
    tally = Tally()
    names = write_lm_eval_knowledge(
        SMALL, putting, tmp_path / "t", communities=["MEX", "FRA"], name="mine", tally=tally
    )
    ways = ("short", "options", "short_unnamed", "options_unnamed")
    assert sorted(names) == sorted(f"mine_MEX_en_{way}" for way in ways)
    assert tally.dropped["community that the test does not have: FRA"] == 1
    for name in names:
        settings = (tmp_path / "t" / f"{name}.yaml").read_text(encoding="utf-8")
        rows = read_rows(tmp_path / "t" / f"{name}.jsonl")
        assert f"task: {name}\ntag: mine\n" in settings and len(rows) == 4
        assert all(("Mexico" in row["text"]) == row["place_named"] for row in rows)
        assert {row["target"] for row in rows} == {"tamales", "fútbol", "atole", "mango"} or (
            {row["target"] for row in rows} == {"tamales", "soccer", "atole", "mango"}
        )


def test_a_task_states_whether_a_native_reader_has_signed_the_words_around_its_questions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stated(folder: Path) -> tuple[bool, bool]:
        """The flag in the rows of a task, and in its metadata."""
        (task,) = write_lm_eval_knowledge(
            SMALL, KnowledgePutting(("es",)), folder, communities=["MEX"]
        )
        (row, *_) = read_rows(folder / f"{task}.jsonl")
        about = (folder / f"{task}.yaml").read_text(encoding="utf-8").rpartition("metadata: ")[2]
        return row["machine_written"], json.loads(about)["machine_written"]

    def signed(*way: Any, **named: Any) -> Template:
        return replace(template(*way, **named), machine_written=False, signed_by="Ana, 2026")

    assert stated(tmp_path / "unsigned") == (True, True)
    monkeypatch.setattr("pluralign.asking.knowledge_asks.template", signed)
    assert stated(tmp_path / "signed") == (False, False)


def test_the_note_about_unsigned_words_comes_back_from_the_answers_of_a_task(
    tmp_path: Path,
) -> None:
    putting = KnowledgePutting(("es", "en"))
    for name in write_lm_eval_knowledge(SMALL, putting, tmp_path / "t", communities=["MEX"]):
        lines = [
            json.dumps({"doc": row, "filtered_resps": [row["target"]]}) + "\n"
            for row in read_rows(tmp_path / "t" / f"{name}.jsonl")
        ]
        (tmp_path / f"samples_{name}.jsonl").write_text("".join(lines), encoding="utf-8")
    tally = Tally()
    answers = read_knowledge_answers(
        answer_files([tmp_path]), tally, names=KnowledgeNames(model="m")
    )
    assert len(answers) == 8
    assert list(tally.notes) == [f"{UNSIGNED_WORDS}: en, es"]


@pytest.mark.parametrize(
    ("name", "rows", "form"),
    [
        ("KoBBQ_test_samples.tsv", [SAMPLE, CLEAR], "options"),
        ("click.json", [EXAM], "options"),
        ("English.csv", [{"Question": "Which river?", "Answer": "Ganges", "Domain": "G"}], "short"),
        ("own.json", [{"question": "؟", "candidates": ["الف", "ب"], "answer": "۲"}], "options"),
    ],
)
def test_every_published_set_becomes_a_task_whose_right_answer_scores_1(
    name: str, rows: list[dict[str, Any]], form: Any, tmp_path: Path
) -> None:
    made = as_json if name.endswith("json") else table
    source = recognise_knowledge(
        made(tmp_path / name, *rows), "IRN", "fa" if "own" in name else None
    )
    putting = KnowledgePutting(forms=(form,))
    (task,) = write_lm_eval_knowledge(read_knowledge(source), putting, tmp_path / "tasks")
    for row in read_rows(tmp_path / "tasks" / f"{task}.jsonl"):
        right = row["target"] if form == "short" else "ABCD"[row["right"]]
        assert score_words(row, [right])["answer_credit"] == 1.0


def test_a_community_that_the_test_lacks_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(NotEnoughData, match="no question to ask") as error:
        write_lm_eval_knowledge(SMALL, KnowledgePutting(), tmp_path / "t", communities=["FRA"])
    assert "FRA" in str(error.value)
    with pytest.raises(InvalidInput, match="not a name"):
        write_lm_eval_knowledge(SMALL, KnowledgePutting(), tmp_path / "t", name="a b")
    assert not (tmp_path / "t").exists()


def test_a_folder_without_answers_of_lm_eval_is_refused(tmp_path: Path) -> None:
    source = knowledge_source({"path": str(write_blend(tmp_path / "b", {}))}, tmp_path, "test")
    (tmp_path / "results").mkdir()
    with pytest.raises(NotEnoughData, match="no files samples_"):
        evaluate_knowledge([tmp_path / "results"], source, tmp_path / "out")
