"""Answers to tests of knowledge: scores by place, language and form, with a typical person's."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from pluralign.charts import charts
from pluralign.core import AnswerForm
from pluralign.evaluation.knowledge import BASELINE, PEOPLE, KnowledgeRow
from pluralign.evaluation.knowledge.result_rows import (
    ACCURACY,
    AMBIGUOUS_BIAS,
    CONTAINED,
    CREDIT,
    EMPTY,
    EXACT,
    GAIN,
    INVALID,
    PERSON,
    STEMMED,
    UNMATCHED,
    is_reference,
)
from pluralign.languages.speech import Speech
from pluralign.reports.data import Figure, Section
from pluralign.reports.page_tables import Table, ends, numbered, with_interval
from pluralign.reports.reading import Run
from pluralign.reports.sections.knowledge_tables import (
    BIAS_METRICS,
    matches_table,
    scores_table,
    stereotypes_table,
)
from pluralign.reports.sections.standings import of_run, titled

_SHARES = (EXACT, STEMMED, CONTAINED, UNMATCHED, EMPTY, INVALID)
_GUESSES = ("random", "longest", "position")


def knowledge(runs: Sequence[Run], say: Speech) -> Section | None:
    """Scores of each model for each place; None where no run asked a test of knowledge."""
    own = [run for run in runs if run.kind == "knowledge"]
    if not own:
        return None
    figures: list[Figure] = []
    tables: list[Table] = []
    for k, run in enumerate(own):
        for form in ("short", "options"):
            rows = _rows(run, form, say)
            if rows:
                caption = titled(_caption(form, say), run, own)
                table = scores_table(rows, form, caption, say, numbered(f"knowledge-{form}", k))
                figures.append(_figure(rows, form, caption, table, say, k))
                tables.append(table)
            if rows and form == "short":
                caption = titled(say("How answers match those of people"), run, own)
                tables.append(matches_table(rows, caption, say, numbered("knowledge-matches", k)))
            probed = [row for row in rows if row[f"{AMBIGUOUS_BIAS}_value"] is not None]
            if probed:
                caption = titled(say("Stereotypes: accuracy, and diff-bias in points"), run, own)
                tables.append(
                    stereotypes_table(probed, caption, say, numbered("knowledge-stereotypes", k))
                )
    return Section(
        id="knowledge",
        title=say("Knowledge of the life of each place"),
        paragraphs=[*_about(say), *(of_run(line, run, own) for run in own for line in _notes(run))],
        figures=figures,
        tables=tables,
    )


def knowledge_summary(run: Run, say: Speech) -> Iterator[str]:
    """For each model, how often it scores below a typical person, and by how much at most."""
    gains = [row for row in run.knowledge if row.metric == GAIN and not is_reference(row)]
    for model in dict.fromkeys(row.model for row in gains):
        rows = [row for row in gains if row.model == model]
        below = [row for row in rows if row.high is not None and row.high < 0]
        worst = min(rows, key=lambda row: row.value)
        yield say(
            "{model} scores below a typical person of the place, beyond chance, in {count} of "
            "{total} ways of asking.",
            model=model,
            count=say.number(len(below), 0),
            total=say.number(len(rows), 0),
        )
        if worst.value < 0:
            yield _furthest(worst, say)


def _furthest(worst: KnowledgeRow, say: Speech) -> str:
    values = {
        "community": say.inline(worst.community),
        "language": _language(worst.language, say),
        "number": with_interval(worst.as_dict(), say.points, say),
    }
    if worst.place_named:
        return say(
            "It is furthest below in questions about {community}, asked in {language}: {number} "
            "points.",
            **values,
        )
    return say(
        "It is furthest below in questions about {community} that do not name the place, asked in "
        "{language}: {number} points.",
        **values,
    )


def _about(say: Speech) -> Iterator[str]:
    yield say(
        "The score of an answer is the number of people of the place who gave it, divided by the "
        "number who gave the most common answer. A typical person of the place is compared with "
        "the other people there. Intervals are 95 % intervals over topics."
    )
    yield say(
        "Where a test has no options of its own, each wrong option is the common answer of other "
        "people. An answer that names no option counts as wrong, and is also counted apart."
    )


def _notes(run: Run) -> Sequence[str]:
    return [f"{note[:1].upper()}{note[1:]}." for note in run.record.get("notes", ())]


def _caption(form: AnswerForm, say: Speech) -> str:
    if form == "short":
        return say("Score of answers in the model's own words")
    return say("Right answers among several options")


def _rows(run: Run, form: AnswerForm, say: Speech) -> list[dict[str, Any]]:
    """A row for each model, place, language and way to name the place, lowest score first."""
    main = CREDIT if form == "short" else ACCURACY
    found = {
        (row.model, row.metric, row.community, row.language, row.place_named): row
        for row in run.knowledge
        if row.form == form
    }
    rows = []
    for row in found.values():
        if row.metric != main or is_reference(row):
            continue
        asked = (row.community, row.language, row.place_named)
        others = {
            "person": found.get((PEOPLE, PERSON, *asked)),
            "gain": found.get((row.model, GAIN, *asked)),
            "elsewhere": found.get((f"{BASELINE}other communities", CREDIT, *asked)),
        }
        others |= {guess: found.get((f"{BASELINE}{guess}", ACCURACY, *asked)) for guess in _GUESSES}
        others |= {metric: found.get((row.model, metric, *asked)) for metric in _SHARES}
        others |= {metric: found.get((row.model, metric, *asked)) for metric in BIAS_METRICS}
        rows.append(_row(row, others, say))
    rows.sort(key=lambda row: (row["model"], row["value"], row["place"], row["language"]))
    return rows


def _row(
    row: KnowledgeRow, others: Mapping[str, KnowledgeRow | None], say: Speech
) -> dict[str, Any]:
    named = say("yes") if row.place_named else say("no")
    made: dict[str, Any] = {
        "model": row.model,
        "place": say.place(row.community),
        "language": _language(row.language, say),
        "named": named,
        "place_named": row.place_named,
        "n": row.n,
        "topics": row.topics,
        "value": row.value,
        "low": row.low,
        "high": row.high,
    }
    for name, other in others.items():
        for end in ("value", "low", "high"):
            made[f"{name}_{end}"] = None if other is None else getattr(other, end)
    bias = others[AMBIGUOUS_BIAS]
    return made | {"templates": None if bias is None else bias.topics}


def _figure(
    rows: Sequence[Mapping[str, Any]],
    form: AnswerForm,
    caption: str,
    table: Table,
    say: Speech,
    k: int,
) -> Figure:
    mark = "person_value" if form == "short" else "random_value"
    drawn = []
    orders: dict[str, int] = {}
    for row in sorted(rows, key=lambda row: not row["place_named"]):
        named = say("place named") if row["place_named"] else say("place not named")
        who = f"{row['model']} · {named}"
        order = orders[who] = orders.get(who, -1) + 1
        shown = with_interval(row, say.percent, say)
        name = f"{row['place']} · {row['language']}"
        drawn.append(
            {"who": who, "name": name, "shown": shown, "order": order, "base": row[mark]}
            | ends(row)
        )
    tick = (
        say("The tick marks a typical person of the place.")
        if form == "short"
        else say("The tick marks a choice by chance.")
    )
    draw = partial(
        charts.dot_plot,
        drawn,
        say("score") if form == "short" else say("right"),
        True,
        tick,
        who=list(orders),
        ask=say("Answers by"),
    )
    name = numbered(f"knowledge-{form}-chart", k)
    return Figure(name, caption, tick, draw, replace(table, name=name, saved=False))


def _language(tag: str, say: Speech) -> str:
    """Name of a language in the page's language; its tag where it has none."""
    from babel import Locale, UnknownLocaleError

    try:
        return str(Locale.parse(tag, sep="-").get_display_name(say.language) or tag)
    except (UnknownLocaleError, ValueError):
        return tag
