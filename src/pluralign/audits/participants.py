"""Statistics of the people who took part, in which no person can be identified."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from pluralign.audits.evidence import ATTRIBUTES, Evidence
from pluralign.core import PreferencePair, is_missing

FEWER = "fewer"
"""Name of the group that joins all groups that are too small to report."""


def who_took_part(evidence: Evidence, small: int) -> list[dict[str, Any]]:
    """One row for each community: its people, their pairs and their known attributes.

    Args:
        evidence: The pairs.
        small: Smallest number of people of a group that is reported; smaller groups are joined as
            ``fewer``, which is reported only if it has this number of people.

    Returns:
        Rows with ``community``, ``raters``, ``pairs``, ``pairs_per_rater``, ``heaviest_share``,
        ``effective_raters``, ``with_words``, ``languages``, ``sources`` and ``groups`` (attribute
        -> group -> people); raters are None where answers were only published as shares.
    """
    pairs: dict[str, list[PreferencePair]] = {}
    for p in evidence.pairs:
        pairs.setdefault(p.community, []).append(p)
    return [_row(c, pairs[c], evidence.raters.get(c, {}), small) for c in sorted(pairs)]


def attributes_of(pairs: Sequence[PreferencePair]) -> dict[str, str]:
    """The recorded attributes of one rater; the language is that of most of the pairs."""
    found = {}
    for name in ATTRIBUTES:
        value = next((p.extra[name] for p in pairs if not is_missing(p.extra.get(name))), None)
        if value is not None:
            found[name] = str(value)
    spoken = Counter(p.language for p in pairs if p.language)
    if spoken:
        found["language"] = spoken.most_common(1)[0][0]
    return found


def groups_of(raters: Mapping[str, Sequence[PreferencePair]]) -> dict[str, Counter[str]]:
    """Attribute -> group -> number of raters."""
    found: dict[str, Counter[str]] = {}
    for own in raters.values():
        for attribute, group in attributes_of(own).items():
            found.setdefault(attribute, Counter())[group] += 1
    return found


def suppressed(groups: Mapping[str, int], small: int) -> dict[str, int]:
    """Counts without those of small groups, and without counts from which these could be derived.

    Groups with fewer than ``small`` people are joined. While the joined group is still too small,
    the next smallest group is added, because the hidden count could be derived by subtraction from
    the total. If all groups together are too small, no count is reported.

    >>> suppressed({"women": 30, "men": 20, "other": 2}, 5)
    {'women': 30, 'fewer': 22}
    >>> suppressed({"women": 30, "men": 20}, 5)
    {'women': 30, 'men': 20}
    >>> suppressed({"women": 30, "men": 2}, 5)
    {'fewer': 32}
    >>> suppressed({"women": 3}, 5)
    {}
    """
    shown = dict(sorted(groups.items(), key=lambda item: -item[1]))
    hidden = 0
    while shown and (min(shown.values()) < small or 0 < hidden < small):
        hidden += shown.popitem()[1]
    return shown | ({FEWER: hidden} if hidden >= small else {})


def heaviest(raters: Mapping[str, Sequence[PreferencePair]]) -> tuple[float, float]:
    """The largest share of weight of one rater, and the equivalent number of equal raters."""
    weights = [sum(p.weight for p in own) for own in raters.values()]
    total = sum(weights)
    if total <= 0:
        return 0.0, 0.0
    shares = [w / total for w in weights]
    return max(shares), 1 / sum(s * s for s in shares)


def _languages(pairs: Sequence[PreferencePair], small: int) -> dict[str, int]:
    """Pairs by language; languages of too few people are joined."""
    people: dict[str, set[str]] = {}
    for p in pairs:
        if p.language and p.rater is not None:
            people.setdefault(p.language, set()).add(p.rater)
    hidden = {language for language, raters in people.items() if len(raters) < small}
    return dict(
        Counter(
            FEWER if p.language in hidden else p.language for p in pairs if p.language
        ).most_common()
    )


def _row(
    community: str,
    pairs: Sequence[PreferencePair],
    raters: Mapping[str, Sequence[PreferencePair]],
    small: int,
) -> dict[str, Any]:
    share, effective = heaviest(raters)
    people = len(raters)
    enough = people >= small
    return {
        "community": community,
        "raters": people or None,
        "pairs": len(pairs),
        "pairs_per_rater": round(sum(map(len, raters.values())) / people, 2) if people else None,
        "heaviest_share": round(share, 4) if enough else None,
        "effective_raters": round(effective, 1) if enough else None,
        "with_words": sum(bool(p.context and p.context.strip()) for p in pairs),
        "languages": _languages(pairs, small),
        "sources": dict(Counter(p.source for p in pairs if p.source).most_common()),
        "groups": {a: suppressed(groups, small) for a, groups in groups_of(raters).items()}
        if enough
        else {},
    }
