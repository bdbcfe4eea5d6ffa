"""Evaluations of the recorded answers, and how to look up a number in them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from pages.reading import Measured
from pluralign.core import NotEnoughData, RecordedAnswer, Survey, Tally, answer_row, rng_for
from pluralign.evaluation.surveys import (
    ALIGNMENT,
    Peoples,
    SurveyDifferenceRow,
    SurveyRow,
    anchor_answers,
    anchor_rows,
)
from pluralign.evaluation.surveys.anchors import MEAN, MIDDLE, OTHERS
from pluralign.metrics import draw_questions
from pluralign.runs import RunFolder, SurveyRun, open_run, read_rows
from pluralign.sources import ShareTable, read_answers
from pluralign.surveying.survey_evaluation import evaluate_answers

FIVE = ("BRA", "CHN", "MEX", "NGA", "NZL")
"""Communities that every model was asked to answer for."""
PROMPT = "respondent_of"
LLAMA = "llama-3-8b-instruct"
OWN = "their own common answer"
POINTS = (MIDDLE, OTHERS, MEAN, OWN)
"""Reference points that answer like respondents, to be compared with models by question."""
VALUES_ONLY = 200
"""Draws where no interval is shown."""
Who = tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One evaluation, as ``pluralign survey evaluate`` writes it.

    Attributes:
        run: Its record, results and comparisons.
        answers: The answers as read.
    """

    run: SurveyRun
    answers: Sequence[Mapping[str, Any]]

    def row(self, metric: str, who: Who, community: str | None = None) -> SurveyRow | None:
        """A number; None where it was not measured.

        A respondent for one community has no average but that one.
        """
        exact = self.run.value(metric, *who, community)
        if exact is not None or community is not None:
            return exact
        own = [r for r in self.run.results if (r.metric, r.model, r.strategy) == (metric, *who)]
        return own[0] if len(own) == 1 else None

    def people(self, metric: str, who: Who) -> SurveyRow | None:
        """A diversity of the people whom a respondent spoke for."""
        return self.row(metric, (f"people: {who[0]}", who[1]))

    def gain(
        self, metric: str, left: str, right: str, community: str | None = None
    ) -> SurveyDifferenceRow:
        """The paired difference of two models, left minus right, on average where none is named.

        Raises:
            NotEnoughData: If the two were not compared.
        """
        for r in self.run.comparisons:
            about = (r.metric, r.community, r.strategy, r.baseline_strategy)
            if about == (metric, community, PROMPT, PROMPT):
                if (r.model, r.baseline_model) == (left, right):
                    return r
                if (r.model, r.baseline_model) == (right, left):
                    return _turned(r)
        raise NotEnoughData(f"{left} and {right} were not compared by {metric}")

    def beside(self, row: SurveyDifferenceRow, metric: str) -> SurveyDifferenceRow:
        """The row of another metric that compares the same respondents for the same community."""
        return next(
            r for r in self.run.comparisons if _compared(r) == (metric, *_compared(row)[1:])
        )

    def strategies(self) -> list[SurveyDifferenceRow]:
        """Score of a strategy minus that of a model's first one.

        On average, or for the one community that the strategy has.
        """
        found = []
        for r in self.run.comparisons:
            if r.model == r.baseline_model and r.metric == ALIGNMENT:
                alone = len(self.asked((r.model, r.strategy))) == 1
                if r.community is None or alone:
                    found.append(r)
        return found

    @property
    def respondents(self) -> list[Who]:
        """Models with their strategies, in the order of the files, without reference points."""
        found = dict.fromkeys((r["model"], r["strategy"]) for r in self.answers)
        return [who for who in found if who[0] not in POINTS]

    def asked(self, who: Who) -> Counter[str | None]:
        """How many answers a respondent gave in the name of each community.

        The key None counts asks that named no community.
        """
        return Counter(r["community"] for r in self.answers if (r["model"], r["strategy"]) == who)

    @property
    def communities(self) -> list[str]:
        """Ids of the communities compared with."""
        return list(self.run.settings["evaluate"]["communities"])


@dataclass(frozen=True, slots=True)
class Points:
    """Reference points over all questions of the survey, against all other countries in it."""

    rows: Sequence[SurveyRow]

    def row(self, metric: str, who: Who, community: str | None = None) -> SurveyRow | None:
        """A number of a reference point."""
        for r in self.rows:
            if (r.metric, r.model, r.community) == (metric, who[0], community):
                return r
        return None


@dataclass(frozen=True, slots=True)
class Surveys:
    """All evaluations of the page.

    Attributes:
        survey: People's answers, without Q223 and the questions about the person, as in CultureSPA.
        alone: Every file of answers by itself, over all communities it has, strictly read.
        shared: The models that answered for the five communities, and reference points, together.
        published: Llama's answers, read as CultureSPA does.
        printed: The other models' numbers as printed against the code of the gold option, over all
            questions asked.
        corrected: The same with options numbered from 1 everywhere, as the models saw them.
        points: Scores of answers that use no knowledge, or full knowledge, of a people.
    """

    survey: Survey
    alone: Sequence[Evaluation]
    shared: Evaluation
    published: Evaluation
    printed: Evaluation
    corrected: Evaluation
    points: Points

    @property
    def models(self) -> list[str]:
        """Models that answered for the five communities, the highest score first."""
        averages = [
            r for r in self.shared.run.results if r.metric == ALIGNMENT and r.community is None
        ]
        score = {r.model: r.value for r in averages}
        return sorted((model for model, _ in self.shared.respondents), key=lambda m: -score[m])


