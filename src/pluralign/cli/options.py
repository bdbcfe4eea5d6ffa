"""Arguments and options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from pluralign.cli.completion import complete_community, complete_strategy


def overrides(complete: Callable[..., list[tuple[str, str]]], example: str) -> Any:
    """The option ``--set`` of a command.

    Args:
        complete: Completes its keys and values in the shell.
        example: A setting of the command.
    """
    return typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help=f"Override a setting, for example --set {example}. May be repeated.",
        autocompletion=complete,
    )


AsJson = Annotated[
    bool,
    typer.Option(
        "--json", help="Print JSON alone on standard output; progress goes to standard error."
    ),
]
Wide = Annotated[
    bool,
    typer.Option(
        "--wide",
        help="Print all rows and columns of every table, however long the lines get.",
    ),
]
Explain = Annotated[
    bool,
    typer.Option(
        "--explain",
        help="Print every setting with its value, origin and meaning, and do nothing else.",
    ),
]
Fresh = Annotated[
    bool,
    typer.Option("--fresh", help="Start again from nothing, and replace what is in the folder."),
]
SkipBad = Annotated[
    bool, typer.Option("--skip-bad", help="Drop and count rows that cannot be read.")
]
RunFolderOut = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="Folder to write to. The default is runs/NAME."),
]
Communities = Annotated[
    list[str] | None,
    typer.Option(
        "--community",
        "-c",
        help="Community whose people the answers are compared with. May be repeated. "
        "The default is all.",
        autocompletion=complete_community,
    ),
]
Strategies = Annotated[
    list[str] | None,
    typer.Option(
        "--strategy",
        "-s",
        help="How to ask the questions (see `pluralign survey strategies`). May be repeated.",
        autocompletion=complete_strategy,
    ),
]
ModelName = Annotated[
    str | None,
    typer.Option(
        "--model", help="Folder or hub name of the model; with --base-url, its name on the server."
    ),
]
BaseUrl = Annotated[
    str | None,
    typer.Option(
        "--base-url", help="URL of an OpenAI-compatible server, such as http://127.0.0.1:8000/v1."
    ),
]
On = Annotated[
    str,
    typer.Option(
        "--on",
        metavar="WORKERS",
        help="Workers that encode, score and fit, with the same results: local (this process), "
        "processes:4, ray, or ray://HOST:PORT of a Ray cluster.",
    ),
]
TrustEncoder = Annotated[
    str | None,
    typer.Option(
        "--trust-encoder",
        metavar="NAME",
        help="Encoder to trust, where only the model's card names it.",
    ),
]
