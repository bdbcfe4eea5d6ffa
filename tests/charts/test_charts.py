"""Charts are drawn to a width; names stand clear of each other; a matrix shows where zero is."""

from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pluralign.charts import charts
from pluralign.charts.drawing import svg_of
from pluralign.charts.point_labels import place_labels
from pluralign.charts.styles import NARROW, WIDE
from pluralign.languages import Speech

EN = Speech()
ROWS = [
    {"name": f"people {k}", "value": k / 10, "low": k / 12, "high": k / 8, "shown": "x"}
    for k in range(1, 8)
]


def width_of(spec: dict[str, Any]) -> float:
    head = svg_of(spec).partition(">")[0]
    return float(head.partition('width="')[2].partition('"')[0])


def matrix(n: int, width: int) -> dict[str, Any]:
    names = [f"people {k}" for k in range(n)]
    rows = [
        {"steer_name": s, "name": c, "points": 1.0 if s == c else -0.5, "shown": "x"}
        for s in names
        for c in names
    ]
    return charts.steer_matrix(rows, names, names, EN, width)


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_a_chart_is_as_wide_as_asked_for(width: int) -> None:
    assert width_of(charts.dot_plot(ROWS, "n", True, None, width=width)) == pytest.approx(
        width, abs=1
    )
    assert width_of(matrix(5, width)) == pytest.approx(width, abs=1)


def test_a_matrix_too_large_for_a_phone_keeps_cells_that_can_be_read() -> None:
    assert width_of(matrix(40, NARROW)) > 40 * 13
    assert width_of(matrix(40, WIDE)) == pytest.approx(WIDE, abs=1)


def test_the_colours_of_a_matrix_are_symmetric_around_zero() -> None:
    colour = matrix(5, WIDE)["layer"][0]["encoding"]["color"]
    assert colour["scale"]["domain"] == [-1.0, 1.0]
    assert colour["legend"]["values"] == [-1.0, 0, 1.0]


@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 8)), min_size=1, max_size=6, unique=True)
)
def test_names_of_points_on_a_grid_do_not_overlap(cells: list[tuple[int, int]]) -> None:
    points = [(40.0 * x + 30, 40.0 * y + 20) for x, y in cells]
    boxes = place_labels(points, ["a name"] * len(points), (900, 400))
    assert not any(a.overlap(b) for a, b in combinations(boxes, 2))
