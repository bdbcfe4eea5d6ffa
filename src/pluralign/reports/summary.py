"""Measurements in plain words."""

from collections import Counter
from collections.abc import Iterator, Sequence

from pluralign.languages.speech import Speech
from pluralign.reports.policy_advice import about_community_in, policy_limit, policy_summary
from pluralign.reports.reading import Run
from pluralign.reports.sections.knowledge import knowledge_summary
from pluralign.reports.sections.standings import (
    answerers_of,
    nameable,
    not_ranked,
    not_steered,
    of_run,
    with_reason,
    worst_first,
)


def title_of(runs: Sequence[Run], say: Speech) -> str:
    """A title for the page, from the kinds of its runs."""
    kinds = {run.kind for run in runs}
    if kinds == {"rewards"}:
        return say("How well reward models predict the choices of each community")
    if kinds == {"survey"}:
        return say("How near language models come to the people of each community")
    if kinds == {"policies"}:
        return say("What language models gain by following a community")
    if kinds == {"knowledge"}:
        return say("How much language models know of the life of each place")
    if kinds == {"audit"}:
        return say("Cultural risks in the evidence")
    return say("Results of models for each community")


def summary(runs: Sequence[Run], say: Speech) -> list[str]:
    """A few sentences that follow the advice: measurements, findings, limits."""
    found = [
        of_run(sentence, run, runs)
        for run in runs
        for sentence in (*_run(run, say), *_simulated(run, say))
    ]
    return [*found, *_audits(runs, say), *_limits(runs, say)]


def about_community(runs: Sequence[Run], community: str, say: Speech) -> list[str]:
    """The same for one community."""
    found: list[str] = []
    for run in runs:
        for who in answerers_of(run)[: 1 if run.kind == "rewards" else None]:
            found += _standing(run, who, community, say)
        found += about_community_in(run, community, say)
    if not found:
        found = [
            say(
                "Nothing was measured for the people of {community}.",
                community=say.inline(community),
            )
        ]
    for run in runs:
        if community in not_steered(run):
            reason = with_reason(run, community, say)
            found.append(
                say("{run} does not steer to {community}.", run=run.name, community=reason)
            )
    simulated = [line for run in runs for line in _simulated(run, say)]
    return [*found, *simulated, *_limits(runs, say)]


def _standing(run: Run, who: str, community: str, say: Speech) -> list[str]:
    """One result for a community, and for how many communities the result is worse."""
    rows = worst_first(run, who, say)
    named = nameable(rows)
    few = [r for r in rows if r["community"] == community and r not in named]
    if few:
        number = few[0]["shown"]
        text = say(
            "The result of {who} for {community}: {number}.",
            who=who,
            community=say.inline(few[0]["community"]),
            number=number,
        )
        return [text, *not_ranked(few, say)]
    ahead = [r["community"] for r in named]
    if community not in ahead:
        return []
    at = ahead.index(community)
    return [
        say(
            "{who} ({run}): {number}; the result is worse for {count} of {total} communities.",
            who=who,
            run=run.name,
            number=named[at]["shown"],
            count=say.number(at, 0),
            total=say.number(len(named), 0),
        )
    ]


def _limits(runs: Sequence[Run], say: Speech) -> Iterator[str]:
    """The limits of all numbers of these kinds of runs."""
    kinds = {run.kind for run in runs}
    if kinds != {"policies"}:
        yield _limit(say)
    if "policies" in kinds:
        yield policy_limit(say)


def _limit(say: Speech) -> str:
    return say(
        "A number shows how near answers come to those of the people who took part, not to a "
        "whole people."
    )


def _simulated(run: Run, say: Speech) -> Iterator[str]:
    """A sentence on simulated people, where there are any."""
    if run.simulated and all(run.simulated):
        yield say("The people of {run} are simulated: nobody was asked.", run=run.name)
    elif any(run.simulated):
        yield say("Some of the people of {run} are simulated.", run=run.name)


def _run(run: Run, say: Speech) -> Iterator[str]:
    if run.kind == "policies":
        yield from policy_summary(run, say)
    if run.kind == "knowledge":
        yield from knowledge_summary(run, say)
    answerers = answerers_of(run)
    if not answerers:
        return
    who = answerers[0]
    if run.kind == "rewards":
        yield from _choices(run, who, {r["community"] for r in worst_first(run, who, say)}, say)
    else:
        yield say(
            "Language models answered in the names of communities. Models and ways of asking: "
            "{count}; communities with whose people they are compared: {total}.",
            count=say.number(len(answerers), 0),
            total=say.number(len({r["community"] for r in run.served}), 0),
        )


def _choices(run: Run, who: str, served: set[str], say: Speech) -> Iterator[str]:
    """The choices of people whose number is known, and of people whose number is not."""
    people = run.record["people"]
    known = {c: n for c, n in people.items() if n["raters"] is not None}
    unknown = {c: n for c, n in people.items() if n["raters"] is None}
    if known:
        yield say(
            "{pairs} choices of {people} people, who compared two answers each time. Communities "
            "that the reward model ({who}) was steered to: {count}.",
            pairs=say.number(sum(n["pairs"] for n in known.values()), 0),
            people=say.number(sum(n["raters"] for n in known.values()), 0),
            who=who,
            count=say.number(len(served & known.keys()), 0),
        )
    if unknown:
        yield say(
            "{pairs} choices read from published shares of answers; how many people gave them is "
            "not known. Communities that the reward model ({who}) was steered to: {count}.",
            pairs=say.number(sum(n["pairs"] for n in unknown.values()), 0),
            who=who,
            count=say.number(len(served & unknown.keys()), 0),
        )


def _audits(runs: Sequence[Run], say: Speech) -> Iterator[str]:
    audited = [run for run in runs if run.audit]
    # The advice names what was not audited.
    if not audited:
        return
    grave = Counter(f.severity for run in audited for f in run.findings)
    applying = [a for run in audited for a in run.assessments if a.applies]
    missing = sum(a.status == "not assessed" for a in applying)
    yield say(
        "Audits found: risks {risks}, concerns {concerns}. Checks that could not be made for lack "
        "of evidence: {missing} of {total}.",
        risks=say.number(grave["risk"], 0),
        concerns=say.number(grave["concern"], 0),
        missing=say.number(missing, 0),
        total=say.number(len(applying), 0),
    )
