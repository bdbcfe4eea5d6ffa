"""From lines of files to typed rows: a line that does not fit is refused with its number."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import ConfigDict, GetCoreSchemaHandler, TypeAdapter, ValidationError

from pluralign.core import DamagedFile, InvalidInput
from pluralign.runs.finished import AGAIN
from pluralign.runs.folder import read_rows
from pluralign.runs.record_shapes import first_fault

Row = TypeVar("Row")


def numbered_lines(path: Path) -> dict[int, Any]:
    """The JSON objects of a file by the number of their line, from 1; empty if the file is missing.

    Raises:
        DamagedFile: If a line is no JSON object.
    """
    if not path.is_file():
        return {}
    try:
        return dict(enumerate(read_rows(path), start=1))
    except InvalidInput as error:
        raise DamagedFile(error.what, where=error.where, hint=AGAIN) from error


def typed_rows(lines: Mapping[int, Any], kind: type[Row], path: Path) -> tuple[Row, ...]:
    """The lines of a file as rows of one type.

    Args:
        lines: Number of a line -> its object.
        kind: A dataclass; its annotations are the check. Keys without a field are ignored.
        path: The file.

    Raises:
        DamagedFile: At the first line that lacks a field or has one of another type.
    """
    try:
        reader = _reader_of(kind)  # type: ignore[arg-type]  # a class can be hashed
        return tuple(reader.validate_python(list(lines.values())))
    except ValidationError as error:
        (position, *_), what = first_fault(error, depth=1)
        line = list(lines)[int(position)]
        raise DamagedFile(what, where=f"{path}:{line}", hint=AGAIN) from error


def hold_named(rows: Sequence[object], key: str, known: Iterable[str], path: Path) -> None:
    """Check that every row is about something that the record of its run names.

    Args:
        rows: All rows of the file, one a line.
        key: Name of the field to look at; None stands for all together.
        known: Names in the record.
        path: The file.

    Raises:
        DamagedFile: At the first row that is about something else.
    """
    named = {None, *known}
    for line, row in enumerate(rows, start=1):
        value = getattr(row, key)
        if value not in named:
            raise DamagedFile(
                f"{key} {value!r} is not in the record of the run",
                where=f"{path}:{line}",
                hint="the folder contains parts of two runs: run again into another one",
            )


@cache
def _reader_of(kind: Any) -> TypeAdapter[list[Any]]:
    strict = ConfigDict(strict=True, allow_inf_nan=False)
    return TypeAdapter(list[Annotated[kind, _FromObject()]], config=strict)


class _FromObject:
    """Strict about the fields of a dataclass, which itself is made of an object."""

    def __get_pydantic_core_schema__(self, kind: Any, handler: GetCoreSchemaHandler) -> Any:
        schema = handler.resolve_ref_schema(handler(kind))
        return dict(schema) | {"strict": False}
