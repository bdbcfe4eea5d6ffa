"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

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
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Override a setting, for example --set scpo.tau=0.6. May be repeated.",
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
    ),
]
SurveyName = Annotated[
    str | None,
    typer.Option(
        "--survey",
        help="Folder in CultureSPA's layout, SOURCE=PATH, or the name of a source.",
    ),
]
TrustEncoder = Annotated[
    str | None,
    typer.Option(
        "--trust-encoder",
        metavar="NAME",
        help="Open this encoder although only the card of the model names it.",
    ),
]
