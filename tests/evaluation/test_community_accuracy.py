from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from pluralign.core import PreferencePair, rng_for
from pluralign.evaluation import (
    Drawing,
    Row,
    TestPairs,
    difference_rows,
    harm_rows,
    steer_rows,
    subset_rows,
    summary_rows,
)

Columns = Callable[..., TestPairs]


@pytest.fixture
def judged(columns: Columns) -> TestPairs:
    return columns({"GBR": 12, "MEX": 8, "~hill": 6})


def reference_of(judged: TestPairs) -> dict[str, np.ndarray]:
    return {"": judged.reference_N}


def shaken(judged: TestPairs, *steers: str) -> dict[str, np.ndarray]:
    return {
        s: judged.reference_N + rng_for(0, "shaken", s).normal(size=len(judged)) for s in steers
    }


def by_key(rows: list[Row]) -> dict[tuple[str | None, str | None, str], Row]:
    return {(r.steer, r.community, r.subset): r for r in rows}


def test_on_contested_pairs_the_reference_is_always_wrong_and_its_negation_always_right(
    judged: TestPairs, drawing: Drawing
) -> None:
    for margin_N, value in ((judged.reference_N, 0.0), (-judged.reference_N, 1.0)):
        rows = [
            r for r in steer_rows(judged, "m", {"": margin_N}, drawing) if r.subset == "contested"
        ]
        assert [(r.community, r.value) for r in rows] == [
            (c, value) for c in ("GBR", "MEX", "~hill")
        ]
        assert all(r.low <= value <= r.high for r in rows)


def test_numbers_in_place_of_ids_change_no_number(judged: TestPairs, drawing: Drawing) -> None:
    twice, margins = TestPairs.join([judged, judged]), shaken(judged, "GBR", "MEX")
    margins = {steer: np.concatenate([margin_N, -margin_N]) for steer, margin_N in margins.items()}
    for rows_of in (
        lambda pairs: steer_rows(pairs, "m", margins, drawing),
        lambda pairs: summary_rows(pairs, "m", margins, ["GBR", "MEX"], drawing),
        lambda pairs: harm_rows(pairs, "m", margins, ["MEX", "~hill"], drawing),
    ):
        assert list(rows_of(twice.numbered())) == list(rows_of(twice))


def test_there_is_a_row_for_every_steer_community_and_subset(
    judged: TestPairs, drawing: Drawing
) -> None:
    rows = by_key(list(steer_rows(judged, "m", shaken(judged, "GBR", "MEX"), drawing)))
    assert set(rows) == {
        (s, c, subset)
        for s in ("GBR", "MEX")
        for c in ("GBR", "MEX", "~hill")
        for subset in ("all", "contested")
    }


def test_values_are_shares_and_lie_in_their_intervals(judged: TestPairs, drawing: Drawing) -> None:
    margins = shaken(judged, "GBR", "MEX")
    for row in steer_rows(judged, "m", margins, drawing):
        at = subset_rows(judged, row.subset) & (judged.community_N == row.community)
        assert row.value == pytest.approx(float((margins[str(row.steer)][at] > 0).mean()))
        assert row.low is not None and row.high is not None
        assert 0 <= row.low <= row.value <= row.high <= 1
        assert (row.metric, row.n) == ("pairwise_accuracy", int(at.sum()))


def test_a_method_that_does_not_steer_has_no_steer(judged: TestPairs, drawing: Drawing) -> None:
    assert {r.steer for r in steer_rows(judged, "reference", reference_of(judged), drawing)} == {
        None
    }


def test_pairs_and_people_that_come_again_in_another_repeat_are_counted_once(
    judged: TestPairs, drawing: Drawing
) -> None:
    twice = TestPairs.join([judged, judged])
    once_rows = list(steer_rows(judged, "m", reference_of(judged), drawing))
    twice_rows = list(steer_rows(twice, "m", reference_of(twice), drawing))
    assert [(r.n, r.n_raters, r.value) for r in once_rows] == [
        (r.n, r.n_raters, r.value) for r in twice_rows
    ]
    # the same people twice are not twice as many people: the interval does not shrink
    assert [(r.low, r.high) for r in once_rows] == [(r.low, r.high) for r in twice_rows]


