"""Tables that strategies use: the similarity of countries, and the neighbours of questions."""

from pathlib import Path

from pluralign.core import InvalidInput
from pluralign.sources.community_labels import required_community
from pluralign.sources.typed_cells import BadRow
from pluralign.sources.wvs_questions import read_json


def read_similarity(path: Path) -> dict[str, dict[str, float]]:
    """Read the similarity of countries: JSON of country -> country -> number, higher if more alike.

    Raises:
        InvalidInput: If the layout differs, or a country is unknown.
    """
    table = read_json(path)
    if not isinstance(table, dict) or not table:
        raise InvalidInput("must be a mapping country -> country -> similarity", where=str(path))
    found: dict[str, dict[str, float]] = {}
    for label, others in table.items():
        values = others.values() if isinstance(others, dict) else [None]
        if not all(isinstance(value, int | float) for value in values):
            raise InvalidInput("must be a mapping country -> similarity", where=f"{path}: {label}")
        similarity = {_id(other, path): float(value) for other, value in others.items()}
        found[_id(label, path)] = similarity
    return found


def read_neighbours(path: Path) -> dict[str, tuple[str, ...]]:
    """Read the neighbours of questions: JSON of question id -> question ids, nearest first.

    Raises:
        InvalidInput: If the layout differs.
    """
    table = read_json(path)
    if not isinstance(table, dict) or not table:
        raise InvalidInput("must be a mapping question -> nearest questions", where=str(path))
    for id_, others in table.items():
        if not isinstance(others, list) or not all(isinstance(other, str) for other in others):
            raise InvalidInput("must be a list of question ids", where=f"{path}: {id_}")
    return {id_: tuple(others) for id_, others in table.items()}


def _id(label: str, path: Path) -> str:
    try:
        return required_community(label)
    except BadRow as bad:
        raise InvalidInput(bad.what, where=str(path), hint=bad.hint) from bad
