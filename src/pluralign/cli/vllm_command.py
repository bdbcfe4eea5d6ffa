"""``pluralign vllm``: settings of vLLM for the policies of a run."""

from pathlib import Path
from typing import Annotated

import typer


def vllm(
    run: Annotated[Path, typer.Argument(help="Folder of a run of `pluralign align`.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write: vllm.yaml.")] = Path(
        "vllm.yaml"
    ),
    name: Annotated[
        str | None,
        typer.Option(help="Name of the start model. The default is the name of the folder."),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(help="Method whose adapters are served. The default is the first."),
    ] = None,
    start_model: Annotated[
        str | None, typer.Option(help="Folder of the start model, if it has moved.")
    ] = None,
) -> None:
    """Write settings of vLLM that serve the start model with the adapters of all communities.

    The model names are those of `pluralign serve`: NAME@MEX is the community Mexico. vLLM answers
    many requests at a time, also of different communities. It has no blends, no best of several
    answers and no routes; `pluralign serve` has these.

    Example: `pluralign vllm runs/follow --out vllm.yaml`
    """
    from pluralign.cli.screen import console
    from pluralign.core import count_of
    from pluralign.interop import vllm_config, write_vllm_config

    config = vllm_config(run, name=name, method=method, start_model=start_model)
    path = write_vllm_config(config, out)
    say = console()
    adapters = count_of(len(config.names) - 1, "adapter")
    say.print(f"settings of vLLM with {adapters} written to {path}", markup=False)
    say.print(f"  vllm serve --config {path}", markup=False, soft_wrap=True)
    say.print("or, without the file:")
    say.print(f"  {config.command()}", markup=False, soft_wrap=True)
