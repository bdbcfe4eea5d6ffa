"""The shell completes settings, values, sources, methods, strategies and communities."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("torch", "transformers", "pandas", "altair", "datasets", "sentence_transformers")
END = "end of a line"
REPORT = f"""
import atexit, contextlib, json, os, sys
atexit.register(lambda: print(*[n for n in {HEAVY!r} if n in sys.modules], file=sys.stderr))
from pluralign.cli.main import main
given = json.loads(sys.argv[1])
sys.argv = ["pluralign"]
for variables in given:
    os.environ.update(variables)
    with contextlib.suppress(SystemExit):
        main()
    print({END!r}, flush=True)
"""


def completed(*lines: str, shell: str = "fish") -> list[list[str]]:
    """The completions that Typer's own entry gives for each line, without their help.

    One process completes all lines: to import the command line takes longer than to complete.
    """
    given = [_variables(line, shell) for line in lines]
    done = subprocess.run(
        [sys.executable, "-c", REPORT, json.dumps(given)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr.split() == [], "it imported what it does not need"
    *found, rest = done.stdout.split(f"{END}\n")
    assert (len(found), rest) == (len(lines), "")
    return [[row.split("\t")[0] for row in printed.splitlines()] for printed in found]


def _variables(line: str, shell: str) -> dict[str, str]:
    """What a shell tells of a line."""
    found = {"_PLURALIGN_COMPLETE": f"complete_{shell}"}
    if shell == "bash":
        words = line.split(" ")
        return found | {"COMP_WORDS": "\n".join(words), "COMP_CWORD": str(len(words) - 1)}
    return found | {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"}


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / "survey.toml"
    path.write_text('communities = ["Mexico", "~hill"]\n[survey]\nsource = "wvs"\npath = "w.csv"\n')
    return path


def test_keys_of_set_and_values_of_an_enumeration_are_completed() -> None:
    keys, *values = completed(
        "pluralign run a.toml --set scpo.",
        "pluralign run a.toml --set trunk.kind=",
        "pluralign run a.toml --set trunk.kin",
        "pluralign run a.toml --set trunk.kind=t",
    )
    assert {"scpo.tau=", "scpo.beta="} <= set(keys)
    wanted = ["trunk.kind=embedding", "trunk.kind=transformer"]
    assert values == [wanted, wanted, wanted[1:]]


def test_values_are_completed_in_bash_which_splits_words_at_the_sign() -> None:
    value, key = completed(
        "pluralign run a.toml --set trunk.kind = tr",
        "pluralign run a.toml --set trunk.kin",
        shell="bash",
    )
    assert value == ["transformer"]
    assert key[0] == "trunk.kind=embedding"


def test_settings_of_the_source_that_a_file_names_are_completed(settings: Path) -> None:
    (found,) = completed(f"pluralign survey run {settings} --set survey.")
    assert {"survey.path=", "survey.questions=", "survey.weighted="} <= set(found)


NAMES = {
    "pluralign data show gl": "global_opinions",
    "pluralign audit runs/a --method ad": "adaptive",
    "pluralign audit --set simplification.alike.": "simplification.alike.concern=",
    "pluralign survey run -s culture_u": "culture_unaware",
    "pluralign survey run --survey gl": "global_opinions",
    "pluralign pluralise --set tune.sch": "tune.schedule=cosine",
    "pluralign data show wvs --set wei": "weight=",
    "pluralign init a.csv --set pairs.com": "pairs.community=",
    "pluralign score nowhere a.jsonl -c ME": "MEX",
}


@pytest.fixture(scope="module")
def names() -> dict[str, list[str]]:
    """Completions of each line."""
    return dict(zip(NAMES, completed(*NAMES), strict=True))


@pytest.mark.parametrize("line", NAMES)
def test_names_are_completed(names: dict[str, list[str]], line: str) -> None:
    assert NAMES[line] in names[line]


def test_communities_are_those_of_the_model_or_of_the_settings(
    trained: Path, settings: Path
) -> None:
    model = trained / "models" / "seed-3" / "full"
    hill, all_of_model, of_settings = completed(
        f"pluralign score {model} a.jsonl -c ~h",
        f"pluralign score {model} a.jsonl -c ''",
        f"pluralign survey run {settings} -c M",
    )
    assert hill == ["~hill"]
    assert "MEX" not in all_of_model
    assert of_settings == ["MEX"]


def test_damaged_files_on_the_line_never_break_completion(tmp_path: Path) -> None:
    (tmp_path / "card.json").write_text("{")
    (tmp_path / "a.toml").write_text("= no TOML")
    communities, keys = completed(
        f"pluralign score {tmp_path} a.jsonl -c ME",
        f"pluralign run {tmp_path / 'a.toml'} --set scpo.t",
    )
    assert "MEX" in communities
    assert "scpo.tau=" in keys
