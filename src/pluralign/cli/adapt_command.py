"""``pluralign adapt``: a head for one more community, from a few of its choices."""

from pathlib import Path
from typing import Annotated

import typer

from pluralign.cli.options import AsJson, SkipBad, TrustEncoder, Wide


def adapt(
    model: Annotated[
        Path,
        typer.Argument(
            help="A saved reward model: a folder such as runs/uk/models/seed-7/adaptive."
        ),
    ],
    community: Annotated[
        str,
        typer.Option(
            "--community",
            "-c",
            help="Community that the model was not trained for: KEN, Kenya, KEN/nairobi, ~luo.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the new model.")],
    choices: Annotated[
        Path | None,
        typer.Argument(
            help="Choices of its people: a .jsonl, .json, .csv or .parquet file with the columns "
            "prompt, chosen and rejected, best also rater. Without a file, or with an empty one, "
            "the head is that of all communities together.",
        ),
    ] = None,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace a head that was trained for the community."),
    ] = False,
    skip_bad: SkipBad = False,
    trust_encoder: TrustEncoder = None,
    wide: Wide = False,
    as_json: AsJson = False,
) -> None:
    """Add a community to a saved model, from a few choices of its people or from none.

    The new head starts from the head of all communities that trained the model, and is drawn
    towards the choices, most in the directions in which communities differ. This takes about a
    second. The new model has the community next to those it had; score, serve and explain use it.

    The tables show the margin of each choice before and after, with a 95 % interval, and how many
    of the choices each head predicts. The figure to trust is that of the held-out choices: there,
    the choices of each person are predicted by a head that the others' choices made. On surveys
    of countries, 20 choices change this share by less than a point, so measure before you rely on
    it.

    Example: `pluralign adapt runs/uk/models/seed-7/adaptive kenya.jsonl -c KEN --out kenya`
    """
    from pluralign.cli.adapt_tables import adaptation_record, show_adaptation
    from pluralign.cli.output import Output
    from pluralign.cli.source_tables import show_tally
    from pluralign.core import InvalidInput, Tally
    from pluralign.huggingface.model_folders import whole_folder
    from pluralign.models import measure_adaptation, open_model, read_choices, save_model
    from pluralign.rewards import LinearRewardModel, adaptable_id

    loaded = open_model(model, trust_encoder=trust_encoder)
    if not isinstance(loaded, LinearRewardModel):
        raise InvalidInput(
            "its communities are trained parts of a transformer, which cannot be adapted",
            where=str(model),
            hint='run with trunk.community = "head"',
        )
    id_, tally = adaptable_id(loaded.communities, community), Tally()
    own = read_choices(choices, id_, tally, skip_bad)
    with whole_folder(out) as target:
        adapted = loaded.adapt(own, id_, overwrite=overwrite)
        save_model(adapted, target)
    found = measure_adaptation(loaded, own)
    output = Output(as_json=as_json, wide=wide)
    if as_json:
        output.json(adaptation_record(id_, found, loaded, out))
        return
    show_adaptation(id_, found, loaded, out, output)
    if choices is not None:
        show_tally(tally, "read as choices")
