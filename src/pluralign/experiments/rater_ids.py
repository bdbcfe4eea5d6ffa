"""Ids of raters that a user gives for a run."""

from collections.abc import Collection, Iterable
from pathlib import Path

from pluralign.core import InvalidInput
from pluralign.settings.name_hints import nearest


def check_raters(raters: Iterable[str], known: Collection[str], folder: Path) -> None:
    """Check that people have pairs in a run.

    Args:
        raters: Ids of people.
        known: Ids of all raters of the run.
        folder: Folder of the run.

    Raises:
        InvalidInput: If the run has no raters, or not one of these; near ids are named.
    """
    if not known:
        raise InvalidInput(
            "the pairs of this run have no raters",
            where=str(folder),
            hint="answers that were published as shares contain no single person",
        )
    for rater in raters:
        if rater not in known:
            hint = nearest(rater, sorted(known))
            near = hint if hint.startswith("did") else "see the column of raters in the data"
            raise InvalidInput(
                f"no pair of this run is by the rater {rater!r}", where=str(folder), hint=near
            )
