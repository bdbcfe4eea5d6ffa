"""The output of ``pluralign knowledge ask``: the asks, and counts of the answers."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pluralign.asking import KnowledgeAsk
from pluralign.cli.output import Output
from pluralign.cli.printed_tables import Number, PrintedColumn, PrintedTable
from pluralign.core import AnswerForm, KnowledgeAnswer, Tally, count_of
from pluralign.surveying import KnowledgeAsked
from pluralign.surveying.knowledge_notes import n_asked, reasons_not_asked

Way = tuple[str, AnswerForm, bool]


def show_knowledge_asks(asks: Sequence[KnowledgeAsk], tally: Tally, n: int, output: Output) -> None:
    """Print the first ``n`` asks of each language, form and place word for word."""
    by: dict[Way, list[KnowledgeAsk]] = {}
    for one in asks:
        by.setdefault((one.ask.language, one.form, one.place_named), []).append(one)
    first = [one for own in by.values() for one in own[:n]]
    if output.as_json:
        shown = [_ask_as_json(one) for one in first]
        counts = {"asks": len(asks), "different": n_asked(asks)}
        not_asked = {"not_asked": dict(tally.dropped), "notes": list(tally.advice)}
        output.json({**counts, **not_asked, "shown": shown})
        return
    for one in first:
        place = "place named" if one.place_named else "place not named"
        of = (one.ask.language, one.form, place, one.community, one.ask.question.id)
        output.text(" / ".join(of), style="bold")
        for message in one.ask.conversation:
            output.text(f"{message.role}: {message.content}\n")
    for (language, form, named), own in by.items():
        output.line(f"{count_of(len(own), 'ask')}: {language}, {form}, {_place(named)}")
    _show_not_asked(tally, output)
    different = n_asked(asks)
    same = f", {different:,} different ones: the others repeat the words of one, and are not asked"
    output.line(f"{count_of(len(asks), 'ask')} in all{same if different < len(asks) else ''}")


def show_asked(asked: KnowledgeAsked, folder: Path, output: Output) -> None:
    """Print how many answers there are in each language, form and place."""
    counts = _counts(asked.answers)
    if output.as_json:
        rows = [
            {"language": language, "form": form, "place_named": named, **own}
            for (language, form, named), own in counts.items()
        ]
        output.json(
            {
                "folder": str(folder),
                "asks": len(asked.asks),
                "failed": asked.failed,
                "not_asked": dict(asked.tally.dropped),
                "notes": list(asked.tally.advice),
                "answers": rows,
            }
        )
        return
    table = PrintedTable(
        columns=[
            PrintedColumn(head="language"),
            PrintedColumn(head="form"),
            PrintedColumn(head="place"),
            PrintedColumn(head="communities"),
            PrintedColumn(head="answers"),
            PrintedColumn(head="empty"),
            PrintedColumn(head="cut off"),
        ]
    )
    for (language, form, named), own in counts.items():
        numbers = [Number(f"{own[k]:,}") for k in ("communities", "answers", "empty", "cut off")]
        table.rows.append([language, form, _place(named), *numbers])
    output.table(table)
    if asked.failed:
        output.line(
            f"{count_of(asked.failed, 'ask')} failed; the same command asks them again",
        )
    output.line(f"Written to {folder}: answers.jsonl, asked.json. To score them:")
    output.line(f"  pluralign knowledge score {folder}")


def _show_not_asked(tally: Tally, output: Output) -> None:
    for reason, counts in reasons_not_asked(tally):
        output.line(f"not asked: {reason}: {counts}")
    for sentence in tally.advice:
        output.line(f"note: {sentence}")


def _counts(answers: Sequence[KnowledgeAnswer]) -> dict[Way, Counter[str]]:
    """Answers by language, form and place: all, the empty ones, and those that were cut off."""
    found: dict[Way, Counter[str]] = {}
    communities: dict[Way, set[str]] = {}
    for answer in answers:
        way = (answer.language, answer.form, answer.place_named)
        own = found.setdefault(way, Counter())
        own["answers"] += 1
        own["empty"] += not answer.text.strip()
        own["cut off"] += answer.finish_reason == "length"
        communities.setdefault(way, set()).add(answer.community)
    for way, named in communities.items():
        found[way]["communities"] = len(named)
    return found


def _place(named: bool) -> str:
    return "named" if named else "not named"


def _ask_as_json(one: KnowledgeAsk) -> dict[str, Any]:
    return {
        "community": one.community,
        "question_id": one.ask.question.id,
        "language": one.ask.language,
        "form": one.form,
        "place_named": one.place_named,
        "options": list(one.ask.shown),
        "option_communities": list(one.option_communities),
        "messages": [{"role": m.role, "content": m.content} for m in one.ask.conversation],
    }
