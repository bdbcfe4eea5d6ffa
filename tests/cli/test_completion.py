"""The shell completes settings, values, sources, methods, strategies and communities."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("torch", "transformers", "pandas", "altair", "datasets", "sentence_transformers")
REPORT = f"""
import atexit, sys
atexit.register(lambda: print(*[n for n in {HEAVY!r} if n in sys.modules], file=sys.stderr))
from pluralign.cli.main import main
sys.argv = ["pluralign"]
main()
"""


def completed(line: str, shell: str = "fish") -> list[str]:
    """The completions that Typer's own entry gives for a line, without their help."""
    environment = os.environ | {"_PLURALIGN_COMPLETE": f"complete_{shell}"}
    if shell == "bash":
        words = line.split(" ")
        environment |= {"COMP_WORDS": "\n".join(words), "COMP_CWORD": str(len(words) - 1)}
    else:
        environment |= {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    done = subprocess.run(
        [sys.executable, "-c", REPORT], capture_output=True, text=True, env=environment, check=False
    )
    assert done.stderr.split() == [], "it imported what it does not need"
    return [line.split("\t")[0] for line in done.stdout.splitlines()]


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / "survey.toml"
    path.write_text('communities = ["Mexico", "~hill"]\n[survey]\nsource = "wvs"\npath = "w.csv"\n')
    return path


def test_keys_of_set_are_completed() -> None:
    assert {"scpo.tau=", "scpo.beta="} <= set(completed("pluralign run a.toml --set scpo."))


def test_values_are_completed_where_they_are_an_enumeration() -> None:
    wanted = ["trunk.kind=embedding", "trunk.kind=transformer"]
    assert completed("pluralign run a.toml --set trunk.kind=") == wanted
    assert completed("pluralign run a.toml --set trunk.kin") == wanted
    assert completed("pluralign run a.toml --set trunk.kind=t") == wanted[1:]


def test_values_are_completed_in_bash_which_splits_words_at_the_sign() -> None:
    assert completed("pluralign run a.toml --set trunk.kind = tr", "bash") == ["transformer"]
    assert completed("pluralign run a.toml --set trunk.kin", "bash")[0] == "trunk.kind=embedding"


def test_settings_of_the_source_that_a_file_names_are_completed(settings: Path) -> None:
    found = completed(f"pluralign survey run {settings} --set survey.")
    assert {"survey.path=", "survey.questions=", "survey.weighted="} <= set(found)


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("pluralign data show gl", "global_opinions"),
        ("pluralign audit runs/a --method ad", "adaptive"),
        ("pluralign audit --set simplification.alike.", "simplification.alike.concern="),
        ("pluralign survey run -s culture_u", "culture_unaware"),
        ("pluralign survey run --survey gl", "global_opinions"),
        ("pluralign pluralise --set tune.sch", "tune.schedule=cosine"),
        ("pluralign data show wvs --set wei", "weight="),
        ("pluralign init a.csv --set pairs.com", "pairs.community="),
        ("pluralign score nowhere a.jsonl -c ME", "MEX"),
    ],
)
def test_names_are_completed(line: str, wanted: str) -> None:
    assert wanted in completed(line)


def test_communities_are_those_of_the_model_or_of_the_settings(
    trained: Path, settings: Path
) -> None:
    model = trained / "models" / "seed-3" / "full"
    assert completed(f"pluralign score {model} a.jsonl -c ~h") == ["~hill"]
    assert "MEX" not in completed(f"pluralign score {model} a.jsonl -c ''")
    assert completed(f"pluralign survey run {settings} -c M") == ["MEX"]


def test_damaged_files_on_the_line_never_break_completion(tmp_path: Path) -> None:
    (tmp_path / "card.json").write_text("{")
    (tmp_path / "a.toml").write_text("= no TOML")
    assert "MEX" in completed(f"pluralign score {tmp_path} a.jsonl -c ME")
    assert "scpo.tau=" in completed(f"pluralign run {tmp_path / 'a.toml'} --set scpo.t")
