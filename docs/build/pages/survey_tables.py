"""Closeness and variety of every recorded respondent, by community; models on common questions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pages.survey_reading import FIVE, OWN, POINTS, PROMPT, Evaluation, Surveys, Who, shown
from pages.writing import folded, named, table, verdict
from pluralign.core import community
from pluralign.evaluation.surveys import ALIGNMENT, CLOSENESS, EXACT, REFUSALS, SIMILARITY
from pluralign.evaluation.surveys.anchors import OTHERS

CHANCE = "random"


@dataclass(frozen=True, slots=True)
class Column:
    """A metric as a column.

    Attributes:
        title: Its heading.
        metric: Its name in the results.
        scale: Factor by which it is multiplied.
        digits: Digits behind the point.
        people: Whether the people's own number is shown, not the respondent's.
    """

    title: str
    metric: str
    scale: float = 1
    digits: int = 1
    people: bool = False

    def of(self, found: Evaluation, who: Who) -> str:
        """The cell of a respondent."""
        row = found.people(self.metric, who) if self.people else found.row(self.metric, who)
        return shown(row, self.scale, digits=self.digits)


CLOSE = (
    Column("CAS", ALIGNMENT),
    Column("closeness, %", CLOSENESS, 100),
    Column("exact, %", EXACT, 100),
    Column("similarity, %", SIMILARITY, 100),
    Column("refused, %", REFUSALS, 100),
)
VARIED = (
    Column("pairwise", "pairwise_diversity"),
    Column("people's", "pairwise_diversity", people=True),
    Column("structural", "structural_diversity"),
    Column("people's", "structural_diversity", people=True),
    Column("majority choice, %", "majority_choice_rate", 100),
    Column("people's", "majority_choice_rate", 100, people=True),
    Column("spread ratio", "spread_ratio", digits=2),
    Column("target rank", "target_rank"),
)


def every_respondent(surveys: Surveys) -> str:
    """All models and strategies, each over the communities and questions that it has."""
    close, varied = [], []
    for found in surveys.alone:
        for who in found.respondents:
            head = [f"{who[0]}, `{who[1]}`", *_size(found, who)]
            close.append([*head, *(column.of(found, who) for column in CLOSE)])
            if found.row("pairwise_diversity", who):
                varied.append([head[0], head[1], *(column.of(found, who) for column in VARIED)])
    n = len(surveys.survey.communities)
    parts = [
        "### Every recorded model",
        "Answers read by the strict parser, which counts a refusal as a refusal. Each line over"
        " the communities that the file has; lines with other communities, questions or"
        " strategies cannot be compared. `culture_unaware` names no country and is compared with"
        " each people of `culture_aware`; strategies with `self_alignment` show the model real"
        " answers of that country to similar questions.",
        table(
            ["model, strategy", "communities", "answers", *(column.title for column in CLOSE)],
            close,
        ),
        "The variety of the answers in several names, compared with the people of the same"
        " communities. *Majority choice*: share of the communities with the most frequent answer"
        " to a question. *Spread ratio*: standard deviation over communities against the"
        f" people's. *Target rank*: the rank of the intended people among all {n} by nearness; 1"
        f" is right, {(n + 1) / 2:.0f} is chance. Diversities of other sets of communities cannot"
        " be compared.",
        table(["model, strategy", "communities", *(column.title for column in VARIED)], varied),
        *_strategies(surveys),
        folded("What was read", _files(surveys)),
    ]
    return "\n\n".join(parts)


def _size(found: Evaluation, who: Who) -> list[str]:
    asked = found.asked(who)
    places = [c for c in asked if c is not None]
    where = (
        f"{len(places)}"
        if len(places) > 1
        else places[0]
        if places
        else f"none named; {len(found.communities)}"
    )
    return [where, f"{asked.total():,}"]


def _strategies(surveys: Surveys) -> Iterator[str]:
    """Paired differences of strategies within a model."""
    rows = [
        [
            f"{r.model}, `{r.strategy}` minus `{r.baseline_strategy}`",
            r.community or f"{len(found.communities)}",
            shown(r, signed=True),
            *(
                shown(found.beside(r, metric), 100, signed=True)
                for metric in (CLOSENESS, EXACT, REFUSALS)
            ),
        ]
        for found in surveys.alone
        for r in found.strategies()
    ]
    if rows:
        yield "The effect of a strategy within a model, on the same communities and questions:"
        yield table(
            [
                "strategies",
                "communities",
                "CAS",
                "closeness, points",
                "exact, points",
                "refused, points",
            ],
            rows,
        )


def _files(surveys: Surveys) -> str:
    """Rows read from each file, and how its options are numbered."""
    rows = []
    for found in surveys.alone:
        data = found.run.record["data"]["answers"]
        numbering = [n for n in data["notes"] if "options taken as numbered" in n]
        dropped = ", ".join(f"{n:,} {reason}" for reason, n in data["dropped"].items()) or "none"
        for name, digest in data["files"].items():
            told = "; ".join(
                n.partition("options taken as ")[2].partition(":")[0] for n in numbering
            )
            rows.append([name, f"{data['read']:,}", dropped, told, f"`{digest[:16]}`"])
    return table(["file", "answers", "dropped", "options", "SHA-256"], rows)


def five_communities(surveys: Surveys) -> str:
    """The models that answered for the same five communities, and reference points, by question."""
    found, models = surveys.shared, surveys.models
    who = [*models, *POINTS]
    columns = [
        *CLOSE[:4],
        *(c for c in VARIED if not c.people and c.metric != "majority_choice_rate"),
    ]
    rows = [
        [name if name in models else f"*{name}*", *(c.of(found, (name, PROMPT)) for c in columns)]
        for name in who
    ]
    rows.append([f"*{CHANCE}*", *(c.of(found, (CHANCE, None)) for c in columns)])
    parts = [
        "### The same five communities",
        f"{len(models)} models answered in the names of {', '.join(named(c) for c in FIVE)},"
        " under one strategy, to the same questions. In italics: reference points, put through"
        " the same evaluation. *Others' common answer* is the answer most given in the"
        f" {len(surveys.survey.communities) - 1} other countries; *{OWN}* is the best that a"
        " single answer can do, and its similarity the highest that single answers can reach.",
        table(["", *(c.title for c in columns)], rows),
        "Paired differences on common questions, CAS: the model of the line minus that of the "
        "column.",
        _differences(surveys),
        "The same against *others' common answer*, by each measure:",
        _against_others(surveys),
        f"{len(models) * (len(models) - 1) // 2} pairs of models are compared without a "
        "correction for their number: among true differences of 0, one in twenty has an interval "
        "without 0.",
    ]
    return "\n\n".join(parts)


def _differences(surveys: Surveys) -> str:
    models = surveys.models
    rows = [
        [
            a,
            *(
                shown(surveys.shared.gain(ALIGNMENT, a, b), signed=True) if j > i else ""
                for j, b in _later(models)
            ),
        ]
        for i, a in enumerate(models[:-1])
    ]
    return table(["", *models[1:]], rows)


def _later(models: Sequence[str]) -> list[tuple[int, str]]:
    return list(enumerate(models))[1:]


def _against_others(surveys: Surveys) -> str:
    rows = []
    for model in surveys.models:
        gains = [(surveys.shared.gain(c.metric, model, OTHERS), c.scale) for c in CLOSE[:4]]
        rows.append(
            [
                model,
                *(f"{shown(g, scale, signed=True)} {verdict(g).split()[0]}" for g, scale in gains),
            ]
        )
    return table(["", "CAS", "closeness, points", "exact, points", "similarity, points"], rows)


def communities_section(surveys: Surveys) -> str:
    """The score of every respondent for every community."""
    several = [
        (e, who) for e in surveys.alone for who in e.respondents if len(_compared(e, who)) > 1
    ]
    whole = max(surveys.alone, key=lambda e: len(e.communities))
    rows = [
        [
            named(c),
            *(shown(e.row(ALIGNMENT, who, c)) for e, who in several),
            shown(whole.row(ALIGNMENT, (OTHERS, None), c)),
        ]
        for c in surveys.survey.communities
    ]
    heads = [
        "community",
        *(f"{model}, `{strategy}`" for _, (model, strategy) in several),
        f"*{OTHERS}*",
    ]
    title = f"CAS of every model for every community; {OTHERS} over the questions of {PROMPT}"
    return folded(title, table(heads, rows))


def _compared(found: Evaluation, who: Who) -> list[str]:
    return [c for c in found.communities if found.row(ALIGNMENT, who, c)]


def readme_text(surveys: Surveys) -> str:
    """Models and reference points on the five communities, in short."""
    found, columns = surveys.shared, (CLOSE[0], CLOSE[2], VARIED[0])
    rows = [[name, *(c.of(found, (name, PROMPT)) for c in columns)] for name in surveys.models]
    rows += [
        [f"*{name}*", *(c.of(found, (name, PROMPT)) for c in columns)] for name in (OTHERS, OWN)
    ]
    verdicts = [verdict(found.gain(EXACT, m, OTHERS)) for m in surveys.models]
    return "\n\n".join([
        f"Recorded answers of {len(surveys.models)} models in the names of {_names(FIVE)}, to the"
        " same questions of the World Values Survey:",
        table(["", "score (CAS)", "exact answers, %", "pairwise diversity"], rows),
        "*Others' common answer* gives every people the most common answer of the other"
        f" countries, and so does not depend on it; by exact answers {verdicts.count('behind')}"
        f" of {len(verdicts)} models are behind it."
        " [More](docs/results.md#language-models-as-respondents-of-surveys).",
    ])  # fmt: skip


def _names(communities: Sequence[str]) -> str:
    *some, last = (community(c).name for c in communities)
    return f"{', '.join(some)} and {last}"
