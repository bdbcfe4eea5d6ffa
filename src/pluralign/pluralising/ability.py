"""General ability of a language model, by lm-eval's own command on tasks of the user's choice."""

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
    is_sound,
    read_json_object,
    sealed,
    text_digest,
    whole_file,
)
from pluralign.huggingface.folders import files_digest

_Z = 1.96
_LAST_LINES = 6
_DONE = "done.json"
_AGAIN = "delete it and measure again"


@dataclass(frozen=True, slots=True)
class AbilityTasks:
    """What lm-eval is to measure.

    Attributes:
        tasks: Names of its tasks, such as ``mmlu``.
        include_path: Folder of tasks of the user's own.
        limit: Only so many items of each task.
        chat_template: Whether items are put through the model's chat template.
        device: ``cpu``, ``cuda``, ...; None leaves it to lm-eval.
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
                "no task is named", hint="name tasks of lm-eval; `lm-eval ls tasks` lists them"
            )


def run_lm_eval(
    model: str, adapter: Path | None, wanted: AbilityTasks, out: Path
) -> list[dict[str, Any]]:
    """Run lm-eval on a model and read what it found; results of the same settings that are there are kept.

    Args:
        model: Folder or hub name of a causal model.
        adapter: Folder of a PEFT adapter on it.
        wanted: Which tasks, and how.
        out: Folder for what lm-eval writes.

    Returns:
        A row for each metric of each task: ``task, metric, value, low, high, n``; the interval is
        the value and 1.96 of lm-eval's standard errors to either side, None where it gives none.

    Raises:
        MissingExtra: If lm-eval is not installed.
        InvalidInput: If lm-eval ends with an error; its last words are told.
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
            )
        return list(_rows(found))
    return list(_rows(kept["results"]))


def _kept(done: Path) -> dict[str, Any] | None:
    """What was found earlier; None where nothing is, or it is not as it was written."""
    try:
        found = read_json_object(done)
    except (FileNotFoundError, DamagedFile):
        return None
    return found if is_sound(found) else None


def _command(model: str, adapter: Path | None, wanted: AbilityTasks, out: Path) -> list[str]:
    arguments = {"pretrained": model} | ({"peft": str(adapter)} if adapter is not None else {})
    arguments |= {"revision": wanted.revision} if wanted.revision is not None else {}
    command = [
        sys.executable,
        "-m",
        "lm_eval",
        "run",
        "--model",
        "hf",
        "--model_args",
        json.dumps(arguments),
    ]
    command += [
        "--tasks",
        ",".join(wanted.tasks),
        "--output_path",
        str(out / "lm-eval"),
        "--batch_size",
        "8",
    ]
    if wanted.include_path is not None:
        command += ["--include_path", str(wanted.include_path)]
    if wanted.limit is not None:
        command += ["--limit", str(wanted.limit)]
    if wanted.device is not None:
        command += ["--device", wanted.device]
    return command + (["--apply_chat_template"] if wanted.chat_template else [])


def _run(command: Sequence[str], out: Path) -> dict[str, Any]:
    """What lm-eval wrote; its words lie in ``lm-eval.log``."""
    log = out / "lm-eval.log"
    with log.open("w", encoding="utf-8") as file:
        ended = subprocess.run(
            command, stdout=file, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False
        )
    written = sorted((out / "lm-eval").rglob("results_*.json"))
    if ended.returncode or not written:
        said = _last_words(log.read_text(encoding="utf-8", errors="replace"))
        raise InvalidInput(
            f"lm-eval ended with code {ended.returncode}: {said}",
            where=str(log),
            hint="check the model, the names of the tasks, and that their data can be reached",
        )
    found = read_json_object(written[-1], _AGAIN)
    return {"results": found["results"], "n-samples": found.get("n-samples", {})}


def _last_words(log: str) -> str:
    r"""The error behind a traceback, else the last lines.

    >>> _last_words("loading\nTraceback (most recent call last):\n  File ...\nOSError: no such model")
    'OSError: no such model'
    """
    _, traced, after = log.rpartition("Traceback (most recent call last):")
    lines = [
        line
        for line in after.splitlines()
        if line.strip() and not (traced and line.startswith(" "))
    ]
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
    """Changes with the model, its adapter, the tasks, their files, how they are put, and lm-eval itself."""
    prints = [files_digest(Path(model)) if Path(model).is_dir() else model, version("lm_eval")]
    prints += [files_digest(adapter)] if adapter is not None else []
    prints += _contents(wanted.include_path) if wanted.include_path is not None else []
    return text_digest(json.dumps([prints, asdict(wanted)], default=str, sort_keys=True))


def _contents(folder: Path) -> list[str]:
    files = sorted(p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    return [f"{p.relative_to(folder)} {file_digest(p)}" for p in files]
