"""Published numbers next to ours: CultureSPA's scores, diversities and reference points."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from statistics import fmean, stdev

import numpy as np

from pages.survey_reading import PROMPT, Evaluation, Surveys, shown
from pages.writing import table
from pluralign.core import FloatArray, Survey, Tally, rng_for
from pluralign.evaluation.surveys import ALIGNMENT, EXACT, Peoples, anchor_rows
from pluralign.evaluation.surveys.anchors import OTHERS
from pluralign.metrics import cultural_alignment_score, draw_questions

LLAMA = "Meta-Llama-3-8B-Instruct"
CULTURESPA = {
    "culture_unaware": {"USA": 68.34, "CHN": 62.19, "IND": 56.55, "KEN": 54.14, "BRA": 58.76},
    "culture_aware": {"USA": 71.12, "CHN": 66.54, "IND": 62.97, "KEN": 60.60, "BRA": 62.83},
}
"""Cultural alignment scores, to two decimals (arXiv 2410.12971)."""
PERSONAS = {
    "claude-opus-4.7": (70.31, 71.26, 28.44, 22.36),
    "gpt-5.4": (69.22, 69.09, 25.06, 19.54),
    "Qwen3-8B": (64.46, 64.05, 23.62, 18.92),
}
"""Model -> alignment as printed, and with zero-coded questions put right; the two diversities."""
PEOPLE = (44.07, 39.37)
"""Pairwise and structural diversity of the people themselves."""
UNREADABLE = 5
POINTS = {
    "random": 46.4,
    "mid-scale": 58.1,
    "others' common answer": 64.6,
    "rounded mean": 76.2,
    "worst possible": 9.9,
}
"""Scores of reference points over CultureSPA's 18 countries and 259 questions, computed before."""
MEX = "MEX"
"""In the shares, but not among CultureSPA's 18 countries."""


def published_section(surveys: Surveys) -> str:
    """Every published number, ours and the difference."""
    scores, personas = list(_scores(surveys)), list(_personas(surveys))
    texts = [
        "### Published numbers, again",
        "CultureSPA's cultural alignment score of Llama-3-8B-Instruct, read with its own parser"
        " (the first number in the text), and alignment and diversity of the answers given in"
        " five countries' names (Brazil, China, Mexico, Nigeria, New Zealand; 223 questions). *As"
        " printed*: the number that the model wrote against the code of the most common answer,"
        " which on the 18 questions whose codes start at 0 compares an answer with its neighbour;"
        " *corrected*: these answers compared correctly.",
        _said([*scores, *personas]),
        table(["CultureSPA", "published", "ours", "difference"], _rows(scores)),
        table(
            ["personas in five countries' names", "published", "ours", "difference"],
            _rows(personas),
        ),
        *_points(surveys),
    ]
    return "\n\n".join(texts)


Pair = tuple[str, float, float]
"""The name of a number, its published value and ours; both rounded as published."""


def _scores(surveys: Surveys) -> Iterator[Pair]:
    for strategy, by_country in CULTURESPA.items():
        for country, value in by_country.items():
            yield (
                f"{strategy}, {country}",
                value,
                _value(surveys.published, ALIGNMENT, LLAMA, strategy, country),
            )
    rows = [
        r
        for r in surveys.published.answers
        if r["strategy"] == "culture_unaware" and r["option"] is None
    ]
    yield "unreadable culture_unaware answers", UNREADABLE, len(rows)


def _personas(surveys: Surveys) -> Iterator[Pair]:
    for model, (printed, corrected, pairwise, structural) in PERSONAS.items():
        for name, found, metric, value in (
            ("alignment, as printed", surveys.printed, ALIGNMENT, printed),
            ("alignment, corrected", surveys.corrected, ALIGNMENT, corrected),
            ("pairwise diversity", surveys.corrected, "pairwise_diversity", pairwise),
            ("structural diversity", surveys.corrected, "structural_diversity", structural),
        ):
            yield f"{model}: {name}", value, _value(found, metric, model, PROMPT)
    for name, metric, value in zip(
        ("pairwise", "structural"),
        ("pairwise_diversity", "structural_diversity"),
        PEOPLE,
        strict=True,
    ):
        model = next(iter(PERSONAS))
        yield (
            f"people: {name} diversity",
            value,
            _value(surveys.corrected, metric, f"people: {model}", PROMPT),
        )


def _value(
    found: Evaluation, metric: str, model: str, strategy: str, community: str | None = None
) -> float:
    row = found.row(metric, (model, strategy), community)
    return round(row.value, 2) if row else float("nan")


