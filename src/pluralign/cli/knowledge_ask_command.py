"""``pluralign knowledge ask``: a test of knowledge for a language model."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from pluralign.cli.completion import complete_knowledge_setting
from pluralign.cli.knowledge_options import (
    FORM,
    LIKELIHOOD,
    OPTIONS,
    PLACE,
    AskedLanguages,
    First,
    OfCommunities,
    ids_of,
    tags_of,
)
from pluralign.cli.options import (
    AsJson,
    BaseUrl,
    Explain,
    Fresh,
    ModelName,
    RunFolderOut,
    SkipBad,
    Wide,
    overrides,
)


def ask(
    tests: Annotated[
        list[Path] | None,
        typer.Argument(
            help="The test, as for `pluralign knowledge check`; several are joined, as for "
            "`compare`. Without one, --settings names it."
        ),
    ] = None,
    out: RunFolderOut = None,
    config: Annotated[
        Path | None,
        typer.Option("--settings", help="Settings, a TOML file; options override them."),
    ] = None,
    model: ModelName = None,
    base_url: BaseUrl = None,
    languages: AskedLanguages = None,
    place: Annotated[Literal["named", "unnamed", "both"] | None, PLACE] = None,
    form: Annotated[Literal["short", "options", "both"] | None, FORM] = None,
    options: Annotated[int | None, OPTIONS] = None,
    community: OfCommunities = None,
    first: First = 1,
    draws: Annotated[
        int | None, typer.Option(min=1, help="Number of times each question is asked.")
    ] = None,
    likelihood: Annotated[bool, LIKELIHOOD] = False,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Number of questions about each community.")
    ] = None,
    sets: Annotated[
        list[str] | None, overrides(complete_knowledge_setting, "sampling.temperature=0.7")
    ] = None,
    explain: Explain = False,
    show: Annotated[
        int,
        typer.Option(
            "--show",
            min=0,
            metavar="N",
            help="Print the first N asks of each language, form and place word for word, and how "
            "many there are, and do nothing else.",
        ),
    ] = 0,
    skip_bad: SkipBad = False,
    fresh: Fresh = False,
    wide: Wide = False,
    as_json: AsJson = False,
) -> None:
    """Ask a language model the questions of a test of knowledge, and record its answers.

    Each question is asked in its local language and in English. Every answer is saved in
    answers.jsonl as soon as it arrives. To resume a run that was stopped, give the same command
    again; no question is asked twice.

    Examples:
    * `pluralign knowledge ask blend/ --model models/mine --in fa,en -c IRN --out runs/iran`
    * `pluralign knowledge ask oaxaca.toml --base-url http://127.0.0.1:8000/v1 --model llama-3`
    * `pluralign knowledge ask lima.toml blend/ --model models/mine --form options`
    * `pluralign knowledge ask questions.jsonl -c IRN --language fa --model models/mine`
    """
    from pluralign.cli.explained_settings import show_explained
    from pluralign.cli.knowledge_asked_tables import show_asked, show_knowledge_asks
    from pluralign.cli.output import Output
    from pluralign.cli.screen import Screen
    from pluralign.core import Tally
    from pluralign.settings import explain_knowledge, read_settings, resolve_knowledge
    from pluralign.sources.knowledge_reading import read_knowledge
    from pluralign.surveying import knowledge_asks, run_knowledge

    output = Output(as_json=as_json, wide=wide)
    given = _ask_overrides(
        tests=tests,
        first=first,
        model=model,
        base_url=base_url,
        languages=tags_of(languages),
        place=place,
        form="options" if likelihood else form,
        options=options,
        communities=list(ids_of(community)) or None,
        draws=draws,
        method="likelihood" if likelihood else None,
        limit=limit,
        skip_bad=skip_bad,
    )
    resolved = resolve_knowledge(
        read_settings(config) if config else {},
        base=config.parent.resolve() if config else Path.cwd(),
        where=config.name if config else "options",
        overrides=[*given, *(sets or [])],
    )
    if explain:
        show_explained(explain_knowledge(resolved), output)
        return
    if show:
        tally = Tally()
        asks = knowledge_asks(resolved, read_knowledge(resolved.source), tally)
        show_knowledge_asks(asks, tally, show, output)
        return
    folder = out or Path("runs") / resolved.settings.name
    with Screen() as screen:
        asked = run_knowledge(resolved, folder, screen, fresh)
    show_asked(asked, folder, output)


def _ask_overrides(
    *,
    tests: list[Path] | None,
    first: int,
    skip_bad: bool,
    model: str | None,
    base_url: str | None,
    **settings: Any,
) -> list[str]:
    """Settings that options stand for."""
    import json

    from pluralign.cli.survey_commands import as_overrides

    given = {key: value for key, value in settings.items() if value is not None}
    if tests:
        paths = [str(test.resolve()) for test in tests]
        given["test.path"] = paths if len(paths) > 1 else paths[0]
    if first != 1:
        given["test.first"] = first
    if skip_bad:
        given["test.skip_bad"] = True
    return [
        *as_overrides(model=model, base_url=base_url),
        *(f"{key}={json.dumps(value)}" for key, value in given.items()),
    ]
