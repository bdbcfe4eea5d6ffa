"""The base package is imported without the modules of Python that Windows lacks."""

import subprocess
import sys

import pytest

SCRIPT = """
import sys
from importlib import import_module
from importlib.machinery import PathFinder
from pkgutil import walk_packages

POSIX = ["fcntl", "grp", "pty", "pwd", "resource", "termios", "tty"]
EXTRAS = [
    "torch", "transformers", "trl", "peft", "datasets", "sentence_transformers", "altair",
    "pandas", "fastapi", "sqlalchemy", "ray",
    "inspect_ai", "lm_eval", "onnxruntime", "openai", "accelerate", "model2vec", "starlette",
]
sys.modules.update(dict.fromkeys(POSIX))  # None: importing it fails
find = PathFinder.find_spec
absent = lambda name, *more: None if name.partition(".")[0] in EXTRAS else find(name, *more)
PathFinder.find_spec = absent

import pluralign

imported = 0
for module in walk_packages(pluralign.__path__, "pluralign.", onerror=print):
    if module.name.startswith("pluralign.collecting.store.migrations"):
        continue  # Alembic runs them
    try:
        import_module(module.name)
        imported += 1
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] not in EXTRAS:
            raise
print(imported)
"""


@pytest.mark.slow
def test_no_module_of_the_base_package_needs_a_module_of_posix() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) > 500
