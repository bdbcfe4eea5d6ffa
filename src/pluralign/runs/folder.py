"""The folder of a run: its files appear whole or not at all, and are listed with their digests.

Every file that a run writes is in the folder's manifest. A run that resumes trusts files that are
listed and as they were written, and makes the others again (`claim.py`); readers refuse the others.

If a launcher started several processes, the first of them writes. All processes begin and end each
write together, so that all read the same files and decide alike.
"""

import json
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pluralign.core import (
    NO_STEER,
    DamagedFile,
    FloatArray,
    InvalidInput,
    Manifest,
    check_written,
    in_one_order,
    is_part,
    list_written,
    parse_json,
    read_json_object,
    whole_file,
)
from pluralign.evaluation import LazyMargins, TestPairs
from pluralign.huggingface.processes import writing
from pluralign.runs.finished import AGAIN

STATE, RECORD = "state.json", "record.json"
_MARGIN = "margin"


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The folder of one run.

    Attributes:
        path: The folder.
    """

    path: Path

    def begin(self, record: str) -> None:
        """Begin to replace the files of a folder that no run claims.

        The folder is unfinished until its record is written.

        Args:
            record: Name of the record, such as ``record.json``.
        """
        with writing() as main:
            if main:
                (self.path / record).unlink(missing_ok=True)
                if (manifest := Manifest.read(self.path)) is not None:
                    manifest.without([record])

    def has(self, *names: str) -> bool:
        """Whether this run wrote files, and they are as they were written."""
        manifest = Manifest.read(self.path)
        return manifest is not None and all(manifest.fault(name) is None for name in names)

    def list_files(self, *patterns: str) -> None:
        """Add files to the manifest that others wrote into the folder, such as a saved model."""
        with writing() as main:
            if main:
                found = in_one_order(
                    p for pattern in patterns for p in self.path.glob(pattern) if p.is_file()
                )
                list_written(self.path, [p for p in found if not is_part(p)])

    def remove(self, *names: str) -> None:
        """Delete files and folders in the folder, so that the run makes them again.

        Args:
            names: Names of folders and files, such as ``tune`` or ``tune/summary.json``.
        """
        with writing() as main:
            if main:
                for path in (self.path / name for name in names):
                    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
                if (manifest := Manifest.read(self.path)) is not None:
                    gone = [n for n in manifest.files if n in names or n.split("/")[0] in names]
                    manifest.without(gone)

    def write_json(self, name: str, value: Mapping[str, Any]) -> None:
        """Write one JSON object."""
        self._write(name, as_json(value))

    def write_rows(
        self, name: str, rows: Iterable[Mapping[str, Any]], private: bool = False
    ) -> None:
        """Write JSON objects, one a line.

        Args:
            name: Name of the file.
            rows: The objects.
            private: Whether only the owner may read the file, as where it names people.
        """
        text = "".join(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows)
        self._write(name, text, private)

    def read_json(self, name: str) -> dict[str, Any] | None:
        """Read a JSON object that this run wrote; None if it is missing or was altered."""
        return read_json_object(self.path / name) if self.has(name) else None

    def model(self, seed: int, method: str) -> Path:
        """The folder of a method's model of one repeat."""
        return self.path / "models" / f"seed-{seed}" / method

    def has_predictions(self, seed: int, method: str) -> bool:
        """Whether a method's margins of one repeat exist, as they were written."""
        return self.has(_predictions(seed, method))

    def write_predictions(
        self, seed: int, method: str, judged: TestPairs, blocks: Iterable[Mapping[str, FloatArray]]
    ) -> None:
        """Write the margins of one method on the test pairs.

        There is a column for each steer; ``margin`` for a method that does not steer.

        Args:
            seed: Seed of the repeat.
            method: Name of the method.
            judged: The test pairs.
            blocks: Margins by steer of consecutive pairs, in order; one block is in memory.
        """
        import pyarrow.parquet as pq

        with self._place(_predictions(seed, method), private=True) as partial:
            if partial is None:
                return
            writer, start = None, 0
            for margins in blocks:
                end = start + len(next(iter(margins.values())))
                table = _table_of(judged.take(np.arange(start, end)), margins)
                writer = writer or pq.ParquetWriter(partial, table.schema)
                writer.write_table(table)
                start = end
            if writer is not None:
                writer.close()

    def write_table(self, name: str, table: Any, private: bool = False) -> None:
        """Write a pyarrow table as Parquet; ``private`` as in `write_rows`."""
        import pyarrow.parquet as pq

        with self._place(name, private) as partial:
            if partial is not None:
                pq.write_table(table, partial)

    def read_predictions(
        self, seed: int, method: str
    ) -> tuple[TestPairs, Mapping[str, FloatArray]]:
        """Read what `write_predictions` wrote.

        Raises:
            DamagedFile: If the file is missing, damaged or not written by pluralign.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self.path / _predictions(seed, method)
        check_written(self.path, _predictions(seed, method), hint=AGAIN)
        try:
            with pq.ParquetFile(path) as file:
                names, footer = file.schema_arrow.names, file.metadata
            steers = {name.partition(":")[2]: name for name in names if _is_margin(name)}
            table = pq.read_table(path, columns=[name for name in names if not _is_margin(name)])
            judged = _test_pairs({name: table[name].to_numpy() for name in table.column_names})
            stored = LazyMargins(steers, lambda steer: _column(path, steers[steer], footer))
            return judged, stored.in_memory(len(judged))
        except (pa.ArrowException, OSError, KeyError, ValueError, TypeError) as error:
            raise DamagedFile(
                "missing, truncated or not written by pluralign", where=str(path), hint=AGAIN
            ) from error

    def _write(self, name: str, text: str, private: bool = False) -> None:
        with self._place(name, private) as partial:
            if partial is not None:
                partial.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")

    @contextmanager
    def _place(self, name: str, private: bool = False) -> Iterator[Path | None]:
        """The path to write a file of the folder to; None in a process that does not write."""
        with writing() as main:
            if not main:
                yield None
                return
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(path, private=private) as partial:
                yield partial
            list_written(self.path, [path])

    def clear(self, keep: str | None = None) -> None:
        """Delete the files that runs write, so that another run can claim the folder.

        Args:
            keep: Name of a file that stays.
        """
        for name in ("models", "predictions", "studies"):
            shutil.rmtree(self.path / name, ignore_errors=True)
        for path in (
            p for suffix in ("jsonl", "json", "parquet") for p in self.path.glob(f"*.{suffix}")
        ):
            if path.name != keep:
                path.unlink()


def as_json(value: Mapping[str, Any]) -> str:
    """A JSON object as it is written into a folder."""
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def seen_by(method: str) -> str:
    """Name under which a method's margins of training pairs are written."""
    return f"{method}.seen"


