"""Checks of records: people's own words, the origin of the questions, licence and consent."""

import re
from collections.abc import Iterator, Sequence

import numpy as np

from pluralign.audits.checks import Context, Measured, Skipped
from pluralign.audits.evidence import Evidence
from pluralign.audits.findings import Rows
from pluralign.audits.raters import PAIRS, SHOWN
from pluralign.audits.respondent_answers import estimate
from pluralign.audits.sentences import Sentence, Share
from pluralign.core import Estimate, PreferencePair, consent_problem
from pluralign.metrics import draw_means, effective_clusters, standard_error

_UNKNOWN_TERMS = re.compile(r"\s*(none|unknown|n/?a|.*not stated.*)?\s*", re.IGNORECASE)


def no_words(evidence: Evidence, context: Context) -> Iterator[Measured | Skipped]:
    """The share of a source's records with a reason, a context or a story in people's own words."""
    if not evidence.pairs:
        yield PAIRS
    for source, pairs in _by_source(evidence.pairs).items():
        value = np.array([float(bool(p.context and p.context.strip())) for p in pairs])
        people = [p.rater or p.stem for p in pairs]
        draws = draw_means(value, people, context.rng("words", source), context.draws)
        raters = len({p.rater for p in pairs if p.rater is not None}) or None
        yield Measured(
            subject=source,
            community=None,
            value=float(value.mean()),
            error=standard_error(draws) if value.any() else 0.0,
            clusters=effective_clusters(people),
            numbers={"with_words": estimate(value.mean(), draws, len(pairs), raters)},
            claim=_own_words(int(value.sum()), len(pairs), source),
            rows=Rows("pairs", int(len(pairs) - value.sum())),
            look="Compare records with a context and records without one.",
        )


def _own_words(count: int, total: int, source: str) -> Sentence:
    """How many records have people's own words.

    >>> str(_own_words(0, 24206, "survey"))
    "None of the 24,206 records of survey have a reason, a context or a story in people's own
    words: their choices are known, their reasons are not."
    """
    if count == 0:
        return Sentence(
            "None of the {total} records of {subject} have a reason, a context or a story in "
            "people's own words: their choices are known, their reasons are not.",
            {"total": total, "subject": source},
        )
    return Sentence(
        "Only {count} of {total} records of {subject} have a reason, a context or a story "
        "in people's own words: their choices are known, their reasons are not.",
        {"count": count, "total": total, "subject": source},
    )


def institutional(evidence: Evidence, context: Context) -> Iterator[Measured | Skipped]:
    """The share of records that answer institutions' questions (published shares)."""
    if not evidence.pairs:
        yield PAIRS
        return
    known = [p for p in evidence.pairs if _institutional(p) is not None]
    if not known:
        yield Skipped(
            "the origin of the questions is not recorded", "a column origin, or the raters"
        )
        return
    value = np.array([float(bool(_institutional(p))) for p in known])
    n, raters = len(value), len({p.rater for p in known if p.rater is not None}) or None
    by = ", ".join(sorted({p.source or "unnamed" for p in known if _institutional(p)}))
    yield Measured(
        subject=by,
        community=None,
        value=float(value.mean()),
        error=0.0,
        numbers={"institutional": Estimate(float(value.mean()), None, None, n, raters)},
        claim=Sentence(
            "{share} of the records answer questions that institutions wrote; only shares of the "
            "answers are known.",
            {"share": Share(float(value.mean()))},
        ),
        rows=Rows("pairs", int(value.sum())),
        look="Compare with answers of the same people to questions of their own.",
    )


def terms(evidence: Evidence, context: Context) -> Iterator[Measured | Skipped]:
    """Shares of each source's records without consent and without a stated licence.

    A missing licence is a note at most, because it does not show that a licence was violated.
    """
    if not evidence.pairs:
        yield PAIRS
        return
    if not any(_states_consent(p) for p in evidence.pairs):
        yield Skipped("consent of the raters is not recorded", "a column consent")
    for source, pairs in _by_source(evidence.pairs).items():
        if any(_states_consent(p) for p in pairs):
            yield _without_consent(source, pairs, context)
        yield _without_licence(source, pairs)


def _states_consent(pair: PreferencePair) -> bool:
    return "consent" in pair.extra


def _without_consent(source: str, pairs: Sequence[PreferencePair], context: Context) -> Measured:
    denied = [p for p in pairs if consent_problem(p.extra) is not None]
    # A few people who withdrew must not be identifiable.
    few = 0 < len({p.rater for p in denied}) < context.small
    share = _share(denied, pairs)
    return Measured(
        subject=source,
        community=None,
        value=share.value,
        error=0.0,
        numbers={"consent_denied": share},
        claim=Sentence(
            "For {share} of the records of {subject} the rater refused or withdrew consent.",
            {"share": Share(share.value), "subject": source},
        ),
        rows=Rows("pairs", len(denied), () if few else _first_ids(denied)),
        look="Leave out the records without consent.",
    )


def _without_licence(source: str, pairs: Sequence[PreferencePair]) -> Measured:
    unstated = [p for p in pairs if _UNKNOWN_TERMS.fullmatch(p.license or "")]
    share = _share(unstated, pairs)
    return Measured(
        subject=source,
        community=None,
        value=share.value,
        error=0.0,
        numbers={"licence_not_stated": share},
        claim=Sentence(
            "For {share} of the records of {subject} no licence is stated.",
            {"share": Share(share.value), "subject": source},
        ),
        rows=Rows("pairs", len(unstated), _first_ids(unstated)),
        look="Ask the collectors of the records which licence applies.",
        bound=0.0,
    )


def _first_ids(pairs: Sequence[PreferencePair]) -> tuple[str, ...]:
    return tuple(sorted(p.id for p in pairs)[:SHOWN])


def _share(some: Sequence[PreferencePair], pairs: Sequence[PreferencePair]) -> Estimate:
    """The share of a source's records, with the number of records and of raters."""
    raters = len({p.rater for p in pairs if p.rater is not None}) or None
    return Estimate(len(some) / len(pairs), None, None, len(pairs), raters)


def _institutional(p: PreferencePair) -> bool | None:
    """Whether a record answers an institution's question; None if that is unknown."""
    origin = str(p.extra.get("origin", "")).lower()
    if origin or p.rater is not None:
        return origin == "institutional"
    # Pairs of published shares have these; see `pluralign.core.pairs_from_survey`.
    return True if p.question and p.strength is not None else None


def _by_source(pairs: Sequence[PreferencePair]) -> dict[str, list[PreferencePair]]:
    found: dict[str, list[PreferencePair]] = {}
    for p in pairs:
        found.setdefault(p.source or "unnamed", []).append(p)
    return found
