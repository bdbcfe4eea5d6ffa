"""``pluralign survey``: ask language models the questions of surveys, and measure the answers."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from pluralign.cli.completion import (
    complete_source,
    complete_source_setting,
    complete_survey_setting,
)
from pluralign.cli.later import CommandGroup
from pluralign.cli.options import (
    AsJson,
    BaseUrl,
    Communities,
    Explain,
    Fresh,
    ModelName,
    RunFolderOut,
    SkipBad,
    Strategies,
    Wide,
    overrides,
)

survey = typer.Typer(
    cls=CommandGroup,
    help="Ask language models the questions of surveys, and compare the answers with people's.",
    epilog="Example: `pluralign survey run --survey wvs --model models/mine`",
    no_args_is_help=True,
)


@survey.command()
def run(
    config: Annotated[
        Path | None,
        typer.Argument(help="Settings of the survey, a TOML file. Without one, use the options."),
    ] = None,
    out: RunFolderOut = None,
    model: ModelName = None,
    base_url: BaseUrl = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--survey",
            help="Folder in CultureSPA's layout, SOURCE=PATH, or the name of a source.",
            autocompletion=complete_source,
        ),
    ] = None,
    strategy: Strategies = None,
    community: Communities = None,
    sets: Annotated[
        list[str] | None, overrides(complete_survey_setting, "sampling.temperature=0.7")
    ] = None,
    explain: Explain = False,
    show: Annotated[
        int,
        typer.Option(
            "--show",
            min=0,
            metavar="N",
            help="Print the first N asks of each strategy word for word, and do nothing else.",
        ),
    ] = 0,
    fresh: Fresh = False,
    wide: Wide = False,
    as_json: AsJson = False,
) -> None:
    """Ask a language model the questions of a survey, and compare the answers with people's.

    Every answer is saved as soon as it arrives. To resume a run that was stopped, give the same
    command again; no question is asked twice.

    Examples:
    * `pluralign survey run --survey wvs --model models/mine -s culture_aware`
    * `pluralign survey run --survey wvs --base-url http://127.0.0.1:8000/v1 --model llama-3`
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
        overrides=[*given, *(sets or [])],
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
    """Settings that options stand for; a folder is a survey in CultureSPA's layout."""
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
    """The settings of a survey: a folder in CultureSPA's layout, a source, or SOURCE=PATH."""
    if Path(name).is_dir():
        return {"source": "shares", "path": str(Path(name).resolve())}
    source, sign, path = name.partition("=")
    return {"source": source, "path": str(Path(path).resolve())} if sign else {"source": name}


@survey.command()
def evaluate(
    answers: Annotated[
        list[Path],
        typer.Argument(help="Files of recorded answers: .jsonl, .json, .csv or .parquet."),
    ],
    source: Annotated[
        str,
        typer.Option(
            "--survey",
            help="Folder in CultureSPA's layout, SOURCE=PATH, or the name of a source, with its "
            "settings as --set.",
            autocompletion=complete_source,
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write to.")],
    parser: Annotated[
        Literal["strict", "published"],
        typer.Option(
            help="Rule by which answers are read: strict separates refusals from answers, "
            "published takes the first integer as CultureSPA does."
        ),
    ] = "strict",
    numbering: Annotated[
        Literal["auto", "codes", "one"],
        typer.Option(
            help="Numbers of the options where the rows do not give them: the survey's codes, or "
            "numbers from 1."
        ),
    ] = "auto",
    community: Communities = None,
    draws: Annotated[
        int, typer.Option(help="Number of bootstrap draws over questions.", min=1)
    ] = 2000,
    seed: Annotated[int, typer.Option(help="Seed of the intervals.", min=0)] = 0,
    sets: Annotated[list[str] | None, overrides(complete_source_setting, "path=survey")] = None,
    model: Annotated[str | None, typer.Option(help="Model of the rows that name none.")] = None,
    strategy: Annotated[
        str | None, typer.Option(help="Strategy of the rows that name none.")
    ] = None,
    in_the_name_of: Annotated[
        str | None,
        typer.Option(
            "--named",
            metavar="COMMUNITY",
            help="Community that the questions name, for the rows without one; '' for none.",
        ),
    ] = None,
    skip_bad: SkipBad = False,
    wide: Wide = False,
    as_json: AsJson = False,
) -> None:
    """Compare recorded answers with people's answers; no model is needed.

    A row is one answer: `model, strategy, country` (or `community`; null if the question named
    none), `question_id` and `answer` (the text as returned). The result files of CultureSPA
    (`MODEL/wvs_result_STRATEGY_COUNTRY_RUN.json`) are read too.

    Example: `pluralign survey evaluate answers.jsonl.gz --survey wvs --out runs/llama`
    """
    from pluralign.cli.output import Output
    from pluralign.cli.screen import Screen
    from pluralign.cli.survey_tables import show_survey
    from pluralign.settings.resolved_survey import survey_source
    from pluralign.settings.toml_tables import override
    from pluralign.settings.validation import community_ids
    from pluralign.sources import AnswerNames
    from pluralign.surveying.survey_evaluation import evaluate_answers

    table: dict[str, Any] = dict(survey_table(source))
    for text in sets or []:
        override(table, text.removeprefix("survey."))  # As `survey run` names the same settings.
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
    """List the strategies of asking a question, and the folder of their templates.

    Copy a template to change it.

    Example: `pluralign survey strategies --wide`
    """
    from pluralign.cli.output import Output
    from pluralign.cli.survey_tables import show_strategies

    show_strategies(Output(as_json=as_json, wide=wide))
