"""``pluralign survey tasks`` and ``pluralign every-eval-ever``: surveys and results for other tools."""

from pathlib import Path
from typing import Annotated, Literal

import typer


def tasks(
    source: Annotated[
        str,
        typer.Option("--survey", help="Folder in CultureSPA's layout, or the name of a source."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write.")],
    strategy: Annotated[
        list[str] | None,
        typer.Option("--strategy", "-s", help="How to put questions (see `survey strategies`)."),
    ] = None,
    community: Annotated[
        list[str] | None,
        typer.Option("--community", "-c", help="Whose people to compare with; may be repeated."),
    ] = None,
    name: Annotated[str, typer.Option(help="Tag that all tasks share.")] = "pluralign",
) -> None:
    """Write the survey as a folder of lm-eval tasks, one for each strategy and community.

    Then: `lm-eval run --model hf --model_args pretrained=MODEL --include_path FOLDER --tasks NAME`, with
    `--apply_chat_template` where the model has a template.
    """
    from pluralign.asking import load_strategy
    from pluralign.cli.screen import console
    from pluralign.cli.surveying import survey_table
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
    say = console()
    for note, n in (*tally.dropped.items(), *tally.notes.items()):
        say.print(f"note: {note}" + (f" ({n:,})" if n > 1 else ""), markup=False, style="dim")
    say.print(
        f"{len(written)} tasks written to {out}: {', '.join(written[:3])}{', ...' if len(written) > 3 else ''}"
    )


def every_eval_ever(
    run: Annotated[
        Path, typer.Argument(help="Folder of a run, with record.json and results.jsonl.")
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder to write to, one file for each model.")
    ],
    organisation: Annotated[str, typer.Option(help="Who ran the evaluation.")],
    relationship: Annotated[
        Literal["first_party", "third_party", "collaborative", "other"],
        typer.Option(help="Of who ran it to who made the model."),
    ] = "other",
) -> None:
    """Write the results of a run as Every Eval Ever's JSON (schema 0.3.0), an entry for each community."""
    from pluralign.cli.screen import console
    from pluralign.core import count_of
    from pluralign.interop import write_every_eval_ever

    written = write_every_eval_ever(run, out, organisation, relationship)
    console().print(
        f"{count_of(len(written), 'file')} written to {out}: {', '.join(path.name for path in written[:5])}"
    )
