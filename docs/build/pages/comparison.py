"""Results of each method for its communities, and where SCPO and full fine-tuning differ."""

import numpy as np

from pages.paired import against, rank_correlation
from pages.reading import tested
from pages.writing import (
    compared,
    folded,
    named,
    people_behind,
    percent,
    points,
    table,
    unit_of,
    verdict,
)
from pluralign.evaluation import DifferenceRow, Row
from pluralign.runs import RewardRun

_SHOWN = ("reference", "full", "scpo", "pooled", "adaptive")
_ABLATIONS = ("scpo-filter-only", "scpo-weight-only", "scpo-inverse-weight")
_ENOUGH = 5


def method_section(run: RewardRun) -> str:
    """The table of methods, and conclusions from it."""
    rows = [_method_row(run, method) for method in run.methods]
    head = [
        "method",
        "average",
        "contested",
        "worst community",
        "difference to reference",
        "difference to full",
    ]
    return "\n\n".join(["### Methods", table(head, rows), _behind_the_table(run), _reading(run)])


def best_other(run: RewardRun, aggregate: str) -> str | None:
    """The method, other than ``adaptive``, with the highest value; None without another method."""
    values = {
        m: row.value for m in run.methods if m != "adaptive" and (row := run.summed(m, aggregate))
    }
    return max(values, key=values.__getitem__) if values else None


def adaptive_sentences(run: RewardRun) -> list[str]:
    """``adaptive`` against the best other method, on average and for the worst community."""
    other = best_other(run, "average")
    if "adaptive" not in run.methods or other is None:
        return []
    row = against(run, "adaptive", other)
    said = [
        f"The best average of the other methods is that of `{other}`. "
        f"{compared('adaptive', other, row)}"
    ]
    worst = best_other(run, "worst")
    ours, theirs = run.summed("adaptive", "worst"), run.summed(worst, "worst") if worst else None
    if ours and theirs:
        gap = round(100 * ours.value, 1) - round(100 * theirs.value, 1)
        more = "higher" if gap > 0 else "lower" if gap < 0 else "the same as shown"
        said.append(
            f"For its worst community `adaptive` reaches {percent(ours)}"
            f" ({ours.worst_community}), the best of the others, `{worst}`, {percent(theirs)}"
            f" ({theirs.worst_community}): {more}, with intervals that"
            f" {'overlap' if _overlap(ours, theirs) else 'do not overlap'}."
        )
    return said


def scpo_section(run: RewardRun) -> str:
    """Where SCPO does not beat full fine-tuning, and where it does."""
    row = run.gain("scpo", "full")
    if row is None:
        return "### SCPO and full fine-tuning\n\nThis run does not compare them."
    contested = run.gain("scpo", "full", subset="contested")
    parts = [f"On all test pairs {compared('scpo', 'full', row)}"]
    if contested:
        parts.append(f"On contested pairs {compared('scpo', 'full', contested)}")
    by_community = _where_they_differ(run) if len(tested(run)) > 1 else []
    return "\n\n".join(["### SCPO and full fine-tuning", " ".join(parts), *by_community])


def community_section(run: RewardRun) -> str:
    """Every community under the steer to itself, lowest accuracy first."""
    cells = run.served()
    shown = [m for m in _SHOWN if m in run.methods]
    ordered = sorted(tested(run), key=lambda c: cells[c, shown[-1]].value)
    rows = [
        [named(c), *_sizes(cells[c, shown[-1]]), *(percent(cells.get((c, m))) for m in shown)]
        for c in ordered
    ]
    text = table(["community", "test pairs", "raters", *shown], rows)
    intro = f"Each under the steer to itself; lowest accuracy of `{shown[-1]}` first."
    body = text if len(rows) <= _ENOUGH else folded(f"All {len(rows)} communities", text)
    return "\n\n".join(["### Communities", intro, body])


def leak_section(run: RewardRun, by_question: RewardRun) -> str:
    """The same data split by question: accuracy that comes from wording that a battery shares."""
    methods = [m for m in run.methods if m in by_question.methods]
    rows = [_leak_row(m, run.summed(m), by_question.summed(m)) for m in methods]
    said = (
        "The same data with questions held out instead of stems: items of one battery are then"
        " on both sides. The test pairs differ, so the difference is not paired; where the"
        " intervals overlap it may be chance."
    )
    head = ["method", "stems held out", "questions held out", "difference of the averages"]
    return "\n\n".join(["### Leakage in a split by question", said, table(head, rows)])


def _leak_row(method: str, stems: Row | None, questions: Row | None) -> list[str]:
    gap = f"{100 * (questions.value - stems.value):+.1f}" if stems and questions else "-"
    return [f"`{method}`", percent(stems), percent(questions), gap]


