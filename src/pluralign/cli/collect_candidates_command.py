"""``pluralign collect candidates``: a language model writes answers for people to compare."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pluralign.cli.collect_options import StudyFolder, require_collecting

if TYPE_CHECKING:
    from pluralign.collecting.candidates import Question
    from pluralign.core import ChatModel


def candidates(
    study: StudyFolder,
    model: Annotated[
        str,
        typer.Option(help="Folder or hub name of a model, or a server's name of it."),
    ],
    base_url: Annotated[
        str | None,
        typer.Option(
            help="Address of a server that speaks OpenAI's protocol, such as "
            "http://127.0.0.1:8000/v1. When unset, the model runs on this machine.",
        ),
    ] = None,
    api_key_env: Annotated[
        str, typer.Option(help="Environment variable with the key of the server.")
    ] = "OPENAI_API_KEY",
    prompts: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Text file with one prompt a line. When unset, the prompts of prompts.jsonl that "
            "this model has not answered.",
        ),
    ] = None,
    language: Annotated[str, typer.Option(help="Language of the prompts in FILE.")] = "en",
    community: Annotated[
        str | None,
        typer.Option(help="Community that sees the prompts in FILE. When unset: all."),
    ] = None,
    licence: Annotated[
        str | None,
        typer.Option(
            help="Licence of the answers (SPDX), from the terms of the model. When unset: that of "
            "the prompt, CC0-1.0 for prompts in FILE."
        ),
    ] = None,
    temperature: Annotated[float, typer.Option(help="Temperature of sampling.", min=0)] = 1.0,
    top_p: Annotated[
        float, typer.Option(help="Total probability of the words among which to draw.", max=1)
    ] = 1.0,
    max_new_tokens: Annotated[int, typer.Option(help="Most tokens of a reply.", min=1)] = 2000,
    seed: Annotated[int, typer.Option(help="Seed of the sampling.")] = 0,
) -> None:
    """Let a language model write four answers to each prompt, different in values, in one call.

    They are appended to prompts.jsonl with the model and its settings as their origin, which pages
    show. A reply of another form, or with an answer that is there already, is asked for again, and
    the prompt is refused after three calls. Read the new answers before people do; the server adds
    them when it starts.

    Example: `pluralign collect candidates tea --model llama --base-url http://127.0.0.1:8000/v1`
    """
    require_collecting()
    from pluralign.collecting.candidates import append_prompts, write_candidates
    from pluralign.collecting.new_study import PROMPTS_FILE
    from pluralign.collecting.store.store import check_writable
    from pluralign.collecting.study import open_study
    from pluralign.collecting.study_texts import StudyPrompt
    from pluralign.core import Sampling

    settings = open_study(study).settings
    check_writable(study)  # before a model is asked
    path = study / PROMPTS_FILE
    chat = _chat(model, base_url, api_key_env)
    questions = _questions(path, chat.name, prompts, language, community, licence)
    if not questions:
        typer.echo("every prompt has answers of this model already")
        return
    sampling = Sampling(temperature, top_p, max_new_tokens, seed)
    refused = 0
    for number, found in enumerate(
        write_candidates(chat, questions, sampling, settings.limits.response), 1
    ):
        if isinstance(found, StudyPrompt):
            append_prompts(path, [found])
            typer.echo(f"{number} of {len(questions)}: {found.prompt}")
        else:
            refused += 1
            typer.echo(f"{number} of {len(questions)}: {found.prompt}", err=True)
            typer.echo(f"  refused: {found.reason}", err=True)
    typer.echo(f"prompts answered: {len(questions) - refused}, refused: {refused}; wrote {path}")
    if refused:
        raise typer.Exit(1)


def _questions(
    path: Path,
    model: str,
    prompts: Path | None,
    language: str,
    community: str | None,
    licence: str | None,
) -> "list[Question]":
    from dataclasses import replace

    from pluralign.collecting.candidates import Question, questions_without
    from pluralign.collecting.study_texts import read_prompts
    from pluralign.core import InvalidInput

    if prompts is None:
        found = questions_without(model, read_prompts(path))
    elif not prompts.is_file():
        raise InvalidInput("there is no such file", where=str(prompts))
    else:
        lines = [line.strip() for line in prompts.read_text(encoding="utf-8").splitlines()]
        new = dict.fromkeys(line for line in lines if line)
        known = {(row.prompt, row.community): row for row in read_prompts(path)}
        found = [
            Question(line, language, community) for line in new if (line, community) not in known
        ]
    return [replace(one, licence=licence or one.licence) for one in found]


def _chat(model: str, base_url: str | None, api_key_env: str) -> "ChatModel":
    from pluralign.settings.survey import EndpointModelSettings, LocalModelSettings
    from pluralign.surveying.respondents import open_chat_model

    def note(text: str) -> None:
        typer.echo(text, err=True)

    if base_url is None:
        return open_chat_model(LocalModelSettings(name=model), note)
    settings = EndpointModelSettings(name=model, base_url=base_url, api_key_env=api_key_env)
    return open_chat_model(settings, note)
