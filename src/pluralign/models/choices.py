"""Choices of one community, read from a file, for a head of its own."""

from pluralign.core import AnyPath, InvalidInput, PreferencePair, Tally, as_path, listed
from pluralign.sources import JsonlPairs


def read_choices(
    path: AnyPath | None, community: str, tally: Tally, skip_bad: bool = False
) -> list[PreferencePair]:
    """The choices of a community in a file of pairs; none without a file, or in an empty one.

    Args:
        path: JSON Lines, JSON, CSV or Parquet, as `JsonlPairs` reads it; rows without a community
            are of this one.
        community: Id of the community; pairs of others are left out, and flagged in the tally.
        tally: Counts rows.
        skip_bad: Drop and count rows that cannot be read.

    Raises:
        InvalidInput: If the file or a row cannot be read, or all pairs are of other communities.
    """
    if path is None:
        return []
    path = as_path(path)
    if path.is_file() and not path.stat().st_size:
        return []
    pairs = list(JsonlPairs(path, community, skip_bad).pairs(tally))
    own = [pair for pair in pairs if pair.community == community]
    if pairs and not own:
        others = sorted({pair.community for pair in pairs})
        raise InvalidInput(
            f"no choice is of {community}; all are of {listed(others)}",
            where=str(path),
            hint="name their community, or leave the column community out",
        )
    if len(own) < len(pairs):
        tally.flag(f"pairs of communities other than {community}, left out", len(pairs) - len(own))
    return own