def _method_row(run: RewardRun, method: str) -> list[str]:
    worst = run.summed(method, "worst")
    return [
        f"`{method}`",
        percent(run.summed(method)),
        percent(run.summed(method, subset="contested")),
        f"{worst.worst_community} {percent(worst)}" if worst else "-",
        points(run.gain(method, "reference")),
        points(run.gain(method, "full")),
    ]


def _behind_the_table(run: RewardRun) -> str:
    first = next(row for m in run.methods if (row := run.summed(m)))
    text = f"Every average is over {people_behind(first, unit_of(run))}"
    contested = run.summed(run.methods[0], subset="contested")
    if contested:
        text += f"; contested: {people_behind(contested, unit_of(run))}"
    return text + "."


def _reading(run: RewardRun) -> str:
    said = [compared("full", "reference", row) for row in [run.gain("full", "reference")] if row]
    said += [
        compared("scpo", baseline, row)
        for baseline in ("reference", "full")
        if (row := run.gain("scpo", baseline))
    ]
    said += [compared(m, "reference", row) for m in _ABLATIONS if (row := run.gain(m, "reference"))]
    said += [
        compared("length", "reference", row) for row in [run.gain("length", "reference")] if row
    ]
    return "\n".join(f"* {sentence}" for sentence in [*said, *adaptive_sentences(run)])


def _where_they_differ(run: RewardRun) -> list[str]:
    gains = {c: row for c in tested(run) if (row := run.gain("scpo", "full", c))}
    sided = {
        side: [c for c in gains if verdict(gains[c]) == side] for side in ("ahead of", "behind")
    }
    said = (
        f"Of {len(gains)} communities `scpo` is ahead of `full` in {len(sided['ahead of'])},"
        f" behind in {len(sided['behind'])}, and level with it in"
        f" {len(gains) - sum(map(len, sided.values()))} (the interval of the paired difference"
        " contains 0). With that many intervals, a few exclude 0 by chance."
    )
    parts = [said]
    differing = sorted(
        (c for found in sided.values() for c in found), key=lambda c: -gains[c].value
    )
    if differing:
        parts.append(_difference_table(run, gains, differing))
    parts.append(_against_contested(run, gains))
    return parts


def _difference_table(
    run: RewardRun, gains: dict[str, DifferenceRow], communities: list[str]
) -> str:
    share = _contested_share(run)
    rows = [
        [named(c), f"{gains[c].n:,}", f"{100 * share[c]:.1f}", points(gains[c])]
        for c in communities
    ]
    return table(["community", "test pairs", "contested, %", "`scpo` minus `full`"], rows)


def _against_contested(run: RewardRun, gains: dict[str, DifferenceRow]) -> str:
    if len(gains) < _ENOUGH or "reference" not in run.methods:
        return "There are too few communities to relate the gain to how contested their pairs are."
    share = _contested_share(run)
    share_C = np.array([share[c] for c in gains])
    gain_C = np.array([gains[c].value for c in gains])
    found = rank_correlation(share_C, gain_C, run.settings["seed"])
    order = np.argsort(share_C)
    thirds = np.array_split(order, 3)
    names = ("least contested third", "middle third", "most contested third")
    rows = [
        [
            name,
            f"{100 * share_C[t].min():.1f} to {100 * share_C[t].max():.1f}",
            str(len(t)),
            f"{100 * gain_C[t].mean():+.1f}",
            f"{100 * gain_C[t].min():+.1f} to {100 * gain_C[t].max():+.1f}",
        ]
        for name, t in zip(names, thirds, strict=True)
    ]
    head = ["communities", "contested, %", "how many", "`scpo` minus `full`, mean", "range"]
    correlation = f"{found.value:+.2f} [{found.low:+.2f}, {found.high:+.2f}]"
    said = (
        "Does SCPO gain where the reference is wrong more often? Rank correlation over"
        " communities between the share of contested test pairs and `scpo` minus `full`:"
        f" {correlation}, {found.n} communities resampled."
    )
    return f"{said}\n\n{table(head, rows)}"


def _contested_share(run: RewardRun) -> dict[str, float]:
    """Part of a community's test pairs on which the reference disagrees, over all seeds."""
    return {c: 1 - row.value for (c, method), row in run.served().items() if method == "reference"}


def _sizes(row: Row) -> tuple[str, str]:
    return f"{row.n:,}", "-" if row.n_raters is None else f"{row.n_raters:,}"


def _overlap(a: Row, b: Row) -> bool:
    if a.low is None or a.high is None or b.low is None or b.high is None:
        return True  # a number without an interval is not apart from any other
    return a.low <= b.high and b.low <= a.high
