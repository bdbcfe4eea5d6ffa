"""The tables of ``pluralign survey``."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pluralign.cli.numbers import scaled
from pluralign.cli.output import Output
from pluralign.cli.printed_tables import NOTHING, Cell, Number, PrintedColumn, PrintedTable
from pluralign.core import Ask
from pluralign.evaluation import ENOUGH, enough_people
from pluralign.surveying.survey_evaluation import SurveyOutcome

if TYPE_CHECKING:
    from pluralign.asking import Strategy

Row = Mapping[str, Any]
Series = tuple[str, str | None]
_PEOPLE = "people: "
_CAS = "cultural_alignment_score"


class Metric(NamedTuple):
    """A metric, its heading, what its values are multiplied by, and how many digits they get."""

    metric: str
    head: str
    scale: float = 1
    digits: int = 1


_SCORES = (
    Metric(_CAS, "CAS"),
    Metric("answer_closeness", "closeness %", 100),
    Metric("exact_accuracy", "exact %", 100),
    Metric("similarity", "similarity %", 100),
    Metric("refusal_rate", "refused %", 100),
    Metric("unfinished_rate", "unfinished %", 100),
)
_VARIETY = (
    Metric("target_rank", "target rank"),
    Metric("pairwise_diversity", "pairwise"),
    Metric("structural_diversity", "structural"),
    Metric("majority_choice_rate", "majority %", 100),
    Metric("spread_ratio", "spread", digits=2),
)
_EFFECTS = (
    Metric("culture_effect", "culture %", 100),
    Metric("order_effect", "order %", 100),
    Metric("paraphrase_effect", "paraphrase %", 100),
    Metric("language_effect", "language %", 100),
    Metric("position_bias", "first place %", 100),
)


def show_survey(outcome: SurveyOutcome, folder: Path, output: Output) -> None:
    """Print how close the answers come to the people's, and how varied they are."""
    if output.as_json:
        output.json({"folder": str(folder), "record": outcome.record, "results": outcome.results})
        return
    answers, survey = outcome.record["data"]["answers"], outcome.record["data"]["survey"]
    output.line()
    output.line(
        f"{answers['kept']:,} answers to {survey['name']}, 95 % intervals over questions",
        style="bold",
    )
    output.line()
    by_community = [r for r in outcome.results if r["community"] is not None]
    communities = sorted({r["community"] for r in by_community})
    averages = _averages(outcome.results, communities)
    asked = _asked(averages, by_community)
    for title, metrics in _titled_metrics(communities):
        output.table(_score_table(title, metrics, averages, asked))
    if len({cell.split(" x ")[0] for cell in asked.values()}) > 1:
        output.line(
            "Each average is over the communities of its own row; comparisons.jsonl compares on "
            "common ones.",
            style="dim",
        )
    if len(communities) > 1:
        cas = [r for r in by_community if r["metric"] == _CAS and r["strategy"]]
        _show_communities(cas, output)
    output.line()
    for line in _lines_about(answers):
        output.line(line, style="dim")
    output.line(
        f"\nWritten to {folder}: results.jsonl, comparisons.jsonl, answers.jsonl, record.json"
    )


def show_asks(asks: Sequence[Ask], n: int, output: Output) -> None:
    """Print the first ``n`` asks of each strategy word for word."""
    by: dict[str, list[Ask]] = {}
    for ask in asks:
        by.setdefault(ask.strategy, []).append(ask)
    first = [ask for own in by.values() for ask in own[:n]]
    if output.as_json:
        output.json([_ask_as_json(ask) for ask in first])
        return
    for ask in first:
        of = (ask.strategy, ask.community, ask.question.id)
        output.text(" / ".join(part for part in of if part), style="bold")
        for message in ask.conversation:
            output.text(f"{message.role}: {message.content}\n")


def show_strategies(output: Output) -> None:
    """Print the strategies, what each does, and where its template lies."""
    from pluralign.asking import load_strategy, strategies

    found = [load_strategy(name) for name in strategies()]
    if output.as_json:
        output.json([_strategy_as_json(s) for s in found])
        return
    table = PrintedTable(
        columns=[
            PrintedColumn(head="strategy"),
            PrintedColumn(head="real answers"),
            PrintedColumn(head="unsigned", rank=1),
            PrintedColumn(head="how it asks", cut="end", least=24),
        ]
    )
    for s in found:
        by_machine = [t for t in s.translations.values() if t.machine_written]
        unsigned = f"{len(by_machine)} of {len(s.translations)}" if s.translations else ""
        table.rows.append([s.name, "yes" if s.shows_gold else "no", unsigned, s.about])
    output.table(table)
    output.line("\nunsigned: translations by machine that no native reader has signed yet")
    output.line(f"Templates to copy and change: {found[0].path.parent}")


def _strategy_as_json(strategy: "Strategy") -> dict[str, Any]:
    translations = {
        tag: {"machine_written": words.machine_written, "signed_by": words.signed_by}
        for tag, words in strategy.translations.items()
    }
    return {
        "name": strategy.name,
        "about": strategy.about,
        "shows_gold": strategy.shows_gold,
        "translations": translations,
        "path": str(strategy.path),
    }


def _ask_as_json(ask: Ask) -> dict[str, Any]:
    messages = [{"role": m.role, "content": m.content} for m in ask.conversation]
    return {"key": ask.key, "messages": messages}


