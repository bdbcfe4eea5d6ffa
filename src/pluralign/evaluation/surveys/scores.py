"""Scores of each respondent against each people, and the people that its answers are nearest to."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from pluralign.core import BoolArray, FloatArray, IntArray
from pluralign.evaluation.surveys.answer_tables import AnswerTable, Peoples
from pluralign.evaluation.surveys.survey_rows import Series, SurveyRow, row_of
from pluralign.metrics import (
    answer_closeness,
    draw_ratios,
    jensen_shannon_distance,
    squared_errors,
    target_rank,
    wasserstein,
)

ALIGNMENT = "cultural_alignment_score"
"""Metric: CultureSPA's published score."""
EXACT = "exact_accuracy"
"""Metric: share of the questions whose answer is the most frequent one of the people."""
CLOSENESS = "answer_closeness"
"""Metric: 1 minus the distance to the people's most frequent answer, in parts of the scale."""
REFUSALS = "refusal_rate"
"""Metric: share of the answers that are refusals."""
SIMILARITY = "similarity"
"""Metric: 1 minus the Jensen-Shannon distance of the answers and those of the people."""
WASSERSTEIN, RANK = "wasserstein", "target_rank"
UNFINISHED_RATE = "unfinished_rate"
"""Metric: share of the answers without an option that were cut off or withheld."""
Sums = tuple[FloatArray, FloatArray]


@dataclass(frozen=True, slots=True)
class SurveySums:
    """The sums behind every score, for every profile against the peoples it is compared with.

    Attributes:
        table: The answers.
        peoples: The people's answers.
        counts_B_Q: Draws of questions, the same for all.
        pairs: (Profile, column of the people) of each series.
        sums: Metric -> numerators and denominators by question, shape (S, Q).
    """

    table: AnswerTable
    peoples: Peoples
    counts_B_Q: FloatArray
    pairs: Mapping[tuple[int, int], int]
    sums: Mapping[str, Sums] = field(repr=False)

    @staticmethod
    def of(
        table: AnswerTable, peoples: Peoples, counts_B_Q: FloatArray, *, everyone: bool = False
    ) -> "SurveySums":
        """Sum what every answer adds to every score.

        Args:
            table: The answers.
            peoples: The people's answers.
            counts_B_Q: Draws of questions.
            everyone: Compare every profile with every people, by the cultural alignment score
                alone; else an answer that named a community is compared with that one, and one that
                named none with all of them.
        """
        column = {c: i for i, c in enumerate(peoples.communities)}
        pairs: dict[tuple[int, int], int] = {}
        parts = []
        for p, (_, _, community) in enumerate(table.profiles):
            if everyone or community is None:
                columns = list(column.values())
            else:
                columns = [column[community]]
            pairs |= {(p, c): len(pairs) + k for k, c in enumerate(columns)}
            parts.append(_profile_sums(table, peoples, p, columns, everyone))
        sums = {}
        for metric in parts[0]:
            tops, bottoms = zip(*(part[metric] for part in parts), strict=True)
            sums[metric] = (np.concatenate(tops), np.concatenate(bottoms))
        return SurveySums(table, peoples, counts_B_Q, pairs, sums)

    def series(self, metric: str) -> Series:
        """One metric, all series."""
        return series_of(metric, self.sums[metric], self.counts_B_Q)

    def places(self, model: str, strategy: str) -> dict[str, int]:
        """Community -> the series of a respondent against it."""
        found = {}
        for (p, c), s in self.pairs.items():
            if self.table.profiles[p][:2] == (model, strategy):
                found[self.peoples.communities[c]] = s
        return found


def series_of(metric: str, sums: Sums, counts_B_Q: FloatArray) -> Series:
    """Values and draws of a metric from its sums; the alignment score takes square roots."""
    top, bottom = sums
    with np.errstate(invalid="ignore", divide="ignore"):
        value = np.where(bottom.sum(axis=1) > 0, top.sum(axis=1) / bottom.sum(axis=1), np.nan)
    draws = draw_ratios(top, bottom, counts_B_Q)
    if metric == ALIGNMENT:
        value, draws = 100 * (1 - np.sqrt(value)), 100 * (1 - np.sqrt(draws))
    return Series(value, draws, (bottom > 0).sum(axis=1))


