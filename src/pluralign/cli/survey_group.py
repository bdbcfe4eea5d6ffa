"""``pluralign survey`` with all of its commands."""

from pluralign.cli import interchange_commands
from pluralign.cli.survey_commands import survey

__all__ = ["survey"]

survey.command()(interchange_commands.tasks)