def _rows(pairs: Iterable[Pair]) -> list[list[str]]:
    return [
        [name, _plain(theirs), _plain(ours), f"{round(ours - theirs, 2) + 0.0:+.2f}"]
        for name, theirs, ours in pairs
    ]


def _plain(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.2f}"


def _said(pairs: Sequence[Pair]) -> str:
    off = [name for name, theirs, ours in pairs if not abs(ours - theirs) < 0.005]
    if not off:
        return f"All {len(pairs)} come out as published, to the last decimal."
    return (
        f"{len(pairs) - len(off)} of {len(pairs)} come out as published; not so: {', '.join(off)}."
    )


def _points(surveys: Surveys) -> Iterator[str]:
    questions = list(surveys.survey.questions)
    countries = [c for c in surveys.survey.communities if c != MEX]
    peoples = Peoples.of(surveys.survey, questions, countries, Tally())
    draws = draw_questions(len(questions), rng_for(0, "questions"))
    found = {(r.model, r.metric): r for r in anchor_rows(peoples, draws) if r.community is None}
    yield (
        "Scores of answers that use no knowledge, or full knowledge, of a people: means over"
        f" CultureSPA's {len(countries)} countries and {len(questions)} questions. *Others'"
        " common answer* is the option with the largest mean share in the other countries;"
        " *rounded mean* is the people's own mean, rounded; *random* is the expected square."
    )
    head = ["reference point", "CAS expected", "CAS, ours", "exact answers, %"]
    yield table(
        head,
        [
            [p, f"{v:.1f}", shown(found[p, ALIGNMENT]), shown(found[p, EXACT], 100)]
            for p, v in POINTS.items()
        ],
    )
    yield _why_not_as_known(surveys, peoples)
    yield _hidden(surveys, peoples)


def _why_not_as_known(surveys: Surveys, peoples: Peoples) -> str:
    """Two points that the expected numbers do not show: drawing, and the choice of the others."""
    rng, sizes = rng_for(0, "random answers"), peoples.n_options_Q
    drawn = [
        fmean(
            cultural_alignment_score(rng.integers(0, sizes), gold_Q, sizes)
            for gold_Q in peoples.gold_C_Q
        )
        for _ in range(200)
    ]
    everyone = Peoples.of(surveys.survey, peoples.questions, surveys.survey.communities, Tally())
    asked = replace(everyone, probs_C_Q_O=_shares_of_all_asked(surveys.survey, everyone))
    others = [
        r.value
        for r in anchor_rows(asked, np.ones((1, len(peoples.questions))))
        if (r.model, r.metric) == (OTHERS, ALIGNMENT) and r.community in peoples.communities
    ]
    return (
        f"Random answers that are really drawn score {fmean(drawn):.1f} on average, and such a"
        f" mean over the countries scatters by {stdev(drawn):.1f} from one draw to the next; the"
        " expected square needs no draw. With Mexico among the others, and shares of all who were"
        f" asked instead of those who answered, others' common answer scores {fmean(others):.1f}."
    )


def _shares_of_all_asked(survey: Survey, peoples: Peoples) -> FloatArray:
    shares = np.zeros_like(peoples.probs_C_Q_O)
    row, column = (
        {name: i for i, name in enumerate(names)}
        for names in (peoples.communities, peoples.questions)
    )
    for d in survey.distributions:
        shares[row[d.community], column[d.question], : len(d.probs_O)] = d.probs_O
    return shares


def _hidden(surveys: Surveys, peoples: Peoples) -> str:
    """How the score is made up: long scales, and how many people stand behind a gold answer."""
    there = ~np.isnan(peoples.gold_C_Q)
    squared = there * (peoples.n_options_Q - 1.0) ** 2
    long = peoples.n_options_Q >= 10
    shares = [
        (max(d.normalised()), max(d.probs_O), d.tied)
        for d in surveys.survey.distributions
        if d.community != MEX and sum(d.probs_O) > 0
    ]
    held, raw = (100 * float(np.mean([s[i] for s in shares])) for i in (0, 1))
    return (
        f"How the score is made up: {int(long.sum())} of {long.size} questions, those with ten"
        f" options or more, carry {100 * squared[:, long].sum() / squared.sum():.0f} % of its"
        " denominator. The most common answer, which it takes for a people's, was given by"
        f" {held:.0f} % of those who answered on average ({raw:.0f} % of those asked), and is an"
        f" exact tie {sum(s[2] for s in shares)} times in {len(shares):,}. Refused questions are"
        " left out of it, so refusing costs nothing. For these reasons other measures are"
        " reported below."
    )