def test_a_community_with_one_rater_has_a_value_and_no_interval(
    columns: Columns, drawing: Drawing
) -> None:
    judged = columns({"GBR": 5, "MEX": 1})
    rows = by_key(list(steer_rows(judged, "m", reference_of(judged), drawing)))
    lonely = rows[None, "MEX", "all"]
    assert (lonely.low, lonely.high, lonely.n_raters) == (None, None, 1)
    assert rows[None, "GBR", "all"].low is not None


def test_where_there_are_no_raters_none_are_claimed(columns: Columns, drawing: Drawing) -> None:
    judged = columns({"GBR": 5, "MEX": 5}, people=False)
    rows = [*steer_rows(judged, "m", reference_of(judged), drawing)]
    assert {r.n_raters for r in rows} == {None}
    assert {
        r.n_raters for r in summary_rows(judged, "m", reference_of(judged), ["GBR", "MEX"], drawing)
    } == {None}


def test_without_contested_pairs_there_are_no_contested_rows(
    judged: TestPairs, drawing: Drawing
) -> None:
    agreed = replace(judged, reference_N=np.abs(judged.reference_N))
    assert {r.subset for r in steer_rows(agreed, "m", reference_of(agreed), drawing)} == {"all"}
    assert {
        r.subset for r in summary_rows(agreed, "m", reference_of(agreed), ["GBR"], drawing)
    } == {"all"}


def test_a_method_differs_from_itself_by_nothing(judged: TestPairs, drawing: Drawing) -> None:
    margins = shaken(judged, "GBR", "MEX")
    rows = list(difference_rows(judged, "m", margins, ("itself", margins), ["GBR", "MEX"], drawing))
    assert rows
    assert {(r.value, r.low, r.high, r.baseline) for r in rows} == {(0.0, 0.0, 0.0, "itself")}


def test_differences_are_antisymmetric(judged: TestPairs, drawing: Drawing) -> None:
    a, b = shaken(judged, "GBR", "MEX"), reference_of(judged)
    there = list(difference_rows(judged, "a", a, ("b", b), ["GBR", "MEX"], drawing))
    back = list(difference_rows(judged, "b", b, ("a", a), ["GBR", "MEX"], drawing))
    for x, y in zip(there, back, strict=True):
        assert (x.community, x.subset) == (y.community, y.subset)
        assert [x.value, x.low, x.high] == pytest.approx([-y.value, -y.high, -y.low])


def test_a_paired_difference_is_narrower_than_two_intervals(
    judged: TestPairs, drawing: Drawing
) -> None:
    margins = dict.fromkeys(("GBR", "MEX", "~hill"), judged.reference_N + 0.05)
    served = list(margins)
    (row,) = [
        r
        for r in difference_rows(
            judged, "m", margins, ("reference", reference_of(judged)), served, drawing
        )
        if r.community is None and r.subset == "all"
    ]
    summary = {
        r.aggregate: r
        for r in summary_rows(judged, "m", margins, served, drawing)
        if r.subset == "all"
    }
    assert row.high - row.low < 0.5 * (summary["average"].high - summary["average"].low)


def test_steering_that_contradicts_everybody_harms_the_bystanders(
    judged: TestPairs, drawing: Drawing
) -> None:
    judged = replace(judged, reference_N=judged.reference_N + 1)
    margins = {"GBR": -judged.reference_N, "MEX": judged.reference_N}
    rows = {r.steer: r for r in harm_rows(judged, "m", margins, ["MEX", "~hill"], drawing)}
    at = np.isin(judged.community_N, ["MEX", "~hill"])
    per_community = [
        np.mean(-np.sign(judged.reference_N[at & (judged.community_N == c)]))
        for c in ("MEX", "~hill")
    ]
    assert rows["GBR"].value == pytest.approx(np.mean(per_community))
    assert rows["GBR"].high < 0
    assert (rows["MEX"].value, rows["MEX"].n) == (
        0.0,
        int((judged.community_N == "~hill").sum()),
    )


