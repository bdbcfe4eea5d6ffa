"""The option by which a user trusts an encoder."""

from typing import Annotated

import typer

TrustEncoder = Annotated[
    str | None,
    typer.Option(
        "--trust-encoder",
        metavar="NAME",
        help="Open this encoder although only the card of the model names it.",
    ),
]
