"""``pluralign export`` and ``pluralign rewardbench``: what other tools load and compare."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from pluralign.cli.options import TrustEncoder

Model = Annotated[
    Path, typer.Argument(help="A saved reward model: a folder such as runs/uk/models/seed-7/scpo.")
]
Communities = Annotated[
    list[str] | None,
    typer.Option(
        "--community",
        "-c",
        help="Community to steer to; several with their shares: -c GBR=0.7 -c MEX=0.3.",
    ),
]
Strength = Annotated[
    float, typer.Option(help="0 is the reference, 1 the fitted steering.", min=0.0)
]


def export(
    model: Model,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write.")],
    community: Communities = None,
    strength: Strength = 1.0,
    shape: Annotated[
        Literal["model", "adapter"],
        typer.Option("--as", help="A whole model, or a PEFT adapter with its head."),
    ] = "model",
    push: Annotated[
        str | None, typer.Option(help="Upload it to the Hugging Face hub as OWNER/NAME.")
    ] = None,
    public: Annotated[
        bool, typer.Option("--public", help="With --push: let everybody see it.")
    ] = False,
    results_for: Annotated[
        str | None,
        typer.Option(
            "--results-for",
            metavar="OWNER/NAME",
            help="Also write .eval_results for this hub data set.",
        ),
    ] = None,
    trust_encoder: TrustEncoder = None,
) -> None:
    """Write one community, or a blend, as a plain Hugging Face folder or a PEFT adapter.

    The folder loads in Transformers, TRL, vLLM, TEI and OpenRLHF, gives the same scores as `pluralign score`, and has
    a README.md with the people behind it. The trunk must be a transformer.

    Example: `pluralign export runs/uk/models/seed-7/scpo --community GBR --out scpo-gbr`
    """
    from pluralign.cli.screen import console
    from pluralign.interop import eval_results, write_eval_results, write_export
    from pluralign.interop import push as upload
    from pluralign.rewards import load_card, name_on_card

    done = write_export(
        model, out, community or ["~world"], strength, shape, trust_encoder=trust_encoder
    )
    say = console()
    card = load_card(model)
    shares = (
        {name_on_card(card, c): share for c, share in done.steer.shares.items()}
        if done.steer
        else {}
    )
    of = (
        ", ".join(f"{name} {share:g}" for name, share in shares.items())
        or f"the {name_on_card(card, '~world')}"
    )
    say.print(f"{done.shape} of {of} written to {done.folder}", markup=False)
    if results_for is not None:
        path = write_eval_results(eval_results(card, results_for), out, "pluralign")
        say.print(f"results written to {path}")
    if push is not None:
        say.print(f"uploaded to {upload(out, push, private=not public)}")


def rewardbench(
    model: Model,
    file: Annotated[
        Path, typer.Argument(help=".jsonl, .json, .csv or .parquet: prompt, chosen and rejected.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write to.")] = Path(
        "rewardbench"
    ),
    name: Annotated[
        str | None, typer.Option(help="What the result calls the model. Default: folder and steer.")
    ] = None,
    community: Communities = None,
    strength: Strength = 1.0,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Drop and count rows that cannot be read.")
    ] = False,
    trust_encoder: TrustEncoder = None,
) -> None:
    """Score pairs, and write the result files that RewardBench writes.

    A tie is wrong there. The accuracy is printed with its interval, for which the files have no place.
    """
    from pluralign.cli.screen import Screen, console
    from pluralign.cli.source_tables import show_tally
    from pluralign.core import Tally, count_of, read_steer
    from pluralign.interop import write_rewardbench
    from pluralign.models import open_model

    loaded = open_model(model, trust_encoder=trust_encoder)
    words = community or ["~world"]
    steer = read_steer(loaded.communities, words, strength, where="--community")
    tally = Tally()
    called = name or f"{model.resolve().name}-{'-'.join(words) if steer else 'reference'}".replace(
        "/", "_"
    )
    with Screen() as screen:
        found = write_rewardbench(
            loaded, file, steer, out, called, tally, skip_bad=skip_bad, reporter=screen
        )
    show_tally(tally, "scored")
    e = found.accuracy
    people = count_of(e.n_raters, "rater") if e.n_raters is not None else "no raters"
    interval = (
        f" [{100 * e.low:.1f}, {100 * e.high:.1f}]"
        if e.low is not None and e.high is not None
        else ""
    )
    console().print(
        f"accuracy {100 * e.value:.1f} %{interval}, {count_of(e.n, 'pair')}, {people}, "
        f"{count_of(found.ties, 'tie')} counted as wrong; "
        f"written to {found.summary} and {found.outputs.name}",
        markup=False,
    )
