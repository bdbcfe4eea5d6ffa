"""Columns of a file that are not used, and those of ours that they may be meant as."""

from collections.abc import Collection, Iterable, Mapping

from pluralign.core import CONSENT_COLUMNS
from pluralign.sources.typed_cells import listed_columns, near_columns

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
    """The unused column with a usual name of ours, or one that looks alike; None without any.

    >>> meant_as("rater", ["country", "Annotator ID"])
    'Annotator ID'
    """
    names = list(unused)
    for usual in (column, *_USUAL_NAMES.get(column, ())):
        near = near_columns(usual, names, 0.85)
        if near:
            return near[0]
    return None


def offered(columns: Iterable[str], unused: Collection[str]) -> str | None:
    """A question that offers columns of the file for ours, with the options; None if none fits.

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
    settings = [f"pairs.columns.{ours}={theirs}" for ours, theirs in found.items()]
    options = " ".join(f"--set {_quoted(setting)}" for setting in settings)
    return f"did you mean {', '.join(found)}? {options}"


def columns_not_used(unused: Collection[str], lacking: Iterable[str]) -> str | None:
    """A sentence with the columns that are not used, which offers them for the missing ones.

    Args:
        unused: Columns of the file that are not ours.
        lacking: Our columns that the file does not have.

    >>> columns_not_used(["country", "age"], ["community"])
    'columns not used: country; did you mean community? --set pairs.columns.community=country'
    """
    names = [name for name in unused if name.casefold() not in _ABOUT_PEOPLE]
    if not names:
        return None
    sentence = f"columns not used: {listed_columns(names)}"
    offer = offered(lacking, names)
    return f"{sentence}; {offer}" if offer else sentence


def _quoted(option: str) -> str:
    return f'"{option}"' if any(sign.isspace() for sign in option) else option
