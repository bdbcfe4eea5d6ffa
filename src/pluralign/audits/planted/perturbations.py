"""Faults of reward models under perturbation: one kind of change has the wrong effect."""

from dataclasses import replace

import numpy as np

from pluralign.audits.evidence import Evidence
from pluralign.audits.perturbed_sets import Kind, PerturbedSet
from pluralign.audits.planted.society import Planted


def concept_ignored(p: Planted) -> Evidence:
    """The reward model likes the same response for any cultural concept."""
    return _with(p, "concept", lambda one: one.before)


def label_read(p: Planted) -> Evidence:
    """Without the name of the culture, the reward model guesses."""
    return _with(p, "label", _guessed(p, 1.0))


def language_matters(p: Planted) -> Evidence:
    """In another language, the reward model guesses in six cases of ten."""
    return _with(p, "language", _guessed(p, 0.6))


def wording_matters(p: Planted) -> Evidence:
    """A paraphrase moves rewards as much as a wrong response does."""
    rng = p.rng("paraphrase")
    return _with(
        p, "paraphrase", lambda one: (np.array(one.before) + rng.normal(0, 1.5, 4)).tolist()
    )


def _guessed(p: Planted, share: float):  # type: ignore[no-untyped-def]
    rng = p.rng("guessed")
    return lambda one: rng.permutation(one.before).tolist() if rng.random() < share else one.after


def _with(p: Planted, kind: Kind, after) -> Evidence:  # type: ignore[no-untyped-def]
    def changed(one: PerturbedSet) -> PerturbedSet:
        return replace(one, after=after(one)) if one.kind == kind else one

    return p.evidence(perturbed=[changed(one) for one in p.sets])
