"""``pluralign collect`` with all of its commands."""

from pluralign.cli import (
    collect_backup_commands,
    collect_candidates_command,
    collect_demo_command,
    collect_release_commands,
    collect_steward_commands,
)
from pluralign.cli.collect_commands import collect

__all__ = ["collect"]

collect.command()(collect_backup_commands.backup)
collect.command()(collect_backup_commands.restore)
collect.command()(collect_backup_commands.verify)
collect.command()(collect_release_commands.release)
collect.command()(collect_release_commands.used)
collect.command()(collect_release_commands.withdraw)
collect.command()(collect_release_commands.export)
collect.command()(collect_release_commands.dossier)
collect.command()(collect_candidates_command.candidates)
collect.command()(collect_demo_command.demo)
collect.add_typer(collect_steward_commands.steward, name="steward")
collect.command()(collect_steward_commands.propose)
collect.command()(collect_release_commands.changed)
