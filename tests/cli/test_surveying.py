import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.respondents.conftest import build_chat_model
from tests.respondents.servers import Behaviour, serving
from typer.testing import CliRunner

from pluralign.cli.main import app
from pluralign.cli.output import Output
from pluralign.cli.survey_tables import show_survey
from pluralign.runs.folder import read_rows
from pluralign.surveying.survey_evaluation import SurveyOutcome

SIMULATED = """
name = "simulated"
communities = ["~river", "~hill"]
strategies = ["culture_unaware", "culture_aware"]
[survey]
source = "society_survey"
questions = 20
[model]
kind = "simulated"
knowledge = 0.9
refusal_rate = 0.1
"""


OnScreen = Callable[..., str]


def call(*words: object) -> tuple[int, str, str]:
    found = CliRunner().invoke(app, [str(word) for word in words])
    return found.exit_code, found.stdout, found.stderr


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "survey.toml"
    path.write_text(SIMULATED, encoding="utf-8")
    return path


def test_a_survey_is_run_measured_and_printed(
    on_screen: OnScreen, config: Path, tmp_path: Path
) -> None:
    out = on_screen("survey", "run", config, "--out", tmp_path / "run")
    assert max(map(len, out.splitlines())) <= 80
    for word in (
        "CAS",
        "closeness",
        "refused",
        "culture_aware",
        "random",
        "~hill",
        "results.jsonl",
    ):
        assert word in out
    assert len(read_rows(tmp_path / "run/recorded.jsonl")) == 20 * 3
    assert {r["strategy"] for r in read_rows(tmp_path / "run/results.jsonl")} >= {
        "culture_unaware",
        "culture_aware",
    }


def test_json_is_for_machines_and_nothing_else(config: Path, tmp_path: Path) -> None:
    code, out, _ = call("survey", "run", config, "--out", tmp_path / "run", "--json")
    told = json.loads(out)
    assert code == 0
    assert told["record"]["data"]["answers"]["kept"] == 60
    assert {"metric", "value", "low", "high", "n"} <= set(told["results"][0])


def test_the_same_command_goes_on_and_another_model_needs_another_folder(
    config: Path, tmp_path: Path
) -> None:
    call("survey", "run", config, "--out", tmp_path / "run")
    before = (tmp_path / "run/recorded.jsonl").read_bytes()
    code, _, err = call("survey", "run", config, "--out", tmp_path / "run")
    assert (code, (tmp_path / "run/recorded.jsonl").read_bytes()) == (0, before)
    assert "resuming earlier work" in err
    code, _, err = call(
        "survey", "run", config, "--out", tmp_path / "run", "--set", "model.knowledge=0.1"
    )
    assert code == 2
    assert "--fresh" in err
    assert (
        call(
            "survey",
            "run",
            config,
            "--out",
            tmp_path / "run",
            "--set",
            "model.knowledge=0.1",
            "--fresh",
        )[0]
        == 0
    )


def test_a_run_that_could_not_begin_does_not_keep_its_folder(config: Path, tmp_path: Path) -> None:
    words = ("survey", "run", config, "--out", tmp_path / "run")
    assert call(*words, "--set", "model.default_culture=MEX")[0] == 2
    assert call(*words)[0] == 0


def test_asks_are_shown_word_for_word_and_nothing_is_asked(config: Path, tmp_path: Path) -> None:
    code, out, _ = call("survey", "run", config, "--out", tmp_path / "run", "--show", "2")
    assert code == 0
    assert out.count("Answer with the number of one option") == 2 * 2
    assert "culture_unaware / q0001" in out
    assert "culture_aware / ~river / q0000" in out
    assert not (tmp_path / "run").exists()
    told = json.loads(call("survey", "run", config, "--show", "1", "--json")[1])
    assert [one["key"][0] for one in told] == ["culture_unaware", "culture_aware"]
    assert call("survey", "run", config, "--show", "-1")[0] == 2


def test_a_community_that_the_survey_lacks_is_reported_and_not_asked_for(
    on_screen: OnScreen, config: Path, tmp_path: Path
) -> None:
    words = ("survey", "run", config, "-c", "~hill", "-c", "MEX", "--out", tmp_path / "run")
    code, _, err = call(*words)
    assert code == 0, err
    assert "community that the survey does not have: MEX" in err
    assert "for ~hill" in on_screen(*words)
    assert {r["community"] for r in read_rows(tmp_path / "run/recorded.jsonl")} == {None, "~hill"}


