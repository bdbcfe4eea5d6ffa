"""``pluralign collect demo``: a study with simulated people, to look at every page of."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pluralign.cli.collect_options import require_collecting

if TYPE_CHECKING:
    from pluralign.collecting.demo import Demo


def demo(
    folder: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the study, which stays. The default is a temporary one, deleted at "
            "the end."
        ),
    ] = None,
    people: Annotated[int, typer.Option(help="Number of simulated people.", min=20)] = 60,
    port: Annotated[
        int, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65535)
    ] = 0,
) -> None:
    """Serve a study with simulated people on this machine, and print links to all its pages.

    Three communities with planted tastes have taken part: people joined, compared answers, wrote
    and reported texts, a release was made, and one person withdrew.

    Example: `pluralign collect demo`
    """
    require_collecting()
    import time

    from pluralign.collecting.demo import make_demo
    from pluralign.collecting.server import Listening, Started, serve
    from pluralign.core import rng_for

    with _folder(folder) as study:
        typer.echo(f"simulating {people} people ...", err=True)
        made = make_demo(study, people, int(time.time()), rng_for(0, "collect demo"))

        def announce(started: Started) -> None:
            typer.echo("\n".join(_lines(made, started.address)))

        serve(study, None, Listening(port=port), announce)


@contextmanager
def _folder(given: Path | None) -> Iterator[Path]:
    """The folder that was named, or a temporary one."""
    from tempfile import TemporaryDirectory

    if given is not None:
        yield given
        return
    with TemporaryDirectory(prefix="pluralign-demo-") as temporary:
        yield Path(temporary) / "demo"


def _lines(made: "Demo", address: str) -> list[str]:
    invitations = [
        f"  a person of {community}: {address}/join/{token}"
        for community, token in made.invitations.items()
    ]
    return [
        f"a study with {made.people} simulated people: {address}",
        "come in as",
        *invitations,
        f"  a simulated person: {address}/enter, with the key {made.key}",
        f"  the steward of all communities: {address}/steward/enter/{made.steward}",
        f"  the steward of ~hill: {address}/steward/enter/{made.steward_of_one}",
        'the page "What my answers changed" is empty: no program learned from this study',
        "a link of a steward works once; stop with Ctrl-C",
    ]
