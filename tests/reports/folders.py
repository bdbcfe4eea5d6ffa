"""Folders of runs and audits written by hand, in the shape in which `pluralign` leaves them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

Row = dict[str, Any]
Rows = list[Row]
COUNTS = {"read": 12, "kept": 10, "dropped": {"text empty": 2}, "flagged": {}, "notes": {}}


def write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """JSON objects, one a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8"
    )


def write_object(path: Path, value: Any) -> None:
    """One JSON object."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")


def reward_row(
    method: str,
    steer: str | None,
    community: str | None,
    value: float,
    *,
    people: int | None = 20,
    **more: Any,
) -> Row:
    """A line of ``results.jsonl``, its interval 5 points to either side."""
    ends = {"low": value - 0.05, "high": value + 0.05}
    if people == 1:
        ends = {"low": None, "high": None}
    head = {
        "metric": "pairwise_accuracy",
        "method": method,
        "steer": steer,
        "community": community,
        "subset": "all",
    }
    return head | {"value": value} | ends | {"n": 200, "n_raters": people} | more


def reward_record(
    own: Iterable[str], methods: Sequence[str], people: Mapping[str, int | None]
) -> Row:
    """``record.json`` of a run that steers to ``own``, starting from the rest of ``people``."""
    own = list(own)
    return {
        "name": "tastes",
        "written": "2026-01-02T03:04:05+00:00",
        "settings": {"name": "tastes", "methods": list(methods), "split": {"by": "rater"}},
        "seeds": [7],
        "versions": {"pluralign": "0.1.0"},
        "encoder": "hash",
        "data": {
            "fingerprint": "abc",
            "pairs": 100 * len(people),
            "sources": [{"name": "jsonl", "license": "CC0-1.0", "settings": {}} | COUNTS],
        },
        "people": {c: {"pairs": 100, "raters": n} for c, n in people.items()},
        "communities": {
            "steered": own,
            "reference": [c for c in people if c not in own],
            "left_out": {},
        },
        "ridges": {},
        "notes": [],
        "outcome": [],
    }


def write_rewards(
    folder: Path,
    own: Mapping[str, float],
    *,
    method: str = "scpo",
    people: Mapping[str, int | None] | None = None,
    others: Sequence[str] = (),
    matrix: bool = False,
    contested: bool = True,
    curve: bool = True,
    record: Mapping[str, Any] | None = None,
) -> Path:
    """A run of reward models.

    Args:
        folder: Where.
        own: Community -> accuracy under the steer to itself; the reference has 0.5 everywhere.
        method: The method beside the reference.
        people: Community -> raters; 20 where it says nothing.
        others: Communities that the reference was fitted on.
        matrix: Whether every steer is measured on every community, a little worse off the diagonal.
        contested: Whether there are contested pairs.
        curve: Whether there is a learning curve.
        record: Keys of ``record.json`` to replace.
    """
    raters = dict.fromkeys((*own, *others), 20) | dict(people or {})
    results = [reward_row("reference", None, c, 0.5, people=n) for c, n in raters.items()]
    for steer, value in own.items():
        measured = own if matrix else [steer]
        for c in measured:
            reached = value if c == steer else 0.45
            results.append(reward_row(method, steer, c, reached, people=raters[c]))
            if contested:
                results.append(
                    reward_row(method, steer, c, reached / 2, people=raters[c], subset="contested")
                )
    subsets = ("all", "contested") if contested else ("all",)
    summary = [
        reward_row(m, "own", None, 0.6 if s == "all" else 0.3, subset=s, aggregate=a)
        for m in ("reference", method)
        for s in subsets
        for a in ("overall", "average")
    ]
    write_object(
        folder / "record.json",
        reward_record(own, ["reference", method], raters) | dict(record or {}),
    )
    write_lines(folder / "results.jsonl", results)
    write_lines(folder / "summary.jsonl", summary)
    if curve:
        points = [
            reward_row(
                method,
                "own",
                None,
                0.5 + f / 10,
                by="pairs",
                fraction=f,
                train_pairs=int(100 * f),
                repeats=1,
            )
            for f in (0.1, 0.5, 1.0)
        ]
        needed = {
            "metric": "fraction_needed",
            "method": method,
            "target": "full",
            "by": "pairs",
            "value": None,
        }
        write_lines(
            folder / "studies" / "curve-pairs.jsonl",
            [*points, needed | {"low": None, "high": None}],
        )
    return folder


def survey_row(
    model: str,
    strategy: str | None,
    community: str | None,
    value: float,
    metric: str = "cultural_alignment_score",
) -> Row:
    """A line of ``results.jsonl`` of a survey, its interval 5 to either side."""
    numbers = {"value": value, "low": value - 5, "high": value + 5, "n": 60, "n_raters": None}
    who = {"model": model, "strategy": strategy, "method": "ask", "steer": None, "subset": "all"}
    return {"metric": metric, "community": community} | who | numbers


def write_survey(folder: Path, scores: Mapping[tuple[str, str], Mapping[str, float]]) -> Path:
    """A survey of language models: (model, strategy) -> community -> how near the answers come."""
    results: Rows = []
    for (model, strategy), own in scores.items():
        results += [survey_row(model, strategy, c, value) for c, value in own.items()]
        results += [
            survey_row(model, strategy, c, 0.1, "refusal_rate") | {"low": 0.0, "high": 0.2}
            for c in own
        ]
        if len(own) > 1 and "unaware" not in strategy:
            results.append(survey_row(model, strategy, None, sum(own.values()) / len(own)))
            results.append(survey_row(model, strategy, None, 20.0, "pairwise_diversity"))
            results.append(
                survey_row(f"people: {model}", strategy, None, 30.0, "pairwise_diversity")
            )
    known = sorted({c for own in scores.values() for c in own})
    results += [survey_row("random", None, c, 50.0) for c in known]
    record = {
        "name": "answers",
        "written": "2026-01-02T03:04:05+00:00",
        "settings": {"evaluate": {"parser": "strict", "numbering": "auto", "communities": known}},
        "versions": {"pluralign": "0.1.0"},
        "data": {
            "survey": {"name": "shares", "license": "WVS terms", "settings": {}} | COUNTS,
            "answers": {"files": {}} | COUNTS,
        },
        "nearest": [],
        "notes": [],
        "outcome": [],
    }
    write_object(folder / "record.json", record)
    write_lines(folder / "results.jsonl", results)
    return folder


def finding_row(community: str | None = "MEX", severity: str = "risk", **more: Any) -> Row:
    """A line of ``findings.jsonl``."""
    template = "Only {count} people took part for {community}, in {pairs} pairs."
    return {
        "audit": "participation", "check": "few-people", "subject": "votes", "community": community,
        "severity": severity, "claim": "Only 7 people took part for Mexico, in 900 pairs.",
        "template": template,
        "values": {"count": 7, "community": {"place": community or "~world"}, "pairs": 900},
        "numbers": [
            {"name": "raters", "value": 7, "low": None, "high": None, "n": 900, "n_raters": 7}
        ],
        "rows": {"what": "pairs", "count": 900, "ids": ["p-1"]},
        "look": "See the table of participation.",
        "causes": "Recruiting reached few people of the community, or they had no reason to take "
                  "part.",
        "remedies": "Recruit more people before steering; report their number with every result.",
    } | more  # fmt: skip


def people_row(
    community: str, raters: int | None = 20, groups: Mapping[str, Mapping[str, int]] | None = None
) -> Row:
    """A line of ``participation.jsonl``."""
    told = (
        {"pairs_per_rater": 5.0, "heaviest_share": 0.1, "effective_raters": 15.0} if raters else {}
    )
    unknown = {"pairs_per_rater": None, "heaviest_share": None, "effective_raters": None}
    head = {"community": community, "raters": raters, "pairs": 100} | unknown | told
    return head | {
        "with_words": 3,
        "languages": {"en": 100},
        "sources": {"votes": 100},
        "groups": dict(groups or {}),
    }


def write_audit(
    folder: Path,
    findings: Iterable[Mapping[str, Any]] = (),
    people: Iterable[Mapping[str, Any]] = (),
    reasons: Sequence[str] = ("pairs have no languages",),
) -> Path:
    """An audit: one check that found something, one that was not assessed for these reasons."""
    threshold = {
        "audit": "participation",
        "check": "few-people",
        "concern": 30.0,
        "risk": 10.0,
        "below": True,
    }
    audit = {
        "name": "tastes",
        "written": "2026-01-02T03:04:05+00:00",
        "settings": {"seed": 0, "draws": 100, "small": 5},
        "thresholds": [
            threshold | {"reason": "with fewer raters our intervals cover less than 95 %"}
        ],
        "evidence": {
            "pairs": 100,
            "read": {"votes": COUNTS},
            "licenses": {"votes": "CC0-1.0"},
            "missing": [],
        },
        "versions": {"pluralign": "0.1.0"},
        "outcome": {"risk": 1, "concern": 0, "note": 0},
    }
    found = {
        "audit": "participation",
        "check": "few-people",
        "asks": "Does each community have enough raters?",
    }
    other = {"audit": "misidentification", "check": "language"}
    asks = {"asks": "Does the prompt's language change answers more than the named culture?"}
    assessments: Rows = [
        found | {"status": "found", "measured": 3, "found": 1, "reasons": []},
        other
        | asks
        | {"status": "not assessed", "measured": 0, "found": 0, "reasons": list(reasons)},
    ]
    write_object(folder / "audit.json", audit)
    write_lines(folder / "findings.jsonl", findings)
    write_lines(folder / "assessments.jsonl", assessments)
    write_lines(folder / "participation.jsonl", people)
    return folder


def policy_row(metric: str, method: str | None, value: float, **more: Any) -> Row:
    """A line of ``results.jsonl`` about a policy, its interval 0.1 to either side."""
    about = {"steer": None, "community": None, "candidates": None, "kl_bound": None}
    numbers = {"value": value, "low": value - 0.1, "high": value + 0.1, "n": 40, "n_raters": None}
    return {"metric": metric, "method": method} | about | numbers | more


def write_policies(
    folder: Path,
    communities: Sequence[str] = ("MEX", "GBR"),
    *,
    judged: float | None = 0.5,
    tuned: Sequence[str] = ("raft", "dpo"),
    extra: Iterable[Mapping[str, Any]] = (),
    record: Mapping[str, Any] | None = None,
) -> Path:
    """A run of language models that follow communities.

    Args:
        folder: Where.
        communities: The communities.
        judged: Share of each gain that the judge confirms; None where there is no judge.
        tuned: Methods that train a policy for each community.
        extra: Further lines of ``results.jsonl``.
        record: Keys of ``record.json`` to replace.
    """
    rows: Rows = []
    for metric, share in (("reward_gain", 1.0), ("judged_gain", judged)):
        if share is not None:
            for community in communities:
                rows += _gains(metric, share, community, communities, tuned)
    for method, steer in product(tuned, communities):
        about = {"steer": steer}
        rows.append(policy_row("kl", method, 0.5, **about))
        rows.append(policy_row("length_ratio", method, 1.2, **about))
    trained = [f"{method}/{community}" for method, community in product(tuned, communities)]
    people = {c: {"pairs": 100, "raters": 20} for c in communities}
    reward = {"model": "models/half", "method": "full", "people": people, "licenses": ["CC0-1.0"]}
    write_object(
        folder / "record.json",
        {
            "name": "follow",
            "written": "2026-01-02T03:04:05+00:00",
            "settings": {"name": "follow", "methods": ["best-of-n", *tuned]},
            "versions": {"pluralign": "0.1.0"},
            "communities": list(communities),
            "reward": reward,
            "judge": None if judged is None else reward | {"model": "models/other-half"},
            "data": {"sources": [{"name": "prompts.jsonl", "license": None} | COUNTS]},
            "stages": {
                "sample": {
                    "model": "writer",
                    "prompts": 200,
                    "prompts by side": {"train": 120, "validation": 40, "test": 40},
                },
                "tune": {"trained": {key: {"rows": 9} for key in trained}},
            },
        }
        | dict(record or {}),
    )
    write_lines(folder / "results.jsonl", [*rows, *extra])
    return folder


def _gains(
    metric: str, share: float, community: str, communities: Sequence[str], tuned: Sequence[str]
) -> Iterable[Row]:
    """Gains for a community: its own policies gain most, those of others lose a little."""
    for n, bound in ((2, 0.193), (4, 0.636), (8, 1.204)):
        about = {"community": community, "candidates": n, "kl_bound": bound}
        for steer in communities:
            gain = share * bound if steer == community else -0.3
            yield policy_row(metric, "best-of-n", gain, steer=steer, **about)
        yield policy_row(metric, "longest", 0.1, **about)
        yield policy_row(metric, "shortest", -0.1, **about)
    for method, steer in product(tuned, communities):
        gain = 0.6 * share if steer == community else -0.3
        yield policy_row(metric, method, gain, steer=steer, community=community)
