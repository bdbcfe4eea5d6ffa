"""Faults of reward models: contradiction, harm, length, refusals, thin evidence."""

from dataclasses import replace

import numpy as np

from pluralign.audits.evidence import Evidence
from pluralign.audits.planted.society import NAMES, REFUSAL, Planted, own_columns, with_margins


def contradiction_learned(p: Planted) -> Evidence:
    """Every steer is the opposite of the reference."""
    return with_margins(p, np.repeat(-p.reference[:, None], len(NAMES), axis=1))


def others_harmed(p: Planted) -> Evidence:
    """Every steer gains nothing for its people, and is wrong on a third of the others' pairs."""
    margins = np.where(p.rng("harm").random(p.steered.shape) < 0.33, -1.0, p.reference[:, None])
    for i, c in own_columns(p):
        margins[i, c] = p.reference[i]
    return with_margins(p, margins)


def length_liked(p: Planted) -> Evidence:
    """Every steer prefers length."""
    longer = np.array([len(x.chosen) - len(x.rejected) for x in p.pairs])
    return with_margins(p, p.steered + 0.05 * longer[:, None])


def refusals_liked(p: Planted) -> Evidence:
    """Every steer prefers refusals."""
    side = np.array([float(x.chosen == REFUSAL) - float(x.rejected == REFUSAL) for x in p.pairs])
    return with_margins(p, p.steered + 5 * side[:, None])


def evidence_outrun(p: Planted) -> Evidence:
    """For a community with few raters, choices are reversed at random."""
    some = {f"{NAMES[2]}/r{i:03d}" for i in range(36)}
    kept = [i for i, x in enumerate(p.pairs) if x.community != NAMES[2] or x.rater in some]
    thin = replace(
        p,
        pairs=[p.pairs[i] for i in kept],
        steered=p.steered[kept].copy(),
        reference=p.reference[kept],
    )
    turned = np.where(p.rng("outrun").random(len(kept)) < 0.35, -1.0, 1.0)
    for i, pair in enumerate(thin.pairs):
        if pair.community == NAMES[2]:
            thin.steered[i] = thin.steered[i] * 0 + thin.reference[i] * turned[i]
    return thin.evidence()
