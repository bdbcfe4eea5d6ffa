"""What a page says first, in plain words."""

from collections.abc import Iterator, Sequence
from typing import Any

from pluralign.languages.speech import Speech
from pluralign.reports.reading import Run
from pluralign.reports.sections.communities import nameable, not_ranked, not_steered, worst_first


def summary(runs: Sequence[Run], say: Speech) -> list[str]:
    """A few sentences: what was measured, who is served worst, what was found, how far one may trust it."""
    told = [sentence for run in runs for sentence in (*_run(run, say), *_simulated(run, say))]
    told += list(_audits(runs, say))
    return [
        *told,
        say(
            "A number tells how near answers come to those of the people who took part, not to a whole people."
        ),
    ]


def about_community(runs: Sequence[Run], community: str, say: Speech) -> list[str]:
    """The same for one community."""
    told: list[str] = []
    for run in runs:
        for who in run.answerers[: 1 if run.kind == "rewards" else None]:
            rows = worst_first(run, who, say)
            few = [r for r in rows if r["community"] == community and r not in nameable(rows)]
            told += [
                say(
                    "{who} serves {community} like this: {number}.",
                    who=who,
                    community=r["name"],
                    number=r["shown"],
                )
                for r in few
            ]
            told += not_ranked(few, say)
            rows = nameable(rows)
            place = next((k for k, r in enumerate(rows) if r["community"] == community), None)
            if place is not None:
                told.append(
                    say(
                        "{who} ({run}): {number}; {count} of {total} communities are served worse.",
                        who=who,
                        run=run.name,
                        number=rows[place]["shown"],
                        count=say.number(place, 0),
                        total=say.number(len(rows), 0),
                    )
                )
    if not told:
        told = [
            say(
                "Nothing was measured for the people of {community}.",
                community=say.place(community),
            )
        ]
    return [
        *told,
        *(sentence for run in runs for sentence in not_steered(run, say, community)),
        *(sentence for run in runs for sentence in _simulated(run, say)),
        say(
            "A number tells how near answers come to those of the people who took part, not to a whole people."
        ),
    ]


def _simulated(run: Run, say: Speech) -> Iterator[str]:
    """What is simulated is called simulated."""
    if run.simulated and all(run.simulated):
        yield say("The people of {run} are simulated: nobody was asked.", run=run.name)
    elif any(run.simulated):
        yield say("Some of the people of {run} are simulated.", run=run.name)


def _run(run: Run, say: Speech) -> Iterator[str]:
    if not run.answerers:
        return
    who = run.answerers[0]
    rows = worst_first(run, who, say)
    if run.kind == "rewards":
        yield from _choices(run, who, {r["community"] for r in rows}, say)
    else:
        yield say(
            "{run}: language models answered in the names of communities. Ways of answering: {count}; communities "
            "whose people they are held against: {total}.",
            run=run.name,
            count=say.number(len(run.answerers), 0),
            total=say.number(len({r["community"] for r in run.served}), 0),
        )
    yield from _extremes(who, rows, say)
    yield from not_steered(run, say)
    yield from not_ranked(rows, say)


def _extremes(who: str, rows: Sequence[dict[str, Any]], say: Speech) -> Iterator[str]:
    """Who is served worst and best, among those with enough people."""
    named = nameable(rows)
    if len(named) < 2:
        for row in named or rows[:3]:
            yield say(
                "{who} serves {community} like this: {number}.",
                who=who,
                community=row["name"],
                number=row["shown"],
            )
        return
    yield say(
        "By {who}, {worst} is served worst ({number}) and {best} best ({other}).",
        who=who,
        worst=named[0]["name"],
        number=named[0]["shown"],
        best=named[-1]["name"],
        other=named[-1]["shown"],
    )


def _choices(run: Run, who: str, served: set[str], say: Speech) -> Iterator[str]:
    """Whose choices there are: of people who are known by number, and of people who are not."""
    people = run.record["people"]
    known = {c: told for c, told in people.items() if told["raters"] is not None}
    unknown = {c: told for c, told in people.items() if told["raters"] is None}
    if known:
        yield say(
            "{run}: {pairs} choices of {people} people, who compared two answers each time. Communities that the "
            "reward model ({who}) was steered to: {count}.",
            run=run.name,
            pairs=say.number(sum(told["pairs"] for told in known.values()), 0),
            people=say.number(sum(told["raters"] for told in known.values()), 0),
            who=who,
            count=say.number(len(served & known.keys()), 0),
        )
    if unknown:
        yield say(
            "{run}: {pairs} choices read from published shares of answers; how many people gave them is not known. "
            "Communities that the reward model ({who}) was steered to: {count}.",
            run=run.name,
            pairs=say.number(sum(told["pairs"] for told in unknown.values()), 0),
            who=who,
            count=say.number(len(served & unknown.keys()), 0),
        )


def _audits(runs: Sequence[Run], say: Speech) -> Iterator[str]:
    audited = [run for run in runs if run.audit]
    if not audited:
        yield say("The evidence was not audited for cultural risks.")
        return
    grave = {
        s: sum(f.severity == s for run in audited for f in run.findings)
        for s in ("risk", "concern")
    }
    missing = sum(a["status"] == "not assessed" for run in audited for a in run.assessments)
    total = sum(len(run.assessments) for run in audited)
    yield say(
        "Audits found: risks {risks}, concerns {concerns}. Checks that could not be made for lack of evidence: "
        "{missing} of {total}.",
        risks=say.number(grave["risk"], 0),
        concerns=say.number(grave["concern"], 0),
        missing=say.number(missing, 0),
        total=say.number(total, 0),
    )