def test_a_method_that_does_not_steer_harms_no_community(
    judged: TestPairs, drawing: Drawing
) -> None:
    assert not list(harm_rows(judged, "reference", reference_of(judged), ["GBR"], drawing))


def test_a_summary_judges_each_community_under_its_own_steer(
    judged: TestPairs, drawing: Drawing
) -> None:
    right = {c: np.where(judged.community_N == c, 1.0, -1.0) for c in ("GBR", "MEX", "~hill")}
    found = {
        (r.subset, r.aggregate): r for r in summary_rows(judged, "m", right, list(right), drawing)
    }
    assert {k: r.value for k, r in found.items() if k[0] == "all"} == {
        ("all", "overall"): 1.0,
        ("all", "average"): 1.0,
        ("all", "worst"): 1.0,
        ("all", "disparity"): 0.0,
        ("all", "ratio"): 1.0,
    }
    assert {r.steer for r in found.values()} == {"own"}


def test_the_worst_served_is_named_and_small_communities_never_are(
    columns: Columns, drawing: Drawing
) -> None:
    judged = columns({"GBR": 9, "MEX": 9, "~tiny": 3})
    value = {"GBR": 1.0, "MEX": -1.0, "~tiny": -1.0}
    margin_N = np.array([value[c] for c in judged.community_N.tolist()])
    rows = [
        r
        for r in summary_rows(judged, "m", {"": margin_N}, list(value), drawing)
        if r.subset == "all"
    ]
    found = {r.aggregate: r for r in rows}
    assert (found["worst"].worst_community, found["worst"].value, found["worst"].n) == (
        "MEX",
        0.0,
        45,
    )
    assert found["disparity"].value == 1.0
    assert "ratio" not in found


def test_only_the_communities_to_serve_count_in_a_summary(
    judged: TestPairs, drawing: Drawing
) -> None:
    rows = [
        r
        for r in summary_rows(judged, "m", reference_of(judged), ["MEX"], drawing)
        if r.subset == "all"
    ]
    assert {r.n for r in rows} == {int((judged.community_N == "MEX").sum())}
    assert {r.aggregate for r in rows} == {"overall", "average"}
    assert not list(summary_rows(judged, "m", reference_of(judged), ["NZL"], drawing))


def test_intervals_of_means_do_not_depend_on_the_seed(judged: TestPairs) -> None:
    def ends(seed: int) -> list[tuple[float | None, float | None]]:
        rows = steer_rows(judged, "m", shaken(judged, "GBR"), Drawing(seed, 100))
        return [(r.low, r.high) for r in rows]

    assert ends(1) == ends(2)


def test_only_the_gap_between_communities_is_drawn_with_the_seed(judged: TestPairs) -> None:
    def ends(seed: int) -> dict[str, tuple[float | None, float | None]]:
        margins = shaken(judged, "GBR", "MEX")
        rows = summary_rows(judged, "m", margins, ["GBR", "MEX"], Drawing(seed, 100))
        return {r.aggregate: (r.low, r.high) for r in rows if r.subset == "all"}

    assert ends(1) == ends(1)
    assert ends(1)["average"] == ends(2)["average"]
    assert ends(1)["disparity"] != ends(2)["disparity"]


def test_the_order_of_the_pairs_changes_nothing(judged: TestPairs, drawing: Drawing) -> None:
    order = rng_for(3, "order").permutation(len(judged))
    margins = shaken(judged, "GBR", "MEX")
    moved = {s: m[order] for s, m in margins.items()}
    rows = [
        [
            (r.steer, r.community, r.subset, r.value, r.low, r.high)
            for r in steer_rows(j, "m", m, drawing)
        ]
        for j, m in ((judged, margins), (judged.take(order), moved))
    ]
    for a, b in zip(*rows, strict=True):
        assert a[:3] == b[:3]
        assert a[3:] == pytest.approx(b[3:])


