"""``pluralign``: its commands, and what happens when something is wrong."""

import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from pluralign._version import __version__
from pluralign.cli import (
    collect_backup_commands,
    collect_candidates_command,
    collect_demo_command,
    collect_release_commands,
    collect_steward_commands,
    export_commands,
    hub_commands,
    interchange_commands,
    knowledge_ask_command,
    knowledge_measuring_commands,
    knowledge_score_command,
    reward_commands,
)
from pluralign.cli.adapt_command import adapt
from pluralign.cli.align_command import align
from pluralign.cli.audit_command import audit
from pluralign.cli.collect_commands import collect
from pluralign.cli.completion import complete_in_bash
from pluralign.cli.data_commands import data
from pluralign.cli.encode_command import encode
from pluralign.cli.influence_command import influence
from pluralign.cli.init_command import init
from pluralign.cli.knowledge_commands import knowledge
from pluralign.cli.pluralise_command import pluralise
from pluralign.cli.report_command import report
from pluralign.cli.schema_command import schema
from pluralign.cli.serve_command import serve
from pluralign.cli.survey_commands import survey
from pluralign.cli.vllm_command import vllm
from pluralign.cli.withdraw_command import withdraw


class _Careful(TyperGroup):
    """Ends with one readable message and an exit code where a user can mend what is wrong."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command: exit code 0 done, 2 bad settings or input, 130 stopped by hand."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:  # the reader, such as `head`, has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(141) from error
        except KeyboardInterrupt as error:
            sys.stderr.write("stopped; to resume, give the same command again\n")
            raise typer.Exit(130) from error
        except Exception as error:
            from pluralign.cli.error_messages import message_of
            from pluralign.core import masked, printable

            message = message_of(error)
            if message is None:
                raise
            sys.stderr.write(f"error: {printable(masked(message))}\n")
            raise typer.Exit(2) from error


app = typer.Typer(
    name="pluralign",
    cls=_Careful,
    help="Steer reward models to the communities people live in, and measure the accuracy for "
    "each community.",
    epilog="Start with a data file of your own: `pluralign init pairs.jsonl`. Without data: "
    "`pluralign demo`.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


app.command()(init)
app.command()(reward_commands.run)
app.command()(reward_commands.score)
app.command()(adapt)
app.command()(encode)
app.command()(reward_commands.demo)
app.command()(pluralise)
app.command()(align)
app.command()(influence)
app.command()(withdraw)
app.command()(audit)
app.command()(report)
app.command()(schema)
app.command()(serve)
app.command()(export_commands.export)
app.command()(hub_commands.push)
app.command()(vllm)
app.command()(export_commands.rewardbench)
app.command("every-eval-ever")(interchange_commands.every_eval_ever)
app.add_typer(collect, name="collect")
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
data.command("export")(hub_commands.export_dataset)
app.add_typer(data, name="data")
survey.command()(interchange_commands.tasks)
app.add_typer(survey, name="survey")
knowledge.command()(knowledge_ask_command.ask)
knowledge.command()(knowledge_score_command.score)
knowledge.command()(knowledge_measuring_commands.baselines)
knowledge.command()(knowledge_measuring_commands.people)
knowledge.command("tasks")(interchange_commands.knowledge_tasks)
app.add_typer(knowledge, name="knowledge")


def main() -> None:
    """Run the command line."""
    import logging

    logging.basicConfig(
        format="%(levelname)s: %(message)s", level=logging.WARNING, stream=sys.stderr
    )
    if os.environ.get("_PLURALIGN_COMPLETE") == "complete_bash":
        complete_in_bash(app)
    else:
        app()


if __name__ == "__main__":
    main()
