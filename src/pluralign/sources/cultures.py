"""Tables that strategies use: how alike countries are, and which questions are near each other."""

from pathlib import Path

from pluralign.core import InvalidInput
from pluralign.sources.fields import BadRow
from pluralign.sources.labels import required_community
from pluralign.sources.tables import read_json


def read_similarity(path: Path) -> dict[str, dict[str, float]]:
    """Read how alike countries are: JSON of country -> country -> number, higher being more alike.

    Raises:
        InvalidInput: If it is not written so, or names a country that is not known.
    """
    table = read_json(path)
    if not isinstance(table, dict) or not table:
        raise InvalidInput("not a mapping country -> country -> similarity", where=str(path))
    found: dict[str, dict[str, float]] = {}
    for label, others in table.items():
        if not isinstance(others, dict) or not all(
            isinstance(value, int | float) for value in others.values()
        ):
            raise InvalidInput("not a mapping country -> similarity", where=f"{path}: {label}")
        found[_id(label, path)] = {
            _id(other, path): float(value) for other, value in others.items()
        }
    return found


def read_neighbours(path: Path) -> dict[str, tuple[str, ...]]:
    """Read which questions are near a question: JSON of question id -> question ids, nearest first.

    Raises:
        InvalidInput: If it is not written so.
    """
    table = read_json(path)
    if not isinstance(table, dict) or not table:
        raise InvalidInput("not a mapping question -> nearest questions", where=str(path))
    for id_, others in table.items():
        if not isinstance(others, list) or not all(isinstance(other, str) for other in others):
            raise InvalidInput("not a list of question ids", where=f"{path}: {id_}")
    return {id_: tuple(others) for id_, others in table.items()}


def _id(label: str, path: Path) -> str:
    try:
        return required_community(label)
    except BadRow as bad:
        raise InvalidInput(bad.what, where=str(path), hint=bad.hint) from bad
