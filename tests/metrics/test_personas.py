import numpy as np
import pytest
from scipy.sparse.csgraph import minimum_spanning_tree

from pluralign.core import InvalidInput, NotEnoughData
from pluralign.metrics import (
    answer_diversity,
    choice_pool,
    drawn_distances,
    majority_choice,
    pair_errors,
    pairwise_diversity,
    spanning_length,
    spread,
    structural_diversity,
    target_rank,
)

NAN = float("nan")
RNG = np.random.default_rng(0)
SIZES = RNG.integers(2, 11, 40)
ANSWERS = np.array([[RNG.integers(0, k) for k in SIZES] for _ in range(6)], dtype=float)


def test_two_personas_worked_by_hand() -> None:
    # differences 3 and 0 on scales of length 3 and 1
    assert pairwise_diversity([[0, 1], [3, 1]], [4, 2]) == pytest.approx(100 * np.sqrt(9 / 10))
    assert answer_diversity([[0, 1], [3, 1]], [4, 2]) == pytest.approx(0.5)


def test_personas_that_answer_alike_have_no_diversity_and_opposite_ones_have_all() -> None:
    same = np.tile(ANSWERS[0], (4, 1))
    assert (
        pairwise_diversity(same, SIZES)
        == structural_diversity(same, SIZES)
        == answer_diversity(same, SIZES)
        == 0
    )
    ends = np.stack([np.zeros(40), SIZES - 1.0])
    assert pairwise_diversity(ends, SIZES) == pytest.approx(100)
    assert structural_diversity(ends, SIZES) == pytest.approx(100)
    assert answer_diversity(ends, SIZES) == pytest.approx(1)


@pytest.mark.parametrize("measure", [pairwise_diversity, structural_diversity, answer_diversity])
def test_the_order_of_personas_and_of_questions_does_not_matter(measure) -> None:  # type: ignore[no-untyped-def]
    people, questions = RNG.permutation(6), RNG.permutation(40)
    assert measure(ANSWERS[people][:, questions], SIZES[questions]) == pytest.approx(
        measure(ANSWERS, SIZES)
    )


def test_the_shortest_tree_is_never_longer_than_the_mean_distance() -> None:
    assert structural_diversity(ANSWERS, SIZES) <= pairwise_diversity(ANSWERS, SIZES)


def test_the_tree_is_scipys() -> None:
    points = RNG.random((30, 5, 2))
    distance = np.linalg.norm(points[:, :, None] - points[:, None], axis=-1)
    found = spanning_length(distance)
    for matrix, length in zip(distance, found, strict=True):
        assert length == pytest.approx(minimum_spanning_tree(matrix).sum() / 4)


def test_missing_answers_are_left_out_pair_by_pair() -> None:
    value = np.array([[0, 3, 1.0], [3, 3, NAN]])
    assert pairwise_diversity(value, [4, 4, 2]) == pytest.approx(100 * np.sqrt(9 / 18))


def test_one_persona_or_none_in_common_has_no_diversity() -> None:
    with pytest.raises(NotEnoughData):
        pairwise_diversity([[1, 2]], [4, 4])
    with pytest.raises(NotEnoughData):
        pairwise_diversity([[1, NAN], [NAN, 2]], [4, 4])
    with pytest.raises(NotEnoughData):
        answer_diversity([[1, NAN], [NAN, 2]], [4, 4])


def test_nominal_answers_differ_or_do_not() -> None:
    assert answer_diversity([[0, 0], [1, 3]], [4, 4], [True, True]) == 1
    assert answer_diversity([[0, 0], [1, 3]], [4, 4]) == pytest.approx((1 / 3 + 1) / 2)


def test_majority_pool_and_spread_of_a_case_worked_by_hand() -> None:
    value = [[0, 1, NAN], [0, 2, NAN], [3, 2, 1]]
    np.testing.assert_allclose(majority_choice(value), [2 / 3, 2 / 3, 1])
    np.testing.assert_allclose(choice_pool(value), [2, 2, 1])
    np.testing.assert_allclose(spread(value, [4, 4, 4])[:2], [2 / 9, 2 / 81])
    assert np.isnan(spread(value, [4, 4, 4])[2])


def test_the_people_meant_rank_first_where_they_are_nearest_and_ties_share_their_ranks() -> None:
    assert target_rank([[0.1, 0.2, 0.3]], [0]).tolist() == [1]
    assert target_rank([[0.1, 0.2, 0.3]], [2]).tolist() == [3]
    assert target_rank([[0.2, 0.2, 0.2]], [1]).tolist() == [2]
    assert target_rank(np.ones((7, 2, 5)), [0, 4]).shape == (7, 2)
    with pytest.raises(InvalidInput):
        target_rank([[0.1, 0.2]], [2])


def test_a_draw_without_a_common_question_counts_for_the_other_pairs_only() -> None:
    value = [[1, 1, np.nan], [4, 1, np.nan], [np.nan, 1, 3]]
    error, scale = pair_errors(value, [4, 4, 4])
    measured, drawn = drawn_distances(error, scale, np.array([[2, 0, 0]]))
    assert drawn[0].tolist() == [100.0, measured[1], measured[2]]
