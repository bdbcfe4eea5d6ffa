"""Arguments and checks that the commands on studies share."""

from pathlib import Path
from typing import Annotated

import typer

_MODULES = (
    "alembic",
    "cryptography",
    "fastapi",
    "jinja2",
    "markdown_it",
    "python_multipart",
    "segno",
    "sqlalchemy",
    "uvicorn",
)
"""Modules of the extra ``collect``."""
StudyFolder = Annotated[Path, typer.Argument(metavar="STUDY", help="Folder of the study.")]
Database = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        help="Database of the study, such as postgresql+psycopg://user@host/name. "
        "The default is SQLite in the folder of the study.",
    ),
]


def require_collecting() -> None:
    """Check that the extra ``collect`` is installed.

    Raises:
        MissingExtra: If it is not.
    """
    from importlib.util import find_spec

    from pluralign.core import MissingExtra

    missing = [name for name in _MODULES if find_spec(name) is None]
    if missing:
        raise MissingExtra.named("collect", missing[0])
