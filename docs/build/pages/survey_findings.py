"""Sentences about the numbers of the surveys, each derived from an interval."""

from collections import Counter
from collections.abc import Iterator, Sequence

from pages.survey_published import LLAMA
from pages.survey_reading import FIVE, OWN, PROMPT, Evaluation, Surveys, Who, shown
from pages.writing import named, verdict
from pluralign.evaluation.surveys import (
    ALIGNMENT,
    CLOSENESS,
    EXACT,
    REFUSALS,
    SIMILARITY,
    SurveyRow,
)
from pluralign.evaluation.surveys.anchors import MEAN, MIDDLE, OTHERS

PAIRWISE, RANK = "pairwise_diversity", "target_rank"
_LIMITS = (
    "**Limits** (written by hand). Intervals resample questions only: every answer is a single"
    " sample, and another draw, wording or order of options would give others. The number of"
    " people behind the shares is not published, so no interval here covers their sampling either."
    " Files differ in strategy, prompt and questions: a line of Llama-3 cannot be compared with a"
    " line of another model. A people is represented by its most common answer, however many of"
    " its people answered otherwise. Intervals of structural diversity and of ranks are skewed,"
    " because resampling questions shortens the tree and scatters ranks; a value may be near one"
    " end. Models were also asked the questions that China's people were not asked, and their"
    " diversity counts those questions too. Nothing here shows how well a model serves the people"
    " who talk to it."
)
_WITHOUT_OPTION = {LLAMA: 44, "llama-4-scout": 29}
_READ = (
    " Read by eye (not generated; shown while the counts are those that were read): the answers"
    " of Llama-3 without an option are refusals in words, on suicide, violence, sexuality or"
    " breaking rules, except for one answer whose number and words disagree; the answers"
    " of llama-4-scout are empty, or reasoning that breaks off before it names an option, and"
    " none of them is a refusal."
)


def findings(surveys: Surveys) -> str:
    """The section with the conclusions."""
    lines = [
        _alignment(surveys),
        _hidden(surveys),
        _flat(surveys),
        _ranks(surveys),
        _worst(surveys),
        _where(surveys),
        _refused(surveys),
        _naming(surveys),
    ]
    return "\n".join(["### Summary", "", *(f"* {line}" for line in lines if line), f"* {_LIMITS}"])


def _alignment(surveys: Surveys) -> str:
    models = surveys.models
    best, *others = models
    level = [m for m in others if verdict(surveys.shared.gain(ALIGNMENT, best, m)) == "level with"]
    row = surveys.shared.row(ALIGNMENT, (best, PROMPT))
    behind = [m for m in others if m not in level]
    return (
        f"**Closeness.** On the five communities that {len(models)} models share, `{best}` has"
        f" the highest score, {shown(row)}."
        f" {_either(behind, 'It is ahead of', 'paired by question')}"
        f"{_either(level, ' It is level with')}"
    )


def _hidden(surveys: Surveys) -> str:
    said = []
    for metric, name in (
        (ALIGNMENT, "by the published score"),
        (CLOSENESS, "by closeness"),
        (EXACT, "by exact answers"),
        (SIMILARITY, "by similarity"),
    ):
        verdicts = [
            verdict(surveys.shared.gain(metric, m, OTHERS)).split()[0] for m in surveys.models
        ]
        counts = [f"{verdicts.count(v)} {v}" for v in ("ahead", "level", "behind") if v in verdicts]
        said.append(f"{name} {', '.join(counts)}")
    random, middle = (surveys.points.row(ALIGNMENT, (p, None)) for p in ("random", MIDDLE))
    mean = [verdict(surveys.shared.gain(ALIGNMENT, m, MEAN)) for m in surveys.models]
    return (
        "**Limits of the score.** Take a respondent that always gives the answer most given in"
        " the *other* countries, and so does not depend on the people asked for. Of the"
        f" {len(surveys.models)} models there are, against it, {'; '.join(said)}. The published"
        " score rewards answers near the middle of long scales: random answers get"
        f" {shown(random)}, the middle of every scale {shown(middle)}, and rounding a people's"
        f" mean is ahead of {mean.count('behind')} of {len(mean)} models."
    )


def _flat(surveys: Surveys) -> str:
    models = surveys.models
    gains = {m: surveys.shared.gain(PAIRWISE, m, OWN) for m in models}
    flat = [m for m in models if verdict(gains[m]) == "behind"]
    to_mean = {m: verdict(surveys.shared.gain(PAIRWISE, m, MEAN)) for m in models}
    people = surveys.shared.people(PAIRWISE, (models[0], PROMPT))
    wide = max(models, key=lambda m: gains[m].value)
    below = [m for m, v in to_mean.items() if v == "behind"]
    return (
        "**Flattening.** Pairwise diversity of the five peoples' common answers is"
        f" {shown(people)}; {len(flat)} of {len(models)} models are below it"
        + (f", the nearest, `{wide}`, by {shown(gains[wide], signed=True)}" if wide in flat else "")
        + ". But a common answer can jump from one end of a scale to the other where opinions"
        " hardly differ: the peoples' rounded means have a diversity of only"
        f" {shown(surveys.shared.row(PAIRWISE, (MEAN, PROMPT)))}, and {len(below)} of"
        f" {len(models)} models are below that{_ahead(to_mean)}. {_concluded(flat, below)}"
    )


