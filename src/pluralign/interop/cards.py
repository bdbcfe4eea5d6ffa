"""Values of a saved model's card, with checks."""

from collections.abc import Mapping
from typing import Any

from pluralign.core import Estimate, InvalidInput, count_of


def accuracy_of(card: Mapping[str, Any]) -> dict[str, Estimate]:
    """Accuracy for each community, sorted by id; empty if the model was not measured.

    Raises:
        InvalidInput: If an entry of the card is not an estimate.
    """
    found = card.get("accuracy") or {}
    try:
        return {community: _estimate(found[community]) for community in sorted(found)}
    except (ValueError, TypeError, AttributeError) as error:
        raise InvalidInput(
            f"an accuracy cannot be read: {error}", where="card: accuracy"
        ) from error


def _estimate(entry: Any) -> Estimate:
    return Estimate(**{key: entry.get(key) for key in Estimate.__slots__})


def people_behind(found: Estimate) -> str:
    """The number of pairs and people behind a number.

    >>> people_behind(Estimate(0.6, 0.5, 0.7, n=1200, n_raters=None))
    '1,200 pairs, answers of whole samples'
    """
    people = (
        "answers of whole samples" if found.n_raters is None else count_of(found.n_raters, "rater")
    )
    return f"{count_of(found.n, 'pair')}, {people}"
