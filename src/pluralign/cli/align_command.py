"""``pluralign align``: a language model that follows each community's reward model."""

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from pluralign.cli.completion import complete_align_setting, complete_community
from pluralign.cli.options import AsJson, Explain, Fresh, On, RunFolderOut, Wide, overrides

Stage = Literal["sample", "score", "select", "tune", "route", "evaluate", "search", "write", "keep"]

_OF_TASK = ("search", "write", "keep")


def align(
    config: Annotated[
        Path | None,
        typer.Argument(help="Settings of the run, a TOML file. Without one, use the options."),
    ] = None,
    out: RunFolderOut = None,
    data: Annotated[
        Literal["prompts", "task"] | None,
        typer.Option(
            help="Training data: sampled answers to prompts (the default), or examples of a target "
            "task that a model writes from documents. The settings may contain it too."
        ),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Folder or hub name of a causal language model.")
    ] = None,
    reward: Annotated[
        str | None,
        typer.Option(help="Folder of a saved reward model, or URL of `pluralign serve`."),
    ] = None,
    judge: Annotated[
        str | None,
        typer.Option(help="Folder or URL of a reward model of other people, which measures."),
    ] = None,
    prompts: Annotated[
        Path | None, typer.Option(help="File of prompts; a file of preference pairs will do.")
    ] = None,
    community: Annotated[
        list[str] | None,
        typer.Option(
            "--community",
            "-c",
            help="Community to follow. May be repeated. The default is all of the reward model.",
            autocompletion=complete_community,
        ),
    ] = None,
    pass_file: Annotated[
        str | None,
        typer.Option(
            "--pass",
            metavar="FILE",
            help="Conditions that policies must meet, a TOML file or `tapestry`; registered with "
            "their digest before answers have rewards, and judged at the end.",
        ),
    ] = None,
    sets: Annotated[list[str] | None, overrides(complete_align_setting, "sample.n=16")] = None,
    until: Annotated[
        Stage | None, typer.Option(help="Last stage to run. The default is all stages.")
    ] = None,
    again: Annotated[Stage | None, typer.Option(help="Redo this stage and the later ones.")] = None,
    show: Annotated[
        Stage | None, typer.Option(help="Print the summary of a finished stage, and run nothing.")
    ] = None,
    dry: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Check settings, prompts, reward model and language model without its weights, "
            "list what the run will do, and write nothing. Not with --data task.",
        ),
    ] = False,
    explain: Explain = False,
    fresh: Fresh = False,
    on: On = "local",
    wide: Wide = False,
    as_json: AsJson = False,
) -> None:
    """Let a language model follow the reward model of each community, and measure the gain.

    The model answers each prompt several times, and the reward model scores the answers for every
    community. Best of n takes the answer with the highest reward; `raft`, `dpo` and `orpo` train an
    adapter for each community on such answers, `grpo` and `rloo` on answers that the policy samples
    while it learns. The command reports the gain over the start model,
    for the community that is followed and for all others, next to the longest and the shortest
    answer. With `--judge`, a reward model of other people measures it too: where its gain falls
    behind, the answers please the reward model and not people.

    With `--data task`, a model writes examples of a target task from the documents of each
    community, an adapter learns them, and all are measured on test items; `docs/task_data.md` has
    the settings. The stages are then `search`, `write`, `keep`, `tune`, `route` and `evaluate`.

    Every stage writes a folder of its own. To resume a run that was stopped, give the same command
    again.

    Examples:
    * `pluralign align --model models/mine --reward runs/prism/models/seed-0/full --prompts p.jsonl`
    * `pluralign align recipes/align/one-gpu-8b.toml --dry-run`
    * `pluralign align align.toml --set 'methods=["best-of-n", "raft"]' -c MEX -c GBR`
    * `pluralign align task.toml --data task --until keep`
    """
    from pluralign.aligning import dry_run, read_align_stage, run_align
    from pluralign.aligning.task_data import read_task_stage, run_align_task
    from pluralign.cli.align_tables import show_align, show_align_stage, show_dry_run, show_task
    from pluralign.cli.explained_settings import show_explained
    from pluralign.cli.output import Output
    from pluralign.cli.screen import Screen
    from pluralign.cli.survey_commands import as_overrides
    from pluralign.core import InvalidSettings, Silent
    from pluralign.huggingface.processes import is_main
    from pluralign.scaling import workers_on
    from pluralign.settings import (
        explain_align,
        explain_align_task,
        read_settings,
        resolve_align,
        resolve_align_task,
    )

    output = Output(as_json=as_json, wide=wide)
    tables = read_settings(config) if config else {}
    data = data or ("task" if tables.get("data") == "task" else "prompts")
    if show:
        read = read_task_stage if data == "task" or show in _OF_TASK else read_align_stage
        show_align_stage(show, read(_folder(out, tables, data), show), output)
        return
    given = {
        "reward.model": reward,
        "reward.judge": judge,
        "prompts.path": prompts,
        "evaluate.pass_file": pass_file,
    }
    base = config.parent.resolve() if config else Path.cwd()
    where = config.name if config else "options"
    lines = [
        *as_overrides(model=model, community=community),
        *(f"{key}={_placed(value)}" for key, value in given.items() if value is not None),
        *(sets or []),
    ]
    if data == "task":
        if dry:
            raise InvalidSettings(
                "a run on a task cannot be rehearsed",
                where="--dry-run",
                hint="look at its settings with --explain, or stop it with --until search",
            )
        if on != "local":
            raise InvalidSettings(
                "a run on a task has no reward model, so workers have nothing to score",
                where="--on",
                hint="leave --on out",
            )
        task = resolve_align_task(tables | {"data": data}, base=base, where=where, overrides=lines)
        if explain:
            show_explained(explain_align_task(task), output)
            return
        folder = out or Path("runs") / task.settings.name
        with Screen() as screen:
            written = run_align_task(
                task, folder, screen, until=until or "evaluate", again=again, fresh=fresh
            )
        show_task(written, folder, output)
        return
    resolved = resolve_align(tables, base=base, where=where, overrides=lines)
    if explain:
        show_explained(explain_align(resolved), output)
        return
    folder = out or Path("runs") / resolved.settings.name
    if dry:
        with Screen() as screen:
            planned = dry_run(resolved, folder, screen)
        show_dry_run(planned, folder, output)
        return
    drawn = Screen() if is_main() else nullcontext(Silent())
    with workers_on(on) as workers, drawn as reporter:
        outcome = run_align(
            resolved,
            folder,
            reporter,
            until=until or "evaluate",
            again=again,
            fresh=fresh,
            workers=workers,
        )
    if is_main():
        show_align(outcome, folder, output)


def _placed(place: Path | str) -> str:
    """A URL, a preset or a path as TOML; the path is relative to the working directory.

    >>> _placed("http://127.0.0.1:8000")
    '"http://127.0.0.1:8000"'
    """
    import json

    from pluralign.settings.pass_file import PASS_PRESETS

    text = str(place)
    stays = text.startswith(("http://", "https://")) or text in PASS_PRESETS
    return json.dumps(text if stays else str(Path(place).resolve()))


def _folder(out: Path | None, tables: Mapping[str, Any], data: str) -> Path:
    """The folder of a run, for a summary."""
    usual = "task" if data == "task" else "align"
    return out or Path("runs") / str(tables.get("name") or usual)
