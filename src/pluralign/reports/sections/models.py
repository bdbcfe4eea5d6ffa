"""Language models compared with each other and with people."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from pluralign.charts import charts
from pluralign.evaluation.surveys import ALIGNMENT, SurveyRow
from pluralign.languages.speech import Speech
from pluralign.reports.data import Figure, Section
from pluralign.reports.page_tables import (
    Column,
    Row,
    Scale,
    Table,
    bar_column,
    ends,
    interval_columns,
    numbered,
    prefixed,
    with_interval,
)
from pluralign.reports.reading import Run
from pluralign.reports.sections.standings import (
    Rows,
    communities_of,
    groups_of,
    listed,
    nameable,
    short_names,
    titled,
    worst_first,
)

_PEOPLE = "people: "
_DIVERSITY = "pairwise_diversity"
_ENDS = ("value", "low", "high")


def models(runs: Sequence[Run], say: Speech) -> Section | None:
    """Alignment and diversity of language models next to people's; None where none answered."""
    figures: list[Figure] = []
    rankings: list[Table] = []
    tables: list[Table] = []
    for k, run in enumerate(run for run in runs if run.kind == "survey"):
        rows = averages_of(run, say)
        for group in groups_of(run):
            of = [r for r in rows if r["who"] in group]
            if of:
                figures.append(_diversity(run, group, of, runs, say, len(figures)))
                rankings.append(_ranking(run, group, of, runs, say, len(rankings)))
        tables.append(_all_models(run, rows, runs, say, k))
        tables.append(_taken_for(run, runs, say, k))
    tables = [table for table in tables if table.rows]
    if not tables:
        return None
    text = say(
        "Models are compared where they answered for the same communities: averages over different "
        "communities cannot be compared. Alignment is nearness to the people's answers (100: the "
        "same). Diversity is how much the answers differ from one community to the next; the line "
        "marks the people's own."
    )
    return Section(
        id="models",
        title=say("Language models and people"),
        paragraphs=[text] if figures else [],
        leading=rankings,
        figures=figures,
        tables=tables,
    )


def averages_of(run: Run, say: Speech) -> Rows:
    """Averages of each respondent with several communities, the nearest to the people first.

    A row has the alignment as ``value``, ``diversity_value`` and the people's as ``of_people``,
    each with its interval.
    """
    names = {(r["model"], r["strategy"] or ""): r["who"] for r in run.served}
    overall = _averages_by_key(run)
    found = []
    for (metric, model, strategy), diversity in overall.items():
        alignment = overall.get((ALIGNMENT, model, strategy))
        if metric != _DIVERSITY or alignment is None:
            continue
        theirs = overall.get((metric, f"{_PEOPLE}{model}", strategy))
        name = f"{model} · {strategy}"
        row: dict[str, Any] = {"name": name, "who": names.get((model, strategy), name)}
        row |= {key: alignment[key] for key in (*_ENDS, "n")}
        row |= {f"diversity_{key}": diversity[key] for key in (*_ENDS, "n")}
        for key in _ENDS:
            row[f"of_people_{key}"] = None if theirs is None else theirs[key]
        shown = f"{say.number(alignment['value'])} / {say.number(diversity['value'])}"
        found.append(row | {"of_people": row["of_people_value"], "shown": shown})
    return sorted(found, key=lambda r: -r["value"])


def _averages_by_key(run: Run) -> dict[tuple[str, str, str], dict[str, Any]]:
    """(Metric, model, strategy) -> the average over communities."""
    averages = [r for r in run.results if isinstance(r, SurveyRow) and r.community is None]
    return {(r.metric, r.model, r.strategy or ""): r.as_dict() for r in averages}


def _ranking(
    run: Run, group: Sequence[str], rows: Rows, runs: Sequence[Run], say: Speech, k: int
) -> Table:
    """Respondents that answered for the same communities, the nearest to the people first."""
    names = short_names(run)
    found = []
    for rank, row in enumerate(rows, 1):
        short = names.get(row["who"], row["name"])
        found.append(row | {"rank": rank, "short": short, "worst": _worst(run, row["who"], say)})
    nearness = _scale(found, _ENDS)
    spread = _scale(found, [*(f"diversity_{end}" for end in _ENDS), "of_people"])
    columns = [
        Column("rank", say("Rank"), lambda r: say.number(r["rank"], 0), numeric=True),
        Column("short", say("Model")),
        bar_column(say("Alignment"), nearness, say.number, say),
        bar_column(
            say("Diversity"), spread, say.number, say, prefix="diversity_", mark="of_people"
        ),
        Column("worst", say("Worst community"), named=True),
    ]
    return Table(
        numbered("ranking", k),
        titled(_compared_over(run, group, say), run, runs),
        columns,
        found,
        folded=False,
        saved=False,
        stacked=True,
    )