def test_a_limit_of_speed_may_change_before_the_run_goes_on(tmp_path: Path) -> None:
    pytest.importorskip("openai")
    behaviour = Behaviour()
    with serving(behaviour) as url:
        words = [
            "survey",
            "run",
            "--survey",
            "society_survey",
            "--set",
            "limit=3",
            "--model",
            "m",
            "--base-url",
            url,
        ]
        words += ["--out", str(tmp_path / "run"), "-s", "culture_unaware"]
        call(*words)
        _, _, err = call(
            *words, "--set", "model.concurrency=2", "--set", "model.requests_per_minute=600"
        )
    assert "resuming earlier work" in err
    assert sum(behaviour.asked.values()) == 3


def test_every_setting_is_explained(config: Path) -> None:
    code, out, _ = call("survey", "run", config, "--explain", "--set", "evaluate.draws=7")
    assert code == 0
    assert "--set" in out
    assert "survey.toml" in out


def test_results_name_the_model_as_given(config: Path, tmp_path: Path) -> None:
    call("survey", "run", config, "--out", tmp_path / "run", "--set", "model.called=mine")
    assert {r["model"] for r in read_rows(tmp_path / "run/recorded.jsonl")} == {"mine"}


def test_a_run_that_is_killed_goes_on_and_asks_nothing_twice(tmp_path: Path) -> None:
    pytest.importorskip("openai")
    behaviour = Behaviour(delay=0.02)
    with serving(behaviour) as url:
        words = [
            sys.executable,
            "-m",
            "pluralign.cli.main",
            "survey",
            "run",
            "--survey",
            "society_survey",
            "--model",
            "m",
        ]
        words += [
            "--base-url",
            url,
            "-s",
            "culture_aware",
            "--out",
            str(tmp_path / "run"),
            "--set",
            "model.concurrency=4",
        ]
        process = subprocess.Popen(
            words, env=os.environ | {"COLUMNS": "100"}, stdout=subprocess.DEVNULL
        )
        path = tmp_path / "run/recorded.jsonl"
        for _ in range(600):
            if path.exists() and path.read_bytes().count(b"\n") > 40:
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=10)
        kept = path.read_bytes().count(b"\n")
        assert 40 < kept < 300
        done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode in (0, 2), (
        done.stderr
    )  # "re: ..." is no option, so nothing can be measured
    rows = read_rows(path)
    assert len(rows) == len({tuple(row["key"]) for row in rows}) == 300
    assert sum(behaviour.asked.values()) <= 300 + 4  # those that were in flight when it was killed


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["survey", "run"], "survey"),
        (["survey", "run", "--survey", "society_survey"], "model: this setting is needed"),
        (
            ["survey", "run", "--survey", "society_survey", "--model", "nobody/none-such"],
            "no language model can be loaded",
        ),
        (
            ["survey", "run", "--survey", "society_survey", "--model", "."],
            "the folder has no config.json",
        ),
        (
            ["survey", "run", "--survey", "society_survey", "--model", "x", "-c", "MEX"],
            "none of these communities",
        ),
        (["survey", "run", "--survey", "society", "--model", "x"], "the source must have a survey"),
        (["survey", "run", "--survey", "nowhere", "--model", "x"], "no source"),
        (
            ["survey", "run", "--survey", "society_survey", "--model", "x", "-s", "culture_awar"],
            "did you mean",
        ),
        (
            ["survey", "run", "--survey", "society_survey", "--model", "x", "-c", "Mexcio"],
            "no community",
        ),
        (
            ["survey", "evaluate", "none.jsonl", "--survey", "society_survey", "--out", "out"],
            "none.jsonl",
        ),
        (["pluralise", "--survey", "society_survey"], "model"),
        (["pluralise", "--show", "tune", "--out", "nowhere"], "did not run yet"),
    ],
)
def test_an_impossible_request_ends_with_one_readable_message(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    code, _, err = call(*words)
    assert code == 2
    assert said in err
    assert "Traceback" not in err


@pytest.mark.parametrize("prefix", ["", "survey."])
def test_settings_of_the_survey_have_the_names_of_survey_run_in_evaluate_too(
    prefix: str, tmp_path: Path
) -> None:
    row = {"model": "m", "strategy": "s", "community": "~hill", "question_id": "q0000"}
    answers, out = tmp_path / "a.jsonl", tmp_path / "out"
    answers.write_text(json.dumps(row | {"answer": "1"}) + "\n", "utf-8")
    code, _, err = call(
        *("survey", "evaluate", answers, "--survey", "society_survey", "--out", out),
        *("--draws", "5", "--set", f"{prefix}questions=8"),
    )
    assert code == 0, err
    record = json.loads((out / "record.json").read_text("utf-8"))
    assert record["data"]["survey"]["settings"]["questions"] == 8


def test_strategies_are_listed_with_where_their_templates_lie(on_screen: OnScreen) -> None:
    out = on_screen("survey", "strategies")
    assert "real answers" in out
    assert "templates" in out
    header, *rows = call("survey", "strategies")[1].splitlines()
    assert header.split("\t") == ["strategy", "real_answers", "unsigned", "how_it_asks"]
    assert {len(row.split("\t")) for row in rows} == {4}
    listed = json.loads(call("survey", "strategies", "--json")[1])
    aware = next(strategy for strategy in listed if strategy["name"] == "culture_aware")
    assert aware["translations"]["fa"] == {"machine_written": True, "signed_by": ""}


@pytest.mark.slow
@pytest.mark.parametrize("method", ["generate", "likelihood"])
def test_a_local_model_is_asked_either_way_and_its_missing_template_is_reported(
    method: str, tmp_path: Path
) -> None:
    model = build_chat_model(tmp_path / "plain", template=None)
    code, _, err = call(
        *(
            "survey",
            "run",
            "--survey",
            "society_survey",
            "--model",
            model,
            "-c",
            "~hill",
            "--out",
            tmp_path / "run",
        ),
        *(
            "--set",
            f"method={method}",
            "--set",
            "survey.questions=4",
            "--set",
            "sampling.max_new_tokens=3",
        ),
    )
    assert "no chat template" in err
    if method == "likelihood":
        assert code == 0, err
        assert all(len(row["probs"]) >= 2 for row in read_rows(tmp_path / "run/recorded.jsonl"))
        assert any(r["metric"] == "similarity" for r in read_rows(tmp_path / "run/results.jsonl"))
    else:
        assert len(read_rows(tmp_path / "run/recorded.jsonl")) == 8


ROW = {
    "metric": "cultural_alignment_score",
    "low": 60.0,
    "high": 70.0,
    "n": 9,
    "value": 65.0,
    "n_raters": None,
}


@pytest.fixture
def shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """``shown(rows, notes, wide=True)``: the screen of 80 columns that shows these results."""
    for name, value in {"TTY_COMPATIBLE": "1", "TERM": "xterm", "COLUMNS": "80"}.items():
        monkeypatch.setenv(name, value)

    def show(
        rows: list[dict[str, object]], notes: dict[str, int] | None = None, wide: bool = False
    ) -> str:
        answers = {"kept": 9, "dropped": {}, "flagged": {}, "notes": notes or {}}
        record = {"data": {"answers": answers, "survey": {"name": "wvs"}}}
        show_survey(SurveyOutcome(record, rows, []), Path("run"), Output(wide=wide))
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", capsys.readouterr().out)

    return show


def rows_of(model: str, strategy: str, communities: str) -> list[dict[str, object]]:
    return [
        ROW | {"model": model, "strategy": strategy, "community": c}
        for c in (*communities.split(), None)
    ]


def test_seven_models_of_long_names_have_one_line_each_and_are_complete_when_wide(
    shown: Callable[..., str],
) -> None:
    models = [f"organisation/Some-Large-Model-{i}-Instruct" for i in range(7)]
    strategy = "cross_culture_thinking_self_alignment"
    rows = [row for model in models for row in rows_of(model, strategy, "MEX NGA")]
    out = shown(rows)
    assert max(map(len, out.splitlines())) <= 80
    assert out.count("MEX ") == 1
    assert out.count("65.0 [60.0, 70.0]") == 7 + 2 * 3  # three of seven columns fit
    assert "--wide adds: organisation/Some-Large-Model-3-Instruct" in out
    wide = shown(rows, wide=True)
    assert "…" not in wide
    assert wide.count("65.0 [60.0, 70.0]") == 7 + 2 * 7


def test_no_column_of_communities_is_half_empty_and_averages_name_their_communities(
    shown: Callable[..., str],
) -> None:
    out = shown([*rows_of("one", "aware", "MEX NGA CHN"), *rows_of("two", "aware", "MEX NGA")])
    assert ("3 x 9" in out, "2 x 9" in out) == (True, True)
    assert "over the communities of its own row" in out
    tables = out.split("CAS by community, worst first")[1:]
    assert [table.count("65.0") for table in tables] == [3, 2]


def test_a_community_with_few_questions_heads_no_list_of_the_worst(
    shown: Callable[..., str],
) -> None:
    few = ROW | {"model": "m", "strategy": "aware", "community": "CHN", "value": 1.0, "n": 4}
    out = shown([*rows_of("m", "aware", "MEX NGA"), few])
    table = out.split("CAS by community, worst first")[1]
    assert table.index("NGA") < table.index("CHN")
    assert "not ranked, because fewer than 5 questions were answered: CHN" in table


def test_notes_that_differ_in_the_community_alone_are_one_line(
    shown: Callable[..., str],
) -> None:
    out = shown(
        rows_of("m", "aware", "MEX"),
        {"no gold in MEX": 2, "no gold in CHN": 1, "seen in passing": 1},
    )
    assert "note: no gold in MEX (2), CHN (1)\n" in out
    assert "note: seen in passing\n" in out
