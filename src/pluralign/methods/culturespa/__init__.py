"""CultureSPA (arXiv 2410.12971): a language model pluralises itself."""

from pluralign.methods.culturespa.filtering import GeneratedQuestion, filter_questions

__all__ = ["GeneratedQuestion", "filter_questions"]