def test_a_row_gives_its_estimate(judged: TestPairs, drawing: Drawing) -> None:
    row = next(steer_rows(judged, "m", reference_of(judged), drawing))
    assert (row.estimate.value, row.estimate.n_raters) == (row.value, row.n_raters)
    assert list(row.as_line(more=1)) == [
        "metric", "method", "steer", "community", "subset", "value", "low", "high", "n", "n_raters",
        "more",
    ]  # fmt: skip
    assert all(
        a <= b
        for a, b in pairwise([row.low, row.value, row.high])
        if a is not None and b is not None
    )


def strong(judged: TestPairs, strength_N: np.ndarray) -> TestPairs:
    return replace(judged, strength_N=strength_N)


def test_equal_strengths_give_the_plain_accuracy_and_its_interval(
    judged: TestPairs, drawing: Drawing
) -> None:
    margins = shaken(judged, "GBR", "MEX")
    even = strong(judged, np.ones(len(judged)))
    rows = [r for r in steer_rows(even, "m", margins, drawing) if r.steer == r.community]
    summary = list(summary_rows(even, "m", margins, ["GBR", "MEX"], drawing))
    averages = [r for r in summary if r.aggregate in {"overall", "average"}]
    assert len(rows) == len(averages) == 4
    for r in [*rows, *averages]:
        weighted = [r.strength_weighted, r.strength_weighted_low, r.strength_weighted_high]
        assert weighted == pytest.approx([r.value, r.low, r.high])
    assert all(r.strength_weighted is None for r in summary if r.aggregate == "worst")


def test_a_model_that_is_right_on_clear_choices_only_scores_higher_weighted_by_strength(
    judged: TestPairs, drawing: Drawing
) -> None:
    clear_N = np.arange(len(judged)) % 2 == 0
    margins = {"": np.where(clear_N, 1.0, -1.0)}
    known = strong(judged, np.where(clear_N, 0.9, 0.1))
    for row in steer_rows(known, "m", margins, drawing):
        if row.subset == "all":
            assert row.strength_weighted is not None
            assert row.value < 0.6
            assert row.strength_weighted > 0.8


def test_pairs_of_unknown_strength_are_left_out_of_the_weighted_accuracy(
    judged: TestPairs, drawing: Drawing
) -> None:
    here_N = judged.community_N != "MEX"
    margins = {"": np.where(np.arange(len(judged)) % 3 == 0, 1.0, -1.0)}
    partly = strong(judged, np.where(here_N, 2.0, np.nan))
    rows = by_key([r for r in steer_rows(partly, "m", margins, drawing) if r.subset == "all"])
    assert rows[None, "MEX", "all"].strength_weighted is None
    assert "strength_weighted" not in rows[None, "MEX", "all"].as_line()
    gbr = rows[None, "GBR", "all"]
    assert gbr.strength_weighted == pytest.approx(gbr.value)
    served = ["GBR", "MEX", "~hill"]
    found = {r.aggregate: r for r in summary_rows(partly, "m", margins, served, drawing)
             if r.subset == "all"}  # fmt: skip
    assert found["average"].strength_weighted is None
    assert found["overall"].strength_weighted == pytest.approx((margins[""][here_N] > 0).mean())


def test_strengths_are_relative_to_the_mean_of_their_source_and_survive_a_join() -> None:
    def pair(id_: str, source: str, strength: float | None) -> PreferencePair:
        return PreferencePair(id_, "Tea?", "Yes", "No", "GBR", "r", strength, source=source)

    pairs = [pair("a", "s", 1.0), pair("b", "s", 3.0), pair("c", "t", 40.0), pair("d", "t", None)]
    one = TestPairs.of(pairs, np.zeros(4))
    assert one.strength_N is not None
    np.testing.assert_allclose(one.strength_N, [0.5, 1.5, 1.0, np.nan])
    none = TestPairs.of([replace(p, strength=None) for p in pairs], np.zeros(4))
    assert none.strength_N is None
    both = TestPairs.join([one, none]).strength_N
    assert both is not None
    assert np.isnan(both).sum() == 5
