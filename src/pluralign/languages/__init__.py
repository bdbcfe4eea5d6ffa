"""Sentences, numbers and names of communities in the languages of readers."""

from pluralign.languages.speech import LANGUAGES, Speech

__all__ = ["LANGUAGES", "Speech"]
