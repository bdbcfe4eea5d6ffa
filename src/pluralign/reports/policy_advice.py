"""In short, about policies: the communities that gained or lost, and whether the gain is real."""

from collections.abc import Iterator, Sequence

from pluralign.languages.speech import Speech
from pluralign.reports.policy_gains import (
    Gain,
    is_gain,
    is_loss,
    methods_of_policies,
    other_gains,
    own_gains,
)
from pluralign.reports.reading import Run
from pluralign.runs import PolicyRow
from pluralign.runs.policy_plots import judge_name, policy_name, shown_gain, steer_name


def policy_advice(run: Run, say: Speech) -> list[str]:
    """The communities that gained and lost, and what is real of it; a missing judge first."""
    gains = own_gains(run)
    if not gains:
        return []
    if all(gain.best is gain.proxy for gain in gains):
        return [_without_judge(say), _gained(run, gains, say), _lost(run, say)]
    return [_gained(run, gains, say), *_gap(gains, say), _lost(run, say)]


def policy_summary(run: Run, say: Speech) -> Iterator[str]:
    """The model, the prompts, and the people behind the reward model and the judge."""
    sample = run.record["stages"].get("sample", {})
    sides = sample.get("prompts by side", {})
    yield say(
        "{model} answered {prompts} prompts. Gains are measured on {test} of them, from which "
        "nothing was learned.",
        model=str(sample.get("model") or say("A language model")),
        prompts=say.number(sample.get("prompts", 0), 0),
        test=say.number(sides.get("test", 0), 0),
    )
    reward, judge = people_behind(run, "reward"), people_behind(run, "judge")
    if reward is not None:
        yield say(
            "People behind the reward model that is followed: {count}.",
            count=say.number(reward, 0),
        )
    if judge is not None:
        yield say(
            "People behind the judge: {count}. Its verdict counts only if they are other people.",
            count=say.number(judge, 0),
        )
    yield from _trained(run, say)
    yield from _verdicts(run, say)


def policy_limit(say: Speech) -> str:
    """The limit of every gain."""
    return say(
        "A gain is what a reward model estimates: nobody has read these answers and judged them. "
        "It is true of prompts like these, and of the people whose choices the reward models "
        "learned."
    )


def about_community_in(run: Run, community: str, say: Speech) -> list[str]:
    """The gain of each policy for one community."""
    return [
        say(
            "{policy}: {number} {judge}.",
            policy=policy_name(gain.best, say),
            number=shown_gain(gain.best, say),
            judge=judge_name(gain.best.metric, say),
        )
        for gain in own_gains(run)
        if gain.best.community == community
    ]


def people_behind(run: Run, role: str) -> int | None:
    """People behind a reward model; None where its record does not have them."""
    people = (run.record.get(role) or {}).get("people") or {}
    raters = [counts.get("raters") for counts in people.values()]
    known = [int(n) for n in raters if n is not None]
    return sum(known) if known and len(known) == len(raters) else None


def _without_judge(say: Speech) -> str:
    return say(
        "No judge measured these gains. They are the reward model's own view of the answers that "
        "it chose, and so they are too large: nothing here shows that people would agree. Name a "
        "reward model of other people as `reward.judge`."
    )


def _gained(run: Run, gains: Sequence[Gain], say: Speech) -> str:
    """The method with the most communities that are shown to gain, and the others."""
    rows = [gain.best for gain in gains]
    methods = methods_of_policies(run)
    best = max(methods, key=lambda m: sum(is_gain(r) for r in rows if r.method == m))
    own = [row for row in rows if row.method == best]
    shown, not_shown = [r for r in own if is_gain(r)], [r for r in own if not is_gain(r)]
    values = {
        "policy": policy_name(own[0], say),
        "judge": judge_name(own[0].metric, say),
        "communities": _listed(shown, say),
        "others": _listed(not_shown, say),
    }
    if not shown:
        return say("No community is shown to gain by {policy}, {judge}: {others}.", **values)
    if not not_shown:
        return say("Every community gains by {policy}, {judge}: {communities}.", **values)
    return say(
        "Some communities gain by {policy}, {judge}: {communities}. Not shown to gain: {others}.",
        **values,
    )


def _gap(gains: Sequence[Gain], say: Speech) -> Iterator[str]:
    """The widest distance between the reward model and the number to believe."""
    pairs = [gain for gain in gains if gain.best is not gain.proxy]
    if not pairs:
        return
    widest = max(pairs, key=lambda gain: gain.proxy.value - gain.best.value)
    if widest.best.high is None or widest.best.high >= widest.proxy.value:
        return
    yield say(
        "Believe the second number: for {community}, {policy} gains {proxy} {model}, but {number} "
        "{judge}. The difference is error of the reward model that was followed.",
        community=say.inline(widest.proxy.community),
        policy=policy_name(widest.proxy, say),
        proxy=shown_gain(widest.proxy, say),
        model=judge_name(widest.proxy.metric, say),
        number=shown_gain(widest.best, say),
        judge=judge_name(widest.best.metric, say),
    )


def _lost(run: Run, say: Speech) -> str:
    """The community that loses most under the policy of another one."""
    losses = [row for row in other_gains(run) if is_loss(row)]
    if not losses:
        return say("No community is shown to lose under the policy of another one.")
    worst = min(losses, key=lambda row: row.value)
    return say(
        "Communities lose under policies of others in {count} cases. The largest loss: {policy} "
        "for {steer} changes the answers for {community} by {number}.",
        count=say.number(len(losses), 0),
        policy=policy_name(worst, say),
        steer=steer_name(worst.steer, say),
        community=say.inline(worst.community),
        number=shown_gain(worst, say),
    )


def _trained(run: Run, say: Speech) -> Iterator[str]:
    """How many trained policies are shown to gain for their communities."""
    trained = [gain.best for gain in own_gains(run) if gain.best.candidates is None]
    if not trained:
        yield say("No policy was trained: best of n chooses among the start model's answers.")
        return
    yield say(
        "Trained policies that are shown to gain for a community that they follow: {count} of "
        "{total}.",
        count=say.number(sum(map(is_gain, trained)), 0),
        total=say.number(len(trained), 0),
    )


def _verdicts(run: Run, say: Speech) -> Iterator[str]:
    policies = (run.pass_file or {}).get("policies", ())
    if policies:
        passed = sum(one.get("verdict") == "passed" for one in policies)
        yield say(
            "Policies that meet all conditions that were set before the run: {count} of {total}.",
            count=say.number(passed, 0),
            total=say.number(len(policies), 0),
        )


def _listed(rows: Sequence[PolicyRow], say: Speech) -> str:
    return "; ".join(f"{say.place(row.community)} {shown_gain(row, say)}" for row in rows)
