"""``pluralign export`` and ``pluralign rewardbench``: files that other tools load."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pluralign.cli.completion import complete_community
from pluralign.cli.options import SkipBad, TrustEncoder

if TYPE_CHECKING:
    from pluralign.interop.exporting import Exported

Model = Annotated[
    Path, typer.Argument(help="A saved reward model: a folder such as runs/uk/models/seed-7/scpo.")
]
Communities = Annotated[
    list[str] | None,
    typer.Option(
        "--community",
        "-c",
        help="Community to steer to. A blend gives each its share: -c GBR=0.7 -c MEX=0.3.",
        autocompletion=complete_community,
    ),
]
Strength = Annotated[
    float, typer.Option(help="Strength of the steering: 0 is the reference.", min=0.0)
]


def export(
    model: Model,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write.")],
    community: Communities = None,
    strength: Strength = 1.0,
    all_communities: Annotated[
        bool,
        typer.Option(
            "--all-communities",
            help="Every community in one folder, each as a route; of models on a sentence encoder.",
        ),
    ] = False,
    shape: Annotated[
        Literal["model", "adapter"],
        typer.Option("--as", help="A whole model, or a PEFT adapter with its head."),
    ] = "model",
    push: Annotated[
        str | None, typer.Option(help="Name on the Hugging Face hub to upload to: OWNER/NAME.")
    ] = None,
    public: Annotated[
        bool, typer.Option("--public", help="With --push: make the repository public.")
    ] = False,
    results_for: Annotated[
        str | None,
        typer.Option(
            "--results-for",
            metavar="OWNER/NAME",
            help="Also write .eval_results for this data set on the hub.",
        ),
    ] = None,
    trust_encoder: TrustEncoder = None,
) -> None:
    """Write one community, a blend, or all communities as a folder that loads without pluralign.

    A model on a sentence encoder (the default) becomes a sentence-transformers folder, encoder and
    heads together. A model on a transformer becomes a Transformers folder for TRL, vLLM, TEI and
    OpenRLHF, or a PEFT adapter. The folder has no code in it and gives the scores of
    `pluralign score`, but always at full strength. Its README.md names the people behind the model,
    its accuracy and its limits, and has lines that load it.

    Example: `pluralign export runs/uk/models/seed-7/adaptive --community GBR --out adaptive-gbr`
    """
    from pluralign.cli.screen import console
    from pluralign.interop import eval_results, write_eval_results, write_export
    from pluralign.interop import push as upload
    from pluralign.rewards import load_card

    done = write_export(
        model,
        out,
        community or [],
        strength,
        shape,
        trust_encoder=trust_encoder,
        all_communities=all_communities,
    )
    say = console()
    card = load_card(model)
    say.print(f"{_written(done, card)} written to {done.folder}", markup=False)
    if "fading" in card and (done.steer is not None or done.communities):
        say.print(
            "The weights steer at full strength on every prompt; the model itself steers more "
            "weakly on prompts unlike those that a community was asked."
        )
    if done.shape == "encoder":
        say.print(
            "It loads with sentence-transformers and has no code in it; "
            f"rewards differ from ours by {done.apart:.1g} logits at most."
        )
    if results_for is not None:
        path = write_eval_results(eval_results(card, results_for), out, "pluralign")
        say.print(f"results written to {path}")
    if push is not None:
        say.print(f"uploaded to {upload(out, push, private=not public)}")
    else:
        say.print("Its README.md shows how to load it. To publish it on the hub:")
        say.print(f"  hf upload OWNER/NAME {out} --private", markup=False, soft_wrap=True)


def _written(done: "Exported", card: dict[str, object]) -> str:
    """The contents of an export, in words.

    >>> from pluralign.interop.exporting import Exported
    >>> _written(Exported(Path("out"), "encoder", None, ("MEX", "GBR")), {})
    'encoder with the heads of 2 communities and of the reference'
    """
    from pluralign.core import count_of
    from pluralign.rewards import name_on_card

    if done.communities:
        n = count_of(len(done.communities), "community", "communities")
        return f"encoder with the heads of {n} and of the {name_on_card(card, '~world')}"
    shares = done.steer.shares if done.steer else {}
    named = [
        name_on_card(card, c) + (f" {share:g}" if len(shares) > 1 else "")
        for c, share in shares.items()
    ]
    of = ", ".join(named) or f"the {name_on_card(card, '~world')}"
    return f"encoder with the head of {of}" if done.shape == "encoder" else f"{done.shape} of {of}"


def rewardbench(
    model: Model,
    file: Annotated[
        Path,
        typer.Argument(
            help="A .jsonl, .json, .csv or .parquet file with the columns prompt, chosen, rejected."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write to.")] = Path(
        "rewardbench"
    ),
    name: Annotated[
        str | None,
        typer.Option(help="Name of the model in the result. The default is folder and steer."),
    ] = None,
    community: Communities = None,
    strength: Strength = 1.0,
    skip_bad: SkipBad = False,
    trust_encoder: TrustEncoder = None,
) -> None:
    """Score pairs, and write result files in the format of RewardBench.

    RewardBench counts a tie as wrong. The command prints the accuracy with its interval, which the
    format cannot store.

    Example: `pluralign rewardbench runs/uk/models/seed-7/scpo pairs.jsonl --community GBR`
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
