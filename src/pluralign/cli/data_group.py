"""``pluralign data`` with all of its commands."""

from pluralign.cli import hub_commands
from pluralign.cli.data_commands import data

__all__ = ["data"]

data.command("export")(hub_commands.export_dataset)
