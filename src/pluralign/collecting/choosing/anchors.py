"""Anchor pairs: a fixed random sample of the study's own pairs, for evaluation.

The order of pairs is that of a keyed digest, so the sample depends neither on when a pair was
added nor on what people write. Anchors are drawn as anchors only: an adaptive choice that also
took some of them would make the others an unfair sample.
"""

import math
from collections import defaultdict
from collections.abc import Mapping

from sqlalchemy import Connection, select, update

from pluralign.collecting.choosing.pair_rows import PairRow, pairs_shown, readable
from pluralign.collecting.secret_digests import keyed_digest
from pluralign.collecting.store.tables import assignment, pair
from pluralign.collecting.study import ChoosingSettings, Study


def mark_anchors(connection: Connection, study: Study) -> int:
    """Mark the anchors of every community and language; earlier anchors stay anchors.

    Call it after the study's texts are loaded. Pairs of people's texts are never anchors. Where
    study texts were added later, anchors are added among pairs that nobody has been shown.

    Args:
        connection: A writing connection.
        study: The study.

    Returns:
        Number of pairs that are newly marked.
    """
    rows = [row for row in pairs_shown(connection) if not row.authors]
    seen = set(connection.execute(select(assignment.c.pair).distinct()).scalars())
    new: set[str] = set()
    for community in study.settings.communities:
        for own in by_language(readable(rows, community.id)).values():
            wanted = anchor_count(len(own), study.settings.choosing)
            marked = {row.id for row in own if row.anchor}
            free = [row.id for row in own if not row.anchor and row.id not in seen]
            new |= set(in_anchor_order(free, study.secret)[: max(0, wanted - len(marked))])
    for id_ in new:
        connection.execute(update(pair).where(pair.c.id == id_).values(anchor=True))
    return len(new)


def anchor_count(n_pairs: int, settings: ChoosingSettings) -> int:
    """Number of anchors among a community's study pairs in one language.

    At most the share of anchors among shown pairs, so that a small study has other pairs too.

    >>> [anchor_count(n, ChoosingSettings()) for n in (1, 30, 1000)]
    [1, 6, 40]
    """
    return min(settings.anchors, math.ceil(n_pairs * settings.anchor))


def in_anchor_order(ids: list[str], secret: bytes) -> list[str]:
    """Ids of pairs in an order that is random without the study's secret, and always the same."""
    return sorted(ids, key=lambda id_: keyed_digest(secret, "anchor", id_))


def by_language(rows: list[PairRow]) -> Mapping[str, list[PairRow]]:
    """Language -> its pairs."""
    found: dict[str, list[PairRow]] = defaultdict(list)
    for row in rows:
        found[row.language].append(row)
    return found
