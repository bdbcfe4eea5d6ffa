"""Commands in processes forked from one that has imported the large libraries once."""

import multiprocessing
import os
import runpy
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

LIBRARIES = [
    "peft",
    "pluralign.cli.reward_commands",
    "pluralign.experiments",
    "pluralign.rewards.transformer.trainer",
    "transformers.models.auto.modeling_auto",
    "transformers.models.bert.modeling_bert",
    "trl.trainer.reward_trainer",
]
_SECONDS = 300


def run_in_each(
    environments: Sequence[Mapping[str, str]], place: Path, program: str, *words: str
) -> tuple[str, str]:
    """Run ``python -m program words`` in a process for each environment, all at once.

    A process that has run torch must not be forked, as pytest's own may have; so these are forked
    from a server that has only imported it.

    Args:
        environments: The variables of each process.
        place: The folder they start in.
        program: A module, or the path of a script.
        words: What follows it.

    Returns:
        What all have written to the standard output, and to the standard error.
    """
    forks = "forkserver" in multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if forks else "spawn")
    context.set_forkserver_preload(LIBRARIES)
    with TemporaryDirectory() as folder:
        said = [Path(folder, str(number)) for number in range(len(environments))]
        processes = [
            context.Process(
                target=_run, args=(dict(own), place, [program, *words], path), daemon=True
            )
            for own, path in zip(environments, said, strict=True)
        ]
        for process in processes:
            process.start()
        for process in processes:
            process.join(_SECONDS)
        out, err = ("".join(_read(path, end) for path in said) for end in ("out", "err"))
    assert [process.exitcode for process in processes] == [0] * len(processes), err[-6000:]
    return out, err


def _read(path: Path, end: str) -> str:
    return path.with_suffix(f".{end}").read_text(encoding="utf-8")


def _run(environment: dict[str, str], place: Path, line: list[str], said: Path) -> None:
    """Become the command; ``SystemExit`` of the command ends the process with its status."""
    import torch

    for stream, end in ((sys.stdout, "out"), (sys.stderr, "err")):
        written = os.open(said.with_suffix(f".{end}"), os.O_WRONLY | os.O_CREAT)
        os.dup2(written, stream.fileno())
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(place)
    sys.argv = line
    torch.set_num_threads(1)  # the server read OMP_NUM_THREADS before
    if line[0].endswith(".py"):
        sys.path.insert(0, str(Path(line[0]).parent))
        runpy.run_path(line[0], run_name="__main__")
    else:
        runpy.run_module(line[0], run_name="__main__", alter_sys=True)
