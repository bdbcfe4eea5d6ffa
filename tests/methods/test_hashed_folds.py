"""Folds in which the place of a rater depends on their own id alone."""

import numpy as np

from pluralign.core import IntArray, PreferencePair, rng_for
from pluralign.methods import TrainingSet, held_out_margins
from pluralign.rewards import DenseFeatures, EncodedPairs


def training(gone: str | None = None, hash_seed: int | None = 5) -> TrainingSet:
    rows = [(f"r{k % 40}", k) for k in range(160) if f"r{k % 40}" != gone]
    pairs = tuple(PreferencePair(str(k), "Tea?", "Yes", "No", "GBR", rater=r) for r, k in rows)
    features = DenseFeatures(np.array([[float(k)] for _, k in rows]))
    return TrainingSet.build(EncodedPairs(pairs, features), ["GBR"], hash_seed=hash_seed)


def partners(train: TrainingSet) -> dict[str, frozenset[str]]:
    """Rater -> the raters that their margins were predicted from."""
    seen: dict[str, frozenset[str]] = {}

    def spy(inner: TrainingSet) -> np.ndarray:  # type: ignore[type-arg]
        inside = frozenset(str(p.rater) for p in inner.encoded.pairs)
        for pair in train.encoded.pairs:
            if pair.rater not in inside:
                seen[str(pair.rater)] = inside
        return np.zeros((1, 1, 1))

    held_out_margins(spy, train, 1, rng_for(0))
    return seen


def test_a_rater_who_leaves_changes_nobody_elses_fold() -> None:
    before = partners(training())
    for gone in ("r0", "r7", "r39"):
        after = partners(training(gone))
        assert after == {r: folds - {gone} for r, folds in before.items() if r != gone}


def test_every_rater_is_held_out_once_and_folds_are_of_similar_size() -> None:
    train = training()
    assert train.place_N is not None
    found = partners(train)
    assert len(found) == 40
    sizes: IntArray = np.bincount((np.unique(train.place_N) * 3).astype(np.intp))
    assert len(sizes) == 3 and sizes.min() >= 5


def test_parts_of_a_training_set_keep_the_places_of_their_units() -> None:
    train = training()
    assert train.place_N is not None
    part = train.without(np.arange(160) % 2 == 0).of("GBR")
    assert part.place_N is not None
    assert (part.place_N == train.place_N[1::2]).all()


def test_folds_are_shuffled_where_no_hash_is_asked_for() -> None:
    assert training(hash_seed=None).place_N is None
    assert len(partners(training(hash_seed=None))) == 40