def _averages(results: Sequence[Row], communities: Sequence[str]) -> list[Row]:
    """The rows that average over communities; all rows where there is only one community."""
    if len(communities) == 1:
        return list(results)
    return [r for r in results if r["community"] is None]


def _titled_metrics(communities: Sequence[str]) -> Iterator[tuple[str, Sequence[Metric]]]:
    about = f"for {communities[0]}" if len(communities) == 1 else "on average over communities"
    yield f"Closeness to the people's answers, {about}", _SCORES
    yield "Variety of the answers", _VARIETY
    yield "Effects on answers: pairs of answers that differ", _EFFECTS


def _score_table(
    title: str, metrics: Sequence[Metric], rows: Sequence[Row], asked: Mapping[Series, str]
) -> PrintedTable:
    """A row for each model and strategy, then the people asked the same; reference points last."""
    present = {row["metric"] for row in rows}
    there = [m for m in metrics if m.metric in present]
    table = PrintedTable(
        title=title,
        columns=[
            PrintedColumn(head="model", cut="middle", least=14),
            PrintedColumn(head="strategy", cut="middle", least=13),
            PrintedColumn(head="asked", rank=50),
            *(PrintedColumn(head=m.head, rank=k, interval=True) for k, m in enumerate(there)),
        ],
    )
    if not there:
        return table
    found = {(_series(row), row["metric"]): row for row in rows}
    people: tuple[str, list[Number]] | None = None
    for series in _in_blocks(rows):
        cells = [_cell(found.get((series, m.metric)), m) for m in there]
        if all(cell == NOTHING for cell in cells):
            continue
        model, strategy = series
        owner = model.removeprefix(_PEOPLE)
        if model.startswith(_PEOPLE):
            if people == (owner, cells):  # the same people under another strategy
                continue
            people, strategy = (owner, cells), "the people"
        table.rows.append([owner, strategy or "reference point", asked.get(series, ""), *cells])
    return table


def _in_blocks(rows: Sequence[Row]) -> list[Series]:
    """All series: models with their strategies and then their people, reference points last."""
    series = list(dict.fromkeys(_series(row) for row in rows))
    owners = list(dict.fromkeys(model.removeprefix(_PEOPLE) for model, _ in series))
    return sorted(
        series,
        key=lambda s: (
            s[1] is None,
            owners.index(s[0].removeprefix(_PEOPLE)),
            s[0].startswith(_PEOPLE),
        ),
    )


def _asked(averages: Sequence[Row], by_community: Sequence[Row]) -> dict[Series, str]:
    """Communities and questions with an answer that could be read, as "19 x 259"."""
    communities = Counter(_series(r) for r in by_community if r["metric"] == _CAS)
    return {
        _series(r): f"{communities[_series(r)]} x {r['n']}" for r in averages if r["metric"] == _CAS
    }


def _show_communities(rows: Sequence[Row], output: Output) -> None:
    """CAS of each community: one table for all series that were asked for the same communities."""
    served: dict[Series, set[str]] = {}
    for row in rows:
        served.setdefault(_series(row), set()).add(row["community"])
    found = {(_series(row), row["community"]): row for row in rows}
    groups = {frozenset(communities) for communities in served.values()}
    for group in sorted(groups, key=lambda g: (-len(g), sorted(g))):
        alike = [series for series, communities in served.items() if communities == group]
        few = {c for c in group if not all(enough_people(found[s, c]) for s in alike)}
        order = sorted(group, key=lambda c: (c in few, min(found[s, c]["value"] for s in alike)))
        output.table(_community_table(order, found, alike))
        if few:
            names = ", ".join(sorted(few))
            output.line(f"not ranked, because fewer than {ENOUGH} questions were answered: {names}")


def _community_table(
    communities: Sequence[str], found: Mapping[tuple[Series, str], Row], series: Sequence[Series]
) -> PrintedTable:
    table = PrintedTable(
        title="CAS by community, worst first",
        columns=[
            PrintedColumn(head="community", cut="middle", least=9),
            *(
                PrintedColumn(head=f"{model}\n{strategy}", rank=k, cut_head=True, interval=True)
                for k, (model, strategy) in enumerate(series)
            ),
        ],
    )
    for community in communities:
        cells: list[Cell] = [community]
        cells += [_cell(found[s, community], _SCORES[0]) for s in series]
        table.rows.append(cells)
    return table


def _lines_about(answers: Row) -> Iterator[str]:
    for how in ("dropped", "flagged"):
        for reason, n in answers[how].items():
            yield f"{how}: {n:,} {reason}"
    for note in _joined(answers["notes"]):
        yield f"note: {note}"


def _joined(notes: Mapping[str, int]) -> list[str]:
    """Notes with how often each occurs; notes that differ in their community alone become one."""
    alone: list[str] = []
    where: dict[str, list[str]] = {}
    for note, n in notes.items():
        what, _, community = note.rpartition(" in ")
        if re.fullmatch(r"[A-Z~]\S*", community):
            where.setdefault(what, []).append(f"{community} ({n:,})")
        else:
            alone.append(note + (f" ({n:,})" if n > 1 else ""))
    return alone + [f"{what} in {', '.join(places)}" for what, places in where.items()]


def _series(row: Row) -> Series:
    return row["model"], row["strategy"]


def _cell(row: Row | None, metric: Metric) -> Number:
    return scaled(row, scale=metric.scale, digits=metric.digits)
