"""Columns of a file of pairs that are not used, and which of ours they may be meant as."""

from collections.abc import Collection, Iterable, Mapping

from pluralign.core import CONSENT_COLUMNS
from pluralign.sources.fields import listed_columns, near_columns

_USUAL_NAMES: Mapping[str, tuple[str, ...]] = {
    "community": (
        "country",
        "nationality",
        "locale",
        "region",
        "culture",
        "reside_country",
        "country_of_residence",
    ),
    "rater": (
        "annotator_id",
        "annotator",
        "user_id",
        "worker_id",
        "participant_id",
        "rater_id",
        "person_id",
        "judge",
    ),
    "prompt": ("instruction", "question", "query", "input", "user_prompt", "context", "text"),
    "chosen": (
        "chosen_response",
        "response_chosen",
        "preferred",
        "accepted",
        "better",
        "winner_response",
    ),
    "rejected": (
        "rejected_response",
        "response_rejected",
        "dispreferred",
        "other",
        "worse",
        "loser_response",
    ),
    "language": ("lang", "language_code"),
    "id": ("pair_id", "example_id", "uid", "uuid", "row_id"),
    "strength": ("margin", "preference_strength"),
}
_ABOUT_PEOPLE = CONSENT_COLUMNS | {"age", "gender", "sex", "education", "religion", "ethnicity"}


def meant_as(column: str, unused: Iterable[str]) -> str | None:
    """The unused column that is usually called what ours is, or looks alike; None where there is none.

    >>> meant_as("rater", ["country", "Annotator ID"])
    'Annotator ID'
    """
    names = list(unused)
    near = [
        match
        for usual in (column, *_USUAL_NAMES.get(column, ()))
        for match in near_columns(usual, names, 0.85)
    ]
    return near[0] if near else None


def offered(columns: Iterable[str], unused: Collection[str]) -> str | None:
    """A question that offers columns of the file for ours, with the options that set them; None where none fits.

    >>> offered(["community", "rater"], ["country"])
    'did you mean community? --set pairs.columns.community=country'
    """
    found: dict[str, str] = {}
    for ours in columns:
        theirs = meant_as(ours, [name for name in unused if name not in found.values()])
        if theirs is not None:
            found[ours] = theirs
    if not found:
        return None
    options = " ".join(
        f"--set {_quoted(f'pairs.columns.{ours}={theirs}')}" for ours, theirs in found.items()
    )
    return f"did you mean {', '.join(found)}? {options}"


def columns_not_used(unused: Collection[str], lacking: Iterable[str]) -> str | None:
    """A sentence that names the columns that are not used, and offers them for those that the file lacks.

    Args:
        unused: Columns of the file that are none of ours.
        lacking: Ours that the file does not have.

    >>> columns_not_used(["country", "age"], ["community"])
    'columns not used: country; did you mean community? --set pairs.columns.community=country'
    """
    names = [name for name in unused if name.casefold() not in _ABOUT_PEOPLE]
    if not names:
        return None
    return "; ".join(
        filter(None, (f"columns not used: {listed_columns(names)}", offered(lacking, names)))
    )


def _quoted(option: str) -> str:
    return f'"{option}"' if any(sign.isspace() for sign in option) else option
