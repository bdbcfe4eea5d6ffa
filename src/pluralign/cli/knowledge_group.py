"""``pluralign knowledge`` with all of its commands."""

from pluralign.cli import (
    interchange_commands,
    knowledge_ask_command,
    knowledge_measuring_commands,
    knowledge_score_command,
)
from pluralign.cli.knowledge_commands import knowledge

__all__ = ["knowledge"]

knowledge.command()(knowledge_ask_command.ask)
knowledge.command()(knowledge_score_command.score)
knowledge.command()(knowledge_measuring_commands.baselines)
knowledge.command()(knowledge_measuring_commands.people)
knowledge.command("tasks")(interchange_commands.knowledge_tasks)
