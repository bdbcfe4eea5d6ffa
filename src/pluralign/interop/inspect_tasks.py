"""The tasks that Inspect finds by the entry point of its group; nothing of pluralign imports it."""

from pluralign.interop.inspect_knowledge import knowledge
from pluralign.interop.inspect_survey import survey

__all__ = ["knowledge", "survey"]
