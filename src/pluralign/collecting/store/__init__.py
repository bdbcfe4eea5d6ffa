"""The store of a study: tables, one writer, readers, and the engines below them."""

from pluralign.collecting.store.store import Store

__all__ = ["Store"]
