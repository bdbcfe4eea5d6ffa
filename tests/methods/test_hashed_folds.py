"""Folds in which the place of a rater depends on their own id alone."""

import numpy as np

from pluralign.core import IntArray, PreferencePair, rng_for
from pluralign.experiments.transformer_bench import held_out
from pluralign.methods import TrainingSet, held_out_margins
from pluralign.methods.props import _stages
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


def stages_of(train: TrainingSet) -> dict[str, int]:
    raters = [str(pair.rater) for pair in train.encoded.pairs]
    return dict(zip(raters, _stages(train, 2).tolist(), strict=True))


def test_the_stages_of_props_stay_where_a_person_leaves_and_cross_the_folds() -> None:
    every, others = stages_of(training()), stages_of(training("r3"))
    assert others == {rater: stage for rater, stage in every.items() if rater != "r3"}
    assert set(every.values()) == {0, 1}
    drawn, fewer = stages_of(training(hash_seed=None)), stages_of(training("r3", hash_seed=None))
    assert any(drawn[rater] != stage for rater, stage in fewer.items())


def test_the_people_held_out_of_a_training_stay_where_one_leaves() -> None:
    def held(train: TrainingSet) -> set[str]:
        out_N = held_out(train.unit_N, 0.2, 7, train.place_N)
        return {str(train.encoded.pairs[k].rater) for k in np.flatnonzero(out_N)}

    every = held(training())
    assert 0 < len(every) < 40
    for gone in ("r3", *every):
        assert held(training(gone)) == every - {gone}


def test_one_person_is_held_out_and_one_is_left_whatever_their_places() -> None:
    unit_N = np.repeat(np.arange(5), 2)
    for places in ([0.5, 0.6, 0.7, 0.8, 0.9], [0.01, 0.02, 0.03, 0.04, 0.05]):
        held_N = held_out(unit_N, 0.2, 7, np.repeat(np.array(places), 2))
        assert 0 < held_N.sum() < 10
