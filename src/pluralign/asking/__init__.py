"""Turn survey questions into asks: strategies, their templates, orders and wordings."""

from pluralign.asking.asks import Putting, main_language, put
from pluralign.asking.culture_tables import CultureTables, culture_tables
from pluralign.asking.strategies import Strategy, load_strategy, strategies

__all__ = [
    "CultureTables",
    "Putting",
    "Strategy",
    "culture_tables",
    "load_strategy",
    "main_language",
    "put",
    "strategies",
]
