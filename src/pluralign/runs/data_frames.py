"""Tables of finished runs as pyarrow, pandas and polars; several runs as one table."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from types import NoneType
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from pluralign.core import AnyPath, MissingExtra, NotEnoughData

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

    from pluralign.runs.finished_run import FinishedRun


def arrow_table(rows: Sequence[Any], kind: type[Any]) -> "pyarrow.Table":
    """Typed rows as a table.

    Args:
        rows: Dataclasses.
        kind: Their type; an empty table has its columns too.
    """
    import pyarrow as pa

    hints = get_type_hints(kind)
    names = [field.name for field in fields(kind)]
    schema = pa.schema([(name, _arrow_type(hints[name])) for name in names])
    columns = {name: [_cell(getattr(row, name)) for row in rows] for name in names}
    return pa.Table.from_pydict(columns, schema=schema)


def pandas_frame(table: "pyarrow.Table") -> "pandas.DataFrame":
    """A table as a pandas data frame.

    Raises:
        MissingExtra: If pandas is not installed.
    """
    try:
        import pandas  # noqa: F401
    except ImportError as error:
        raise _missing("pandas") from error
    return table.to_pandas()


def polars_frame(table: "pyarrow.Table") -> "polars.DataFrame":
    """A table as a polars data frame.

    Raises:
        MissingExtra: If polars is not installed.
    """
    try:
        import polars
    except ImportError as error:
        raise _missing("polars") from error
    return polars.from_arrow(table)


def join_runs(runs: Iterable["FinishedRun | AnyPath"], table: str = "results") -> "pyarrow.Table":
    """One table of several runs, whose first columns name the run of each row.

    Args:
        runs: Opened runs, or their folders.
        table: Name of the table, which every run must have.

    Returns:
        The columns ``run`` (the run's name) and ``folder``, then those of the tables; a column that
        a run does not have is null in its rows.

    Raises:
        NotEnoughData: If there is no run.
        InvalidInput: If a run has no such table.
        DamagedFile: If a file is missing or damaged.
    """
    import pyarrow as pa

    from pluralign.runs.finished_run import FinishedRun
    from pluralign.runs.opening import open_run

    found = []
    for one in runs:
        run = one if isinstance(one, FinishedRun) else open_run(one)
        own = run.to_arrow(table)
        own = own.add_column(0, "folder", pa.array([str(run.folder)] * len(own), pa.string()))
        found.append(own.add_column(0, "run", pa.array([run.name] * len(own), pa.string())))
    if not found:
        raise NotEnoughData("there is no run to join", hint="name the folder of at least one run")
    return pa.concat_tables(found, promote_options="default")


def _arrow_type(hint: Any) -> Any:
    """The type of a column: numbers and texts as they are, anything else as text."""
    import pyarrow as pa

    plain = [one for one in get_args(hint) if one is not NoneType] or [hint]
    return {float: pa.float64(), int: pa.int64()}.get(plain[0], pa.string())


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, int | float | str):
        return value
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {_cell(one)}" for key, one in value.items())
    return "; ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _missing(module: str) -> MissingExtra:
    return MissingExtra(
        f"the Python module {module!r} is not installed", hint=f"pip install {module}"
    )
