"""What the screen says of each community in the data: its people, and why it is not steered to or not ranked."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pluralign.core import community_name, count_of
from pluralign.evaluation import ENOUGH

_MOST = 12


def role_lines(record: Mapping[str, Any]) -> Iterator[str]:
    r"""Every community of a run that it does not steer to, with its people and the reason.

    Args:
        record: ``record.json`` of the run.

    >>> people = {"GBR": {"pairs": 300, "raters": 30}, "KEN": {"pairs": 60, "raters": 12}}
    >>> roles = {"steered": ["GBR"], "reference": [], "left_out": {"KEN": "60 pairs, 200 needed"}}
    >>> print(*role_lines({"people": people, "communities": roles}), sep="\n")
    2 communities in the data, 1 steered to, 1 left out
    left out: Kenya (KEN), 60 pairs by 12 people: 60 pairs, 200 needed
    """
    people, roles = record["people"], record["communities"]
    others = {*roles["steered"], *roles["left_out"]}
    reference = [c for c in roles["reference"] if c not in others]
    counts = {
        "steered to": len(roles["steered"]),
        "only in the reference": len(reference),
        "left out": len(roles["left_out"]),
    }
    shown = ", ".join(f"{n:,} {what}" for what, n in counts.items() if n)
    yield f"{count_of(len(people), 'community', 'communities')} in the data, {shown}"
    if set(roles["reference"]) == set(people):
        yield "the reference is fitted on all of them"
    else:
        yield from _first(
            [f"the reference is fitted on {counted(c, people.get(c))}" for c in roles["reference"]]
        )
    yield from _first(
        [f"left out: {counted(c, people.get(c))}: {why}" for c, why in roles["left_out"].items()]
    )


def not_steered_lines(card: Mapping[str, Any]) -> Iterator[str]:
    """The communities in the data of a saved model that it cannot be steered to.

    >>> told = {"pairs": 60, "raters": 12, "role": "left out", "why": "60 pairs, 200 needed"}
    >>> list(not_steered_lines({"in_data": {"KEN": told}}))
    ['left out: Kenya (KEN), 60 pairs by 12 people: 60 pairs, 200 needed']
    """
    others = {
        c: told for c, told in (card.get("in_data") or {}).items() if told["role"] != "steered"
    }
    yield from _first(
        [
            f"{told['role']}: {counted(c, told)}" + (f": {told['why']}" if told["why"] else "")
            for c, told in others.items()
        ]
    )


def counted(community: str, count: Mapping[str, Any] | None) -> str:
    """A community with its pairs and people.

    >>> counted("KEN", {"pairs": 60, "raters": None})
    'Kenya (KEN), 60 pairs by people whose number is not published'
    """
    name = f"{community_name(community)} ({community})"
    if count is None:
        return name
    raters = (
        "people whose number is not published"
        if count["raters"] is None
        else count_of(count["raters"], "person", "people")
    )
    return f"{name}, {count_of(count['pairs'], 'pair')} by {raters}"


def not_ranked(rows: Sequence[Mapping[str, Any]]) -> str | None:
    """The communities of which too few people were tested to be named the worst served; None where there is none.

    >>> not_ranked([{"community": "FRA", "n": 37, "n_raters": 2}])
    'not ranked, because fewer than 5 people were tested: FRA (2)'
    """
    few = [f"{r['community']} ({r['n'] if r['n_raters'] is None else r['n_raters']})" for r in rows]
    return (
        f"not ranked, because fewer than {ENOUGH} people were tested: {', '.join(few)}"
        if few
        else None
    )


def _first(lines: Sequence[str]) -> Iterator[str]:
    yield from lines[:_MOST]
    if len(lines) > _MOST:
        yield f"... and {len(lines) - _MOST:,} more: the record or card lists all"
