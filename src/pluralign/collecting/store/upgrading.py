"""Bring a database to this version's tables, with the migrations in `migrations/versions`."""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from pluralign.core import InvalidSettings

_MIGRATIONS = Path(__file__).with_name("migrations")


def upgrade(engine: Engine) -> None:
    """Make the tables of an empty database, or upgrade those of an older version.

    Raises:
        InvalidSettings: If the database was made by a newer version of pluralign.
    """
    with engine.begin() as connection:
        _check_known(connection)
        command.upgrade(_config(connection), "head")


def downgrade(engine: Engine, revision: str) -> None:
    """Take a database back to an older revision; ``base`` removes all tables."""
    with engine.begin() as connection:
        command.downgrade(_config(connection), revision)


def newest_revision() -> str:
    """The revision of this version's tables."""
    return str(ScriptDirectory(str(_MIGRATIONS)).get_current_head())


def _check_known(connection: Connection) -> None:
    found = MigrationContext.configure(connection).get_current_revision()
    known = {script.revision for script in ScriptDirectory(str(_MIGRATIONS)).walk_revisions()}
    if found is not None and found not in known:
        raise InvalidSettings(
            f"the database has revision {found}, which this version of pluralign does not know",
            hint="install the version of pluralign that wrote it, or a newer one",
        )


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    attributes: dict[str, Any] = config.attributes
    attributes["connection"] = connection
    return config
