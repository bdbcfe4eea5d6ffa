"""The communities in the data: people, roles, and reasons for leaving one out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pluralign.cli.printed_tables import Cell, PrintedColumn, PrintedTable
from pluralign.core import community_name, count_of
from pluralign.evaluation import ENOUGH

Count = Mapping[str, Any]
_NAMED_IN_FULL = 3
_MOST = 12
_REMEDY = "; to steer to it: "


def role_lines(record: Mapping[str, Any]) -> Iterator[str]:
    r"""How many communities of a run have which role, and what the reference is fitted on.

    Args:
        record: ``record.json`` of the run.

    >>> people = {"GBR": {"pairs": 300, "raters": 30}, "KEN": {"pairs": 60, "raters": 12}}
    >>> roles = {"steered": ["GBR"], "reference": ["KEN"], "left_out": {}}
    >>> print(*role_lines({"people": people, "communities": roles}), sep="\n")
    2 communities in the data, 1 steered to, 1 only in the reference
    the reference is fitted on Kenya (KEN), 60 pairs by 12 people
    """
    people, roles = record["people"], record["communities"]
    others = {*roles["steered"], *roles["left_out"]}
    counts = {
        "steered to": len(roles["steered"]),
        "only in the reference": len([c for c in roles["reference"] if c not in others]),
        "left out": len(roles["left_out"]),
    }
    shown = ", ".join(f"{n:,} {what}" for what, n in counts.items() if n)
    yield f"{count_of(len(people), 'community', 'communities')} in the data, {shown}"
    reference = roles["reference"]
    if set(reference) == set(people):
        yield "the reference is fitted on all of them"
    elif len(reference) <= _NAMED_IN_FULL:
        for community in reference:
            yield f"the reference is fitted on {counted(community, people.get(community))}"
    else:
        pairs = {c: people[c]["pairs"] if c in people else 0 for c in reference}
        listed = ", ".join(f"{c} ({n:,})" for c, n in pairs.items())
        n = len(reference)
        yield f"the reference is fitted on {n} communities, pairs in brackets: {listed}"


def left_out_table(record: Mapping[str, Any], most: int | None) -> PrintedTable:
    """The communities of a run that are left out, each with the reason and the remedy.

    Args:
        record: ``record.json`` of the run.
        most: How many to list; None for all.
    """
    people, reasons = record["people"], record["communities"]["left_out"]
    order = sorted(reasons, key=lambda c: -people[c]["pairs"] if c in people else 0)
    table = PrintedTable(
        title=f"Left out{_of_all(len(reasons), most)}",
        columns=[
            PrintedColumn(head="community", cut="middle", least=14),
            PrintedColumn(head="pairs", right=True),
            PrintedColumn(head="people", right=True, rank=2),
            PrintedColumn(head="reason", cut="end", least=20),
            PrintedColumn(head="to steer to it", rank=1),
        ],
    )
    for community in order[:most]:
        reason, _, remedy = reasons[community].partition(_REMEDY)
        count = people.get(community)
        table.rows.append([_named(community), *_pairs_and_people(count), reason, remedy])
    return table


def not_steered_lines(card: Mapping[str, Any]) -> Iterator[str]:
    """The communities in the data of a saved model that it cannot be steered to.

    >>> count = {"pairs": 60, "raters": 12, "role": "left out", "why": "60 pairs, 200 needed"}
    >>> list(not_steered_lines({"in_data": {"KEN": count}}))
    ['left out: Kenya (KEN), 60 pairs by 12 people: 60 pairs, 200 needed']
    """
    counts = card.get("in_data") or {}
    others = {c: count for c, count in counts.items() if count["role"] != "steered"}
    for community, count in list(others.items())[:_MOST]:
        reason = f": {count['why']}" if count["why"] else ""
        yield f"{count['role']}: {counted(community, count)}{reason}"
    if len(others) > _MOST:
        yield f"... and {len(others) - _MOST:,} more: the card of the model lists all"


def made_head_lines(
    about: Mapping[str, Any], card: Mapping[str, Any], communities: Iterable[str]
) -> Iterator[str]:
    r"""The communities scored whose heads were not trained, and what answers for them.

    Args:
        about: Facts about the model that scored.
        card: Card of the saved model, which has its prior.
        communities: Ids of the communities scored.

    >>> card = {"prior": {"communities": 42, "people": None, "pairs": 13_970}}
    >>> adapted = {"KEN": {"choices": 0, "people": 0}, "UGA": {"choices": 5, "people": 2}}
    >>> print(*made_head_lines({"adapted": adapted}, card, ["KEN", "UGA"]), sep="\n")
    Kenya (KEN): nobody there trained the model; the head of 42 communities together answers
    Uganda (UGA): the head was adapted from 5 choices of 2 people; it has not been measured
    """
    adapted, wanted = about.get("adapted") or {}, set(communities)
    for id_, own in adapted.items():
        if id_ not in wanted:
            continue
        if own["choices"]:
            people = _of_people(own["people"])
            yield (
                f"{_named(id_)}: the head was adapted from {count_of(own['choices'], 'choice')}"
                f"{people}; it has not been measured"
            )
        else:
            seen = count_of(card["prior"]["communities"], "community", "communities")
            yield (
                f"{_named(id_)}: nobody there trained the model; the head of {seen} together "
                "answers"
            )


def counted(community: str, count: Count | None) -> str:
    """A community with its pairs and people.

    >>> counted("KEN", {"pairs": 60, "raters": None})
    'Kenya (KEN), 60 pairs by people whose number is not published'
    """
    if count is None:
        return _named(community)
    raters = (
        "people whose number is not published"
        if count["raters"] is None
        else count_of(count["raters"], "person", "people")
    )
    return f"{_named(community)}, {count_of(count['pairs'], 'pair')} by {raters}"


def not_ranked(rows: Sequence[Mapping[str, Any]]) -> str | None:
    """The communities with too few people tested to be ranked; None where there is none.

    >>> not_ranked([{"community": "FRA", "n": 37, "n_raters": 2}])
    'not ranked, because fewer than 5 people were tested: FRA (2)'
    """
    few = []
    for row in rows:
        tested = row["n"] if row["n_raters"] is None else row["n_raters"]
        few.append(f"{row['community']} ({tested})")
    if not few:
        return None
    return f"not ranked, because fewer than {ENOUGH} people were tested: {', '.join(few)}"


def _named(community: str) -> str:
    return f"{community_name(community)} ({community})"


def _of_all(n: int, most: int | None) -> str:
    if most is None or n <= most:
        return ""
    return f", {most} of {n:,} (--wide lists all)"


def _pairs_and_people(count: Count | None) -> list[Cell]:
    if count is None:
        return ["-", "-"]
    raters = "-" if count["raters"] is None else f"{count['raters']:,}"
    return [f"{count['pairs']:,}", raters]


def _of_people(people: int | None) -> str:
    return "" if people is None else f" of {count_of(people, 'person', 'people')}"
