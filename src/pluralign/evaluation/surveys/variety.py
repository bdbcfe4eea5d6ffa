"""Variety of answers in several communities' names; effects of order, wording and language."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np

from pluralign.core import FloatArray
from pluralign.evaluation.surveys.answer_tables import AnswerTable, Peoples
from pluralign.evaluation.surveys.facets import changes
from pluralign.evaluation.surveys.read_answers import ReadAnswer
from pluralign.evaluation.surveys.survey_rows import SurveyRow, row_of
from pluralign.metrics import (
    Drawn,
    choice_pool,
    draw_ratios,
    drawn_distances,
    majority_choice,
    pair_errors,
    spanning_length,
    spread,
    square,
)

PEOPLE = "people"


def variety_rows(
    table: AnswerTable, peoples: Peoples, counts_B_Q: FloatArray
) -> Iterator[SurveyRow]:
    """Diversities of respondents that answer for several communities, and of those communities.

    The people's rows have the respondent's strategy, and its name behind ``people:``, for each is
    measured on the communities that the respondent was asked for.

    Args:
        table: The answers.
        peoples: The people's answers.
        counts_B_Q: Draws of questions.
    """
    for (model, strategy), profiles in table.groups().items():
        named = _by_community(table, peoples, profiles)
        if len(named) < 2:
            continue
        value, gold = _values(table, peoples, named)
        ours = _diversities(value, peoples, counts_B_Q)
        ours |= _spread_ratio(value, gold, peoples, counts_B_Q)
        theirs = _diversities(gold, peoples, counts_B_Q)
        for who, measured in ((model, ours), (f"{PEOPLE}: {model}", theirs)):
            for metric, number in measured.items():
                yield row_of(metric, who, strategy, None, number)


def variety_difference_rows(
    table: AnswerTable,
    peoples: Peoples,
    counts_B_Q: FloatArray,
    left: tuple[str, str],
    right: tuple[str, str],
) -> Iterator[dict[str, object]]:
    """Paired differences in diversity of two respondents, over communities both answer for.

    Args:
        table: The answers.
        peoples: The people's answers.
        counts_B_Q: Draws of questions.
        left: Model and strategy.
        right: The respondent it is compared with; above 0 ``left`` is more diverse (or, for the
            majority rate, less).

    Yields:
        Rows with ``baseline_model`` and ``baseline_strategy``.
    """
    groups = table.groups()
    ours, theirs = (_by_community(table, peoples, groups[who]) for who in (left, right))
    both = [c for c in ours if c in theirs]
    if len(both) < 2:
        return
    found = []
    for own in (ours, theirs):
        value, gold = _values(table, peoples, {c: own[c] for c in both})
        found.append(
            _diversities(value, peoples, counts_B_Q)
            | _spread_ratio(value, gold, peoples, counts_B_Q)
        )
    for metric, number in found[0].items():
        if metric in found[1]:
            row = row_of(metric, *left, None, number - found[1][metric])
            yield row.as_dict(baseline_model=right[0], baseline_strategy=right[1])


def _by_community(table: AnswerTable, peoples: Peoples, profiles: Sequence[int]) -> dict[str, int]:
    """Community -> the profile that speaks for it, where its people are known."""
    named = {str(table.profiles[p][2]): p for p in profiles}
    return {c: p for c, p in named.items() if c in peoples.communities}


def _values(
    table: AnswerTable, peoples: Peoples, named: Mapping[str, int]
) -> tuple[FloatArray, FloatArray]:
    """Answers and golds of communities, shape (P, Q); golds of the answered questions only."""
    column = {c: i for i, c in enumerate(peoples.communities)}
    value = table.base_values(list(named.values()), len(peoples.questions))
    gold = peoples.gold_C_Q[[column[c] for c in named]]
    return value, np.where(np.isnan(value).all(axis=0), np.nan, gold)


def effect_rows(
    table: AnswerTable, peoples: Peoples, counts_B_Q: FloatArray
) -> Iterator[SurveyRow]:
    """How often answers change with order, wording, language, and the community named.

    Each is the share of pairs of readable answers to one question that name different options, the
    pairs differing in that one thing only; so the size of artefacts can be read against the size of
    the effect of culture. With several orders, ``position_bias`` is how much more often than
    chance the option shown first is taken.
    """
    place = {q: i for i, q in enumerate(peoples.questions)}
    groups: dict[tuple[str, str], list[ReadAnswer]] = defaultdict(list)
    for one in table.rows:
        groups[one.answer.model, one.answer.strategy].append(one)
    for (model, strategy), own in groups.items():
        for facet in ("order", "paraphrase", "language", "culture"):
            top, bottom = changes(own, facet, place)
            if bottom.any():
                effect = _ratio(top, bottom, counts_B_Q)
                yield row_of(f"{facet}_effect", model, strategy, None, effect)
        top, bottom = _first_places(own, place)
        if bottom.any():
            bias = _ratio(top, bottom, counts_B_Q)
            yield row_of("position_bias", model, strategy, None, bias)


def _first_places(
    answers: Sequence[ReadAnswer], place: Mapping[str, int]
) -> tuple[FloatArray, FloatArray]:
    """By question asked in several orders: excess of first options over chance, and answers."""
    readable = [one for one in answers if one.number is not None]
    orders: dict[str, set[tuple[int, ...]]] = defaultdict(set)
    for one in readable:
        orders[one.answer.question].add(one.answer.order)
    top, bottom = np.zeros(len(place)), np.zeros(len(place))
    for one in readable:
        question, order = one.answer.question, one.answer.order
        if len(orders[question]) > 1 and order:
            # Where the first option is taken one time in as many as there are, the sum is 0.
            top[place[question]] += (order[0] == one.number) - 1 / len(order)
            bottom[place[question]] += 1
    return top, bottom


def _diversities(value: FloatArray, peoples: Peoples, counts_B_Q: FloatArray) -> dict[str, Drawn]:
    error, scale = pair_errors(value, peoples.n_options_Q)
    if not scale.any(axis=1).all():
        return {}
    answered = int((~np.isnan(value)).any(axis=0).sum())
    distance, draws = drawn_distances(error, scale, counts_B_Q)
    structure = spanning_length(square(distance[None], len(value)))
    structure_B = spanning_length(square(draws, len(value)))
    found = {
        "pairwise_diversity": Drawn(float(distance.mean()), draws.mean(axis=1), answered),
        "structural_diversity": Drawn(float(structure[0]), structure_B, answered),
        "answer_diversity": _ratio(*_apart(value, peoples), counts_B_Q),
    }
    for metric, per_question in (
        ("majority_choice_rate", majority_choice(value)),
        ("choice_pool_size", choice_pool(value)),
    ):
        there = ~np.isnan(per_question)
        found[metric] = _ratio(np.nan_to_num(per_question), there.astype(float), counts_B_Q)
    return found


def _apart(value: FloatArray, peoples: Peoples) -> tuple[FloatArray, FloatArray]:
    """Distances of every two personas' answers by question, and the pairs; D(M) is their ratio."""
    top, bottom = np.zeros(value.shape[1]), np.zeros(value.shape[1])
    for i, j in combinations(range(len(value)), 2):
        distance = np.abs(value[i] - value[j])
        there = ~np.isnan(distance)
        scaled = np.where(peoples.nominal_Q, distance > 0, distance / (peoples.n_options_Q - 1))
        top += np.where(there, scaled, 0)
        bottom += there
    return top, bottom


def _spread_ratio(
    value: FloatArray, gold: FloatArray, peoples: Peoples, counts_B_Q: FloatArray
) -> dict[str, Drawn]:
    """Standard deviation over communities relative to the people's; below 1 is flattening."""
    ours, theirs = spread(value, peoples.n_options_Q), spread(gold, peoples.n_options_Q)
    there = ~np.isnan(ours + theirs)
    top, bottom = np.where(there, ours, 0), np.where(there, theirs, 0)
    if bottom.sum() <= 0:
        return {}
    draws = np.sqrt(draw_ratios(top[None], bottom[None], counts_B_Q))[:, 0]
    ratio = Drawn(float(np.sqrt(top.sum() / bottom.sum())), draws, int(there.sum()))
    return {"spread_ratio": ratio}


def _ratio(top: FloatArray, bottom: FloatArray, counts_B_Q: FloatArray) -> Drawn:
    """A ratio of sums over questions, with its draws and the questions that count."""
    draws = draw_ratios(top[None], bottom[None], counts_B_Q)[:, 0]
    return Drawn(float(top.sum() / bottom.sum()), draws, int((bottom > 0).sum()))
