import numpy as np
import pytest

from pluralign.core import FloatArray, NotEnoughData, rng_for
from pluralign.metrics import wilson_interval
from pluralign.metrics.membership import caught_at, clustered_auc, clustered_caught


def scores(count: int, shift: float = 0.0, seed: int = 0, spread: float = 1.0) -> FloatArray:
    """Ten scores of each person, who share a level."""
    rng = rng_for(seed, "scores", shift)
    level_P = spread * rng.normal(size=count) + shift
    return np.repeat(level_P, 10) + rng.normal(size=10 * count)


def people(count: int, side: str) -> list[str]:
    return [f"{side}{k // 10}" for k in range(10 * count)]


def test_the_auc_is_the_share_of_pairs_of_scores_in_order() -> None:
    rng = rng_for(1, "auc")
    member_M, outsider_N = (
        rng.integers(0, 5, 30).astype(float),
        rng.integers(0, 5, 20).astype(float),
    )
    signs = np.sign(member_M[:, None] - outsider_N)
    auc, _ = clustered_auc(member_M, outsider_N, range(30), range(100, 120))
    assert auc == pytest.approx(((signs + 1) / 2).mean())


def test_the_auc_turns_round_with_the_sides_and_ignores_the_scale() -> None:
    member_M, outsider_N = scores(8, 0.5), scores(9, seed=1)
    auc, error = clustered_auc(member_M, outsider_N, people(8, "m"), people(9, "o"))
    back, same = clustered_auc(outsider_N, member_M, people(9, "o"), people(8, "m"))
    assert (auc + back, error) == pytest.approx((1, same))
    scaled, _ = clustered_auc(np.exp(member_M), np.exp(outsider_N), people(8, "m"), people(9, "o"))
    assert scaled == pytest.approx(auc)


def test_the_clustered_error_covers_the_truth_and_the_error_of_rows_does_not() -> None:
    inside = {"people": 0, "rows": 0}
    for seed in range(200):
        member_M, outsider_N = scores(30, seed=seed), scores(30, seed=1000 + seed)
        for name, clusters in (
            ("people", (people(30, "m"), people(30, "o"))),
            ("rows", (range(300), range(300, 600))),
        ):
            auc, error = clustered_auc(member_M, outsider_N, *clusters)
            inside[name] += abs(auc - 0.5) < 1.96 * error
    assert inside["people"] >= 180
    assert inside["rows"] < 150


def test_scores_that_remember_their_members_are_found_with_few_false_alarms() -> None:
    outsider_N = scores(50, seed=1)
    assert caught_at(outsider_N, outsider_N) <= 0.01
    assert caught_at(scores(50, 6.0), outsider_N) > 0.7


@pytest.mark.parametrize("sides", [([], [1.0]), ([1.0], [])])
def test_a_side_without_scores_is_refused(sides: tuple[list[float], list[float]]) -> None:
    member_M, outsider_N = map(np.array, sides)
    with pytest.raises(NotEnoughData):
        clustered_auc(member_M, outsider_N, range(len(member_M)), range(len(outsider_N)))
    with pytest.raises(NotEnoughData):
        caught_at(member_M, outsider_N)


def test_the_interval_of_caught_members_covers_the_truth() -> None:
    truth = caught_at(scores(20_000, 1.5, seed=7), scores(20_000, seed=8))
    inside = 0
    for seed in range(200):
        sides = scores(60, 1.5, seed=seed), scores(60, seed=1000 + seed)
        share, error = clustered_caught(*sides, people(60, "m"), people(60, "o"))
        low, high = wilson_interval(share, error**2, clusters=60)
        inside += low <= truth <= high
    assert inside >= 180


def test_where_no_member_is_caught_the_interval_is_that_of_as_many_people() -> None:
    share, error = clustered_caught(np.zeros(50), np.ones(50), range(50), range(50, 100))
    low, high = wilson_interval(share, error**2, clusters=50)
    assert (share, error, low) == (0.0, 0.0, 0.0)
    assert 0.05 < high < 0.10
