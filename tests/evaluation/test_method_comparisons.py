"""Every method against every other, with intervals that are valid for all pairs at once."""

from dataclasses import replace

import numpy as np
import pytest

from pluralign.core import NO_STEER, rng_for
from pluralign.evaluation import Drawing, TestPairs, difference_rows, simultaneous_rows


def judged(raters: int = 40, each: int = 8, seed: int = 0) -> TestPairs:
    rng = rng_for(seed, "pairs")
    n = raters * each
    rater = np.repeat(np.arange(raters), each)
    return TestPairs(
        np.arange(n).astype(np.str_),
        np.where(rater % 2, "GBR", "MEX").astype(np.str_),
        rater.astype(np.str_),
        rng.normal(size=n),
        raters=True,
    )


def rows(pairs: TestPairs, margin_N_M: np.ndarray, names: list[str]) -> dict:
    found = simultaneous_rows(pairs, margin_N_M, names, ["GBR", "MEX"], Drawing(draws=300))
    return {(r.method, r.baseline): r for r in found if r.subset == "all"}


def test_every_two_methods_are_compared_and_the_two_directions_mirror_each_other() -> None:
    pairs = judged()
    found = rows(pairs, rng_for(1).normal(size=(len(pairs), 3)), ["a", "b", "c"])
    assert len(found) == 6
    one, other = found["a", "b"], found["b", "a"]
    assert (one.value, one.low, one.high) == (-other.value, -other.high, -other.low)
    assert one.low_all == pytest.approx(-other.high_all)


def test_baselines_are_compared_in_each_community_with_the_numbers_of_two_models_alone() -> None:
    pairs, names = judged(), ["a", "b", "c"]
    margin = rng_for(1).normal(size=(len(pairs), 3))
    drawing, served = Drawing(draws=300), ["GBR", "MEX"]
    of_all = simultaneous_rows(pairs, margin, names, served, drawing, ["b"])
    found = [r for r in of_all if r.community is not None]
    assert {(r.method, r.baseline) for r in found} == {("a", "b"), ("c", "b")}
    other = ("b", {NO_STEER: margin[:, 1]})
    alone = difference_rows(pairs, "c", {NO_STEER: margin[:, 2]}, other, served, drawing)
    expected = [r for r in alone if r.community is not None]
    for row, same in zip([r for r in found if r.method == "c"], expected, strict=True):
        assert (row.community, row.subset, row.n) == (same.community, same.subset, same.n)
        assert [row.value, row.low, row.high] == pytest.approx([same.value, same.low, same.high])


def test_differences_weighted_by_strength_count_clear_choices_and_mirror_each_other() -> None:
    pairs = judged()
    clear_N = np.arange(len(pairs)) % 2 == 0
    known = replace(pairs, strength_N=np.where(clear_N, 1.9, 0.1))
    margins = np.stack([np.where(clear_N, 1.0, -1.0), np.where(clear_N, -1.0, 1.0)], axis=1)
    found = rows(known, margins, ["clear", "close"])
    one, other = found["clear", "close"], found["close", "clear"]
    assert one.value == pytest.approx(0.0)
    assert one.strength_weighted == pytest.approx(0.9)
    assert one.strength_weighted_low == -other.strength_weighted_high
    assert "strength_weighted" not in rows(pairs, margins, ["a", "b"])["a", "b"].as_line()


def test_equal_strengths_give_the_plain_differences_of_communities_and_of_the_average() -> None:
    pairs = judged()
    even = replace(pairs, strength_N=np.full(len(pairs), 3.0))
    margins = rng_for(1).normal(size=(len(pairs), 2))
    found = list(
        simultaneous_rows(even, margins, ["a", "b"], ["GBR", "MEX"], Drawing(draws=300), ["b"])
    )
    assert {row.community for row in found} == {None, "GBR", "MEX"}
    for row in found:
        weighted = [row.strength_weighted, row.strength_weighted_low, row.strength_weighted_high]
        assert weighted == pytest.approx([row.value, row.low, row.high])


def test_the_interval_for_all_pairs_is_wider_the_more_methods_there_are() -> None:
    pairs = judged()
    margins = rng_for(2).normal(size=(len(pairs), 8))
    few = rows(pairs, margins[:, :2], list("ab"))["a", "b"]
    many = rows(pairs, margins, list("abcdefgh"))["a", "b"]
    assert (few.low, few.high) == (many.low, many.high)
    assert many.low_all < few.low_all <= few.low
    assert few.high <= few.high_all < many.high_all


def test_one_model_under_two_names_differs_by_exactly_nothing() -> None:
    pairs = judged()
    margin = rng_for(3).normal(size=len(pairs))
    same = rows(pairs, np.stack([margin, margin], axis=1), ["a", "b"])["a", "b"]
    assert (same.value, same.low_all, same.high_all) == (0.0, 0.0, 0.0)


def test_a_difference_of_private_choices_that_is_above_1_is_in_its_interval() -> None:
    pairs = judged()
    private = replace(pairs, flip_N=np.full(len(pairs), 0.45))
    margin = np.abs(rng_for(5).normal(size=len(pairs)))
    found = rows(private, np.stack([margin, -margin], axis=1), ["a", "b"])["a", "b"]
    assert found.value == pytest.approx(10)
    assert found.low_all <= found.value <= found.high_all


def test_a_community_with_one_rater_leaves_the_interval_for_all_pairs_wider() -> None:
    pairs = judged()
    one = np.where(pairs.community_N == "MEX", "1", pairs.cluster_N)
    stems = (np.arange(len(pairs)) % 20).astype(np.str_)
    margins = rng_for(4).normal(size=(len(pairs), 4))
    found = rows(replace(pairs, cluster_N=one, stem_N=stems), margins, list("abcd"))
    assert all(r.low_all < r.low and r.high < r.high_all for r in found.values())


@pytest.mark.slow
def test_among_equal_methods_a_winner_is_announced_in_few_runs_only() -> None:
    announced, alone, runs = 0, 0, 150
    for seed in range(runs):
        pairs = judged(raters=30, each=6, seed=seed)
        found = rows(pairs, rng_for(seed, "m").normal(size=(len(pairs), 6)), list("abcdef"))
        announced += any(r.low_all > 0 for r in found.values())
        alone += any(r.low > 0 for r in found.values())
    assert announced / runs <= 0.10
    assert alone / runs > 0.25  # without the correction