def score_rows(scored: SurveySums) -> Iterator[SurveyRow]:
    """Every metric of every respondent, for each community and on average over them.

    The rate of unfinished answers is left out where every answer is finished.
    """
    for metric in scored.sums:
        if metric == UNFINISHED_RATE and not scored.sums[metric][0].any():
            continue
        series = scored.series(metric)
        for model, strategy in scored.table.groups():
            places = scored.places(model, strategy)
            if not places:
                continue
            yield from series.rows(
                metric, [(model, strategy, c) for c in places], list(places.values())
            )
            if len(places) > 1:
                mean = series.mean(list(places.values()))
                if mean is not None:
                    yield row_of(metric, model, strategy, None, mean)


def rank_rows(scored: SurveySums) -> Iterator[SurveyRow]:
    """Rank of the community named among all peoples, by nearness to the answers in its name.

    Args:
        scored: Of every profile against everyone.
    """
    width = len(scored.peoples.communities)
    if width < 2:
        return
    distance = scored.series(ALIGNMENT)
    column = {c: i for i, c in enumerate(scored.peoples.communities)}
    for (model, strategy), named in scored.table.groups().items():
        if not named:
            continue
        places = np.array([_against_all(scored, p) for p in named])
        target = np.array([column[str(scored.table.profiles[p][2])] for p in named])
        # A high score is near; without a score a people ranks last.
        value = target_rank(-np.nan_to_num(distance.value_S[places], nan=-np.inf), target)
        draws = target_rank(-np.nan_to_num(distance.draws_B_S[:, places], nan=-np.inf), target)
        series = Series(value, draws, distance.n_S[places[np.arange(len(named)), target]])
        yield from series.rows(
            RANK, [(model, strategy, scored.table.profiles[p][2]) for p in named]
        )
        if len(named) > 1:
            mean = series.mean(range(len(named)))
            if mean is not None:
                yield row_of(RANK, model, strategy, None, mean)


def _against_all(scored: SurveySums, profile: int) -> list[int]:
    """The series of a profile against each people, in their order."""
    return [scored.pairs[profile, c] for c in range(len(scored.peoples.communities))]


def nearest_people(scored: SurveySums) -> list[dict[str, object]]:
    """For every profile that names a community: which people its answers are nearest to.

    Args:
        scored: Of every profile against everyone.
    """
    value = scored.series(ALIGNMENT).value_S
    found: list[dict[str, object]] = []
    for p, (model, strategy, community) in enumerate(scored.table.profiles):
        own = value[_against_all(scored, p)]
        if community is not None and not np.isnan(own).all():
            nearest = scored.peoples.communities[int(np.nanargmax(own))]
            found.append(
                {"model": model, "strategy": strategy, "community": community, "nearest": nearest}
            )
    return found


def difference_rows(
    scored: SurveySums, metrics: Sequence[str], left: tuple[str, str], right: tuple[str, str]
) -> Iterator[dict[str, object]]:
    """Paired differences between two respondents on the questions that both answered readably.

    Args:
        scored: The sums.
        metrics: Which metrics.
        left: Model and strategy.
        right: The respondent it is compared with; above 0 ``left`` has the higher number.

    Yields:
        Rows with ``baseline_model`` and ``baseline_strategy``, for each community both have and on
        average.
    """
    ours, theirs = scored.places(*left), scored.places(*right)
    both = [c for c in ours if c in theirs]
    if not both:
        return
    for metric in metrics:
        a, b = _take(scored.sums[metric], ours, both), _take(scored.sums[metric], theirs, both)
        common = (a[1] > 0) & (b[1] > 0)
        first = series_of(metric, (a[0] * common, a[1] * common), scored.counts_B_Q)
        second = series_of(metric, (b[0] * common, b[1] * common), scored.counts_B_Q)
        series = first - second
        baseline = {"baseline_model": right[0], "baseline_strategy": right[1]}
        for row in series.rows(metric, [(*left, c) for c in both]):
            yield row.as_dict(**baseline)
        if len(both) > 1:
            mean = series.mean(range(len(both)))
            if mean is not None:
                yield row_of(metric, *left, None, mean).as_dict(**baseline)


def _take(sums: Sums, places: Mapping[str, int], communities: Sequence[str]) -> Sums:
    rows = [places[c] for c in communities]
    return sums[0][rows], sums[1][rows]


