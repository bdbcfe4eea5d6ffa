"""Whether the differences between communities are reduced to few axes."""

from collections.abc import Iterator, Mapping

import numpy as np

from pluralign.audits.checks import NAMED, Context, Measured, Skipped
from pluralign.audits.evidence import Evidence
from pluralign.audits.findings import Rows
from pluralign.audits.respondent_answers import Answered, estimate
from pluralign.audits.sentences import Sentence, Share, Value
from pluralign.core import FloatArray
from pluralign.metrics import draw_ratios, standard_error

_AXES, _FEWEST = 2, 5
_NOTHING, _CLOSE = 1e-12, 1e-9
_CELLS = 2e7
"""Largest number of distances between communities that are in memory at once."""


def few_axes(evidence: Evidence, context: Context) -> Iterator[Measured | Skipped]:
    """Share of the variation between communities on two axes, in answers and among people."""
    if not evidence.answered:
        yield NAMED
    for a in evidence.answered:
        whole = a.both_C_Q.all(axis=0)
        if len(a.communities) < _FEWEST or whole.sum() < _FEWEST:
            yield Skipped(
                f"{a.subject}: {len(a.communities)} communities and {int(whole.sum())} questions "
                "that all answered",
                f"{_FEWEST} of each",
            )
            continue
        grams = [_gram_Q(shares[:, whole]) for shares in a.like_with_like]
        counts = a.counts(context.rng("axes", a.subject), context.draws)[:, whole]
        yield from _main_axes(a, grams, counts, int(whole.sum()))
        for theory, positions in evidence.axes.items():
            yield from _theory_axes(a, theory, positions, grams, counts, int(whole.sum()))


def over(top_B: FloatArray, bottom_B: FloatArray) -> FloatArray:
    """Ratios; nan where the denominator is not positive."""
    return np.divide(top_B, bottom_B, out=np.full_like(top_B, np.nan), where=bottom_B > 0)


Number = tuple[float, FloatArray]
Positions = Mapping[str, tuple[float, ...]]


def portions(counts_B_Q: FloatArray, communities: int) -> list[FloatArray]:
    """Split draws into portions, so that all distances between communities fit into memory."""
    step = max(1, int(_CELLS / communities**2))
    return [counts_B_Q[start : start + step] for start in range(0, len(counts_B_Q), step)]


def _gram_Q(shares_C_Q_O: FloatArray) -> FloatArray:
    """Products of the communities' deviations from their mean, by question, shape (Q, C, C)."""
    centred = shares_C_Q_O - shares_C_Q_O.mean(axis=0)
    gram: FloatArray = np.einsum("cqo,dqo->qcd", centred, centred)
    return gram


def _drawn_carried(gram_Q: FloatArray, counts_B_Q: FloatArray, axes: int) -> FloatArray:
    """Share of the variation on the largest axes in each draw of questions, shape (B,)."""
    q, c, _ = gram_Q.shape
    # A draw's products are its counts times those of the questions: one matrix product for all.
    flat = gram_Q.reshape(q, c * c)
    carried = []
    for counts in portions(counts_B_Q, c):
        gram_B = (counts.astype(float) @ flat).reshape(-1, c, c)
        carried.append(_carried(gram_B, axes))
    return np.concatenate(carried)


def _carried(gram_B: FloatArray, axes: int) -> FloatArray:
    """Share of the variation on the largest axes, shape (B,); nan where nothing varies."""
    # Rounding makes eigenvalues that are zero slightly negative.
    values = np.clip(np.linalg.eigvalsh(gram_B), 0, None)
    total = values.sum(axis=1)
    # Where nothing varies, rounding leaves a tiny total, which must not be divided by.
    total[total <= _NOTHING] = 0.0
    # `eigvalsh` sorts upwards: the largest axes are the last.
    return over(values[:, -axes:].sum(axis=1), total)


