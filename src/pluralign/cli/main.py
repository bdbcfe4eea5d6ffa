"""``pluralign``: its commands, and what happens when something is wrong."""

import errno
import os
import sys
from io import TextIOWrapper
from typing import Annotated, Any

import typer

from pluralign._version import __version__
from pluralign.cli.later import CommandGroup, Later

COMMANDS = (
    Later(
        "init",
        "init_command:init",
        "Look at data files, and write a commented settings file that runs as it is.",
    ),
    Later(
        "run",
        "reward_commands:run",
        "Fit a reference, steer it to each community by every method, and measure the result.",
    ),
    Later(
        "score",
        "reward_commands:score",
        "Score prompts and responses for communities.",
    ),
    Later(
        "adapt",
        "adapt_command:adapt",
        "Add a community to a saved model, from a few choices of its people or from none.",
    ),
    Later(
        "encode",
        "encode_command:encode",
        "Encode a part of many texts, on one machine of many.",
    ),
    Later(
        "demo",
        "reward_commands:demo",
        "Run every method on a planted society, and compare the learned tastes with the "
        "planted ones.",
    ),
    Later(
        "pluralise",
        "pluralise_command:pluralise",
        "Tune a language model on its own culture-aware answers, and measure the change "
        "(CultureSPA).",
    ),
    Later(
        "align",
        "align_command:align",
        "Let a language model follow the reward model of each community, and measure the gain.",
    ),
    Later(
        "influence",
        "influence_command:influence",
        "Show what a person's choices changed in the model of their community, and what "
        "they did not.",
    ),
    Later(
        "withdraw",
        "withdraw_command:withdraw",
        "Take the choices of people out of a run, and make it again as if it had never had them.",
    ),
    Later(
        "audit",
        "audit_command:audit",
        "Find cultural risks in recorded evidence, each as a claim that can be checked.",
    ),
    Later(
        "report",
        "report_command:report",
        "Write one HTML page about runs; the page needs no network.",
    ),
    Later(
        "schema",
        "schema_command:schema",
        "Print the JSON Schema (draft 2020-12) of a kind of file, or check a file row by row.",
    ),
    Later(
        "serve",
        "serve_command:serve",
        "Serve the rewards of all communities of a model over HTTP, and policies that follow them.",
    ),
    Later(
        "export",
        "export_commands:export",
        "Write one community, a blend, or all communities as a folder that loads without "
        "pluralign.",
    ),
    Later(
        "push",
        "hub_commands:push",
        "Upload a model, a data set, a release, or the numbers of a run to the Hugging Face hub.",
    ),
    Later(
        "vllm",
        "vllm_command:vllm",
        "Write settings of vLLM that serve the start model with the adapters of all communities.",
    ),
    Later(
        "rewardbench",
        "export_commands:rewardbench",
        "Score pairs, and write result files in the format of RewardBench.",
    ),
    Later(
        "every-eval-ever",
        "interchange_commands:every_eval_ever",
        "Write the results of a run as Every Eval Ever's JSON (schema 0.3.0).",
    ),
    Later(
        "collect",
        "collect_group:collect",
        "Let people take part: a study's web pages, from invitation to withdrawal.",
    ),
    Later(
        "data",
        "data_group:data",
        "List the sources of data, look into one, make choices private, and manage the "
        "cached embeddings.",
    ),
    Later(
        "survey",
        "survey_group:survey",
        "Ask language models the questions of surveys, and compare the answers with people's.",
    ),
    Later(
        "knowledge",
        "knowledge_group:knowledge",
        "Write and check tests of what the people of a community know and do, in their "
        "language, and ask language models.",
    ),
)


def reader_left(error: Exception) -> bool:
    """Whether an error of writing means that the reader of a pipe, such as `head`, has left.

    On Windows that is the error "invalid argument", which names no file.
    """
    if os.name == "nt" and isinstance(error, OSError) and error.filename is None:
        return error.errno in {errno.EINVAL, errno.EPIPE}
    return isinstance(error, BrokenPipeError)


class _Careful(CommandGroup):
    """Ends with one readable message and an exit code where a user can mend what is wrong."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.commands = {str(command.name): command for command in COMMANDS}

    def invoke(self, ctx: Any) -> Any:
        """Run a command: exit code 0 done, 2 bad settings or input, 130 stopped by hand."""
        try:
            return super().invoke(ctx)
        except typer.Exit:
            raise
        except KeyboardInterrupt as error:
            sys.stderr.write("stopped; to resume, give the same command again\n")
            raise typer.Exit(130) from error
        except Exception as error:
            if reader_left(error):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                raise typer.Exit(141) from error
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


def write_utf8_in_pipes() -> None:
    """Write UTF-8 and line feeds to a pipe or a file; Windows would use its own encoding."""
    out = sys.stdout
    if isinstance(out, TextIOWrapper) and not out.isatty():
        out.reconfigure(encoding="utf-8", errors=out.errors, newline="\n")


def main() -> None:
    """Run the command line."""
    import logging

    write_utf8_in_pipes()
    logging.basicConfig(
        format="%(levelname)s: %(message)s", level=logging.WARNING, stream=sys.stderr
    )
    if os.environ.get("_PLURALIGN_COMPLETE") == "complete_bash":
        from pluralign.cli.completion import complete_in_bash

        complete_in_bash(app)
    else:
        app()


if __name__ == "__main__":
    main()