def _worst(run: Run, who: str, say: Speech) -> str | None:
    """A respondent's worst community, with its number, interval and questions."""
    worst = next(iter(nameable(worst_first(run, who, say))), None)
    if worst is None:
        return None
    return say(
        "{community}, {number}, on {count} questions",
        community=worst["name"],
        number=worst["shown"],
        count=say.number(worst["n"], 0),
    )


def _scale(rows: Rows, keys: Sequence[str]) -> Scale:
    return Scale.around(r[key] for r in rows for key in keys if r[key] is not None)


def _compared_over(run: Run, group: Sequence[str], say: Speech) -> str:
    """A caption that names the communities over which a group of respondents is averaged."""
    ids = sorted(communities_of(run)[group[0]])
    return say("Averages over {communities}", communities=listed([say.place(c) for c in ids], say))


def _diversity(
    run: Run, group: Sequence[str], rows: Rows, runs: Sequence[Run], say: Speech, k: int
) -> Figure:
    """Diversity of respondents that answered for the same communities, against the people's own."""
    names = short_names(run)
    drawn = []
    for order, row in enumerate(sorted(rows, key=lambda r: r["diversity_value"])):
        own = prefixed(row, "diversity_")
        shown = with_interval(own, say.number, say)
        head = {"name": names.get(row["who"], row["name"]), "shown": shown}
        drawn.append(head | ends(own) | {"order": order, "base": row["of_people"]})
    flat = sum(r["diversity_value"] < (r["of_people"] or 0) for r in rows)
    about = say(
        "The tick marks the people's own diversity. Models that make these communities more alike "
        "than they are: {flat} of {count}.",
        flat=say.number(flat, 0),
        count=say.number(len(rows), 0),
    )
    label = say("diversity over communities (0 to 100)")
    draw = partial(charts.dot_plot, drawn, label, False, say("the people's own"))
    name = numbered("models", k)
    title = titled(_diversity_title(run, group, say), run, runs)
    table = Table(name, title, _model_columns(say), rows, saved=False)
    return Figure(name, title, about, draw, table)


def _diversity_title(run: Run, group: Sequence[str], say: Speech) -> str:
    ids = sorted(communities_of(run)[group[0]])
    return say(
        "How much answers differ between communities: {communities}",
        communities=listed([say.place(c) for c in ids], say),
    )


def _all_models(run: Run, rows: Rows, runs: Sequence[Run], say: Speech, k: int) -> Table:
    caption = titled(say("Alignment and diversity of models"), run, runs)
    return Table(numbered("models", k), caption, _model_columns(say), rows)


def _model_columns(say: Speech) -> list[Column]:
    """Diversity and alignment with their intervals, and the people's own diversity."""
    diversity = say("diversity over communities (0 to 100)")
    alignment = say("cultural alignment score (0 to 100)")
    first = interval_columns(say, diversity, score=True, people=False)
    return [
        Column("name", say("Model")),
        *(column.prefixed("diversity_") for column in first),
        *interval_columns(say, alignment, score=True, people=False),
        Column(
            "of_people",
            say("diversity of those people"),
            lambda r: with_interval(prefixed(r, "of_people_"), say.number, say),
            numeric=True,
        ),
    ]


def _taken_for(run: Run, runs: Sequence[Run], say: Speech, k: int) -> Table:
    """The people that each respondent's answers are nearest to; confusions first."""
    rows: list[dict[str, Any]] = [
        r | {"name": f"{r['model']} · {r['strategy']}", "other": say.place(r["nearest"])}
        for r in run.record.get("nearest", ())
    ]

    def right_last(row: Row) -> tuple[bool, str, str]:
        return row["community"] == row["nearest"], row["name"], row["community"]

    columns = [
        Column("name", say("Model")),
        Column("community", say("asked to speak for"), lambda r: say.place(r["community"])),
        Column("nearest", say("nearest to the answers of"), lambda r: r["other"]),
    ]
    caption = titled(say("The people that answers are nearest to"), run, runs)
    return Table(numbered("nearest", k), caption, columns, sorted(rows, key=right_last))
