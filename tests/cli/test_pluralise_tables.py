"""What tuning changed fits a terminal, and a pipe gets all of it."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pluralign.cli.output import Output
from pluralign.cli.pluralise_tables import show_pluralise, show_stage
from pluralign.pluralising import PluraliseOutcome

METRICS = ("cultural_alignment_score", "exact_accuracy", "similarity", "refusal_rate")
ROW = {"low": 0.4, "high": 0.6, "value": 0.5, "n": 50, "n_raters": None, "method": "survey"}
COLLECT: dict[str, Any] = {
    "kept": 7,
    "seconds": 2.0,
    "map": {"nearest": {"MEX": "USA"}},
    "shifted": {"MEX": ROW | {"n": 40}, "NGA": ROW | {"value": 0.1, "n": 41}},
    "collected": {"MEX": 3, "NGA": 4},
}


def outcome() -> PluraliseOutcome:
    results, comparisons = [], []
    for model in ("start", "joint", "people: start"):
        for community in (None, "MEX", "NGA"):
            for metric in METRICS:
                row = ROW | {"model": model, "strategy": "culture_aware", "metric": metric}
                results.append(row | {"community": community})
                if model == "joint":
                    base = {"baseline_model": "start", "baseline_strategy": "culture_aware"}
                    comparisons.append(row | base | {"community": community})
    stages: dict[str, Any] = {"collect": COLLECT, "evaluate": {}}
    return PluraliseOutcome(stages=stages, results=results, comparisons=comparisons)


@pytest.fixture
def shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    for name, value in {"TTY_COMPATIBLE": "1", "TERM": "xterm", "COLUMNS": "80"}.items():
        monkeypatch.setenv(name, value)

    def show(wide: bool = False) -> str:
        show_pluralise(outcome(), Path("run"), Output(wide=wide))
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", capsys.readouterr().out)

    return show


def test_the_start_the_tuned_model_the_people_and_the_difference_have_a_line_each(
    shown: Callable[..., str],
) -> None:
    out = shown()
    assert max(map(len, out.splitlines())) <= 80
    table = out.split("on average over communities")[1].splitlines()[2:6]
    assert [line.split("  ")[0] for line in table] == [
        *("start", "joint", "people", "joint against start")
    ]
    assert "+0.50 [+0.40, +0.60]" in table[3]
    assert "--wide adds: " in out and "--wide adds: " not in shown(wide=True)


def test_shifted_answers_are_a_table_with_the_rarest_first(shown: Callable[..., str]) -> None:
    out = shown()
    assert out.index("NGA") < out.index("MEX        50.0")


def test_in_a_pipe_every_metric_has_three_columns(capsys: pytest.CaptureFixture[str]) -> None:
    show_pluralise(outcome(), Path("run"), Output())
    found = capsys.readouterr()
    tables = [table.splitlines() for table in found.out.split("\n\n")]
    assert [len(table) - 1 for table in tables] == [2, 4, 2]
    assert tables[1][0].split("\t") == [
        "model",
        *(
            f"{head}{end}"
            for head in ("cas", "exact_percent", "similarity_percent", "refused_percent")
            for end in ("", "_low", "_high")
        ),
    ]
    assert "Written to run" in found.err


def test_a_stage_in_json_is_its_summary(capsys: pytest.CaptureFixture[str]) -> None:
    show_stage("collect", COLLECT, Output(as_json=True))
    assert '"stage": "collect"' in capsys.readouterr().out
