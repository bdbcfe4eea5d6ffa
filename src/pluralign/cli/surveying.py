"""``pluralign survey``: ask a language model as surveys ask people, and measure its answers against theirs."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from pluralign.cli.options import AsJson, Communities, Overrides, SkipBad, Wide

survey = typer.Typer(
    help="Ask language models as surveys ask people, and measure their answers against people's.",
    no_args_is_help=True,
)


@survey.command()
def run(
    config: Annotated[
        Path | None, typer.Argument(help="Settings of the survey, a TOML file; or use the options.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder to write to; runs/NAME by default.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="Folder or hub name of a model; with --base-url, the server's name for it."
        ),
    ] = None,
    base_url: Annotated[
        str | None, typer.Option(help="An OpenAI-compatible server, as http://127.0.0.1:8000/v1.")
    ] = None,
    source: Annotated[
        str | None,
        typer.Option("--survey", help="Folder in CultureSPA's layout, or the name of a source."),
    ] = None,
    strategy: Annotated[
        list[str] | None,
        typer.Option(
            "--strategy",
            "-s",
            help="How to put questions (see `survey strategies`); may be repeated.",
        ),
    ] = None,
    community: Communities = None,
    overrides: Overrides = None,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain", help="Print every setting and where its value came from; ask nothing."
        ),
    ] = False,
    show: Annotated[
        int,
        typer.Option(
            "--show", min=0, help="Print so many asks of each strategy, word for word; ask nothing."
        ),
    ] = 0,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin anew, whatever is in the folder.")
    ] = False,
    wide: Wide = False,
    as_json: AsJson = False,
) -> None:
    """Put the questions of a survey to a language model, and measure how close its answers come to each people's.

    Every answer is kept the moment it is there: a run that was stopped goes on where it was with the same command, and
    nothing is asked twice.

    Example: `pluralign survey run --survey wvs --model models/mine -s culture_aware --out runs/mine`

    With a server: `pluralign survey run --survey wvs --base-url http://127.0.0.1:8000/v1 --model llama-3`
    """
    from pluralign.cli.explained_settings import show_explained
    from pluralign.cli.output import Output
    from pluralign.cli.screen import Screen
    from pluralign.cli.survey_tables import show_asks, show_survey
    from pluralign.settings import explain_survey, read_settings, resolve_survey
    from pluralign.surveying import asks_of, run_survey

    output = Output(as_json=as_json, wide=wide)
    given = as_overrides(
        model=model, base_url=base_url, source=source, strategy=strategy, community=community
    )
    resolved = resolve_survey(
        read_settings(config) if config else {},
        base=config.parent.resolve() if config else Path.cwd(),
        where=config.name if config else "options",
        overrides=[*given, *(overrides or [])],
    )
    if explain:
        show_explained(explain_survey(resolved), output)
        return
    if show:
        show_asks(asks_of(resolved), show, output)
        return
    folder = out or Path("runs") / resolved.settings.name
    with Screen() as screen:
        outcome = run_survey(resolved, folder, screen, fresh)
    show_survey(outcome, folder, output)


def as_overrides(
    *,
    model: str | None = None,
    base_url: str | None = None,
    source: str | None = None,
    strategy: list[str] | None = None,
    community: list[str] | None = None,
) -> list[str]:
    """Options as settings; a survey that is a folder is one in CultureSPA's layout."""
    import json

    given: dict[str, Any] = {}
    if model is not None:
        given["model.name"] = str(Path(model).resolve()) if Path(model).is_dir() else model
    if base_url is not None:
        given |= {"model.kind": "endpoint", "model.base_url": base_url}
    if source is not None:
        given |= {f"survey.{key}": value for key, value in survey_table(source).items()}
    if strategy:
        given["strategies"] = [
            str(Path(s).resolve()) if s.endswith(".toml") else s for s in strategy
        ]
    if community:
        given["communities"] = community
    return [f"{key}={json.dumps(value)}" for key, value in given.items()]


def survey_table(name: str) -> dict[str, str]:
    """The table of settings that a folder in CultureSPA's layout, a source, or SOURCE=PATH stands for."""
    if Path(name).is_dir():
        return {"source": "shares", "path": str(Path(name).resolve())}
    source, sign, path = name.partition("=")
    return {"source": source, "path": str(Path(path).resolve())} if sign else {"source": name}


@survey.command()
def evaluate(
    answers: Annotated[
        list[Path],
        typer.Argument(
            help="Recorded answers: .jsonl, .json, .csv or .parquet; several may be given."
        ),
    ],
    source: Annotated[
        str,
        typer.Option(
            "--survey",
            help="Folder in CultureSPA's layout, or the name of a source (then --set path=...).",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write to.")],
    parser: Annotated[
        Literal["strict", "published"],
        typer.Option(
            help="strict tells refusals from answers; published takes the first integer, as CultureSPA does."
        ),
    ] = "strict",
    numbering: Annotated[
        Literal["auto", "codes", "one"],
        typer.Option(
            help="How options were numbered where the rows do not say: by the survey's codes, or from 1."
        ),
    ] = "auto",
    community: Communities = None,
    draws: Annotated[int, typer.Option(help="Bootstrap draws over questions.", min=1)] = 2000,
    seed: Annotated[int, typer.Option(help="Seed of the intervals.", min=0)] = 0,
    overrides: Overrides = None,
    model: Annotated[str | None, typer.Option(help="Model of rows without one.")] = None,
    strategy: Annotated[str | None, typer.Option(help="Strategy of rows without one.")] = None,
    in_the_name_of: Annotated[
        str | None,
        typer.Option(
            "--named", help="Community named in the questions of rows that do not say; '' for none."
        ),
    ] = None,
    skip_bad: SkipBad = False,
    wide: Wide = False,
    as_json: AsJson = False,
) -> None:
    """Measure recorded answers against people's; no model is needed.

    A row is one answer: `model, strategy, country` (or `community`; null when none was named), `question_id, answer`
    (the text as returned). CultureSPA's own result files (`MODEL/wvs_result_STRATEGY_COUNTRY_RUN.json`) are read as
    they are.

    Example: `pluralign survey evaluate answers.jsonl.gz --survey wvs --parser published --out runs/llama`
    """
    from pluralign.cli.output import Output
    from pluralign.cli.screen import Screen
    from pluralign.cli.survey_tables import show_survey
    from pluralign.settings.resolved_survey import survey_source
    from pluralign.settings.toml_tables import override
    from pluralign.settings.validation import community_ids
    from pluralign.sources import AnswerNames
    from pluralign.surveying.evaluation import evaluate_answers

    table: dict[str, Any] = dict(survey_table(source))
    for text in overrides or []:
        override(table, text)
    found = survey_source(table, Path.cwd(), "--survey")
    ids = community_ids(community, "--community") if community else None
    with Screen() as screen:
        outcome = evaluate_answers(
            answers,
            found,
            out,
            parser=parser,
            numbering=numbering,
            communities=ids,
            seed=seed,
            draws=draws,
            skip_bad=skip_bad,
            names=AnswerNames(model, strategy, in_the_name_of),
            reporter=screen,
        )
    show_survey(outcome, out, Output(as_json=as_json, wide=wide))


@survey.command()
def strategies(wide: Wide = False, as_json: AsJson = False) -> None:
    """List the ways of putting a question, and where their templates lie, to copy and change."""
    from pluralign.cli.output import Output
    from pluralign.cli.survey_tables import show_strategies

    show_strategies(Output(as_json=as_json, wide=wide))
