"""Answers to knowledge questions as evidence: by model and form, with the effects in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from pluralign.metrics import (
    CultureFit,
    DefaultCulture,
    KnowledgeEffect,
    ScoredAnswer,
    culture_fits,
    default_cultures,
    language_place_effects,
)

_FORMS = {"short": "short answers", "options": "options"}


@dataclass(frozen=True, eq=False)
class KnowledgeEvidence:
    """Scored answers of language models to knowledge questions.

    Attributes:
        scored: The answers.
        languages: Place -> its local language; empty where each place was asked in at most one
            language besides English.
    """

    scored: Sequence[ScoredAnswer]
    languages: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def by_subject(self) -> Mapping[str, Sequence[ScoredAnswer]]:
        """Model and form, as findings name them -> its answers."""
        found: dict[str, list[ScoredAnswer]] = {}
        for one in self.scored:
            subject = f"{one.model} · {_FORMS.get(one.form, one.form)}"
            found.setdefault(subject, []).append(one)
        return found

    @cached_property
    def effects(self) -> Mapping[str, Sequence[KnowledgeEffect]]:
        """Subject -> the effects of language and place on its answers."""
        return {
            subject: language_place_effects(answers, self.languages)
            for subject, answers in self.by_subject.items()
        }

    @cached_property
    def fits(self) -> Mapping[str, Sequence[CultureFit]]:
        """Subject -> the communities whose counts its answers about each place fit best."""
        return {
            subject: culture_fits(answers, self.languages)
            for subject, answers in self.by_subject.items()
        }

    @cached_property
    def defaults(self) -> Mapping[str, Sequence[DefaultCulture]]:
        """Subject -> the communities whose answers it gives about all other places."""
        return {
            subject: default_cultures(answers, self.languages)
            for subject, answers in self.by_subject.items()
        }
