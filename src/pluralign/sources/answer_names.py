"""Columns of recorded answers from the name of their file, where its rows lack them.

CultureSPA writes ``result/MODEL/wvs_result_STRATEGY_COUNTRY_RUN.json`` (without a country where
none was named): a list of ``{"Q_id", "question", "option_lst", "answer"}``. This was checked
against the files and scripts of its repository.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pluralign.core import resolve_community
from pluralign.sources.typed_cells import Row

_RESULT = re.compile(
    r"(?:\w+_)?result_(?P<strategy>[a-z]+(?:_[a-z]+)*)"
    r"(?:_(?P<country>[A-Z][A-Za-z]+))?_(?P<run>\d{1,6})"
)
_ADJECTIVES = {
    "American": "USA", "Canadian": "CAN", "Bolivian": "BOL", "Brazilian": "BRA", "British": "GBR",
    "Dutch": "NLD",
    "German": "DEU", "Ukrainian": "UKR", "Chinese": "CHN", "Russian": "RUS", "Indian": "IND",
    "Thai": "THA",
    "Kenyan": "KEN", "Nigerian": "NGA", "Ethiopian": "ETH", "Zimbabwean": "ZWE",
    "Australian": "AUS",
    "Mexican": "MEX",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class AnswerNames:
    """Model, strategy and community of rows that lack these columns.

    Attributes:
        model: Name of the model that answered.
        strategy: How the questions were asked.
        community: The community named in the questions; empty where none was named, None where
            that is not known.
    """

    model: str | None = None
    strategy: str | None = None
    community: str | None = None

    def fill(self, row: Row, path: Path) -> Row:
        """Add the missing columns of a row, as given here or else from the name of its file.

        CultureSPA's name of a column (``Q_id``) is replaced by ours.
        """
        given = {"model": self.model, "strategy": self.strategy, "community": self.community}
        known = named_by(path) | {name: value for name, value in given.items() if value is not None}
        cells = dict(row)
        if not cells.get("question_id") and "Q_id" in cells:
            cells["question_id"] = cells.pop("Q_id")
        if "community" in cells or "country" in cells:
            known.pop("community", None)
        for name, value in cells.items():
            if name not in known or value is not None:
                known[name] = value
        return known


def named_by(path: Path) -> dict[str, object]:
    """The columns in the name of one of CultureSPA's result files; empty for any other name.

    >>> named_by(Path("result/Llama-3-8B/wvs_result_culture_aware_KEN_0.json"))
    {'model': 'Llama-3-8B', 'strategy': 'culture_aware', 'draw': 0, 'community': 'KEN'}
    >>> named_by(Path("answers.jsonl"))
    {}
    """
    found = _RESULT.fullmatch(path.name.partition(".")[0])
    if found is None:
        return {}
    columns: dict[str, object] = {
        "model": path.resolve().parent.name,
        "strategy": found["strategy"],
        "draw": int(found["run"]),
    }
    country = found["country"]
    if country is None:
        return columns | {"community": None}
    known = resolve_community(_ADJECTIVES.get(country, country))
    return columns | {"community": known.id if known else country}


def missing_names(row: Mapping[str, object]) -> list[str]:
    """The columns among model, strategy and community that a row still lacks."""
    needed = [name for name in ("model", "strategy") if not row.get(name)]
    return needed + (["community"] if "community" not in row and "country" not in row else [])
