"""Turn survey questions into asks: strategies, their templates, orders and wordings."""

from pluralign.asking.asks import Putting, put
from pluralign.asking.culture_tables import CultureTables, culture_tables
from pluralign.asking.knowledge_asks import KnowledgeAsk, KnowledgePutting, put_knowledge
from pluralign.asking.knowledge_templates import Template, template, template_languages
from pluralign.asking.place_names import main_language, place_name
from pluralign.asking.several_answers import (
    MOST_TOGETHER,
    Malformed,
    ask_together,
    check_distinct,
    complete_text,
    read_listed,
    read_marked,
)
from pluralign.asking.strategies import Strategy, Translation, load_strategy, strategies

__all__ = [
    "MOST_TOGETHER",
    "CultureTables",
    "KnowledgeAsk",
    "KnowledgePutting",
    "Malformed",
    "Putting",
    "Strategy",
    "Template",
    "Translation",
    "ask_together",
    "check_distinct",
    "complete_text",
    "culture_tables",
    "load_strategy",
    "main_language",
    "place_name",
    "put",
    "put_knowledge",
    "read_listed",
    "read_marked",
    "strategies",
    "template",
    "template_languages",
]
