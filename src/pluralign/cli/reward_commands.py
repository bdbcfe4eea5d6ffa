"""``pluralign run``, ``score`` and ``demo``: reward models."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pluralign.cli.completion import complete_community, complete_run_setting
from pluralign.cli.options import (
    AsJson,
    Explain,
    Fresh,
    On,
    RunFolderOut,
    SkipBad,
    TrustEncoder,
    Wide,
    overrides,
)

if TYPE_CHECKING:
    from pluralign.settings import Resolved


def run(
    config: Annotated[Path, typer.Argument(help="Settings of the experiment, a TOML file.")],
    out: RunFolderOut = None,
    sets: Annotated[list[str] | None, overrides(complete_run_setting, "scpo.tau=0.6")] = None,
    explain: Explain = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Rehearse a small version of the run, without the hub; keep nothing.",
        ),
    ] = False,
    fresh: Fresh = False,
    matrix: Annotated[
        bool,
        typer.Option(
            "--matrix",
            help="Write every steer on every community to results.jsonl, however many there are.",
        ),
    ] = False,
    skip_bad: SkipBad = False,
    on: On = "local",
    wide: Wide = False,
    as_json: AsJson = False,
) -> None:
    """Fit a reference, steer it to each community by every method, and measure the result.

    The settings and the data are checked before anything starts. To resume a run that was
    stopped, give the same command again. --dry-run rehearses a small
    version of the run in a temporary folder, so that faults show within seconds. `pluralign init`
    writes a first settings file.

    Example: `pluralign run pairs.toml --out runs/pairs --set repeats=3`
    """
    from pluralign.cli.explained_settings import show_explained
    from pluralign.cli.output import Output
    from pluralign.cli.run_tables import show_outcome
    from pluralign.experiments import run_experiment
    from pluralign.huggingface.processes import is_main
    from pluralign.scaling import workers_on
    from pluralign.settings import explain as explained
    from pluralign.settings import read_settings, resolve

    output = Output(as_json=as_json, wide=wide)
    resolved = resolve(
        read_settings(config),
        base=config.parent.resolve(),
        where=config.name,
        overrides=[*(sets or []), *(["matrix=true"] if matrix else [])],
        skip_bad=skip_bad,
    )
    if explain:
        show_explained(explained(resolved), output)
        return
    if dry_run:
        _rehearse(resolved, as_json)
        return
    folder = out or Path("runs") / resolved.settings.name
    with workers_on(on) as workers, _progress() as reporter:
        outcome = run_experiment(resolved, folder, reporter, fresh, workers=workers)
    if is_main():
        show_outcome(outcome, folder, output)


def _rehearse(resolved: "Resolved", as_json: bool) -> None:
    from dataclasses import asdict

    from pluralign.cli.output import Output
    from pluralign.experiments.rehearsal import rehearse
    from pluralign.huggingface.processes import is_main

    with _progress() as reporter:
        found = rehearse(resolved, reporter)
    if is_main() and as_json:
        Output(as_json=True).json(asdict(found))
    elif is_main():
        typer.echo("\n".join(found.lines()))


def _progress() -> AbstractContextManager[Any]:
    """Where progress is drawn: the screen, for the first of several processes."""
    from contextlib import nullcontext

    from pluralign.cli.screen import Screen
    from pluralign.core import Silent
    from pluralign.huggingface.processes import is_main

    return Screen() if is_main() else nullcontext(Silent())


def score(
    model: Annotated[
        Path,
        typer.Argument(
            help="A saved reward model: a folder such as runs/uk/models/seed-7/adaptive."
        ),
    ],
    file: Annotated[
        Path,
        typer.Argument(
            help="A .jsonl, .json, .csv or .parquet file with the columns prompt and response, "
            "or prompt, chosen and rejected."
        ),
    ],
    community: Annotated[
        list[str] | None,
        typer.Option(
            "--community",
            "-c",
            help="Community to score for. May be repeated. ~world is the reference. "
            "The default is all. May be one that the data do not have, such as KEN.",
            autocompletion=complete_community,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="JSON Lines file to write. The default is standard output."
        ),
    ] = None,
    strength: Annotated[
        float, typer.Option(help="Strength of the steering: 0 is the reference.", min=0.0)
    ] = 1.0,
    unknown: Annotated[
        str,
        typer.Option(
            help="A community that nobody trained on: prior scores with the head of all "
            "communities together, and reports it; error refuses it.",
        ),
    ] = "prior",
    thoughts: Annotated[
        str,
        typer.Option(
            help="Thoughts before an answer (`<think>`, ...): strip removes them, keep scores them."
        ),
    ] = "strip",
    skip_bad: SkipBad = False,
    trust_encoder: TrustEncoder = None,
    on: On = "local",
    wide: Wide = False,
    as_json: AsJson = False,
) -> None:
    """Score prompts and responses for communities.

    Each row of the file gives one row of results: its line, its id, and a reward for each
    community, in logits. Rewards compare responses to one prompt. For a pair, the margin is the
    reward of the chosen response minus that of the rejected one. The thoughts of a reasoning
    model are removed; a response whose thoughts never end has no reward.

    A community that nobody trained on is scored with the head of all communities together, which
    is better than the reference, and the rows have `"heads": {"KEN": "prior"}`.
    A few choices of its people make a head of its own: `pluralign adapt --help`.

    On a terminal the results are a table. In a pipe, with --out or with --json they are JSON
    Lines.

    Example: `pluralign score runs/uk/models/seed-7/adaptive replies.jsonl -c GBR -c ~world`
    """
    from pluralign.cli.community_lines import made_head_lines, not_steered_lines
    from pluralign.cli.output import Output, write_lines
    from pluralign.cli.score_tables import show_scores
    from pluralign.cli.screen import Screen
    from pluralign.cli.source_tables import show_tally
    from pluralign.core import WORLD, Tally
    from pluralign.models import (
        ROWS_AT_ONCE,
        open_spread_model,
        score_file,
        steers_for,
        with_unseen,
    )
    from pluralign.rewards import load_card, name_on_card, read_thoughts
    from pluralign.scaling import workers_on

    output = Output(as_json=as_json, wide=wide)
    kept = read_thoughts(thoughts, where="--thoughts")
    prior, tally = _is_prior(unknown), Tally()
    with workers_on(on) as workers, Screen() as screen:
        loaded = open_spread_model(model, workers, trust_encoder)
        if prior:
            loaded = with_unseen(loaded, community or [])
        steers = steers_for(loaded, community or [], strength)
        at_once = ROWS_AT_ONCE * (1 if workers is None else 2 * workers.size)
        rows = score_file(loaded, file, steers, tally, skip_bad, screen, kept, at_once)
        if output.terminal and out is None and not as_json:
            show_scores(rows, list(steers), output)
        else:
            write_lines(rows, out)
        if WORLD.id in steers:
            screen.note(f"{WORLD.id} is the {name_on_card(load_card(model), WORLD.id)}")
        for line in made_head_lines(getattr(loaded, "about", {}), load_card(model), steers):
            screen.note(line)
        for line in () if community else not_steered_lines(load_card(model)):
            screen.note(line)
    show_tally(tally, "scored")


def _is_prior(unknown: str) -> bool:
    from pluralign.core import InvalidInput

    if unknown not in {"prior", "error"}:
        raise InvalidInput(f"{unknown!r:.80} is unknown", where="--unknown", hint="prior or error")
    return unknown == "prior"


def demo(
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder to keep the run in. By default nothing is kept."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the people and of the split.", min=0)] = 0,
    encoder: Annotated[
        str,
        typer.Option(
            help="Encoder: hash (nothing to install), static, minilm, or a model's name or folder."
        ),
    ] = "hash",
    wide: Wide = False,
    as_json: AsJson = False,
) -> None:
    """Run every method on a planted society, and compare the learned tastes with the planted ones.

    All its people are simulated. The demonstration shows that the methods find what is there; it
    shows nothing about real people.

    Example: `pluralign demo --out runs/demo`
    """
    import tempfile

    from pluralign.cli.output import Output
    from pluralign.cli.run_tables import show_demonstration
    from pluralign.cli.screen import Screen
    from pluralign.experiments import demonstrate

    with tempfile.TemporaryDirectory() as temporary, Screen() as screen:
        found = demonstrate(out or Path(temporary) / "demo", seed, encoder, screen)
    show_demonstration(found, out, Output(as_json=as_json, wide=wide))
