"""``pluralign survey tasks`` and ``every-eval-ever``: surveys and results for other tools."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from pluralign.cli.completion import complete_source
from pluralign.cli.options import Communities, Strategies


def tasks(
    source: Annotated[
        str,
        typer.Option(
            "--survey",
            help="Folder in CultureSPA's layout, SOURCE=PATH, or the name of a source.",
            autocompletion=complete_source,
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write.")],
    strategy: Strategies = None,
    community: Communities = None,
    name: Annotated[str, typer.Option(help="Tag of all tasks.")] = "pluralign",
) -> None:
    """Write a survey as a folder of lm-eval tasks, one for each strategy and community.

    Run them with `lm-eval run --model hf --model_args pretrained=MODEL --include_path FOLDER
    --tasks NAME`, and with `--apply_chat_template` if the model has a chat template.

    Example: `pluralign survey tasks --survey wvs -s culture_aware -c MEX --out tasks`
    """
    from pluralign.asking import load_strategy
    from pluralign.cli.screen import console
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
    say = console()
    for note, n in (*tally.dropped.items(), *tally.notes.items()):
        say.print(f"note: {note}" + (f" ({n:,})" if n > 1 else ""), markup=False, style="dim")
    first = ", ".join(written[:3]) + (", ..." if len(written) > 3 else "")
    say.print(f"{len(written)} tasks written to {out}: {first}")


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
