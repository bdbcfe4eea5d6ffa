"""Results for each community: rows, names and sentences that sections share."""

from collections.abc import Sequence
from statistics import fmean
from typing import Any

from pluralign.core import InvalidSettings
from pluralign.evaluation import ENOUGH, enough_people
from pluralign.languages.speech import Speech
from pluralign.methods import Method
from pluralign.reports.page_tables import with_interval
from pluralign.reports.reading import Run
from pluralign.settings.registry import method_named

Rows = list[dict[str, Any]]
_MOST_NAMED = 12


def worst_first(run: Run, who: str, say: Speech) -> Rows:
    """Communities from the lowest number up; communities with too few people last."""
    rows = [r for r in run.served if r["who"] == who]
    rows.sort(key=lambda r: (not enough_people(r), r["value"], r["community"]))
    show = shown_as(run, say)
    return [
        r | {"name": say.place(r["community"]), "shown": with_interval(r, show, say)} for r in rows
    ]


def nameable(rows: Sequence[dict[str, Any]]) -> Rows:
    """The rows that may be named best or worst: as in a run's summary, those with enough people."""
    return [r for r in rows if enough_people(r)]


def answerers_of(run: Run) -> list[str]:
    """Respondents or methods: the one that speaks for the run, then those of most communities.

    Among those of the same communities the nearest to the people comes first.
    """
    values: dict[str, list[float]] = {}
    for r in run.served:
        values.setdefault(r["who"], []).append(r["value"])
    of = communities_of(run)

    def order(who: str) -> tuple[bool, int, list[str], float, str]:
        return who != run.method, -len(of[who]), sorted(of[who]), -fmean(values[who]), who

    return sorted(values, key=order)


def communities_of(run: Run) -> dict[str, frozenset[str]]:
    """Communities for which each respondent or method has a number."""
    found: dict[str, set[str]] = {}
    for r in run.served:
        found.setdefault(r["who"], set()).add(r["community"])
    return {who: frozenset(communities) for who, communities in found.items()}


def groups_of(run: Run) -> list[list[str]]:
    """Respondents that answered for the same communities: their averages may be compared."""
    found: dict[frozenset[str], list[str]] = {}
    of = communities_of(run)
    for who in answerers_of(run):
        found.setdefault(of[who], []).append(who)
    return list(found.values())


def short_names(run: Run) -> dict[str, str]:
    """The shortest name of each respondent: its model's, where that has one strategy only."""
    strategies: dict[str, set[str]] = {}
    for r in run.served:
        if run.kind == "survey":
            strategies.setdefault(r["model"], set()).add(r["who"])
    single = {next(iter(ways)): model for model, ways in strategies.items() if len(ways) == 1}
    return {who: single.get(who, who) for who in answerers_of(run)}


def could_ship(run: Run, subject: str) -> bool:
    """Whether a finding's subject could be shipped: it is neither a baseline nor an ablation."""
    if run.kind != "rewards" or subject == run.method:
        return True
    method = installed_method(subject)
    return method is None or (method.steers and method.tuned_as is None)


def installed_method(name: str) -> Method | None:
    """A method that is installed here; None where the run was made with a plug-in that is not."""
    try:
        return method_named(name)
    except InvalidSettings:
        return None


def shown_as(run: Run, say: Speech) -> Any:
    """How the number of a run is written: a share in percent, or a score from 0 to 100."""
    return say.percent if run.kind == "rewards" else say.number


def measure(run: Run, say: Speech) -> str:
    """Name of the number that a run has for each community."""
    if run.kind == "rewards":
        return say("choices predicted correctly")
    return say("cultural alignment score (0 to 100)")


def titled(text: str, run: Run, runs: Sequence[Run]) -> str:
    """A caption, with the name of its run where the page has several."""
    return f"{text} ({run.name})" if len(runs) > 1 else text


def of_run(sentence: str, run: Run, runs: Sequence[Run]) -> str:
    """A sentence, after the name of its run where the page has several."""
    return f"{run.name}: {sentence}" if len(runs) > 1 else sentence


def extremes(rows: Sequence[dict[str, Any]], say: Speech) -> str:
    """The communities with the worst and the best result, among those with enough people."""
    named = nameable(rows)
    if len(named) < 2:
        return "; ".join(f"{r['name']}: {r['shown']}" for r in (named or rows[:3])) + "."
    return say(
        "The result is worst for {worst}: {number}. It is best for {best}: {other}.",
        worst=say.inline(named[0]["community"]),
        number=named[0]["shown"],
        best=say.inline(named[-1]["community"]),
        other=named[-1]["shown"],
    )


def not_ranked(rows: Sequence[dict[str, Any]], say: Speech) -> list[str]:
    """A sentence on the communities of which too few people were tested to be ranked, if any."""
    few = [r["name"] for r in rows if not enough_people(r)]
    if not few:
        return []
    return [
        say(
            "Not ranked, because fewer than {count} people were tested: {communities}.",
            count=say.number(ENOUGH, 0),
            communities=listed(few, say),
        )
    ]


def not_steered(run: Run) -> list[str]:
    """Communities in the data of a run that it does not steer to."""
    if run.kind != "rewards":
        return []
    steered = run.record.get("communities", {}).get("steered", ())
    people = run.record.get("people") or {}
    return [c for c in people if c not in steered]


def with_reason(run: Run, community: str, say: Speech) -> str:
    """A community that a run does not steer to, with its pairs and people and the reason."""
    count, settings = run.record["people"][community], run.record["settings"]
    raters = count["raters"]
    values = {
        "community": say.place(community),
        "pairs": say.number(count["pairs"], 0),
        "people": say("not published") if raters is None else say.number(raters, 0),
    }
    if community not in run.record["communities"].get("left_out", ()):
        return say(
            "{community} (pairs: {pairs}, people: {people}; the reference is fitted on it)",
            **values,
        )
    if settings.get("communities"):
        return say(
            "{community} (pairs: {pairs}, people: {people}; not named in `communities`)", **values
        )
    least = {key: say.number(settings.get(key, 0), 0) for key in ("min_pairs", "min_raters")}
    return say(
        "{community} (pairs: {pairs}, people: {people}; `min_pairs` is {min_pairs}, "
        "`min_raters` is {min_raters})",
        **values,
        **least,
    )


def listed(names: Sequence[str], say: Speech) -> str:
    """Names in a row; the first twelve, and how many more there are."""
    if len(names) <= _MOST_NAMED:
        return "; ".join(names)
    more = say("and {count} more", count=say.number(len(names) - _MOST_NAMED, 0))
    return "; ".join((*names[:_MOST_NAMED], more))
