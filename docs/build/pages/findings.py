"""Tables of docs/findings.md: numbers from the audits, also of checks without a finding."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from pages.writing import table
from pluralign.audits import (
    MISIDENTIFICATION,
    SIMPLIFICATION,
    Audit,
    Context,
    Evidence,
    Finding,
    Measured,
)
from pluralign.audits.checks import severity_of
from pluralign.audits.participants import who_took_part
from pluralign.audits.respondent_answers import estimate
from pluralign.core import Estimate, community_name
from pluralign.metrics import draw_ratios


def models_table(evidence: Evidence) -> str:
    """Numbers of each model from the checks of answers, whether they are findings or not."""
    alike, axes, far = (
        _measured(SIMPLIFICATION, name, evidence) for name in ("alike", "axes", "stereotypes")
    )
    other, default = (
        _measured(MISIDENTIFICATION, name, evidence) for name in ("other-people", "default-culture")
    )
    rows = []
    for a in evidence.answered:
        mine = [m for m in alike if m.subject == a.subject]
        if not mine:
            continue
        (lost,) = mine
        rows.append(
            [
                a.subject,
                str(len(a.communities)),
                _points(lost.numbers["diversity_lost"]),
                _one([m for m in axes if m.subject == a.subject], "excess_on_axes"),
                _default([m for m in default if m.subject == a.subject]),
                _others([m for m in other if m.subject == a.subject]),
                _far([m for m in far if m.subject == a.subject]),
            ]
        )
    head = [
        "model · strategy", "communities", "diversity lost, %", "more on two axes, points",
        "falls back on", "answers of another people", "exaggerates",
    ]  # fmt: skip
    return table(head, rows)


def neighbour_table(
    evidence: Evidence, asked: Sequence[str] = ("BRA", "MEX"), other: str = "USA"
) -> str:
    """Share of exact answers of another people minus that of the intended, on common questions."""
    rows = []
    for a in evidence.answered:
        counts = a.counts(Context().rng("neighbour table"), Context().draws)
        theirs_Q = a.peoples.gold_C_Q[a.peoples.communities.index(other)]
        cells = []
        for community in asked:
            if community not in a.communities:
                cells.append("–")
                continue
            c = a.communities.index(community)
            value_Q, own_Q = a.value_C_Q[c], a.gold_C_Q[c]
            there = ~np.isnan(value_Q + own_Q + theirs_Q)
            more = ((value_Q == theirs_Q).astype(float) - (value_Q == own_Q)) * there
            draws = draw_ratios(more[None], there[None].astype(float), counts)[:, 0]
            cells.append(_points(estimate(more.sum() / there.sum(), draws, int(there.sum()))))
        if set(cells) != {"–"}:
            rows.append([a.subject, *cells])
    return table(["model · strategy", *(f"asked for {community_name(c)}" for c in asked)], rows)


def participation_table(evidence: Sequence[Evidence]) -> str:
    """Participants in the runs of reward models; communities of published shares in one row."""
    rows = []
    for one in evidence:
        people = who_took_part(one, Context().small)
        shares = [p for p in people if p["raters"] is None]
        for p in people:
            if p["raters"] is not None:
                rows.append(
                    [
                        community_name(p["community"]),
                        f"{p['raters']:,}",
                        f"{p['pairs']:,}",
                        f"{p['pairs_per_rater']:.1f}",
                        f"{100 * p['heaviest_share']:.1f} %",
                        f"{p['with_words']:,}",
                    ]
                )
        if shares:
            names = ", ".join(sorted({s for p in shares for s in p["sources"]}))
            total = sum(p["pairs"] for p in shares)
            rows.append(
                [f"{len(shares)} countries ({names})", "not published", f"{total:,}", "–", "–", "0"]
            )
    head = [
        "community",
        "people",
        "pairs",
        "pairs per person",
        "largest share of one person",
        "pairs with own words",
    ]
    return table(head, rows)


def rewards_table(found: Mapping[str, Sequence[Finding]]) -> str:
    """Risks and concerns of each method of each run."""
    rows = []
    for run, findings in found.items():
        told = [f for f in findings if f.audit != "participation"]
        grave = [f for f in told if f.severity != "note"]
        for f in grave:
            number = next(iter(f.numbers.values()))
            rows.append([run, f.severity, str(f.claim), _points(number), f"{number.n:,}"])
        if not grave:
            rows.append([run, "–", "nothing beyond a threshold, surely", "", ""])
        notes = Counter(f.check for f in told if f.severity == "note")
        if notes:
            counts = ", ".join(f"{name} {n}" for name, n in sorted(notes.items()))
            rows.append([run, "note", f"beyond a threshold, but not surely: {counts}", "", ""])
    return table(["run", "severity", "claim", "deciding number, points", "pairs"], rows)


def planted_table(path: Path) -> str:
    """How often each fault was found, and how often another audit raised an alarm."""
    rates = json.loads(path.read_text(encoding="utf-8"))
    rows = [
        [f["fault"].split(": ")[0], f["fault"].split(": ")[1], str(f["found"]), str(f["others"])]
        for f in rates["faults"]
    ]
    told = table(
        ["check", "planted", f"found in, of {rates['seeds']}", "alarm of another audit"], rows
    )
    return (
        f"A society without a fault raised an alarm in {rates['sound']} of {rates['seeds']} "
        "seeds.\n\n"
        f"{told}"
    )


def _measured(audit: Audit, name: str, evidence: Evidence) -> list[Measured]:
    (check,) = (c for c in audit.checks if c.name == name)
    return [m for m in check.measure(evidence, Context()) if isinstance(m, Measured)]


def _grave(measured: Iterable[Measured], check: str, audit: Audit) -> list[Measured]:
    (limit,) = (c.threshold for c in audit.checks if c.name == check)
    whole = list(measured)
    return [
        m for m in whole if severity_of(m, limit, len(whole) * m.picked_of) in {"risk", "concern"}
    ]


def _others(measured: Sequence[Measured]) -> str:
    grave = _grave(measured, "other-people", MISIDENTIFICATION)
    told = [f"{m.community} → {m.claim.values['other'].id} (+{m.value:.1f})" for m in grave]
    return f"{len(grave)} of {len(measured)}" + (f": {', '.join(told)}" if told else "")


def _default(measured: Sequence[Measured]) -> str:
    if not measured:
        return "not assessed"
    (m,) = measured
    shown = m.numbers["shows_through"]
    sure = "" if _grave(measured, "default-culture", MISIDENTIFICATION) else "(not surely) "
    return f"{sure}{m.community}: {_points(shown)} %"


def _far(measured: Sequence[Measured]) -> str:
    return (
        f"{len(_grave(measured, 'stereotypes', SIMPLIFICATION))} of {len(measured)}"
        if measured
        else "not assessed"
    )


def _one(measured: Sequence[Measured], number: str) -> str:
    return _points(measured[0].numbers[number]) if measured else "not assessed"


def _points(e: Estimate) -> str:
    """In points or per cent, with its interval."""
    if e.low is None or e.high is None:
        return f"{100 * e.value:.0f}"
    return f"{100 * e.value:.1f} [{100 * e.low:.1f}, {100 * e.high:.1f}]"
