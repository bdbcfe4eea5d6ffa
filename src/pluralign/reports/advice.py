"""Advice in at most three lines for each run: uses to choose, to avoid and to check."""

from collections.abc import Sequence

from pluralign.audits import SEVERITIES, Finding
from pluralign.audits.sentences import Place
from pluralign.core import REFERENCE, Estimate
from pluralign.languages.speech import Speech
from pluralign.reports.page_tables import Row, with_interval
from pluralign.reports.policy_advice import policy_advice
from pluralign.reports.reading import Run
from pluralign.reports.sections.kinds import kind_of
from pluralign.reports.sections.models import averages_of
from pluralign.reports.sections.standings import (
    answerers_of,
    could_ship,
    groups_of,
    listed,
    nameable,
    of_run,
    short_names,
    worst_first,
)

_TAKEN_FOR = "misidentification/other-people"
_ALIKE = "simplification/alike"


def advice(runs: Sequence[Run], say: Speech) -> list[str]:
    """Lines that a reader can act on, for each run: at most three."""
    return [of_run(line, run, runs) for run in runs for line in advice_on(run, say)[:3]]


def advice_on(run: Run, say: Speech) -> list[str]:
    """All that there is to advise on one run, the most important first."""
    if run.kind == "policies":
        return [*policy_advice(run, say), *_gravest(run, say), *_audit(run, say)]
    if run.kind == "knowledge":
        return [*_gravest(run, say), *_audit(run, say)]
    first = _best_model(run, say) if run.kind == "survey" else _best_method(run, say)
    return [*first, *_not_for(run, say), *_alike(run, say), *_gravest(run, say), *_audit(run, say)]


def _best_model(run: Run, say: Speech) -> list[str]:
    """The model that came nearest, among those that answered for the most communities."""
    groups = groups_of(run)
    rows = [row for row in averages_of(run, say) if groups and row["who"] in groups[0]]
    if len(rows) < 2:
        return _weakest(run, say)
    best, names = rows[0], short_names(run)
    worst = next(iter(nameable(worst_first(run, best["who"], say))), None)
    if worst is None:
        return []
    values = {
        "who": names[best["who"]],
        "number": with_interval(best, say.number, say),
        "community": say.inline(worst["community"]),
        "other": worst["shown"],
    }
    if _is_apart(best, rows[1]):
        text = say(
            "Prefer {who} among the models that answered for the same communities: it comes "
            "nearest to the people ({number} of 100), and is furthest from those of {community} "
            "({other}).",
            **values,
        )
    else:
        text = say(
            "{who} comes nearest to the people among the models that answered for the same "
            "communities ({number} of 100), but the interval of {next} overlaps: their order may "
            "be due to chance. It is furthest from the people of {community} ({other}).",
            **values,
            next=names[rows[1]["who"]],
        )
    return [text]


def _is_apart(best: Row, second: Row) -> bool:
    """Whether the intervals of two averages do not overlap."""
    low, high = best.get("low"), second.get("high")
    return low is not None and high is not None and low > high


def _best_method(run: Run, say: Speech) -> list[str]:
    """Whether steering is shown to help on average, and where it helped least."""
    averages = [r for r in run.summary if (r.aggregate, r.subset) == ("average", "all")]
    mine = next((r for r in averages if r.method == run.method), None)
    if mine is None or run.gain is None or run.method == REFERENCE:
        return _weakest(run, say)
    number, gain = with_interval(mine.as_dict(), say.percent, say), run.gain.estimate
    values = {"who": run.method, "number": number}
    if gain.low is not None and gain.low > 0:
        text = say(
            "Use {who}: it predicts {number} of the choices correctly, on average over "
            "communities, {gain} points more than the model that steering starts from.",
            **values,
            gain=_points(gain, say),
        )
    elif gain.high is not None and gain.high < 0:
        text = say(
            "Do not use {who}: it predicts {number} of the choices correctly, on average over "
            "communities, {gain} points less than the model that steering starts from.",
            **values,
            gain=_points(-gain, say),
        )
    else:
        text = say(
            "It is not shown that {who} helps: it predicts {number} of the choices correctly, on "
            "average over communities; the difference to the model that steering starts from, "
            "{gain} points, may be due to chance.",
            **values,
            gain=_points(gain, say),
        )
    return [text, *_weakest(run, say)]


