"""What was dropped, and how everything was done."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pluralign.evaluation.surveys import REFUSALS
from pluralign.languages.speech import Speech
from pluralign.reports.data import Column, Section, Table, interval_columns
from pluralign.reports.reading import Run


def dropped(runs: Sequence[Run], say: Speech) -> Section:
    """Rows read, kept and dropped by reason; and refusals of models."""
    rows = [row for run in runs for row in _counts(run)]
    refused = [
        r
        | {
            "run": run.name,
            "who": f"{r['model']} · {r['strategy']}",
            "name": say.place(r["community"]),
        }
        for run in runs
        for r in run.results
        if r["metric"] == REFUSALS
    ]
    refused.sort(key=lambda r: (-r["value"], r["who"], r["community"] or ""))
    tables = []
    if rows:
        columns = [
            Column("run", say("Run")),
            Column("source", say("Source")),
            Column("reason", say("What became of the rows"), lambda r: say(r["reason"])),
            Column("count", say("Rows"), lambda r: say.number(r["count"], 0), numeric=True),
        ]
        tables.append(Table("rows", say("Rows read, kept and dropped"), columns, rows))
    if refused:
        columns = [
            Column("who", say("Answers by")),
            Column("community", say("Community"), lambda r: r["name"]),
            *interval_columns(say, say("asks refused or not readable"), people=False),
        ]
        tables.append(Table("refusals", say("Refusals"), columns, refused))
    empty = None if tables else say("Nothing is recorded of rows that were dropped.")
    return Section("dropped", say("What was left out"), (), tables=tables, empty=empty)


def how(runs: Sequence[Run], say: Speech) -> Section:
    """Method, settings, versions and licences."""
    rows = [row for run in runs for row in _facts(run)]
    columns = [
        Column("run", say("Run")),
        Column("fact", say("What")),
        Column("value", say("Value")),
    ]
    limits = [row for run in runs for row in _thresholds(run)]
    tables = [
        Table("settings", say("Settings, versions, data and licences"), columns, rows, most=400)
    ]
    if limits:
        tables.append(
            Table(
                "thresholds",
                say("Thresholds of the audits, with their reasons"),
                [
                    Column("check", say("Check")),
                    Column("concern", say("Concern"), lambda r: r["concern_text"], numeric=True),
                    Column("risk", say("Risk"), lambda r: r["risk_text"], numeric=True),
                    Column("reason", say("Why"), lambda r: say(r["reason"])),
                ],
                limits,
            )
        )
    told = [
        say(
            "Intervals are 95 % intervals: people are drawn again and again, or questions where people are not known, "
            "and the number is measured anew."
        ),
        say(
            "A number tells how near answers come to those of the people who took part, not to a whole people."
        ),
    ]
    return Section("how", say("How this was measured"), told, tables=tables)


_LABELS = {"read": "rows read", "kept": "rows kept", "made": "pairs or shares made of them"}


def _counts(run: Run) -> Iterator[dict[str, Any]]:
    told: dict[str, Mapping[str, Any]] = {}
    data = run.record.get("data", {})
    for k, source in enumerate(data.get("sources", ()), 1):
        told[f"{source['name']} {k}" if len(data["sources"]) > 1 else source["name"]] = source
    told |= {name: data[name] for name in ("survey", "answers") if data.get(name)}
    if not told:
        told = run.audit.get("evidence", {}).get("read", {})
    for source, counts in told.items():
        for key, label in _LABELS.items():
            if key in counts:
                yield {"run": run.name, "source": source, "reason": label, "count": counts[key]}
        for key in ("dropped", "left_out", "flagged", "notes"):
            for reason, count in counts.get(key, {}).items():
                yield {"run": run.name, "source": source, "reason": reason, "count": count}


def _facts(run: Run) -> Iterator[dict[str, Any]]:
    record = run.record or run.audit
    facts: dict[str, Any] = {"written": record.get("written")}
    facts |= {f"version of {name}": v for name, v in record.get("versions", {}).items()}
    data = record.get("data", {})
    for source in data.get("sources", ()):
        facts[f"licence of {source['name']}"] = source.get("license")
    if data.get("survey"):
        facts["licence of the survey"] = data["survey"].get("license")
    facts |= {
        f"licence of {n}": v for n, v in record.get("evidence", {}).get("licenses", {}).items()
    }
    facts |= {
        "data fingerprint": data.get("fingerprint"),
        "seeds": record.get("seeds"),
        "encoder": record.get("encoder"),
    }
    facts |= _flat(record.get("settings", {}))
    facts |= {f"note {k}": note for k, note in enumerate(record.get("notes", ()), 1)}
    for fact, value in facts.items():
        if value not in (None, "", [], {}):
            yield {"run": run.name, "fact": fact, "value": str(value)}


def _flat(settings: Mapping[str, Any], head: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in settings.items():
        found |= (
            _flat(value, f"{head}{key}.") if isinstance(value, Mapping) else {f"{head}{key}": value}
        )
    return found


def _thresholds(run: Run) -> Iterator[dict[str, Any]]:
    for t in run.audit.get("thresholds", ()):
        sign = "<" if t["below"] else ">"
        yield t | {
            "check": f"{t['audit']}.{t['check']}",
            "concern_text": f"{sign} {t['concern']:g}",
            "risk_text": f"{sign} {t['risk']:g}",
        }
