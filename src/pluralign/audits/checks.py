"""Audits: a check measures, a threshold decides, by one rule for all checks."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import stdtrit

from pluralign.audits.evidence import Evidence, EvidenceKind
from pluralign.audits.findings import (
    SEVERITIES,
    Assessment,
    Finding,
    Rows,
    Severity,
    Status,
    Threshold,
)
from pluralign.audits.sentences import Sentence
from pluralign.core import Estimate, InvalidSettings, rng_for

LEVEL = 0.05
"""Probability that a check which measures only noise reports a concern or a risk."""


@dataclass(frozen=True, slots=True)
class Context:
    """Settings that all checks share.

    Attributes:
        seed: Seed of every draw.
        draws: Number of bootstrap draws.
        small: Smallest number of people of a group that is reported.
        knowing: Strategies that ask a model to estimate a people's answers, not to answer as one.
    """

    seed: int = 0
    draws: int = 2000
    small: int = 5
    knowing: tuple[str, ...] = ("estimate",)

    def rng(self, *purpose: object) -> np.random.Generator:
        """A generator for one purpose; the same for the same seed."""
        return rng_for(self.seed, "audit", *map(str, purpose))


@dataclass(frozen=True, slots=True)
class Measured:
    """A number to compare with the threshold.

    Attributes:
        subject: The model, method or source that is measured.
        community: The community concerned; None for several together.
        value: The number to compare.
        error: Its standard error; 0 for a count, None if ``bound`` is given.
        numbers: The numbers to show, the compared one first.
        claim: The sentence to report if the number is beyond the threshold.
        rows: The rows behind it.
        look: How to look further.
        bound: The end of the interval nearer to the threshold, if the check computes a better one
            than that of Student's t.
        picked_of: Number of candidates among which this number was picked as the largest; each
            candidate counts as a test.
        clusters: Effective number of people (or questions, items) behind the error; the people, or
            else the things measured, of the first of ``numbers`` if unset.
    """

    subject: str
    community: str | None
    value: float
    error: float | None
    numbers: Mapping[str, Estimate]
    claim: Sentence
    rows: Rows
    look: str
    bound: float | None = None
    picked_of: int = 1
    clusters: float | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """The reason why a check could not assess a subject.

    Attributes:
        reason: The reason, in words.
        needs: The evidence that the check would need.
    """

    reason: str
    needs: str = ""

    def __str__(self) -> str:
        return f"{self.reason}; needs {self.needs}" if self.needs else self.reason


NAMED = Skipped(
    "no answers in the names of communities", "recorded answers, and the survey of those people"
)
REWARDS = Skipped("no margins of reward models", "a folder that `pluralign run` wrote")
UNSTEERED = Skipped("no method of the run steers", "a method such as `full` or `scpo`")
UNREAD = Skipped(
    "the pairs of the run are not available", "its sources, or the pairs themselves (--pairs)"
)
_NOTHING = "the evidence has nothing that this check measures"

Measure = Callable[[Evidence, Context], Iterable[Measured | Skipped]]


@dataclass(frozen=True, slots=True)
class Check:
    """One question to the evidence.

    Attributes:
        name: Name of the check within the audit.
        asks: The question, in plain words.
        measure: Function from evidence to numbers.
        threshold: Value beyond which a number is a finding.
        causes: Possible causes of a finding.
        remedies: Ways to reduce it.
        reads: Kinds of evidence that the check measures, any of which is enough. Where the
            evidence has none of them, the check does not apply. When unset, it always applies.
    """

    name: str
    asks: str
    measure: Measure
    threshold: Threshold
    causes: str
    remedies: str
    reads: tuple[EvidenceKind, ...] = ()


@dataclass(frozen=True, slots=True)
class Audit:
    """Checks for one kind of risk, registered by an entry point in ``pluralign.audits``.

    Attributes:
        name: Its name.
        about: One line.
        checks: Its checks.
    """

    name: str
    about: str
    checks: tuple[Check, ...]

    def __call__(
        self, evidence: Evidence, context: Context | None = None
    ) -> tuple[list[Finding], list[Assessment]]:
        """Run every check.

        Args:
            evidence: The recorded evidence.
            context: Seed, draws and the smallest group that is reported.

        Returns:
            Findings, most severe first, and the status of each check.
        """
        findings: list[Finding] = []
        assessments = []
        for check in self.checks:
            found, assessment = _run(self.name, check, evidence, context or Context())
            findings += found
            assessments.append(assessment)
        return sorted(findings, key=_gravity), assessments


def run_audits(
    audits: Sequence[Audit],
    evidence: Evidence,
    context: Context | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[list[Finding], list[Assessment]]:
    """Run several audits.

    Args:
        audits: The audits.
        evidence: The recorded evidence.
        context: Seed, draws and the smallest group that is reported.
        progress: Called before each audit with the number of finished audits and of all audits.

    Returns:
        Findings, most severe first, and the status of each check.
    """
    results = []
    for done, audit in enumerate(audits):
        if progress is not None:
            progress(done, len(audits))
        results.append(audit(evidence, context))
    findings = sorted((f for found, _ in results for f in found), key=_gravity)
    return findings, [a for _, assessments in results for a in assessments]


def with_thresholds(
    audits: Sequence[Audit], given: Mapping[str, Mapping[str, Mapping[str, float]]]
) -> list[Audit]:
    """Audits with other thresholds.

    Args:
        audits: The audits.
        given: Audit -> check -> ``concern`` or ``risk`` -> value.

    Raises:
        InvalidSettings: If an audit, a check or a key is unknown, or a value is not a number.
    """
    known = {audit.name: audit for audit in audits}
    for name, checks in given.items():
        if name not in known:
            raise InvalidSettings("no such audit", where=name, hint=f"there are {', '.join(known)}")
        known[name] = replace(
            known[name],
            checks=tuple(
                _with_threshold(c, checks.get(c.name, {}), name) for c in known[name].checks
            ),
        )
        if strange := [c for c in checks if c not in {check.name for check in known[name].checks}]:
            names = ", ".join(check.name for check in known[name].checks)
            raise InvalidSettings(
                "no such check", where=f"{name}.{strange[0]}", hint=f"there are {names}"
            )
    return list(known.values())


def _with_threshold(check: Check, given: Mapping[str, float], audit: str) -> Check:
    where = f"{audit}.{check.name}"
    if not isinstance(given, Mapping):
        raise InvalidSettings(
            f"{given!r} is not a table", where=where, hint=f"set {where}.concern or {where}.risk"
        )
    for key, value in given.items():
        if key not in {"concern", "risk"}:
            raise InvalidSettings("unknown key", where=f"{where}.{key}", hint="set concern or risk")
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not math.isfinite(value)
        ):
            raise InvalidSettings(f"{value!r} is not a number", where=f"{where}.{key}")
    limit = replace(check.threshold, **{key: float(value) for key, value in given.items()})  # type: ignore[arg-type]
    if (limit.concern < limit.risk) if limit.below else (limit.concern > limit.risk):
        raise InvalidSettings(
            f"a concern from {limit.concern:g} on, and a risk from {limit.risk:g} on already",
            where=where,
            hint="a risk lies beyond a concern: set both",
        )
    return replace(check, threshold=limit)


def _run(
    audit: str, check: Check, evidence: Evidence, context: Context
) -> tuple[list[Finding], Assessment]:
    results = list(check.measure(evidence, context))
    measured = [r for r in results if isinstance(r, Measured)]
    reasons = tuple(dict.fromkeys(str(r) for r in results if isinstance(r, Skipped)))
    if not measured and not reasons:
        reasons = (_NOTHING,)
    # Several numbers on one subject are several chances of an alarm, so their bounds are stricter.
    tests = Counter(m.subject for m in measured)
    found = []
    for m in measured:
        severity = severity_of(m, check.threshold, tests[m.subject] * m.picked_of)
        if severity is not None:
            found.append(
                Finding(
                    audit=audit,
                    check=check.name,
                    subject=m.subject,
                    community=m.community,
                    severity=severity,
                    claim=m.claim,
                    numbers=m.numbers,
                    rows=m.rows,
                    look=m.look,
                    causes=check.causes,
                    remedies=check.remedies,
                )
            )
    alarmed = any(f.severity != "note" for f in found)
    status: Status = "found" if alarmed else "clear" if measured else "not assessed"
    assessment = Assessment(
        audit=audit,
        check=check.name,
        asks=check.asks,
        status=status,
        measured=len(measured),
        found=len(found),
        reasons=reasons,
        absent=() if measured else _absent(check, evidence),
    )
    return found, assessment


def _absent(check: Check, evidence: Evidence) -> tuple[EvidenceKind, ...]:
    """Kinds of evidence of a check that does not apply; none if an input could not be read."""
    there = evidence.missing or not evidence.kinds.isdisjoint(check.reads)
    return () if there else check.reads


def severity_of(measured: Measured, threshold: Threshold, tests: int) -> Severity | None:
    """The severity of a number; None if it is not beyond the threshold.

    For a risk or a concern the whole interval lies beyond the threshold. The interval is that of
    Student's t with as many degrees of freedom as effective clusters less one, widened by the
    number of tests that the check makes on one subject (Bonferroni). For a note, only the value
    lies beyond it.

    Args:
        measured: The number.
        threshold: The threshold of the check.
        tests: Number of numbers that the check compares with it for one subject.

    >>> rows, limit = Rows("answers", 10), Threshold(0.2, 0.4, "")
    >>> def of(value, error):
    ...     return Measured("m", None, value, error, {}, Sentence(""), rows, "")
    >>> cases = ((0.5, 0.01), (0.5, 0.1), (0.25, 0.1), (0.1, 0.0))
    >>> [severity_of(of(value, error), limit, 1) for value, error in cases]
    ['risk', 'concern', 'note', None]
    """
    sign = -1.0 if threshold.below else 1.0
    bound = (
        sign * measured.value - _reach(measured, tests)
        if measured.bound is None
        else sign * measured.bound
    )
    if bound > sign * threshold.risk:
        return "risk"
    if bound > sign * threshold.concern:
        return "concern"
    return "note" if sign * measured.value > sign * threshold.concern else None


def _reach(measured: Measured, tests: int) -> float:
    """Half the width of the interval that is valid for all tests of a check at once."""
    if not measured.error:
        return 0.0
    df = max(_clusters(measured) - 1, 1.0)
    return -float(stdtrit(df, LEVEL / 2 / max(tests, 1))) * measured.error


def _clusters(measured: Measured) -> float:
    """Effective clusters behind the error; infinite where nothing is known about them."""
    shown = next(iter(measured.numbers.values()), None)
    if measured.clusters is not None or shown is None:
        return np.inf if measured.clusters is None else measured.clusters
    return shown.n if shown.n_raters is None else shown.n_raters


def _gravity(finding: Finding) -> tuple[int, str, str, str, str]:
    return (
        SEVERITIES.index(finding.severity),
        finding.audit,
        finding.check,
        finding.subject,
        finding.community or "",
    )
