"""Turn survey questions into asks: strategies, their templates, orders and wordings."""

from pluralign.asking.asks import Putting, main_language, put
from pluralign.asking.strategies import Strategy, load_strategy, strategies
from pluralign.asking.tables import CultureTables, culture_tables

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
