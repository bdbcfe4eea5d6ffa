"""How far the people of a community agree where several of them judged the same two responses."""

from collections.abc import Iterator, Sequence

from pluralign.core import NotEnoughData, PreferencePair, prompt_text
from pluralign.evaluation.reward_rows import Row
from pluralign.metrics import human_ceiling


def ceiling_rows(pairs: Sequence[PreferencePair]) -> Iterator[Row]:
    """How often a rater agrees with the majority of the others on the same two responses.

    It is a reference point, not an upper limit: with few other raters their majority is itself
    uncertain, and a model that has seen many people can do better.

    Args:
        pairs: All pairs, not only those tested.

    Yields:
        A row for each community in which some pair was judged by two people, metric
        ``human_agreement``; ``n`` counts pairs that were judged more than once.
    """
    by_community: dict[str, list[PreferencePair]] = {}
    for pair in pairs:
        if pair.rater is not None:
            by_community.setdefault(pair.community, []).append(pair)
    for community, judged in sorted(by_community.items()):
        item, choice = _items_and_choices(judged)
        raters = [str(p.rater) for p in judged]
        try:
            e = human_ceiling(item, choice, raters)
        except NotEnoughData:
            continue
        yield Row.of(e, "human_agreement", "people", None, community, "all")


def _items_and_choices(pairs: Sequence[PreferencePair]) -> tuple[list[int], list[float]]:
    """Number of the item that each pair judges, and which of its two responses was chosen."""
    # Items are numbers, because an array of the texts would be as wide as the longest of them.
    number: dict[tuple[str, ...], int] = {}
    item, choice = [], []
    for pair in pairs:
        # Sorted, so that an item is the same whichever way round it was shown.
        first, second = sorted((pair.chosen, pair.rejected))
        texts = (prompt_text(pair.prompt), first, second)
        item.append(number.setdefault(texts, len(number)))
        choice.append(float(pair.chosen == first))
    return item, choice
