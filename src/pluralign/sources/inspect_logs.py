"""Answers in the logs of Inspect, ``.eval`` or ``.json``, for the task ``pluralign/knowledge``."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pluralign.core import InvalidInput, MissingExtra, NotEnoughData
from pluralign.sources.row_files import RowPolicy
from pluralign.sources.typed_cells import Row

LOG_FILES = ("*.eval", "*.json")
"""Names of files that may be logs."""
_BEGINS = re.compile(r'\s*\{\s*"version"\s*:\s*\d+\s*,\s*"status"\s*:')
"""The beginning of a log in JSON: its version and its status, as Inspect writes them first."""
_FIRST = 200  # characters of a file that show whether it is such a log
_FINISH = {"max_tokens": "length", "model_length": "length"}


def is_inspect_log(path: Path) -> bool:
    """Whether a file is a log of Inspect, by its suffix and, in JSON, by its first keys."""
    if path.suffix != ".json":
        return path.suffix == ".eval"
    if not path.is_file():
        return False
    with path.open(encoding="utf-8", errors="replace") as file:
        return _BEGINS.match(file.read(_FIRST)) is not None


def inspect_rows(path: Path, policy: RowPolicy) -> Iterator[tuple[int, Row]]:
    """Read the samples of a log as rows of recorded answers, each with its number from 1.

    An epoch is a draw. Samples that ended in an error are dropped and counted.

    Raises:
        MissingExtra: If inspect_ai is not installed.
        InvalidInput: If the file cannot be read as a log.
        NotEnoughData: If it has no samples.
    """
    try:
        from inspect_ai.log import read_eval_log
    except ImportError as error:
        raise MissingExtra.named("evals", "inspect_ai") from error
    try:
        log = read_eval_log(str(path))
    except Exception as error:  # its reader raises errors of zip, JSON and pydantic
        raise InvalidInput(
            f"not a log of Inspect: {error!s:.200}",
            where=str(path),
            hint="name a log with this suffix that inspect eval has written",
        ) from error
    if not log.samples:
        raise NotEnoughData("the log has no samples", where=str(path), hint="run inspect eval")
    for number, sample in enumerate(log.samples, start=1):
        policy.tally.read += 1
        if sample.error is not None:
            policy.tally.drop("sample of Inspect that ended in an error")
        else:
            yield number, _row(sample, log.eval.model)


def _row(sample: Any, model: str) -> Row:
    return {
        **sample.metadata,
        "model": model,
        "draw": sample.epoch - 1,
        "answer": sample.output.completion,
        "finish_reason": _FINISH.get(sample.output.stop_reason, sample.output.stop_reason),
    }
