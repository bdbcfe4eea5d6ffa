"""Faults of identification: other peoples, language, artefacts, wrong steers."""

from dataclasses import replace

import numpy as np

from pluralign.audits.evidence import Evidence
from pluralign.audits.planted.society import (
    NAMES,
    Planted,
    own_columns,
    shifted_answers,
    spoken,
    with_answers,
    with_margins,
    with_second_answers,
)
from pluralign.evaluation.surveys import ReadAnswer


def swapped_peoples(p: Planted) -> Evidence:
    """The answers of two peoples are swapped."""
    shares = p.answers.copy()
    shares[[0, 1]] = shares[[1, 0]]
    return with_answers(p, shares)


def default_shows(p: Planted) -> Evidence:
    """On a random third of the questions, each people is given the answers of the first."""
    shares = p.answers.copy()
    some = p.rng("default").random(shares.shape[1]) < 0.3
    for c in range(1, len(NAMES)):
        mine = p.rng("default", c).permutation(some)
        shares[c, mine] = p.answers[0, mine]
    return with_answers(p, shares)


def language_for_culture(p: Planted) -> Evidence:
    """In another language the answers are those of one people, for every named community."""
    return with_second_answers(
        p, np.repeat(shifted_answers(p)[:1], len(NAMES), axis=0), language="es"
    )


def paraphrase_moves(p: Planted) -> Evidence:
    """Another wording brings other answers, for every people alike."""
    return with_second_answers(p, shifted_answers(p), variant="b")


def order_moves(p: Planted) -> Evidence:
    """With the options reversed, other options are chosen."""
    turned = spoken(p.survey, shifted_answers(p))
    orders = [
        tuple(reversed(range(len(p.survey.questions[a.answer.question].options)))) for a in turned
    ]
    turned = [
        ReadAnswer(replace(a.answer, order=o), a.number)
        for a, o in zip(turned, orders, strict=True)
    ]
    return p.evidence(answers=[*spoken(p.survey, p.answers), *turned])


def wrong_steer(p: Planted) -> Evidence:
    """One community's own steer does nothing; the steer to another fits its people."""
    own = np.array([NAMES.index(x.community) for x in p.pairs])
    gains = [
        np.mean((p.steered[own == c, c] > 0) * 1.0 - (p.reference[own == c] > 0))
        for c in range(len(NAMES))
    ]
    wronged = int(np.argmax(gains))
    margins, mine = p.steered.copy(), own == wronged
    margins[mine, (wronged + 1) % len(NAMES)] = p.steered[mine, wronged]
    margins[:, wronged] = p.reference
    return with_margins(p, margins)


def one_group_served(p: Planted) -> Evidence:
    """Within each country the steer fits one religion's people far better than the other's."""
    margins, rng = p.steered.copy(), p.rng("religion")
    for i, c in own_columns(p):
        if p.pairs[i].extra["religion"] == "north shrine" and rng.random() < 0.7:
            margins[i, c] = abs(margins[i, c])
    return with_margins(p, margins)
