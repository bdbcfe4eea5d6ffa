"""What the survey commands print."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pluralign.cli.screen import console
from pluralign.cli.showing import print_json
from pluralign.core import Ask
from pluralign.evaluation import ENOUGH, enough_people
from pluralign.surveying.evaluation import SurveyOutcome

Row = Mapping[str, Any]
Series = tuple[str, str | None]
_PEOPLE = "people: "
_WIDEST = 22
_ENDLESS = 10_000


class _Column(NamedTuple):
    """A metric, its heading, what its values are multiplied by, and how many digits they get."""

    metric: str
    head: str
    scale: float = 1
    digits: int = 1


_CAS = _Column("cultural_alignment_score", "CAS")
_SCORES = (
    _CAS,
    _Column("answer_closeness", "closeness %", 100),
    _Column("exact_accuracy", "exact %", 100),
    _Column("similarity", "similarity %", 100),
    _Column("refusal_rate", "refused %", 100),
    _Column("unfinished_rate", "unfinished %", 100),
)
_VARIETY = (
    _Column("target_rank", "target rank"),
    _Column("pairwise_diversity", "pairwise"),
    _Column("structural_diversity", "structural"),
    _Column("majority_choice_rate", "majority %", 100),
    _Column("spread_ratio", "spread", digits=2),
)
_EFFECTS = (
    _Column("culture_effect", "culture %", 100),
    _Column("order_effect", "order %", 100),
    _Column("paraphrase_effect", "paraphrase %", 100),
    _Column("language_effect", "language %", 100),
    _Column("position_bias", "first place %", 100),
)


def show_survey(outcome: SurveyOutcome, folder: Path, as_json: bool) -> None:
    """Print how close the answers come to the people's, and how varied they are."""
    if as_json:
        print_json({"folder": str(folder), "record": outcome.record, "results": outcome.results})
        return
    screen = console()
    answers, survey = outcome.record["data"]["answers"], outcome.record["data"]["survey"]
    screen.print(
        f"\n{answers['kept']:,} answers to {escape(survey['name'])}, intervals over questions (95 %)"
    )
    own = [r for r in outcome.results if r["community"] is not None]
    communities = sorted({r["community"] for r in own})
    averages = (
        outcome.results
        if len(communities) == 1
        else [r for r in outcome.results if r["community"] is None]
    )
    asked = _asked(averages, Counter(_series(r) for r in own if r["metric"] == _CAS.metric))
    about = f"for {communities[0]}" if len(communities) == 1 else "on average over communities"
    for title, columns in (
        (about, _SCORES),
        ("variety", _VARIETY),
        ("what moves answers: pairs that differ", _EFFECTS),
    ):
        there = [c for c in columns if any(row["metric"] == c.metric for row in averages)]
        if there:
            screen.print(f"\n{title}", style="italic")
            _print_fitting(screen, partial(_table, averages, asked), there)
    if len({cell.split(" x ")[0] for cell in asked.values()}) > 1:
        screen.print(
            "Averages are each over its own communities; comparisons.jsonl compares on common ones.",
            style="dim",
        )
    if len(communities) > 1:
        _show_communities(screen, [r for r in own if r["metric"] == _CAS.metric and r["strategy"]])
    counted = [
        f"{how}: {n:,} {reason}"
        for how in ("dropped", "flagged")
        for reason, n in answers[how].items()
    ]
    for line in [*counted, *(f"note: {note}" for note in _joined(answers["notes"]))]:
        screen.print(line, markup=False, style="dim")
    screen.print(
        f"\nWritten to {folder}: results.jsonl, comparisons.jsonl, answers.jsonl, record.json",
        markup=False,
    )


def show_asks(asks: Sequence[Ask], n: int, as_json: bool) -> None:
    """Print the first ``n`` asks of each strategy word for word."""
    by: dict[str, list[Ask]] = {}
    for ask in asks:
        by.setdefault(ask.strategy, []).append(ask)
    asks = [ask for own in by.values() for ask in own[:n]]
    if as_json:
        print_json(
            [
                {
                    "key": a.key,
                    "messages": [{"role": m.role, "content": m.content} for m in a.conversation],
                }
                for a in asks
            ]
        )
        return
    screen = console()
    for ask in asks:
        screen.print(
            f"[bold]{escape(' / '.join(filter(None, (ask.strategy, ask.community, ask.question.id))))}[/]"
        )
        for message in ask.conversation:
            screen.print(f"{message.role}: {message.content}\n", markup=False)


def show_strategies(as_json: bool) -> None:
    """Print the strategies, what each does, and where its template lies."""
    from pluralign.asking import load_strategy, strategies

    found = [load_strategy(name) for name in strategies()]
    if as_json:
        print_json(
            [
                {"name": s.name, "about": s.about, "shows_gold": s.shows_gold, "path": str(s.path)}
                for s in found
            ]
        )
        return
    table = Table("strategy", "how the question is put", box=None)
    for s in found:
        table.add_row(
            s.name, escape(s.about) + (" [bold](shows gold answers)[/]" if s.shows_gold else "")
        )
    console().print(table)
    console().print(f"\nTemplates to copy and change: {found[0].path.parent}", markup=False)


