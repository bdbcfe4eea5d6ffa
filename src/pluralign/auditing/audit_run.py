"""Audit evidence, and write the findings."""

import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pluralign._version import __version__
from pluralign.auditing.gathered_evidence import Gathered, Given, gather
from pluralign.auditing.response_sets import as_row
from pluralign.audits import SEVERITIES, Assessment, Audit, Finding, run_audits, who_took_part
from pluralign.core import MANIFEST, AnyPath, Reporter, as_path, count_of
from pluralign.runs.audits import ASSESSMENTS, AUDIT, FINDINGS, PEOPLE
from pluralign.runs.folder import RunFolder
from pluralign.runs.policy_rows import JOINT
from pluralign.runs.progress_bars import reporting
from pluralign.runs.record import counts_of
from pluralign.settings.audit import AuditSettings, audits_of, resolve_audit
from pluralign.settings.toml_tables import shown
from pluralign.settings.validation import settings_at

SCORED_SETS = "scored_sets.jsonl"


@dataclass(frozen=True, slots=True)
class AuditOutcome:
    """The results of an audit, as written to its folder.

    Attributes:
        findings: Findings, most severe first.
        assessments: The status of each check.
        record: The content of ``audit.json``.
    """

    findings: list[Finding]
    assessments: list[Assessment]
    record: dict[str, Any]

    def __repr__(self) -> str:
        found = count_of(len(self.findings), "finding")
        return f"AuditOutcome({found} of {count_of(len(self.assessments), 'check')})"

    @property
    def alarmed(self) -> bool:
        """Whether there is a concern or a risk."""
        return any(f.severity != "note" for f in self.findings)


def run_audit(
    given: Given | AnyPath,
    settings: AuditSettings | AnyPath | Mapping[str, Any] | None = None,
    audits: Sequence[Audit] | None = None,
    out: AnyPath | None = None,
    reporter: Reporter | None = None,
) -> AuditOutcome:
    """Audit evidence and write the results into a folder.

    The files are ``findings.jsonl``, ``assessments.jsonl``, ``participation.jsonl`` and
    ``audit.json``, and ``scored_sets.jsonl`` where sets of responses were given.

    Args:
        given: The folder of a run, or the paths of the evidence.
        settings: Seed, draws, smallest reported group, methods: a TOML file, its tables, or what
            `resolve_audit` made of them. Default: the settings of ``pluralign audit``.
        audits: The audits, with their thresholds. Default: the audits that the settings name.
        out: Folder to write to; files of an earlier audit in it are replaced. Default: ``audit``
            in the folder of the run, and ``runs/audit`` where there is no run.
        reporter: Receives the progress. Default: a bar in a notebook and on a terminal.

    Raises:
        PluralignError: If there is no evidence, or some of it cannot be read.
    """
    if not isinstance(given, Given):
        given = Given(as_path(given))
    if not isinstance(settings, AuditSettings):
        tables, _, where = settings_at(settings or {}, None, None)
        settings, resolved = resolve_audit(tables, where, ())
        audits = resolved if audits is None else audits
    if audits is None:
        audits = audits_of(settings)
    folder = Path("runs") if given.folder is None else given.folder
    with reporting(reporter) as drawn:
        return _run(given, settings, audits, as_path(out) or folder / "audit", drawn)


def _run(
    given: Given, settings: AuditSettings, audits: Sequence[Audit], out: Path, reporter: Reporter
) -> AuditOutcome:
    started = time.perf_counter()
    reporter.stage("reading evidence")
    gathered = gather(given, settings.methods)
    evidence = gathered.evidence
    for reason in evidence.missing:
        reporter.note(reason)
    reporter.stage("auditing")
    findings, assessments = run_audits(audits, evidence, settings.context, reporter.progress)
    record = {
        "name": (given.folder or out).resolve().name,
        "manifest": MANIFEST,
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "settings": shown(settings),
        "thresholds": [
            {"audit": audit.name, "check": check.name} | asdict(check.threshold)
            for audit in audits
            for check in audit.checks
        ],
        "given": _besides_the_run(given),
        "evidence": _told(gathered),
        "places": {c: dict(names) for c, names in gathered.places.items()},
        "versions": {"pluralign": __version__, "python": platform.python_version()},
        "seconds": {"total": round(time.perf_counter() - started, 3)},
        "outcome": {s: sum(f.severity == s for f in findings) for s in SEVERITIES},
    }
    folder = RunFolder(out)
    folder.begin(AUDIT)
    folder.write_rows(FINDINGS, (f.as_dict() for f in findings), private=True)
    folder.write_rows(ASSESSMENTS, (a.as_dict() for a in assessments))
    folder.write_rows(PEOPLE, who_took_part(evidence, settings.small), private=True)
    if evidence.perturbed:
        folder.write_rows(SCORED_SETS, map(as_row, evidence.perturbed))
    folder.write_json(AUDIT, record)
    return AuditOutcome(findings, assessments, record)


def _besides_the_run(given: Given) -> list[str]:
    """The inputs that were given besides a run; ``no run`` where there is none."""
    names = ("answers", "surveys", "pairs", "residents", "axes", "items", "abilities", "sets")
    found = [name for name in names if getattr(given, name)]
    return found if given.folder is not None else ["no run", *found]


def _told(gathered: Gathered) -> dict[str, Any]:
    """The evidence in the record: its counts, dropped rows, missing inputs and licences."""
    evidence = gathered.evidence
    return {
        "pairs": len(evidence.pairs),
        "raters": sum(map(len, evidence.raters.values())),
        "answers": len(evidence.answers),
        "survey": evidence.survey.name if evidence.survey else None,
        "methods": sorted(evidence.rewards.margins) if evidence.rewards else [],
        "items": len(evidence.items),
        "policies": [
            f"{policy.method} · {policy.steer or JOINT}"
            for policy in (evidence.policies.policies if evidence.policies else ())
        ],
        "perturbed": len(evidence.perturbed),
        "knowledge": len(evidence.knowledge.scored) if evidence.knowledge else 0,
        "missing": list(evidence.missing),
        "read": {name: counts_of(tally) for name, tally in gathered.tallies.items()},
        "licenses": gathered.licenses,
    }
