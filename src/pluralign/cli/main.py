"""``pluralign``: the commands, their help, and what happens when something is wrong."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from pluralign._version import __version__
from pluralign.cli import exporting, sharing
from pluralign.cli.auditing import audit
from pluralign.cli.pluralising import pluralise
from pluralign.cli.reporting import report
from pluralign.cli.serving import serve
from pluralign.cli.surveying import survey
from pluralign.cli.trusting import TrustEncoder


class _Careful(TyperGroup):
    """Ends with one readable message and an exit code, never with a traceback, where a user can mend what is wrong."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command: exit code 0 done, 2 bad settings or input, 130 stopped by hand."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:  # the reader, such as `head`, has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(141) from error
        except KeyboardInterrupt as error:
            sys.stderr.write("stopped; the same command goes on from here\n")
            raise typer.Exit(130) from error
        except Exception as error:
            from pluralign.cli.failing import message_of
            from pluralign.core import masked, printable

            message = message_of(error)
            if message is None:
                raise
            sys.stderr.write(f"error: {printable(masked(message))}\n")
            raise typer.Exit(2) from error


app = typer.Typer(
    name="pluralign",
    cls=_Careful,
    help="Steer reward models to the communities people live in, and measure how well each is served.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
data = typer.Typer(
    help="What can be read, what a source holds, and what is kept on disk.", no_args_is_help=True
)
app.add_typer(data, name="data")
survey.command()(sharing.tasks)
app.add_typer(survey, name="survey")

AsJson = Annotated[
    bool,
    typer.Option(
        "--json", help="Print JSON alone on standard output; progress goes to standard error."
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Override a setting, as in --set scpo.tau=0.6. May be repeated.",
    ),
]

SkipBad = Annotated[
    bool, typer.Option("--skip-bad", help="Drop and count rows that cannot be read.")
]


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


@app.command()
def run(
    config: Annotated[Path, typer.Argument(help="Settings of the experiment, a TOML file.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder to write to; runs/NAME by default.")
    ] = None,
    overrides: Overrides = None,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain", help="Print every setting and where its value came from; run nothing."
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Run all of it small, with random weights and without the hub; keep nothing.",
        ),
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin anew, whatever is in the folder.")
    ] = False,
    matrix: Annotated[
        bool,
        typer.Option(
            "--matrix",
            help="Write every steer on every community to results.jsonl, however many there are.",
        ),
    ] = False,
    skip_bad: SkipBad = False,
    as_json: AsJson = False,
) -> None:
    """Fit a reference and steer it to each community by every method, then measure how well each is served.

    Everything is checked before anything starts. A run that was stopped goes on where it was: give the same command
    again. With --dry-run all of it runs small first, in a temporary folder: any fault shows in seconds.

    Example settings:

        name = "uk"
        [pairs]
        source = "jsonl"
        path = "pairs.jsonl"
        [reference]
        fit_on = ["~world"]
    """
    from pluralign.cli.showing import show_explained, show_outcome
    from pluralign.experiments import run_experiment
    from pluralign.huggingface.processes import is_main
    from pluralign.settings import explain as explained
    from pluralign.settings import read_settings, resolve

    resolved = resolve(
        read_settings(config),
        base=config.parent.resolve(),
        where=config.name,
        overrides=[*(overrides or []), *(["matrix=true"] if matrix else [])],
        skip_bad=skip_bad,
    )
    if explain:
        show_explained(explained(resolved), as_json)
        return
    if dry_run:
        _rehearse(resolved, as_json)
        return
    folder = out or Path("runs") / resolved.settings.name
    with _telling() as reporter:
        outcome = run_experiment(resolved, folder, reporter, fresh)
    if is_main():
        show_outcome(outcome, folder, as_json)


def _rehearse(resolved: Any, as_json: bool) -> None:
    from dataclasses import asdict

    from pluralign.cli.showing import print_json
    from pluralign.experiments.rehearsal import rehearse
    from pluralign.huggingface.processes import is_main

    with _telling() as reporter:
        found = rehearse(resolved, reporter)
    if is_main() and as_json:
        print_json(asdict(found))
    elif is_main():
        typer.echo("\n".join(found.lines()))


def _telling() -> Any:
    """The screen; of several processes, the first has it."""
    from contextlib import nullcontext

    from pluralign.cli.screen import Screen
    from pluralign.core import Silent
    from pluralign.huggingface.processes import is_main

    return Screen() if is_main() else nullcontext(Silent())


