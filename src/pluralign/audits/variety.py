"""The check ``within``: whether answers in a people's name vary as its own answers do."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pluralign.audits.checks import NAMED, Context, Measured, Skipped
from pluralign.audits.evidence import Evidence
from pluralign.audits.findings import Rows
from pluralign.audits.respondent_answers import Answered, estimate
from pluralign.audits.sentences import Place, Sentence, Share
from pluralign.core import BoolArray, Estimate, FloatArray, IntArray
from pluralign.metrics import draw_ratios, standard_error

_SHOWN = 8


def within(evidence: Evidence, context: Context) -> Iterator[Measured | Skipped]:
    """Entropy of the answers in a people's name, relative to that of the people's own answers."""
    if not evidence.answered:
        yield NAMED
    for a in evidence.answered:
        if not a.drawn:
            yield Skipped(
                f"{a.subject} gave single answers",
                "several draws of each question, or probabilities",
            )
            continue
        counts = a.counts(context.rng("within", a.subject), context.draws)
        variety = _Variety.of(a, counts)
        for c in range(len(a.communities)):
            yield _lost(a, c, variety)


@dataclass(frozen=True, slots=True)
class _Variety:
    """How answers vary, and how the people's do, on the questions that both answered.

    Attributes:
        ours_C_Q: Entropy of the answers, in nats.
        theirs_C_Q: Entropy of the people's answers, in nats.
        ratio_B_C: Draws of the ratio of both entropies.
        spreads: Variances on scales from 0 to 1: of the answers, and of the people's, each (C, Q).
        spread_B_C: Draws of the ratio of the standard deviations.
        commonest: Mean share of the commonest option, shape (C,), and its draws, shape (B, C).
        commonest_of_people: The same of the people's answers.
    """

    ours_C_Q: FloatArray
    theirs_C_Q: FloatArray
    ratio_B_C: FloatArray
    spreads: tuple[FloatArray, FloatArray]
    spread_B_C: FloatArray
    commonest: tuple[FloatArray, FloatArray]
    commonest_of_people: tuple[FloatArray, FloatArray]

    @classmethod
    def of(cls, a: Answered, counts_B_Q: FloatArray) -> "_Variety":
        both = a.both_C_Q
        # Few draws lower an entropy; people's samples are far larger, so theirs is not corrected.
        ours = _entropy(a.shares_C_Q_O, a.draws_C_Q) * both
        theirs = _entropy(a.people_C_Q_O) * both
        spreads = _spread(a.shares_C_Q_O, a), _spread(a.people_C_Q_O, a)
        return cls(
            ours_C_Q=ours,
            theirs_C_Q=theirs,
            ratio_B_C=draw_ratios(ours, theirs, counts_B_Q),
            spreads=spreads,
            spread_B_C=np.sqrt(draw_ratios(*spreads, counts_B_Q)),
            commonest=_means(a.shares_C_Q_O.max(axis=2) * both, both, counts_B_Q),
            commonest_of_people=_means(a.people_C_Q_O.max(axis=2) * both, both, counts_B_Q),
        )


def _lost(a: Answered, c: int, variety: _Variety) -> Measured | Skipped:
    """The share of a people's variety that the answers in its name lack."""
    community, asked = a.communities[c], int(a.both_C_Q[c].sum())
    ours_Q, theirs_Q = variety.ours_C_Q[c], variety.theirs_C_Q[c]
    if theirs_Q.sum() <= 0:
        return Skipped(
            f"the people of {community} were not asked these questions", "answers of people"
        )
    lost, lost_B = float(1 - ours_Q.sum() / theirs_Q.sum()), 1 - variety.ratio_B_C[:, c]
    tops, tops_B = variety.commonest
    peoples, peoples_B = variety.commonest_of_people
    return Measured(
        subject=a.subject,
        community=community,
        value=lost,
        error=standard_error(lost_B),
        numbers={
            "variety_lost": estimate(lost, lost_B, asked),
            **_spread_number(variety, c, asked),
            "commonest_share": estimate(tops[c], tops_B[:, c], asked),
            "commonest_share_of_people": estimate(peoples[c], peoples_B[:, c], asked),
        },
        claim=Sentence(
            "The answers of {subject} for {community} vary less than the people's own: "
            "{share} of their variety is lost.",
            {"subject": a.subject, "community": Place(community), "share": Share(lost)},
        ),
        rows=Rows("answers", asked, a.answer_ids(c, np.argsort(ours_Q - theirs_Q)[:_SHOWN])),
        look="Compare the shares of options in answers.jsonl with the people's, question by "
        "question.",
    )


def _entropy(shares_C_Q_O: FloatArray, draws_C_Q: IntArray | None = None) -> FloatArray:
    """Entropy in nats, shape (C, Q); with draws, corrected for small samples (Miller and Madow)."""
    # `where` computes the logarithm of zero shares too, before it drops them.
    with np.errstate(divide="ignore", invalid="ignore"):
        entropy: FloatArray = -np.nansum(
            np.where(shares_C_Q_O > 0, shares_C_Q_O * np.log(shares_C_Q_O), 0), axis=2
        )
    if draws_C_Q is not None:
        seen = (shares_C_Q_O > 0).sum(axis=2)
        entropy = entropy + np.where(draws_C_Q > 0, (seen - 1) / (2 * np.maximum(draws_C_Q, 1)), 0)
    return entropy


def _spread(shares_C_Q_O: FloatArray, a: Answered) -> FloatArray:
    """Variance of the answers on scales from 0 to 1, shape (C, Q); 0 unless both answered."""
    position = np.arange(shares_C_Q_O.shape[2])[None] / (a.peoples.n_options_Q[:, None] - 1)
    mean = (shares_C_Q_O * position).sum(axis=2)
    squares = (position - mean[:, :, None]) ** 2
    variance: FloatArray = (shares_C_Q_O * squares).sum(axis=2) * a.both_C_Q
    return variance


def _spread_number(variety: _Variety, c: int, n: int) -> dict[str, Estimate]:
    """Ratio of the standard deviations of answers and people; empty if the people do not vary."""
    ours, theirs = (float(spread_C_Q[c].sum()) for spread_C_Q in variety.spreads)
    if theirs <= 0:
        return {}
    return {"spread_ratio": estimate(np.sqrt(ours / theirs), variety.spread_B_C[:, c], n)}


def _means(
    value_C_Q: FloatArray, there_C_Q: BoolArray, counts_B_Q: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Means over the questions that are there, shape (C,), with draws, shape (B, C)."""
    bottom = np.asarray(there_C_Q, dtype=float)
    means: FloatArray = value_C_Q.sum(axis=1) / np.maximum(bottom.sum(axis=1), 1)
    return means, draw_ratios(value_C_Q, bottom, counts_B_Q)
