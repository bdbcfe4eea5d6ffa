"""Rows that were dropped, and how everything was measured."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pluralign.evaluation.surveys import REFUSALS, SurveyRow
from pluralign.languages.speech import Speech
from pluralign.reports.data import Section
from pluralign.reports.page_tables import Column, Table, interval_columns
from pluralign.reports.reading import Run


def dropped(runs: Sequence[Run], say: Speech) -> Section | None:
    """Rows that were dropped, by reason, and refusals of models; None where nothing is recorded."""
    tables = [_rows_table(runs, say), _refusals_table(runs, say)]
    tables = [table for table in tables if table.rows]
    if not tables:
        return None
    return Section(id="dropped", title=say("What was left out"), tables=tables)


def _rows_table(runs: Sequence[Run], say: Speech) -> Table:
    """Rows read, kept and dropped: totals of each source, then reasons by number of rows."""
    rows = [row for run in runs for row in _counts(run)]
    columns = [
        Column("source", say("Source")),
        Column("reason", say("What became of the rows"), lambda r: say(r["reason"])),
        Column("count", say("Rows"), lambda r: say.number(r["count"], 0), numeric=True),
    ]
    return Table("rows", say("Rows read, kept and dropped"), _of_runs(runs, columns, say), rows)


def _refusals_table(runs: Sequence[Run], say: Speech) -> Table:
    """Refusals of models, the most first."""
    rows = []
    for run in runs:
        for r in run.results:
            if isinstance(r, SurveyRow) and r.metric == REFUSALS:
                who = f"{r.model} · {r.strategy}"
                rows.append(r.as_dict(run=run.name, who=who, name=say.place(r.community)))
    rows.sort(key=lambda r: (-r["value"], r["who"], r["community"] or ""))
    columns = [
        Column("who", say("Answers by")),
        Column("community", say("Community"), lambda r: r["name"]),
        *interval_columns(say, say("asks refused or not readable"), people=False),
    ]
    return Table("refusals", say("Refusals"), columns, rows)


def _of_runs(runs: Sequence[Run], columns: list[Column], say: Speech) -> list[Column]:
    """Columns of a table, with the run's name where there are several."""
    return [Column("run", say("Run")), *columns] if len(runs) > 1 else columns


def how(runs: Sequence[Run], say: Speech) -> Section:
    """Method, settings, versions and licences."""
    rows = [row for run in runs for row in _facts(run)]
    columns = _of_runs(runs, [Column("fact", say("What")), Column("value", say("Value"))], say)
    caption = say("Settings, versions, data and licences")
    tables = [Table("settings", caption, columns, rows, most=400)]
    limits = [row for run in runs for row in _thresholds(run)]
    if limits:
        tables.append(_thresholds_table(limits, say))
    return Section(
        id="how",
        title=say("How this was measured"),
        paragraphs=list(_reading(runs, say)),
        tables=tables,
    )


def _reading(runs: Sequence[Run], say: Speech) -> Iterator[str]:
    """How to read the numbers of these kinds of runs."""
    kinds = {run.kind for run in runs}
    if "policies" in kinds:
        yield say(
            "Intervals of numbers about policies show how much a number depends on the prompts "
            "that were drawn."
        )
    if kinds != {"policies"}:
        yield say(
            "Intervals are 95 % intervals: they show how much a number depends on the people who "
            "took part, or on the questions that were asked."
        )
        yield say(
            "A number shows how near answers come to those of the people who took part, not to a "
            "whole people."
        )


def _thresholds_table(limits: Sequence[Mapping[str, Any]], say: Speech) -> Table:
    columns = [
        Column("check", say("Check")),
        Column("concern", say("Concern"), lambda r: r["concern_text"], numeric=True),
        Column("risk", say("Risk"), lambda r: r["risk_text"], numeric=True),
        Column("reason", say("Why"), lambda r: say(r["reason"])),
    ]
    return Table("thresholds", say("Thresholds of the audits, with their reasons"), columns, limits)


_LABELS = {"read": "rows read", "kept": "rows kept", "made": "pairs or shares made of them"}


def _counts(run: Run) -> Iterator[dict[str, Any]]:
    sources: dict[str, Mapping[str, Any]] = {}
    data = run.record.get("data", {})
    for k, source in enumerate(data.get("sources", ()), 1):
        name = f"{source['name']} {k}" if len(data["sources"]) > 1 else source["name"]
        sources[name] = source
    sources |= {name: data[name] for name in ("survey", "test", "answers") if data.get(name)}
    if not sources:
        sources = run.audit.get("evidence", {}).get("read", {})
    for source, counts in sources.items():
        head = {"run": run.name, "source": source}
        for key, label in _LABELS.items():
            if key in counts:
                yield head | {"reason": label, "count": counts[key]}
        reasons = [
            (reason, count)
            for key in ("dropped", "left_out", "flagged", "notes")
            for reason, count in counts.get(key, {}).items()
        ]
        for reason, count in sorted(reasons, key=lambda pair: -pair[1]):
            yield head | {"reason": reason, "count": count}


def _facts(run: Run) -> Iterator[dict[str, Any]]:
    record = run.record or run.audit
    facts: dict[str, Any] = {"written": record.get("written")}
    facts |= {f"version of {name}": v for name, v in record.get("versions", {}).items()}
    data = record.get("data", {})
    for source in data.get("sources", ()):
        facts[f"licence of {source['name']}"] = source.get("license")
    if data.get("survey"):
        facts["licence of the survey"] = data["survey"].get("license")
    if data.get("test"):
        facts["licence of the test"] = data["test"].get("license")
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
