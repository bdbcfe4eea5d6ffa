"""How a question is put: strategies, their templates, orders and wordings."""

from pluralign.asking.putting import CultureTables, Putting, culture_tables, main_language, put
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
