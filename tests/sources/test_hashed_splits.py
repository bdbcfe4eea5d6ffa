"""Splits in which the side of a unit depends on its own id alone."""

from dataclasses import replace

import numpy as np
import pytest

from pluralign.core import InvalidInput, NotEnoughData, PreferencePair, keyed_number
from pluralign.sources import SplitKind, split_by_hash

KINDS: tuple[SplitKind, ...] = ("rater", "question", "stem", "both")


def many(raters: int = 300) -> list[PreferencePair]:
    places = ("GBR", "MEX", "IND")
    return [
        PreferencePair(
            f"{r}-{k}", f"q{(7 * r + k) % 40}", "Yes", "No", places[r % 3], rater=f"r{r}",
            stem=f"s{(7 * r + k) % 40 // 2}",
        )
        for r in range(raters)
        for k in range(4)
    ]  # fmt: skip


def on_test_side(kind: SplitKind, pairs: list[PreferencePair], seed: int = 7) -> set[str]:
    return {pairs[i].id for i in split_by_hash(kind, pairs, 0.3, seed).test}


@pytest.mark.parametrize("kind", KINDS)
def test_a_rater_who_leaves_changes_nobody_elses_side(kind: SplitKind) -> None:
    pairs = many(60)
    before = on_test_side(kind, pairs)
    for gone in {pair.rater for pair in pairs}:
        others = [pair for pair in pairs if pair.rater != gone]
        assert on_test_side(kind, others) == {pair.id for pair in others} & before


@pytest.mark.parametrize("kind", ["rater", "question", "stem"])
def test_no_unit_is_on_both_sides_of_a_hashed_split(kind: SplitKind) -> None:
    pairs = many()
    split = split_by_hash(kind, pairs, 0.3, 7)
    sides = [{getattr(pairs[i], kind) for i in side} for side in (split.train, split.test)]
    assert sides[0].isdisjoint(sides[1])
    assert sorted([*split.train, *split.test]) == list(range(len(pairs)))


def test_both_sides_of_a_hashed_split_by_both_share_neither_rater_nor_question() -> None:
    pairs = many()
    split = split_by_hash("both", pairs, 0.3, 7)
    for kind in ("rater", "question"):
        sides = [{getattr(pairs[i], kind) for i in side} for side in (split.train, split.test)]
        assert sides[0].isdisjoint(sides[1])
    assert len(split.train) + len(split.test) + split.left_out.total() == len(pairs)


def test_the_tested_part_is_close_to_what_was_asked_for() -> None:
    pairs = many(3000)
    for seed in range(5):
        part = len(split_by_hash("rater", pairs, 0.2, seed).test) / len(pairs)
        assert abs(part - 0.2) < 4 * np.sqrt(0.2 * 0.8 / 3000)


def test_every_community_of_thirty_raters_keeps_training_raters() -> None:
    pairs = many(90)
    for seed in range(50):
        split = split_by_hash("rater", pairs, 0.3, seed)
        assert {pairs[i].community for i in split.train} == {"GBR", "MEX", "IND"}


def test_seeds_draw_different_sides_and_the_order_of_pairs_draws_the_same() -> None:
    pairs = many()
    assert on_test_side("rater", pairs, 7) != on_test_side("rater", pairs, 8)
    assert on_test_side("rater", pairs[::-1]) == on_test_side("rater", pairs)


def test_sides_and_folds_of_a_rater_are_independent() -> None:
    names = [f"r{k}" for k in range(4000)]
    number_2_N = np.array(
        [[keyed_number(3, purpose, n) for n in names] for purpose in ("split by rater", "folds")]
    )
    assert abs(np.corrcoef(number_2_N)[0, 1]) < 4 / np.sqrt(len(names))
    assert (number_2_N >= 0).all() and (number_2_N < 1).all()


def test_a_hashed_split_with_an_empty_side_is_refused() -> None:
    pairs = many(1)
    with pytest.raises(NotEnoughData, match="no pair is on the"):
        split_by_hash("rater", pairs, 0.3, 7)


def test_a_hashed_split_by_rater_needs_raters() -> None:
    with pytest.raises(InvalidInput, match="a pair has no rater"):
        split_by_hash("rater", [replace(many(1)[0], rater=None)], 0.3, 7)
