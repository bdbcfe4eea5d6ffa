"""How well each community is served: the worst first, and on the map."""

from collections.abc import Sequence
from typing import Any

from pluralign.charts import charts
from pluralign.charts.world_map import drawn_as_areas, drawn_as_dots
from pluralign.evaluation import ENOUGH, enough_people
from pluralign.languages.speech import Speech
from pluralign.reports.data import Column, Figure, Section, Table, interval_columns
from pluralign.reports.reading import Run

_MOST = 40
_MOST_NAMED = 12


def served(runs: Sequence[Run], say: Speech) -> Section:
    """Communities from the worst-served down."""
    title = say("Who is served worst")
    figures, tables, told = [], [], []
    for k, run in enumerate(run for run in runs if run.served):
        for who in run.answerers[:1] if run.kind == "rewards" else run.answerers:
            if who == run.answerers[0]:
                figures.append(_worst_figure(run, who, worst_first(run, who, say), say, k))
        everything = [r for who in run.answerers for r in worst_first(run, who, say)]
        tables.append(_all_served(run, everything, say, k))
    if figures:
        told = [
            say(
                "Each line is a community, the worst-served first. The bar is the 95 % interval: where two bars "
                "overlap widely, their order may be chance."
            ),
            *(
                line
                for run in runs
                if run.served
                for line in not_ranked(worst_first(run, run.answerers[0], say), say)
            ),
            *(line for run in runs for line in not_steered(run, say)),
            *filter(None, (told_of(run, say) for run in runs for told_of in (_fitted_on, _alike))),
        ]
    empty = None if figures else say("No run here measured how well communities are served.")
    return Section("served", title, told, figures, tables, empty=empty)


def world(runs: Sequence[Run], say: Speech) -> Section:
    """The map."""
    title, figures, told = say("The world"), [], []
    places = drawn_as_areas() | drawn_as_dots().keys()
    for k, run in enumerate(run for run in runs if run.served):
        rows = [
            r
            for who in run.answerers
            for r in worst_first(run, who, say)
            if r["community"] in places
        ]
        if not rows:
            continue
        who = list(dict.fromkeys(r["who"] for r in rows))
        told_of = {one: {r["community"] for r in rows if r["who"] == one} for one in who}
        surveyed = [c for c in run.surveyed if c in places]
        hatched = [
            {"who": one, "community": c, "name": say.place(c)}
            for one in who
            for c in surveyed
            if c not in told_of[one]
        ]
        told = [
            say(
                "Hatched countries have people who were asked, but no number here: they said too little, the model "
                "starts from them, or it was not asked to speak for them. Of countries without a colour nobody was "
                "asked, and nothing is known."
            ),
            *(line for one in runs for line in not_steered(one, say)),
        ]
        legend = _measure(run, say)
        figures.append(
            Figure(
                f"map-{k}" if k else "map",
                say("How well each country is served: {run}", run=run.name),
                say(
                    "A map of the world. Countries with a number: {count}. Answers by {who}: {extremes}",
                    count=say.number(len(told_of[who[0]]), 0),
                    who=who[0],
                    extremes=_extremes([r for r in rows if r["who"] == who[0]], say),
                ),
                charts.world_map(
                    [_light(r) for r in rows], hatched, who, legend, run.kind == "rewards", say
                ),
                _all_served(run, rows, say, k, name="map"),
            )
        )
    empty = (
        None
        if figures
        else say("No community measured here is a country, so there is nothing to put on a map.")
    )
    return Section("world", title, told, figures, empty=empty)


def _fitted_on(run: Run, say: Speech) -> str | None:
    """Whom the reference speaks for, where it was fitted in the run."""
    ids = run.record.get("communities", {}).get("reference", ())
    if run.kind != "rewards" or not ids:
        return None
    names = ", ".join(map(say.place, ids[:_MOST_NAMED])) + (
        " ..." if len(ids) > _MOST_NAMED else ""
    )
    return say(
        "{run}: the reference, from which steering starts, was fitted on {names}.",
        run=run.name,
        names=names,
    )


def _alike(run: Run, say: Speech) -> str | None:
    """How many test pairs no reward could tell apart, where there are any."""
    alike = run.record.get("data", {}).get("alike", {})
    if not alike.get("tied_test_pairs"):
        return None
    return say(
        "{run}: in {count} of {total} test pairs the trunk reads both responses alike. No reward can prefer one of "
        "them, and each such pair counts as half right.",
        run=run.name,
        count=say.number(alike["tied_test_pairs"], 0),
        total=say.number(alike["of_test_pairs"], 0),
    )


def worst_first(run: Run, who: str, say: Speech) -> list[dict[str, Any]]:
    """How well one answerer serves each community, from the lowest number up; last those with too few people."""
    rows = [r for r in run.served if r["who"] == who]
    return [
        r | {"name": say.place(r["community"]), "shown": _told(run, r, say)}
        for r in sorted(rows, key=lambda r: (not enough_people(r), r["value"], r["community"]))
    ]


