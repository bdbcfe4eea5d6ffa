import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pluralign.core import InvalidInput, NotEnoughData, PreferencePair, rng_for
from pluralign.sources import Split, SplitKind, split_by, split_prism


def pair(
    n: int, community: str = "GBR", rater: str | None = "r", question: str = "Q", stem: str = ""
) -> PreferencePair:
    return PreferencePair(
        str(n), question, "Yes", "No", community, rater=rater, question=question, stem=stem
    )


def many(n: int = 200) -> list[PreferencePair]:
    rng = rng_for(1, "pairs")
    places = ("GBR", "MEX", "IND")
    found = []
    for i in range(n):
        r, q = int(rng.integers(30)), int(rng.integers(20))
        found.append(pair(i, places[r % 3], f"r{r}", f"q{q}", f"s{q % 7}"))
    return found


def units(kind: str, pairs: list[PreferencePair], positions: object) -> set[str | None]:
    return {getattr(pairs[i], kind) for i in np.asarray(positions)}


@pytest.mark.parametrize("kind", ["rater", "question", "stem"])
def test_no_unit_is_on_both_sides_and_no_pair_is_lost(kind: SplitKind) -> None:
    pairs = many()
    split = split_by(kind, pairs, 0.2, rng_for(7, "split"))
    assert units(kind, pairs, split.train).isdisjoint(units(kind, pairs, split.test))
    assert sorted([*split.train, *split.test]) == list(range(len(pairs)))
    assert not split.left_out


def test_a_split_by_both_shares_neither_rater_nor_question_and_counts_the_rest() -> None:
    pairs = many()
    split = split_by("both", pairs, 0.3, rng_for(7, "split"))
    for kind in ("rater", "question"):
        assert units(kind, pairs, split.train).isdisjoint(units(kind, pairs, split.test))
    assert len(split.train) + len(split.test) + sum(split.left_out.values()) == len(pairs)
    assert all(split.left_out.values())


@pytest.mark.parametrize("kind", ["rater", "question", "stem", "both"])
def test_shuffling_the_pairs_changes_nothing(kind: SplitKind) -> None:
    pairs = many()
    shuffled = [pairs[i] for i in rng_for(3, "shuffle").permutation(len(pairs))]

    def tested(found: list[PreferencePair]) -> set[str]:
        split: Split = split_by(kind, found, 0.3, rng_for(7, "split"))
        return {found[i].id for i in split.test}

    assert tested(pairs) == tested(shuffled)


def test_each_community_with_two_raters_has_one_to_test_on() -> None:
    pairs = [pair(i, "MEX", f"m{i}") for i in range(50)]
    pairs += [pair(90, "GBR", "g1"), pair(91, "GBR", "g2"), pair(92, "IND", "only")]
    split = split_by("rater", pairs, 0.02, rng_for(7, "split"))
    assert {pairs[i].community for i in split.test} == {"MEX", "GBR"}
    assert "only" in units("rater", pairs, split.train)


def test_the_same_questions_are_tested_in_every_community() -> None:
    pairs = [pair(i, c, question=f"q{i % 5}") for c in ("MEX", "GBR") for i in range(10)]
    split = split_by("question", pairs, 0.4, rng_for(7, "split"))
    tested = [
        {pairs[i].question for i in split.test if pairs[i].community == c} for c in ("MEX", "GBR")
    ]
    assert tested[0] == tested[1]
    assert len(tested[0]) == 2


@settings(deadline=None)
@given(st.integers(2, 40), st.floats(0.01, 0.99))
def test_the_test_part_is_what_was_asked_within_one_unit(n: int, part: float) -> None:
    pairs = [pair(i, rater=f"r{i}") for i in range(n)]
    split = split_by("rater", pairs, part, rng_for(7, "split"))
    assert 1 <= len(split.test) <= n - 1
    assert abs(len(split.test) - part * n) <= 1


@pytest.mark.parametrize("part", [0.0, 1.0, -0.1, 1.5, float("nan")])
def test_a_part_out_of_range_is_refused(part: float) -> None:
    with pytest.raises(InvalidInput, match="test part"):
        split_by("rater", many(), part, rng_for(7))


@pytest.mark.parametrize("kind", ["rater", "both"])
def test_pairs_without_raters_cannot_be_split_by_rater(kind: SplitKind) -> None:
    with pytest.raises(
        InvalidInput, match="name the column of raters, or split by question or stem"
    ):
        split_by(kind, [pair(1, rater=None), pair(2)], 0.5, rng_for(7))
    with pytest.raises(
        InvalidInput, match="name the column of raters, or split by question or stem"
    ):
        split_prism([pair(1, rater=None)], {"r"})


def test_too_little_to_split_is_an_error() -> None:
    with pytest.raises(NotEnoughData):
        split_by("question", [], 0.2, rng_for(7))
    with pytest.raises(NotEnoughData):
        split_by("question", [pair(1), pair(2)], 0.2, rng_for(7))
    with pytest.raises(NotEnoughData, match="test side"):
        split_by("rater", [pair(1), pair(2)], 0.2, rng_for(7))
    with pytest.raises(NotEnoughData, match="training side"):
        split_prism([pair(1)], {"r"})


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no split by 'pair'"):
        split_by("pair", many(), 0.2, rng_for(7))  # type: ignore[arg-type]


def test_one_question_alone_cannot_be_split() -> None:
    with pytest.raises(NotEnoughData, match="only one unit to split: 'Q'") as caught:
        split_by("question", [pair(0), pair(1)], 0.2, rng_for(0, "split"))
    assert "split.by" in str(caught.value.hint)
