"""Faults of answers: lost variety, cultures made alike, few axes, stereotypes."""

import numpy as np

from pluralign.audits.evidence import Evidence
from pluralign.audits.planted.society import NAMES, Planted, with_answers


def sharpened(p: Planted) -> Evidence:
    """The commonest answers of each people are given far more often than the people give them."""
    return with_answers(p, p.answers**3)


def flattened(p: Planted) -> Evidence:
    """The answers of every people are moved halfway to the mean of all."""
    return with_answers(p, 0.5 * p.answers + 0.5 * p.answers.mean(axis=0))


def on_two_axes(p: Planted) -> Evidence:
    """Differences between peoples are kept on two directions, and reduced to a third on others."""
    mean = p.answers.mean(axis=0)
    apart = (p.answers - mean).reshape(len(NAMES), -1)
    left, sizes, right = np.linalg.svd(apart, full_matrices=False)
    sizes[2:] *= 0.35
    return with_answers(p, mean + ((left * sizes) @ right).reshape(p.answers.shape))


def exaggerated(p: Planted) -> Evidence:
    """The differences of each people from the mean are doubled."""
    mean = p.answers.mean(axis=0)
    return with_answers(p, mean + 2 * (p.answers - mean))
