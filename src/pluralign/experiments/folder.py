"""The folder of a run: what is in it appears whole or not at all, and an interrupted run goes on from it.

Where a launcher started several processes, the first of them writes, and all come to a write and leave it together: so
all read the same files and decide alike.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pluralign.core import DamagedFile, FloatArray, InvalidInput, InvalidSettings, whole_file
from pluralign.evaluation import Judged
from pluralign.experiments.locking import LOCK, alone_in
from pluralign.huggingface.processes import is_main, writing

STATE, RECORD = "state.json", "record.json"


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The folder of one run.

    Attributes:
        path: The folder.
    """

    path: Path

    @contextmanager
    def claimed(self, fingerprint: str, fresh: bool) -> Iterator[bool]:
        """Make the folder this run's own, and keep other processes out of it until the run ends.

        Args:
            fingerprint: Of the settings and the data.
            fresh: Begin anew, whatever is there.

        Yields:
            Whether earlier work of the same run is there to go on from.

        Raises:
            InvalidSettings: If the folder holds another run, or something that is no run, or another process works
                in it.
        """
        self._is_resumable(fingerprint, fresh)  # before anything is written
        with alone_in(self.path) if is_main() else nullcontext():
            yield self._claim(fingerprint, fresh)

    def _claim(self, fingerprint: str, fresh: bool) -> bool:
        if self._is_resumable(fingerprint, fresh):
            return True
        with writing() as main:
            if fresh and main:
                self._clear()
        self.write_json(STATE, {"fingerprint": fingerprint})
        return False

    def _is_resumable(self, fingerprint: str, fresh: bool) -> bool:
        """Whether earlier work of the same run is there; a folder of anything else is refused."""
        state = self.path / STATE
        if self.path.exists() and not self.path.is_dir():
            raise InvalidSettings("this is a file, not a folder", where=f"--out {self.path}", hint="name a folder")
        if state.is_file() and not fresh:
            if self._claimed() == fingerprint:
                return True
            if not self._begun_only():
                raise InvalidSettings(
                    "the folder holds a run with other settings or data",
                    where=f"--out {self.path}",
                    hint="name another folder, or add --fresh to replace it",
                )
        if self._contents() and not state.is_file():
            raise InvalidSettings(
                "the folder is not empty and holds no run", where=f"--out {self.path}", hint="name another folder"
            )
        return False

    def write_json(self, name: str, value: Mapping[str, Any]) -> None:
        """Write one JSON object."""
        self._write(name, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")

    def write_rows(self, name: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Write JSON objects, one a line."""
        self._write(name, "".join(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows))

    def remove(self, name: str) -> None:
        """Remove a file that no longer belongs to the run, if it is there."""
        with writing() as main:
            if main:
                (self.path / name).unlink(missing_ok=True)

    def read_json(self, name: str) -> dict[str, Any] | None:
        """Read a JSON object; None where there is none."""
        path = self.path / name
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None

    def model(self, seed: int, method: str) -> Path:
        """Where a method's model of one repeat lies."""
        return self.path / "models" / f"seed-{seed}" / method

    def has_predictions(self, seed: int, method: str) -> bool:
        """Whether a method's margins of one repeat are there."""
        return (self.path / _predictions(seed, method)).is_file()

    def write_predictions(self, seed: int, method: str, judged: Judged, margins: Mapping[str, FloatArray]) -> None:
        """Write the margins of one method on the test pairs: a column for each steer, ``margin`` where it has none."""
        import pyarrow as pa

        columns: dict[str, Any] = {
            "pair": judged.pair_N,
            "community": judged.community_N,
            "rater" if judged.raters else "stem": judged.cluster_N,
            "reference": judged.reference_N,
        }
        columns |= {f"margin:{steer}" if steer else "margin": margin_N for steer, margin_N in margins.items()}
        self.write_table(_predictions(seed, method), pa.table({k: pa.array(v) for k, v in columns.items()}))

    def write_table(self, name: str, table: Any) -> None:
        """Write a pyarrow table as Parquet."""
        import pyarrow.parquet as pq

        with self._place(self.path / name) as partial:
            if partial is not None:
                pq.write_table(table, partial)

    def read_predictions(self, seed: int, method: str) -> tuple[Judged, dict[str, FloatArray]]:
        """Read what `write_predictions` wrote.

        Raises:
            DamagedFile: If the file is truncated or not ours.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self.path / _predictions(seed, method)
        try:
            table = pq.read_table(path)
            columns = {name: table[name].to_numpy() for name in table.column_names}
            raters = "rater" in columns
            pair, community, cluster = (
                columns[k].astype(np.str_) for k in ("pair", "community", "rater" if raters else "stem")
            )
            judged = Judged(pair, community, cluster, columns["reference"], raters)
        except (pa.ArrowException, OSError, KeyError) as error:
            raise DamagedFile("truncated or not ours", where=str(path), hint="delete it and run again") from error
        margins = {k.partition(":")[2]: v for k, v in columns.items() if k.partition(":")[0] == "margin"}
        return judged, margins

    def _begun_only(self) -> bool:
        """Whether a run claimed the folder and left nothing in it."""
        return self._claimed() is not None and self._contents() == [STATE]

    def _contents(self) -> list[str]:
        """Names of what the folder holds, but for the lock."""
        there = self.path.iterdir() if self.path.is_dir() else ()
        return [path.name for path in there if path.name != LOCK]

    def _claimed(self) -> str | None:
        """Fingerprint of the run whose folder this is; None where its state cannot be read."""
        try:
            return str(json.loads((self.path / STATE).read_text(encoding="utf-8"))["fingerprint"])
        except (ValueError, KeyError, TypeError):
            return None

    def _write(self, name: str, text: str) -> None:
        with self._place(self.path / name) as partial:
            if partial is not None:
                partial.write_text(text, encoding="utf-8", errors="backslashreplace")

    @contextmanager
    def _place(self, path: Path) -> Iterator[Path | None]:
        """Where to write a file of the folder; None in a process that does not write."""
        with writing() as main:
            if not main:
                yield None
                return
            path.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(path) as partial:
                yield partial

    def _clear(self) -> None:
        import shutil

        for name in ("models", "predictions", "studies"):
            shutil.rmtree(self.path / name, ignore_errors=True)
        for path in (p for suffix in ("jsonl", "json", "parquet") for p in self.path.glob(f"*.{suffix}")):
            path.unlink()


def _predictions(seed: int, method: str) -> str:
    return f"predictions/seed-{seed}/{method}.parquet"


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Read JSON objects, one a line.

    Raises:
        InvalidInput: If the file is not there or a line is broken.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidInput("no such file", where=str(path)) from error
    rows = []
    # Only a line feed ends a line: texts may hold what Python too takes for the end of one.
    for number, line in enumerate(text.removesuffix("\n").split("\n") if text else [], 1):
        try:
            rows.append(json.loads(line))
        except ValueError as error:
            raise InvalidInput("not a JSON object", where=f"{path}:{number}") from error
    return rows