def _concluded(flat: Sequence[str], below: Sequence[str]) -> str:
    if flat and not below:
        return (
            "So personas differ less than common answers do; the numbers do not show that they "
            "differ less than mean opinions."
        )
    return f"Flatter by both: {_listed(below)}." if below else "None can be called flat."


def _ahead(verdicts: dict[str, str]) -> str:
    above = [m for m, v in verdicts.items() if v == "ahead of"]
    return f" ({_listed(above)} above)" if above else ""


def _ranks(surveys: Surveys) -> str:
    chance = (len(surveys.survey.communities) + 1) / 2
    groups: dict[bool, list[str]] = {True: [], False: []}
    for found, who in _several(surveys):
        row = found.row(RANK, who)
        if row:
            groups[row.high < chance].append(f"{_name(who)} {shown(row)}")
    parts = [
        f"**Nearest people.** By chance the intended people would be at rank {chance:.0f} of"
        f" {len(surveys.survey.communities)}."
    ]
    if groups[True]:
        parts.append(f"Nearer than chance: {'; '.join(groups[True])}.")
    if groups[False]:
        parts.append(f"Not distinguishable from chance: {'; '.join(groups[False])}.")
    return " ".join(parts)


def _worst(surveys: Surveys) -> str:
    said = []
    for found, who in _several(surveys):
        rows = _by_community(found, who)
        low, high = (
            min(rows, key=lambda c: rows[c].value),
            max(rows, key=lambda c: rows[c].value),
        )
        apart = rows[low].high < rows[high].low
        said.append(
            f"{_name(who)}: {named(low)} {shown(rows[low])}, highest {named(high)} "
            f"{shown(rows[high])}" + ("" if apart else " (the intervals overlap)")
        )
    return f"**The people with the lowest score.** {'; '.join(said)}."


def _where(surveys: Surveys) -> str:
    """For which communities models are ahead of the answer most given elsewhere."""
    said = []
    for c in FIVE:
        verdicts = [
            verdict(surveys.shared.gain(ALIGNMENT, m, OTHERS, c)).split()[0] for m in surveys.models
        ]
        counts = [f"{verdicts.count(v)} {v}" for v in ("ahead", "level", "behind") if v in verdicts]
        point = surveys.shared.row(ALIGNMENT, (OTHERS, PROMPT), c)
        said.append(f"{named(c)} {', '.join(counts)} (it scores {shown(point)})")
    return (
        "**Communities for which models know more** than the answer most given in other countries,"
        " by the score, paired by question:"
        f" of {len(surveys.models)} models, for {'; '.join(said)}."
    )


def _refused(surveys: Surveys) -> str:
    rows = [
        (_name(who), found.row(REFUSALS, who))
        for found in surveys.alone
        for who in found.respondents
    ]
    some = [f"{name} {shown(row, 100)} %" for name, row in rows if row and row.value > 0]
    none = sum(1 for _, row in rows if row and row.value == 0)
    without = Counter(r["model"] for e in surveys.alone for r in e.answers if r["option"] is None)
    told = f"**Refusals.** {_joined(some)}; {none} of {len(rows)} never fail to give an option."
    return told + (_READ if without == _WITHOUT_OPTION else "")


def _naming(surveys: Surveys) -> str:
    for found in surveys.alone:
        for r in found.strategies():
            if r.model == LLAMA and r.strategy == "culture_aware":
                exact = found.beside(r, EXACT)
                return (
                    f"**Naming the country** to `{LLAMA}` moves the score by"
                    f" {shown(r, signed=True)} ({_moved(r)}), exact answers by"
                    f" {shown(exact, 100, signed=True)} points ({_moved(exact)})."
                )
    return ""


def _moved(row: SurveyRow) -> str:
    return {"ahead of": "up", "behind": "down", "level with": "no significant change"}[verdict(row)]


def _several(surveys: Surveys) -> Iterator[tuple[Evaluation, Who]]:
    """Respondents that speak for two communities or more."""
    for found in surveys.alone:
        for who in found.respondents:
            if found.row(PAIRWISE, who):
                yield found, who


def _by_community(found: Evaluation, who: Who) -> dict[str, SurveyRow]:
    rows = {c: found.row(ALIGNMENT, who, c) for c in found.communities}
    return {c: r for c, r in rows.items() if r}


def _name(who: Who) -> str:
    return f"`{who[0]}`" if who[1] == PROMPT else f"`{who[0]}` ({who[1]})"


def _listed(models: Sequence[str]) -> str:
    return _joined([f"`{m}`" for m in models])


def _joined(parts: Sequence[str]) -> str:
    return ", ".join(parts)


def _either(models: Sequence[str], text: str, more: str = "") -> str:
    return f"{text} {_listed(models)}{f', {more}' if more else ''}." if models else ""
