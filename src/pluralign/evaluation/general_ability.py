"""General ability of a language model, by lm-eval's command on tasks of the user's choice."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pluralign.core import (
    DamagedFile,
    InvalidInput,
    MissingExtra,
    file_digest,
    files_in,
    is_sound,
    read_json_object,
    sealed,
    text_digest,
    whole_file,
)
from pluralign.huggingface.model_folders import files_digest

_Z = 1.96
_LAST_LINES = 6
_DONE = "done.json"
_AGAIN = "delete it and measure again"


@dataclass(frozen=True, slots=True)
class AbilityTasks:
    """Tasks for lm-eval.

    Attributes:
        tasks: Names of its tasks, such as ``mmlu``.
        include_path: Folder of the user's own tasks.
        limit: Most items of each task; None for all.
        chat_template: Whether items are written with the model's chat template.
        device: ``cpu``, ``cuda``, ...; None for lm-eval's default.
        revision: Branch, tag or commit of a model on the hub.

    Raises:
        InvalidInput: If no task is named.
    """

    tasks: tuple[str, ...]
    include_path: Path | None = None
    limit: int | None = None
    chat_template: bool = False
    device: str | None = None
    revision: str | None = None

    def __post_init__(self) -> None:
        if not self.tasks:
            raise InvalidInput(
                "tasks must name at least one task",
                hint="name tasks of lm-eval; `lm-eval ls tasks` lists them",
            )


def run_lm_eval(
    model: str, adapter: Path | None, wanted: AbilityTasks, out: Path
) -> list[dict[str, Any]]:
    """Run lm-eval on a model and read its results; earlier results of the same settings are kept.

    Args:
        model: Folder or hub name of a causal model.
        adapter: Folder of a PEFT adapter on it.
        wanted: The tasks.
        out: Folder for the files of lm-eval.

    Returns:
        A row for each metric of each task: ``task, metric, value, low, high, n``; the interval is
        the value and 1.96 of lm-eval's standard errors to either side, None where it gives none.

    Raises:
        MissingExtra: If lm-eval is not installed.
        InvalidInput: If lm-eval ends with an error; the message has the last lines of its log.
    """
    if find_spec("lm_eval") is None:
        raise MissingExtra.named("evals", "lm_eval")
    identity = _identity(model, adapter, wanted)
    done = out / _DONE
    kept = _kept(done)
    if kept is None or kept["identity"] != identity:
        out.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(out / "lm-eval", ignore_errors=True)
        found = _run(_command(model, adapter, wanted, out), out)
        with whole_file(done) as partial:
            partial.write_text(
                json.dumps(sealed({"identity": identity, "results": found}), indent=2),
                encoding="utf-8",
                newline="\n",
            )
        return list(_rows(found))
    return list(_rows(kept["results"]))


def _kept(done: Path) -> dict[str, Any] | None:
    """Earlier results; None where there are none, or they are damaged."""
    try:
        found = read_json_object(done)
    except (FileNotFoundError, DamagedFile):
        return None
    return found if is_sound(found) else None


def _command(model: str, adapter: Path | None, wanted: AbilityTasks, out: Path) -> list[str]:
    arguments = {"pretrained": model} | ({"peft": str(adapter)} if adapter is not None else {})
    arguments |= {"revision": wanted.revision} if wanted.revision is not None else {}
    command = [sys.executable, "-m", "lm_eval", "run", "--model", "hf"]
    command += ["--model_args", json.dumps(arguments), "--tasks", ",".join(wanted.tasks)]
    command += ["--output_path", str(out / "lm-eval"), "--batch_size", "8"]
    if wanted.include_path is not None:
        command += ["--include_path", str(wanted.include_path)]
    if wanted.limit is not None:
        command += ["--limit", str(wanted.limit)]
    if wanted.device is not None:
        command += ["--device", wanted.device]
    return command + (["--apply_chat_template"] if wanted.chat_template else [])


def _run(command: Sequence[str], out: Path) -> dict[str, Any]:
    """Run the command and read its results; its output is in ``lm-eval.log``."""
    log = out / "lm-eval.log"
    with log.open("w", encoding="utf-8", newline="\n") as file:
        ended = subprocess.run(
            command, stdout=file, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False
        )
    written = sorted((out / "lm-eval").rglob("results_*.json"))
    if ended.returncode or not written:
        message = _last_words(log.read_text(encoding="utf-8", errors="replace"))
        raise InvalidInput(
            f"lm-eval ended with code {ended.returncode}: {message}",
            where=str(log),
            hint="check the model, the names of the tasks, and the access to their data",
        )
    found = read_json_object(written[-1], _AGAIN)
    return {"results": found["results"], "n-samples": found.get("n-samples", {})}


def _last_words(log: str) -> str:
    r"""The error after a traceback, else the last lines.

    >>> _last_words("loading\nTraceback (most recent call last):\n  File ...\nOSError: no model")
    'OSError: no model'
    """
    _, traced, after = log.rpartition("Traceback (most recent call last):")
    lines = [line for line in after.splitlines() if line.strip()]
    if traced:  # the lines of the traceback itself are indented
        lines = [line for line in lines if not line.startswith(" ")]
    return " | ".join(lines[-_LAST_LINES:])[-1500:]


def _rows(found: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for task, metrics in found["results"].items():
        n = found["n-samples"].get(task, {}).get("effective")
        for key, value in metrics.items():
            metric, _, kind = key.partition(",")
            if not kind or metric.endswith("_stderr") or not isinstance(value, int | float):
                continue
            error = metrics.get(f"{metric}_stderr,{kind}")
            known = isinstance(error, int | float)
            yield {
                "task": task,
                "metric": metric if kind == "none" else f"{metric} ({kind})",
                "value": float(value),
                "low": float(value) - _Z * error if known else None,
                "high": float(value) + _Z * error if known else None,
                "n": n,
            }


def _identity(model: str, adapter: Path | None, wanted: AbilityTasks) -> str:
    """A digest of the model, its adapter, the tasks with their files, and lm-eval's version."""
    prints = [files_digest(Path(model)) if Path(model).is_dir() else model, version("lm_eval")]
    prints += [files_digest(adapter)] if adapter is not None else []
    prints += _contents(wanted.include_path) if wanted.include_path is not None else []
    return text_digest(json.dumps([prints, asdict(wanted)], default=str, sort_keys=True))


def _contents(folder: Path) -> list[str]:
    files = [path for path in files_in(folder) if "__pycache__" not in path.parts]
    return [f"{path.relative_to(folder).as_posix()} {file_digest(path)}" for path in files]
