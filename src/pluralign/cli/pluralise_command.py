"""``pluralign pluralise``: CultureSPA, stage by stage."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from pluralign.cli.completion import (
    complete_community,
    complete_pluralise_setting,
    complete_source,
)
from pluralign.cli.options import AsJson, Explain, Fresh, RunFolderOut, Wide, overrides

Stage = Literal["questions", "filter", "answer", "collect", "tune", "evaluate"]


def pluralise(
    config: Annotated[
        Path | None,
        typer.Argument(help="Settings of the run, a TOML file. Without one, use the options."),
    ] = None,
    out: RunFolderOut = None,
    model: Annotated[
        str | None, typer.Option(help="Folder or hub name of a causal language model.")
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--survey",
            help="Folder in CultureSPA's layout, SOURCE=PATH, or the name of a source.",
            autocompletion=complete_source,
        ),
    ] = None,
    community: Annotated[
        list[str] | None,
        typer.Option(
            "--community",
            "-c",
            help="Culture to include. May be repeated. The default is all of the survey.",
            autocompletion=complete_community,
        ),
    ] = None,
    sets: Annotated[
        list[str] | None, overrides(complete_pluralise_setting, "collect.fraction=0.5")
    ] = None,
    until: Annotated[Stage, typer.Option(help="Last stage to run.")] = "evaluate",
    again: Annotated[Stage | None, typer.Option(help="Redo this stage and the later ones.")] = None,
    show: Annotated[
        Stage | None, typer.Option(help="Print the summary of a finished stage, and run nothing.")
    ] = None,
    explain: Explain = False,
    fresh: Fresh = False,
    wide: Wide = False,
    as_json: AsJson = False,
) -> None:
    """Tune a language model on its own culture-aware answers, and measure the change (CultureSPA).

    The model writes survey questions and answers each without a culture and in the name of each
    culture. It is tuned on the answers that change when the culture is named. Then the tuned model
    and the model before tuning answer the survey: the command reports the closeness to the people
    of each country, the variety and the refusals, and with `evaluate.tasks` the general ability.

    Every stage writes a folder of its own. To resume a run that was stopped, give the same command
    again.

    Examples:
    * `pluralign pluralise --model models/mine --survey wvs -c MEX -c NGA --until collect`
    * `pluralign pluralise culturespa.toml --set 'tune.kinds=["joint", "specific"]'`
    """
    from pluralign.cli.explained_settings import show_explained
    from pluralign.cli.output import Output
    from pluralign.cli.pluralise_tables import show_pluralise, show_stage
    from pluralign.cli.screen import Screen
    from pluralign.cli.survey_commands import as_overrides
    from pluralign.pluralising import (
        read_stage,
        run_pluralise,
    )
    from pluralign.settings import (
        explain_pluralise,
        read_settings,
        resolve_pluralise,
    )

    output = Output(as_json=as_json, wide=wide)
    if show:
        show_stage(show, read_stage(_folder(out, config), show), output)
        return
    resolved = resolve_pluralise(
        read_settings(config) if config else {},
        base=config.parent.resolve() if config else Path.cwd(),
        where=config.name if config else "options",
        overrides=[
            *as_overrides(model=model, source=source, community=community),
            *(sets or []),
        ],
    )
    if explain:
        show_explained(explain_pluralise(resolved), output)
        return
    folder = out or Path("runs") / resolved.settings.name
    with Screen() as screen:
        outcome = run_pluralise(resolved, folder, screen, until=until, again=again, fresh=fresh)
    show_pluralise(outcome, folder, output)


def _folder(out: Path | None, config: Path | None) -> Path:
    """The folder of a run, for a summary."""
    from pluralign.settings import read_settings

    named = read_settings(config).get("name") if config else None
    return out or Path("runs") / str(named or "pluralise")