def nameable(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows that may be named best or worst: as in a run's summary, those with enough people (or questions)."""
    return [r for r in rows if enough_people(r)]


def not_ranked(rows: Sequence[dict[str, Any]], say: Speech) -> list[str]:
    """A sentence on the communities of which too few people were tested to be ranked, where there are any."""
    few = [r["name"] for r in rows if not enough_people(r)]
    if not few:
        return []
    return [
        say(
            "Not ranked, because fewer than {count} people were tested: {communities}.",
            count=say.number(ENOUGH, 0),
            communities=_listed(few, say),
        )
    ]


def not_steered(run: Run, say: Speech, community: str | None = None) -> list[str]:
    """A sentence on the communities in the data that a run does not steer to, with the reasons, where there are any.

    Args:
        run: The run.
        say: The language.
        community: Only this one.
    """
    roles = run.record.get("communities", {})
    people = run.record.get("people") or {}
    others = [c for c in people if c not in roles.get("steered", ()) and community in {None, c}]
    if run.kind != "rewards" or not others:
        return []
    if community is not None:
        return [
            say(
                "{run} does not steer to {community}.",
                run=run.name,
                community=_with_reason(run, community, say),
            )
        ]
    return [
        say(
            "{run} does not steer to {count} of the {total} communities in its data: {communities}.",
            run=run.name,
            count=say.number(len(others), 0),
            total=say.number(len(people), 0),
            communities=_listed([_with_reason(run, c, say) for c in others], say),
        )
    ]


def _with_reason(run: Run, community: str, say: Speech) -> str:
    count, settings = run.record["people"][community], run.record["settings"]
    told = {"community": say.place(community), "pairs": say.number(count["pairs"], 0)}
    told["people"] = (
        say("not published") if count["raters"] is None else say.number(count["raters"], 0)
    )
    least = {key: say.number(settings.get(key, 0), 0) for key in ("min_pairs", "min_raters")}
    if community not in run.record["communities"].get("left_out", ()):
        return say(
            "{community} (pairs: {pairs}, people: {people}; the reference is fitted on it)", **told
        )
    if settings.get("communities"):
        return say(
            "{community} (pairs: {pairs}, people: {people}; not named in `communities`)", **told
        )
    return say(
        "{community} (pairs: {pairs}, people: {people}; `min_pairs` is {min_pairs}, `min_raters` is {min_raters})",
        **told,
        **least,
    )


def _listed(names: Sequence[str], say: Speech) -> str:
    if len(names) <= _MOST_NAMED:
        return "; ".join(names)
    more = say("and {count} more", count=say.number(len(names) - _MOST_NAMED, 0))
    return "; ".join((*names[:_MOST_NAMED], more))


def _worst_figure(run: Run, who: str, rows: list[dict[str, Any]], say: Speech, k: int) -> Figure:
    base = _reference(run)
    drawn = [
        _light(r)
        | {
            "low": r["low"] if r["low"] is not None else r["value"],
            "high": r["high"] if r["high"] is not None else r["value"],
            "base": base.get(r["community"]),
        }
        for r in rows[:_MOST]
    ]
    title = say("Communities from the worst-served down: {who} ({run})", who=who, run=run.name)
    about = _extremes(rows, say)
    if len(rows) > _MOST:
        about += " " + say(
            "The chart shows the first {count}; the table shows more.", count=say.number(_MOST, 0)
        )
    tick = (
        say("The tick marks the model that steering starts from.")
        if base and who != "reference"
        else None
    )
    spec = charts.dot_plot(drawn, _measure(run, say), run.kind == "rewards", tick)
    table = _all_served(run, rows, say, k, name="worst")
    return Figure(
        f"worst-{k}" if k else "worst", title, f"{about} {tick or ''}".strip(), spec, table
    )


def _extremes(rows: Sequence[dict[str, Any]], say: Speech) -> str:
    named = nameable(rows)
    if len(named) < 2:
        return "; ".join(f"{r['name']}: {r['shown']}" for r in (named or rows[:3])) + "."
    return say(
        "{worst} is served worst: {number}. {best} is served best: {other}.",
        worst=named[0]["name"],
        number=named[0]["shown"],
        best=named[-1]["name"],
        other=named[-1]["shown"],
    )


def _all_served(
    run: Run, rows: Sequence[dict[str, Any]], say: Speech, k: int, name: str = "served"
) -> Table:
    columns = [
        Column("who", say("Answers by")),
        Column("community", say("Community"), lambda r: r["name"]),
    ]
    columns += interval_columns(
        say, _measure(run, say), score=run.kind == "survey", people=run.kind == "rewards"
    )
    caption = say("How well each community is served: {run}", run=run.name)
    return Table(f"{name}-{k}" if k else name, caption, columns, rows)


def _reference(run: Run) -> dict[str, float]:
    if run.kind != "rewards":
        return {}
    return {r["community"]: r["value"] for r in run.served if r["who"] == "reference"}


def _measure(run: Run, say: Speech) -> str:
    return (
        say("choices predicted rightly")
        if run.kind == "rewards"
        else say("cultural alignment score (0 to 100)")
    )


def _told(run: Run, row: dict[str, Any], say: Speech) -> str:
    show = say.percent if run.kind == "rewards" else say.number
    if row["low"] is None:
        return show(row["value"])
    return say(
        "{value} [{low} to {high}]",
        value=show(row["value"]),
        low=show(row["low"]),
        high=show(row["high"]),
    )


def _light(row: dict[str, Any]) -> dict[str, Any]:
    return {key: row[key] for key in ("who", "community", "name", "value", "shown")}
