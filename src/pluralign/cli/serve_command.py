"""``pluralign serve``: one server for every community."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from pluralign.cli.options import TrustEncoder

TOKENS = "PLURALIGN_TOKENS"
"""Environment variable with the tokens, separated by commas."""


def serve(
    model: Annotated[
        Path | None,
        typer.Argument(
            help="A saved reward model: a folder such as runs/uk/models/seed-7/adaptive. "
            "May be left out with --policies."
        ),
    ] = None,
    policies: Annotated[
        Path | None,
        typer.Option(
            help="Folder of a run of `pluralign align`: its policies answer /v1/chat/completions."
        ),
    ] = None,
    start_model: Annotated[
        str | None,
        typer.Option(help="Folder of the start model of the policies, if it has moved."),
    ] = None,
    host: Annotated[
        str,
        typer.Option(help="Address to listen on. Addresses other than loopback require a token."),
    ] = ("127.0.0.1"),
    port: Annotated[
        int, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65535)
    ] = 8000,
    name: Annotated[
        str | None,
        typer.Option(
            help="Name of the model for clients; NAME@MEX is one community. "
            "The default is the name of its folder."
        ),
    ] = None,
    processes: Annotated[
        int,
        typer.Option(
            help="Number of processes, each with the model; one process uses all cores.", min=1
        ),
    ] = 1,
    token_file: Annotated[
        Path | None,
        typer.Option(help=f"File of bearer tokens, one a line. Tokens can also be in {TOKENS}."),
    ] = None,
    batch_tokens: Annotated[
        int | None,
        typer.Option(
            help="Tokens in a batch. The default is 2048 on a CPU, 65536 on a GPU.", min=1
        ),
    ] = None,
    cache: Annotated[int, typer.Option(help="Megabytes for vectors of recent texts.", min=0)] = 64,
    queue: Annotated[
        int,
        typer.Option(
            help="Responses in the queue; further ones are refused with status 429.", min=1
        ),
    ] = 8192,
    most_items: Annotated[
        int, typer.Option(help="Largest number of responses in one request.", min=1)
    ] = 2048,
    most_rewards: Annotated[
        int,
        typer.Option(
            help="Largest number of rewards in one answer: responses times communities.", min=1
        ),
    ] = 100_000,
    thoughts: Annotated[
        str,
        typer.Option(
            help="Thoughts before an answer (`<think>`, ...): strip removes them, keep scores them."
        ),
    ] = "strip",
    no_answer: Annotated[
        float,
        typer.Option(help="Reward of /get_reward for a response without an answer, in logits."),
    ] = -5.0,
    seconds: Annotated[
        float, typer.Option(help="Seconds that a request may wait for its rewards.", min=0.1)
    ] = 60.0,
    sessions: Annotated[
        int,
        typer.Option(
            help="Largest number of sessions of /v1/adapt in memory; the one unused for longest "
            "leaves.",
            min=1,
        ),
    ] = 64,
    session_seconds: Annotated[
        float,
        typer.Option(help="Seconds for which an unused session of /v1/adapt is kept.", min=1),
    ] = 3600.0,
    origin: Annotated[
        list[str] | None,
        typer.Option(
            help="Origin of a web page that may send requests, such as https://rewards.example. "
            "May be repeated."
        ),
    ] = None,
    chats: Annotated[
        int,
        typer.Option(
            help="Chat requests that are answered or wait; further ones are refused with status "
            "429.",
            min=1,
        ),
    ] = 32,
    chat_seconds: Annotated[
        float, typer.Option(help="Seconds for a chat request, waiting included.", min=0.1)
    ] = 300.0,
    most_new_tokens: Annotated[
        int, typer.Option(help="Largest number of tokens of an answer.", min=1)
    ] = 1024,
    most_best_of: Annotated[
        int,
        typer.Option(help="Largest number of answers from which one is chosen.", min=1),
    ] = 16,
    trust_encoder: TrustEncoder = None,
    log_texts: Annotated[
        bool,
        typer.Option(
            "--log-texts",
            help="Write prompts and responses to the log, where other people may read them.",
        ),
    ] = False,
) -> None:
    """Serve the rewards of all communities of a model over HTTP, and policies that follow them.

    The endpoints of pluralign are POST /v1/rewards, /v1/rank, /v1/compare and /v1/adapt, which adds
    a community from a few choices, in memory for a session. OpenRLHF can use
    /get_reward; clients of vLLM and of text-embeddings-inference can use /classify, /pooling,
    /score, /rerank and /predict, clients of OpenAI /v1/embeddings, and, with --policies,
    /v1/chat/completions. The page at / is for trying it; /openapi.json describes every endpoint.
    After Ctrl-C or SIGTERM the server finishes the requests that it has.

    Example: `pluralign serve runs/uk/models/seed-7/adaptive --port 8000`
    """
    from pydantic import ValidationError

    from pluralign.core import InvalidSettings, MissingExtra
    from pluralign.rewards import read_thoughts
    from pluralign.serving import ServeSettings, read_tokens

    try:
        import fastapi  # noqa: F401 -- the server loads it later, when it has announced its address

        from pluralign.serving.server_process import serve as run
    except ImportError as error:
        raise MissingExtra.named("serve", str(error.name)) from error
    try:
        settings = ServeSettings(
            model=model,
            policies=policies,
            start_model=start_model,
            name=name or _folder(model, policies).resolve().name,
            host=host,
            port=port,
            processes=processes,
            tokens=read_tokens(os.environ.get(TOKENS), token_file),
            batch_tokens=batch_tokens,
            cache_megabytes=cache,
            most_waiting=queue,
            most_items=most_items,
            thoughts=read_thoughts(thoughts, where="--thoughts"),
            no_answer=no_answer,
            most_rewards=most_rewards,
            origins=tuple(origin or ()),
            seconds=seconds,
            most_sessions=sessions,
            session_seconds=session_seconds,
            most_chats=chats,
            chat_seconds=chat_seconds,
            most_new_tokens=most_new_tokens,
            most_best_of=most_best_of,
            trust_encoder=trust_encoder,
            log_texts=log_texts,
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or None
        raise InvalidSettings(
            first["msg"].removeprefix("Value error, "), where=where, hint="see serve --help"
        ) from None
    run(settings, listening=_announce(_folder(model, policies)))


def _folder(model: Path | None, policies: Path | None) -> Path:
    """The folder that names the server."""
    from pluralign.core import InvalidSettings

    found = model or policies
    if found is None:
        raise InvalidSettings(
            "there is nothing to serve",
            hint="name a saved reward model, or a run of `pluralign align` with --policies",
        )
    return found


def _announce(model: Path) -> Callable[[str], None]:
    def announce(url: str) -> None:
        typer.echo(f"serving {model} at {url} as soon as it is loaded; stop with Ctrl-C", err=True)

    return announce
