"""What stands in the records: own words, whose questions, licence and consent."""

import re
from collections.abc import Iterator, Sequence

import numpy as np

from pluralign.audits.answered import estimate
from pluralign.audits.auditing import Context, Measured, Skipped
from pluralign.audits.evidence import Evidence
from pluralign.audits.findings import Rows
from pluralign.audits.sentences import Sentence, Share
from pluralign.audits.speaking import PAIRS, SHOWN
from pluralign.core import Estimate, PreferencePair, consent_problem
from pluralign.metrics import draw_means, standard_error

_UNKNOWN_TERMS = re.compile(r"\s*(none|unknown|n/?a|.*not stated.*)?\s*", re.IGNORECASE)


def no_words(evidence: Evidence, context: Context) -> Iterator[Measured | Skipped]:
    """The share of a source's records that hold a reason, a context or a story in people's own words."""
    if not evidence.pairs:
        yield PAIRS
    for source, pairs in _by_source(evidence.pairs).items():
        value = np.array([float(bool(p.context and p.context.strip())) for p in pairs])
        draws = draw_means(
            value, [p.rater or p.stem for p in pairs], context.rng("words", source), context.draws
        )
        raters = len({p.rater for p in pairs if p.rater is not None}) or None
        yield Measured(
            source,
            None,
            float(value.mean()),
            standard_error(draws) if value.any() else 0.0,
            {"with_words": estimate(value.mean(), draws, len(pairs), raters)},
            Sentence(
                "In {share} of the records of {subject} people say in their own words why, where "
                "or what it means to "
                "them: what they choose is known, not why.",
                {"share": Share(float(value.mean())), "subject": source},
            ),
            Rows("pairs", int(len(pairs) - value.sum())),
            "Read records with and without a context side by side.",
        )


def institutional(evidence: Evidence, context: Context) -> Iterator[Measured | Skipped]:
    """The share of records that come from institutions' questions (published shares), not from people's lives."""
    if not evidence.pairs:
        yield PAIRS
        return
    known = [p for p in evidence.pairs if _institutional(p) is not None]
    if not known:
        yield Skipped(
            "where the questions come from is not recorded", "a column origin, or the raters"
        )
        return
    value = np.array([float(bool(_institutional(p))) for p in known])
    n, raters = len(value), len({p.rater for p in known if p.rater is not None}) or None
    by = ", ".join(sorted({p.source or "unnamed" for p in known if _institutional(p)}))
    yield Measured(
        by,
        None,
        float(value.mean()),
        0.0,
        {"institutional": Estimate(float(value.mean()), None, None, n, raters)},
        Sentence(
            "{share} of the records answer questions that institutions wrote; only shares of the "
            "answers are known.",
            {"share": Share(float(value.mean()))},
        ),
        Rows("pairs", int(value.sum())),
        "Compare with what the same people say when they choose the question.",
    )


def terms(evidence: Evidence, context: Context) -> Iterator[Measured | Skipped]:
    """Two numbers for each source: records whose rater did not consent, and records whose licence is not stated.

    The second is a note at most: a licence that nobody stated is not a licence that was broken.
    """
    if not evidence.pairs:
        yield PAIRS
        return
    if not any("consent" in p.extra for p in evidence.pairs):
        yield Skipped("consent of the raters is not recorded", "a column consent")
    for source, pairs in _by_source(evidence.pairs).items():
        denied = [p for p in pairs if consent_problem(p.extra) is not None]
        few = (
            0 < len({p.rater for p in denied}) < context.small
        )  # whoever withdrew is not to be picked out
        if any("consent" in p.extra for p in pairs):
            yield Measured(
                source,
                None,
                len(denied) / len(pairs),
                0.0,
                {"consent_denied": _share(denied, pairs)},
                Sentence(
                    "For {share} of the records of {subject} the rater refused or withdrew consent.",
                    {"share": Share(len(denied) / len(pairs)), "subject": source},
                ),
                Rows(
                    "pairs", len(denied), () if few else tuple(sorted(p.id for p in denied)[:SHOWN])
                ),
                "Leave out the records without consent.",
            )
        unstated = [p for p in pairs if _UNKNOWN_TERMS.fullmatch(p.license or "")]
        yield Measured(
            source,
            None,
            len(unstated) / len(pairs),
            0.0,
            {"licence_not_stated": _share(unstated, pairs)},
            Sentence(
                "For {share} of the records of {subject} no licence is stated.",
                {"share": Share(len(unstated) / len(pairs)), "subject": source},
            ),
            Rows("pairs", len(unstated), tuple(sorted(p.id for p in unstated)[:SHOWN])),
            "Ask who gathered the records under which licence they may be used.",
            bound=0.0,
        )


def _share(some: Sequence[PreferencePair], pairs: Sequence[PreferencePair]) -> Estimate:
    """The share of a source's records, with how many there are and their people."""
    raters = len({p.rater for p in pairs if p.rater is not None}) or None
    return Estimate(len(some) / len(pairs), None, None, len(pairs), raters)


def _institutional(p: PreferencePair) -> bool | None:
    """Whether a record answers an institution's question; None where neither origin, rater nor shares show it."""
    origin = str(p.extra.get("origin", "")).lower()
    if origin or p.rater is not None:
        return origin == "institutional"
    of_shares = (
        bool(p.question) and p.strength is not None
    )  # see `pluralign.core.pairs_from_survey`
    return True if of_shares else None


def _by_source(pairs: Sequence[PreferencePair]) -> dict[str, list[PreferencePair]]:
    found: dict[str, list[PreferencePair]] = {}
    for p in pairs:
        found.setdefault(p.source or "unnamed", []).append(p)
    return found
