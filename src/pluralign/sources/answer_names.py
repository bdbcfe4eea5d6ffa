"""What the name of a file says about the recorded answers in it, where its rows do not.

CultureSPA writes ``result/MODEL/wvs_result_STRATEGY_COUNTRY_RUN.json`` (no country where none was
named): a list of ``{"Q_id", "question", "option_lst", "answer"}``. Checked against the files and
scripts of its repository.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pluralign.core import resolve_community
from pluralign.sources.fields import Row

_RESULT = re.compile(
    r"(?:\w+_)?result_(?P<strategy>[a-z]+(?:_[a-z]+)*)(?:_(?P<country>[A-Z][A-Za-z]+))?_(?P<run>\d{1,6})"
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
    """What rows are about that do not say it themselves.

    Attributes:
        model: Who answered.
        strategy: How the questions were put.
        community: In whose name; empty where in nobody's, None where that is not known.
    """

    model: str | None = None
    strategy: str | None = None
    community: str | None = None

    def fill(self, row: Row, path: Path) -> Row:
        """The row with its missing columns: as given here, else as the name of its file says.

        Columns named as CultureSPA names them (``Q_id``) are renamed.
        """
        given = {"model": self.model, "strategy": self.strategy, "community": self.community}
        known = named_by(path) | {name: value for name, value in given.items() if value is not None}
        if not row.get("question_id") and "Q_id" in row:
            row = {name: value for name, value in row.items() if name != "Q_id"} | {
                "question_id": row["Q_id"]
            }
        if "community" in row or "country" in row:
            known.pop("community", None)
        return known | {
            name: value for name, value in row.items() if name not in known or value is not None
        }


def named_by(path: Path) -> dict[str, object]:
    """The columns that the name of one of CultureSPA's result files stands for; none where it is named otherwise.

    >>> named_by(Path("result/Meta-Llama-3-8B-Instruct/wvs_result_culture_aware_KEN_0.json"))
    {'model': 'Meta-Llama-3-8B-Instruct', 'strategy': 'culture_aware', 'draw': 0, 'community': 'KEN'}
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
    """Which of model, strategy and community neither the row nor the name of its file says."""
    needed = [name for name in ("model", "strategy") if not row.get(name)]
    return needed + (["community"] if "community" not in row and "country" not in row else [])
