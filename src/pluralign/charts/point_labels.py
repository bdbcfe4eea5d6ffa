"""Positions of the names of points in a chart, so that none covers another."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pluralign.charts.styles import Rows

_LETTER, _LINE, _GAP = 6.6, 14.0, 8.0
"""Width of a letter, height of a line and distance from the point, in pixels."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels, from its left upper corner."""

    x: float
    y: float
    width: float
    height: float

    @classmethod
    def between(cls, start: tuple[float, float], end: tuple[float, float]) -> "Box":
        """A line as a rectangle that is two pixels wide."""
        (left, top), (right, bottom) = start, end
        return cls(left - 1, top - 1, right - left + 2, bottom - top + 2)

    def overlap(self, other: "Box") -> float:
        """Area that both cover, in square pixels.

        >>> Box(0, 0, 10, 10).overlap(Box(5, 5, 10, 10)), Box(0, 0, 1, 1).overlap(Box(2, 0, 1, 1))
        (25, 0)
        """
        across = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        down = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        return max(across, 0) * max(down, 0)


def place_labels(
    points: Sequence[tuple[float, float]],
    names: Sequence[str],
    size: tuple[float, float],
    lines: Sequence[Box] = (),
) -> list[Box]:
    """A box for each name next to its point: inside the chart, and clear of all else where it can.

    Args:
        points: Pixels from the left and from the top.
        names: A name for each point.
        size: Width and height of the chart in pixels.
        lines: Lines that names should not cover either, such as intervals.

    >>> a, b = place_labels([(50, 50), (52, 51)], ["one", "two"], (200, 100))
    >>> a.overlap(b)
    0.0
    """
    marks = [*(Box(x - 4, y - 4, 8, 8) for x, y in points), *lines]
    taken: list[Box] = []
    for (x, y), name in zip(points, names, strict=True):
        boxes = _candidates(x, y, len(name) * _LETTER)
        costs = [_cost(box, taken, marks, size) for box in boxes]
        taken.append(boxes[costs.index(min(costs))])
    return taken


def _candidates(x: float, y: float, wide: float) -> list[Box]:
    """Boxes around a point, the preferred ones first: right, left, above, below, further away."""
    found = []
    for distance in range(0, 5):
        for direction in (-1, 1) if distance else (1,):
            top = y - _LINE / 2 + direction * distance * _LINE
            found.append(Box(x + _GAP, top, wide, _LINE))
            found.append(Box(x - _GAP - wide, top, wide, _LINE))
            if distance:
                found.append(Box(x - wide / 2, top, wide, _LINE))
    return found


def _cost(box: Box, names: Sequence[Box], marks: Sequence[Box], size: tuple[float, float]) -> float:
    """How badly a box stands: the square pixels that other names, marks or the edge take of it."""
    outside = box.width * box.height - box.overlap(Box(0, 0, *size))
    covered = sum(box.overlap(other) for other in names)
    crossed = sum(box.overlap(mark) for mark in marks)
    return 10 * (outside + covered) + crossed


def span(rows: Rows, axis: str) -> list[float]:
    """Ends of an axis: all intervals, and a little room around them."""
    low = min([r[f"{axis}_low"] for r in rows], default=0.0)
    high = max([r[f"{axis}_high"] for r in rows], default=1.0)
    room = 0.05 * (high - low) or 0.01
    return [low - room, high + room]


def with_labels(
    rows: Rows, across: Sequence[float], up: Sequence[float], size: tuple[float, float]
) -> list[dict[str, Any]]:
    """The rows with ``label_x`` and ``label_y``, where the name begins on the axes."""
    (left, right), (low, high) = across, up
    width, height = size

    def pixel(x: float, y: float) -> tuple[float, float]:
        return (x - left) / (right - left) * width, (high - y) / (high - low) * height

    points = [pixel(r["x"], r["y"]) for r in rows]
    intervals = []
    for r in rows:
        intervals.append(Box.between(pixel(r["x_low"], r["y"]), pixel(r["x_high"], r["y"])))
        intervals.append(Box.between(pixel(r["x"], r["y_high"]), pixel(r["x"], r["y_low"])))
    boxes = place_labels(points, [r["name"] for r in rows], (width, height), intervals)
    found = []
    for row, box in zip(rows, boxes, strict=True):
        label_x = left + box.x / width * (right - left)
        label_y = high - (box.y + box.height / 2) / height * (high - low)
        found.append(dict(row) | {"label_x": label_x, "label_y": label_y})
    return found
