"""Surveys, tests of knowledge and results for other tools: ``tasks`` and ``every-eval-ever``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pluralign.cli.completion import complete_source
from pluralign.cli.knowledge_options import (
    FORM,
    LIKELIHOOD,
    OPTIONS,
    PLACE,
    AskedLanguages,
    First,
    OfCommunities,
)
from pluralign.cli.options import Communities, SkipBad, Strategies

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pluralign.core import Tally

Tag = Annotated[str, typer.Option("--name", help="Tag of all tasks.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder to write.")]


def tasks(
    source: Annotated[
        str,
        typer.Option(
            "--survey",
            help="Folder in CultureSPA's layout, SOURCE=PATH, or the name of a source.",
            autocompletion=complete_source,
        ),
    ],
    out: Out,
    strategy: Strategies = None,
    community: Communities = None,
    name: Tag = "pluralign",
) -> None:
    """Write a survey as a folder of lm-eval tasks, one for each strategy and community.

    Run them with `lm-eval run --model hf --model_args pretrained=MODEL --include_path FOLDER
    --tasks NAME`, and with `--apply_chat_template` if the model has a chat template.

    Example: `pluralign survey tasks --survey wvs -s culture_aware -c MEX --out tasks`
    """
    from pluralign.asking import load_strategy
    from pluralign.cli.survey_commands import survey_table
    from pluralign.core import Tally
    from pluralign.interop import write_lm_eval_tasks
    from pluralign.settings import survey_source
    from pluralign.settings.validation import community_ids

    survey = survey_source(survey_table(source), Path.cwd(), "--survey").survey()
    chosen = community_ids(community, "--community") if community else survey.communities
    loaded = [load_strategy(one) for one in strategy or ["culture_aware"]]
    tally = Tally()
    for one in loaded:
        if one.shows_gold:
            tally.note(f"{one.name} shows the model real answers of these people")
    written = write_lm_eval_tasks(survey, loaded, chosen, out, name, tally)
    _show_tasks(written, tally, out)


def knowledge_tasks(
    test: Annotated[Path, typer.Argument(help="The test, as for `pluralign knowledge check`.")],
    out: Out,
    languages: AskedLanguages = None,
    place: Annotated[Literal["named", "unnamed", "both"], PLACE] = "named",
    form: Annotated[Literal["short", "options", "both"], FORM] = "short",
    likelihood: Annotated[bool, LIKELIHOOD] = False,
    options: Annotated[int, OPTIONS] = 4,
    community: OfCommunities = None,
    first: First = 1,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the options and their order.")] = 0,
    name: Tag = "knowledge",
    skip_bad: SkipBad = False,
) -> None:
    """Write a test of knowledge as a folder of lm-eval tasks.

    There is a task for each community, language, form and way to name the place. Run them with
    `lm-eval run --model hf --model_args pretrained=MODEL --include_path FOLDER --tasks NAME`, and
    with `--apply_chat_template` if the model has a chat template. `pluralign knowledge score
    --answers` reads the files that lm-eval writes with `--log_samples`.

    Examples:
    * `pluralign knowledge tasks blend/ -c IRN --in fa,en --name iran --out tasks`
    * `pluralign knowledge tasks questions.jsonl -c IRN --language fa --likelihood --out tasks`
    """
    from pluralign.asking import KnowledgePutting
    from pluralign.cli.knowledge_options import ids_of, source_of, tags_of
    from pluralign.core import Tally
    from pluralign.interop import write_lm_eval_knowledge
    from pluralign.settings.knowledge import forms_of, ways_to_name
    from pluralign.sources import read_knowledge

    chosen, tags, tally = ids_of(community), tags_of(languages), Tally()
    own = tags[0] if tags and len(tags) == 1 else None
    found = read_knowledge(source_of(test, chosen, own, first, skip_bad=skip_bad), tally)
    putting = KnowledgePutting(
        languages=tags,
        place_named=ways_to_name(place),
        forms=("options",) if likelihood else forms_of(form),
        options=options,
        shows_options=not likelihood,
        seed=seed,
    )
    written = write_lm_eval_knowledge(
        found, putting, out, communities=chosen or None, name=name, tally=tally
    )
    _show_tasks(written, tally, out)


def _show_tasks(written: "Sequence[str]", tally: "Tally", out: Path) -> None:
    """Print what was written, and what was left out."""
    from pluralign.cli.screen import console
    from pluralign.core import count_of

    say = console()
    for note, n in (*tally.dropped.items(), *tally.notes.items()):
        say.print(f"note: {note}" + (f" ({n:,})" if n > 1 else ""), markup=False, style="dim")
    first = ", ".join(written[:3]) + (", ..." if len(written) > 3 else "")
    say.print(f"{count_of(len(written), 'task')} written to {out}: {first}")


def every_eval_ever(
    run: Annotated[
        Path, typer.Argument(help="Folder of a run, with record.json and results.jsonl.")
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder to write to, one file for each model.")
    ],
    organisation: Annotated[str, typer.Option(help="Organisation that ran the evaluation.")],
    relationship: Annotated[
        Literal["first_party", "third_party", "collaborative", "other"],
        typer.Option(help="Relation of that organisation to the maker of the model."),
    ] = "other",
) -> None:
    """Write the results of a run as Every Eval Ever's JSON (schema 0.3.0).

    There is an entry for each community.

    Example: `pluralign every-eval-ever runs/uk --out evals --organisation "My university"`
    """
    from pluralign.cli.screen import console
    from pluralign.core import count_of
    from pluralign.interop import write_every_eval_ever

    written = write_every_eval_ever(run, out, organisation, relationship)
    first = ", ".join(path.name for path in written[:5])
    console().print(f"{count_of(len(written), 'file')} written to {out}: {first}")
