"""The people behind each community of a saved model, with warnings if they are few or unknown."""

from collections.abc import Mapping
from typing import Any

from pluralign.core import WORLD, community_name, count_of
from pluralign.evaluation import ENOUGH
from pluralign.rewards import name_on_card
from pluralign.rewards.remote.wire import Accuracy, NotSteered, Served

FEW_RATERS, FEW_PAIRS = 20, 200
CHANCE = 0.5


def evidence_of(card: Mapping[str, Any], id_: str) -> Served:
    """The evidence behind a community.

    Args:
        card: Card of the saved model.
        id_: A community it is steered to, or ``~world``, the reference.

    Returns:
        The people and the held-out accuracy, with a warning if they are few or unknown.
    """
    own = (card.get("adapted") or {}).get(id_)
    if own is not None:
        return adapted_served(card, id_, own["choices"], own["people"])
    raters, pairs = _people(card, id_)
    accuracy = _accuracy(card, id_)
    return Served(
        id=id_,
        name=name_on_card(card, id_),
        head="trained" if id_ in (card.get("communities") or ()) else "reference",
        raters=raters,
        pairs=pairs,
        accuracy=accuracy,
        warnings=(*_simulated(card), *_thin(raters, pairs), *_weak(accuracy)),
    )


def adapted_served(card: Mapping[str, Any], id_: str, choices: int, people: int | None) -> Served:
    """The evidence behind a community whose head was adapted from its choices, or is the prior's.

    Args:
        card: Card of the saved model, with its prior.
        id_: The community.
        choices: Number of its choices.
        people: Number of its people; None where not known.
    """
    name, prior = community_name(id_), card["prior"]
    seen = count_of(prior["communities"], "community", "communities")
    if not choices:
        said = (
            f"prior: nobody of {name} trained the model; the head of {seen} together answers, and "
            f"how {name} differs from them is not known"
        )
        return Served(
            id=id_,
            name=name,
            head="prior",
            raters=0,
            pairs=0,
            warnings=(*_simulated(card), said),
        )
    by = "" if people is None else f" of {count_of(people, 'person', 'people')}"
    said = (
        f"adapted: the head was made from {count_of(choices, 'choice')}{by}, starting from the "
        f"head of {seen} together"
    )
    return Served(
        id=id_,
        name=name,
        head="adapted",
        raters=people,
        pairs=choices,
        warnings=(*_simulated(card), said, *_thin(people, choices), *_weak(None)),
    )


def not_steered(card: Mapping[str, Any]) -> tuple[NotSteered, ...]:
    """The communities of a saved model's data that it is not steered to, from its card.

    >>> kenya = {"pairs": 60, "raters": 12, "role": "left out", "why": "60 pairs, 200 needed"}
    >>> card = {"in_data": {"KEN": kenya}}
    >>> [(one.name, one.pairs, one.why) for one in not_steered(card)]
    [('Kenya', 60, '60 pairs, 200 needed')]
    """
    in_data: Mapping[str, Mapping[str, Any]] = card.get("in_data") or {}
    return tuple(
        NotSteered(
            id=id_,
            name=community_name(id_),
            role=told["role"],
            pairs=told["pairs"],
            raters=told["raters"],
            why=told["why"],
        )
        for id_, told in in_data.items()
        if told["role"] != "steered"
    )


def _people(card: Mapping[str, Any], id_: str) -> tuple[int | None, int | None]:
    """Raters and pairs; for the reference, all raters and pairs that it was fitted on."""
    people = card.get("people") or {}
    own = id_ in (card.get("communities") or ())
    behind = [id_] if own or id_ != WORLD.id else list(card.get("reference_fitted_on") or ())
    counts = [people[c] for c in behind if c in people]
    return _sum(counts, "raters"), _sum(counts, "pairs")


def _sum(counts: list[Mapping[str, int | None]], what: str) -> int | None:
    known = [count.get(what) for count in counts]
    return sum(n for n in known if n is not None) if known and None not in known else None


def _accuracy(card: Mapping[str, Any], id_: str) -> Accuracy | None:
    found = (card.get("accuracy") or {}).get(id_)
    return None if found is None else Accuracy.model_validate(found)


def _simulated(card: Mapping[str, Any]) -> tuple[str, ...]:
    licenses = card.get("licenses") or ()
    if any("simulated" in str(terms).lower() for terms in licenses):
        return ("simulated: the people behind it are simulated, none of them is real",)
    return ()


def _thin(raters: int | None, pairs: int | None) -> tuple[str, ...]:
    if raters is None and pairs is None:
        return ("unknown: the model's card does not have the number of people behind it",)
    if raters is not None and raters < FEW_RATERS:
        return (f"thin: only {count_of(raters, 'person stands', 'people stand')} behind it",)
    if raters is None and pairs is not None and pairs < FEW_PAIRS:
        few = count_of(
            pairs, "pair of published answers stands", "pairs of published answers stand"
        )
        return (f"thin: only {few} behind it",)
    return ()


def _weak(accuracy: Accuracy | None) -> tuple[str, ...]:
    if accuracy is None:
        return ("unmeasured: it has not been compared with held-out people",)
    if accuracy.n_raters is not None and accuracy.n_raters < ENOUGH:
        few = count_of(accuracy.n_raters, "person held out has", "people held out have")
        return (f"thin: only {few} been compared with it",)
    if accuracy.low is not None and accuracy.low <= CHANCE:
        shown = f"{accuracy.value:.1%}, interval {accuracy.low:.1%} to {accuracy.high:.1%}"
        return (
            "weak: on choices of held-out people it is not significantly better than chance "
            f"({shown})",
        )
    return ()