def _print_fitting(
    screen: Console, table_of: Callable[[Sequence[Any]], Table], columns: Sequence[Any]
) -> None:
    """Print a table, or several one after the other where its columns do not fit side by side."""
    table = table_of(columns)
    wanted = screen.measure(table, options=screen.options.update(width=_ENDLESS)).maximum
    if len(columns) > 1 and wanted > screen.width:
        half = (len(columns) + 1) // 2
        _print_fitting(screen, table_of, columns[:half])
        screen.print()
        _print_fitting(screen, table_of, columns[half:])
        return
    screen.print(table)


def _table(rows: Sequence[Row], asked: Mapping[Series, str], columns: Sequence[_Column]) -> Table:
    """A block for each model, a line for each of its strategies, then its people; the reference points last."""
    table = Table(
        "", "communities\nx questions", *(c.head for c in columns), box=None, pad_edge=False
    )
    found = {(_series(row), row["metric"]): row for row in rows}
    block, people = None, None
    for series in _in_blocks(rows):
        model, strategy = series
        cells = [_cell(found.get((series, c.metric)), c) for c in columns]
        of_people = model.startswith(_PEOPLE)
        if not any(cells) or (of_people and cells == people):
            continue
        people = cells if of_people else people
        owner = model.removeprefix(_PEOPLE) if strategy else "reference points"
        if owner != block:
            block, people = owner, cells if of_people else None
            table.add_row(f"[bold]{escape(folded(owner, _WIDEST + 2))}[/]")
        label = "the people" if of_people else folded(strategy or model, _WIDEST)
        table.add_row(
            escape("\n".join(f"  {line}" for line in label.splitlines())),
            asked.get(series, ""),
            *cells,
        )
    return table


def _in_blocks(rows: Sequence[Row]) -> list[Series]:
    """All series: models in their order, each with its strategies and then its people, reference points last."""
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


def _asked(averages: Sequence[Row], people: Mapping[Series, int]) -> dict[Series, str]:
    """How many communities and questions with an answer that could be read stand behind a line, as "19 x 259"."""
    return {
        _series(r): f"{people[_series(r)]} x {r['n']}"
        for r in averages
        if r["metric"] == _CAS.metric
    }


def _show_communities(screen: Console, rows: Sequence[Row]) -> None:
    """CAS of each community: a table for all that were asked for the same communities, so that none is half empty."""
    served: dict[Series, set[str]] = {}
    for row in rows:
        served.setdefault(_series(row), set()).add(row["community"])
    found = {(_series(row), row["community"]): row for row in rows}
    for group in sorted(
        {frozenset(c) for c in served.values()}, key=lambda g: (-len(g), sorted(g))
    ):
        alike = [series for series, communities in served.items() if communities == group]
        few = {c for c in group if not all(enough_people(found[s, c]) for s in alike)}
        order = sorted(group, key=lambda c: (c in few, min(found[s, c]["value"] for s in alike)))
        screen.print("\nCAS by community, worst first", style="italic")
        _print_fitting(screen, partial(_community_table, order, found), alike)
        if few:
            names = ", ".join(sorted(few))
            screen.print(
                f"not ranked, because fewer than {ENOUGH} questions were answered: {names}",
                markup=False,
            )


def _community_table(
    communities: Sequence[str], found: Mapping[tuple[Series, str], Row], series: Sequence[Series]
) -> Table:
    heads = (
        escape(f"{folded(model, 17)}\n{folded(strategy or '', 17)}") for model, strategy in series
    )
    table = Table("community", *heads, box=None, pad_edge=False)
    for community in communities:
        table.add_row(community, *(_cell(found[s, community], _CAS) for s in series))
    return table


def folded(name: str, width: int) -> str:
    """A name in lines of at most so many characters, broken after its own marks.

    >>> folded("cross_culture_thinking_self_alignment", 22).splitlines()
    ['cross_culture_', 'thinking_self_', 'alignment']
    """
    lines = [""]
    for piece in re.findall(r"[^-_/ ]*[-_/ ]|[^-_/ ]+", name):
        if lines[-1] and len(lines[-1] + piece) > width:
            lines.append("")
        lines[-1] += piece
    return "\n".join(line.rstrip(" ") for line in lines)


def _joined(notes: Mapping[str, int]) -> list[str]:
    """Notes with how often each holds; those that differ in their community alone become one."""
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


def _cell(row: Row | None, column: _Column) -> str:
    if row is None:
        return ""
    value, low, high = (
        None if row[k] is None else f"{row[k] * column.scale:.{column.digits}f}"
        for k in ("value", "low", "high")
    )
    return f"{value}" if low is None else f"{value} [{low}, {high}]"
