"""What a page says first, in plain words."""

from collections.abc import Iterator, Sequence

from pluralign.reports.reading import Run
from pluralign.reports.sections.serving import worst_first
from pluralign.reports.speech import Speech


def summary(runs: Sequence[Run], say: Speech) -> list[str]:
    """A few sentences: what was measured, who is served worst, what was found, how far one may trust it."""
    told = [sentence for run in runs for sentence in _run(run, say)]
    told += list(_audits(runs, say))
    return [
        *told,
        say("A number tells how near answers come to those of the people who took part, not to a whole people."),
    ]


def about_community(runs: Sequence[Run], community: str, say: Speech) -> list[str]:
    """The same for one community."""
    told = []
    for run in runs:
        for who in run.answerers[: 1 if run.kind == "rewards" else None]:
            rows = worst_first(run, who, say)
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
        told = [say("Nothing was measured for the people of {community}.", community=say.place(community))]
    return [
        *told,
        say("A number tells how near answers come to those of the people who took part, not to a whole people."),
    ]


def _run(run: Run, say: Speech) -> Iterator[str]:
    if not run.answerers:
        return
    who = run.answerers[0]
    rows = worst_first(run, who, say)
    if run.kind == "rewards":
        people = sum(told["raters"] or 0 for told in run.record["people"].values())
        pairs = say.number(run.record["data"]["pairs"], 0)
        yield (
            say(
                "{run}: {pairs} choices of {people} people, who compared two answers each time. Communities that the "
                "reward model ({who}) was steered to: {count}.",
                run=run.name,
                pairs=pairs,
                people=say.number(people, 0),
                who=who,
                count=say.number(len(rows), 0),
            )
            if people
            else say(
                "{run}: {pairs} choices read from published shares of answers; how many people gave them is not known. "
                "Communities that the reward model ({who}) was steered to: {count}.",
                run=run.name,
                pairs=pairs,
                who=who,
                count=say.number(len(rows), 0),
            )
        )
    else:
        yield say(
            "{run}: {count} ways of answering by language models, held against what the people of {total} communities "
            "answered.",
            run=run.name,
            count=say.number(len(run.answerers), 0),
            total=say.number(len({r["community"] for r in run.served}), 0),
        )
    if len(rows) == 1:
        yield say(
            "{who} serves {community} like this: {number}.", who=who, community=rows[0]["name"], number=rows[0]["shown"]
        )
        return
    yield say(
        "By {who}, {worst} is served worst ({number}) and {best} best ({other}).",
        who=who,
        worst=rows[0]["name"],
        number=rows[0]["shown"],
        best=rows[-1]["name"],
        other=rows[-1]["shown"],
    )


def _audits(runs: Sequence[Run], say: Speech) -> Iterator[str]:
    audited = [run for run in runs if run.audit]
    if not audited:
        yield say("The evidence was not audited for cultural risks.")
        return
    grave = {s: sum(f.severity == s for run in audited for f in run.findings) for s in ("risk", "concern")}
    missing = sum(a["status"] == "not assessed" for run in audited for a in run.assessments)
    total = sum(len(run.assessments) for run in audited)
    yield say(
        "Audits found {risks} risks and {concerns} concerns. {missing} of {total} checks could not be made, for lack "
        "of evidence.",
        risks=say.number(grave["risk"], 0),
        concerns=say.number(grave["concern"], 0),
        missing=say.number(missing, 0),
        total=say.number(total, 0),
    )
