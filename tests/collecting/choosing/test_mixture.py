"""The mixture: every draw comes with the exact probability that it had."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pluralign.collecting.choosing.mixture import (
    Informative,
    Uniform,
    draw_row,
    effective_shares,
    sharpened,
)
from pluralign.collecting.choosing.ways_to_draw import fresh_rows, shares_of, ways_to_draw
from pluralign.collecting.study import ChoosingSettings

SHARES = {"anchor": 0.2, "overlap": 0.2, "fresh": 0.1, "informative": 0.5}


def _ways(seed, most=7, anchors=4, overlap=5, fresh=3, other=20):
    rng = np.random.default_rng(seed)
    gain_N = rng.random(anchors + other)
    rest = np.arange(anchors, anchors + other)
    return {
        "anchor": Uniform(np.arange(anchors)),
        "overlap": Uniform(rest[:overlap]),
        "fresh": Uniform(rest[overlap : overlap + fresh]),
        "informative": Informative(rest, lambda rows: gain_N[rows], most, 4.0, rng),
    }


def _probabilities(ways, n=24):
    able = effective_shares(SHARES, ways)
    return np.array(
        [
            sum(share * ways[name].probability(row) for name, share in able.items())
            for row in range(n)
        ]
    )


@given(
    seed=st.integers(0, 10**6),
    most=st.integers(2, 30),
    anchors=st.integers(0, 4),
    overlap=st.integers(0, 5),
    fresh=st.integers(0, 3),
)
def test_probabilities_of_all_rows_sum_to_one(seed, most, anchors, overlap, fresh):
    total = _probabilities(_ways(seed, most, anchors, overlap, fresh)).sum()
    assert total == pytest.approx(1.0, abs=1e-12)


@given(seed=st.integers(0, 10**6))
def test_a_draw_carries_the_probability_of_its_row_under_the_whole_mixture(seed):
    ways = _ways(seed)
    drawn = draw_row(SHARES, ways, np.random.default_rng(seed))
    assert drawn is not None
    assert drawn.propensity == pytest.approx(_probabilities(ways)[drawn.row])


def test_rows_are_drawn_as_often_as_their_propensity_says():
    ways, rng, n = _ways(3), np.random.default_rng(3), 6_000
    drawn = [draw_row(SHARES, ways, rng) for _ in range(n)]
    count_N = np.bincount([one.row for one in drawn], minlength=24)
    expected_N = n * _probabilities(ways)
    chi_square = ((count_N - expected_N) ** 2 / expected_N).sum()
    assert chi_square < 50  # 23 degrees of freedom: 99.9 % are below 49.7
    by_reason = {name: sum(one.reason == name for one in drawn) / n for name in SHARES}
    assert by_reason == pytest.approx(SHARES, abs=0.03)


@pytest.mark.parametrize("most", [5, 1000])
def test_weights_by_propensity_count_every_row_once_whatever_the_blocks(most):
    rng, n, gain_N = np.random.default_rng(5), 4_000, np.linspace(0, 1, 24)
    weight_n_N = np.zeros((n, 24))
    for draw in range(n):
        way = Informative(np.arange(24), lambda rows: gain_N[rows], most, 3.0, rng)
        row = way.draw(rng)
        weight_n_N[draw, row] = 1 / way.probability(row)
    error_N = weight_n_N.std(axis=0) / np.sqrt(n)
    assert (np.abs(weight_n_N.mean(axis=0) - 1) < 4 * error_N).all()


def test_a_way_without_candidates_passes_its_share_on_in_proportion():
    ways = _ways(1, anchors=0, fresh=0)
    assert effective_shares(SHARES, ways) == pytest.approx({"overlap": 2 / 7, "informative": 5 / 7})
    empty = {name: Uniform(np.arange(0)) for name in SHARES}
    assert draw_row(SHARES, empty, np.random.default_rng(0)) is None


def test_a_way_without_a_share_is_never_drawn():
    ways = _ways(1)
    assert set(effective_shares(SHARES | {"overlap": 0.0, "informative": 0.7}, ways)) == {
        "anchor",
        "fresh",
        "informative",
    }


@given(
    # A unit makes zero of the smallest numbers that there are.
    gains=st.lists(st.just(0.0) | st.floats(1e-100, 1e6), min_size=1, max_size=40),
    sharpness=st.floats(0, 64),
    unit=st.floats(1e-3, 1e3),
)
def test_sharpened_gains_are_probabilities_that_do_not_depend_on_the_unit(gains, sharpness, unit):
    gain_N = np.array(gains)
    share_N = sharpened(gain_N, sharpness)
    assert share_N.sum() == pytest.approx(1.0)
    assert (share_N >= 0.1 / len(gains) * (1 - 1e-9)).all()
    assert share_N[gain_N.argmax()] == share_N.max()
    np.testing.assert_allclose(sharpened(unit * gain_N, sharpness), share_N, rtol=1e-6)


def test_pairs_that_were_judged_by_some_but_not_enough_people_overlap():
    ways = ways_to_draw(
        np.array([9]),
        np.arange(4),
        judged_N=np.array([0, 1, 4, 5]),
        recent_N=np.zeros(4, dtype=bool),
        gains=np.ones_like,
        settings=ChoosingSettings(),
        rng=np.random.default_rng(0),
    )
    assert ways["overlap"].row_N.tolist() == [1, 2]
    assert ways["fresh"].row_N.tolist() == [0]
    assert sum(shares_of(ChoosingSettings()).values()) == pytest.approx(1)


def test_recent_pairs_are_fresh_and_without_them_those_judged_least():
    judged_N = np.array([0, 3, 2, 2])
    recent_N = np.array([False, True, True, True])
    assert fresh_rows(np.arange(4), judged_N, recent_N).tolist() == [2, 3]
    assert fresh_rows(np.arange(4), judged_N, np.zeros(4, dtype=bool)).tolist() == [0]
    assert fresh_rows(np.arange(0), np.arange(0), np.zeros(0, dtype=bool)).tolist() == []