def _main_axes(
    a: Answered, grams: list[FloatArray], counts: FloatArray, n: int
) -> Iterator[Measured | Skipped]:
    ours, theirs = (_on_main_axes(gram_Q, counts) for gram_Q in grams)
    if np.isnan(ours[0]) or np.isnan(theirs[0]):
        yield Skipped(f"{a.subject}: its answers do not vary between communities")
        return
    yield _axes_measured(a, ours, theirs, n, "its two main axes", _MAIN)


def _on_main_axes(gram_Q: FloatArray, counts_B_Q: FloatArray) -> Number:
    """Share of the variation on the main axes, and in each draw of questions."""
    share = _carried(gram_Q.sum(axis=0)[None], _AXES)[0]
    return float(share), _drawn_carried(gram_Q, counts_B_Q, _AXES)


def _theory_axes(
    a: Answered,
    theory: str,
    positions: Mapping[str, tuple[float, ...]],
    grams: list[FloatArray],
    counts: FloatArray,
    n: int,
) -> Iterator[Measured | Skipped]:
    known = [c for c, name in enumerate(a.communities) if name in positions]
    width = len(next(iter(positions.values()))) if positions else 0
    # Axes as many as the communities less one would carry all of any variation.
    if len(known) < width + 3:
        yield Skipped(
            f"{a.subject}: {theory} has positions for {len(known)} of its communities",
            f"{width + 3}",
        )
        return
    # Centred again, because the mean of the known communities is not the mean of all.
    projection = _onto(np.array([positions[a.communities[c]] for c in known]))
    centre = np.eye(len(known)) - 1 / len(known)
    found = []
    for gram in grams:
        part = centre @ gram[:, known][:, :, known] @ centre
        total = np.trace(part, axis1=1, axis2=2)
        inside = np.trace(projection @ part, axis1=1, axis2=2)
        if total.sum() <= _NOTHING:
            yield Skipped(
                f"{a.subject}: its answers, or the people's, do not vary between communities"
            )
            return
        share_B = draw_ratios(inside[None], total[None], counts)[:, 0]
        found.append((float(inside.sum() / total.sum()), share_B))
    yield _axes_measured(a, found[0], found[1], n, theory, _THEORY)


def _onto(axes_C_D: FloatArray) -> FloatArray:
    """Projection onto the span of the centred axes, shape (C, C); a constant axis adds nothing."""
    centred, size_D = axes_C_D - axes_C_D.mean(axis=0), np.abs(axes_C_D).max(axis=0)
    apart_D = np.abs(centred).max(axis=0)
    # Relative to each axis, because theories use different units.
    varying = apart_D > _CLOSE * size_D
    left, sizes, _ = np.linalg.svd(centred[:, varying] / apart_D[varying], full_matrices=False)
    # Axes that others already span get no direction of their own.
    basis = left[:, sizes > _CLOSE]
    projection: FloatArray = basis @ basis.T
    return projection


_MAIN = (
    "{subject} reduces values to few axes: two axes carry {share} of the differences between its "
    "communities, and {other_share} of the differences between the people."
)


_THEORY = (
    "{subject} reduces values to the axes of {theory}: they carry {share} of the differences "
    "between its communities, and {other_share} of the differences between the people."
)


def _axes_measured(
    a: Answered, ours: Number, theirs: Number, n: int, theory: str, template: str
) -> Measured:
    excess, excess_B = ours[0] - theirs[0], ours[1] - theirs[1]
    values: dict[str, Value] = {
        "subject": a.subject,
        "share": Share(ours[0]),
        "other_share": Share(theirs[0]),
    }
    return Measured(
        subject=a.subject,
        community=None,
        value=excess,
        error=standard_error(excess_B),
        numbers={
            "excess_on_axes": estimate(excess, excess_B, n),
            "on_axes": estimate(*ours, n),
            "on_axes_of_people": estimate(*theirs, n),
        },
        claim=Sentence(template, values if template is _MAIN else values | {"theory": theory}),
        rows=Rows("questions", n),
        look="Draw the communities on the axes, once by the answers and once by the people.",
    )
