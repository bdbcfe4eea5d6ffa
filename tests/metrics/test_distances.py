import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import wasserstein_distance

from pluralign.core import InvalidInput
from pluralign.metrics import jensen_shannon_distance, similarity, total_variation, wasserstein

ALL = [jensen_shannon_distance, wasserstein, total_variation]


@st.composite
def distributions(draw, count):
    """Several distributions over the same options, zeros and tiny shares among them."""
    size = draw(st.integers(2, 6))
    share = st.one_of(st.just(0.0), st.floats(1e-12, 1.0))
    rows = st.lists(share, min_size=size, max_size=size).filter(any)
    return [np.array(r) / sum(r) for r in (draw(rows) for _ in range(count))]


@pytest.mark.parametrize("distance", ALL)
@given(pq=distributions(2))
def test_distances_are_symmetric_and_within_bounds(distance, pq):
    p, q = pq
    assert distance(p, q) == pytest.approx(distance(q, p), abs=1e-12)
    assert 0 <= distance(p, q) <= 1


@pytest.mark.parametrize("distance", ALL)
@given(pq=distributions(2))
def test_only_equal_distributions_are_at_distance_zero(distance, pq):
    p, q = pq
    assert distance(p, p) == 0
    if np.abs(p - q).max() > 1e-4:
        assert distance(p, q) > 0


@pytest.mark.parametrize("distance", ALL)
@given(pqr=distributions(3))
def test_the_triangle_inequality_holds(distance, pqr):
    p, q, r = pqr
    assert distance(p, r) <= distance(p, q) + distance(q, r) + 1e-7


@pytest.mark.parametrize("distance", [jensen_shannon_distance, total_variation])
@given(pq=distributions(2))
def test_the_order_of_unordered_options_does_not_matter(distance, pq):
    p, q = pq
    assert distance(p[::-1], q[::-1]) == pytest.approx(distance(p, q), abs=1e-7)


@given(distributions(2))
def test_distances_agree_with_scipy(pq):
    p, q = pq
    steps = np.arange(p.size)
    assert wasserstein(p, q) == pytest.approx(
        wasserstein_distance(steps, steps, p, q) / (p.size - 1), abs=1e-9
    )
    if np.abs(p - q).max() > 1e-3:
        assert jensen_shannon_distance(p, q) == pytest.approx(jensenshannon(p, q, base=2), abs=1e-6)


def test_disjoint_answers_are_at_distance_one():
    assert [float(f([1, 0, 0], [0, 0, 1])) for f in ALL] == [1, 1, 1]
    assert float(similarity([1, 0], [0, 1])) == 0


def test_a_table_is_measured_row_by_row_and_a_single_row_is_spread():
    table = np.array([[0.5, 0.5], [1.0, 0.0], [0.2, 0.8]])
    for f in ALL:
        assert f(table, table[0]).tolist() == [float(f(row, table[0])) for row in table]


def test_the_smallest_shares_do_not_break_the_distance():
    assert np.isfinite(jensen_shannon_distance([1, 5e-324], [1, 0]))


@pytest.mark.parametrize(
    ("p", "q", "message"),
    [
        ([0.5, 0.6], [0.5, 0.5], "sum to 1"),
        ([1.5, -0.5], [0.5, 0.5], "negative"),
        ([float("nan"), 1], [0.5, 0.5], "finite"),
        ([0.5, 0.5], [0.2, 0.3, 0.5], "2 options against 3"),
        ([], [], "at least one option"),
    ],
)
@pytest.mark.parametrize("distance", ALL)
def test_an_array_that_is_not_a_distribution_is_refused(distance, p, q, message):
    with pytest.raises(InvalidInput, match=message):
        distance(p, q)


def test_a_scale_of_one_option_is_refused():
    with pytest.raises(InvalidInput, match="one option"):
        wasserstein([1.0], [1.0])
