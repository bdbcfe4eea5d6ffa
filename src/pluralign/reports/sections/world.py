"""The map of the world."""

from collections.abc import Sequence
from functools import partial

from pluralign.charts.outlines import drawn_as_areas, drawn_as_dots
from pluralign.charts.world_map import world_map
from pluralign.languages.speech import Speech
from pluralign.reports.data import Figure, Section
from pluralign.reports.page_tables import numbered
from pluralign.reports.reading import Run
from pluralign.reports.sections.communities import all_served
from pluralign.reports.sections.standings import (
    Rows,
    answerers_of,
    extremes,
    measure,
    titled,
    worst_first,
)


def world(runs: Sequence[Run], say: Speech) -> Section | None:
    """The result for each country, on a map; None where no community is a country."""
    figures = []
    for k, run in enumerate(run for run in runs if run.served):
        rows = _of_countries(run, say)
        if rows:
            figures.append(_map(run, rows, runs, say, k))
    if not figures:
        return None
    text = say(
        "Hatched countries have people who were asked, but no number here: too few took part, the "
        "model starts from them, or it was not asked to speak for them. In countries without a "
        "colour nobody was asked, and nothing is known."
    )
    return Section(id="world", title=say("The world"), paragraphs=[text], figures=figures)


def _of_countries(run: Run, say: Speech) -> Rows:
    """Numbers of the communities that the map can show."""
    on_map = drawn_as_areas() | drawn_as_dots().keys()
    rows = [r for who in answerers_of(run) for r in worst_first(run, who, say)]
    return [r for r in rows if r["community"] in on_map]


def _map(run: Run, rows: Rows, runs: Sequence[Run], say: Speech, k: int) -> Figure:
    who = list(dict.fromkeys(r["who"] for r in rows))
    first = [r for r in rows if r["who"] == who[0]]
    drawn = [{key: r[key] for key in ("who", "community", "name", "value", "shown")} for r in rows]
    draw = partial(
        world_map, drawn, _hatched(run, rows, who, say), who, measure(run, say),
        run.kind == "rewards", say,
    )  # fmt: skip
    about = say(
        "A map of the world. Countries with a number: {count}. Answers by {who}: {extremes}",
        count=say.number(len(first), 0),
        who=who[0],
        extremes=extremes(first, say),
    )
    return Figure(
        numbered("map", k),
        titled(say("Result for each country"), run, runs),
        about,
        draw,
        all_served(run, rows, say, numbered("map", k)),
    )


def _hatched(run: Run, rows: Rows, who: Sequence[str], say: Speech) -> Rows:
    """Countries whose people were asked, for each respondent or method without a number."""
    on_map = drawn_as_areas() | drawn_as_dots().keys()
    measured = {(r["who"], r["community"]) for r in rows}
    hatched = []
    for one in who:
        missing = [c for c in run.surveyed if c in on_map and (one, c) not in measured]
        hatched += [{"who": one, "community": c, "name": say.place(c)} for c in missing]
    return hatched
