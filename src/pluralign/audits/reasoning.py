"""Is cross-cultural reasoning scarce? Levels of context, questions between cultures, reasons, knowing and answering."""

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np

from pluralign.audits.answered import Answered, estimate
from pluralign.audits.auditing import Audit, Check, Context, Measured, Skipped
from pluralign.audits.evidence import LEVELS, Evidence, Item
from pluralign.audits.findings import Rows, Threshold
from pluralign.audits.sentences import Place, Sentence, Share
from pluralign.core import Estimate, FloatArray
from pluralign.metrics import draw_means, draw_ratios, jensen_shannon_distance, standard_error

_ITEMS = Skipped("no items that ask to reason about cultures", "a file of such items with answers")
_FEW = 10
_SHOWN = 8
_READ = "Read the items listed, and what the model wrote."


def levels(evidence: Evidence, context: Context) -> Iterator[Measured | Skipped]:
    """How far accuracy falls from the rule of thumb given to the country only, over the items asked at both."""
    if not evidence.items:
        yield _ITEMS
    for model, items in _by_model(evidence):
        right = {
            level: {i.id: i.answer == i.gold for i in items if i.level == level} for level in LEVELS
        }
        both = sorted(right["rule_of_thumb"].keys() & right["country"].keys())
        if len(both) < _FEW:
            yield Skipped(
                f"{model}: {len(both)} items asked with and without the rule of thumb", f"{_FEW}"
            )
            continue
        given, bare = (
            np.array([float(right[level][i]) for i in both])
            for level in ("rule_of_thumb", "country")
        )
        numbers = {"fall": _mean(given - bare, both, context, model)}
        numbers |= {
            f"accuracy_{level}": _mean(
                np.array([float(right[level][i]) for i in both]), both, context, model
            )
            for level in LEVELS
            if all(i in right[level] for i in both)
        }
        lost = [i for i, g, b in zip(both, given, bare, strict=True) if g > b]
        yield Measured(
            model,
            None,
            *_decides(given - bare, both, context, model),
            numbers,
            Sentence(
                "{subject} is right in {share} of cases when told the rule of thumb, but in "
                "{other_share} when told "
                "the country only: it follows rules it cannot find.",
                {"subject": model, "share": Share(given.mean()), "other_share": Share(bare.mean())},
            ),
            Rows("items", len(lost), tuple(lost[:_SHOWN])),
            _READ,
        )


def between(evidence: Evidence, context: Context) -> Iterator[Measured | Skipped]:
    """How much lower accuracy is where two cultures are needed than where one is, told the countries only."""
    if not evidence.items:
        yield _ITEMS
    for model, items in _by_model(evidence):
        told = [i for i in items if i.level == "country"]
        one, two = (
            [i for i in told if (len(i.communities) > 1) == several] for several in (False, True)
        )
        if min(len(one), len(two)) < _FEW:
            yield Skipped(
                f"{model}: {len(one)} items on one culture, {len(two)} between", f"{_FEW} of each"
            )
            continue
        (single, single_B), (several, several_B) = (
            _accuracy(part, context, model, purpose)
            for part, purpose in ((one, "one"), (two, "several"))
        )
        wrong = [i.id for i in two if i.answer != i.gold]
        yield Measured(
            model,
            None,
            single - several,
            standard_error(single_B - several_B),
            {
                "fall": estimate(single - several, single_B - several_B, len(told)),
                "accuracy_one_culture": estimate(single, single_B, len(one)),
                "accuracy_between_cultures": estimate(several, several_B, len(two)),
            },
            Sentence(
                "{subject} is right in {share} of questions about one culture, but in "
                "{other_share} of those that need "
                "two at once.",
                {"subject": model, "share": Share(single), "other_share": Share(several)},
            ),
            Rows("items", len(wrong), tuple(wrong[:_SHOWN])),
            _READ,
        )


def reasons(evidence: Evidence, context: Context) -> Iterator[Measured | Skipped]:
    """How often the stated reason supports another answer than the one given."""
    if not any(i.reason_for is not None for i in evidence.items):
        yield Skipped(
            "no reasons are recorded",
            "items with reason_for, the answer that the stated reason supports",
        )
        return
    for model, items in _by_model(evidence):
        stated = [i for i in items if i.reason_for is not None]
        if len(stated) < _FEW:
            yield Skipped(f"{model}: {len(stated)} reasons", f"{_FEW}")
            continue
        against = np.array([float(i.reason_for != i.answer) for i in stated])
        ids = [i.id for i in stated]
        wrong = [i.id for i in stated if i.reason_for != i.answer]
        yield Measured(
            model,
            None,
            *_decides(against, ids, context, model),
            {"reason_against_answer": _mean(against, ids, context, model)},
            Sentence(
                "{subject} gives reasons that speak for another answer than its own in {share} of "
                "cases.",
                {"subject": model, "share": Share(against.mean())},
            ),
            Rows("items", len(wrong), tuple(wrong[:_SHOWN])),
            _READ,
        )


def known(evidence: Evidence, context: Context) -> Iterator[Measured | Skipped]:
    """How much closer a model comes to a people when it estimates their answers than when it answers as one of them."""
    stated = {a.model: a for a in evidence.answered if a.strategy in context.knowing and a.drawn}
    lived = [
        a for a in evidence.answered if a.model in stated and a.strategy not in context.knowing
    ]
    if not lived:
        yield Skipped(
            "no model was both asked what a people answers and asked to answer as one of them",
            f"probabilities under a strategy named {' or '.join(context.knowing)}",
        )
    for a in lived:
        yield from _known(stated[a.model], a, context)


