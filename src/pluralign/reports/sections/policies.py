"""Language models that follow communities: gains, their price, and what else was measured."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pluralign.languages.speech import Speech
from pluralign.metrics import best_of_n_win_rate
from pluralign.reports.data import Section
from pluralign.reports.page_tables import Column, Scale, Table, bar_column, with_interval
from pluralign.reports.policy_gains import Gain, aligned, own_gains
from pluralign.reports.reading import Run
from pluralign.reports.sections.policy_figures import policy_figures
from pluralign.runs import PolicyRow
from pluralign.runs.policy_plots import judge_name, policy_name, signed
from pluralign.runs.policy_rows import BEST_OF_N, JUDGED_GAIN, PROXY_GAIN, TRUE_GAIN

_ENDS = ("value", "low", "high")
_BEHIND = ("half_prompts", "half_people", "n_raters")
_JUDGES = {"proxy": PROXY_GAIN, "judged": JUDGED_GAIN, "true": TRUE_GAIN}


def policies(runs: Sequence[Run], say: Speech) -> Section | None:
    """Gains of policies with their price; None where no language model follows a community."""
    own = aligned(runs)
    if not own:
        return None
    text = [
        say(
            "A policy is a language model that follows a community's reward model. Best of n takes "
            "the answer with the highest reward among n; other policies were trained on such "
            "answers. A gain is the reward of a policy's answers less that of the start model's, "
            "in spreads of the start model's rewards."
        ),
        say(
            "A reward model errs, and the answer that it likes best is also the one in which it "
            "errs most. So a gain counts as far as the judge confirms it, a reward model of other "
            "people."
        ),
    ]
    text += [_over_people(run, say) for run in own if (run.record.get("judge") or {})]
    figures = [figure for k, run in enumerate(own) for figure in policy_figures(run, own, say, k)]
    return Section(
        id="policies",
        title=say("Language models that follow a community"),
        paragraphs=text,
        leading=[_gains(own, say)],
        figures=figures,
        tables=[_bounds(own, say)],
    )


def _over_people(run: Run, say: Speech) -> str:
    """Whether the intervals of a run's judged gains are over the people of the judge, too."""
    fits = run.record["judge"].get("fits", 1)
    if fits == 1:
        return say(
            "Intervals of {run} are over prompts alone. The effect of other people behind the "
            "judge is not known: that needs a judge from a run with at least three repeats that "
            "split people.",
            run=run.name,
        )
    return say(
        "Intervals of the judge's gains of {run} are over prompts and over the people behind the "
        "judge: it was fitted {count} times, each time without another {share} of its people.",
        run=run.name,
        count=say.number(fits, 0),
        share=say.percent(run.record["judge"]["held_out"]),
    )


def _gains(runs: Sequence[Run], say: Speech) -> Table:
    """A row for each policy and the community that it follows, runs side by side."""
    rows = [_row(run, gain, say) for run in runs for gain in own_gains(run)]
    rows.sort(key=lambda row: (row["community"], row["policy"]))
    known = [row[f"{judge}_{end}"] for row in rows for judge in _JUDGES for end in _ENDS]
    scale = Scale.around([0.0, *(value for value in known if value is not None)])

    def show(value: float) -> str:
        return signed(value, say)

    columns = [
        *([Column("run", say("Run"))] if len(runs) > 1 else []),
        Column("community", say("Community"), lambda r: r["name"]),
        Column("policy", say("Policy")),
        *(
            bar_column(judge_name(metric, say), scale, show, say, prefix=f"{judge}_")
            for judge, metric in _JUDGES.items()
        ),
        _count("half_prompts", say("judge: ± over prompts alone"), 2, say),
        _count("half_people", say("judge: ± over people alone"), 2, say),
        _count("n_raters", say("people behind the judge"), 0, say),
        Column("kl", say("KL, in nats"), lambda r: r["kl_shown"], numeric=True, named=True),
        Column(
            "length", say("length ratio"), lambda r: r["length_shown"], numeric=True, named=True
        ),
        _count("n", say("prompts"), 0, say),
    ]
    caption = say("Gain of each policy for the community that it follows [95 % interval]")
    return Table("policies", caption, columns, rows, folded=False, stacked=True)


def _count(key: str, label: str, digits: int, say: Speech) -> Column:
    return Column(key, label, lambda r: say.number(r[key], digits), numeric=True, named=True)


def _row(run: Run, gain: Gain, say: Speech) -> dict[str, Any]:
    proxy = gain.proxy
    joint = proxy.steer != proxy.community
    name = policy_name(proxy, say)
    row: dict[str, Any] = {
        "run": run.name,
        "community": proxy.community,
        "name": say.place(proxy.community),
        "policy": say("{method}, joint", method=name) if joint else name,
        "n": proxy.n,
    }
    for judge, found in (("proxy", proxy), ("judged", gain.judged), ("true", gain.true)):
        for end in _ENDS:
            row[f"{judge}_{end}"] = None if found is None else getattr(found, end)
    for key in _BEHIND:
        row[key] = None if gain.judged is None else getattr(gain.judged, key)
    for key, metric in (("kl", "kl"), ("length", "length_ratio")):
        about = _about_policy(run, proxy, metric)
        row[key] = None if about is None else about.value
        row[f"{key}_shown"] = None if about is None else _two_digits(about, say)
    if proxy.candidates is not None:
        row["kl"] = proxy.kl_bound
        row["kl_shown"] = say("at most {number}", number=say.number(proxy.kl_bound or 0.0, 2))
    return row


def _about_policy(run: Run, policy: PolicyRow, metric: str) -> PolicyRow | None:
    if policy.candidates is not None:
        return None
    for row in run.policies:
        if row.metric == metric and row.policy == policy.policy:
            return row
    return None


def _two_digits(row: PolicyRow, say: Speech) -> str:
    ends = {end: getattr(row, end) for end in _ENDS}
    return with_interval(ends, lambda value: say.number(value, 2), say)


def _bounds(runs: Sequence[Run], say: Speech) -> Table:
    """For each n: the bounds on the divergence and the wins of best of n, for any reward."""
    columns = [
        Column("n", say("number of answers to choose from"), numeric=True),
        Column(
            "kl",
            say("KL at most: log n - (n - 1) / n, in nats"),
            lambda r: say.number(r["kl"], 2),
            numeric=True,
        ),
        Column(
            "wins",
            say("wins against a random answer at most: n / (n + 1)"),
            lambda r: say.percent(r["wins"]),
            numeric=True,
        ),
    ]
    return Table("bounds", say("Best of n: known bounds"), columns, list(_sizes(runs)))


def _sizes(runs: Sequence[Run]) -> Iterator[Mapping[str, Any]]:
    bounds = {
        r.candidates: r.kl_bound
        for run in runs
        for r in run.policies
        if r.method == BEST_OF_N and r.candidates is not None and r.kl_bound is not None
    }
    for n in sorted(bounds):
        yield {"n": n, "kl": bounds[n], "wins": best_of_n_win_rate(n)}
