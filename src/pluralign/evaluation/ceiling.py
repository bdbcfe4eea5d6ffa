"""How far the people of a community agree where several of them judged the same two responses."""

from collections.abc import Iterator, Sequence

import numpy as np

from pluralign.core import NotEnoughData, PreferencePair, prompt_text, rng_for
from pluralign.evaluation.rows import Row
from pluralign.metrics import human_ceiling


def ceiling_rows(
    pairs: Sequence[PreferencePair], seed: int, draws: int = 2000
) -> Iterator[dict[str, object]]:
    """How often a rater agrees with the majority of the others on the same two responses.

    It is a reference point, not an upper limit: with few other raters their majority is itself
    uncertain, and a model that has seen many people can do better.

    Args:
        pairs: All pairs, not only those tested.
        seed: Seed of the intervals.
        draws: Bootstrap draws over raters.

    Yields:
        A row for each community in which some pair was judged by two people, metric
        ``human_agreement``; ``n`` counts pairs that were judged more than once.
    """
    by_community: dict[str, list[PreferencePair]] = {}
    for pair in pairs:
        if pair.rater is not None:
            by_community.setdefault(pair.community, []).append(pair)
    for community, judged in sorted(by_community.items()):
        sides = [sorted((p.chosen, p.rejected)) for p in judged]
        number: dict[
            tuple[str, ...], int
        ] = {}  # an array of the texts themselves would be as wide as the longest
        shown = [(prompt_text(p.prompt), *side) for p, side in zip(judged, sides, strict=True)]
        item = [number.setdefault(texts, len(number)) for texts in shown]
        choice = np.array(
            [float(p.chosen == side[0]) for p, side in zip(judged, sides, strict=True)]
        )
        try:
            e = human_ceiling(
                item,
                choice,
                [str(p.rater) for p in judged],
                rng_for(seed, "ceiling", community),
                draws,
            )
        except NotEnoughData:
            continue
        yield Row.of(e, "human_agreement", "people", None, community, "all").as_dict()