def _points(gain: Estimate, say: Speech) -> str:
    """A difference in points, with its interval."""
    ends = {"value": gain.value, "low": gain.low, "high": gain.high}
    return with_interval(ends, lambda x: say.number(100 * x), say)


def _weakest(run: Run, say: Speech) -> list[str]:
    """The community to look at before anything is released."""
    answerers = answerers_of(run)
    if not answerers:
        return []
    rows = worst_first(run, answerers[0], say)
    named = nameable(rows)
    if len(named) < 2:
        return [
            say(
                "The result of {who} for {community}: {number}.",
                who=answerers[0],
                community=say.inline(row["community"]),
                number=row["shown"],
            )
            for row in (named or rows)[:1]
        ]
    return [
        say(
            "Check {worst} first: the result of {who} is worst for its people ({number}) and best "
            "for those of {best} ({other}).",
            who=short_names(run)[answerers[0]],
            worst=say.inline(named[0]["community"]),
            number=named[0]["shown"],
            best=say.inline(named[-1]["community"]),
            other=named[-1]["shown"],
        )
    ]


def _not_for(run: Run, say: Speech) -> list[str]:
    """Models that answer in the name of one people as another does, the gravest first."""
    taken: dict[tuple[str, str], list[str]] = {}
    for f in _of_kind(run, _TAKEN_FOR, "risk"):
        other = f.claim.values.get("other")
        if isinstance(other, Place) and f.community is not None:
            taken.setdefault((f.subject, other.id), []).append(f.community)
    if not taken:
        return []
    names = short_names(run)
    pairs = sorted(taken.items(), key=lambda item: -len(item[1]))
    (subject, other_id), communities = pairs[0]
    text = say(
        "Do not use {who} to speak for {communities}: its answers are those of another people "
        "({other}).",
        who=names.get(subject, subject),
        communities=say.joined([say.inline(c) for c in sorted(communities)]),
        other=say.place(other_id),
    )
    rest = []
    for (other_subject, _), of in pairs[1:]:
        places = ", ".join(say.place(c) for c in sorted(of))
        rest.append(f"{names.get(other_subject, other_subject)} ({places})")
    if not rest:
        return [text]
    return [text + " " + say("The same is found for: {others}.", others=listed(rest, say))]


def _alike(run: Run, say: Speech) -> list[str]:
    found = _of_kind(run, _ALIKE, "risk")
    if not found:
        return []
    names = short_names(run)
    return [
        say(
            "Do not rely on differences between communities in the answers of {models}: they make "
            "communities more alike than they are.",
            models=say.joined([names.get(f.subject, f.subject) for f in found]),
        )
    ]


def _of_kind(run: Run, kind: str, severity: str) -> list[Finding]:
    found = [f for f in run.findings if kind_of(f) == kind and f.severity == severity]
    return sorted(found, key=lambda f: -next(iter(f.numbers.values())).value)


def _gravest(run: Run, say: Speech) -> list[str]:
    """The gravest claims of other kinds, with their remedies, about what could be shipped."""
    grave = [f for f in run.findings if f.severity != "note" and could_ship(run, f.subject)]
    found = [f for f in grave if kind_of(f) not in {_TAKEN_FOR, _ALIKE}]
    found.sort(key=lambda f: SEVERITIES.index(f.severity))
    return [f"{say.sentence(f.claim)} {say(f.remedies)}" for f in found[:2]]


def _audit(run: Run, say: Speech) -> list[str]:
    if run.audit:
        return []
    return [say("Run `pluralign audit` before you rely on these numbers: nothing was audited.")]
