import numpy as np
import pytest

from pluralign.core import InvalidInput, NotEnoughData, rng_for
from pluralign.metrics import Clusters, disaggregate


def measured(value, community, rater, seed=0, **more):
    return disaggregate(value, community, Clusters(cluster_N=rater), rng_for(seed), **more)


def planted(truths, raters=40, seed=0):
    """Credits of 10 pairs for each of ``raters`` people in each community."""
    rng = rng_for(seed, "planted")
    community = np.repeat(list(truths), raters)
    truth_R = np.repeat(list(truths.values()), raters)
    credit = rng.binomial(10, rng.beta(6 * truth_R, 6 * (1 - truth_R))) / 10
    return credit, community, np.arange(credit.size)


def test_each_way_of_averaging_counts_its_own_unit():
    by = measured([1, 1, 1, 0], ["a", "a", "a", "b"], list("pqrs"))
    assert by.overall.value == 0.75
    assert by.average.value == 0.5
    assert {c: (e.value, e.n, e.n_raters) for c, e in by.by_community.items()} == {
        "a": (1, 3, 3),
        "b": (0, 1, 1),
    }


def test_a_community_of_one_rater_is_reported_without_an_interval_and_not_compared():
    values, communities = [1, 0, 1, 1, 0], ["a", "a", "b", "b", "lone"]
    by = measured(values, communities, list("pqrst"))
    assert by.by_community["lone"].low is None
    assert by.average.low is None
    assert by.overall.low is not None
    assert by.worst()[0] == "a"
    assert by.worst(min_clusters=1)[0] == "lone"
    assert by.disparity().value == 0.5
    assert by.disparity(min_clusters=1).low is None


def test_questions_are_not_counted_as_people():
    questions = Clusters(cluster_N=["q1", "q2"] * 2, person_N=False)
    by = disaggregate([1, 0, 1, 1], ["a", "a", "b", "b"], questions, rng_for(0))
    assert by.overall.n_raters is None
    assert by.disparity().n_raters is None
    assert by.clusters == {"a": 2, "b": 2}


def test_a_gap_between_communities_that_answer_alike_is_certain():
    easy_Q = rng_for(4).random(60)
    value = np.concatenate([easy_Q, easy_Q + 0.1])
    questions = Clusters(cluster_N=[*range(60)] * 2, person_N=False)
    by = disaggregate(value, ["a"] * 60 + ["b"] * 60, questions, rng_for(0))
    gap = by.disparity()
    assert gap.low == pytest.approx(0.1)
    assert gap.high == pytest.approx(0.1)


def test_a_gap_of_accuracies_is_at_most_1():
    value, community, rater = planted({"a": 0.05, "b": 0.95}, raters=3)
    wide = measured(value, community, rater).disparity()
    cut = measured(value, community, rater, bounds=(0.0, 1.0)).disparity()
    assert wide.high > 1.0
    assert cut.value <= cut.high == 1.0


def test_names_and_order_of_rows_change_nothing():
    value, community, rater = planted({"a": 0.5, "b": 0.7})
    first = measured(value, community, rater)
    order = rng_for(1).permutation(value.size)
    shuffled = measured(value[order], community[order], rater[order])
    renamed = measured(value, np.char.add("~", community), rater)
    for other in (shuffled, renamed):
        for ours, theirs in zip(
            first.by_community.values(), other.by_community.values(), strict=True
        ):
            assert (ours.value, ours.low, ours.high) == pytest.approx(
                (theirs.value, theirs.low, theirs.high)
            )
        assert first.disparity().low == pytest.approx(other.disparity().low)


def test_pairs_of_weight_zero_are_left_out():
    by = measured([1, 0, 0.5], ["a"] * 3, list("pqr"), weight_N=[1, 1, 0])
    assert by.overall.n == 2
    assert by.overall.n_raters == 2
    with pytest.raises(NotEnoughData, match="community b"):
        measured([1, 0], ["a", "b"], list("pq"), weight_N=[1, 0])


def test_the_ratio_is_between_zero_and_one_and_refuses_what_has_none():
    value, community, rater = planted({"a": 0.5, "b": 0.8})
    ratio = measured(value, community, rater).ratio()
    assert 0 < ratio.low < ratio.value < ratio.high <= 1
    negative = measured([-1, 1, 0, 1], ["a", "a", "b", "b"], [1, 2, 3, 4])
    with pytest.raises(InvalidInput, match="disparity"):
        measured([-1, -1, 0, 1], ["a", "a", "b", "b"], [1, 2, 3, 4]).ratio()
    assert negative.disparity().value == 0.5
    nothing = measured([0, 0, 0, 0], ["a", "a", "b", "b"], [1, 2, 3, 4])
    with pytest.raises(NotEnoughData):
        nothing.ratio()
    one_bare = measured([0, 0, 0, 1], ["a", "a", "b", "b"], [1, 2, 3, 4]).ratio()
    assert (one_bare.value, one_bare.low) == (0, None)


def test_a_draw_without_any_credit_leaves_the_ratio_open():
    by = measured([0, 1, 1, 1], ["a", "a", "b", "b"], [1, 2, 3, 4])
    assert (by.ratio().low, by.ratio().high) == (0, 1)


def test_one_community_has_no_gap():
    by = measured([1, 0], ["a", "a"], [1, 2])
    with pytest.raises(NotEnoughData, match="1 of 1"):
        by.disparity()


@pytest.mark.slow
def test_the_gap_of_equal_communities_is_found_by_chance_only():
    found, covered, societies = 0, 0, 200
    for seed in range(societies):
        value, community, rater = planted(dict.fromkeys("abcdefgh", 0.6), seed=seed)
        equal = measured(value, community, rater, seed, draws=300).disparity()
        found += equal.low > 0
        value, community, rater = planted({"a": 0.5, "b": 0.6, "c": 0.65}, seed=seed)
        unequal = measured(value, community, rater, seed, draws=300).disparity()
        covered += unequal.low <= 0.15 <= unequal.high
    assert found / societies < 0.1
    assert covered / societies > 0.93


def test_a_gap_between_communities_whose_pairs_are_all_equal_is_not_certain():
    raters = [f"r{i}" for i in range(10)]
    by = measured([1] * 5 + [0.5] * 5, list("aaaaabbbbb"), raters, bounds=(0, 1))
    gap, ratio = by.disparity(), by.ratio()
    assert gap.low < gap.value == 0.5 < gap.high
    assert ratio.low < ratio.value == 0.5 < ratio.high
