"""Faults of records and surveys: few raters, outsiders, missing words, terms, questions."""

from dataclasses import replace

from pluralign.audits.evidence import Evidence
from pluralign.audits.planted.society import NAMES, Planted, spoken, with_pairs
from pluralign.core import (
    AnswerDistribution,
    PreferencePair,
    Survey,
    rng_for,
)


def few_speak(p: Planted) -> Evidence:
    """One community has only nine raters, and its steer does nothing."""
    nine, margins = {f"{NAMES[2]}/r{i:03d}" for i in range(9)}, p.steered.copy()
    margins[:, 2] = p.reference
    silent = replace(p, steered=margins)
    return with_pairs(silent, lambda x: x if x.community != NAMES[2] or x.rater in nine else None)


def one_speaks(p: Planted) -> Evidence:
    """One person's pairs have most of the weight of a community."""
    loud = next(x.rater for x in p.pairs if x.community == NAMES[3])
    return with_pairs(p, lambda x: replace(x, weight=50.0) if x.rater == loud else x)


def others_speak(p: Planted) -> Evidence:
    """Four of ten raters of a community belong elsewhere."""

    def away(x: PreferencePair) -> PreferencePair:
        elsewhere = (
            x.community == NAMES[4] and rng_for(p.seed, "away", x.rater or "").random() < 0.4
        )
        return replace(x, extra={**x.extra, "rater_community": "~mars"}) if elsewhere else x

    return with_pairs(p, away)


def men_speak(p: Planted) -> Evidence:
    """Nine of ten raters of a community are men."""

    def man(x: PreferencePair) -> PreferencePair:
        is_man = rng_for(p.seed, "man", x.rater or "").random() < 0.9
        about = {**x.extra, "gender": "man" if is_man else "woman"}
        return replace(x, extra=about) if x.community == NAMES[5] else x

    return with_pairs(p, man)


def nobody_says_why(p: Planted) -> Evidence:
    """No record has its people's own words."""
    return with_pairs(p, lambda x: replace(x, context=None))


def institutions_ask(p: Planted) -> Evidence:
    """Eight of ten records answer institutions' questions."""
    rng = p.rng("institutions")
    return with_pairs(
        p,
        lambda x: (
            replace(x, extra={**x.extra, "origin": "institutional"}) if rng.random() < 0.8 else x
        ),
    )


def no_terms(p: Planted) -> Evidence:
    """The raters of one record in ten withdrew their consent."""
    rng = p.rng("terms")
    return with_pairs(
        p,
        lambda x: (
            replace(x, extra={**x.extra, "consent": "withdrawn"}) if rng.random() < 0.1 else x
        ),
    )


def left_unasked(p: Planted) -> Evidence:
    """One people was not asked a third of the questions."""
    rng = p.rng("unasked")
    kept = [d for d in p.survey.distributions if d.community != NAMES[6] or rng.random() > 0.35]
    survey = Survey(p.survey.name, p.survey.questions, tuple(kept), p.survey.license)
    asked = [
        a
        for a in spoken(p.survey, p.answers)
        if survey.distribution(a.answer.question, str(a.answer.community))
    ]
    return p.evidence(survey=survey, answers=asked)


def uncounted_people(p: Planted) -> Evidence:
    """No answer has the number of people behind it."""
    bare = tuple(replace(d, n=None) for d in p.survey.distributions)
    return p.evidence(survey=Survey(p.survey.name, p.survey.questions, bare, p.survey.license))


def sources_disagree(p: Planted) -> Evidence:
    """A second survey gives one community the answers of another."""
    wrong = {NAMES[7]: NAMES[0]}
    answers = []
    for d in p.survey.distributions:
        other = p.survey.distribution(d.question, wrong.get(d.community, d.community))
        assert other is not None
        answers.append(AnswerDistribution(d.question, d.community, other.probs_O, other.n))
    return p.evidence(other_surveys=(Survey("second survey", p.survey.questions, tuple(answers)),))
