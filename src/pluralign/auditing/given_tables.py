"""Further inputs of an audit: residents, positions on the axes of theories, and reasoning items."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pluralign.audits import ReasoningAnswer
from pluralign.core import (
    InvalidInput,
    NotEnoughData,
    PluralignError,
    Tally,
    cell_id,
    is_missing,
    parse_json,
    resolve_community,
    tidy,
)
from pluralign.sources.row_files import RowPolicy, read_rows
from pluralign.sources.typed_cells import BadRow, Row, optional_number, require_columns

_LABELS = ("community", "country", "geo", "name")
_NO_AXES = {"year", "ctr", "code", "iso", "time"}
_COLUMNS = "see docs/audits.md for the columns"


def read_residents(path: Path, tally: Tally) -> dict[str, dict[str, dict[str, float]]]:
    """The residents of each community: a CSV with ``community, attribute, group, share``.

    Raises:
        InvalidInput: If a column is missing, a share is not a number in [0, 1], or a group comes
            twice.
        NotEnoughData: If there are no rows.
    """
    found: dict[str, dict[str, dict[str, float]]] = {}
    for line, row in _rows(path, ("community", "attribute", "group", "share")):
        tally.read += 1
        id_ = _community(row["community"], tally)
        if id_ is None:
            continue
        share = _number(row, "share")
        if share is None or not 0 <= share <= 1:
            raise InvalidInput(f"share {row['share']!r} is not in [0, 1]", where=f"{path}:{line}")
        groups = found.setdefault(id_, {}).setdefault(tidy(str(row["attribute"])), {})
        group = tidy(str(row["group"]))
        if group in groups:
            raise InvalidInput(f"{group!r} comes twice for {id_}", where=f"{path}:{line}")
        groups[group] = share
        tally.kept += 1
    if not found:
        raise NotEnoughData("no row is left", where=str(path))
    return found


def read_axes(
    named: Sequence[tuple[str, Path]], tally: Tally
) -> dict[str, dict[str, tuple[float, ...]]]:
    """Positions of communities on the axes of theories; files with one name are joined.

    A file is a CSV with a column ``community``, ``country``, ``geo`` or ``name``; every other
    column of numbers is an axis. Of several years the latest is used. A community without a
    position on every axis is left out and counted. The sign of an axis has no effect.

    Raises:
        InvalidInput: If a file cannot be read or has no axis.
        NotEnoughData: If no community has a position on every axis.
    """
    columns: dict[str, list[dict[str, float]]] = {}
    for name, path in named:
        columns.setdefault(name, []).extend(_axes_of(path, tally))
    found = {}
    for name, axes in columns.items():
        placed = [set(axis) for axis in axes]
        whole = set.intersection(*placed)
        incomplete = len(set.union(*placed)) - len(whole)
        if incomplete:
            tally.leave_out(f"{name}: no position on every axis", incomplete)
        if not whole:
            files = ", ".join(str(path) for own, path in named if own == name)
            raise NotEnoughData(
                f"{name}: no community has a position on every axis",
                where=files,
                hint="see how communities are written",
            )
        found[name] = {c: tuple(axis[c] for axis in axes) for c in sorted(whole)}
        tally.made += len(whole)
    return found


def read_items(path: Path, tally: Tally) -> list[ReasoningAnswer]:
    """Answers to items that need reasoning about cultures, from JSONL.

    A row is ``{"id", "model", "communities": [...] or "community", "level", "gold", "answer"}``,
    perhaps with ``reason_for``. ``level`` is ``rule_of_thumb``, ``value`` or ``country``.

    Raises:
        InvalidInput: If a row cannot be read.
        NotEnoughData: If there are no rows.
    """
    items = []
    for number, text in enumerate(_text(path).split("\n"), 1):
        if not text.strip():
            continue
        tally.read += 1
        try:
            item = _item(parse_json(text), tally)
        except PluralignError as error:
            raise InvalidInput(error.what, where=f"{path}:{number}", hint=error.hint) from error
        except ValueError as error:
            raise InvalidInput("not a JSON object of an item", where=f"{path}:{number}") from error
        if item is not None:
            items.append(item)
    tally.kept += len(items)
    if not items:
        raise NotEnoughData("no item is left", where=str(path))
    return items


def _item(row: object, tally: Tally) -> ReasoningAnswer | None:
    """One row as an item; None, counted, where a community is unknown."""
    if not isinstance(row, Mapping):
        raise InvalidInput("not a JSON object of an item", hint=_COLUMNS)
    _check_columns(row)
    ids = [_community(label, tally) for label in _labels(row)]
    if None in ids:
        return None
    answer, reason = row["answer"], row.get("reason_for")
    return ReasoningAnswer(
        str(cell_id(row["id"])),
        str(row["model"]),
        tuple(str(i) for i in ids),
        row["level"],
        str(row["gold"]),
        "" if answer is None else str(answer),
        None if reason is None else str(reason),
    )


def _check_columns(row: Mapping[str, Any]) -> None:
    for name in ("id", "model", "level", "gold"):
        if row.get(name) is None or (name == "id" and is_missing(row[name])):
            raise InvalidInput(f"no {name}", hint=_COLUMNS)
    # An answer may be null, because a model may give none, but it must be written.
    if "answer" not in row:
        raise InvalidInput("no answer", hint="write the answer, or null without one")


def _labels(row: Mapping[str, Any]) -> list[object]:
    """The communities of an item, as it writes them."""
    labels = row["communities"] if "communities" in row else [row.get("community")]
    if not isinstance(labels, list):
        raise InvalidInput("communities is not a list", hint=_COLUMNS)
    if None in labels:
        raise InvalidInput("no community", hint=_COLUMNS)
    return labels


def _axes_of(path: Path, tally: Tally) -> list[dict[str, float]]:
    """The position of each community on each axis of a file; of several years the latest."""
    rows = [row for _, row in _rows(path, ())]
    label = _label_column(rows[0], path)
    columns = _axis_columns(rows, label, path)
    axes: list[dict[str, float]] = [{} for _ in columns]
    # The last row of a community counts, so the latest year comes last.
    rows.sort(key=lambda row: _number(row, "year") or 0.0)
    for row in rows:
        tally.read += 1
        id_ = _community(row[label], tally)
        if id_ is None:
            continue
        tally.kept += 1
        for axis, column in zip(axes, columns, strict=True):
            value = _number(row, column)
            if value is not None:
                axis[id_] = value
    return axes


def _label_column(row: Row, path: Path) -> str:
    """The column with the community."""
    label = next((name for name in _LABELS if name in row), None)
    if label is None:
        raise InvalidInput(
            "no column has the community", where=str(path), hint=f"name one {_LABELS[0]}"
        )
    return label


def _axis_columns(rows: Sequence[Row], label: str, path: Path) -> list[str]:
    """The columns with numbers, other than the label and columns that are no axis."""
    others = [name for name in rows[0] if name not in {label, *_NO_AXES}]
    columns = [c for c in others if any(_number(row, c) is not None for row in rows)]
    if not columns:
        raise InvalidInput("no column has numbers", where=str(path))
    return columns


def _rows(path: Path, needed: tuple[str, ...]) -> Iterator[tuple[int, Row]]:
    for line, row in read_rows(path, RowPolicy(Tally()), kinds=("csv", "parquet")):
        try:
            require_columns(row, needed)
        except BadRow as bad:
            raise InvalidInput(bad.what, where=str(path), hint=bad.hint) from bad
        yield line, row


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput("not UTF-8 text", where=str(path)) from error


def _community(label: object, tally: Tally) -> str | None:
    found = None if is_missing(label) else resolve_community(str(label).replace("_", " "))
    if found is None:
        kind = "no community" if is_missing(label) else "unknown community"
        tally.drop(f"{kind}: {str(label)[:40]}")
        return None
    return found.id


def _number(row: Row, column: str) -> float | None:
    try:
        return optional_number(row, column)
    except BadRow:
        return None