def _table_of(judged: TestPairs, margins: Mapping[str, FloatArray]) -> Any:
    import pyarrow as pa

    columns: dict[str, Any] = {"pair": judged.pair_N, "community": judged.community_N}
    if judged.raters:
        # Null for the pairs without a rater.
        columns["rater"] = pa.array(judged.cluster_N, mask=judged.nobody_N)
    stem_N = judged.cluster_N if judged.stem_N is None else judged.stem_N
    if judged.stem_N is not None or not judged.raters:
        columns["stem"] = stem_N
    columns["reference"] = judged.reference_N
    if judged.flip_N is not None:
        columns["flip"] = judged.flip_N
    if judged.strength_N is not None:
        columns["strength"] = judged.strength_N
    columns |= {
        _MARGIN if steer == NO_STEER else f"{_MARGIN}:{steer}": margin_N
        for steer, margin_N in margins.items()
    }
    return pa.table({k: pa.array(v) for k, v in columns.items()})


def _is_margin(column: str) -> bool:
    return column.partition(":")[0] == _MARGIN


def _column(path: Path, name: str, footer: Any) -> FloatArray:
    """One column of a file of predictions, whose footer is long where there are many columns."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path, metadata=footer) as file:
        found_N: FloatArray = file.read(columns=[name])[name].to_numpy()
    return found_N


def _test_pairs(columns: Mapping[str, Any]) -> TestPairs:
    """The columns of a file of predictions; early versions wrote either raters or stems."""
    pair_N, community_N = (columns[k].astype(np.str_) for k in ("pair", "community"))
    stem_N = columns["stem"].astype(np.str_) if "stem" in columns else None
    reference_N, flip_N = columns["reference"], columns.get("flip")
    strength_N = columns.get("strength")
    if "rater" not in columns:
        return TestPairs(
            pair_N,
            community_N,
            columns["stem"].astype(np.str_),
            reference_N,
            raters=False,
            flip_N=flip_N,
            stem_N=stem_N,
            strength_N=strength_N,
        )
    nobody_N = np.array([rater is None for rater in columns["rater"]], dtype=np.bool_)
    cluster_N = columns["rater"].astype(np.str_)
    if nobody_N.any():
        cluster_N = np.where(nobody_N, columns["stem"].astype(np.str_), cluster_N)
    return TestPairs(
        pair_N,
        community_N,
        cluster_N,
        reference_N,
        raters=True,
        flip_N=flip_N,
        stem_N=stem_N,
        nobody_N=nobody_N if nobody_N.any() else None,
        strength_N=strength_N,
    )


def _predictions(seed: int, method: str) -> str:
    if (
        not re.fullmatch(r"[^/\\\x00-\x1f]*[^/\\.\x00-\x1f][^/\\\x00-\x1f]*", str(method))
        or type(seed) is not int
    ):
        raise DamagedFile(
            f"{method!r:.80} with seed {seed!r:.80} cannot be a method of a run",
            hint="run it again",
        )
    return f"predictions/seed-{seed}/{method}.parquet"


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Read JSON objects, one a line.

    Raises:
        InvalidInput: If the file is not there or a line is broken.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InvalidInput("no such file", where=str(path)) from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"not UTF-8: {error}", where=str(path)) from error
    rows = []
    # Only a line feed ends a line: texts may contain other characters that Python splits at.
    for number, line in enumerate(text.removesuffix("\n").split("\n") if text else [], 1):
        try:
            rows.append(parse_json(line))
        except ValueError as error:
            raise InvalidInput(f"not a JSON object: {error}", where=f"{path}:{number}") from error
        if not isinstance(rows[-1], dict):
            raise InvalidInput("not a JSON object", where=f"{path}:{number}")
    return rows
