import subprocess
import sys

import pytest

HEAVY = (
    "torch",
    "transformers",
    "sentence_transformers",
    "datasets",
    "pyarrow",
    "pandas",
    "fastapi",
    "altair",
    "typer",
)


@pytest.mark.parametrize(
    "module", ["pluralign", "pluralign.core", "pluralign.rewards", "pluralign.methods"]
)
def test_importing_is_free(module: str) -> None:
    script = f"""
import os, sys, logging
before = dict(os.environ), list(logging.getLogger().handlers)
import {module}
print(*[name for name in {HEAVY} if name in sys.modules])
assert (dict(os.environ), logging.getLogger().handlers) == before, "an import must set up nothing"
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []


def test_the_version_is_had_without_numpy() -> None:
    script = (
        "import sys, pluralign; assert pluralign.__version__; assert 'numpy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
