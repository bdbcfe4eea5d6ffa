"""A text by whose vector a change of a server's model is noticed."""

from collections.abc import Sequence

import numpy as np

from pluralign.core import FloatArray
from pluralign.encoders.vectors import unit_rows

PROBE = "People are born equal. Las personas nacen iguales. 人人生而平等。 1 + 1 = 2."
PROBE_NUMBERS = 16
_LARGEST = 0.05
"""Rounding to bfloat16 moves the numbers by about 0.01, int8 weights by 0.1, another model by 1."""


def probe_numbers(vector_D: FloatArray) -> tuple[float, ...]:
    """Sixteen numbers that stand for the vector of `PROBE`: sums of every sixteenth element.

    >>> probe_numbers(np.eye(1, 32)[0])[:3]
    (1.0, 0.0, 0.0)
    """
    unit_D = unit_rows(vector_D[None])[0].astype(np.float64)
    return tuple(round(float(unit_D[i::PROBE_NUMBERS].sum()), 4) for i in range(PROBE_NUMBERS))


def is_same_model(numbers: Sequence[float], others: Sequence[float]) -> bool:
    """Whether two models give the same vectors but for rounding.

    >>> is_same_model((1.0, 0.0), (0.99, 0.02)), is_same_model((1.0, 0.0), (0.0, 1.0))
    (True, False)
    """
    return float(np.linalg.norm(np.subtract(numbers, others))) <= _LARGEST
