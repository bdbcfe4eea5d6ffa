"""Split pairs into training and test pairs, as settings ask."""

from collections.abc import Sequence

import numpy as np

from pluralign.core import InvalidSettings, NotEnoughData, PairSource, rng_for
from pluralign.settings.experiment import Settings
from pluralign.sources import (
    Loaded,
    PrismPairs,
    Split,
    restrict_test,
    split_by,
    split_by_hash,
    split_by_source,
    split_prism,
    unwrapped,
)


def split_pairs(
    loaded: Loaded, settings: Settings, sources: Sequence[PairSource], seed: int
) -> Split:
    """Split as the settings ask, with the seed of a repeat.

    Raises:
        InvalidSettings: If the published PRISM split is asked of another source.
        InvalidInput: If the pairs do not have what the split needs.
        NotEnoughData: If a side would be empty.
    """
    split = _whole_split(loaded, settings, sources, seed)
    where = settings.split.test_where
    return restrict_test(split, loaded.pairs, where) if where else split


def _whole_split(
    loaded: Loaded, settings: Settings, sources: Sequence[PairSource], seed: int
) -> Split:
    by = settings.split.by
    if by == "files":
        source_N = np.array(loaded.source_N)
        split = Split(np.flatnonzero(source_N == 0), np.flatnonzero(source_N == 1))
        if not len(split.train) or not len(split.test):
            raise NotEnoughData("the train or the test file contains no pairs", where="split.by")
        return split
    if by == "prism":
        source = unwrapped(sources[0])
        if len(sources) != 1 or not isinstance(source, PrismPairs):
            raise InvalidSettings(
                "the published split belongs to PRISM alone", where="split.by", hint="use rater"
            )
        return split_prism(loaded.pairs, source.published_test_raters())
    if by == "source":
        return split_by_source(loaded.pairs, repeat=seed - settings.seed)
    assert isinstance(settings.split.test, float)
    if settings.split.draw == "hash":
        return split_by_hash(by, loaded.pairs, settings.split.test, seed)
    return split_by(by, loaded.pairs, settings.split.test, rng_for(seed, "split"))
