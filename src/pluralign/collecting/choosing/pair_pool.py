"""Pairs in memory: their rows, their features, and the people who may see them."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from pluralign.collecting.choosing.anchors import anchor_count, in_anchor_order
from pluralign.collecting.choosing.pair_rows import PairRow, primary, readable
from pluralign.collecting.study import Study
from pluralign.core import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Readable:
    """Pairs that some people can read.

    Attributes:
        anchor_A: Rows of the anchors, sorted.
        other_N: Rows of the other pairs, sorted.
        ids: Ids of all of them.
    """

    anchor_A: IntArray
    other_N: IntArray
    ids: Collection[str]


class PairPool:
    """Pairs that may be shown to somebody; a pair's row is its position here.

    Args:
        study: The study.
        rows: The pairs.
        feature_N_D: Features of the first response minus those of the second, shape (N, D).
    """

    def __init__(self, study: Study, rows: Sequence[PairRow], feature_N_D: FloatArray) -> None:
        self.rows = rows
        self.feature_N_D = feature_N_D
        self.row_of = {row.id: at for at, row in enumerate(rows)}
        self.made_at_N = np.array([row.made_at for row in rows], dtype=np.int64)
        self._study = study
        self._by_author: dict[str, list[int]] = defaultdict(list)
        for at, row in enumerate(rows):
            for author in row.authors:
                self._by_author[author].append(at)
        self._readable_by: dict[tuple[str, str], Readable] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def written_by(self, person: str) -> list[int]:
        """Rows with a text of a person."""
        return self._by_author.get(person, [])

    def readable(self, community: str, language: str) -> "Readable":
        """Pairs that people of a community can read.

        Args:
            community: Id of the community.
            language: Language of the person's pages. Pairs in other languages are only taken where
                the community has none in this one.
        """
        key = (community, primary(language))
        if key not in self._readable_by:
            self._readable_by[key] = self._readable(*key)
        return self._readable_by[key]

    def _readable(self, community: str, language: str) -> "Readable":
        allowed = readable(self.rows, community)
        own = [row for row in allowed if row.language == language] or allowed
        row_N = np.array([self.row_of[row.id] for row in own], dtype=np.int64)
        anchors = self._anchors(own)
        is_anchor_N = np.array([row.id in anchors for row in own], dtype=np.bool_)
        return Readable(row_N[is_anchor_N], row_N[~is_anchor_N], {row.id for row in own})

    def _anchors(self, own: Sequence[PairRow]) -> set[str]:
        """Anchors of these people: a pair may be marked as an anchor of another community."""
        found: set[str] = set()
        for language in {row.language for row in own}:
            same = [row for row in own if row.language == language]
            wanted = anchor_count(
                sum(not row.authors for row in same), self._study.settings.choosing
            )
            marked = [row.id for row in same if row.anchor]
            found |= set(in_anchor_order(marked, self._study.secret)[:wanted])
        return found
