"""``pluralign pluralise``: a language model pluralises itself (CultureSPA), stage by stage."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from pluralign.cli.options import AsJson, Overrides, Wide
from pluralign.cli.surveying import as_overrides

Stage = Literal["questions", "filter", "answer", "collect", "tune", "evaluate"]


def pluralise(
    config: Annotated[
        Path | None, typer.Argument(help="Settings, a TOML file; or use the options.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder to write to; runs/NAME by default.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Folder or hub name of a causal language model.")
    ] = None,
    source: Annotated[
        str | None,
        typer.Option("--survey", help="Folder in CultureSPA's layout, or the name of a source."),
    ] = None,
    community: Annotated[
        list[str] | None,
        typer.Option("--community", "-c", help="Which cultures; may be repeated. Default: all."),
    ] = None,
    overrides: Overrides = None,
    until: Annotated[Stage, typer.Option(help="Last stage to run.")] = "evaluate",
    again: Annotated[
        Stage | None, typer.Option(help="Do this stage and those behind it anew.")
    ] = None,
    show: Annotated[
        Stage | None, typer.Option(help="Print what a stage did in the folder, and run nothing.")
    ] = None,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain", help="Print every setting and where its value came from; run nothing."
        ),
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin anew, whatever is in the folder.")
    ] = False,
    wide: Wide = False,
    as_json: AsJson = False,
) -> None:
    """Let a language model pluralise itself, and measure what that changed (CultureSPA).

    It writes survey questions, answers each as nobody in particular and in each culture's name, and is tuned on its own
    answers where naming the culture changed them. Then the tuned model and its start answer the people's survey: how
    close to each people, how varied, how often refused; and, with `evaluate.tasks`, what it still can do.

    Every stage leaves a folder that can be read. A run that was stopped goes on with the same command.

    Examples:
        pluralign pluralise --model models/mine --survey wvs -c MEX -c NGA --out runs/mine --until collect

        pluralign pluralise culturespa.toml --set 'tune.kinds=["joint", "specific"]'
    """
    from pluralign.cli.explained_settings import show_explained
    from pluralign.cli.output import Output
    from pluralign.cli.pluralise_tables import show_pluralise, show_stage
    from pluralign.cli.screen import Screen
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
            *(overrides or []),
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
    """The folder of a run that is only looked at."""
    from pluralign.settings import read_settings

    named = read_settings(config).get("name") if config else None
    return out or Path("runs") / str(named or "pluralise")
