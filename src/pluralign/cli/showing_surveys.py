"""What the survey commands print."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Column, Table

from pluralign.cli.screen import console
from pluralign.cli.showing import print_json
from pluralign.core import Ask
from pluralign.experiments.survey_evaluation import SurveyOutcome

_SCORES = (
    ("cultural_alignment_score", "CAS", 1),
    ("answer_closeness", "closeness %", 100),
    ("exact_accuracy", "exact %", 100),
    ("similarity", "similarity %", 100),
    ("refusal_rate", "refused %", 100),
)
_VARIETY = (
    ("target_rank", "target rank", 1),
    ("pairwise_diversity", "pairwise", 1),
    ("structural_diversity", "structural", 1),
    ("majority_choice_rate", "majority %", 100),
    ("spread_ratio", "spread", 1),
)
_MOST = 6
_EFFECTS = (
    ("culture_effect", "culture %", 100),
    ("order_effect", "order %", 100),
    ("paraphrase_effect", "paraphrase %", 100),
    ("position_bias", "first place %", 100),
)


def show_survey(outcome: SurveyOutcome, folder: Path, as_json: bool) -> None:
    """Print how close the answers come to the people's, and how varied they are."""
    if as_json:
        print_json({"folder": str(folder), "record": outcome.record, "results": outcome.results})
        return
    screen = console()
    answers, survey = outcome.record["data"]["answers"], outcome.record["data"]["survey"]
    screen.print(f"\n{answers['kept']:,} answers to {escape(survey['name'])}, intervals over questions (95 %)")
    averages = [row for row in outcome.results if row["community"] is None]
    screen.print(_table(averages, _SCORES, "on average over communities"))
    for title, columns in (("variety", _VARIETY), ("what moves answers: pairs that differ", _EFFECTS)):
        if any(row["metric"] == metric for row in averages for metric, _, _ in columns):
            screen.print(_table(averages, columns, title))
    screen.print(_communities(outcome.results))
    for title, counts in (("dropped", answers["dropped"]), ("flagged", answers["flagged"])):
        for reason, n in counts.items():
            screen.print(f"{title}: {n:,} {reason}", markup=False, style="dim")
    for note, n in answers["notes"].items():
        screen.print(f"note: {note}" + (f" ({n:,})" if n > 1 else ""), markup=False, style="dim")
    screen.print(f"\nWritten to {folder}: results.jsonl, comparisons.jsonl, answers.jsonl, record.json", markup=False)


def show_asks(asks: Sequence[Ask], as_json: bool) -> None:
    """Print asks word for word."""
    if as_json:
        print_json(
            [{"key": a.key, "messages": [{"role": m.role, "content": m.content} for m in a.conversation]} for a in asks]
        )
        return
    screen = console()
    for ask in asks:
        screen.print(f"[bold]{escape(' / '.join(filter(None, (ask.strategy, ask.community, ask.question.id))))}[/]")
        for message in ask.conversation:
            screen.print(f"{message.role}: {message.content}\n", markup=False)


def _table(rows: Sequence[dict[str, Any]], columns: Sequence[tuple[str, str, float]], title: str) -> Table:
    """One line a respondent and strategy; only columns that somebody has."""
    there = [c for c in columns if any(row["metric"] == c[0] for row in rows)]
    who = [Column(name, overflow="fold") for name in ("model", "strategy")]
    table = Table(*who, *(name for _, name, _ in there), box=None, title=f"\n{title}", title_justify="left")
    found = {(row["model"], row["strategy"], row["metric"]): row for row in rows}
    for model, strategy in dict.fromkeys((row["model"], row["strategy"]) for row in rows):
        cells = [_cell(found.get((model, strategy, metric)), scale) for metric, _, scale in there]
        if any(cells):
            table.add_row(escape(model), strategy or "", *cells)
    return table


def _communities(rows: Sequence[dict[str, Any]]) -> Table:
    """CAS of each community, worst first, by its lowest value."""
    own = [r for r in rows if r["metric"] == "cultural_alignment_score" and r["community"] and r["strategy"]]
    served = Counter((r["model"], r["strategy"]) for r in own)
    who = [w for w in served if served[w] > 1 or len(served) == 1][:_MOST] or list(served)[:_MOST]
    heads = [Column(escape(f"{m}\n{s}"), overflow="fold") for m, s in who]
    table = Table("community", *heads, box=None, title="\nCAS by community, worst first", title_justify="left")
    found = {(r["model"], r["strategy"], r["community"]): r for r in own}
    lowest: dict[str, float] = {}
    for r in own:
        lowest[r["community"]] = min(r["value"], lowest.get(r["community"], 1e9))
    for community in sorted(lowest, key=lambda c: lowest[c]):
        table.add_row(community, *(_cell(found.get((m, s, community)), 1) for m, s in who))
    return table


def _cell(row: dict[str, Any] | None, scale: float) -> str:
    if row is None:
        return ""
    digits = 2 if scale == 1 and abs(row["value"]) < 3 else 1
    if row["low"] is None:
        return f"{row['value'] * scale:.{digits}f}"
    return f"{row['value'] * scale:.{digits}f} [{row['low'] * scale:.{digits}f}, {row['high'] * scale:.{digits}f}]"


def show_strategies(as_json: bool) -> None:
    """Print the strategies, what each does, and where its template lies."""
    from pluralign.asking import load_strategy, strategies

    found = [load_strategy(name) for name in strategies()]
    if as_json:
        print_json([{"name": s.name, "about": s.about, "shows_gold": s.shows_gold, "path": str(s.path)} for s in found])
        return
    table = Table("strategy", "how the question is put", box=None)
    for s in found:
        table.add_row(s.name, escape(s.about) + (" [bold](shows gold answers)[/]" if s.shows_gold else ""))
    console().print(table)
    console().print(f"\nTemplates to copy and change: {found[0].path.parent}", markup=False)