def _profile_sums(
    table: AnswerTable, peoples: Peoples, p: int, columns: Sequence[int], alone: bool
) -> dict[str, Sums]:
    """Numerators and denominators of one profile's metrics against some peoples, shape (C, Q)."""
    mine = table.profile_N == p
    question_N, number_N = table.question_N[mine], table.number_N[mine]
    gold_C_N, size = peoples.gold_C_Q[columns][:, question_N], len(peoples.questions)
    error, scale = squared_errors(number_N, gold_C_N, peoples.n_options_Q[question_N])
    if alone:
        return {ALIGNMENT: (_by(question_N, error, size), _by(question_N, scale, size))}
    there = scale > 0
    exact = np.where(there, number_N == gold_C_N, False)
    close = answer_closeness(
        number_N, gold_C_N, peoples.n_options_Q[question_N], peoples.nominal_Q[question_N]
    )
    asked = np.broadcast_to(np.ones(number_N.size), gold_C_N.shape)
    unfinished_N = np.array(
        [table.rows[i].unfinished for i in np.flatnonzero(mine).tolist()], dtype=bool
    )
    found = {
        ALIGNMENT: (error, scale),
        EXACT: (exact, there),
        CLOSENESS: (np.nan_to_num(close), there),
        REFUSALS: (asked * (np.isnan(number_N) & ~unfinished_N), asked),
        UNFINISHED_RATE: (asked * unfinished_N, asked),
    }
    summed = {}
    for metric, (top, bottom) in found.items():
        summed[metric] = (_by(question_N, top, size), _by(question_N, bottom, size))
    return summed | _distribution_sums(table, peoples, mine, columns)


def _distribution_sums(
    table: AnswerTable, peoples: Peoples, mine: BoolArray, columns: Sequence[int]
) -> dict[str, Sums]:
    """Similarity and Wasserstein distance of the answers' distribution to the people's."""
    probs_Q_O = answer_shares(table, peoples, mine)
    probs_C_Q_O = np.broadcast_to(probs_Q_O, (len(columns), *probs_Q_O.shape))
    return distance_sums(probs_C_Q_O, peoples, columns)


def distance_sums(
    probs_C_Q_O: FloatArray, peoples: Peoples, columns: Sequence[int] | None = None
) -> dict[str, Sums]:
    """Similarity and Wasserstein distance of distributions to those of some peoples.

    Args:
        probs_C_Q_O: Distributions, one for each people; 0 where there is none.
        peoples: The people's answers.
        columns: Which peoples; all of them where None.
    """
    columns = range(len(peoples.communities)) if columns is None else columns
    answered_C_Q = (probs_C_Q_O.sum(axis=2) > 0) & ~np.isnan(peoples.gold_C_Q[columns])
    c, q = np.nonzero(answered_C_Q)
    similar, moved = np.zeros(answered_C_Q.shape), np.zeros(answered_C_Q.shape)
    if c.size:
        theirs, ours = peoples.probs_C_Q_O[np.asarray(columns)[c], q], probs_C_Q_O[c, q]
        similar[c, q] = 1 - jensen_shannon_distance(ours, theirs)
        # Rows are padded to the widest question, and the distance is divided by its scale.
        widest = peoples.probs_C_Q_O.shape[2]
        moved[c, q] = wasserstein(ours, theirs) * (widest - 1) / (peoples.n_options_Q[q] - 1)
    ordered_C_Q = answered_C_Q & ~peoples.nominal_Q
    return {
        SIMILARITY: (similar, answered_C_Q.astype(float)),
        WASSERSTEIN: (moved * ordered_C_Q, ordered_C_Q.astype(float)),
    }


def answer_shares(table: AnswerTable, peoples: Peoples, mine: BoolArray) -> FloatArray:
    """Mean probabilities or frequencies of one profile, shape (Q, O); zeros where unanswered."""
    total = np.zeros(peoples.probs_C_Q_O.shape[1:])
    told = []
    for i in np.flatnonzero(mine).tolist():
        measured, question = table.rows[i].answer.probs_O, table.question_N[i]
        if measured is not None and len(measured) == peoples.n_options_Q[question]:
            total[question, : len(measured)] += measured
        else:
            told.append(i)
    number, question_N = table.number_N[told], table.question_N[told]
    # A parser of published scores may read a number that no option has.
    real = (number >= 0) & (number < peoples.n_options_Q[question_N])
    # Not `+=`, which counts an option that is named several times only once.
    np.add.at(total, (question_N[real], number[real].astype(int)), 1)
    sums = total.sum(axis=1, keepdims=True)
    frequencies: FloatArray = np.divide(total, sums, out=np.zeros_like(total), where=sums > 0)
    return frequencies


def _by(question_N: IntArray, value_C_N: FloatArray, size: int) -> FloatArray:
    """Sums by question, shape (C, size)."""
    return np.stack(
        [np.bincount(question_N, value_N, size) for value_N in np.asarray(value_C_N, dtype=float)]
    )
