import subprocess
import sys


def test_importing_interop_imports_nothing_heavy() -> None:
    heavy = ("torch", "transformers", "trl", "huggingface_hub", "datasets", "yaml")
    script = (
        f"import sys, pluralign.interop; print(*[name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []
