"""Features of texts for choosing pairs: an encoder's vectors, along a few directions.

They live in memory only: nothing that is derived from a person's words stays behind when the
person withdraws.
"""

from collections.abc import Mapping

import numpy as np

from pluralign.core import Encoder, FloatArray

DIRECTIONS = 128
"""Most directions. With fewer, the most informative pairs are worse than random ones for a model of
whole vectors: see benchmarks/choosing.py and docs/collecting.md."""


class TextVectors:
    """Vectors of texts by id; each text is encoded once.

    Args:
        encoder: Encodes them.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._vectors: dict[str, FloatArray] = {}

    def of(self, bodies: Mapping[str, str]) -> dict[str, FloatArray]:
        """Vectors of texts; vectors of all other texts are forgotten.

        Args:
            bodies: Id -> text.
        """
        new = [id_ for id_ in bodies if id_ not in self._vectors]
        vector_T_d = self._encoder.encode([bodies[id_] for id_ in new])
        self._vectors |= dict(zip(new, vector_T_d, strict=True))
        self._vectors = {id_: self._vectors[id_] for id_ in bodies}
        return self._vectors


def principal_directions(difference_N_d: FloatArray, most: int = DIRECTIONS) -> FloatArray:
    """Directions in which pairs differ most, scaled so that an average pair has length 1.

    Args:
        difference_N_d: Vector of one response minus that of the other, of each pair, shape (N, d).
        most: Largest number of directions.

    Returns:
        Directions, shape (d, D) with D at most ``most``; no direction in which no pair differs.
    """
    wide_N_d = np.asarray(difference_N_d, dtype=np.float64)
    value_d, vector_d_d = np.linalg.eigh(wide_N_d.T @ wide_N_d / max(1, len(wide_N_d)))
    kept = np.flatnonzero(value_d > _NOTHING * max(value_d[-1], _NOTHING))[-most:]
    direction_d_D: FloatArray = vector_d_d[:, kept] / np.sqrt(value_d[kept].sum() or 1.0)
    return direction_d_D


_NOTHING = 1e-9