def evaluate_all(data: Path, runs: Path, draws: int = 2000) -> Surveys:
    """Evaluate every file of recorded answers; each evaluation leaves its folder.

    Args:
        data: Folder with ``llm_answers`` and ``wvs``.
        runs: Where the folders go.
        draws: Draws of questions for the intervals.

    Raises:
        NotEnoughData: If the answers are not there.
    """
    files = sorted((data / "llm_answers").glob("*.jsonl.gz"))
    llama = [f for f in files if f.name.startswith(LLAMA)]
    others = [f for f in files if f not in llama]
    if not llama or not others:
        raise NotEnoughData("no recorded answers", where=str(data / "llm_answers"))
    source, whole = ShareTable(data / "wvs"), ShareTable(data / "wvs", exclude_questions=())
    survey = source.survey()
    points = _write_points(survey, _asked(others, survey), runs / "reference-points.jsonl")
    published = {"parser": "published", "communities": FIVE, "draws": VALUES_ONLY}
    return Surveys(
        survey,
        [
            _evaluated([f], source, runs / f.name.removesuffix(".jsonl.gz"), draws=draws)
            for f in files
        ],
        _evaluated(
            [points, *others], source, runs / "five-communities", communities=FIVE, draws=draws
        ),
        _evaluated(
            llama, source, runs / "published-culturespa", parser="published", draws=VALUES_ONLY
        ),
        _evaluated(others, whole, runs / "published-as-printed", numbering="codes", **published),
        _evaluated(others, whole, runs / "published-corrected", numbering="one", **published),
        _points(survey, draws),
    )


def _points(survey: Survey, draws: int) -> Points:
    questions = list(survey.questions)
    peoples = Peoples.of(survey, questions, survey.communities, Tally())
    counts = draw_questions(len(questions), rng_for(0, "questions"), draws)
    return Points(list(anchor_rows(peoples, counts)))


def _evaluated(files: Sequence[Path], source: ShareTable, out: Path, **how: Any) -> Evaluation:
    evaluate_answers(files, source, out, **how)
    run = open_run(out)
    assert isinstance(run, SurveyRun)
    return Evaluation(run, read_rows(run.file("answers.jsonl")))


def _turned(row: SurveyDifferenceRow) -> SurveyDifferenceRow:
    """The same difference, right minus left."""
    low = None if row.high is None else -row.high
    high = None if row.low is None else -row.low
    return replace(row, value=-row.value, low=low, high=high)


def _compared(row: SurveyDifferenceRow) -> tuple[str | None, ...]:
    """The metric, the two respondents and the community of a difference."""
    left, right = (row.model, row.strategy), (row.baseline_model, row.baseline_strategy)
    return row.metric, *left, *right, row.community


def _asked(files: Sequence[Path], survey: Survey) -> list[str]:
    put = {answer.question for answer in read_answers(files, Tally())}
    return [q for q in survey.questions if q in put]


def _write_points(survey: Survey, questions: Sequence[str], path: Path) -> Path:
    """Recorded answers of the reference points; others are all communities of the survey."""
    peoples = Peoples.of(survey, questions, survey.communities, Tally())
    chances = dict(anchor_answers(peoples))
    options = np.arange(peoples.probs_C_Q_O.shape[2])
    chances[OWN] = (peoples.gold_C_Q[:, :, None] == options).astype(float)
    rows = []
    for point in POINTS:
        for community in FIVE:
            c = peoples.communities.index(community)
            for q, id_ in enumerate(questions):
                known = point not in (OWN, MEAN) or not np.isnan(peoples.gold_C_Q[c, q])
                if known and chances[point][c, q].any():
                    codes = survey.questions[id_].codes
                    text = codes[int(chances[point][c, q].argmax())]
                    rows.append(
                        answer_row(
                            RecordedAnswer(point, PROMPT, community, id_, text, labels=codes)
                        )
                    )
    RunFolder(path.parent).write_rows(path.name, rows)
    return path


def shown(row: Measured | None, scale: float = 1, *, signed: bool = False, digits: int = 1) -> str:
    """A number with its interval.

    >>> from pluralign.core import Estimate
    >>> shown(Estimate(0.615, 0.58, 0.65, n=10), 100)
    '61.5 [58.0, 65.0]'
    """
    if row is None:
        return "-"
    form = f"{{:{'+' if signed else ''}.{digits}f}}"
    value = form.format(scale * row.value)
    if row.low is None or row.high is None:
        return value
    return f"{value} [{form.format(scale * row.low)}, {form.format(scale * row.high)}]"