@app.command()
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
            help=".jsonl, .json, .csv or .parquet: prompt and response, or prompt, chosen and rejected."
        ),
    ],
    community: Annotated[
        list[str] | None,
        typer.Option(
            "--community",
            "-c",
            help="Community to score for; ~world is the reference. Default: all.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="JSONL file to write; else standard output.")
    ] = None,
    strength: Annotated[
        float, typer.Option(help="0 is the reference, 1 the fitted steering.", min=0.0)
    ] = 1.0,
    thoughts: Annotated[
        str,
        typer.Option(
            help="Thoughts before an answer (<think>, ...): strip leaves them out, keep scores them."
        ),
    ] = "strip",
    skip_bad: SkipBad = False,
    trust_encoder: TrustEncoder = None,
) -> None:
    """Score prompts and responses for communities.

    A row in, a row out: its line, its id, and a reward for each community, in logits. Rewards compare responses to
    one prompt; for a pair, the margin says how much more the community is expected to like the chosen one. What a
    reasoning model thought before its answer is left out; a thought that never ends is no answer and has no reward.
    """
    from pluralign.cli.screen import Screen
    from pluralign.cli.showing import show_tally, write_lines
    from pluralign.cli.showing_communities import not_steered_lines
    from pluralign.core import WORLD, Tally
    from pluralign.models import open_model, score_file, steers_for
    from pluralign.rewards import load_card, name_on_card, read_thoughts

    kept = read_thoughts(thoughts, where="--thoughts")
    loaded = open_model(model, trust_encoder=trust_encoder)
    steers = steers_for(loaded, community or [], strength)
    tally = Tally()
    with Screen() as screen:
        write_lines(score_file(loaded, file, steers, tally, skip_bad, screen, kept), out)
        if WORLD.id in steers:
            screen.note(f"{WORLD.id} is the {name_on_card(load_card(model), WORLD.id)}")
        for line in () if community else not_steered_lines(load_card(model)):
            screen.note(line)
    show_tally(tally, "scored")


@app.command()
def demo(
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder to keep the run in; else a temporary one."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the people and of the split.", min=0)] = 0,
    encoder: Annotated[
        str, typer.Option(help="hash (nothing to install), static or minilm.")
    ] = "hash",
    as_json: AsJson = False,
) -> None:
    """Run the whole on a planted society, and compare the tastes found with those planted.

    Everybody in it is simulated. It shows that the methods find what is there, and nothing about real people.
    """
    import tempfile

    from pluralign.cli.screen import Screen
    from pluralign.cli.showing import show_demonstration
    from pluralign.experiments import demonstrate

    with tempfile.TemporaryDirectory() as temporary, Screen() as screen:
        found = demonstrate(out or Path(temporary) / "demo", seed, encoder, screen)
    show_demonstration(found, out, as_json)


app.command()(pluralise)
app.command()(audit)
app.command()(report)
app.command()(serve)
app.command()(exporting.export)
app.command()(exporting.rewardbench)
app.command("every-eval-ever")(sharing.every_eval_ever)


@data.command("list")
def list_sources(as_json: AsJson = False) -> None:
    """List the sources of pairs and surveys that can be named in settings."""
    from pluralign.cli.showing import show_sources

    show_sources(as_json)


@data.command("show")
def show_source(
    source: Annotated[
        str,
        typer.Argument(
            help="Name of a source (see `data list`), or a file of pairs: .jsonl, .json, .csv, .parquet."
        ),
    ],
    overrides: Overrides = None,
    skip_bad: SkipBad = False,
    as_json: AsJson = False,
) -> None:
    """Read a source through: rows kept and dropped by reason, the licence, the people behind each community.

    Examples: `pluralign data show pairs.jsonl`, `pluralign data show global_opinions --set path=opinions.csv`
    """
    from pluralign.cli.showing import show_report
    from pluralign.core import NotEnoughData
    from pluralign.settings import built, source_named
    from pluralign.settings.toml_tables import override
    from pluralign.sources import report_on
    from pluralign.sources.arrow_rows import is_saved_dataset
    from pluralign.sources.row_files import file_kind

    tables: dict[str, object] = {}
    if file_kind(Path(source)) is not None or is_saved_dataset(Path(source)):
        source, tables["path"] = "jsonl", source
    for text in overrides or []:
        override(tables, text.strip().removeprefix("pairs."))
    if skip_bad:
        tables["skip_bad"] = True
    report = report_on(built(source_named(source), tables, Path.cwd(), source))
    show_report(report, as_json)
    if not report.tally.made:
        raise NotEnoughData(
            "no pair can be made of this source", where=source, hint=report.tally.why() or None
        )


@data.command("cache")
def show_cache(
    clear: Annotated[
        bool, typer.Option("--clear", help="Delete the embeddings and distilled encoders kept.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show how much room the kept embeddings take, or clear them."""
    from pluralign.cli.showing import show_cache_info
    from pluralign.encoders import cache_size, clear_cache

    show_cache_info(clear_cache() if clear else cache_size(), clear, as_json)


def main() -> None:
    """Run the command line."""
    import logging

    logging.basicConfig(
        format="%(levelname)s: %(message)s", level=logging.WARNING, stream=sys.stderr
    )
    app()


if __name__ == "__main__":
    main()