def _known(told: Answered, a: Answered, context: Context) -> Iterator[Measured | Skipped]:
    place = {q: i for i, q in enumerate(told.peoples.questions)}
    common = [(place[q], i) for i, q in enumerate(a.peoples.questions) if q in place]
    counts = a.counts(context.rng("known", a.subject), context.draws)
    for c, community in enumerate(a.communities):
        if community not in told.communities or not common:
            yield Skipped(f"{a.model} did not estimate the answers of {community}", "its estimate")
            continue
        t = told.communities.index(community)
        rows, cols = np.array(common).T
        there = told.both_C_Q[t, rows] & a.both_C_Q[c, cols]
        if there.sum() < _FEW:
            yield Skipped(
                f"{a.subject}: {int(there.sum())} questions in common for {community}", f"{_FEW}"
            )
            continue
        rows, cols = rows[there], cols[there]
        width = min(told.shares_C_Q_O.shape[2], a.shares_C_Q_O.shape[2])
        estimated, given = told.shares_C_Q_O[t, rows, :width], a.shares_C_Q_O[c, cols, :width]
        people = a.people_C_Q_O[c, cols, :width]
        know, live = _close(estimated, people, a.drawn), _close(given, people, a.drawn)
        one = np.ones(len(cols))[None]
        (gap, gap_B), (first, first_B), (second, second_B) = (
            (float(v.mean()), draw_ratios(v[None], one, counts[:, cols])[:, 0])
            for v in (know - live, know, live)
        )
        n, worst = len(cols), np.argsort(live - know)[:_SHOWN]
        yield Measured(
            a.subject,
            community,
            gap,
            standard_error(gap_B),
            {
                "known_beyond_answered": estimate(gap, gap_B, n),
                "closeness_of_estimates": estimate(first, first_B, n),
                "closeness_of_answers": estimate(second, second_B, n),
            },
            Sentence(
                "{subject} knows what the people of {community} answer better than it answers as "
                "they do: {share} "
                "close when it estimates, {other_share} when it answers.",
                {
                    "subject": a.subject,
                    "community": Place(community),
                    "share": Share(first),
                    "other_share": Share(second),
                },
            ),
            Rows("questions", n, tuple(a.peoples.questions[cols[i]] for i in worst)),
            "Compare estimates and answers on the questions listed.",
        )


def _close(shares: FloatArray, people: FloatArray, drawn: bool) -> FloatArray:
    """Similarity of distributions, or, against single answers, whether the commonest option is the people's."""
    if drawn:
        return 1 - jensen_shannon_distance(shares, people)
    close: FloatArray = (shares.argmax(axis=1) == people.argmax(axis=1)).astype(float)
    return close


def _by_model(evidence: Evidence) -> list[tuple[str, list[Item]]]:
    items = sorted(evidence.items, key=lambda i: i.model)
    return [(model, list(own)) for model, own in groupby(items, key=lambda i: i.model)]


def _accuracy(
    items: Sequence[Item], context: Context, model: str, purpose: str
) -> tuple[float, FloatArray]:
    """Accuracy with draws of its own: other items are no pairs of these."""
    right = np.array([float(i.answer == i.gold) for i in items])
    draws = draw_means(
        right, [i.id for i in items], context.rng("items", model, purpose), context.draws
    )
    return float(right.mean()), draws


def _decides(
    value_N: FloatArray, ids: Sequence[str], context: Context, model: str
) -> tuple[float, float]:
    return float(value_N.mean()), standard_error(
        draw_means(value_N, ids, context.rng("items", model), context.draws)
    )


def _mean(value_N: FloatArray, ids: Sequence[str], context: Context, model: str) -> Estimate:
    return estimate(
        value_N.mean(),
        draw_means(value_N, ids, context.rng("items", model), context.draws),
        len(ids),
    )


REASONING = Audit(
    "reasoning",
    "cross-cultural reasoning scarce: rules not found, one culture at a time, reasons that do not "
    "fit",
    (
        Check(
            "levels",
            "Is the model as good when it must find a culture's rule as when it is told the rule?",
            levels,
            Threshold(0.1, 0.25, "one case in ten"),
            "The model can apply a rule in words, and has not learned which rules hold where.",
            "Learn from people's accounts of situations, with the reasons they give.",
        ),
        Check(
            "between",
            "Is the model as good where two cultures meet as where one is asked about?",
            between,
            Threshold(0.1, 0.25, "one case in ten"),
            "Training data speak of cultures one at a time.",
            "Gather situations between communities, judged by people of both.",
        ),
        Check(
            "reasons",
            "Do stated reasons support the answers given?",
            reasons,
            Threshold(0.1, 0.25, "one case in ten"),
            "Reasons are written to please, not to decide.",
            "Judge reasons as well as answers; let people of the community say which reasons count.",
        ),
        Check(
            "known",
            "Does the model answer as a people does as well as it can estimate that people's "
            "answers?",
            known,
            Threshold(0.05, 0.15, "in similarity, or in answers right"),
            "What is known about a people is not used when speaking as one of them.",
            "Draw answers from the model's own estimate, or tune on it (self-pluralising).",
        ),
    ),
)
